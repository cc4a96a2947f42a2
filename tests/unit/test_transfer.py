"""Many files at a time, in bounds: no redirect, no endless file, no more connections than allowed."""

import logging
import os
import sys
import termios
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aia.errors import FrameError
from aia.parts import LONGEST_FILE
from aia.retries import Patience
from aia.transfer import Item, fetch

QUICK = Patience(attempts=3, first=0.01, longest=0.01)
BODY = b"0123456789" * 1000


class Site(ThreadingHTTPServer):
    """A site whose paths are answered by functions; it counts who is served at the same time."""

    def __init__(self, answers):
        self.answers, self.calls, self.now, self.most = answers, [], 0, 0
        self.lock, self.together = threading.Lock(), threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.strip("/")
        with self.server.lock:
            self.server.calls.append((self.command, name))
        self.server.answers.get(name, send)(self)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def send(handler, body=BODY, **headers):
    handler.send_response(200)
    for key, value in ({"Content-Length": len(body)} | headers).items():
        handler.send_header(key.replace("_", "-"), value)
    handler.end_headers()
    if handler.command == "GET":
        handler.wfile.write(body)


@contextmanager
def site(**answers):
    server = Site(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def get(server, folder, names, accept=lambda item: None, **options):
    """Fetch files; the outcome, and why files were refused."""
    refused = []

    def reject(item, reason):
        refused.append((item.path.name, reason))
        item.path.unlink(missing_ok=True)

    items = [Item(server.url(name), folder / name) for name in names]
    return fetch(items, accept, reject, patience=QUICK, **options), refused


def test_files_arrive_whole_under_our_names(tmp_path):
    def disposed(handler):
        send(handler, Content_Disposition='attachment; filename="../../evil"')

    with site(a=disposed) as server:
        outcome, refused = get(server, tmp_path, ["a", "b"])
    assert (outcome.gone, outcome.failed, refused) == ({}, {}, [])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": BODY, "b": BODY}


def test_a_redirect_is_not_followed(tmp_path):
    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with site(a=redirect) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert "HTTP 302 to another address, not followed" in outcome.failed[tmp_path / "a"]
    assert ("GET", "elsewhere") not in server.calls
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("length", [str(LONGEST_FILE + 1), None])
def test_a_file_without_bounds_is_not_fetched(tmp_path, length):
    def boundless(handler):
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", length)
        handler.end_headers()

    with site(a=boundless) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert "allowed are up to" in outcome.failed[tmp_path / "a"]
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("connections", [1, 3])
def test_no_more_connections_than_allowed(tmp_path, connections):
    barrier = threading.Barrier(connections)

    def counted(handler):
        server = handler.server
        if handler.command == "GET":
            with server.lock:
                server.now += 1
                server.most = max(server.most, server.now)
            barrier.wait(timeout=20)  # nobody is served before as many as allowed have come
            with server.lock:
                server.now -= 1
        send(handler)

    names = [f"f{number}" for number in range(6)]
    with site(**dict.fromkeys(names, counted)) as server:
        outcome, _ = get(server, tmp_path, names, connections=connections)
    assert not outcome.failed
    assert server.most == connections


def test_a_refused_file_is_fetched_again(tmp_path):
    seen = []

    def accept(item):
        seen.append(item.path.name)
        if len(seen) < 3:
            raise FrameError("not yet")

    with site() as server:
        outcome, refused = get(server, tmp_path, ["a"], accept)
    assert (outcome.failed, len(seen)) == ({}, 3)
    assert refused == [("a", "not yet")] * 2


def test_a_file_that_is_refused_every_time_is_given_up_with_the_reason(tmp_path):
    def accept(item):
        raise FrameError("never")

    with site() as server:
        outcome, refused = get(server, tmp_path, ["a", "b"], accept)
    assert outcome.failed == {tmp_path / name: "never (3 attempts)" for name in "ab"}
    assert len(refused) == 6


def test_what_is_there_already_is_offered_before_it_is_fetched(tmp_path):
    (tmp_path / "a").write_bytes(BODY)
    (tmp_path / "b").write_bytes(BODY[:-1])

    def accept(item):
        if item.path.stat().st_size != len(BODY):
            raise FrameError("cut")

    with site() as server:
        outcome, refused = get(server, tmp_path, ["a", "b"], accept)
    assert not outcome.failed
    assert refused == [("b", "cut")]
    assert {name for _, name in server.calls} == {"b"}


def test_progress_is_told_in_plain_lines(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    names = [f"f{number}" for number in range(20)]
    with site() as server:
        get(server, tmp_path, names, connections=4)
    lines = [record.message for record in caplog.records if "of 20 files" in record.message]
    assert len(lines) == 10
    assert lines[-1] == "20 of 20 files, 0.2 MB"


def test_a_defect_of_our_own_is_not_taken_for_a_bad_file(tmp_path):
    def accept(item):
        raise ZeroDivisionError

    with site() as server, pytest.raises(ZeroDivisionError):
        get(server, tmp_path, ["a"], accept)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_a_bar_and_a_log_does_not(tmp_path, monkeypatch, terminal):
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    log = tmp_path / "log"
    with site() as server, open(slave, "w", encoding="utf-8") as screen, log.open("w+", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stderr", screen if terminal else file)
        get(server, tmp_path, ["a", "b"])
        monkeypatch.undo()
        print("end", file=screen, flush=True)
        shown = ""
        while not shown.endswith("end\r\n"):
            shown += os.read(master, 100_000).decode()
    os.close(master)
    assert ("Files Downloaded" in shown) is terminal
    assert log.read_text() == ""
