"""The two halves of acquisition: have the archive export what the cache lacks, then fetch and verify it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from aia_sequence.acquisition import direct, folder
from aia_sequence.acquisition.cache import Cache
from aia_sequence.acquisition.download import fetch
from aia_sequence.acquisition.export import Delivery, Limits, Needed, obtain
from aia_sequence.acquisition.journal import Journal
from aia_sequence.archive import metadata
from aia_sequence.archive.client import Archive
from aia_sequence.config.conditions import Condition, compile_where
from aia_sequence.errors import ArchiveError
from aia_sequence.frames.manifests import LEVEL1_COLUMNS, write_manifest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What is wanted of a block and channel, and how.

    Attributes
    ----------
    series
        The series.
    kept : pandas.DataFrame
        Metadata of the records that the conditions keep, ascending.
    conditions
        The conditions.
    segments
        Segments of each record, the image first.
    processing
        What the archive is to do to the frames: arguments by process.
    method
        `url` (the archive's export queue) or `direct` (its files as they are).
    """

    series: str
    kept: pd.DataFrame
    conditions: tuple[Condition, ...]
    segments: tuple[str, ...] = ("image",)
    processing: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    method: str = "url"

    @classmethod
    def of(cls, records: Path, wanted: Mapping[str, Any], method: str) -> "Task":
        """The task of the records that a list marks as kept; `wanted` is what a planned job says of its frames."""
        marked = metadata.read(records)
        kept = marked[marked["kept"]].reset_index(drop=True)
        where = compile_where(wanted["where"])
        return cls(wanted["series"], kept, where, tuple(wanted["segments"]), wanted["processing"], method)

    def source(self, archive: Archive) -> folder.Source:
        """Where the frames come from, as the cache addresses them."""
        steps = [
            ",".join([name, *(f"{key}={value}" for key, value in arguments.items())])
            for name, arguments in self.processing.items()
        ]
        # A file whose header we filled in is not, byte for byte, the one that the queue would have written.
        done = direct.PROCESSING if self.method == "direct" else "|".join(steps)
        return folder.Source(archive.name, self.series, self.segments, done)


@dataclass(frozen=True)
class Place:
    """Folder of a block's frames, the manifest beside it, and the folder for files that stay wrong."""

    frames: Path
    manifest: Path
    quarantine: Path


def request(archive: Archive, cache: Cache, journal: Journal, task: Task, limits: Limits) -> tuple[list[str], Delivery]:
    """Have the archive export the records of a task that the cache lacks.

    Returns
    -------
    cached : list of str
        Records that the cache holds.
    delivery : Delivery
        The others.
    """
    names = list(task.kept["record"])
    cached = folder.cached(cache, task.source(archive), task.kept)
    lacking = sorted(set(names).difference(cached), key=names.index)
    logger.info("%d of %d records are in the cache", len(cached), len(names))
    return cached, _deliver(archive, journal, task, lacking, limits) if lacking else Delivery()


def download(
    archive: Archive,
    cache: Cache,
    journal: Journal,
    task: Task,
    delivery: Delivery,
    place: Place,
    limits: Limits,
    connections: int = 2,
    on_missing: str = "fail",
) -> None:
    """Fill a block's folder with verified frames and write its manifest.

    Parameters
    ----------
    archive, cache, journal, task, limits
        As for `request`.
    delivery
        What `request` got.
    place
        Where the frames and their manifest go.
    connections
        How many files are fetched at a time.
    on_missing
        `fail`, or `skip` to go on without frames that could not be fetched; they stand in the manifest either way.

    Raises
    ------
    ArchiveError
        If frames could not be fetched and none may be missing: naming them, with the reasons.
    """
    headers = direct.Headers(archive, task.series) if task.method == "direct" else None
    block = folder.Block(task.source(archive), cache, task.kept, place.frames, place.quarantine, headers)
    block.reasons.update({lost["record"]: lost["reason"] for lost in delivery.not_exported})
    block.take_cached()
    if headers:
        headers.load(list(task.kept["record"]), block.missing, task.conditions)
    failed: dict[Path, str] = {}
    for last_try in (False, True):
        items = block.items(delivery.files, archive.local_url)
        outcome = fetch(items, block.accept, block.reject, connections, archive.patience)
        failed |= outcome.failed | (outcome.gone if last_try else {})
        block.note(failed)
        again = block.missing
        if not again or last_try:
            break
        # An export is kept for a week; and what the cache held a moment ago may have been removed.
        logger.warning("%d files are missing; they are asked for again", len(again))
        journal.forget(file["request"] for file in delivery.files if file["record"] in set(again))
        delivery = _deliver(archive, journal, task, again, limits)
        block.reasons.update({lost["record"]: lost["reason"] for lost in delivery.not_exported})
    block.close()
    if failed and on_missing == "fail":
        lines = "\n  ".join(f"{block.expected[path][0]}: {reason}" for path, reason in sorted(failed.items()))
        raise ArchiveError(
            f"{len(failed)} of {len(task.kept)} frames could not be fetched:\n  {lines}\n"
            f"Refused files lie in {place.quarantine}. The others are in the cache: run again to fetch these, or set "
            "`export.on_missing: skip` to go on without them."
        )
    further = (column for segment in task.segments[1:] for column in (segment, f"{segment}_sha256"))
    write_manifest(place.manifest, block.manifest_rows(), (*LEVEL1_COLUMNS, *further))


def _deliver(archive: Archive, journal: Journal, task: Task, records: list[str], limits: Limits) -> Delivery:
    if task.method == "direct":
        return direct.locate(archive, task.series, list(task.kept["record"]), records, task.conditions, task.segments)
    processing = {name: dict(arguments) for name, arguments in task.processing.items()}
    needed = Needed(tuple(task.kept["record"]), tuple(records), task.conditions, tuple(task.segments), processing)
    return obtain(archive, journal, needed, limits)
