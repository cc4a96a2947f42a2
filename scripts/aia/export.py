"""Export requests: from records that are needed to files that can be fetched.

A request's id is on disk before it is waited for. A job that was killed, or lost patience, finds it again; a request
that the archive has forgotten is sent anew. A job that was killed before it heard the id asks again, and the archive
answers with the id of the request that it has.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from drms.client import ExportRequest
from drms.exceptions import DrmsExportError

from aia import recordsets
from aia.archive import Archive
from aia.errors import ArchiveError
from aia.filters import Condition
from aia.journal import Journal, Request
from aia.retries import RefusedError, persist, status_of

logger = logging.getLogger(__name__)


FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,125}\.fits")
REQUEST_ID = re.compile(r"JSOC_\d{8}_\d+(?:_X_IN)?")
PENDING = (1, 2)
TOO_LARGE, EXPIRED, NOT_FOUND, LIMIT = 3, 5, 6, 7
NOT_FOUND_LIMIT = 6  # a fresh request may be unknown for a few questions


@dataclass(frozen=True)
class Needed:
    """Records that are needed, and how.

    Attributes
    ----------
    kept
        Names of all records of the block that the conditions keep, ascending.
    records
        Names of those to be exported.
    conditions
        The conditions, which go into the record sets.
    segments
        Segments of each record.
    processing
        What the archive is to do to the frames: arguments by process.
    """

    kept: tuple[str, ...]
    records: tuple[str, ...]
    conditions: tuple[Condition, ...]
    segments: tuple[str, ...] = ("image",)
    processing: dict[str, dict[str, str]] = field(default_factory=dict)


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


@dataclass
class Delivery:
    """What requests brought.

    Attributes
    ----------
    requests
        Each with `id`, `method`, `protocol`, `recordset`, `count`, `size_mb`.
    files
        Each with `record`, `segment`, `filename`, `url`, `request`.
    not_exported
        Each with `record` and `reason`.
    """

    requests: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)
    not_exported: list[dict[str, str]] = field(default_factory=list)


def obtain(archive: Archive, journal: Journal, needed: Needed, limits: Limits | None = None) -> Delivery:
    """Have the archive export records: take up requests that are on their way, and send those that are missing.

    Raises
    ------
    ArchiveError
        If the archive refuses, is not done in time, or delivers nothing at all: with its own words and the request id.
    """
    limits = limits or Limits()
    delivery, open_records = Delivery(), set(needed.records)
    for request in journal.requests():
        alike = (request.segments, request.processing) == (needed.segments, needed.processing)
        if alike and open_records.intersection(request.records):
            finished = _take_up(archive, journal, request, limits)
            if finished:
                _deliver(archive, journal, request, finished, open_records, delivery)
                open_records.difference_update(request.records)
    missing = recordsets.subsets(needed.kept, open_records, needed.conditions, needed.segments, limits.most_records)
    for text, names in missing:
        for request, finished in _submit(archive, journal, needed, text, names, limits):
            _deliver(archive, journal, request, finished, set(names), delivery)
    delivery.requests.sort(key=lambda request: (request["recordset"], request["id"]))
    delivery.files.sort(key=lambda file: (file["record"], file["segment"]))
    delivery.not_exported.sort(key=lambda lost: lost["record"])
    return delivery


def _take_up(archive: Archive, journal: Journal, request: Request, limits: Limits) -> ExportRequest | None:
    """Wait for a request that was sent before; None, and it is forgotten, if the archive does not know it any more."""
    logger.info("taking up %s, which was sent before", request.id)
    try:
        found = persist(lambda: archive.client.export_from_id(request.id), f"status of {request.id}", archive.patience)
        return _settle(archive, found, limits)
    except RefusedError as error:
        logger.warning("%s; it is sent anew", error)
        journal.drop(request)
        return None


def _submit(
    archive: Archive, journal: Journal, needed: Needed, text: str, names: Sequence[str], limits: Limits
) -> list[tuple[Request, ExportRequest]]:
    """Send a request and wait for it; one that is too large is sent in halves, one that has expired once more."""
    for last_try in (False, True):
        request = None
        try:
            sent = _send(archive, text, needed.processing, limits)
            request = Request(text, tuple(names), needed.segments, needed.processing, sent.id)
            journal.write(request)
            logger.info("%s: %d records, %s", sent.id, len(names), text)
            return [(request, _settle(archive, sent, limits))]
        except RefusedError as error:
            if request:
                journal.drop(request)
            if error.status == TOO_LARGE and len(names) > 1:
                logger.info("%s; %d records are asked for in halves", error, len(names))
                break
            if error.status not in (EXPIRED, NOT_FOUND) or last_try:
                raise
            logger.warning("%s; it is sent anew", error)
    halves = recordsets.subsets(needed.kept, names, needed.conditions, needed.segments, (len(names) + 1) // 2)
    return [part for half in halves for part in _submit(archive, journal, needed, *half, limits)]


def _send(archive: Archive, text: str, processing: dict[str, dict[str, str]], limits: Limits) -> ExportRequest:
    """Send a request as soon as the archive lets this address have one more."""

    def ask() -> ExportRequest:
        sent = archive.client.export(
            text,
            method="url",
            protocol="fits",
            process=processing or None,
            email=archive.email,
            requester=False,
        )
        return _raise_if_failed(sent)

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
        _settle(archive, other, remaining)
    except RefusedError as error:
        logger.info("%s", error)


def _settle(archive: Archive, request: ExportRequest, limits: Limits) -> ExportRequest:
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


def _deliver(
    archive: Archive,
    journal: Journal,
    request: Request,
    finished: ExportRequest,
    wanted: set[str],
    delivery: Delivery,
) -> None:
    """Add what a finished request brought to a delivery, if it is wanted."""
    files, words = {}, []
    for row in finished.data.itertuples():
        if row.filename in ("", None) or row.record.startswith(("warning", "movie")):
            words.append(str(row.record).removeprefix("warning=").rstrip("."))
            continue
        record = recordsets.parse_record(row.record).name
        if record not in request.records:
            raise ArchiveError(f"{request.id} delivered {record}, which was not asked for")
        if row.filename in ("NoDataFile", "NoDataDirectory", "BadSegLink", "InvalidSegName"):
            words.append(row.filename)
            continue
        segment = _segment(row.filename, request.segments)
        if (record, segment) in files:
            raise ArchiveError(f"{request.id} delivered two files for {record}: {row.filename}")
        url = urljoin(archive.base_url, f"{finished.dir}/{safe_name(row.filename)}".lstrip("/"))
        files[record, segment] = {
            "record": record,
            "segment": segment,
            "filename": row.filename,
            "url": archive.stable_url(url),
            "request": request.id,
        }
    said = f": {'; '.join(dict.fromkeys(words))}" if words else ""
    if not files:
        journal.drop(request)
        raise ArchiveError(
            f"{request.id} is done, but the archive exported no file for its {len(request.records)} records{said}. "
            "Run again to ask anew, or leave these records out with `where`."
        )
    listed = [file for (record, _), file in files.items() if record in wanted]
    got = {file["record"] for file in listed if file["segment"] == request.segments[0]}
    lost = [name for name in request.records if name in wanted and name not in got]
    for name in lost:
        logger.warning("%s: %s exported no file for it%s", name, request.id, said)
    if lost:
        journal.drop(request)  # a later run asks anew; the archive may have found the file by then
    delivery.files += listed
    delivery.not_exported += [{"record": name, "reason": f"the archive exported no file{said}"} for name in lost]
    delivery.requests.append(
        {
            "id": request.id,
            "method": "url",
            "protocol": "fits",
            "processing": request.processing,
            "recordset": request.recordset,
            "count": len(files),
            "size_mb": _number(finished._d.get("size")),  # drms shows it nowhere else
        }
    )


def safe_name(name: str) -> str:
    """Return a file name that the archive gave, if it can only lie in the folder that we put it in.

    Raises
    ------
    ArchiveError
        If it is anything else than a plain name of a FITS file.
    """
    if not FILE_NAME.fullmatch(name) or ".." in name:
        raise ArchiveError(f"the archive names a file {name!r}; only plain names of FITS files are taken")
    return name


def _segment(filename: str, segments: Sequence[str]) -> str:
    """Which segment an exported file holds; exports list records without it."""
    if len(segments) == 1:
        return segments[0]
    for segment in segments:
        if re.search(rf"\.{segment}(_lev1)?\.fits$", filename):
            return segment
    raise ArchiveError(f"the archive delivered {filename!r}, which is none of the segments {', '.join(segments)}")


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
