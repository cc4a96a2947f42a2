"""Many files at a time, in bounds: nothing from elsewhere, no endless file, no more connections than allowed."""

import errno
import gzip
import logging
import os
import re
import socket
import threading
import urllib.request
from contextlib import suppress
from http.server import ThreadingHTTPServer

import loopback
import pytest

from aia_sequence.acquisition.download import LONGEST_FILE, Item, fetch
from aia_sequence.archive.retries import Patience
from aia_sequence.archive.web import _KnownHosts, limited_web
from aia_sequence.errors import ArchiveError, FrameError

QUICK = Patience(attempts=3, first=0.01, longest=0.01)
BODY = b"0123456789" * 1000


class Site(ThreadingHTTPServer):
    """A site whose paths are answered by functions; it counts who is served at the same time."""

    def __init__(self, answers):
        self.answers, self.calls, self.now, self.most = answers, [], 0, 0
        self.lock, self.stopped, self.clients = threading.Lock(), threading.Event(), set()
        super().__init__(("127.0.0.1", 0), loopback.asking(count_and_answer, "HTTP/1.1"))

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


def count_and_answer(handler):
    name, server = handler.path.strip("/"), handler.server
    with server.lock:
        server.clients.add(handler.client_address)
        server.calls.append((handler.command, name))
    server.answers.get(name, send)(handler)


def send(handler, body=BODY, **headers):
    handler.send_response(200)
    for key, value in ({"Content-Length": len(body)} | headers).items():
        handler.send_header(key.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def site(**answers):
    return loopback.running(Site(answers))


def get(server, folder, names, accept=lambda item: None, **options):
    """Fetch files; the outcome, and why files were refused."""
    refused = []

    def reject(item, reason):
        refused.append((item.path.name, reason))
        item.path.unlink(missing_ok=True)

    items = [Item(server.url(name), folder / name) for name in names]
    with limited_web({}):
        return fetch(items, accept, reject, patience=QUICK, **options), refused


def test_files_arrive_whole_under_our_names(tmp_path):
    def disposed(handler):
        send(handler, Content_Disposition='attachment; filename="../../evil"')

    with site(a=disposed) as server:
        outcome, refused = get(server, tmp_path, ["a", "b"])
    assert (outcome.gone, outcome.failed, refused) == ({}, {}, [])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": BODY, "b": BODY}


def redirect_to(target):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_a_file_that_has_moved_within_the_archive_is_found(tmp_path):
    with site(a=redirect_to("/b"), b=redirect_to("/c")) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert (outcome.failed, outcome.gone) == ({}, {})
    assert (tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize("target", ["http://localhost.example.org/a", "ftp://127.0.0.1/a", "file:///etc/passwd", "/a"])
def test_a_redirect_to_elsewhere_or_in_circles_is_not_followed(tmp_path, target):
    with site(a=redirect_to(target)) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    reason = outcome.failed[tmp_path / "a"]
    assert "another host" in reason or "HTTP 302" in reason
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_from_encrypted_to_plain_is_not_followed():
    class Answer:
        def close(self):
            pass

    request = urllib.request.Request("https://jsoc.stanford.edu/a")
    follow = _KnownHosts().redirect_request
    with pytest.raises(ArchiveError, match=r"another host, http://jsoc\.stanford\.edu; not followed"):
        follow(request, Answer(), 302, "", {}, "http://jsoc.stanford.edu/a")
    plain = urllib.request.Request("http://jsoc.stanford.edu/a")
    assert follow(plain, Answer(), 301, "", {}, "https://jsoc.stanford.edu/a").full_url == "https://jsoc.stanford.edu/a"


@pytest.mark.parametrize("length", [str(LONGEST_FILE + 1), None])
def test_a_file_without_bounds_is_not_fetched(tmp_path, length):
    def boundless(handler):
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.close_connection = True

    with site(a=boundless) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert "allowed are up to" in outcome.failed[tmp_path / "a"]
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("connections", [1, 3])
def test_no_more_connections_than_allowed(tmp_path, connections):
    barrier = threading.Barrier(connections)

    def counted(handler):
        server = handler.server
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
    assert lines[0] == "downloaded 1 of 20 files, 0.0 MB"
    assert lines[-1] == "downloaded 20 of 20 files, 0.2 MB"


def test_a_defect_of_our_own_is_not_taken_for_a_bad_file(tmp_path):
    def accept(item):
        raise ZeroDivisionError

    with site() as server, pytest.raises(ZeroDivisionError):
        get(server, tmp_path, ["a"], accept)


def test_connections_are_used_again(tmp_path):
    names = [f"f{number}" for number in range(6)]
    with site() as server:
        get(server, tmp_path, names, connections=2)
    assert len(server.calls) == 6
    assert len(server.clients) == 2


def longer(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    for _ in range(3):
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(BODY), BODY))
    handler.wfile.write(b"0\r\n\r\n")


def packed(handler):
    send(handler, gzip.compress(BODY), Content_Encoding="gzip")


def cut(handler):
    send(handler, BODY[:100], **{"Content-Length": len(BODY)})
    handler.close_connection = True


def two_lengths(handler):
    send(handler, BODY[:100], Content_Length=len(BODY))
    handler.close_connection = True


def rest(handler):
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 0-9/{len(BODY)}")
    handler.send_header("Content-Length", "10")
    handler.end_headers()
    handler.wfile.write(BODY[:10])


def other_digits(handler):
    handler.wfile.write("HTTP/1.1 200 OK\r\nContent-Length: 1\xb2\r\n\r\n".encode("latin1") + BODY[:12])
    handler.close_connection = True


def header_without_end(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    with suppress(ConnectionError):
        for _ in range(10000):
            handler.wfile.write(b"X-More: " + b"x" * 60 + b"\r\n")
    handler.close_connection = True


def no_http(handler):
    handler.wfile.write(b"SIMPLE  =                    T\r\n")
    handler.close_connection = True


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (longer, "longer than the 10000 bytes"),
        (packed, "packs its answer ('gzip') unasked"),
        (cut, "the file ended early: 100 of 10000 bytes"),
        (two_lengths, "announces 100 and 10000 bytes"),
        (rest, "HTTP 206, which is no whole file"),
        (other_digits, "announces 1\xb2 bytes"),
        (header_without_end, "no HTTP|connection broke"),
        (no_http, "no HTTP|connection broke"),
    ],
)
def test_an_answer_that_is_not_the_file_is_not_kept(tmp_path, answer, reason):
    with site(a=answer) as server:
        outcome, refused = get(server, tmp_path, ["a"])
    assert re.search(reason.replace("(", r"\(").replace(")", r"\)"), outcome.failed[tmp_path / "a"])
    assert refused == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["head", "body", "chunks"])
def test_a_file_that_comes_byte_by_byte_is_given_up(tmp_path, monkeypatch, place):
    monkeypatch.setattr("aia_sequence.acquisition.download.TIMEOUT", 0.2)

    def drips(handler):
        if place != "head":
            handler.send_response(200)
            handler.send_header("Content-Length", len(BODY))
            if place == "chunks":
                handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
        with suppress(OSError):
            for number in range(10000):
                head = b"HTTP/1.1 200 OK\r\nX: "[number : number + 1] or b"x"
                handler.wfile.write(b"1\r\nx\r\n" if place == "chunks" else head)
                if handler.server.stopped.wait(0.02):
                    break
        handler.close_connection = True

    with site(a=drips) as server:
        outcome, _ = get(server, tmp_path, ["a"])
        server.stopped.set()
    assert "slower than 10 kB/s" in outcome.failed[tmp_path / "a"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_where_nothing_can_be_written_nothing_is_asked_for_again(tmp_path, code):
    def accept(item):
        raise OSError(code, os.strerror(code), str(item.path))

    with site() as server, pytest.raises(OSError, match=os.strerror(code)):
        get(server, tmp_path, [f"f{number}" for number in range(50)], accept, connections=1)
    assert len(server.calls) < 50
    assert not list(tmp_path.glob("*.part"))


def test_where_nobody_answers_no_file_is_called_missing(tmp_path):
    waited = []
    patience = Patience(attempts=6, first=2.0, longest=60.0, sleep=waited.append)
    items = [Item(f"http://127.0.0.1:{closed_port()}/{name}", tmp_path / name) for name in "abc"]
    with (
        limited_web({}),
        pytest.raises(ArchiveError, match=r"the archive was not reached: 127.0.0.1:\d+: Connection ref"),
    ):
        fetch(items, lambda item: None, lambda item, reason: None, patience=patience)
    assert sum(waited) <= patience.nobody


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_files_go_through_the_proxy_of_the_environment(tmp_path, monkeypatch, name):
    for other in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(other, raising=False)
    with site() as proxy:
        monkeypatch.setenv(name, proxy.url(""))
        with limited_web():
            outcome = fetch(
                [Item("http://jsoc.example/a", tmp_path / "a")], lambda item: None, lambda *_: None, patience=QUICK
            )
    assert outcome.failed == {}
    assert [target for _, target in proxy.calls] == ["http://jsoc.example/a"]


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_encrypted_questions_and_files_go_through_the_proxy_for_them(tmp_path, monkeypatch, name):
    for other in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(other, raising=False)
    with site(**{"jsoc.example:443": lambda handler: handler.send_error(502)}) as proxy:
        proxy.RequestHandlerClass.do_CONNECT = count_and_answer
        monkeypatch.setenv(name, proxy.url(""))
        with limited_web():
            with pytest.raises(OSError, match="Tunnel connection failed: 502"):
                urllib.request.urlopen("https://jsoc.example/")
            asked = len(proxy.calls)
            outcome = fetch(
                [Item("https://jsoc.example/a", tmp_path / "a")], lambda item: None, lambda *_: None, patience=QUICK
            )
    assert list(outcome.failed) == [tmp_path / "a"]
    assert asked < len(proxy.calls)
    assert set(proxy.calls) == {("CONNECT", "jsoc.example:443")}


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_hosts_without_a_proxy_are_asked_directly(tmp_path, monkeypatch, name):
    for other in ("HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}/")
    monkeypatch.setenv(name, "127.0.0.1")
    with site() as server, limited_web():
        outcome = fetch([Item(server.url("a"), tmp_path / "a")], lambda item: None, lambda *_: None, patience=QUICK)
    assert outcome.failed == {}


def test_an_archive_whose_disk_is_full_is_asked_once(tmp_path):
    def full(handler):
        handler.send_error(507)

    with site(a=full) as server, pytest.raises(ArchiveError, match=r"disk cannot be written to \(HTTP 507\)"):
        get(server, tmp_path, ["a"])
    assert len(server.calls) == 1
