"""Light curves as a table: one row a frame, with units (ECSV)."""

import csv
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, get_type_hints

from aia_sequence.lists import ecsv
from aia_sequence.lists.table import Column


@dataclass(frozen=True)
class Point:
    """One frame's row of the light curve.

    `sum` (DN/s) and `mean` (DN/s per pixel) are over the measured pixels of the region, with their uncertainty (NaN
    where none was calculated); `missing` and `saturated` are fractions of the region's pixels; EXPTIME is in seconds.
    """

    T_OBS: str
    T_REC: str
    EXPTIME: float
    QUALITY: int
    sum: float
    sum_uncertainty: float
    mean: float
    mean_uncertainty: float
    pixels: int
    missing: float
    saturated: float
    record: str


KINDS: dict[str, type] = get_type_hints(Point)
COLUMNS = list(KINDS)
UNITS = {
    "EXPTIME": "s", "sum": "DN / s", "sum_uncertainty": "DN / s", "mean": "DN / (pix s)",
    "mean_uncertainty": "DN / (pix s)", "pixels": "pix",
}  # fmt: skip
REMARK = (
    "Uncertainties are of photons, read noise and compression (one sigma), the correlation of resampled pixels "
    "included. The calibration error of the photometry is common to all pixels and frames, and not in them."
)


def write_points(points: Sequence[Point], path: Path) -> None:
    """Write a light curve as CSV with a header of units (ECSV); an unknown number is an empty cell."""
    columns = [Column(name, kind, UNITS.get(name, "")) for name, kind in KINDS.items()]
    ecsv.write(path, columns, map(astuple, points), REMARK)


def read_points(path: Path) -> list[Point]:
    """Read a light curve written by `write_points`."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        next(rows)
        return [Point(*(_value(kind, cell) for kind, cell in zip(KINDS.values(), row, strict=True))) for row in rows]


def _value(kind: type, cell: str) -> Any:
    return math.nan if kind is float and not cell else kind(cell)
