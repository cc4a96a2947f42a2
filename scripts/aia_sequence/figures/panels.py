"""The sequence figure: the frames side by side on one brightness scale, the light curve below."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import FrameError
from aia_sequence.figures import overlay, pictures, style
from aia_sequence.figures.flares import Flare, flare_of
from aia_sequence.figures.lightcurve import draw_curve
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.sequence import Frame, Picture, Region, axis_labels, place, read_picture
from aia_sequence.figures.style import MISSING, RC, WIDTH_MM, Stretch, new_figure, save, write_heading
from aia_sequence.lists.lightcurve import Point
from aia_sequence.times import clock, day

# Below this width a panel has no room for its time; above this height a figure leaves the page of a journal.
NARROWEST_MM, TALLEST_MM = 11.0, 235.0


def select(frames: int, peak: int, options: FigureOptions) -> tuple[list[int], str]:
    """Choose the frames that the figure shows.

    Parameters
    ----------
    frames
        Number of frames in the sequence.
    peak
        Index of the brightest frame.
    options
        `panels` is the largest number shown, or "all"; `select` how they are chosen.

    Returns
    -------
    tuple of (list of int, str)
        Ascending indices, and the choice in words for the caption.
    """
    wanted = frames if isinstance(options.panels, str) else min(frames, options.panels)
    if wanted == frames:
        return list(range(frames)), "the only frame" if frames == 1 else f"all {frames} frames"
    if options.select == "peak":
        first = min(max(0, peak - wanted // 2), frames - wanted)
        return list(range(first, first + wanted)), f"{wanted} of {frames} frames around the peak"
    even = np.unique(np.rint(np.linspace(0, frames - 1, wanted)).astype(int))
    return even.tolist(), f"{wanted} of {frames} frames, evenly chosen"


@dataclass(frozen=True)
class Layout:
    """Places on the page in mm: panels in a grid, colour bar to the right, light curve below."""

    width: float
    columns: int
    rows: int
    panel: tuple[float, float]
    left: float = 12.5
    right: float = 17.5
    top: float = 8.5
    gap: float = 0.7
    axis: float = 9.0
    strip: float = 20.0
    foot: float = 14.5

    @property
    def grid_height(self) -> float:
        """Height of the panels together."""
        return self.rows * (self.panel[1] + self.gap) - self.gap

    @property
    def height(self) -> float:
        """Height of the page."""
        return self.top + self.grid_height + self.gap + self.axis + self.strip + self.foot

    def place(self, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
        """Turn a rectangle in mm from the top left corner of the page into matplotlib's fractions."""
        return left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height


def lay_out(number: int, aspect: float, size: str) -> Layout:
    """Arrange panels of the given aspect ratio (height over width): as large as a good shape of the page allows.

    Parameters
    ----------
    number
        Panels.
    aspect
        Height over width of the region of interest.
    size
        "one-column" or "two-columns".

    Raises
    ------
    FrameError
        If they do not fit on a page.
    """
    width = WIDTH_MM[size]
    room = width - Layout.left - Layout.right
    tallest = 0.83 * width if size == "two-columns" else 1.5 * width
    layouts = []
    for columns in range(1, int((room + Layout.gap) / (NARROWEST_MM + Layout.gap)) + 1):
        panel = (room - (columns - 1) * Layout.gap) / columns
        layouts.append(Layout(width, columns, -(-number // columns), (panel, panel * aspect)))
    shapely = [layout for layout in layouts if layout.rows * layout.panel[1] <= tallest]
    if shapely:
        # One column more than the fewest is better if it leaves fewer places empty.
        return min(shapely[:2], key=lambda layout: layout.rows * layout.columns - number)
    lowest = min(layouts, key=lambda layout: layout.height)
    if lowest.height > TALLEST_MM:
        raise FrameError(f"{number} frames do not fit on a page ({size}): set figure.panels to a smaller number")
    return lowest


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
    mean = np.array([point.mean for point in points])
    peak = int(np.nanargmax(mean)) if np.isfinite(mean).any() else 0
    shown, choice = select(len(frames), peak, options)
    stretch = Stretch(options.stretch, *statistics.limits, options.power)
    rows, columns = statistics.shape
    layout = lay_out(len(shown), rows / columns, options.size)
    with matplotlib.rc_context(RC):
        page = _Page(layout, stretch, channel, options)
        page.draw_panels([frames[index] for index in shown], region)
        page.draw_scale()
        page.draw_strip(points, shown)
        page.write(f"{title}   SDO/AIA {channel} Å", choice, synthetic=statistics.synthetic)
        for path in paths:
            save(page.figure, path, options.dpi)
    text = _caption(frames, shown, choice, stretch, statistics, channel, region, title, flare_of(points))
    if page.saturated:
        text += f" Saturated pixels are outlined in {style.saturated_name(channel)}: their brightness is a lower limit."
    text += f" Heliographic grid: every {options.grid:g}°." if options.grid else ""
    return f"{text} Synthetic data: not an observation of the Sun." if statistics.synthetic else text


class _Page:
    """The page of a sequence figure, on which its parts are drawn."""

    def __init__(self, layout: Layout, stretch: Stretch, channel: int, options: FigureOptions) -> None:
        self.layout, self.stretch, self.channel, self.options = layout, stretch, channel, options
        self.figure = new_figure(layout.width, layout.height, dpi=options.dpi)
        self.saturated = self.missing = False

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes at a place in mm from the top left corner of the page."""
        return self.figure.add_axes(self.layout.place(left, top, width, height))

    def text(self, left: float, top: float, text: str, **look: Any) -> None:
        """Text at a place in mm from the top left corner of the page."""
        self.figure.text(left / self.layout.width, 1 - top / self.layout.height, text, **look)

    def draw_panels(self, frames: Sequence[Frame], region: Region | None) -> None:
        """Draw the frames one after the other."""
        layout = self.layout
        wide, high = layout.panel
        dated = day(frames[0].time) != day(frames[-1].time)
        for number, frame in enumerate(frames):
            picture = read_picture(frame.path, region)
            self.saturated |= bool(picture.saturated.any())
            self.missing |= not np.isfinite(picture.data).all()
            row, column = divmod(number, layout.columns)
            axes = self.axes(
                layout.left + column * (wide + layout.gap), layout.top + row * (high + layout.gap), wide, high
            )
            factor = max(1, int(picture.data.shape[1] / (wide / 25.4 * self.options.dpi)))
            image = pictures.colours(picture, self.stretch, self.channel, factor, wide)
            pictures.show(axes, picture, image, self.options, layout.panel, factor)
            pictures.label_ticks(axes, below=number + layout.columns >= len(frames), beside=column == 0)
            _label_panel(axes, frame, picture, wide, dated)
        across, up = axis_labels(region)
        middle = layout.left + (layout.columns * (wide + layout.gap) - layout.gap) / 2
        self.text(middle, layout.top + layout.grid_height + 3.9, across, ha="center", va="top")
        self.text(1.0, layout.top + layout.grid_height / 2, up, rotation=90, ha="left", va="center")

    def draw_scale(self) -> None:
        """Draw the colour bar to the right of the panels, and below it what the colours beside it mean."""
        layout = self.layout
        left, high = layout.width - layout.right + 1.5, layout.grid_height
        axes = self.axes(left, layout.top, 2.8, high)
        bar = pictures.draw_scale(axes, self.stretch, style.colour_map(self.channel), min(0.09, 4.0 / high))
        bar.set_label("Intensity (DN s$^{-1}$ pixel$^{-1}$)", labelpad=1.5)
        top = layout.top + high + 1.9
        keys = ("saturated", self.saturated, style.saturated_colour(self.channel)), ("missing", self.missing, MISSING)
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

    def write(self, heading: str, choice: str, *, synthetic: bool) -> None:
        """Write the title above and what the panels show below everything."""
        layout = self.layout
        write_heading(self.figure, layout.left, heading, synthetic=synthetic)
        scale = f"{self.stretch.words}{overlay.words(self.options.grid)}."
        lines = f"Panels: {choice}, with time (UTC) and exposure;", scale
        note = " ".join(lines) if layout.width > 100 else "\n".join(lines)
        look = {"size": 5.5, "va": "bottom", "color": "#333333", "linespacing": 1.15}
        self.text(layout.left, layout.height - 1.4, note, **look)


def _label_panel(axes: Axes, frame: Frame, picture: Picture, wide: float, dated: bool) -> None:
    """Write time and exposure into a panel, in two lines where one would be too long for its width in mm."""
    size = 5.5 if wide >= (18 if dated else 13) else 4.5
    look: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "size": size, "linespacing": 1.05}
    look["bbox"] = pictures.LABEL_BOX
    when, exposure = clock(frame.time), f"{frame.EXPTIME:.2f} s"
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
    first, last = (f"{day(time)} {clock(time)}" for time in (frames[shown[0]].time, frames[shown[-1]].time))
    text = (
        f"{title}: SDO/AIA {channel} Å, {choice}, from {first} to "
        f"{last[11:] if last[:10] == first[:10] else last} UTC, of {place(region)}. "
        f"Each panel states T_OBS and the exposure time. All panels share one scale: {stretch.words} "
        f"({statistics.chosen}). "
        "Below: mean brightness of the region in every frame; filled dots are the frames shown."
    )
    return f"{text} {flare.unseen}" if flare and flare.unseen else text
