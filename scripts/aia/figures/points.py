"""Light curves as numbers: their table and their gaps."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from aia.files import write_csv

# A step between frames that is longer than this many usual ones is a gap: one missing frame is not.
GAP = 2.5


@dataclass(frozen=True)
class Point:
    """One frame's row of the light curve.

    `sum` and `mean` are over the measured pixels of the region, in DN/s, with their uncertainty (NaN where none was
    calculated); `missing` and `saturated` are fractions of the region's pixels; EXPTIME is in seconds.
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


COLUMNS = [item.name for item in fields(Point)]


def write_points(points: Sequence[Point], path: Path) -> None:
    """Write a light curve as CSV; an unknown number is an empty cell."""
    write_csv(path, COLUMNS, ([_cell(value) for value in astuple(point)] for point in points))


def _cell(value: float | int | str) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.9g}"
    return str(value)


def read_points(path: Path) -> list[Point]:
    """Read a light curve written by `write_points`."""
    types = [item.type for item in fields(Point)]
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        return [
            Point(
                *(np.nan if kind is float and not cell else kind(cell) for kind, cell in zip(types, row, strict=True))
            )
            for row in rows
        ]


def gaps(times: np.ndarray) -> np.ndarray:
    """Find the gaps: indices after which the next frame is later than 2.5 times the usual (median) step."""
    steps = np.diff(times).round(3)
    return np.flatnonzero(steps > GAP * np.median(steps)) if steps.size else np.array([], dtype=int)
