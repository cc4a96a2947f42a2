"""The sequence figure: the frames side by side on one brightness scale, the light curve below."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import overlay, pictures
from aia_sequence.figures.flares import Flare, flare_of
from aia_sequence.figures.layout import Layout, lay_out, select
from aia_sequence.figures.lightcurve import draw_curve
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.sequence import Frame, Picture, Region, axis_labels, hasty, place
from aia_sequence.figures.shown import Brightness, Shown
from aia_sequence.figures.style import MISSING, RC, Stretch, caption, new_figure, save, write_heading
from aia_sequence.lists.lightcurve import Point
from aia_sequence.times import clock, covered, day


def plot_sequence(
    frames: Sequence[Frame],
    points: Sequence[Point],
    statistics: Statistics,
    paths: Sequence[Path],
    *,
    title: str,
    channel: int,
    region: Region | None,
    options: FigureOptions,
) -> str:
    """Draw the sequence figure and return its caption.

    Parameters
    ----------
    frames
        The whole sequence; only the frames shown are read.
    points, statistics
        Its light curve and brightness limits.
    paths
        Files to be written, PNG or PDF by suffix.
    title
        Name of the event.
    channel
        Wavelength in angstrom.
    region
        Bounds in arcsec; None for the full disk.
    options
        See `FigureOptions`.

    Returns
    -------
    str
        A caption that a paper can use.
    """
    stretch = Stretch(options.stretch, *statistics.limits, options.power)
    drawn = Brightness(frames, region, stretch)
    heading = f"{title}   SDO/AIA {channel} Å{hasty(frames)}"
    page = draw_page(drawn, points, statistics, paths, heading=heading, channel=channel, region=region, options=options)
    text = _caption(frames, page.shown, page.choice, stretch, statistics, channel, region, title, flare_of(points))
    if page.saturated:
        name, _ = stretch.saturated(channel)
        text += f" Saturated pixels are outlined in {name}: their brightness is a lower limit."
    text += f" Heliographic grid: every {options.grid:g}°." if options.grid else ""
    return caption(text, synthetic=statistics.synthetic)


def draw_page(
    drawn: Shown,
    points: Sequence[Point],
    statistics: Statistics,
    paths: Sequence[Path],
    *,
    heading: str,
    channel: int,
    region: Region | None,
    options: FigureOptions,
) -> "Page":
    """Draw pictures side by side, the light curve of the whole sequence below.

    Parameters
    ----------
    drawn
        The pictures; only those that the figure shows are read.
    points, statistics, paths, channel, region, options
        As for `plot_sequence`.
    heading
        Stands above.
    """
    # Light curve and pictures have their times in common, not their numbers: a difference takes two frames.
    numbers = {point.record: number for number, point in enumerate(points)}
    places = [numbers[frame.record] for frame in drawn.frames]
    mean = np.array([points[place].mean for place in places])
    peak = int(np.nanargmax(mean)) if np.isfinite(mean).any() else 0
    shown, choice = select(len(places), peak, options)
    rows, columns = statistics.shape
    layout = lay_out(len(shown), rows / columns, options.size)
    with matplotlib.rc_context(RC):
        page = Page(layout, drawn, shown, choice, channel, options)
        page.draw_panels(region)
        page.draw_scale()
        page.draw_strip(points, [places[number] for number in shown])
        page.write(heading, synthetic=statistics.synthetic)
        for path in paths:
            save(page.figure, path, options.dpi)
    return page


class Page:
    """The page of a sequence figure, on which its parts are drawn.

    Attributes
    ----------
    shown, choice
        Which of the pictures it shows, by their numbers, and the choice in words.
    saturated, missing
        Whether there are such pixels in them.
    """

    def __init__(
        self, layout: Layout, drawn: Shown, shown: list[int], choice: str, channel: int, options: FigureOptions
    ) -> None:
        self.layout, self.drawn, self.channel, self.options = layout, drawn, channel, options
        self.shown, self.choice = shown, choice
        self.figure = new_figure(layout.width, layout.height, dpi=options.dpi)
        self.saturated = self.missing = False

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes at a place in mm from the top left corner of the page."""
        return self.figure.add_axes(self.layout.place(left, top, width, height))

    def text(self, left: float, top: float, text: str, **look: Any) -> None:
        """Text at a place in mm from the top left corner of the page."""
        self.figure.text(left / self.layout.width, 1 - top / self.layout.height, text, **look)

    def draw_panels(self, region: Region | None) -> None:
        """Draw the pictures one after the other."""
        layout, drawn, shown = self.layout, self.drawn, self.shown
        wide, high = layout.panel
        dated = day(drawn.frames[shown[0]].time) != day(drawn.frames[shown[-1]].time)
        for number, index in enumerate(shown):
            picture = drawn.picture(index)
            self.saturated |= bool(picture.saturated.any())
            self.missing |= not np.isfinite(picture.data).all()
            row, column = divmod(number, layout.columns)
            axes = self.axes(
                layout.left + column * (wide + layout.gap), layout.top + row * (high + layout.gap), wide, high
            )
            factor = max(1, int(picture.data.shape[1] / (wide / 25.4 * self.options.dpi)))
            image = pictures.colours(picture, drawn.scale, self.channel, factor, wide)
            pictures.show(axes, picture, image, self.options, layout.panel, factor)
            pictures.label_ticks(axes, below=number + layout.columns >= len(shown), beside=column == 0)
            _label_panel(axes, drawn, index, picture, wide, dated)
        across, up = axis_labels(region)
        middle = layout.left + (layout.columns * (wide + layout.gap) - layout.gap) / 2
        self.text(middle, layout.top + layout.grid_height + 3.9, across, ha="center", va="top")
        self.text(1.0, layout.top + layout.grid_height / 2, up, rotation=90, ha="left", va="center")

    def draw_scale(self) -> None:
        """Draw the colour bar to the right of the panels, and below it what the colours beside it mean."""
        layout = self.layout
        left, high = layout.width - layout.right + 1.5, layout.grid_height
        axes = self.axes(left, layout.top, 2.8, high)
        scale = self.drawn.scale
        bar = pictures.draw_scale(axes, scale, scale.colours(self.channel), min(0.09, 4.0 / high))
        bar.set_label(scale.label, labelpad=1.5)
        top = layout.top + high + 1.9
        keys = ("saturated", self.saturated, scale.saturated(self.channel)[1]), ("missing", self.missing, MISSING)
        for name, wanted, colour in keys:
            if wanted:
                x, y, wide, tall = layout.place(left, top, 2.8, 1.9)
                inner, rim = ("black", colour) if name == "saturated" else (colour, "black")
                key = Rectangle((x, y), wide, tall, facecolor=inner, edgecolor=rim, linewidth=0.6)
                self.figure.add_artist(key)
                self.text(left + 3.8, top + 1.0, name, size=5.5, va="center_baseline", color="#333333")
                top += 3.0

    def draw_strip(self, points: Sequence[Point], shown: Sequence[int]) -> None:
        """Draw the light curve below the panels."""
        layout = self.layout
        top, wide = layout.height - layout.foot - layout.strip, layout.width - layout.left - layout.right
        draw_curve(self.axes(layout.left, top, wide, layout.strip), points, self.options.marks, shown)

    def write(self, heading: str, *, synthetic: bool) -> None:
        """Write the title above and what the panels show below everything."""
        layout = self.layout
        write_heading(self.figure, layout.left, heading, synthetic=synthetic)
        scale = f"{self.drawn.scale.words}{overlay.words(self.options.grid)}."
        lines = f"Panels: {self.choice}, with {self.drawn.written};", scale
        note = " ".join(lines) if layout.width > 100 else "\n".join(lines)
        look = {"size": 5.5, "va": "bottom", "color": "#333333", "linespacing": 1.15}
        self.text(layout.left, layout.height - 1.4, note, **look)


def _label_panel(axes: Axes, drawn: Shown, number: int, picture: Picture, wide: float, dated: bool) -> None:
    """Write time and exposure into a panel, in two lines where one would be too long for its width in mm."""
    frame = drawn.frames[number]
    size = 5.5 if wide >= (18 if dated else 13) else 4.5
    look: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "size": size, "linespacing": 1.05}
    look["bbox"] = pictures.LABEL_BOX
    when, exposure = clock(frame.time), drawn.beside(number, short=True)
    if dated:
        when = f"{day(frame.time)[5:]} {when}"
    if wide >= (28 if dated else 20):
        axes.text(0.97, 0.965, exposure, va="top", ha="right", **look)
    else:
        when = f"{when}\n{exposure}"
    axes.text(0.03, 0.965, when, va="top", ha="left", **look)
    if picture.synthetic:
        axes.text(0.97, 0.04, "synthetic", va="bottom", ha="right", **{**look, "size": size - 0.5})


def _caption(
    frames: Sequence[Frame],
    shown: Sequence[int],
    choice: str,
    stretch: Stretch,
    statistics: Statistics,
    channel: int,
    region: Region | None,
    title: str,
    flare: Flare | None,
) -> str:
    when = covered(frames[shown[0]].time, frames[shown[-1]].time)
    text = (
        f"{title}: SDO/AIA {channel} Å{hasty(frames)}, {choice}, {when}, of {place(region)}. "
        f"Each panel states T_OBS and the exposure time. All panels share one scale: {stretch.words} "
        f"({statistics.chosen}). "
        "Below: mean brightness of the region in every frame; filled dots are the frames shown."
    )
    return f"{text} {flare.unseen}" if flare and flare.unseen else text
