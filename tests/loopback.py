"""Web servers on the loopback interface, for tests of what talks to one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


def asking(answer: Callable[[BaseHTTPRequestHandler], None], protocol: str = "HTTP/1.0") -> type:
    """A class of handlers that have a function answer, and print nothing."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def running[Server: HTTPServer](server: Server) -> Iterator[Server]:
    """Serve in a thread of its own while the block runs."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
