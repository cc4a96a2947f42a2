"""What is wanted of the archive: the frames of a block and channel, and how patiently they are asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from aia_sequence.acquisition.arrival_checks import Identity
from aia_sequence.acquisition.cache import Cache, Key
from aia_sequence.acquisition.journal import Journal
from aia_sequence.acquisition.queue import Limits
from aia_sequence.archive import recordsets
from aia_sequence.config.conditions import Condition, archive_selects, compile_where
from aia_sequence.instrument import SERIES
from aia_sequence.lists.records import RECORDS

DIRECT = "direct"  # method, and how the cache tells its files from exported ones


@dataclass(frozen=True)
class FrameRequest:
    """Frames of a block and channel that are wanted, and how.

    Attributes
    ----------
    series
        The series.
    kept : pandas.DataFrame
        Metadata of the records that are wanted, ascending.
    conditions
        The conditions, which go into the record sets.
    segments
        Segments of each record, the image first.
    processing
        What the archive is to do to the frames: arguments by process.
    method
        `url` (the archive's export queue) or `direct` (its files as they are).
    selected
        Names of all records that the archive selects by the conditions, ascending, if these are not all wanted.
    stride
        Slots from one wanted record to the next.
    """

    series: str
    kept: pd.DataFrame
    conditions: tuple[Condition, ...]
    segments: tuple[str, ...] = ("image",)
    processing: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    method: str = "url"
    selected: tuple[str, ...] = ()
    stride: int = 1

    @classmethod
    def of(cls, records: Path, wanted: Mapping[str, Any], method: str) -> "FrameRequest":
        """The request for the kept ones of a list of records; `wanted` as `planning.jobs.Job.frames_wanted`."""
        marked = RECORDS.frame(records)
        kept = marked[marked["kept"]].reset_index(drop=True)
        conditions = compile_where(wanted["where"])
        return cls(
            wanted["series"],
            kept,
            conditions,
            tuple(wanted["segments"]),
            wanted["processing"],
            method,
            tuple(marked.loc[archive_selects(marked, conditions), "record"]),
            wanted.get("steps", {}).get("length", 1),
        )

    @property
    def names(self) -> list[str]:
        """Names of the kept records."""
        return list(self.kept["record"])

    @property
    def done(self) -> str:
        """What the archive does to the files, as the cache tells them apart; empty for nothing."""
        if self.method == DIRECT:
            # A file whose header we filled in is not, byte for byte, the one that the queue would have written.
            return DIRECT
        return "|".join(
            ",".join([name, *(f"{key}={value}" for key, value in arguments.items())])
            for name, arguments in self.processing.items()
        )

    def subsets(
        self, records: Iterable[str], segments: Sequence[str] = ("image",), most: int | None = None
    ) -> list[tuple[str, list[str]]]:
        """Record sets of some of the kept records, see `aia_sequence.archive.recordsets.subsets`."""
        known, channel = self.selected or self.names, None
        if SERIES[self.series].by_frame and len(self.kept):
            channel = int(self.kept["WAVELNTH"].iloc[0])  # a request is of one
        return recordsets.subsets(known, records, self.conditions, segments, most, self.stride, channel)

    def key(self, archive: str, row: Mapping[str, Any], segment: str) -> Key:
        """Address in the cache of a segment of an archive's record; `row` holds its metadata."""
        number = 0 if pd.isna(row["recnum"]) else int(row["recnum"])
        fsn = int(row["FSN"]) if SERIES[self.series].by_frame else None
        return Key(archive, self.series, row["T_REC"], int(row["WAVELNTH"]), number, segment, self.done, fsn)

    def identity(self, row: Mapping[str, Any], segment: str) -> Identity:
        """What the header of a record's segment must say."""
        return Identity(
            series=self.series,
            t_rec=row["T_REC"],
            wavelnth=int(row["WAVELNTH"]),
            t_obs=row["T_OBS"],
            recnum=None if pd.isna(row["recnum"]) else int(row["recnum"]),
            segment=SERIES[self.series].segments[segment],
            processed=self.done not in ("", DIRECT),
            fsn=int(row["FSN"]) if SERIES[self.series].by_frame else None,
        )


@dataclass(frozen=True)
class AcquisitionSettings:
    """Where frames are kept, and how they are asked for; none of it changes them.

    Attributes
    ----------
    cache
        Verified frames.
    journal
        Export requests of the block and channel.
    limits
        How much is asked for at once, and how long an answer may take.
    connections
        How many files are fetched at a time.
    on_missing
        `fail`, or `skip` to go on without frames that could not be fetched; they stand in the manifest either way.
    """

    cache: Cache
    journal: Journal
    limits: Limits = field(default_factory=Limits)
    connections: int = 2
    on_missing: str = "fail"


@dataclass(frozen=True)
class Place:
    """Folder of a block's frames, the manifest beside it, and the folder for files that stay wrong."""

    frames: Path
    manifest: Path
    quarantine: Path
