"""Export requests: from records that are needed to files that can be fetched.

A request's id is on disk before it is waited for. A job that was killed, or lost patience, finds it again; a request
that the archive has forgotten is sent again. A job that was killed before it heard the id asks again, and the archive
answers with the id of the request that it has.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urljoin

from drms.client import ExportRequest

from aia_sequence.acquisition import offline
from aia_sequence.acquisition.arrival_checks import safe_name
from aia_sequence.acquisition.journal import Journal, Request
from aia_sequence.acquisition.queue import EXPIRED, TOO_LARGE, Limits, send, wait_for
from aia_sequence.acquisition.request import FrameRequest
from aia_sequence.archive import recordsets
from aia_sequence.archive.answers import NOT_FOUND
from aia_sequence.archive.client import Archive
from aia_sequence.archive.retries import RefusedError, persist
from aia_sequence.errors import ArchiveError
from aia_sequence.lists.exports import Delivery, ExportedFile, ExportedRequest, NotExported

logger = logging.getLogger(__name__)


def obtain(
    archive: Archive, wanted: FrameRequest, records: Iterable[str], journal: Journal, limits: Limits | None = None
) -> Delivery:
    """Have the archive export some of the wanted records: take up requests that are on their way, and send the others.

    Raises
    ------
    ArchiveError
        If the archive refuses, is not done in time, or delivers nothing at all: with its own words and the request id.
    """
    limits = limits or Limits()
    delivery, open_records = Delivery(), set(records)
    processing = _plain(wanted)
    for request in journal.requests():
        alike = (request.segments, request.processing) == (wanted.segments, processing)
        if alike and open_records.intersection(request.records):
            finished = _take_up(archive, journal, request, limits)
            if finished:
                _deliver(archive, journal, request, finished, open_records, delivery)
                open_records.difference_update(request.records)
    missing = wanted.subsets(open_records, wanted.segments, limits.most_records)
    for text, names in missing:
        for request, finished in _submit(archive, journal, wanted, text, names, limits, delivery):
            _deliver(archive, journal, request, finished, set(names), delivery)
    delivery.requests.sort(key=lambda request: (request.recordset, request.id))
    delivery.files.sort(key=lambda file: (file.record, file.segment))
    delivery.not_exported.sort(key=lambda lost: lost.record)
    return delivery


def _take_up(archive: Archive, journal: Journal, request: Request, limits: Limits) -> ExportRequest | None:
    """Wait for a request that was sent before; None, and it is forgotten, if the archive does not know it any more."""
    logger.info("taking up %s, which was sent before", request.id)
    try:
        found = persist(lambda: archive.client.export_from_id(request.id), f"status of {request.id}", archive.patience)
        return wait_for(archive, found, limits)
    except RefusedError as error:
        logger.warning("%s; it is sent again", error)
        journal.drop(request)
        return None


def _submit(
    archive: Archive,
    journal: Journal,
    wanted: FrameRequest,
    text: str,
    names: Sequence[str],
    limits: Limits,
    delivery: Delivery,
) -> list[tuple[Request, ExportRequest]]:
    """Send a request and wait for it.

    One that is too large is sent in halves, one that has expired once more. Where the archive refuses because files are
    not on its disks, those records are noted in the delivery and the others are sent.
    """
    rest, most, processing = names, limits.most_records, _plain(wanted)
    for last_try in (False, True):
        request = None
        try:
            sent = send(archive, text, processing, limits)
            request = Request(text, tuple(names), wanted.segments, processing, sent.id)
            journal.write(request)
            logger.info("%s: %d records, %s", sent.id, len(names), text)
            return [(request, wait_for(archive, sent, limits))]
        except RefusedError as error:
            if request:
                journal.drop(request)
            if error.status == TOO_LARGE and len(names) > 1:
                logger.info("%s; %d records are asked for in halves", error, len(names))
                most = (len(names) + 1) // 2
                break
            lost = offline.without_file(archive, text, names, wanted.segments) if offline.refused(error) else []
            if lost and len(lost) == len(names):
                raise ArchiveError(
                    f"{error}\n{lost[0].record}: {lost[0].reason}; there is a file for none of {len(names)} "
                    "records. Run again when the archive has brought them, or leave them out with `where`."
                ) from None
            if lost:
                logger.warning("%s; %d of %d records are left out", error, len(lost), len(names))
                delivery.not_exported += lost
                rest = sorted(set(names) - {entry.record for entry in lost})
                break
            if error.status not in (EXPIRED, NOT_FOUND) or last_try:
                raise
            logger.warning("%s; it is sent again", error)
    parts = wanted.subsets(rest, wanted.segments, most)
    return [sent for part in parts for sent in _submit(archive, journal, wanted, *part, limits, delivery)]


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
        files[record, segment] = ExportedFile(record, segment, row.filename, archive.stable_url(url), request.id)
    said = f": {'; '.join(dict.fromkeys(words))}" if words else ""
    if not files:
        journal.drop(request)
        raise ArchiveError(
            f"{request.id} is done, but the archive exported no file for its {len(request.records)} records{said}. "
            "Run again to repeat the request, or leave these records out with `where`."
        )
    listed = [file for (record, _), file in files.items() if record in wanted]
    got = {file.record for file in listed if file.segment == request.segments[0]}
    lost = [name for name in request.records if name in wanted and name not in got]
    for name in lost:
        logger.warning("%s: %s exported no file for it%s", name, request.id, said)
    if lost:
        journal.drop(request)  # a later run asks again; the archive may have found the file by then
    delivery.files += listed
    delivery.not_exported += [NotExported(name, f"the archive exported no file{said}") for name in lost]
    delivery.requests.append(
        ExportedRequest(
            request.id,
            method="url",
            protocol="fits",
            processing=request.processing,
            recordset=request.recordset,
            count=len(files),
            size_mb=_number(finished._d.get("size")),  # drms shows it nowhere else
        )
    )


def _segment(filename: str, segments: Sequence[str]) -> str:
    """Which segment an exported file holds; exports list records without it."""
    if len(segments) == 1:
        return segments[0]
    for segment in segments:
        if filename.endswith((f".{segment}.fits", f".{segment}_lev1.fits")):
            return segment
    raise ArchiveError(f"the archive delivered {filename!r}, which is none of the segments {', '.join(segments)}")


def _plain(wanted: FrameRequest) -> dict[str, dict[str, str]]:
    """What the archive is to do to the frames, as a request's file holds it."""
    return {name: dict(arguments) for name, arguments in wanted.processing.items()}


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
