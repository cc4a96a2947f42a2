"""The movie of a sequence: one brightness scale, a real time axis on which gaps stay gaps."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import gcd
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import overlay, pictures
from aia_sequence.figures.encoding import encode
from aia_sequence.figures.gaps import GAP
from aia_sequence.figures.lightcurve import draw_curve
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.sequence import Frame, Picture, Region, axis_labels, follows, hasty
from aia_sequence.figures.shown import Brightness, Shown
from aia_sequence.figures.style import MISSING, RC, Stretch, new_figure, write_heading
from aia_sequence.files import replacing
from aia_sequence.instrument import Series, series_of
from aia_sequence.joblog import Counter
from aia_sequence.lists.lightcurve import Point
from aia_sequence.times import clock, day, read_time

log = logging.getLogger(__name__)

# 720 lines of image: full resolution for regions up to 430 arcsec, and small enough for a laptop's browser.
IMAGE_PX = 720
DPI = 130
LEFT, RIGHT, TOP, AXIS, STRIP, FOOT = 80, 128, 42, 62, 104, 76
FINEST = 8
ON_STEP = 0.9  # of the frames, where the others stand in for frames that are missing
SHORTEST = 6  # seconds that a movie takes: a shorter one has ended before its controls are found


@dataclass(frozen=True)
class Tick:
    """One time step of the movie: its time (TAI seconds), and the frame shown, or None in a gap."""

    time: float
    frame: int | None


def time_axis(frames: Sequence[Frame], series: Series) -> list[Tick]:
    """Lay a sequence on equal time steps.

    The step is the usual (median) distance of frames, if they lie on such steps but for some that stand in for others
    and are shown at the nearest; else the largest number of slots that meets every frame, but not less than an eighth
    of the usual distance. A frame stays until the next one; in a gap (more than 2.5 times the usual distance) it
    stays for the usual distance, and no frame is shown for the rest of the gap.

    Parameters
    ----------
    frames
        The sequence, ascending.
    series
        The series of its channel.

    Returns
    -------
    list of Tick
        From the first frame's slot to the last one's.
    """
    unit, slots = _slots(frames, series)
    distances = np.diff(slots)[np.diff(slots) > 0]
    if not distances.size:
        return [Tick(frames[-1].slot, len(frames) - 1)]
    usual = step = int(np.median(distances))
    steps = _nearest_steps(slots, usual)
    if (np.diff(steps) > 0).all() and np.mean(steps == slots) >= ON_STEP:
        slots = steps
    else:
        step = max(reduce(gcd, distances.tolist()), usual // FINEST)
    ticks = []
    for slot in range(int(slots[0]), int(slots[-1]) + step, step):
        index = int(np.searchsorted(slots, slot, side="right")) - 1
        following = slots[min(index + 1, len(slots) - 1)]
        gap = following - slots[index] > GAP * usual and slot - slots[index] >= usual
        ticks.append(Tick(float(slot * unit), None if gap else index))
    return ticks


def _nearest_steps(slots: np.ndarray, step: int) -> np.ndarray:
    """Of each slot the nearest of those that lie a number of steps from most others."""
    found, counts = np.unique(slots % step, return_counts=True)
    phase = found[counts.argmax()]
    return phase + step * np.rint((slots - phase) / step).astype(int)


def _slots(frames: Sequence[Frame], series: Series) -> tuple[int, np.ndarray]:
    """The slots of frames, and their length in seconds.

    T_REC of a frame of aia.lev1 is no slot of a cadence: it lies in the one that began before, if it is alone there.
    """
    times = np.array([round(frame.slot) for frame in frames])
    slots = times // series.step
    if (times % series.step).any() and len(set(slots.tolist())) < len(slots):
        return 1, times
    return series.step, slots


class Canvas:
    """The page of the movie: what stays is drawn once, what changes is drawn onto it for each time step."""

    def __init__(
        self,
        drawn: Shown,
        points: Sequence[Point],
        *,
        heading: str,
        channel: int,
        region: Region | None,
        options: FigureOptions,
        note: str,
    ) -> None:
        first = drawn.picture(0)
        rows, columns = first.data.shape
        scale = IMAGE_PX / max(rows, columns)
        self.drawn, self.channel, self.options = drawn, channel, options
        self.labels, self.moves = axis_labels(region), follows(region)
        self.factor = max(1, int(1 / scale))
        high, wide = round(rows * scale), round(columns * scale)
        # 4:2:0 chroma wants even sides.
        width, height = LEFT + wide + RIGHT, TOP + high + AXIS + STRIP + FOOT
        width, height = width + width % 2, height + height % 2
        self.size = width, height
        self.figure = new_figure(width / DPI * 25.4, height / DPI * 25.4, dpi=DPI)
        self.image_axes, self.artists = self._image(first, wide, high, options)
        self._scale(high)
        strip = self._place(LEFT, TOP + high + AXIS, wide, STRIP)
        draw_curve(strip, points, options.marks, range(len(points)))
        self.cursor = strip.axvline(read_time(points[0].T_OBS), color="black", lw=1.1, animated=True)
        self.strip = strip
        write_heading(self.figure, LEFT / DPI * 25.4, heading, synthetic=first.synthetic)
        self.figure.text(LEFT / width, 8 / height, note, size=5.5, color="#333333", va="bottom")
        self.agg = FigureCanvasAgg(self.figure)
        self.agg.draw()
        self.still = self.agg.copy_from_bbox(self.figure.bbox)

    def _place(self, left: float, top: float, wide: float, high: float) -> Axes:
        width, height = self.size
        return self.figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))

    def _image(self, first: Picture, wide: int, high: int, options: FigureOptions) -> tuple[Axes, list]:
        axes = self._place(LEFT, TOP, wide, high)
        image = pictures.colours(first, self.drawn.scale, self.channel, self.factor)
        size = wide / DPI * 25.4, high / DPI * 25.4
        self.image, self.lines = pictures.show(axes, first, image, options, size, self.factor)
        axes.set(xlabel=self.labels[0], ylabel=self.labels[1])
        box = {"facecolor": "black", "alpha": 0.5, "edgecolor": "none", "pad": 1.5}
        style: dict[str, Any] = {"transform": axes.transAxes, "color": "white", "bbox": box, "animated": True}
        self.clock = axes.text(0.015, 0.985, "", va="top", size=8, **style)
        self.exposure = axes.text(0.985, 0.985, "", va="top", ha="right", size=8, **style)
        moving = [self.image, *self.lines, self.clock, self.exposure]
        if first.synthetic:
            moving.append(axes.text(0.985, 0.015, "synthetic data", va="bottom", ha="right", size=7, **style))
        for artist in moving:
            artist.set_animated(True)
        return axes, [*moving, *axes.spines.values()]

    def _scale(self, high: int) -> None:
        axes = self._place(self.size[0] - RIGHT + 12, TOP, 18, high)
        scale = self.drawn.scale
        bar = pictures.draw_scale(axes, scale, scale.colours(self.channel), 0.05)
        bar.set_label(scale.label)

    def draw(self, time: float, number: int | None) -> np.ndarray:
        """Draw one time step: a picture by its number, or that there is none.

        Returns
        -------
        numpy.ndarray
            RGB, uint8, shape (height, width, 3).
        """
        frame = None if number is None else self.drawn.frames[number]
        if number is None or frame is None:
            self.image.set_data(np.full((2, 2, 3), np.round(255 * np.array(MISSING)).astype(np.uint8)))
            self.clock.set_text(f"{day(time)} {clock(time)} UTC")
            self.exposure.set_text("no frame")
        else:
            picture = self.drawn.picture(number)
            self.image.set_data(pictures.colours(picture, self.drawn.scale, self.channel, self.factor))
            self.clock.set_text(f"{day(frame.time)} {clock(frame.time)} UTC")
            self.exposure.set_text(self.drawn.beside(number, short=False))
            if self.moves:
                moved = overlay.curves(picture, with_limb=self.options.limb, grid=self.options.grid)
                for line, (_, curve) in zip(self.lines, moved, strict=True):
                    line.set_data(curve)
        self.cursor.set_xdata([time if frame is None else frame.time] * 2)
        self.agg.restore_region(self.still)
        for artist in self.artists:
            self.image_axes.draw_artist(artist)
        self.strip.draw_artist(self.cursor)
        page = Image.frombuffer("RGBA", self.size, self.agg.buffer_rgba(), "raw", "RGBA", 0, 1)
        return np.asarray(page.convert("RGB"))  # in a third of the time that numpy takes to leave opacity out


def render_movie(
    frames: Sequence[Frame],
    points: Sequence[Point],
    statistics: Statistics,
    path: Path,
    *,
    title: str,
    channel: int,
    region: Region | None,
    options: FigureOptions,
) -> int:
    """Render the movie of a sequence as MP4; frames are read one after the other.

    Parameters
    ----------
    frames, points, statistics
        The sequence, its light curve and brightness limits.
    path
        MP4 file to be written.
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
    int
        Time steps, each a frame of the movie.

    Raises
    ------
    FrameError
        If ffmpeg fails; with its own words.
    """
    drawn = Brightness(frames, region, Stretch(options.stretch, *statistics.limits, options.power))
    heading = f"{title}   SDO/AIA {channel} Å{hasty(frames)}"
    return render(drawn, points, path, heading=heading, channel=channel, region=region, options=options)


def render(
    drawn: Shown,
    points: Sequence[Point],
    path: Path,
    *,
    heading: str,
    channel: int,
    region: Region | None,
    options: FigureOptions,
) -> int:
    """Render pictures as a movie, the light curve of the whole sequence below; see `render_movie`."""
    ticks = time_axis(drawn.frames, series_of(channel))
    step = int(ticks[1].time - ticks[0].time) if len(ticks) > 1 else 0
    rate = min(Fraction(options.fps), Fraction(len(ticks), SHORTEST))
    note = f"{float(rate):.2g} steps of {step} s per second of movie; {drawn.scale.words}."
    if any(point.saturated for point in points):
        note += f" Outlined in {drawn.scale.saturated(channel)[0]}: saturated."
    if any(point.missing for point in points) or any(tick.frame is None for tick in ticks):
        note += " Grey: missing."
    with matplotlib.rc_context(RC):
        canvas = Canvas(drawn, points, heading=heading, channel=channel, region=region, options=options, note=note)
        images = _images(canvas, ticks)
        with replacing(path) as part:
            encode(images, part, canvas.size, rate)
    log.info("%d time steps of %d s, %d x %d pixels", len(ticks), step, *canvas.size)
    return len(ticks)


def _images(canvas: Canvas, ticks: Sequence[Tick]) -> Iterator[np.ndarray]:
    shown, image = -1, None
    counter = Counter("drawn", len(ticks), "images")
    for tick in ticks:
        if tick.frame is None:
            shown, image = -1, canvas.draw(tick.time, None)
        elif tick.frame != shown or image is None:
            shown, image = tick.frame, canvas.draw(tick.time, tick.frame)
        counter.step()
        yield image
