"""Fixtures that several test modules share."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# A busy machine is no failure, and the same examples every time make a red run repeatable.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")

ROOT = Path(__file__).parents[1]
MEMORY = Path("/dev/shm")
ROOM = 10e9  # bytes: what is there at once of all that tests write, and what the processes take


def room_in_memory() -> bool:
    """Whether that part of memory which Linux has for files holds what tests write, and lets them start it."""
    try:
        disk, memory = os.statvfs(MEMORY), Path("/proc/meminfo").read_text(encoding="utf-8")
    except OSError:
        return False
    available = 1024 * int(re.search(r"^MemAvailable: +(\d+) kB$", memory, re.MULTILINE)[1])
    return min(disk.f_bavail * disk.f_frsize, available) > ROOM and not disk.f_flag & os.ST_NOEXEC


def pytest_configure(config: pytest.Config) -> None:
    """Files of tests lie in memory: they need not survive a power cut, and the disk was waited for a tenth of the time.

    One folder for the full-size frames of the synthetic archive: each is made once, whatever process asks first.
    """
    if not hasattr(config, "workerinput"):
        if room_in_memory():
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # --basetemp wins over it
        folder = tempfile.mkdtemp(prefix="aia-frames-")
        os.environ["AIA_SYNTHETIC_FRAMES"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(autouse=True)
def own_handling_of_floating_point_errors() -> Iterator[None]:
    """What a test leaves of numpy's handling of invalid values, as that of numpy.linalg, the next does not find."""
    with np.errstate():
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real AIA data, kept outside the project; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real data (a folder shared/data beside the project) is absent")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What became of the attacks, where they are counted."""
    if (path := os.environ.get("AIA_HOSTILE_TALLY")) and Path(path).is_file():
        import hostile

        terminalreporter.write_line(hostile.table(Path(path)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fast tests first: what is quickly found wrong is quickly told. Several processes begin with the slow ones.

    So none of them waits in the end for another's long test.
    """
    order = [True, False] if hasattr(config, "workerinput") else [False, True]
    items.sort(key=lambda item: order.index(item.get_closest_marker("slow") is not None))
