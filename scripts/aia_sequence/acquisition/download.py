"""Fetching many files at a time: complete, in bounds, repeated where repeating helps.

A file counts when `accept` has seen it; it is called as soon as the file is complete, while others are still on their
way. Until then the file has another name, and a part of one is never continued: it is fetched again.
"""

import http.client
import logging
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from aia_sequence.archive.retries import INSUFFICIENT_STORAGE, Patience, lasting
from aia_sequence.archive.web import TIMEOUT, TooSlowError, UnreachableError
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.files import written
from aia_sequence.joblog import Counter
from aia_sequence.privacy import redact

logger = logging.getLogger(__name__)

LONGEST_FILE = 256 * 2**20  # bytes; a full-disk frame has 8 to 34 MB
CHUNK = 2**18  # bytes read at a time; more than that leave the processor's cache before they are written
GONE = (404, 410)


@dataclass(frozen=True)
class Item:
    """A file to fetch: where from, and its path on disk."""

    url: str
    path: Path


@dataclass
class Outcome:
    """What did not arrive, by path, with the reason: `gone` is not there any more, `failed` never came right."""

    gone: dict[Path, str] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)


def fetch(
    items: Iterable[Item],
    accept: Callable[[Item], None],
    reject: Callable[[Item, str], None],
    connections: int = 2,
    patience: Patience | None = None,
) -> Outcome:
    """Fetch files, several at a time, within `aia_sequence.archive.web.limited_web`.

    Parameters
    ----------
    items
        The files; their paths must differ. A file that is there already is offered to `accept` first and fetched only
        if it is refused.
    accept
        Called in another thread with each complete file, one at a time. Raises `FrameError` if the file is not what it
        should be: it is then fetched again.
    reject
        Called with a refused file, and why, before it is fetched again or given up; it must move or delete the file.
    connections
        How many files at a time.
    patience
        How often a file is tried, and the pauses.

    Returns
    -------
    Outcome
        Of the files that were not accepted.

    Raises
    ------
    ArchiveError
        If nobody answers at the archive's address.
    """
    patience = patience or Patience(attempts=4)
    transfer = _Transfer(list(items), accept, reject)
    pauses, waited = patience.pauses(), 0.0
    with (
        ThreadPoolExecutor(max_workers=connections, thread_name_prefix="transfer") as connected,
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="check") as checking,
    ):
        try:
            transfer.take_up(checking)
            while transfer.open:
                begin = time.monotonic()
                transfer.round(connected, checking)
                waited += time.monotonic() - begin if transfer.unreached else 0.0
                pause = next(pauses, None)
                if transfer.unreached and lasting(transfer.unreached, waited + (pause or 0.0), patience):
                    raise ArchiveError(f"the archive was not reached: {transfer.unreached.strerror}. Run again later.")
                if not transfer.open or pause is None:
                    break
                logger.warning("%d files did not arrive; again in %.1f s", len(transfer.open), pause)
                patience.sleep(pause)
                waited = waited + pause if transfer.unreached else 0.0
        except BaseException:
            transfer.stopped.set()
            raise
    for item in transfer.open:
        transfer.outcome.failed[item.path] = f"{transfer.reasons[item]} ({patience.attempts} attempts)"
    return transfer.outcome


class _Transfer:
    """The state of a transfer: which files are still open, and why."""

    def __init__(self, items: list[Item], accept, reject) -> None:
        self.open, self.accept, self.reject = items, accept, reject
        self.arrived, self.bytes = Counter("downloaded", len(items), "files"), 0
        self.reasons: dict[Item, str] = {}
        self.outcome = Outcome()
        self.unreached: UnreachableError | None = None
        self.stopped = threading.Event()

    def take_up(self, checking: ThreadPoolExecutor) -> None:
        """Offer what an earlier, interrupted transfer left."""
        left = [item for item in self.open if item.path.exists()]
        good = {item for item, taken in zip(left, checking.map(self._offer, left), strict=True) if taken}
        self.open = [item for item in self.open if item not in good]

    def round(self, connected: ThreadPoolExecutor, checking: ThreadPoolExecutor) -> None:
        """Try every open file once."""
        self.unreached = None
        tries = {item: connected.submit(self._try, item, checking) for item in self.open}
        accepted = {item for item, offered in tries.items() if (answer := offered.result()) and answer.result()}
        self.open = [item for item in self.open if item not in accepted and item.path not in self.outcome.gone]

    def _try(self, item: Item, checking: ThreadPoolExecutor) -> Future[bool] | None:
        """Fetch a file and have it looked at; None if it did not arrive."""
        if self.stopped.is_set() or self.unreached:
            self.reasons.setdefault(item, "the archive was not reached")
            return None
        try:
            self._receive(item)
        except UnreachableError as error:
            self.unreached = error
            self.reasons[item] = f"the archive was not reached ({error.strerror})"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == INSUFFICIENT_STORAGE:
                raise ArchiveError(f"{item.path.name}: the archive's disk cannot be written to (HTTP 507)") from None
            if error.code in GONE:
                self.outcome.gone[item.path] = f"the archive no longer has it (HTTP {error.code})"
            self.reasons[item] = f"the archive answered with HTTP {error.code}"
        except (ArchiveError, FrameError, ConnectionError, TimeoutError, http.client.HTTPException) as error:
            self.reasons[item] = _broken(error)
        else:
            return checking.submit(self._offer, item)
        logger.warning("%s: %s", item.path.name, self.outcome.gone.get(item.path) or self.reasons[item])
        return None

    def _receive(self, item: Item) -> None:
        """Write a file under its name as soon as all of it is there."""
        part, buffer = item.path.with_name(f"{item.path.name}.part"), memoryview(bytearray(CHUNK))
        timeout = socket.getdefaulttimeout() or TIMEOUT
        try:
            with urllib.request.urlopen(item.url, timeout=timeout) as answer, written(part) as file:
                announced, received = _announced(item, answer), 0
                while count := answer.readinto(buffer):
                    received += count
                    if received > announced:
                        raise FrameError(f"{item.path.name} is longer than the {announced} bytes that were announced")
                    file.write(buffer[:count])
                    if self.stopped.is_set():
                        raise ConnectionAbortedError
            if received < announced:
                raise FrameError(f"the file ended early: {received} of {announced} bytes")
            os.replace(part, item.path)
        finally:
            part.unlink(missing_ok=True)

    def _offer(self, item: Item) -> bool:
        """Show a complete file to `accept`; True if it is taken."""
        try:
            found = item.path.stat().st_size
            self.accept(item)
        except FrameError as error:
            self.reasons[item] = str(error)
            logger.warning("%s", error)
            self.reject(item, str(error))
            return False
        self.bytes += found
        self.arrived.step(self.bytes / 1e6)
        return True


def _announced(item: Item, answer: http.client.HTTPResponse) -> int:
    """Length of a file, as the archive announces it.

    Raises
    ------
    FrameError
        If it is too large, or not said, or not all of the file is to come.
    """
    length = " and ".join(sorted(set(answer.headers.get_all("Content-Length", []))))
    if answer.status != http.client.OK:
        raise FrameError(f"{item.path.name} is answered with HTTP {answer.status}, which is no whole file")
    if not re.fullmatch(r"\d{1,18}", length, re.ASCII) or int(length) > LONGEST_FILE:
        raise FrameError(
            f"{item.path.name} announces {length[:40] or 'no number of'} bytes; allowed are up to {LONGEST_FILE}"
        )
    return int(length)


def _broken(error: Exception) -> str:
    """Why a transfer broke, in words."""
    if isinstance(error, ArchiveError | FrameError):
        return redact(str(error))
    if isinstance(error, TimeoutError):
        return f"the transfer stood still{f' ({error})' if isinstance(error, TooSlowError) else ''}"
    if isinstance(error, ConnectionError | http.client.IncompleteRead | http.client.RemoteDisconnected):
        return "the connection broke"
    return redact(f"the archive's answer is no HTTP ({type(error).__name__} {error})")
