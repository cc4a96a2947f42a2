"""One HTTP connection to the archive: read a request, find its endpoint, answer, and keep a line of it."""

import io
import json
import os
import re
import socket
import sqlite3
import struct
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, unquote, urlsplit

from synthetic_jsoc.protocol import addresses, exports, files, info, misbehaviour
from synthetic_jsoc.storage import storage_fault

HOSTS = {"jsoc.stanford.edu", "jsoc1.stanford.edu", "jsoc2.stanford.edu", "synthetic.invalid", "127.0.0.1", "localhost"}
CGI = "/cgi-bin/ajax/"
MAX_FORM = 65536
_CHUNK = 2**18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.A)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_SERIES = re.compile(r"\s*([A-Za-z0-9_.]{0,63})", re.A)
_WELCOME = (
    b"<!doctype html><title>Synthetic archive</title>"
    b"<p>This archive speaks JSOC's protocol. Everything in it is synthetic: no observation of the Sun.</p>\n"
)
_REPLACED = {
    "html200": (200, misbehaviour.HTML, "text/html"),
    "empty200": (200, b"", "application/json"),
    "http500": (500, misbehaviour.HTML, "text/html"),
    "http503": (503, misbehaviour.HTML, "text/html"),
    "404": (404, b"No such file.\n", "text/plain"),
}


class HangUpError(ConnectionError):
    """The connection was ended on purpose."""


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection; `server.service` is the archive, `server.faults` what it does wrong."""

    protocol_version = "HTTP/1.1"
    server_version = "SyntheticArchive"
    sys_version = ""
    timeout = 120
    disable_nagle_algorithm = True  # else a body waits until the client says that it has the head: 40 ms

    def do_GET(self):
        """Answer a GET, or without the body a HEAD."""
        self._exchange(self.path.partition("?")[2])

    do_HEAD = do_GET

    def do_POST(self):
        """Answer a form: the same parameters in the body."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_FORM:
            self.close_connection = True
            self._begin()
            self._send_text(413, "The form is too long.")
            return
        self._exchange(self.rfile.read(int(length)).decode("utf-8", "replace"))

    def do_CONNECT(self):
        """Refuse a tunnel: nothing leaves this machine."""
        self.close_connection = True
        self._begin()
        self._refuse_host()

    def _begin(self):
        self.rule, self.begun = None, False
        self.sent = self.size = 0
        self.entry = dict.fromkeys(("op", "series", "target"), "") | {
            "verb": self.command,
            "record": None,
            "request": None,
        }

    def _exchange(self, query):
        """Answer a request, or say that the state folder cannot be written to, if nothing has been sent yet."""
        self._begin()
        try:
            self._answer(query)
        except (OSError, sqlite3.OperationalError) as error:
            fault = storage_fault(error)
            if not fault or self.begun:
                raise
            self.close_connection = True
            self._headers_buffer = []  # of the answer that it was to be
            self.send_error(507, os.strerror(fault))

    def _answer(self, query):
        try:
            target = urlsplit(self.path)
            host = target.hostname
        except ValueError:
            self._send_text(400, "The address cannot be read.")
            return
        if target.netloc and host not in HOSTS:
            self._refuse_host()
            return
        path = unquote(target.path)
        self.entry["target"] = path
        if path.startswith(CGI):
            self._answer_cgi(path.removeprefix(CGI), read_parameters(query))
        elif path == "/":
            self._send_body(200, _WELCOME, "text/html")
        else:
            self._answer_file(path)

    def _refuse_host(self):
        self.entry["op"] = "refused"
        self._send_text(403, "This archive answers for the hosts of JSOC only.")

    def _answer_cgi(self, name, parameters):
        service = self.server.service
        op = parameters.get("op", "") if name in ("jsoc_info", "jsoc_fetch") else name
        series = _SERIES.match(parameters.get("ds", ""))[1] or service.store.series_of(parameters.get("requestid", ""))
        self.entry |= {"op": op[:40], "series": series, "request": parameters.get("requestid", "")[:40] or None}
        subject = parameters.get("requestid") or parameters.get("ds") or parameters.get("address", "")
        if self._meets_fault(op, series, subject=subject):
            return
        answer = misbehaviour.instead(service, self.rule, parameters) if self.rule else None
        if answer is None:
            if self.rule and self.rule.mode == "slow-staging":
                service = replace(service, staging=service.staging + self.rule["seconds"])
            answer = self._call(service, name, parameters)
        if answer is None:
            self._send_text(404, "No such endpoint.")
            return
        answer = misbehaviour.altered(self.rule, answer) if self.rule else answer
        self.entry["request"] = answer.get("requestid") or self.entry["request"]
        self._send_body(200, json.dumps(answer).replace("/", "\\/").encode(), "application/json")

    def _call(self, service, name, parameters):
        """The answer of an endpoint, or None if there is no such endpoint."""
        if name == "jsoc_fetch":
            return exports.jsoc_fetch(service, parameters, self.client_address[0])
        endpoints = {
            "showextseries": info.showextseries,
            "show_series": info.show_series,
            "jsoc_info": info.jsoc_info,
            "checkAddress.sh": addresses.check_address,
            "manage-request": addresses.manage_request,
        }
        return endpoints[name](service, parameters) if name in endpoints else None

    def _answer_file(self, path):
        self.entry["op"] = "file"
        found = files.find_file(self.server.service, path)
        series = ""
        if found:
            series = (found.record or "").partition("[")[0].removesuffix("_mod")
            series = series or self.server.service.store.series_of(found.request)
            self.entry |= {"record": found.record, "request": found.request}
        if self._meets_fault("file", series, path, self.entry["record"], subject=path):
            return
        if found is None:
            self._send_text(404, "No such file.")
            return
        with found.open() as source:
            self._send_file(source, found)

    def _meets_fault(self, op, series, path="", record=None, subject=""):
        """Choose the fault of this call; True if it has taken the place of the answer."""
        self.rule = self.server.faults.choose(self.server.service.store, op, series, path, record, subject)
        mode = self.rule.mode if self.rule else None
        if mode in _REPLACED:
            self._send_body(*_REPLACED[mode])
        elif mode == "html-as-fits":
            self._send_body(self.rule["status"], misbehaviour.HTML, "text/html")
        elif mode == "hang":
            self.server.stopping.wait(self.rule["seconds"])
            self._finish(0)
            self._break_off()
        elif mode == "reset" and self.rule["bytes"] is None:
            self._finish(0)
            self._break_off()
        else:
            return False
        return True

    def _send_file(self, source, found):
        """Send a file, or the range of it that is asked for."""
        self.size = source.seek(0, io.SEEK_END)
        modified = self.date_time_string(found.modified)
        headers = {"Accept-Ranges": "bytes", "Last-Modified": modified}
        first, last, status = 0, self.size - 1, 200
        wanted = _RANGE.fullmatch(self.headers.get("Range", "").strip())
        if wanted and any(wanted.groups()) and self.headers.get("If-Range", modified) == modified:
            start, end = wanted.groups()
            first = int(start) if start else max(self.size - int(end), 0)
            last = min(int(end), last) if start and end else last
            if first > last:
                self._send(416, io.BytesIO(), 0, 0, "text/plain", {"Content-Range": f"bytes */{self.size}"})
                return
            status = 206
            headers["Content-Range"] = f"bytes {first}-{last}/{self.size}"
        self._send(status, source, first, last - first + 1, found.content_type, headers)

    def _send_text(self, status, text):
        self._send_body(status, f"{text}\n".encode(), "text/plain")

    def _send_body(self, status, body, content_type):
        self.size = len(body)
        self._send(status, io.BytesIO(body), 0, len(body), content_type, {})

    def _send(self, status, source, first, count, content_type, headers):
        """Send head and body, as far as a fault lets them; whatever happens, the exchange is logged.

        The line is there before the client has the last byte, so that whoever has a whole answer finds it in the log.
        """
        self.send_response(status)
        for name, value in ({"Content-Type": content_type, "Content-Length": str(count)} | headers).items():
            self.send_header(name, value)
        head_is_due, line = True, None
        try:
            for chunk, is_last in self._chunks(source, first, count):
                self.sent += len(chunk)
                line = self._finish(status) if is_last else None
                if head_is_due:
                    self.begun = True
                    self.end_headers()
                    head_is_due = False
                self.wfile.write(chunk)
        except OSError:
            if line is None:
                self._finish(status)
            else:
                self.server.service.store.correct_log(line, bytes=self.sent - len(chunk))
            raise
        if line is None:
            self._finish(status)
        if head_is_due:
            self.end_headers()
        if self.sent < count and self.command != "HEAD":
            self._break_off()

    def _chunks(self, source, first, count):
        """Pieces of the body, damaged or cut short by a fault, each with whether it is the last one."""
        mode = self.rule.mode if self.rule else None
        limit = 0 if self.command == "HEAD" else count
        if mode in ("truncated", "reset"):
            limit = limit // 2 if self.rule["bytes"] is None else min(self.rule["bytes"], limit)
        wrong = None
        if mode == "corrupt":
            wrong = self.size * 15 // 16 if self.rule["bytes"] is None else self.rule["bytes"]
        source.seek(first)
        done = 0
        while done < limit and (chunk := source.read(min(_CHUNK, limit - done))):
            if wrong is not None and 0 <= wrong - first - done < len(chunk):
                place = wrong - first - done
                chunk = chunk[:place] + bytes([chunk[place] ^ 1]) + chunk[place + 1 :]
            done += len(chunk)
            yield chunk, done == limit

    def _break_off(self):
        """End the connection before its time; a reset sends RST in place of FIN."""
        if self.rule and self.rule.mode == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        raise HangUpError

    def _finish(self, status):
        """Keep a line of the exchange, in the state folder and for the reader; its number. No address is in it."""
        service = self.server.service
        fault = self.rule.mode if self.rule else None
        now = service.now()
        number = service.store.add_log(
            time=now, status=status, bytes=self.sent, size=self.size, fault=fault, **self.entry
        )
        if self.server.log:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
            what = [self.entry["op"], self.entry["series"], self.entry["request"]]
            if self.entry["op"] in ("file", ""):
                what.append(self.entry["target"])
            what += [str(status), f"{self.sent} bytes", f"fault={fault}" if fault else None]
            self.server.log(_UNPRINTABLE.sub("?", " ".join([stamp, self.command, *filter(None, what)])))
        return number

    def log_message(self, *_):
        """Nothing: `_finish` writes the lines."""


def read_parameters(query):
    """Parameters of a query string; the one that drms literally calls ``process=n`` belongs to ``process``."""
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
