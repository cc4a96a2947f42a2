"""Light curves as numbers: their table, their gaps, and the peak, rise and decay of a flare."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from aia.files import write_csv

# A step between frames that is longer than this many usual ones is a gap: one missing frame is not.
GAP = 2.5
# So many times must the peak of a flare exceed the scatter of the light curve.
CLEAR = 8.0


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


@dataclass(frozen=True)
class Flare:
    """Peak of a light curve and the times when it crosses half of its rise and half of its decay.

    The decay ends as in the GOES flare list, halfway between the peak and the level before it; the rise is cut at the
    same level. A crossing that lies before the sequence, after it or in a gap is None.
    """

    peak: int
    level: float
    rise: float | None
    decay: float | None


def find_flare(times: np.ndarray, mean: np.ndarray) -> Flare | None:
    """Find the brightest point of a light curve and its half-maximum times.

    A curve that changes by a fifth has a flare, also where it only rises or falls. A weaker one must have risen to the
    peak and fallen after it by `CLEAR` times its own scatter: a region that slowly turns into view has none.

    Parameters
    ----------
    times : numpy.ndarray
        Ascending times, TAI seconds.
    mean : numpy.ndarray
        Brightness in DN/s; NaN where unknown.

    Returns
    -------
    Flare or None
        None if no peak stands out.
    """
    known = np.flatnonzero(np.isfinite(mean))
    if known.size < 3:
        return None
    times, mean = times[known], mean[known]
    peak = int(np.argmax(mean))
    # A point against the middle of its neighbours: what is left of a smooth curve is its scatter, times sqrt(3/2).
    scatter = 1.48 * np.median(np.abs(mean[1:-1] - (mean[:-2] + mean[2:]) / 2)) / np.sqrt(1.5)
    risen, fallen = mean[peak] - mean[: peak + 1].min(), mean[peak] - mean[peak:].min()
    strong = max(risen, fallen) > 0.2 * abs(mean.min())
    if not (strong or min(risen, fallen) > max(CLEAR * scatter, 1e-3 * mean[peak])):
        return None
    level = float(mean[peak] - (risen or fallen) / 2)
    below = mean < level
    rise = np.flatnonzero(below[:peak])
    decay = np.flatnonzero(below[peak:]) + peak
    unknown = set(gaps(times).tolist())
    return Flare(
        peak=int(known[peak]),
        level=level,
        rise=_crossing(times, mean, level, rise[-1]) if rise.size and rise[-1] not in unknown else None,
        decay=_crossing(times, mean, level, decay[0] - 1) if decay.size and decay[0] - 1 not in unknown else None,
    )


def _crossing(times: np.ndarray, mean: np.ndarray, level: float, index: int) -> float:
    part = (level - mean[index]) / (mean[index + 1] - mean[index])
    return float(times[index] + part * (times[index + 1] - times[index]))


def gaps(times: np.ndarray) -> np.ndarray:
    """Find the gaps: indices after which the next frame is later than 2.5 times the usual (median) step."""
    steps = np.diff(times).round(3)
    return np.flatnonzero(steps > GAP * np.median(steps)) if steps.size else np.array([], dtype=int)
