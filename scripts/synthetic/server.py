"""The embedded archive over HTTP: JSOC's addresses on this machine, for drms, sunpy and aiapy as they are.

``with running(state) as server: drms.Client(server.drms_config())`` is an archive of its own. Through ``http_proxy`` and
``HTTP_PROXY`` set to its address it also answers for jsoc.stanford.edu, and for no other host.
"""

import json
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from synthetic import addresses, exports, files, info
from synthetic.service import Limits, Service
from synthetic.storage import Spool
from synthetic.store import Store

HOSTS = {"jsoc.stanford.edu", "jsoc1.stanford.edu", "jsoc2.stanford.edu", "synthetic.invalid"}
CGI = "/cgi-bin/ajax/"
MAX_BODY = 65536
SPOOL_BYTES = 2 * 2**30
_CHUNK = 2**18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.A)
_WELCOME = b"<!doctype html><title>Synthetic archive</title><p>A synthetic archive that speaks JSOC's protocol: no observations.</p>"


class Server(ThreadingHTTPServer):
    """A server of the archive; `running` starts and ends one."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, service, port, log):
        self.service = service
        self.log = log
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def port(self):
        return self.server_address[1]

    @property
    def url(self):
        """Address of the server, with a slash at its end."""
        return f"http://127.0.0.1:{self.port}/"

    def drms_config(self):
        """A `drms.ServerConfig` for this server."""
        from drms import ServerConfig

        return ServerConfig(
            name="SYNTHETIC",
            cgi_baseurl=self.url.rstrip("/") + CGI,
            cgi_show_series="show_series",
            cgi_jsoc_info="jsoc_info",
            cgi_jsoc_fetch="jsoc_fetch",
            cgi_check_address="checkAddress.sh",
            cgi_show_series_wrapper="showextseries",
            show_series_wrapper_dbhost="hmidb2",
            http_download_baseurl=self.url,
        )

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.service.store.release()

    def handle_error(self, request, client_address):
        """A client that hangs up is no error; anything else is, and is shown."""
        import sys

        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection: reads a request, finds its endpoint, answers, and writes a line to the log."""

    protocol_version = "HTTP/1.1"
    server_version = "SyntheticArchive"
    sys_version = ""
    timeout = 120

    def do_GET(self):
        self.answer(self.path.partition("?")[2] if "?" in self.path else "")

    do_HEAD = do_GET

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self.send_text(413, "The form is too long.")
            return
        self.answer(self.rfile.read(int(length)).decode("utf-8", "replace"))

    def do_CONNECT(self):
        self.close_connection = True
        self.refuse_host()

    def answer(self, query):
        """Answer a request whose parameters are given as a query string."""
        self.sent = self.size = 0
        self.entry = {
            "verb": self.command,
            "op": "",
            "series": "",
            "target": "",
            "fault": None,
            "record": None,
            "request": None,
        }
        try:
            target = urlsplit(self.path)
        except ValueError:
            self.send_text(400, "The address cannot be read.")
            return
        if target.netloc and not self.is_known_host(target.hostname):
            self.refuse_host()
            return
        path = unquote(target.path)
        self.entry["target"] = path
        if path.startswith(CGI):
            self.answer_cgi(path.removeprefix(CGI), read_parameters(query))
        elif path == "/":
            self.send_body(200, _WELCOME, "text/html")
        else:
            self.answer_file(path)

    def answer_cgi(self, name, parameters):
        service = self.server.service
        endpoints = {
            "showextseries": lambda: info.showextseries(service, parameters),
            "show_series": lambda: info.show_series(service, parameters),
            "jsoc_info": lambda: info.jsoc_info(service, parameters),
            "jsoc_fetch": lambda: exports.jsoc_fetch(service, parameters, self.client_address[0]),
            "checkAddress.sh": lambda: addresses.check_address(service, parameters),
            "manage-request": lambda: addresses.manage_request(service, parameters),
        }
        self.entry["op"] = parameters.get("op", "") if name in ("jsoc_info", "jsoc_fetch") else name
        self.entry["series"] = re.match(r"[\w.]*", parameters.get("ds", "").strip()).group()
        if name not in endpoints:
            self.send_text(404, "No such endpoint.")
            return
        answer = endpoints[name]()
        self.entry["request"] = answer.get("requestid") or None
        self.send_json(answer)

    def answer_file(self, path):
        self.entry["op"] = "file"
        found = files.find_file(self.server.service, path)
        if found is None:
            self.send_text(404, "No such file.")
            return
        self.entry |= {"record": found.record, "request": found.request}
        with found.open() as source:
            self.send_file(source, found)

    def send_file(self, source, found):
        """Send a file, or the range of it that is asked for."""
        self.size = source.seek(0, 2)
        first, last, status = 0, self.size - 1, 200
        modified = self.date_time_string(found.modified)
        wanted = _RANGE.fullmatch(self.headers.get("Range", "").strip())
        if wanted and self.headers.get("If-Range", modified) == modified and any(wanted.groups()):
            start, end = wanted.groups()
            first = int(start) if start else max(self.size - int(end), 0)
            last = min(int(end), last) if start and end else last
            status = 206
            if first > last:
                self.send_head(416, "text/plain", 0, {"Content-Range": f"bytes */{self.size}"})
                self.finish_entry(416)
                return
        headers = {"Accept-Ranges": "bytes", "Last-Modified": modified}
        if status == 206:
            headers["Content-Range"] = f"bytes {first}-{last}/{self.size}"
        self.send_head(status, found.content_type, last - first + 1, headers)
        try:
            if self.command != "HEAD":
                self.copy(source, first, last - first + 1)
        finally:
            self.finish_entry(status)

    def copy(self, source, first, count):
        source.seek(first)
        while count and (chunk := source.read(min(_CHUNK, count))):
            self.wfile.write(chunk)
            self.sent += len(chunk)
            count -= len(chunk)

    def send_json(self, answer):
        self.send_body(200, json.dumps(answer).replace("/", "\\/").encode(), "application/json")

    def send_text(self, status, text):
        self.send_body(status, f"{text}\n".encode(), "text/plain")

    def send_body(self, status, body, content_type):
        self.size = len(body)
        self.send_head(status, content_type, len(body), {})
        if self.command != "HEAD":
            self.wfile.write(body)
            self.sent = len(body)
        self.finish_entry(status)

    def send_head(self, status, content_type, length, headers):
        self.send_response(status)
        for name, value in ({"Content-Type": content_type, "Content-Length": str(length)} | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def finish_entry(self, status):
        """Write the request's line to the log, in the state folder and for the reader; no address is in it."""
        now = self.server.service.now()
        self.server.service.store.add_log(time=now, status=status, bytes=self.sent, size=self.size, **self.entry)
        if self.server.log:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
            what = " ".join(
                filter(None, (self.entry["op"], self.entry["series"], self.entry["target"], self.entry["request"]))
            )
            fault = f" fault={self.entry['fault']}" if self.entry["fault"] else ""
            self.server.log(f"{stamp} {self.command} {what} {status} {self.sent}{fault}")

    def is_known_host(self, host):
        return host in HOSTS or host in ("127.0.0.1", "localhost")

    def refuse_host(self):
        self.sent = self.size = 0
        self.entry = {
            "verb": self.command,
            "op": "refused",
            "series": "",
            "target": "",
            "fault": None,
            "record": None,
            "request": None,
        }
        self.send_text(403, "This archive answers for JSOC's hosts only.")

    def log_message(self, *_):
        """Lines are written by `finish_entry`."""


def read_parameters(query):
    """Parameters of a query string. drms sends a parameter that is literally called ``process=n``; it belongs to ``process``."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    parameters = {}
    for name, value in pairs:
        if name == "process=n":
            name, value = "process", f"n={value}"
        parameters[name] = value
    return parameters


@contextmanager
def running(
    state,
    port=0,
    faults=None,
    registered=None,
    log=None,
    clock=None,
    *,
    model=None,
    staging=0.0,
    strict=False,
    limits=None,
):
    """Run the archive on a loopback port for as long as the context lasts.

    Parameters
    ----------
    state : path-like
        Folder of what the archive remembers; several servers may share it.
    port : int
        0 takes a free one.
    faults : path-like, optional
        File of faults to show (see `synthetic.faults`); by default the one that ``AIA_SYNTHETIC_FAULTS`` names, if any.
    registered : iterable of str, optional
        E-mail addresses that may export, besides those in ``.example``.
    log : callable, optional
        Takes one line of text per request.
    clock : callable, optional
        The present in Unix seconds; `time.time` by default.
    model : optional
        What the archive holds; `synthetic.model.Archive` by default.
    staging : float
        Seconds that an export request takes.
    strict : bool
        Refuse time texts that the real archive misreads.
    limits : synthetic.service.Limits, optional

    Yields
    ------
    Server
        With `url` and `drms_config()`.
    """
    clock = clock or time.time
    if model is None:
        from synthetic.model import Archive

        model = Archive(clock)
    service = Service(
        model=model,
        store=Store(state),
        spool=Spool(Path(state) / "spool", SPOOL_BYTES),
        now=clock,
        staging=staging,
        registered=set(registered or ()),
        strict=strict,
        limits=limits or Limits(),
    )
    server = Server(service, port, log)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
        service.store.close()
