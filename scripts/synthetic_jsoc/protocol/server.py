"""The embedded archive over HTTP: JSOC's addresses on this machine, for drms, sunpy and aiapy as they are.

``with running(state) as server: drms.Client(server.drms_config())`` is an archive of its own. With ``http_proxy`` and
``HTTP_PROXY`` set to its address it also answers for jsoc.stanford.edu, and for no other host.
"""

import os
import socket
import sqlite3
import sys
import threading
import time
from contextlib import closing, contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from synthetic_jsoc.holdings.store import Store
from synthetic_jsoc.protocol.faults import Faults, read_faults
from synthetic_jsoc.protocol.files import find_file
from synthetic_jsoc.protocol.handler import CGI, Handler
from synthetic_jsoc.protocol.misbehaviour import FaultyArchive
from synthetic_jsoc.protocol.service import Limits, Service
from synthetic_jsoc.protocol.staging import Staging, makers
from synthetic_jsoc.storage import Spool, storage_fault

SPOOL_BYTES = 2 * 2**30


class Server(ThreadingHTTPServer):
    """A server of the archive; `running` starts and ends one."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, service, faults, port, log):
        self.service = service
        self.faults = faults
        self.log = log
        self.stopping = threading.Event()
        self._connections = set()
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def port(self):
        """Port on 127.0.0.1."""
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

    def process_request(self, request, client_address):
        """Serve a connection in a thread of its own."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address):
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.discard(request)
            self.service.store.release()

    def handle_error(self, request, client_address):
        """Connections that end early and full disks are no errors of the server; anything else is, and is shown."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError) and not storage_fault(error):
            super().handle_error(request, client_address)

    def end(self):
        """Stop serving: connections are closed, threads have ended when this returns."""
        self.stopping.set()
        self.shutdown()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.server_close()


def _opened(state):
    """The store of a state folder; OSError if its disk cannot be written to."""
    try:
        return Store(state)
    except sqlite3.OperationalError as error:
        if code := storage_fault(error):
            raise OSError(code, os.strerror(code), str(state)) from None
        raise


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
    frames=None,
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
        File of faults to show (see `protocol.faults`); by default the one that ``AIA_SYNTHETIC_FAULTS`` names, if any.
    registered : iterable of str, optional
        E-mail addresses that may export, besides those in ``.example``.
    log : callable, optional
        Takes one line of text per request.
    clock : callable, optional
        Now, in Unix seconds; `time.time` by default.
    model : optional
        What the archive holds; `synthetic_jsoc.holdings.model.Archive` by default.
    frames : path-like, optional
        Folder of the model's frames, which archives with other state folders may share; by default the one that
        ``AIA_SYNTHETIC_FRAMES`` names, if any, else a part of the state folder. Another `model` has its own.
    staging : float
        Seconds from an export request to its files.
    strict : bool
        Refuse time texts that the real archive misreads.
    limits : synthetic_jsoc.protocol.service.Limits, optional

    Yields
    ------
    Server
        With `url` and `drms_config()`.

    Raises
    ------
    synthetic_jsoc.protocol.faults.FaultsError
        If the file of faults cannot be read.
    """
    clock = clock or time.time
    faults = faults or os.environ.get("AIA_SYNTHETIC_FAULTS")
    shown = read_faults(faults) if faults else Faults()
    if model is None:
        from synthetic_jsoc.holdings.model import Archive

        model = Archive(clock)
        frames = frames or os.environ.get("AIA_SYNTHETIC_FRAMES")
    with closing(_opened(state)) as store, closing(Staging()) as staged:
        spool = Spool(Path(state) / "spool", SPOOL_BYTES)
        service = Service(
            model=FaultyArchive(model, shown) if shown.record_rules else model,
            store=store,
            spool=spool,
            frames=Spool(frames, SPOOL_BYTES) if frames else spool,
            now=clock,
            staging=staging,
            registered=set(registered or ()),
            strict=strict,
            limits=limits or Limits(),
        )
        service.stage = lambda row: staged.is_done(row["id"], lambda: makers(service, find_file, row))
        server = Server(service, shown, port, log)
        # A daemon: Ctrl-C before the block below is entered must not leave a process that never ends.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.end()
            thread.join()
