"""The figure of a light curve, and the strip below other figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.flares import Flare, flare_of
from aia_sequence.figures.gaps import gaps
from aia_sequence.figures.style import RC, SYNTHETIC_RED, WIDTH_MM, new_figure, save, write_heading
from aia_sequence.lists.lightcurve import Point
from aia_sequence.times import clock, clock_ticks, day, read_time

CURVE = "#1f4e79"
MARK = "#555555"
DIGIT = 0.637  # width of a digit, of the size of the letters
BESIDE = 17  # points left of an axis that its ticks and its label take, besides the labels of the ticks


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
    times = np.array([read_time(point.T_OBS) for point in points])
    mean = np.array([point.mean for point in points])
    error = np.array([point.mean_uncertainty for point in points])
    breaks = gaps(times) + 1
    for part in np.split(np.arange(len(points)), breaks):
        axes.plot(times[part], mean[part], color=CURVE, zorder=2)
    reach = np.nan_to_num(error)
    if reach.any():
        axes.errorbar(times, mean, yerr=reach, fmt="none", ecolor=CURVE, elinewidth=0.6, zorder=2)
    size = 2.6 if len(points) <= 100 else 1.2
    axes.plot(times, mean, "o", ms=size, mfc="white", mec=CURVE, mew=0.6, zorder=3)
    shown = list(shown)
    axes.plot(times[shown], mean[shown], "o", ms=size, color=CURVE, zorder=4)
    saturated = [index for index, point in enumerate(points) if point.saturated > 0]
    axes.plot(times[saturated], mean[saturated], "o", ms=size + 2.2, mfc="none", mec=SYNTHETIC_RED, mew=0.6, zorder=5)
    margin = max((times[-1] - times[0]) * 0.025, 6.0)
    axes.set_xlim(times[0] - margin, times[-1] + margin)
    taken = _mark_times(axes, times, flare_of(points), marks)
    low, high = np.nanmin(mean - reach), np.nanmax(mean + reach)
    room = (high - low or abs(high) or 1.0) * 0.12
    axes.set_ylim(low - room, high + room + (high - low + 2 * room) * taken / (1 - taken))
    label_times(axes, times[0], times[-1])
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    # Whole values: matplotlib's own labels of a narrow range are differences from an offset that stands elsewhere.
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}".replace(",", "\u2009"))
    axes.set_ylabel("Mean (DN s$^{-1}$ pixel$^{-1}$)", labelpad=1)
    # Labels of ticks, long where a curve hardly changes, leave room for that of the axis on the page.
    figure: Any = axes.get_figure()
    room = 72 * figure.get_size_inches()[0] * axes.get_position().x0 - BESIDE
    longest = max(len(text) - 0.5 * sum(map(text.count, ",.")) for text in (f"{t:,.10g}" for t in axes.get_yticks()))
    axes.tick_params(axis="y", labelsize=min(6, room / (DIGIT * longest)))


def label_times(axes: Axes, first: float, last: float) -> None:
    """Label the time axis (TAI seconds) in UTC, as finely as its length asks for; the day is in the axis label."""
    hours = (last - first) / 3600
    ticks, step = clock_ticks(*axes.get_xlim(), most=6 if hours < 36 else 4)
    axes.xaxis.set_major_locator(FixedLocator(ticks))

    def label(tai: float, _: float) -> str:
        if hours < 36:
            return clock(tai) if step < 60 else clock(tai)[:5]
        return day(tai) if step >= 86400 else f"{day(tai)[5:]} {clock(tai)[:5]}"

    axes.xaxis.set_major_formatter(label)
    axes.set_xlabel(f"Time (UTC) {'on' if day(first) == day(last) else 'from'} {day(first)}")


def _mark_times(axes: Axes, times: np.ndarray, flare: Flare | None, marks: Mapping[str, str]) -> float:
    """Mark times by lines and labels that do not overlap; return the part of the height that the labels take."""
    named: list[tuple[float | None, str]] = [(read_time(text), label) for label, text in marks.items()]
    if flare:
        named += [(times[flare.peak], "peak" if flare.turns else "brightest")]
        named += [(time, name) for time, name in ((flare.rise, "half rise"), (flare.decay, "half decay"))]
    seen = sorted((time, label) for time, label in named if time is not None and times[0] <= time <= times[-1])
    figure: Any = axes.get_figure()
    width, height = (
        extent * 72 * side for extent, side in zip(figure.get_size_inches(), axes.get_position().size, strict=True)
    )
    start, stop = times[0], times[-1]
    ends: list[float] = []
    for time, label in seen:
        text = f"{label} {clock(time)}"
        length = 3.45 * len(text) + 4
        place = width * (0.025 + 0.95 * (time - start) / ((stop - start) or 1))
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
            parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
        )
    return min(0.7, (2 + 6.8 * len(ends)) / height) if ends else 0.0


def exposure_limits(exposures: Sequence[float]) -> tuple[float, float]:
    """Choose the limits of a logarithmic axis of exposure times: at least a factor of six apart.

    Then two of 1, 2 and 5 are between them. The exposures of a quiet Sun differ in the sixth digit.
    """
    low, high = min(exposures), max(exposures)
    margin = max(1.25, (6 * low / high) ** 0.5)
    return low / margin, high * margin


def plot_lightcurve(
    points: Sequence[Point], paths: Sequence[Path], *, title: str, synthetic: bool, options: FigureOptions
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
    times = np.array([read_time(point.T_OBS) for point in points])
    grid = {"left": left / width, "right": 1 - 3 / width, "bottom": 9 / height, "top": 1 - 8.5 / height, "hspace": 0.12}
    with matplotlib.rc_context(RC):
        figure = new_figure(width, height)
        top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1.3, 1.3], gridspec_kw=grid)
        draw_curve(top, points, options.marks, range(len(points)))
        label = top.get_xlabel()
        top.set_xlabel("")
        exposures = [point.EXPTIME for point in points]
        middle.plot(times, exposures, "o", ms=1.8, color=CURVE)
        middle.set_yscale("log")
        middle.set_ylim(exposure_limits(exposures))
        middle.yaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
        middle.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        middle.yaxis.set_minor_locator(NullLocator())
        middle.set_ylabel("Exposure (s)")
        bad = {"saturated": [100 * point.saturated for point in points], "missing": [100 * p.missing for p in points]}
        most = max(map(max, bad.values()))
        bottom.plot(times, bad["saturated"], "o", ms=1.8, color=SYNTHETIC_RED, label="saturated")
        bottom.plot(times, bad["missing"], "x", ms=2.4, mew=0.7, color=MARK, label="missing")
        bottom.set_ylim(-0.08 * (most or 1), 1.7 * (most or 1))
        bottom.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        bottom.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        bottom.set_ylabel("Pixels (%)")
        bottom.legend(fontsize=5.5, ncols=2, frameon=False, loc="upper right", borderpad=0, handletextpad=0.2)
        bottom.set_xlabel(label)
        for axes in (top, middle, bottom):
            axes.yaxis.set_label_coords(-12 / (width - left - 3), 0.5)
        write_heading(figure, left, title, synthetic=synthetic)
        for path in paths:
            save(figure, path, options.dpi)
