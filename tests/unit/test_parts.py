"""A transfer that breaks off is continued where it ended, but only of the same file, and nothing is trusted for it."""

import hashlib
import os
import re
import subprocess
import sys
import threading
import time

import pytest
from small_archive import flare_task, place, small_archive
from test_level1 import acquire
from test_transfer import BODY, QUICK, get, site

from aia import parts as library
from aia.errors import FrameError
from aia.manifests import read_manifest
from aia.parts import Parts
from aia.transfer import Item, fetch
from synthetic.store import read_log

SOME, OTHER = "Sat, 03 Jul 2021 14:25:00 GMT", "Sun, 04 Jul 2021 14:25:00 GMT"


class Resumable:
    """A file that is sent in parts where asked for; some answers end early, others are not what they should be."""

    def __init__(self, body=BODY, cuts=(), validator=("Last-Modified", SOME), obeys=True, shift=0):
        self.body, self.cuts, self.validator, self.obeys, self.shift = body, list(cuts), validator, obeys, shift
        self.ranges, self.sent = [], 0

    def __call__(self, handler):
        first, status = 0, 200
        asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        same = self.validator and condition == self.validator[1]
        if handler.command == "GET":
            self.ranges.append(asked)
            if asked and same and self.obeys:
                first, status = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) + self.shift, 206
        handler.send_response(status)
        handler.send_header("Content-Length", len(self.body) - first)
        if self.validator:
            handler.send_header(*self.validator)
        if status == 206:
            handler.send_header("Content-Range", f"bytes {first}-{len(self.body) - 1}/{len(self.body)}")
        handler.end_headers()
        if handler.command == "GET":
            part = self.body[first : self.cuts.pop(0) if self.cuts else None]
            handler.wfile.write(part)
            self.sent += len(part)


def only(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("validator", [("Last-Modified", SOME), ("ETag", '"abc"')])
def test_only_the_rest_is_asked_for_after_a_transfer_that_broke_off(tmp_path, validator):
    file = Resumable(cuts=[4000, 7000], validator=validator)
    with site(a=file) as server:
        outcome, refused = get(server, tmp_path, ["a"])
    assert (outcome.failed, refused) == ({}, [])
    assert file.ranges == [None, "bytes=4000-", "bytes=7000-"]
    assert file.sent == len(BODY)
    assert only(tmp_path) == {"a": BODY}


@pytest.mark.parametrize("validator", [None, ("ETag", 'W/"abc"')])
def test_a_file_that_cannot_be_recognised_is_fetched_anew(tmp_path, validator):
    file = Resumable(cuts=[4000], validator=validator)
    with site(a=file) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert outcome.failed == {}
    assert file.ranges == [None, None]
    assert only(tmp_path) == {"a": BODY}


def test_a_file_that_changed_meanwhile_is_fetched_anew(tmp_path):
    changed = b"abcdefghij" * 1000
    answers = [Resumable(cuts=[4000]), Resumable(changed, validator=("Last-Modified", OTHER))]

    def file(handler):
        answers[0](handler)
        if handler.command == "GET" and len(answers) > 1:
            answers.pop(0)

    with site(a=file) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert outcome.failed == {}
    assert answers[0].ranges == [None]
    assert only(tmp_path) == {"a": changed}


@pytest.mark.parametrize("settings", [{"obeys": False}, {"shift": 1}], ids=["whole", "another part"])
def test_an_answer_that_is_not_the_rest_is_not_joined_to_the_part(tmp_path, settings):
    file = Resumable(cuts=[4000, None], **settings)
    with site(a=file) as server:
        outcome, refused = get(server, tmp_path, ["a"])
    assert (outcome.failed, refused) == ({}, [])
    assert file.ranges == [None, "bytes=4000-", None]
    assert only(tmp_path) == {"a": BODY}


@pytest.mark.parametrize("length", [str(2 * len(BODY)), None])
def test_an_answer_longer_than_announced_is_not_written(tmp_path, length):
    def grows(handler):
        handler.send_response(200)
        if handler.command == "HEAD":
            handler.send_header("Content-Length", len(BODY))
        elif length:
            handler.send_header("Content-Length", length)
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(2 * BODY)

    with site(a=grows) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert "is not sent as announced" in outcome.failed[tmp_path / "a"]
    assert only(tmp_path) == {}


def test_a_part_that_the_archive_refuses_to_continue_is_dropped(tmp_path):
    whole = Resumable(cuts=[4000])

    def file(handler):
        if handler.headers.get("Range"):
            handler.send_response(416)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            whole(handler)

    with site(a=file) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert outcome.failed == {}
    assert only(tmp_path) == {"a": BODY}


def test_a_part_of_wrong_bytes_does_not_pass_and_is_not_continued_again(tmp_path):
    begun(tmp_path, b"x" * 5000)
    file = Resumable()

    def accept(item):
        if hashlib.sha256(item.path.read_bytes()).digest() != hashlib.sha256(BODY).digest():
            raise FrameError("damaged")

    with site(a=file) as server:
        outcome, refused = get(server, tmp_path, ["a"], accept)
    assert outcome.failed == {}
    assert refused == [("a", "damaged")]
    assert file.ranges == ["bytes=5000-", None]
    assert only(tmp_path) == {"a": BODY}


def begun(folder, body, url="http://127.0.0.1:1/a"):
    """What a job leaves that is killed when some bytes of a file have come."""
    arriving = Parts(folder / "a", url).begin({"Content-Length": str(len(BODY)), "Last-Modified": SOME})
    arriving.write_bytes(body)


def test_what_a_killed_job_had_is_continued_by_the_next(tmp_path):
    begun(tmp_path, BODY[:4000])
    file = Resumable(cuts=[6000])
    with site(a=file) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert outcome.failed == {}
    assert file.ranges == ["bytes=4000-", "bytes=6000-"]
    assert only(tmp_path) == {"a": BODY}


def test_what_a_killed_job_had_to_the_last_byte_is_not_fetched(tmp_path):
    begun(tmp_path, BODY)
    with site() as server:
        outcome, _ = get(server, tmp_path, ["a"])
        assert server.calls == []
    assert outcome.failed == {}
    assert only(tmp_path) == {"a": BODY}


FETCH = """
import sys
from pathlib import Path
from aia.transfer import Item, fetch
fetch([Item(sys.argv[1], Path(sys.argv[2]))], lambda item: None, lambda item, reason: None)
"""


def test_a_process_killed_in_the_middle_of_a_file_leaves_what_it_had(tmp_path, root):
    release = threading.Event()

    def stalls(handler):
        file(handler)
        if handler.command == "GET" and not handler.headers.get("Range"):
            release.wait(60)

    file = Resumable(cuts=[4000])
    with site(a=stalls) as server:
        environment = os.environ | {"PYTHONPATH": str(root / "scripts")}
        command = [sys.executable, "-c", FETCH, server.url("a"), str(tmp_path / "a")]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            part = tmp_path / "a.0.part"
            while process.poll() is None and not (part.exists() and part.stat().st_size == 4000):
                time.sleep(0.01)
            process.kill()
        release.set()
        assert not (tmp_path / "a").exists()
        outcome, _ = get(server, tmp_path, ["a"])
    assert outcome.failed == {}
    assert file.ranges == [None, "bytes=4000-"]
    assert only(tmp_path) == {"a": BODY}


@pytest.mark.parametrize("note", [None, "{", "[]", '{"source": "/a"}'])
def test_a_part_without_a_note_of_its_file_is_worth_nothing(tmp_path, note):
    begun(tmp_path, BODY[:4000])
    path = tmp_path / "a.part.json"
    path.unlink() if note is None else path.write_text(note)
    file = Resumable()
    with site(a=file) as server:
        get(server, tmp_path, ["a"])
    assert file.ranges == [None]
    assert only(tmp_path) == {"a": BODY}


@pytest.mark.parametrize("length", [4000, len(BODY)])
def test_a_part_of_another_export_of_the_same_name_is_not_continued(tmp_path, length):
    begun(tmp_path, b"x" * length, "http://127.0.0.1:1/other/a")
    file = Resumable()
    with site(a=file) as server:
        get(server, tmp_path, ["a"])
    assert file.ranges == [None]
    assert only(tmp_path) == {"a": BODY}


def test_where_no_second_name_can_be_made_a_file_is_fetched_anew(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links")

    monkeypatch.setattr(library.os, "link", refuse)
    file = Resumable(cuts=[4000])
    with site(a=file) as server:
        outcome, _ = get(server, tmp_path, ["a"])
    assert outcome.failed == {}
    assert file.ranges == [None, None]
    assert only(tmp_path) == {"a": BODY}


def test_a_transfer_that_never_ends_well_leaves_no_file_of_its_name(tmp_path):
    with site(a=Resumable(cuts=[1000, 2000, 3000])) as server:
        outcome = fetch([Item(server.url("a"), tmp_path / "a")], lambda item: None, lambda *_: None, patience=QUICK)
    assert "ended early" in outcome.failed[tmp_path / "a"]
    assert not (tmp_path / "a").exists()


def test_frames_whose_transfer_breaks_off_are_continued_from_the_archive(tmp_path):
    cut = {"mode": "truncated", "op": "file", "each": True, "calls": "1-2"}
    with small_archive(tmp_path / "whole") as archive:
        acquire(tmp_path / "undisturbed", archive, flare_task(archive))
    with small_archive(tmp_path / "state", [cut]) as archive:
        acquire(tmp_path / "cut", archive, flare_task(archive))
    log = [entry for entry in read_log(tmp_path / "state") if entry["op"] == "file" and entry["verb"] == "GET"]
    for path in {entry["target"] for entry in log}:
        first, second = (entry for entry in log if entry["target"] == path)
        assert (first["status"], second["status"]) == (200, 206)
        assert first["bytes"] + second["bytes"] == first["size"]
    one, two = (read_manifest(place(tmp_path / run).manifest) for run in ("undisturbed", "cut"))
    assert one == two
    assert len(one) == 20
