"""Manifests: which frames a block consists of, and what became of those that are missing.

A manifest lies beside its block's folder, is written last and read by every consumer. A row with a `reason` has no
file; `file` is relative to the manifest's own folder. The list of corrections says what is applied to a block's frames.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aia_sequence.lists.records import ANSWERED, ARCHIVE, RECORD
from aia_sequence.lists.table import Column, ListError, Table, some

OWN_POINTING = "header"  # in place of a pointing record: the frame's own pointing was used, and not updated
QUARANTINED = "quarantined: "  # how the reason of a file begins that arrived and was refused

FRAME = (RECORD, *(ANSWERED[name] for name in ("T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "QUALITY")))  # which it is
FILE = (Column("file"), *FRAME, Column("bytes", int, "byte", optional=True), Column("sha256"))
REASON = Column("reason")
NEEDED = tuple(column.name for column in (*FILE, REASON))
ORDER = ("T_REC", "WAVELNTH")

APPLIED = (  # to a frame of level 1.5
    Column("pointing"),  # record of the master pointing table, or OWN_POINTING
    Column("crpix1", float, "pix"),
    Column("crpix2", float, "pix"),
    Column("cdelt", float, "arcsec / pix"),
    Column("crota2", float, "deg"),
    Column("interpolation"),
    Column("degradation", float),  # sensitivity relative to launch
    Column("degradation_version", int, optional=True),
    Column("degradation_note"),
    Column("exposure", float, "s"),
    Column("respiked", int, "pix", optional=True),
    Column("psf_iterations", int, optional=True),
    Column("uncertainty", bool, optional=True),
)

LEVEL1 = Table(
    "level-1 manifest",
    (*FILE, Column("request"), REASON),
    further=(Column("spikes"), Column("spikes_sha256"), ARCHIVE),
    needed=NEEDED,
    order=ORDER,
)
LEVEL15 = Table("level-1.5 manifest", (*FILE, Column("level1_sha256"), REASON, *APPLIED), needed=NEEDED, order=ORDER)


@dataclass(frozen=True)
class Listed:
    """A frame that a manifest lists: its file with size (bytes) and hash, and the file of its spikes."""

    record: str
    path: Path
    bytes: int
    sha256: str
    spikes: Path | None


def listed(manifest: Path) -> Iterator[Listed]:
    """The frames that a manifest of either level lists, without those that have no file.

    Raises
    ------
    ListError
        If the file is no manifest, or lists a record twice.
    """
    seen = set()
    for row in LEVEL1.read(manifest):
        if row["record"] in seen:
            raise ListError(f"{some([row['record']])} listed more than once in {manifest.name}; {LEVEL1.remedy}")
        seen.add(row["record"])
        if not row["reason"]:
            spikes = row.get("spikes")
            yield Listed(
                row["record"],
                manifest.parent / row["file"],
                row["bytes"],
                row["sha256"],
                manifest.parent / spikes if spikes else None,
            )
