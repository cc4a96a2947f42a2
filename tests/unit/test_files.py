"""A file is written whole or not at all, and what a killed writer leaves does not stay."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from aia_sequence import files
from aia_sequence.files import opened, replacing, sha256, sweep, write_text

WRITER = """
import os, signal, sys
from pathlib import Path
from aia_sequence.files import replacing
with replacing(Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def hidden(folder):
    return sorted(path.name for path in Path(folder).iterdir() if path.name.startswith("."))


@pytest.fixture(autouse=True)
def first_write():
    """Each test is a process that has not yet written anywhere."""
    files._sweep_once.cache_clear()


def killed(path):
    """Have a process be killed while it writes a file."""
    environment = os.environ | {"PYTHONPATH": str(Path(files.__file__).parents[1])}
    ended = subprocess.run([sys.executable, "-c", WRITER, str(path)], env=environment, check=False)
    assert ended.returncode == -9


def test_what_a_killed_writer_left_goes_when_somebody_writes_there_again(tmp_path):
    write_text(tmp_path / "audit.csv", "old")
    killed(tmp_path / "audit.csv")
    assert len(hidden(tmp_path)) == 1
    assert (tmp_path / "audit.csv").read_text() == "old"
    files._sweep_once.cache_clear()
    write_text(tmp_path / "another.csv", "new")
    assert hidden(tmp_path) == []
    assert (tmp_path / "audit.csv").read_text() == "old"


def test_what_is_being_written_stays(tmp_path):
    with replacing(tmp_path / "a.csv") as mine:
        sweep(tmp_path)
        assert hidden(tmp_path) == [mine.name]


def test_what_another_machine_writes_stays_for_a_day(tmp_path, monkeypatch):
    name = ".a.csv.elsewhere-1.12345.0123abcd.part"
    (tmp_path / name).touch()
    sweep(tmp_path)
    assert hidden(tmp_path) == [name]
    monkeypatch.setattr(files.time, "time", lambda: os.stat(tmp_path / name).st_ctime + files.STALE + 1)
    sweep(tmp_path)
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("name", [".snakemake_timestamp", ".a.part", "a.csv.host-1.999999999.0123abcd.part", ".x.json"])
def test_nothing_else_is_swept(tmp_path, monkeypatch, name):
    (tmp_path / name).touch()
    monkeypatch.setattr(files.time, "time", lambda: 1e12)
    sweep(tmp_path)
    assert (tmp_path / name).exists()


def test_a_link_to_an_old_file_is_not_old(tmp_path):
    (tmp_path / "old").touch()
    os.utime(tmp_path / "old", (0, 0))
    os.link(tmp_path / "old", tmp_path / ".a.elsewhere-1.1.0123abcd.part")
    sweep(tmp_path)
    assert len(hidden(tmp_path)) == 1


def test_files_have_the_rights_that_the_umask_allows_and_no_thread_sees_another_umask(tmp_path, monkeypatch):
    def refuse(*_):
        pytest.fail("the umask is everybody's: another thread would write with it")

    before = os.umask(0o027)
    monkeypatch.setattr(os, "umask", refuse)
    try:
        writers = [threading.Thread(target=write_text, args=(tmp_path / f"{n}.csv", "x")) for n in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}
        assert len(list(tmp_path.iterdir())) == 4
    finally:
        monkeypatch.undo()
        os.umask(before)


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    write_text(tmp_path / "a.csv", "old")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.csv") as part:
        part.write_text(str(1 / 0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_only_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "large").write_bytes(bytes(101))
    for name in ("pipe", "endless", "round", "", "absent"):
        with pytest.raises(OSError):  # noqa: PT011 - of whatever kind
            sha256(tmp_path / name)
    with pytest.raises(OSError, match="too large"):
        opened(tmp_path / "large", 100)
    with opened(tmp_path / "large", 101) as file:
        assert len(file.read()) == 101


def wrapped(cause):
    """What a library makes of an error."""
    try:
        raise cause
    except OSError as error:
        raise RuntimeError("a library says something else") from error


def found_again(cause):
    """What we make of that: an error whose context is the one that it is the cause of."""
    try:
        wrapped(cause)
    except RuntimeError as error:
        raise error.__cause__ from None


def test_the_disks_error_is_found_behind_others_and_a_circle_of_errors_ends():
    full = OSError(errno.ENOSPC, "No space left on device", "frame.fits")
    with pytest.raises(RuntimeError) as error:
        wrapped(full)
    assert files.of_disk(error.value) is full
    with pytest.raises(ConnectionRefusedError) as circle:
        found_again(ConnectionRefusedError(111, "Connection refused"))
    assert circle.value.__context__.__cause__ is circle.value
    assert files.of_disk(circle.value) is None
