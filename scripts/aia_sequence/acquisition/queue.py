"""The archive's export queue: a request is sent as soon as it may be, and waited for until it has ended."""

import fcntl
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drms.client import ExportRequest
from drms.exceptions import DrmsExportError

from aia_sequence.archive.answers import NOT_FOUND, PENDING
from aia_sequence.archive.client import Archive
from aia_sequence.archive.retries import RefusedError, persist, status_of
from aia_sequence.errors import ArchiveError

logger = logging.getLogger(__name__)

REQUEST_ID = re.compile(r"JSOC_\d{8}_\d{1,9}(?:_X_IN)?", re.ASCII)
TOO_LARGE, EXPIRED, LIMIT = 3, 5, 7
NOT_FOUND_LIMIT = 6  # a fresh request may be unknown for a few questions


@dataclass(frozen=True)
class Limits:
    """How much is asked for at once, and how long an answer may take.

    Attributes
    ----------
    most_records
        Largest number of records in one request.
    timeout
        Longest time to wait for one request, seconds.
    clock
        Seconds that pass.
    """

    most_records: int = 1000
    timeout: float = 6 * 3600.0
    clock: Callable[[], float] = time.monotonic


@contextmanager
def turn(lock: Path) -> Iterator[None]:
    """Wait until no other job of this machine has an export request on its way; how a job ends does not matter.

    The archive accepts one pending request of an address, and would have the others ask again and again.

    Parameters
    ----------
    lock
        A file that these jobs share.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            logger.info("another export request is on its way; this one is sent after it")
            fcntl.lockf(file, fcntl.LOCK_EX)
        except OSError as error:  # some network file systems have no locks
            logger.warning("%s cannot be locked (%s): if another request is pending, the archive says so", lock, error)
        yield


def send(archive: Archive, text: str, processing: dict[str, dict[str, str]], limits: Limits) -> ExportRequest:
    """Send a request as soon as the archive lets this address have one more."""

    def ask() -> ExportRequest:
        # drms makes the files' names from the series' description, and does without where that fails.
        archive.client.info(text)
        sent = archive.client.export(
            text,
            method="url",
            protocol="fits",
            process=processing or None,
            email=archive.email,
            requester=False,
        )
        sent = _raise_if_failed(sent)
        if not REQUEST_ID.fullmatch(str(sent.id)):
            raise ArchiveError(f"export of {text}: the archive answers {sent.id!r}, which is no id of a request")
        return sent

    end, pause = limits.clock() + limits.timeout, archive.polling.first
    while True:
        try:
            return persist(ask, f"export of {text}", archive.patience)
        except RefusedError as error:
            if error.status != LIMIT:
                raise
            if limits.clock() > end:
                raise ArchiveError(f"{error}\nWaited {limits.timeout:.0f} s for it. Run again later.") from None
            ids = REQUEST_ID.findall(str(error))
            logger.warning("%s. Waiting for %s, then asking again.", error, ", ".join(ids) or "it")
            for pending in ids:
                _wait_for_other(archive, pending, end, limits)
            # The archive needs a moment to take a finished request off its list.
            archive.polling.sleep(pause)
            pause = min(2 * pause, archive.polling.longest)


def _wait_for_other(archive: Archive, request_id: str, end: float, limits: Limits) -> None:
    """Wait until a request that blocks ours has ended, however it ends."""
    try:
        other = persist(lambda: archive.client.export_from_id(request_id), f"status of {request_id}", archive.patience)
        remaining = Limits(timeout=max(0.0, end - limits.clock()), clock=limits.clock)
        wait_for(archive, other, remaining)
    except RefusedError as error:
        logger.info("%s", error)


def wait_for(archive: Archive, request: ExportRequest, limits: Limits) -> ExportRequest:
    """Wait until a request is done.

    Raises
    ------
    RefusedError
        If it failed, or the archive does not know it.
    ArchiveError
        If it is not done in time.
    """
    end, unknown, pause = limits.clock() + limits.timeout, 0, archive.polling.first
    while True:
        unknown += request.status == NOT_FOUND
        if unknown > NOT_FOUND_LIMIT:
            raise RefusedError(f"{request.id}: the archive does not know this request [status=6]", NOT_FOUND)
        if request.status not in (*PENDING, NOT_FOUND):
            break
        if limits.clock() > end:
            raise ArchiveError(
                f"{request.id} is not done after {limits.timeout:.0f} s. It is kept on disk and taken up when you run "
                "again; `export.timeout` in the configuration sets how long to wait."
            )
        archive.polling.sleep(pause)
        pause = min(1.5 * pause, archive.polling.longest)
        persist(request.has_finished, f"status of {request.id}", archive.patience)
    try:
        return _raise_if_failed(request)
    except DrmsExportError as error:
        raise RefusedError(f"{request.id}: {error}", status_of(error)) from None


def _raise_if_failed(request: ExportRequest) -> ExportRequest:
    """Turn the status of a failed request into drms's own error, which has the archive's words."""
    if request.has_failed(skip_update=True):
        request.data  # noqa: B018 - drms raises here
    return request
