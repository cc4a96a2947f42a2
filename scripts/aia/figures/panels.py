"""The sequence figure: the frames side by side on one brightness scale, the light curve below."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from aia.errors import FrameError
from aia.figures import overlay
from aia.figures.lightcurve import draw_curve
from aia.figures.measure import Statistics
from aia.figures.options import Options
from aia.figures.points import Point
from aia.figures.sequence import Frame, Picture, Region, axis_labels, place, read_picture, reduce_any, reduce_mean
from aia.figures.style import (
    MISSING,
    RC,
    WIDTH_MM,
    Stretch,
    colour_map,
    new_figure,
    paint,
    round_ticks,
    saturated_colour,
    save,
    write_heading,
)

# Below this width a panel has no room for its time; above this height a figure leaves the page of a journal.
NARROWEST_MM, TALLEST_MM = 11.0, 235.0


def select(frames: int, peak: int, options: Options) -> tuple[list[int], str]:
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
    wanted = frames if options.panels == "all" else min(frames, options.panels)
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
    def height(self) -> float:
        """Height of the page."""
        return self.top + self.rows * (self.panel[1] + self.gap) + self.axis + self.strip + self.foot

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
    options: Options,
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
        See `Options`.

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
        figure = new_figure(layout.width, layout.height, dpi=options.dpi)
        flags = _draw_panels(figure, layout, [frames[index] for index in shown], stretch, channel, region, options)
        _draw_scale(figure, layout, stretch, channel)
        strip = figure.add_axes(
            layout.place(
                layout.left,
                layout.height - layout.foot - layout.strip,
                layout.width - layout.left - layout.right,
                layout.strip,
            )
        )
        draw_curve(strip, points, options.marks, shown)
        write_heading(figure, layout.left, f"{title}   SDO/AIA {channel} Å", synthetic=statistics.synthetic)
        _write_notes(figure, layout, choice, stretch, flags, channel)
        for path in paths:
            save(figure, path, options.dpi)
    return _caption(frames, shown, choice, stretch, statistics, channel, region, title)


def _draw_panels(figure, layout, frames, stretch, channel, region, options) -> dict[str, bool]:
    """Draw the frames one after the other; tell whether any has saturated or missing pixels."""
    flags = {"saturated": False, "missing": False}
    dated = str(frames[0].time)[:10] != str(frames[-1].time)[:10]
    pixels = layout.panel[0] / 25.4 * options.dpi
    for number, frame in enumerate(frames):
        picture = read_picture(frame.path, region)
        row, column = divmod(number, layout.columns)
        axes = figure.add_axes(
            layout.place(
                layout.left + column * (layout.panel[0] + layout.gap),
                layout.top + row * (layout.panel[1] + layout.gap),
                *layout.panel,
            )
        )
        factor = max(1, int(picture.data.shape[1] / pixels))
        _draw_picture(axes, picture, stretch, channel, layout.panel, factor, flags)
        overlay.draw(axes, picture, with_limb=options.limb, grid=options.grid)
        _label_panel(axes, frame, picture, layout.panel[0], dated)
        lowest = number + layout.columns >= len(frames)
        axes.tick_params(labelbottom=lowest, labelleft=column == 0, direction="in", color="white")
    across, up = axis_labels(region)
    middle = layout.left + (layout.columns * (layout.panel[0] + layout.gap) - layout.gap) / 2
    below = layout.top + layout.rows * (layout.panel[1] + layout.gap) + 3.2
    figure.text(middle / layout.width, 1 - below / layout.height, across, ha="center", va="top")
    centre = layout.top + (layout.rows * (layout.panel[1] + layout.gap) - layout.gap) / 2
    figure.text(1.0 / layout.width, 1 - centre / layout.height, up, rotation=90, ha="left", va="center")
    return flags


def _draw_picture(
    axes: Axes,
    picture: Picture,
    stretch: Stretch,
    channel: int,
    panel: tuple[float, float],
    factor: int,
    flags: dict[str, bool],
) -> None:
    saturated = picture.saturated
    flags["saturated"] |= bool(saturated.any())
    flags["missing"] |= not np.isfinite(picture.data).all()
    left, right, bottom, top = picture.axes_extent
    rows, columns = picture.data.shape
    data = reduce_mean(picture.data, factor)
    # The last blocks can reach over the edge of the region: the axes cut them.
    wide, high = data.shape[1] * factor / columns, data.shape[0] * factor / rows
    axes.imshow(
        paint(data, reduce_any(saturated, factor), stretch, channel),
        origin="lower",
        extent=(left, left + (right - left) * wide, bottom, bottom + (top - bottom) * high),
        aspect="auto",
    )
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_xticks(round_ticks(left, right, panel[0]))
    axes.set_yticks(round_ticks(bottom, top, panel[1], upright=True))


def _label_panel(axes: Axes, frame: Frame, picture: Picture, panel: float, dated: bool) -> None:
    """Write time and exposure into a panel, in two lines where one would be too long for its width in mm."""
    size = 5.5 if panel >= (18 if dated else 13) else 4.5
    box = {"facecolor": "black", "alpha": 0.45, "edgecolor": "none", "pad": 0.8}
    style = {"transform": axes.transAxes, "color": "white", "size": size, "bbox": box, "linespacing": 1.05}
    clock, exposure = str(frame.time)[11:19], f"{frame.EXPTIME:.2f} s"
    if dated:
        clock = f"{str(frame.time)[5:10]} {clock}"
    if panel >= (28 if dated else 20):
        axes.text(0.97, 0.965, exposure, va="top", ha="right", **style)
    else:
        clock = f"{clock}\n{exposure}"
    axes.text(0.03, 0.965, clock, va="top", ha="left", **style)
    if picture.synthetic:
        axes.text(0.97, 0.04, "synthetic", va="bottom", ha="right", **{**style, "size": size - 0.5})


def _draw_scale(figure: Figure, layout: Layout, stretch: Stretch, channel: int) -> None:
    height = layout.rows * (layout.panel[1] + layout.gap) - layout.gap
    axes = figure.add_axes(layout.place(layout.width - layout.right + 1.5, layout.top, 2.8, height))
    bar = figure.colorbar(
        ScalarMappable(stretch.norm(), colour_map(channel)), cax=axes, ticks=stretch.ticks(min(0.09, 4.0 / height))
    )
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}".replace(",", "\u2009"))
    bar.ax.minorticks_off()
    bar.set_label("Intensity (DN s$^{-1}$ pixel$^{-1}$)", labelpad=1.5)
    bar.outline.set_linewidth(0.5)


def _write_notes(figure, layout, choice, stretch, flags, channel) -> None:
    """Say what the panels show below everything, and what the two special colours mean below the colour bar."""
    lines = f"Panels: {choice}, with time (UTC) and exposure;", f"{stretch.words}."
    note = " ".join(lines) if layout.width > 100 else "\n".join(lines)
    left, below = layout.left / layout.width, 1.4 / layout.height
    figure.text(left, below, note, size=5.5, va="bottom", color="#333333", linespacing=1.15)
    edge, top = layout.width - layout.right + 1.5, layout.top + layout.rows * (layout.panel[1] + layout.gap) + 1.2
    for name, colour in (("saturated", saturated_colour(channel)), ("missing", MISSING)):
        if flags[name]:
            place_ = layout.place(edge, top, 2.8, 1.9)
            figure.add_artist(Rectangle(place_[:2], *place_[2:], facecolor=colour, edgecolor="black", linewidth=0.3))
            x, y = (edge + 3.8) / layout.width, 1 - (top + 1.0) / layout.height
            figure.text(x, y, name, size=5.5, va="center_baseline", color="#333333")
            top += 3.0


def _caption(frames, shown, choice, stretch, statistics, channel, region, title) -> str:
    first, last = frames[shown[0]].time, frames[shown[-1]].time
    text = (
        f"{title}: SDO/AIA {channel} Å, {choice}, from {str(first)[:10]} {str(first)[11:19]} to "
        f"{str(last)[:10] + ' ' if str(last)[:10] != str(first)[:10] else ''}{str(last)[11:19]} UTC, "
        f"of {place(region)}. Each panel states T_OBS and the exposure time. "
        f"All panels share one scale: {stretch.words} ({statistics.chosen}). "
        "Below: mean brightness of the region in every frame; filled dots are the frames shown."
    )
    return f"{text} Synthetic data: not an observation of the Sun." if statistics.synthetic else text
