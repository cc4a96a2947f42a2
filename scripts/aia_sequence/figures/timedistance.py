"""The figure of a slit: where it lies, and brightness along it over time, with gaps as gaps."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.region import FRAME
from aia_sequence.figures import pictures
from aia_sequence.figures.gaps import gaps
from aia_sequence.figures.layout import counted
from aia_sequence.figures.lightcurve import label_times
from aia_sequence.figures.sequence import Frame, Picture, axis_labels, hasty, read_picture
from aia_sequence.figures.style import MISSING, RC, WIDTH_MM, Stretch, caption, new_figure, paint, save, write_heading
from aia_sequence.frames.companions import SATURATED
from aia_sequence.times import clock, covered, read_time

if TYPE_CHECKING:
    import xarray as xr

LINE = "#00e5ff"
LONE_S = 12.0  # s; how long a frame lasts of which there is only one
LEFT, TOP, HIGH, AXIS, FOOT, GAP, RIGHT = 12.5, 9.5, 58.0, 9.0, 2.0, 17.0, 31.0  # mm


def cells(times: np.ndarray) -> list[np.ndarray]:
    """Edges (s) of what each frame stands for: halfway to its neighbours, one array for each part without a gap."""
    usual = float(np.median(np.diff(times))) if len(times) > 1 else LONE_S
    parts = np.split(times, gaps(times) + 1)
    return [np.concatenate([[p[0] - usual / 2], (p[1:] + p[:-1]) / 2, [p[-1] + usual / 2]]) for p in parts]


def plot_slit(
    data: "xr.Dataset",
    frames: Sequence[Frame],
    paths: Sequence[Path],
    *,
    title: str,
    name: str,
    channel: int,
    options: FigureOptions,
) -> str:
    """Draw time–distance data beside a frame in which the slit is drawn, and return the caption.

    Parameters
    ----------
    data
        From `aia_sequence.analysis.slits.follow`.
    frames
        Those that it was taken from.
    paths
        Files to be written, PNG or PDF by suffix.
    title, name
        Of the event and of the slit.
    channel
        Wavelength in angstrom.
    options
        See `FigureOptions`.
    """
    values = np.asarray(data["data"])
    stretch, chosen = _stretch(values, options)
    number = _shown(values)
    frame, line = frames[number], _line(data, number)
    picture = read_picture(frame.path, _around(line))
    synthetic = bool(data.attrs["synthetic"])
    with matplotlib.rc_context(RC):
        page = _Page(options, picture)
        page.draw_place(picture, line, channel, frame)
        page.draw_time(data, frames, stretch, channel)
        heading = f"{title}   SDO/AIA {channel} Å{hasty(frames)}, slit {name}"
        write_heading(page.figure, LEFT, heading, synthetic=synthetic)
        for path in paths:
            save(page.figure, path, options.dpi)
    when = covered(frames[0].time, frames[-1].time)
    text = (
        f"{title}: SDO/AIA {channel} Å{hasty(frames)}, brightness along the slit {name} "
        f"{when}, in {counted(len(frames))}. The slit: {data.attrs['slit']}; "
        f"{data.attrs['interpolation']}. It is drawn in the frame of {clock(frame.time)} UTC; a dot is its beginning. "
        f"Scale: {stretch.words} ({chosen}). Distances: {data['distance'].attrs['long_name']} "
        f"(arcsec); {data['distance_mm'].attrs['long_name']} (Mm). "
        f"{stretch.saturated(channel)[0].capitalize()} is saturated, grey is where nothing was measured."
    )
    return caption(text, synthetic=synthetic)


class _Page:
    """The page: at the left, or above in one column, where the slit lies; beside or below it what happens along it."""

    def __init__(self, options: FigureOptions, picture: Picture) -> None:
        self.options = options
        self.width = WIDTH_MM[options.size]
        self.wide = self.width > 100
        rows, columns = picture.data.shape
        most = 46.0 if self.wide else self.width - LEFT - RIGHT
        self.side = min(most, HIGH * columns / rows), min(HIGH, most * rows / columns)
        self.top = TOP if self.wide else TOP + 2 + self.side[1] + AXIS + 3
        self.left = LEFT + self.side[0] + GAP if self.wide else LEFT
        self.height = self.top + HIGH + AXIS + FOOT
        self.figure = new_figure(self.width, self.height, dpi=options.dpi)

    def _axes(self, left: float, top: float, wide: float, high: float) -> Axes:
        place = left / self.width, 1 - (top + high) / self.height, wide / self.width, high / self.height
        return self.figure.add_axes(place)

    def draw_place(self, picture: Picture, line: np.ndarray, channel: int, frame: Frame) -> None:
        """Draw the slit into a frame."""
        axes = self._axes(LEFT, TOP if self.wide else TOP + 2, *self.side)
        low, high = np.nanpercentile(picture.data, self.options.percentiles)
        stretch = Stretch(self.options.stretch, max(0.0, low), max(high, low + 1), self.options.power)
        factor = max(1, int(picture.data.shape[1] / (self.side[0] / 25.4 * self.options.dpi)))
        image = pictures.colours(picture, stretch, channel, factor)
        pictures.show(axes, picture, image, self.options, self.side, factor)
        axes.tick_params(direction="in", color="white")
        for colour, thick in (("black", 1.8), (LINE, 0.9)):
            axes.plot(*line, color=colour, lw=thick, solid_capstyle="butt")
        axes.plot(*line[:, :1], "o", ms=3.4, color=LINE, mec="black", mew=0.5)
        style: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "size": 5.5, "bbox": pictures.LABEL_BOX}
        axes.text(0.03, 0.965, clock(frame.time), va="top", **style)
        if picture.synthetic:
            axes.text(0.97, 0.04, "synthetic", va="bottom", ha="right", **{**style, "size": 5})
        across, up = axis_labels(None)
        axes.set_xlabel(across, labelpad=2)
        axes.set_ylabel(up, labelpad=1)

    def draw_time(self, data: "xr.Dataset", frames: Sequence[Frame], stretch: Stretch, channel: int) -> None:
        """Draw brightness over time and distance, with a colour bar."""
        axes = self._axes(self.left, self.top, self.width - self.left - RIGHT, HIGH)
        times = np.array([frame.time for frame in frames])
        distance = np.asarray(data["distance"])
        half = (distance[1] - distance[0]) / 2
        edges = np.append(distance - half, distance[-1] + half)
        values, saturated = np.asarray(data["data"]), (np.asarray(data["mask"]) & SATURATED) > 0
        axes.set_facecolor(MISSING)
        begin = 0
        for part in cells(times):
            rows = slice(begin, begin + len(part) - 1)
            image = paint(values[rows].T, np.zeros_like(saturated[rows].T), stretch, channel)
            # Filled: a line around them would lie in the cells of other frames.
            image[saturated[rows].T] = np.round(255 * np.array(stretch.saturated(channel)[1])).astype(np.uint8)
            axes.pcolormesh(part, edges, image, rasterized=True)
            begin = rows.stop
        parts = cells(times)
        axes.set(xlim=(parts[0][0], parts[-1][-1]), ylim=(edges[0], edges[-1]))
        label_times(axes, times[0], times[-1])
        axes.set_ylabel("Distance (arcsec)")
        for label, text in self.options.marks.items():
            if times[0] <= (time := read_time(text)) <= times[-1]:
                axes.axvline(time, color="white", lw=0.6, ls=(0, (3, 2)))
                style: dict[str, Any] = {"va": "top", "size": 5.5, "color": "white", "parse_math": False}
                place: dict[str, Any] = {
                    "xycoords": ("data", "axes fraction"),
                    "xytext": (1.5, -2),
                    "textcoords": "offset points",
                }
                axes.annotate(label, (time, 1), **place, **style)
        self._megametres(axes, distance, np.asarray(data["distance_mm"]))
        bar_axes = self._axes(self.width - RIGHT + 13.5, self.top, 2.8, HIGH)
        bar = pictures.draw_scale(bar_axes, stretch, stretch.colours(channel), 0.09)
        bar.set_label(stretch.label, labelpad=1.5)

    @staticmethod
    def _megametres(axes: Axes, distance: np.ndarray, megametres: np.ndarray) -> None:
        # Drawn on as straight lines beyond both ends, where the axis goes on by half a step.
        known = [
            np.concatenate([[2 * one[0] - one[1]], one, [2 * one[-1] - one[-2]]]) for one in (distance, megametres)
        ]
        beside = axes.secondary_yaxis(
            "right",
            functions=(
                lambda values: np.interp(np.asarray(values, float), known[0], known[1], np.nan, np.nan),
                lambda values: np.interp(np.asarray(values, float), known[1], known[0], np.nan, np.nan),
            ),
        )
        beside.set_ylabel("Distance (Mm)", labelpad=2)
        beside.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _stretch(values: np.ndarray, options: FigureOptions) -> tuple[Stretch, str]:
    """The scale of time–distance data, and where its limits come from."""
    if options.limits:
        return Stretch(options.stretch, *options.limits, options.power), "given"
    low, high = np.nanpercentile(values, options.percentiles)
    low = max(0.0, float(low))
    high = max(float(high), low + 1)
    words = "percentiles {:g} and {:g} of all values along the slit".format(*options.percentiles)
    return Stretch(options.stretch, float(f"{low:.4g}"), float(f"{high:.4g}"), options.power), words


def _shown(values: np.ndarray) -> int:
    """The frame in which the slit is drawn: that of the brightest mean along it."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return int(np.argmax(np.where(count > 0, total / np.maximum(count, 1), -np.inf)))


def _line(data: "xr.Dataset", number: int) -> np.ndarray:
    """The middle of the slit in a frame, arcsec, shape (2, n)."""
    x, y = (np.asarray(data[name]) for name in "xy")
    return np.array([x[number], y[number]] if x.ndim == 2 else [x, y])


def _around(line: np.ndarray) -> dict[str, list[float]]:
    """A region around a slit, half as large again as it is long, and no flatter than two by one."""
    low, high = np.nanmin(line, axis=1), np.nanmax(line, axis=1)
    middle, side = (low + high) / 2, (high - low).max()
    half = np.maximum((high - low) / 2 + 0.25 * side, 0.4 * side)
    middle = np.clip(middle, -FRAME + half, FRAME - half)
    return {axis: [middle[number] - half[number], middle[number] + half[number]] for number, axis in enumerate("xy")}
