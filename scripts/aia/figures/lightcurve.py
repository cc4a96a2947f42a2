"""The light curve of a region: its table, its peak, rise and decay, and its figure."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.ticker import LogLocator, NullLocator

from aia.figures.options import Options
from aia.figures.sequence import instant
from aia.figures.style import RC, SYNTHETIC_RED, WIDTH_MM, new_figure, save, write_heading
from aia.files import replacing

CURVE = "#1f4e79"
MARK = "#555555"
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
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows([_cell(value) for value in astuple(point)] for point in points)


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
    rise: np.datetime64 | None
    decay: np.datetime64 | None


def find_flare(times: np.ndarray, mean: np.ndarray, contrast: float = 1.2) -> Flare | None:
    """Find the brightest point of a light curve and its half-maximum times.

    Parameters
    ----------
    times : numpy.ndarray
        Ascending times, datetime64.
    mean : numpy.ndarray
        Brightness in DN/s; NaN where unknown.
    contrast
        A curve whose peak is less than this many times its lowest point has no flare.

    Returns
    -------
    Flare or None
        None without a peak of that contrast.
    """
    known = np.flatnonzero(np.isfinite(mean))
    if known.size < 3:
        return None
    times, mean = times[known], mean[known]
    peak = int(np.argmax(mean))
    background = float(mean[: peak + 1].min()) if peak else float(mean.min())
    if not mean[peak] >= contrast * max(float(mean.min()), np.finfo(float).tiny):
        return None
    level = float((mean[peak] + background) / 2)
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


def _crossing(times: np.ndarray, mean: np.ndarray, level: float, index: int) -> np.datetime64:
    part = (level - mean[index]) / (mean[index + 1] - mean[index])
    step = (times[index + 1] - times[index]) / np.timedelta64(1, "ms")
    return times[index] + np.timedelta64(round(part * step), "ms")


def gaps(times: np.ndarray) -> np.ndarray:
    """Find the gaps: indices after which the next frame is later than 2.5 times the usual (median) step."""
    steps = np.diff(times).astype("timedelta64[ms]").astype(np.int64)
    return np.flatnonzero(steps > GAP * np.median(steps)) if steps.size else np.array([], dtype=int)


def draw_curve(axes: Axes, points: Sequence[Point], marks: Mapping[str, str], shown: Sequence[int] = ()) -> None:
    """Draw a light curve: mean brightness, uncertainty, gaps, flare times, and ticks at the frames that are shown.

    Parameters
    ----------
    axes
        Where to draw.
    points
        The light curve.
    marks
        Times to be marked, by label.
    shown
        Indices of the points whose frames the figure shows; they get a filled dot, the others an open one.
    """
    times = np.array([instant(point.T_OBS) for point in points])
    mean = np.array([point.mean for point in points])
    error = np.array([point.mean_uncertainty for point in points])
    breaks = gaps(times) + 1
    for part in np.split(np.arange(len(points)), breaks):
        axes.plot(times[part], mean[part], color=CURVE, zorder=2)
    if np.isfinite(error).any():
        axes.errorbar(times, mean, yerr=np.nan_to_num(error), fmt="none", ecolor=CURVE, elinewidth=0.6, zorder=2)
    size = 2.6 if len(points) <= 100 else 1.2
    axes.plot(times, mean, "o", ms=size, mfc="white", mec=CURVE, mew=0.6, zorder=3)
    shown = list(shown)
    axes.plot(times[shown], mean[shown], "o", ms=size, color=CURVE, zorder=4)
    saturated = [index for index, point in enumerate(points) if point.saturated > 0]
    axes.plot(times[saturated], mean[saturated], "o", ms=size + 2.2, mfc="none", mec=SYNTHETIC_RED, mew=0.6, zorder=5)
    margin = max((times[-1] - times[0]) * 0.025, np.timedelta64(6, "s"))
    axes.set_xlim(times[0] - margin, times[-1] + margin)
    taken = _mark_times(axes, times, mean, marks)
    low, high = np.nanmin(mean), np.nanmax(mean)
    room = (high - low or abs(high) or 1.0) * 0.12
    axes.set_ylim(low - room, high + room + (high - low + 2 * room) * taken / (1 - taken))
    locator = AutoDateLocator(minticks=3, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.set_xlabel(
        f"Time (UTC) on {str(times[0])[:10]}" if str(times[0])[:10] == str(times[-1])[:10] else "Time (UTC)"
    )
    axes.set_ylabel("Mean (DN s$^{-1}$)")


def _mark_times(axes: Axes, times: np.ndarray, mean: np.ndarray, marks: Mapping[str, str]) -> float:
    """Mark times by lines and labels that do not overlap; return the part of the height that the labels take."""
    named = [(instant(text), label) for label, text in marks.items()]
    if flare := find_flare(times, mean):
        named += [(times[flare.peak], "peak")]
        named += [(time, name) for time, name in ((flare.rise, "half rise"), (flare.decay, "half decay")) if time]
    named = sorted((time, label) for time, label in named if times[0] <= time <= times[-1])
    width, height = (
        extent * 72 * side
        for extent, side in zip(axes.get_figure().get_size_inches(), axes.get_position().size, strict=True)
    )
    start, stop = date2num(times[0]), date2num(times[-1])
    ends: list[float] = []
    for time, label in named:
        text = f"{label} {str(time)[11:19]}"
        length = 3.45 * len(text) + 4
        place = width * (0.025 + 0.95 * (date2num(time) - start) / ((stop - start) or 1))
        flip = place + length > width
        left = place - length if flip else place
        level = next((number for number, end in enumerate(ends) if end <= left), len(ends))
        ends[level : level + 1] = [left + length]
        axes.axvline(time, color=MARK, lw=0.5, ls=(0, (3, 2)), zorder=1)
        axes.annotate(
            text,
            (time, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-1.5 if flip else 1.5, -1.5 - 6.8 * level),
            textcoords="offset points",
            va="top",
            ha="right" if flip else "left",
            size=5.5,
            color=MARK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
        )
    return min(0.7, (2 + 6.8 * len(ends)) / height) if ends else 0.0


def plot_lightcurve(
    points: Sequence[Point], paths: Sequence[Path], *, title: str, synthetic: bool, options: Options
) -> None:
    """Draw the light curve figure: mean brightness above; exposure time, saturated and missing fraction below.

    Parameters
    ----------
    points
        The light curve.
    paths
        Files to be written, PNG or PDF by suffix.
    title
        Says event and channel.
    synthetic
        Whether the figure must say that the data are synthetic.
    options
        Size, resolution and times to be marked.
    """
    width, height, left = WIDTH_MM[options.size], 92.0, 16.0
    times = np.array([instant(point.T_OBS) for point in points])
    grid = {"left": left / width, "right": 1 - 3 / width, "bottom": 9 / height, "top": 1 - 8.5 / height, "hspace": 0.12}
    with matplotlib.rc_context(RC):
        figure = new_figure(width, height)
        top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1.3, 1.3], gridspec_kw=grid)
        draw_curve(top, points, options.marks, range(len(points)))
        label = top.get_xlabel()
        top.set_xlabel("")
        middle.plot(times, [point.EXPTIME for point in points], "o", ms=1.8, color=CURVE)
        middle.set_yscale("log")
        middle.yaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
        middle.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        middle.yaxis.set_minor_locator(NullLocator())
        middle.set_ylabel("Exposure (s)")
        bad = {"saturated": [100 * point.saturated for point in points], "missing": [100 * p.missing for p in points]}
        most = max(map(max, bad.values()))
        bottom.plot(times, bad["saturated"], "o", ms=1.8, color=SYNTHETIC_RED, label="saturated")
        bottom.plot(times, bad["missing"], "x", ms=2.4, mew=0.7, color=MARK, label="missing")
        bottom.set_ylim(-0.08 * (most or 1), 1.7 * (most or 1))
        bottom.set_ylabel("Pixels (%)")
        bottom.legend(fontsize=5.5, ncols=2, frameon=False, loc="upper right", borderpad=0, handletextpad=0.2)
        bottom.set_xlabel(label)
        for axes in (top, middle, bottom):
            axes.yaxis.set_label_coords(-11 / (width - left - 3), 0.5)
        write_heading(figure, left, title, synthetic=synthetic)
        for path in paths:
            save(figure, path, options.dpi)
