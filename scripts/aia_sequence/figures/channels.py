"""The channel panel: one frame of each channel, all as near to one moment as there are, and an RGB composite."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import overlay, pictures
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.sequence import Frame, Picture, Region, axis_labels, hasty, place, read_picture, reduce_mean
from aia_sequence.figures.style import (
    MISSING,
    RC,
    WIDTH_MM,
    Stretch,
    caption,
    colour_map,
    new_figure,
    quantity,
    save,
    write_heading,
)
from aia_sequence.lists.lightcurve import Point
from aia_sequence.times import clock, day, read_time

LEFT, RIGHT, TOP, GAP, BAR, AXIS = 12.5, 3.0, 7.0, 2.6, 7.0, 6.5
LINE = 2.4  # mm from one line of the note to the next
LETTER = 1.25  # width of a letter of 5.5 points, mm


def moment(points: Mapping[int, Sequence[Point]]) -> float:
    """Choose the moment of the panel: the peak of the channel whose light curve rises highest above its median."""
    best, chosen = -np.inf, None
    for channel in sorted(points):
        mean = np.array([point.mean for point in points[channel]])
        if not np.isfinite(mean).any():
            continue
        rise = np.nanmax(mean) / max(np.nanmedian(mean), np.finfo(float).tiny)
        if rise > best:
            best, chosen = rise, read_time(points[channel][int(np.nanargmax(mean))].T_OBS)
    return chosen if chosen is not None else read_time(next(iter(points.values()))[0].T_OBS)


def nearest(frames: Sequence[Frame], time: float) -> Frame:
    """Find the frame whose T_OBS is nearest to a time; of two, the earlier one."""
    return min(frames, key=lambda frame: (abs(frame.time - time), frame.time))


def plot_channels(
    frames: Mapping[int, Sequence[Frame]],
    points: Mapping[int, Sequence[Point]],
    statistics: Mapping[int, Statistics],
    paths: Sequence[Path],
    *,
    title: str,
    region: Region | None,
    options: FigureOptions,
) -> str:
    """Draw the channel panel and return its caption.

    Parameters
    ----------
    frames, points, statistics
        By channel: its frames, light curve and brightness limits.
    paths
        Files to be written, PNG or PDF by suffix.
    title
        Name of the event.
    region
        Bounds in arcsec; None for the full disk.
    options
        See `FigureOptions`; `rgb` adds a composite.
    """
    time = moment(points)
    chosen = {channel: nearest(frames[channel], time) for channel in sorted(frames)}
    rows, columns = next(iter(statistics.values())).shape
    synthetic = any(item.synthetic for item in statistics.values())
    heading = f"{title}   SDO/AIA{hasty(chosen.values())}   {day(time)} {clock(time)} UTC"
    with matplotlib.rc_context(RC):
        page = _Page(len(chosen) + bool(options.rgb), rows / columns, options)
        for channel, frame in chosen.items():
            stretch = Stretch(options.stretch, *statistics[channel].limits, options.power)
            page.draw_channel(channel, frame, read_picture(frame.path, region), stretch)
        notes = [f"Colour bars: DN s$^{{-1}}$ pixel$^{{-1}}$, {options.stretch} stretch{overlay.words(options.grid)}."]
        if options.rgb:
            balance = page.draw_composite(read_picture(chosen[options.rgb[0]].path, region), options.rgb)
            notes.append(f"RGB: {balance}.")
        notes += page.keys
        page.write(heading, axis_labels(region), notes, synthetic=synthetic)
        for path in paths:
            save(page.figure, path, options.dpi)
    text = (
        f"{title}: SDO/AIA channels{hasty(chosen.values())}, the frames nearest to {day(time)} {clock(time)} UTC, "
        f"of {place(region)}. Each panel states channel, T_OBS and exposure time, with its own scale "
        f"({options.stretch} stretch, DN/s)."
    )
    if options.rgb:
        text += f" RGB: {', '.join(map(str, options.rgb))} Å as red, green and blue, {balance}."
    text += f" Heliographic grid: every {options.grid:g}°." if options.grid else ""
    text += "".join(f" {key}" for key in page.keys)
    return caption(text, synthetic=synthetic)


class _Page:
    """The page of a channel panel, in mm: pictures in reading order, each with its colour bar above it."""

    def __init__(self, number: int, aspect: float, options: FigureOptions) -> None:
        self.number, self.options, self.drawn = number, options, 0
        self.width = WIDTH_MM[options.size]
        most = 2 if self.width < 100 else 4
        self.columns = number if number <= most else -(-number // 2) if number <= 2 * most else most
        self.side = (self.width - LEFT - RIGHT - (self.columns - 1) * GAP) / self.columns
        self.high = self.side * aspect
        # Room for a note of as many lines as there can be: of the colour bars, of the composite, of saturated pixels.
        self.foot = 2.0 + LINE * (2 + bool(options.rgb) * (1 if self.width > 100 else 2))
        self.height = TOP - (-number // self.columns) * (self.high + BAR + GAP) + AXIS + self.foot
        self.figure = new_figure(self.width, self.height, dpi=options.dpi)
        self.planes: dict[int, np.ndarray] = {}
        self.saturated, self.missing = False, False

    def _show(self, picture: Picture, image: np.ndarray, name: str, words: str) -> Axes:
        row, column = divmod(self.drawn, self.columns)
        left, top = LEFT + column * (self.side + GAP), TOP + row * (self.high + BAR + GAP) + BAR
        bottom = 1 - (top + self.high) / self.height
        axes = self.figure.add_axes((left / self.width, bottom, self.side / self.width, self.high / self.height))
        pictures.show(axes, picture, image, self.options, (self.side, self.high), self._factor(picture))
        pictures.label_ticks(axes, below=self.drawn + self.columns >= self.number, beside=column == 0)
        _label(axes, name, words, picture.synthetic)
        self.drawn += 1
        return axes

    def _factor(self, picture: Picture) -> int:
        return max(1, int(picture.data.shape[1] / (self.side / 25.4 * self.options.dpi)))

    def draw_channel(self, channel: int, frame: Frame, picture: Picture, stretch: Stretch) -> None:
        """Draw the next panel: a channel's frame, and its colour bar above it."""
        factor = self._factor(picture)
        if channel in (self.options.rgb or ()):
            self.planes[channel] = reduce_mean(picture.data, factor)
        self.saturated |= bool(picture.saturated.any())
        self.missing |= not np.isfinite(picture.data).all()
        image = pictures.colours(picture, stretch, channel, factor, self.side)
        axes = self._show(picture, image, f"{channel} Å", f"{clock(frame.time)}  {frame.EXPTIME:.2f} s")
        self._draw_scale(axes, stretch, colour_map(channel))

    def _draw_scale(self, axes: Axes, stretch: Stretch, colours: Colormap) -> None:
        box, unit = axes.get_position(), 1 / self.height
        above = self.figure.add_axes((box.x0, box.y1 + 0.7 * unit, box.width, 1.8 * unit))
        bar = pictures.draw_scale(above, stretch, colours, 0.16, LETTER / self.side)
        bar.ax.xaxis.set_ticks_position("top")
        bar.ax.tick_params(labelsize=5.5, pad=1)

    def draw_composite(self, picture: Picture, channels: Sequence[int]) -> str:
        """Draw the last panel, three channels as red, green and blue, and return their balance in words.

        Each channel is divided by its median over the region, and all three have one logarithmic scale: what has risen
        by the same factor in all of them is grey, and a colour tells which channel has risen more.
        """
        found = [self.planes[channel] for channel in channels]
        medians = [usual(plane) for plane in found]
        planes = np.stack([plane / median for plane, median in zip(found, medians, strict=True)], axis=-1)
        missing = ~np.isfinite(planes).all(axis=-1)
        low, high = np.percentile(planes[~missing] if not missing.all() else [0.0, 1.0], self.options.percentiles)
        stretch = Stretch("log", float(low), float(max(high, low + 1e-6)))
        image = np.round(255 * stretch.forward(np.where(missing[..., np.newaxis], low, planes))).astype(np.uint8)
        image[missing] = np.round(255 * np.array(MISSING)).astype(np.uint8)
        axes = self._show(picture, image, "RGB", " ".join(map(str, channels)) + " Å")
        self._draw_scale(axes, stretch, matplotlib.colormaps["gray"])
        units = ", ".join(quantity(median) for median in medians)
        return (
            f"each in units of its median over the region ({units} DN/s), "
            f"all on one logarithmic scale from {quantity(stretch.low)} to {quantity(stretch.high)}"
        )

    @property
    def keys(self) -> list[str]:
        """What lines and colours that are no brightness mean, of those that are there."""
        found = []
        if self.saturated:
            found.append("Outlined in cyan (red at 94, 131, 335 Å): saturated.")
        if self.missing:
            found.append("Grey: missing.")
        return [" ".join(found)] if found else []

    def write(self, heading: str, labels: tuple[str, str], notes: Sequence[str], *, synthetic: bool) -> None:
        """Write the title, the axes' labels, and below everything the notes."""
        text, width, height = self.figure.text, self.width, self.height
        write_heading(self.figure, LEFT, heading, synthetic=synthetic)
        text(0.5 * (1 + (LEFT - RIGHT) / width), (self.foot + 0.5) / height, labels[0], ha="center", va="bottom")
        text(1 / width, 0.5 + 0.5 * (AXIS + self.foot - TOP) / height, labels[1], rotation=90, va="center")
        most = int((width - LEFT) / (0.8 * LETTER))  # letters of running text are narrower than digits
        lines = [line for note in notes for line in ([note] if "$" in note else textwrap.wrap(note, most))]
        for number, line in enumerate(lines):
            place = (self.foot - 0.4 - LINE * number) / height
            text(LEFT / width, place, line, size=5.5, color="#333333", va="top")


def usual(data: np.ndarray) -> float:
    """The usual brightness of an image, its median; where that is not positive, as far off the limb, its mean."""
    found = data[np.isfinite(data)]
    levels = (float(np.median(found)), float(np.mean(found))) if found.size else ()
    return next((level for level in levels if level > 0), 1.0)


def _label(axes: Axes, name: str, when: str, synthetic: bool) -> None:
    style: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "size": 6, "bbox": pictures.LABEL_BOX}
    axes.text(0.03, 0.97, name, va="top", weight="bold", **style)
    axes.text(0.97, 0.97, when, va="top", ha="right", **style)
    if synthetic:
        axes.text(0.97, 0.035, "synthetic", va="bottom", ha="right", **{**style, "size": 5})
