"""The cache gives back what was put in, to any number of processes, and trusts nothing by its name."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aia_sequence import files
from aia_sequence.acquisition import cache as library
from aia_sequence.acquisition.cache import Cache, Key, place
from aia_sequence.commands.cache import holdings, report
from aia_sequence.commands.main import main
from aia_sequence.lists.manifests import LEVEL1

KEY = Key("synthetic", "aia.lev1_euv_12s", "2021-07-03T14:27:23Z", 211, 205107971)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def frame(tmp_path):
    path = tmp_path / "frame.fits"
    path.write_bytes(b"pixels" * 1000)
    return path


def test_what_goes_in_comes_out(cache, frame):
    assert cache.get(KEY) is None
    put = cache.put(KEY, frame, "name.fits", "JSOC_20210703_001")
    found = cache.get(KEY)
    assert found == put
    assert (found.filename, found.request, found.bytes) == ("name.fits", "JSOC_20210703_001", 6000)
    assert cache.object(found).read_bytes() == frame.read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"archive": "jsoc"},
        {"series": "aia.lev1_uv_24s"},
        {"t_rec": "2021-07-03T14:27:35Z"},
        {"wavelnth": 171},
        {"recnum": 205107972},
        {"segment": "spikes"},
        {"processing": "im_patch,x=850,y=350,width=400,height=400"},
        {"processing": "direct"},
    ],
)
def test_an_entry_is_of_one_archive_record_segment_and_processing(cache, frame, changes):
    cache.put(KEY, frame, "name.fits", "")
    assert cache.get(replace(KEY, **changes)) is None


def test_two_processings_of_one_record_lie_apart(cache, frame, tmp_path):
    other = tmp_path / "other.fits"
    other.write_bytes(b"cut")
    cut = replace(KEY, processing="im_patch,x=1/../../x")
    cache.put(KEY, frame, "name.fits", "")
    cache.put(cut, other, "cut.fits", "")
    assert cache.get(KEY).filename == "name.fits"
    assert cache.get(cut).filename == "cut.fits"
    assert all((cache.root / "records") in path.parents for path in cache.root.rglob("*.json"))


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_file_is_not_given_out_and_leaves(cache, frame, damage, caplog):
    entry = cache.put(KEY, frame, "name.fits", "")
    path = cache.object(entry)
    data = path.read_bytes()
    path.unlink()
    if damage != "remove":
        path.write_bytes(data[:-1] if damage == "cut" else b"P" + data[1:])
    assert cache.get(KEY) is None
    assert "missing or damaged" in caplog.text
    assert not path.exists()
    assert not (cache.root / KEY.path).exists()
    cache.put(KEY, frame, "name.fits", "")
    assert cache.get(KEY) == entry


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"key": {}}', '{"sha256": "../../../etc/passwd"}'], ids=range(6)
)
def test_an_entry_that_is_none_is_ignored(cache, frame, text, caplog):
    cache.put(KEY, frame, "name.fits", "")
    (cache.root / KEY.path).write_text(text)
    assert cache.get(KEY) is None
    assert "no entry of the cache" in caplog.text


OBSTACLES = {
    "a pipe": os.mkfifo,
    "a folder": lambda path: (path / "x").mkdir(parents=True),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "something large": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), library.LARGEST + 1),
    "brackets": lambda path: path.write_text("[" * 60_000),
    "no text": lambda path: path.write_bytes(b"\xff\xfe"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("where", ["entry", "file"])
def test_whatever_lies_in_the_place_of_an_entry_or_its_file_there_is_no_entry(cache, frame, where, obstacle):
    entry = cache.put(KEY, frame, "name.fits", "")
    place_of = cache.root / KEY.path if where == "entry" else cache.object(entry)
    place_of.unlink()
    OBSTACLES[obstacle](place_of)
    assert cache.get(KEY) is None
    # Fetched again, it is used, and kept if that can be.
    assert cache.put(KEY, frame, "name.fits", "") == entry
    assert cache.get(KEY) == (None if obstacle == "a folder" else entry)


@pytest.mark.parametrize(
    "changes",
    [
        {"bytes": "6000"},
        {"bytes": 6000.0},
        {"bytes": None},
        {"bytes": 10**30},
        {"sha256": 7},
        {"sha256": None},
        {"filename": None},
        {"filename": ["a"]},
        {"request": {}},
        {"more": 1},
    ],
)
def test_an_entry_whose_values_are_of_another_kind_is_none(cache, frame, changes):
    cache.put(KEY, frame, "name.fits", "")
    content = json.loads((cache.root / KEY.path).read_text()) | changes
    (cache.root / KEY.path).write_text(json.dumps(content))
    assert cache.get(KEY) is None


def test_what_a_killed_writer_left_in_the_cache_is_swept(cache, frame):
    entry = cache.put(KEY, frame, "name.fits", "")
    cache.discard(KEY, cache.object(entry))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for target in (cache.object(entry), cache.root / KEY.path):
        left = files.beside(target)
        left.with_name(left.name.replace(f".{os.getpid()}.", f".{gone.pid}.")).touch()
    files._sweep_once.cache_clear()  # as in a new process
    cache.put(KEY, frame, "name.fits", "")
    assert not [path for path in cache.root.rglob("*") if path.name.startswith(".")]


def test_an_entry_under_the_name_of_another_record_is_not_believed(cache, frame):
    cache.put(KEY, frame, "name.fits", "")
    other = replace(KEY, wavelnth=171)
    (cache.root / KEY.path).rename(cache.root / other.path)
    assert cache.get(other) is None


def test_an_entry_cannot_lead_out_of_the_cache(cache, frame, tmp_path):
    cache.put(KEY, frame, "name.fits", "")
    path = cache.root / KEY.path
    content = json.loads(path.read_text())
    content["sha256"] = "../" * 8 + "frame"
    path.write_text(json.dumps(content))
    assert cache.get(KEY) is None
    assert frame.exists()


def test_files_of_the_cache_cannot_be_written_to_by_accident(cache, frame, tmp_path):
    entry = cache.put(KEY, frame, "name.fits", "")
    place(cache.object(entry), tmp_path / "results" / "name.fits")
    for path in (cache.object(entry), tmp_path / "results" / "name.fits"):
        assert path.stat().st_mode & 0o222 == 0
    assert (tmp_path / "results" / "name.fits").samefile(cache.object(entry))


def test_where_no_link_can_be_made_a_copy_is(cache, frame, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links across file systems")

    monkeypatch.setattr(library.os, "link", refuse)
    entry = cache.put(KEY, frame, "name.fits", "")
    assert cache.get(KEY) == entry
    assert not cache.object(entry).samefile(frame)


def test_placing_twice_leaves_one_file_and_no_rest(cache, frame, tmp_path):
    for _ in range(2):
        place(frame, tmp_path / "there" / "name.fits")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["name.fits"]


def test_a_cache_that_cannot_be_written_to_is_read_and_otherwise_left_alone(cache, frame, monkeypatch, caplog):
    entry = cache.put(KEY, frame, "name.fits", "")
    other = replace(KEY, wavelnth=171)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "read-only")

    monkeypatch.setattr(library, "write_json", refuse)
    new = cache.put(other, frame, "other.fits", "")
    assert (new.filename, new.sha256) == ("other.fits", entry.sha256)
    assert "cannot be written to" in caplog.text
    assert cache.get(other) is None
    assert cache.get(KEY) == entry


def test_a_cache_on_a_file_system_that_is_mounted_read_only_is_read(cache, frame, monkeypatch, caplog):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    cache.put(KEY, frame, "name.fits", "")
    monkeypatch.setattr(library, "write_json", refuse)
    assert cache.put(replace(KEY, wavelnth=171), frame, "other.fits", "").filename == "other.fits"
    assert "cannot be written to" in caplog.text
    assert cache.get(KEY).filename == "name.fits"


def test_a_full_disk_is_no_read_only_cache(cache, frame, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(library, "write_json", refuse)
    with pytest.raises(OSError, match="No space"):
        cache.put(KEY, frame, "name.fits", "")


def test_a_file_of_another_user_is_copied_where_its_link_cannot_be_made_ones_own(cache, frame, tmp_path, monkeypatch):
    entry = cache.put(KEY, frame, "name.fits", "")
    shared = cache.object(entry)
    shared.chmod(0o644)
    change = os.chmod

    def refuse(path, *rest, **options):
        if os.path.samefile(path, shared):
            raise PermissionError(errno.EPERM, "not the owner")
        change(path, *rest, **options)

    monkeypatch.setattr(os, "chmod", refuse)
    place(shared, tmp_path / "results" / "name.fits")
    assert (tmp_path / "results" / "name.fits").read_bytes() == frame.read_bytes()
    assert not (tmp_path / "results" / "name.fits").samefile(shared)


@pytest.mark.parametrize("hidden", ["entry", "file"])
def test_what_a_colleague_keeps_to_himself_is_fetched_again_and_left_alone(cache, frame, monkeypatch, caplog, hidden):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    entry = cache.put(KEY, frame, "name.fits", "")
    monkeypatch.setattr(*((library, "opened" if hidden == "entry" else "sha256")), refuse)
    assert cache.get(KEY) is None
    assert "may not be read" in caplog.text
    monkeypatch.undo()
    assert cache.get(KEY) == entry


def test_what_is_put_in_can_be_read_by_everyone_whom_the_umask_allows(cache, frame):
    before = os.umask(0o027)
    try:
        cache.put(KEY, frame, "name.fits", "")
    finally:
        os.umask(before)
    for path in cache.root.rglob("*"):
        assert path.stat().st_mode & 0o040
        assert not path.is_dir() or path.stat().st_mode & 0o010


def fill(root, number, rounds):
    """Put and get the same records over and over, as a workflow of its own would."""
    mine = Path(root).parent / f"mine{number}"
    mine.mkdir()
    cache = Cache(root)
    for turn in range(rounds):
        for channel in (94, 131, 171):
            path = mine / f"{turn}.{channel}.fits"
            # What the archive exports twice differs in its bytes: another time of writing, other checksums.
            path.write_bytes(f"{number} {turn} {channel} ".encode() * 500)
            key = replace(KEY, wavelnth=channel)
            cache.put(key, path, f"{channel}.fits", f"JSOC_{number}")
            found = cache.get(key)
            if found is None or cache.object(found).read_bytes().split()[2] != str(channel).encode():
                os._exit(1)


def test_several_processes_share_a_cache(tmp_path):
    context = multiprocessing.get_context("spawn")
    root = tmp_path / "cache"
    workers = [context.Process(target=fill, args=(str(root), number, 15)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    cache = Cache(root)
    assert all(cache.get(replace(KEY, wavelnth=channel)) for channel in (94, 131, 171))
    assert not [path for path in root.rglob("*") if path.name.startswith(".")]


def test_the_report_says_what_is_held_and_which_events_use_it(cache, frame, tmp_path):
    entry = cache.put(KEY, frame, "name.fits", "")
    other = tmp_path / "cut.fits"
    other.write_bytes(b"cut")
    cache.put(replace(KEY, t_rec="2022-01-01T00:00:00Z", processing="im_patch,x=1"), other, "cut.fits", "")
    manifest = tmp_path / "results" / "x1.5-2021-07-03" / "level1" / "211" / "20210703T1400.csv"
    row = {"file": "20210703T1400/name.fits", "record": "r", "T_REC": KEY.t_rec, "WAVELNTH": 211, "bytes": entry.bytes}
    LEVEL1.write(manifest, [row | {"sha256": entry.sha256}])
    full, cut = holdings(cache.root, tmp_path / "results")
    assert (full.segment, full.files, full.bytes, full.events) == ("image", 1, 6000, ("x1.5-2021-07-03",))
    assert (cut.segment, cut.first, cut.events) == ("image (im_patch)", "2022-01-01", ())
    text = report(cache.root, tmp_path / "results")
    assert "2 files, 0.00 GB" in text
    assert "1 events" in text


def test_the_report_of_an_empty_cache_says_so(cache, tmp_path, capsys):
    main(["cache", "--cache", str(cache.root), "--results", str(tmp_path)])
    assert capsys.readouterr().out == f"The level-1 cache {cache.root} is empty.\n"
