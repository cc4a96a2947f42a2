"""The log of a job: one file per job, which also holds how far it is, and the reason of a failure.

It is the only way from a job to whoever watches the run: jobs may run on another machine.
"""

import atexit
import gc
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import override

from aia_sequence.errors import AIAError
from aia_sequence.files import NOT_WRITABLE, of_disk
from aia_sequence.privacy import redact

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
COUNT = re.compile(r": \w+ (\d+) of (\d+) [\w ]+(?:, ([\d.]+) MB)?$", re.MULTILINE | re.ASCII)
ERROR = re.compile(r"^\d\d:\d\d:\d\d ERROR \S+: (.*(?:\n(?!\d\d:\d\d:\d\d [A-Z]).*)*)", re.MULTILINE | re.ASCII)
TOLD = "AIA_SEQUENCE_TELLS_ERRORS"  # set where whoever started the jobs tells their errors, once per cause
TRACEBACK = "Traceback (most recent call last):"

logger = logging.getLogger(__name__)


class _Redacted(logging.Formatter):
    """Whatever is logged, the e-mail address that the archive wants is not in it."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class _LogFile(logging.FileHandler):
    """A log that a full disk may cut short: the terminal gets the messages all the same."""

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        pass


@contextmanager
def job_log(path: str | Path) -> Iterator[logging.Logger]:
    """Send logging to the job's log file, and its warnings to the terminal, while the job runs.

    Errors go to the terminal, too, unless the run's display reads them from the log.

    An `AIAError`, or a disk that cannot be written to, is written as one message, without a traceback, and ends the
    process with status 1. Any other exception is written with its traceback: `snakemake --show-failed-logs` prints the
    file, so nobody has to look for the reason.

    Parameters
    ----------
    path
        The rule's log file; its folder is made.

    Yields
    ------
    logging.Logger
        The root logger.
    """
    # Before it ends, Python would look once more for garbage in all that was imported: a quarter of the imports' time.
    atexit.register(gc.freeze)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = _LogFile(path, mode="w", encoding="utf-8")
    file.setFormatter(_Redacted(FORMAT, datefmt="%H:%M:%S"))
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    if TOLD in os.environ:
        terminal.addFilter(lambda record: record.levelno < logging.ERROR)
    terminal.setFormatter(_Redacted("%(levelname)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    _without_terminal(root)
    root.addHandler(file)
    root.addHandler(terminal)
    try:
        yield root
    except Exception as error:  # noqa: BLE001 - whatever it is belongs into the log, with its traceback
        if (disk := of_disk(error)) is not None:
            root.error("%s: %s", disk.filename2 or disk.filename or path, NOT_WRITABLE[disk.errno or 0])
            sys.exit(1)
        if isinstance(error, AIAError):
            root.error("%s", error)
            sys.exit(1)
        # The traceback goes to the log that Snakemake shows; the terminal gets it from there, once.
        root.removeHandler(terminal)
        root.error("%s", traceback.format_exc())
        sys.exit(1)
    finally:
        root.removeHandler(file)
        root.removeHandler(terminal)
        with suppress(OSError):  # the log, too, may lie on a disk that is full
            file.close()
        logging.captureWarnings(False)


@contextmanager
def terminal_log() -> Iterator[None]:
    """Tell on the terminal, each in a line of its own, what a command that is called by hand logs meanwhile."""
    terminal, root = logging.StreamHandler(sys.stderr), logging.getLogger()
    over_a_bar = "\r\x1b[K" if sys.stderr.isatty() else ""
    terminal.setFormatter(_Redacted(f"{over_a_bar}%(message)s"))
    root.setLevel(logging.INFO)
    _without_terminal(root)
    root.addHandler(terminal)
    try:
        yield
    finally:
        root.removeHandler(terminal)


def _without_terminal(root: logging.Logger) -> None:
    """Have nobody else write to the terminal, as drms does as soon as it is imported."""
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        root.removeHandler(handler)


class Counter:
    """Tells in the log of a job how many of its pieces are done: at most once a second, and at the end.

    Parameters
    ----------
    done
        What has happened to a piece, such as `calibrated`.
    total
        How many pieces there are.
    pieces
        What they are, such as `frames`.
    """

    def __init__(self, done: str, total: int, pieces: str = "frames") -> None:
        self.words, self.total, self.count, self.said = (done, pieces), total, 0, -1.0

    def step(self, megabytes: float | None = None) -> None:
        """One more is done, and `megabytes` in all."""
        self.count += 1
        now = time.monotonic()
        if self.count == self.total or self.said < 0 or now - self.said >= 1:
            self.said = now
            size = "" if megabytes is None else f", {megabytes:.1f} MB"
            logger.info("%s %d of %d %s%s", self.words[0], self.count, self.total, self.words[1], size)


@dataclass(frozen=True)
class Count:
    """How far a job is."""

    done: int
    total: int
    megabytes: float | None


def last_count(path: str | Path) -> Count | None:
    """How far a job is, by what a `Counter` last wrote to its log."""
    found = COUNT.findall(_end(path, 4096))
    return Count(int(found[-1][0]), int(found[-1][1]), float(found[-1][2]) if found[-1][2] else None) if found else None


def reason_in(path: str | Path) -> str:
    """Why a job failed, by the last error in its log; of a traceback the last line; empty where there is none."""
    found = ERROR.findall(_end(path, 65536))
    reason = found[-1].strip() if found else ""
    return reason.splitlines()[-1] if reason.startswith(TRACEBACK) else reason


def _end(path: str | Path, size: int) -> str:
    """The end of a log. It is opened again each time: on NFS only that shows what another machine has written."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
