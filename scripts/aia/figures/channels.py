"""The channel panel: one frame of each channel, all as near to one moment as there are, and an RGB composite."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from aia.figures import overlay
from aia.figures.measure import Statistics
from aia.figures.options import Options
from aia.figures.points import Point
from aia.figures.sequence import (
    Frame,
    Picture,
    Region,
    axis_labels,
    instant,
    place,
    read_picture,
    reduce_any,
    reduce_mean,
)
from aia.figures.style import (
    RC,
    WIDTH_MM,
    Stretch,
    colour_map,
    new_figure,
    paint,
    round_ticks,
    save,
    write_heading,
)

LEFT, RIGHT, TOP, GAP, BAR, AXIS, FOOT = 12.5, 3.0, 7.0, 2.0, 7.0, 6.5, 5.2


def moment(points: Mapping[int, Sequence[Point]]) -> np.datetime64:
    """Choose the moment of the panel: the peak of the channel whose light curve rises highest above its median."""
    best, chosen = -np.inf, None
    for channel in sorted(points):
        mean = np.array([point.mean for point in points[channel]])
        if not np.isfinite(mean).any():
            continue
        rise = np.nanmax(mean) / max(np.nanmedian(mean), np.finfo(float).tiny)
        if rise > best:
            best, chosen = rise, instant(points[channel][int(np.nanargmax(mean))].T_OBS)
    return chosen if chosen is not None else instant(next(iter(points.values()))[0].T_OBS)


def nearest(frames: Sequence[Frame], time: np.datetime64) -> Frame:
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
    options: Options,
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
        See `Options`; `rgb` adds a composite.
    """
    time = moment(points)
    stretches = {channel: Stretch(options.stretch, *statistics[channel].limits, options.power) for channel in frames}
    number = len(frames) + bool(options.rgb)
    width = WIDTH_MM[options.size]
    columns = min(number, 2 if width < 100 else (number + 1) // 2 if 4 < number <= 8 else 4)
    rows = -(-number // columns)
    side = (width - LEFT - RIGHT - (columns - 1) * GAP) / columns
    rows_, columns_ = next(iter(statistics.values())).shape
    high = side * rows_ / columns_
    height = TOP + rows * (high + BAR + GAP) + AXIS + FOOT
    synthetic = any(item.synthetic for item in statistics.values())
    with matplotlib.rc_context(RC):
        figure = new_figure(width, height, dpi=options.dpi)
        planes: dict[int, np.ndarray] = {}
        chosen = {channel: nearest(frames[channel], time) for channel in sorted(frames)}
        pixels = side / 25.4 * options.dpi
        for slot, (channel, frame) in enumerate(chosen.items()):
            picture = read_picture(frame.path, region)
            factor = max(1, int(picture.data.shape[1] / pixels))
            data, flags = reduce_mean(picture.data, factor), reduce_any(picture.saturated, factor)
            if channel in (options.rgb or ()):
                planes[channel] = stretches[channel].forward(np.nan_to_num(data, nan=stretches[channel].low))
            image = paint(data, flags, stretches[channel], channel)
            axes = _panel(figure, slot, columns, number, side, high, picture, image, factor, options)
            clock = str(frame.time)[11:19]
            _label(axes, f"{channel} Å", f"{clock}  {frame.EXPTIME:.2f} s", picture.synthetic)
            _scale(figure, axes, stretches[channel], channel, high)
        if options.rgb:
            image = np.round(255 * np.stack([planes[channel] for channel in options.rgb], axis=-1)).astype(np.uint8)
            axes = _panel(figure, number - 1, columns, number, side, high, picture, image, factor, options)
            _label(axes, "RGB", " ".join(map(str, options.rgb)) + " Å", picture.synthetic)
        across, up = axis_labels(region)
        figure.text(0.5 * (1 + (LEFT - RIGHT) / width), FOOT / height, across, ha="center", va="bottom")
        note = f"Colour bars: intensity in DN s$^{{-1}}$ pixel$^{{-1}}$, {options.stretch} stretch."
        figure.text(LEFT / width, 1.4 / height, note, size=5.5, color="#333333", va="bottom")
        figure.text(1 / width, 1 - (TOP + (height - TOP - AXIS - FOOT) / 2) / height, up, rotation=90, va="center")
        write_heading(figure, LEFT, f"{title}   SDO/AIA   {str(time)[:10]} {str(time)[11:19]} UTC", synthetic=synthetic)
        for path in paths:
            save(figure, path, options.dpi)
    text = (
        f"{title}: SDO/AIA channels, the frames nearest to {str(time)[:10]} {str(time)[11:19]} UTC, "
        f"of {place(region)}. Each panel states channel, T_OBS and exposure time, with its own scale "
        f"({options.stretch} stretch, DN/s)."
    )
    if options.rgb:
        text += f" RGB: {', '.join(map(str, options.rgb))} Å as red, green and blue."
    return f"{text} Synthetic data: not an observation of the Sun." if synthetic else text


def _panel(
    figure: Figure,
    slot: int,
    columns: int,
    number: int,
    side: float,
    high: float,
    picture: Picture,
    image: np.ndarray,
    factor: int,
    options: Options,
) -> Axes:
    width, height = (25.4 * inches for inches in figure.get_size_inches())
    row, column = divmod(slot, columns)
    left, top = LEFT + column * (side + GAP), TOP + row * (high + BAR + GAP) + BAR
    axes = figure.add_axes((left / width, 1 - (top + high) / height, side / width, high / height))
    west, east, south, north = picture.axes_extent
    rows, wide = picture.data.shape
    grown = image.shape[1] * factor / wide, image.shape[0] * factor / rows
    axes.imshow(
        image,
        origin="lower",
        extent=(west, west + (east - west) * grown[0], south, south + (north - south) * grown[1]),
        aspect="auto",
    )
    axes.set(xlim=(west, east), ylim=(south, north))
    overlay.draw(axes, picture, with_limb=options.limb, grid=options.grid)
    axes.set_xticks(round_ticks(west, east, side))
    axes.set_yticks(round_ticks(south, north, high, upright=True))
    lowest = slot + columns >= number
    axes.tick_params(labelbottom=lowest, labelleft=column == 0, direction="in", color="white")
    return axes


def _label(axes: Axes, name: str, when: str, synthetic: bool) -> None:
    box = {"facecolor": "black", "alpha": 0.45, "edgecolor": "none", "pad": 0.8}
    style = {"transform": axes.transAxes, "color": "white", "size": 6, "bbox": box}
    axes.text(0.03, 0.97, name, va="top", weight="bold", **style)
    axes.text(0.97, 0.97, when, va="top", ha="right", **style)
    if synthetic:
        axes.text(0.97, 0.035, "synthetic", va="bottom", ha="right", **{**style, "size": 5})


def _scale(figure: Figure, axes: Axes, stretch: Stretch, channel: int, high: float) -> None:
    """Draw a panel's colour bar above it."""
    box = axes.get_position()
    unit = box.height / high
    place_ = figure.add_axes((box.x0, box.y1 + 0.7 * unit, box.width, 1.8 * unit))
    mappable = ScalarMappable(stretch.norm(), colour_map(channel))
    bar = figure.colorbar(mappable, cax=place_, orientation="horizontal", ticks=stretch.ticks(0.16))
    bar.ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}".replace(",", "\u2009"))
    bar.ax.xaxis.set_ticks_position("top")
    bar.ax.tick_params(labelsize=5.5, pad=1)
    bar.ax.minorticks_off()
    bar.outline.set_linewidth(0.5)
