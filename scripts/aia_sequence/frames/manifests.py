"""Manifests: which frames a block consists of, and what became of those that are missing.

A manifest lies beside its block's folder, is written last and read by every consumer. A row with a `reason` has no
file; `file` is relative to the manifest's own folder.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aia_sequence.errors import FrameError
from aia_sequence.files import write_csv

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
OWN_POINTING = "header"  # in place of a pointing record: the frame's own pointing was used, and not updated
NUMBERS = {"WAVELNTH": int, "EXPTIME": float, "QUALITY": int, "bytes": int}


def write_manifest(
    path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = LEVEL1_COLUMNS
) -> None:
    """Write a manifest in one move, sorted by slot and channel; no row gives a header line.

    Parameters
    ----------
    path
        The manifest, beside the folder of its files.
    rows
        One mapping per frame; a column that it lacks stays empty, as one whose value is None or NaN.
    columns
        The columns, in order.
    """
    ordered = sorted(rows, key=lambda row: (row["T_REC"], row["WAVELNTH"]))
    write_csv(path, columns, ([_cell(name, row.get(name)) for name in columns] for row in ordered))


def read_manifest(path: str | Path) -> list[dict[str, Any]]:
    """Read a manifest's rows: `NUMBERS` as such, or None where a row has none; everything else is text.

    Raises
    ------
    FrameError
        If the file is no manifest.
    """
    with open(path, encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        if not {"file", "record", "reason"} <= set(lines.fieldnames or ()):
            raise FrameError(f"{path} is no manifest: it lacks the columns file, record and reason")
        return [{name: _value(name, text) for name, text in line.items()} for line in lines]


def _cell(name: str, value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return NUMBERS[name](value) if name in NUMBERS else value


def _value(name: str, text: str) -> Any:
    if name not in NUMBERS:
        return text
    return NUMBERS[name](text) if text else None
