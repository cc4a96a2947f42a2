"""Manifests: which frames a block consists of, and what became of those that are missing.

A manifest lies beside its block's folder, is written last and read by every consumer. A row with a `reason` has no
file; `file` is relative to the manifest's own folder.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aia import metadata
from aia.errors import FrameError

LEVEL1_COLUMNS = (
    "file",
    "record",
    "T_REC",
    "T_OBS",
    "WAVELNTH",
    "EXPTIME",
    "QUALITY",
    "bytes",
    "sha256",
    "request",
    "reason",
)
TYPES = {
    **dict.fromkeys(
        ("file", "record", "T_REC", "T_OBS", "sha256", "level1_sha256", "request", "reason", "spikes"), "str"
    ),
    "WAVELNTH": "int64",
    "EXPTIME": "float64",
    "QUALITY": "int64",
    "bytes": "Int64",
}


def write_manifest(
    path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = LEVEL1_COLUMNS
) -> None:
    """Write a manifest in one move, sorted by slot and channel; no row gives a header line.

    Parameters
    ----------
    path
        The manifest, beside the folder of its files.
    rows
        One mapping per frame; a column that it lacks stays empty.
    columns
        The columns, in order.
    """
    rows = sorted(rows, key=lambda row: (row["T_REC"], row["WAVELNTH"]))
    frame = pd.DataFrame([{name: row.get(name) for name in columns} for row in rows], columns=list(columns))
    metadata.write(path, frame.astype({name: kind for name, kind in TYPES.items() if name in frame and kind != "str"}))


def read_manifest(path: str | Path) -> pd.DataFrame:
    """Read a manifest; text is empty where a row has none, columns that not every manifest has are as pandas finds.

    Raises
    ------
    FrameError
        If the file is no manifest.
    """
    frame = metadata.read_csv(path, TYPES)
    if not {"file", "record", "reason"} <= set(frame.columns):
        raise FrameError(f"{path} is no manifest: it lacks the columns file, record and reason")
    return frame


def good_frames(path: str | Path) -> pd.DataFrame:
    """Rows of a manifest that have a file."""
    frame = read_manifest(path)
    return frame[frame["reason"] == ""].reset_index(drop=True)
