"""A disk that fills, and Ctrl-C, in any stage: what was begun is made again, and nothing is left behind."""

import gc
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from stages import STAGES, Event

from aia_sequence.files import sha256
from aia_sequence.joblog import job_log

pytestmark = [
    pytest.mark.slow,
    # matplotlib leaves a file open that it cannot write to the end
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

EVENT = {
    "name": "flare",
    "start": "2021-07-03T14:28:00Z",
    "end": "2021-07-03T14:28:10Z",
    "channels": [211],
    "cutout": True,
    "region": {"x": [780, 900], "y": [290, 410]},
    "calibration": {"uncertainty": True},
    "figure": {"dpi": 72},
}
SCRIPTS = ["download_level1", "write_audit"]
FULL = "there is no space left on the disk; make room and run again"


@pytest.fixture(autouse=True)
def garbage():
    """Files that matplotlib left open are closed here, and not during another test, which they would fail."""
    yield
    gc.collect()


def files(folder):
    """Hash of every file, by path, of what a run leaves; a crate says when that was."""
    other = {"journal", "logs", "ro-crate-metadata.json", "SHA256SUMS"}
    found = [path for path in folder.rglob("*") if path.is_file() and not other & set(path.parts)]
    return {str(path.relative_to(folder)): sha256(path) for path in found}


def used(folder):
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def watched(event, watch):
    """Have each stage of an event go through `watch(name, call)`."""
    for name, stage in list(event.run.items()):
        event.run[name] = lambda name=name, stage=stage, **given: watch(name, lambda: stage(**given))
    script = event.script
    event.script = lambda name, **given: watch(name, lambda: script(name, **given))
    return event


@pytest.fixture(scope="module")
def undisturbed(root, tmp_path_factory):
    """The event made on a disk with room: how many bytes each stage wrote, and the seconds of CPU that it took."""
    folder, sizes, seconds = tmp_path_factory.mktemp("room"), {}, {}
    event = Event(root, folder, EVENT)
    event.logs = folder

    def measure(name, call):
        before, begin = used(event.folder), time.process_time()
        call()
        sizes.setdefault(name, used(event.folder) - before)
        seconds.setdefault(name, time.process_time() - begin)

    watched(event, measure).make()
    return event, sizes, seconds


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, room: int) -> Path:
    """Take all the space of a disk but some bytes."""
    filler = disk / "filler"
    left = os.statvfs(disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(left.f_bavail * left.f_frsize - room // 4096 * 4096, 4096))
    return filler


@pytest.mark.parametrize("part", [0.0, 0.5])
def test_every_stage_says_that_the_disk_is_full_and_ends_well_when_there_is_room(
    root, tmp_path, disk, undisturbed, part, capfd
):
    """Nothing fits, or half of what the stage writes."""
    whole, sizes, _ = undisturbed
    event, said = Event(root, disk, EVENT, whole.state), {}
    event.logs = tmp_path

    def crowd(name, call):
        if name not in said:
            filler, log = fill(disk, int(part * sizes[name])), tmp_path / f"{name}.log"
            try:
                if name in SCRIPTS:
                    call()
                else:
                    with job_log(log):
                        call()
            except SystemExit:
                pass
            else:
                assert part, f"{name} wrote nothing"  # half of a file can be its last block on the disk
            filler.unlink()
            said[name] = log.read_text(encoding="utf-8")
        call()

    watched(event, crowd).make()
    capfd.readouterr()
    assert set(said) == {*STAGES, *SCRIPTS}
    for name, text in said.items():
        errors = [line for line in text.splitlines() if " ERROR " in line]
        if part and not errors:
            continue
        assert len(errors) == 1, (name, text)
        assert FULL in errors[0], (name, text)
        assert str(disk) in errors[0], (name, text)
        assert "Traceback" not in text, (name, text)
    assert files(event.folder) == files(whole.folder)


def stop(number, frame):
    raise KeyboardInterrupt


@pytest.mark.parametrize("part", [0.1, 0.6])
def test_every_stage_that_was_stopped_by_ctrl_c_is_made_as_if_it_had_not_been(root, tmp_path, undisturbed, part):
    """Somewhere in its work: the clock that stops it is that of the CPU."""
    whole, _, seconds = undisturbed
    event, said = Event(root, tmp_path, EVENT, whole.state), {}
    event.logs = tmp_path / "logs"
    event.logs.mkdir()
    before = signal.signal(signal.SIGPROF, stop)

    def interrupt(name, call):
        log = event.logs / f"{name}.log"
        if name not in said:
            signal.setitimer(signal.ITIMER_PROF, max(part * seconds[name], 1e-3))
            with suppress(KeyboardInterrupt):
                if name in SCRIPTS:
                    call()
                else:
                    with job_log(log):
                        call()
            signal.setitimer(signal.ITIMER_PROF, 0)
            said[name] = log.read_text(encoding="utf-8") if log.exists() else ""
        call()

    try:
        watched(event, interrupt).make()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert set(said) == {*STAGES, *SCRIPTS}
    assert not [name for name, text in said.items() if " ERROR " in text or "Traceback" in text]
    assert files(event.folder) == files(whole.folder)
