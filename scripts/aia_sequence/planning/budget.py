"""What a configuration will cost, from the records that its conditions keep and the figures of `planning.costs`."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from aia_sequence.columns import columns
from aia_sequence.config.cutouts import frame_pixels, level1_bytes
from aia_sequence.instrument import SIDE
from aia_sequence.lists.records import RECORDS
from aia_sequence.planning import costs

VERSION = "4"  # of the estimate; a parameter of its rule

GB = 1e9
# Numbers with a fraction, as a terminal of 80 columns has room for them.
HEADS = {"download_gb": "GB\ndown", "written_gb": "GB\ndisk", "core_hours": "core\nhours"}


@dataclass
class Work:
    """What an event costs, or all of them.

    Attributes
    ----------
    event
        Name of the event; `total` of the sum.
    records, kept
        Records that the archive has in the window and channels, and how many of them fulfil the conditions.
    files
        Files to fetch: one a record, or two with its spikes.
    download_gb, written_gb
        Level 1 over the network, and level 1, level 1.5 and cubes on disk (1 GB = 1e9 bytes).
    core_hours
        Of calibration, figures and cubes.
    queries, exports
        Requests to the archive: a block's metadata, what its keywords mean, and the proof of its record sets; exports.
    """

    event: str
    records: int = 0
    kept: int = 0
    files: int = 0
    download_gb: float = 0.0
    written_gb: float = 0.0
    core_hours: float = 0.0
    queries: int = 0
    exports: int = 0

    def add(self, other: "Work") -> None:
        """Add another event's work."""
        for field in fields(self)[1:]:
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def estimate(
    event: str,
    options: Mapping[str, Any],
    blocks: Iterable[tuple[str, int, int]],
    series: int,
    most_records: int | None,
) -> Work:
    """Estimate the work of one event.

    Parameters
    ----------
    event
        Its name.
    options
        Its options: `calibration`, `region`, `cutout`, `cube`.
    blocks
        Of each block and channel: the channel, how many records there are, and how many of them are kept.
    series
        Number of metadata tables: one a block and series.
    most_records
        Largest number of records in one export request; None where files are fetched without one.
    """
    work = Work(event, queries=2 * series)
    calibration = options.get("calibration") or {}
    share = frame_pixels(options)[1] / SIDE**2
    binned = calibration.get("bin", 1) ** 2
    level1 = level1_bytes(options)
    compression = calibration.get("compression", "none")
    parts = costs.COMPRESSED[compression]
    if calibration.get("uncertainty"):
        parts += 1.0 if compression == "none" else costs.UNCERTAINTY_COMPRESSED
    level15 = costs.LEVEL15_BYTES * share * parts / binned
    kind = options.get("cube") or "none"
    pixels = frame_pixels({**options, "cutout": True})[1] / binned if kind != "none" else 0.0
    cube = pixels * (costs.CUBE_BYTES[kind] + (costs.CUBE_UNCERTAINTY_BYTES if calibration.get("uncertainty") else 0.0))
    sequences = set()
    for channel, records, kept in blocks:
        sequences.add(channel)
        work.records += records
        work.kept += kept
        work.files += kept * (2 if calibration.get("respike") else 1)
        work.download_gb += kept * level1 / GB
        work.written_gb += kept * (level1 + level15 + cube) / GB
        seconds = kept * (costs.frame_seconds(calibration) * share + costs.FIGURE_SECONDS)
        seconds += kept * pixels * costs.CUBE_SECONDS
        work.core_hours += (seconds + (costs.STARTUP_SECONDS if kept else 0)) / 3600
        work.queries += 1
        work.exports += math.ceil(kept / most_records) if most_records else 0
    work.core_hours += len(sequences) * costs.STARTUP_SECONDS / 3600
    return work


def count(table: Path) -> tuple[str, int, int]:
    """Channel of a record table (`records/{channel}/{block}.csv`), its records, and how many of them are kept."""
    kept = [row["kept"] for row in RECORDS.read(table)]
    return table.parent.name, len(kept), sum(kept)


def total(works: Sequence[Work]) -> Work:
    """Sum of several events' work."""
    everything = Work("total")
    for work in works:
        everything.add(work)
    return everything


def as_csv(works: Sequence[Work]) -> str:
    """One line for each event, and the total."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Work))
    for work in [*works, total(works)]:
        writer.writerow(_cells(work))
    return text.getvalue()


def as_text(table: str) -> str:
    """Set the CSV of `as_csv` as a table for the terminal."""
    *rows, sums = [
        [f"{float(value):.2f}" if name in HEADS else value for name, value in row.items()]
        for row in csv.DictReader(table.splitlines())
    ]
    return columns([HEADS.get(field.name, field.name) for field in fields(Work)], rows, "lrrrrrrrr", sums)


def report(table: Path) -> str:
    """What a run of the target `budget` prints: a table, below what its numbers mean."""
    return (
        "Estimated, within a factor of two; what the level-1 cache has is not fetched again.\n"
        f"As CSV: {table}\n\n{as_text(table.read_text(encoding='utf-8'))}"
    )


def _cells(work: Work) -> list[str]:
    values = [getattr(work, field.name) for field in fields(work)]
    return [f"{value:.3f}" if isinstance(value, float) else str(value) for value in values]
