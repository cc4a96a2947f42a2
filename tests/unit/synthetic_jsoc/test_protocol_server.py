"""The synthetic archive serves files, refuses what is none of its own, and can be run by several at once."""

import errno
import http.client
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from urllib.parse import quote, urlencode, urlsplit

import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_archive import SmallModel

from synthetic_jsoc import storage
from synthetic_jsoc.holdings import store
from synthetic_jsoc.protocol import files, server

EUV = "aia.lev1_euv_12s"
ONE = f"{EUV}[2021-07-03T14:27:23Z][211]{{image}}"
NOW = 1.7e9
INFO = "/cgi-bin/ajax/jsoc_info"


class CountingModel(SmallModel):
    """An archive that counts the files that it makes."""

    def __init__(self, now):
        super().__init__(now)
        self.made = 0

    def write(self, record, segment, path, as_is):
        self.made += 1
        super().write(record, segment, path, as_is)


@pytest.fixture
def archive(tmp_path):
    with server.running(tmp_path, model=CountingModel(lambda: NOW), clock=lambda: NOW) as running:
        yield running


def talk(archive, target, method="GET", headers=None):
    """Status, headers and body of one request whose target goes over the wire as it stands."""
    connection = http.client.HTTPConnection("127.0.0.1", archive.port, timeout=60)
    try:
        connection.request(method, target, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.fixture
def path(archive):
    """Path of a stored file."""
    query = urlencode({"op": "rs_list", "ds": ONE, "seg": "image"})
    return json.loads(talk(archive, f"{INFO}?{query}")[2])["segments"][0]["values"][0]


def test_files_come_with_their_length_and_their_date(archive, path):
    status, headers, body = talk(archive, path)
    assert status == 200
    assert int(headers["Content-Length"]) == len(body)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Content-Type"] == "application/fits"
    assert headers["Last-Modified"].endswith("GMT")
    assert talk(archive, path)[1]["Last-Modified"] == headers["Last-Modified"]


def test_head_tells_the_same_without_the_file(archive, path):
    _, whole, _ = talk(archive, path)
    status, headers, body = talk(archive, path, "HEAD")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == whole["Content-Length"]


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-50", slice(-50, None)),
        ("bytes=10-99999999", slice(10, None)),
    ],
)
def test_a_range_is_a_part_of_the_file(archive, path, wanted, part):
    body = talk(archive, path)[2]
    status, headers, found = talk(archive, path, headers={"Range": wanted})
    assert (status, found) == (206, body[part])
    first, last, _ = part.indices(len(body))
    assert headers["Content-Range"] == f"bytes {first}-{last - 1}/{len(body)}"


def test_a_range_behind_the_end_is_refused_and_a_strange_one_ignored(archive, path):
    status, headers, _ = talk(archive, path, headers={"Range": "bytes=999999999-"})
    assert status == 416
    assert headers["Content-Range"].startswith("bytes */")
    assert talk(archive, path, headers={"Range": "lines=1-2"})[0] == 200
    assert talk(archive, path, headers={"Range": "bytes=0-9", "If-Range": "yesterday"})[0] == 200


def test_a_file_is_made_once_however_many_ask_for_it(archive, path):
    threads = [threading.Thread(target=talk, args=(archive, path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert archive.service.model.made == 1


def test_the_spool_keeps_the_files_that_were_used_last(tmp_path):
    spool = storage.Spool(tmp_path, limit=250)

    def make(path):
        path.write_bytes(b"x" * 100)

    for moment, name in enumerate(["a", "b", "a", "c"]):
        spool.open(name, make).close()
        os.utime(tmp_path / name, (moment, moment))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "c"]


def test_a_file_that_could_not_be_made_leaves_nothing_behind(tmp_path):
    def fail(path):
        path.write_bytes(b"half")
        raise ValueError("no image")

    with pytest.raises(ValueError, match="no image"):
        storage.Spool(tmp_path, limit=1000).open("a", fail)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_server_leaves_behind_is_in_nobodys_way(tmp_path):
    left = [tmp_path / ".lock-a", tmp_path / ".99999-1-a"]
    for path in left:
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    with storage.Spool(tmp_path, limit=1000).open("a", lambda path: path.write_bytes(b"whole")) as file:
        assert file.read() == b"whole"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    "target",
    ["/SUM42/D1/S00000/image_lev1.fits", "/SUM1/D0/S00000/x.fits", "/nothing", "/cgi-bin/ajax/",
     "/cgi-bin/ajax/nope",
     "/archive.sqlite", "/../archive.sqlite", "/%2e%2e/archive.sqlite", "/SUM42/../../archive.sqlite", "/spool/",
     "/etc/passwd",
     "/SUM42/D1/S00000/..%2f..%2fetc%2fpasswd", "/SUM42/D99999999999999999999/S00000/image_lev1.fits", "/%00",
     "/SUM1/D1/S00000/%0a",
     "/SUM42/D1000000000001/S00000/index.json"],
)  # fmt: skip
def test_what_the_archive_does_not_have_is_not_found(archive, target):
    status, _, body = talk(archive, target)
    assert status == 404
    assert b"root:" not in body
    assert b"SQLite" not in body


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """An archive without a server, with a secret beside its folder."""
    folder = tmp_path_factory.mktemp("state")
    (folder.parent / "secret.txt").write_text("secret")
    with server.running(folder, model=SmallModel(lambda: NOW), clock=lambda: NOW) as running:
        yield running.service


PIECES = st.sampled_from(
    ["/", "..", ".", "SUM42", "D9594411554", "D1", "S00000", "image_lev1.fits", "secret.txt", "archive.sqlite",
     "spool", "etc", "passwd",
     "%2e", "\\", "\0", "~", "index.json", "JSOC_20210703_001.tar", "é", " ", ";", "\n"]
)  # fmt: skip


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=10).map("/".join), st.booleans())
def test_no_path_leads_outside_the_archive(service, path, absolute):
    found = files.find_file(service, "/" * absolute + path)
    if found is not None:
        assert found.record.startswith("aia.lev1")


@pytest.mark.parametrize(
    "host", ["jsoc.stanford.edu", "jsoc1.stanford.edu", "jsoc2.stanford.edu:80", "JSOC.stanford.edu"]
)
def test_as_a_proxy_it_answers_for_the_hosts_of_jsoc(archive, path, host):
    assert talk(archive, f"http://{host}/")[0] == 200
    query = urlencode({"op": "rs_summary", "ds": ONE})
    assert json.loads(talk(archive, f"http://{host}{INFO}?{query}")[2])["count"] == 1
    assert talk(archive, f"http://{host}{path}")[0] == 200


@pytest.mark.parametrize(
    "target",
    ["http://example.org/", "http://jsoc.stanford.edu.example.org/", "http://127.0.0.2/", "https://github.com/x",
     "http://[::1]/",
     "http://jsoc.stanford.edu@example.org/", "ftp://example.org/x"],
)  # fmt: skip
def test_as_a_proxy_it_refuses_all_other_hosts(archive, target):
    status, _, body = talk(archive, target)
    assert status == 403
    assert b"JSOC" in body


def test_a_tunnel_is_refused(archive):
    assert talk(archive, "example.org:443", "CONNECT")[0] == 403


@pytest.mark.parametrize(
    "raw",
    [b"\r\n\r\n", b"GET\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n", b"\xff\xfe\r\n\r\n", b"PUT / HTTP/1.1\r\n\r\n"],
)
def test_what_is_no_request_does_not_disturb_the_next_one(archive, raw):
    with socket.create_connection(("127.0.0.1", archive.port), timeout=60) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert talk(archive, "/")[0] == 200


def test_a_form_that_is_too_long_is_refused(archive):
    assert talk(archive, INFO, "POST", {"Content-Length": "99999999"})[0] == 413


def test_the_log_counts_exports_and_whole_files(archive, path, tmp_path):
    talk(archive, path)
    talk(archive, path)
    talk(archive, path, headers={"Range": "bytes=0-9"})
    talk(archive, path, "HEAD")
    assert store.count_fetches(tmp_path) == {path: 2}
    entries = [entry for entry in store.read_log(tmp_path) if entry["op"] == "file"]
    assert [entry["status"] for entry in entries] == [200, 200, 206, 200]
    assert {entry["record"] for entry in entries} == {ONE}


def test_a_line_per_request_and_no_address_in_it(tmp_path):
    lines = []
    with server.running(tmp_path, model=SmallModel(lambda: NOW), clock=lambda: NOW, log=lines.append) as archive:
        talk(archive, f"/cgi-bin/ajax/checkAddress.sh?address={quote('me@home.org')}")
        talk(archive, f"/cgi-bin/ajax/jsoc_fetch?op=exp_request&notify=me@home.org&ds={quote(ONE)}")
    assert [line.split()[2] for line in lines] == ["checkAddress.sh", "exp_request"]
    assert not any("me@home" in line for line in lines)


def test_two_servers_share_a_state(tmp_path):
    models = [CountingModel(lambda: NOW) for _ in range(2)]
    with (
        server.running(tmp_path, model=models[0], clock=lambda: NOW) as one,
        server.running(tmp_path, model=models[1], clock=lambda: NOW) as two,
    ):
        order = {"op": "exp_request", "ds": ONE, "notify": "a@b.example", "method": "url", "protocol": "fits"}
        identity = json.loads(talk(one, f"/cgi-bin/ajax/jsoc_fetch?{urlencode(order)}")[2])["requestid"]
        index = json.loads(talk(two, f"/cgi-bin/ajax/jsoc_fetch?op=exp_status&requestid={identity}")[2])
        path = f"{index['dir']}/{index['data'][0]['filename']}"
        assert talk(one, path)[2] == talk(two, path)[2]
        assert sum(model.made for model in models) == 1


def fetched(archive):
    """The file of a record, exported."""
    order = {"op": "exp_request", "ds": ONE, "notify": "a@b.example", "method": "url", "protocol": "fits"}
    identity = json.loads(talk(archive, f"/cgi-bin/ajax/jsoc_fetch?{urlencode(order)}")[2])["requestid"]
    index = json.loads(talk(archive, f"/cgi-bin/ajax/jsoc_fetch?op=exp_status&requestid={identity}")[2])
    return talk(archive, f"{index['dir']}/{index['data'][0]['filename']}")[2]


def test_archives_with_states_of_their_own_share_the_frames_that_one_has_made(tmp_path):
    models = [CountingModel(lambda: NOW) for _ in range(2)]
    bodies = []
    for number, model in enumerate(models):
        folders = {"state": tmp_path / str(number), "frames": tmp_path / "frames"}
        with server.running(**folders, model=model, clock=lambda: NOW) as running:
            bodies.append(fetched(running))
    assert bodies[0] == bodies[1]
    assert [model.made for model in models] == [1, 0]


def test_shared_frames_are_those_of_the_archive_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("AIA_SYNTHETIC_FRAMES", str(tmp_path / "frames"))
    with server.running(tmp_path / "a") as itself, server.running(tmp_path / "b", model=SmallModel(time.time)) as small:
        assert itself.service.frames.folder == tmp_path / "frames"
        assert small.service.frames.folder == tmp_path / "b" / "spool"


def test_a_fault_of_a_record_does_not_enter_its_frame_which_others_may_share(tmp_path):
    (tmp_path / "faults.yaml").write_text("faults: [{mode: quality, quality: 64}]")
    model = SmallModel(lambda: NOW)
    with server.running(tmp_path / "state", model=model, clock=lambda: NOW, faults=tmp_path / "faults.yaml") as faulty:
        query = urlencode({"op": "rs_list", "ds": ONE, "key": "QUALITY"})
        assert json.loads(talk(faulty, f"{INFO}?{query}")[2])["keywords"][0]["values"] == ["0x00000040"]
        assert fits.getheader(io.BytesIO(fetched(faulty)), 1)["QUALITY"] == 0


MAKER = """
import sys, time
from pathlib import Path
from synthetic_jsoc.storage import Spool

def make(path):
    with path.open("w") as file:
        file.write("half of")
        file.flush()
        print(path.name, flush=True)
        time.sleep(float(sys.argv[2]))
        file.write(" a frame")

print(Spool(Path(sys.argv[1]), 1000).open("frame", make).read().decode(), flush=True)
"""


def makers(root, folder, seconds, count):
    """Processes that ask for the same frame, which is made in so many seconds."""
    command = [sys.executable, "-c", MAKER, str(folder), str(seconds)]
    environment = os.environ | {"PYTHONPATH": str(root / "scripts")}
    return [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(count)]


def test_of_several_processes_one_makes_a_frame_and_all_get_the_whole_of_it(tmp_path, root):
    said = [process.communicate(timeout=60)[0].splitlines() for process in makers(root, tmp_path, 0.5, 3)]
    assert [lines[-1] for lines in said] == ["half of a frame"] * 3
    assert sum(len(lines) - 1 for lines in said) == 1


def test_when_the_one_that_makes_a_frame_is_killed_another_makes_it(tmp_path, root):
    (first,) = makers(root, tmp_path, 600, 1)
    assert first.stdout.readline()
    (second,) = makers(root, tmp_path, 0, 1)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=1)
    first.kill()
    assert second.communicate(timeout=60)[0].splitlines()[-1] == "half of a frame"
    first.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_ends_it(tmp_path, root, number):
    command = [
        sys.executable,
        "-m",
        "synthetic_jsoc",
        "serve",
        "--port",
        "0",
        "--state",
        str(tmp_path),
        "--register",
        "me@home.org",
    ]
    environment = os.environ | {"PYTHONPATH": str(root / "scripts")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            first = process.stdout.readline()
            port = urlsplit(first.split()[3]).port
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/cgi-bin/ajax/checkAddress.sh?address=me@home.org&checkonly=1")
            assert json.loads(connection.getresponse().read())["status"] == 2
            connection.close()
            assert "checkAddress.sh 200" in process.stdout.readline()
        finally:
            process.send_signal(number)
            rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert rest.endswith("Synthetic archive ended.\n")
    assert errors == ""


def test_the_command_explains_itself_and_its_faults(capsys):
    from synthetic_jsoc.__main__ import main

    with pytest.raises(SystemExit, match="0"):
        main(["serve", "--help"])
    text = capsys.readouterr().out
    for word in ("--strict-jsoc", "--register", "stuck-pending", "HTTP_PROXY"):
        assert word in text


def test_a_port_in_use_is_one_line(tmp_path, archive, capsys):
    from synthetic_jsoc.__main__ import main

    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        assert main(["serve", "--port", str(archive.port), "--state", str(tmp_path / "other")]) == 1
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), handlers, strict=True):
            signal.signal(number, handler)
    assert "in use" in capsys.readouterr().err


FULL = sqlite3.OperationalError("database or disk is full")
FULL.sqlite_errorcode = sqlite3.SQLITE_FULL
READ_ONLY = OSError(errno.EROFS, os.strerror(errno.EROFS), "spool")


@pytest.mark.parametrize("error", [FULL, READ_ONLY, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))], ids=str)
@pytest.mark.parametrize("place", ["log", "spool"])
def test_a_full_disk_is_an_answer_and_no_traceback(archive, path, monkeypatch, capfd, place, error):
    def refuse(*_, **__):
        raise error

    if place == "log":
        monkeypatch.setattr(archive.service.store, "add_log", refuse)
    else:
        monkeypatch.setattr(archive.service.spool, "open", refuse)
    assert talk(archive, path)[0] == 507
    assert capfd.readouterr().err == ""
    monkeypatch.undo()
    assert talk(archive, path)[0] == 200


def test_a_state_folder_that_cannot_be_written_to_is_said_when_the_archive_is_opened(tmp_path, monkeypatch):
    def refuse(*_):
        raise FULL

    monkeypatch.setattr(server, "Store", refuse)
    with pytest.raises(OSError, match=f"{os.strerror(errno.ENOSPC)}.*{tmp_path}"), server.running(tmp_path):
        pass


STOPPED = """
import sys, threading
from types import SimpleNamespace
from synthetic_jsoc.protocol import server

start = threading.Thread.start

def stopped(thread):
    start(thread)
    raise KeyboardInterrupt

threading.Thread.start = stopped
with server.running(sys.argv[1], model=SimpleNamespace()):
    pass
"""


def test_a_server_that_is_stopped_as_it_begins_keeps_no_process_alive(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, str(tmp_path)], stderr=subprocess.PIPE, text=True, timeout=300
    )
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
