"""What has changed between frames: running and base differences and base ratios, with their noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from aia_sequence.config.figure import DIFFERENCES, FigureOptions
from aia_sequence.errors import FrameError
from aia_sequence.figures.codes import Coding
from aia_sequence.figures.diverging import LEAST, LEAST_RATIO, PERCENT, SOFT, Diverging
from aia_sequence.figures.gaps import gaps
from aia_sequence.figures.measure import Histogram, Statistics
from aia_sequence.figures.movie import render
from aia_sequence.figures.panels import draw_page
from aia_sequence.figures.sequence import Frame, Picture, Region, follows, hasty, place, read_picture
from aia_sequence.figures.style import caption, quantity
from aia_sequence.joblog import Counter
from aia_sequence.lists.lightcurve import Point
from aia_sequence.times import clock, covered, day, read_time

UNSCALED = Diverging(1.0, 1.0)  # until all pairs have been seen
SURE = 3.0  # sigma that a base must have for a ratio to be drawn


def pairs(
    times: np.ndarray, kind: str, *, lag: float | None = None, base: float | None = None
) -> list[tuple[int, int]]:
    """Which frame is compared with which.

    Parameters
    ----------
    times
        T_OBS of the frames (TAI seconds), ascending.
    kind
        Of `aia_sequence.config.figure.DIFFERENCES`.
    lag
        Running differences: seconds to the frame that is subtracted, the nearest within half of it. Without it, that
        is the frame before, but not across a gap (more than 2.5 times the usual step).
    base
        Base differences and ratios: time (TAI seconds) of the base, the frame nearest to it; without it the first.

    Returns
    -------
    list of tuple of int
        The frame and its reference, by their numbers; frames without a reference are left out.
    """
    numbers = range(len(times))
    if kind != "running":
        reference = 0 if base is None else int(np.argmin(np.abs(times - base)))
        return [(number, reference) for number in numbers if number != reference]
    if lag is None:
        broken = set((gaps(times) + 1).tolist())
        return [(number, number - 1) for number in numbers[1:] if number not in broken]
    found = []
    for number in numbers[1:]:
        reference = int(np.argmin(np.abs(times[:number] - (times[number] - lag))))
        if abs(times[number] - lag - times[reference]) <= lag / 2:
            found.append((number, reference))
    return found


def compare(
    kind: str,
    later: np.ndarray,
    earlier: np.ndarray,
    sigma: np.ndarray | None = None,
    sigma_earlier: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Difference or ratio of two images, and its standard deviation.

    Parameters
    ----------
    kind
        Of `aia_sequence.config.figure.DIFFERENCES`.
    later, earlier
        Images of one shape; NaN where nothing was measured.
    sigma, sigma_earlier
        Their standard deviations; frames err independently of each other.

    Returns
    -------
    tuple of numpy.ndarray
        NaN where one of the images is, and ratios where the base is not above zero. The standard deviation is None
        without those of the images.
    """
    if kind == "ratio":
        base = np.where(earlier > 0, earlier, np.float32(np.nan))
        values = later / base
    else:
        values = later - earlier
    if sigma is None or sigma_earlier is None:
        return values, None
    if kind == "ratio":
        return values, np.hypot(sigma, values * sigma_earlier) / base
    return values, np.hypot(sigma, sigma_earlier)


@dataclass(frozen=True)
class Changes:
    """Differences or ratios of the region of pairs of frames, see `aia_sequence.figures.shown.Shown`.

    Attributes
    ----------
    kind
        Of `aia_sequence.config.figure.DIFFERENCES`.
    frames, references
        The frames, and what each is compared with.
    region
        Bounds in arcsec, or a place to follow; None for the full disk.
    channel
        Wavelength in angstrom.
    scale
        For all of them alike.
    written
        What stands in each panel, in words.
    """

    kind: str
    frames: Sequence[Frame]
    references: Sequence[Frame]
    region: Region | None
    channel: int
    scale: Diverging = UNSCALED
    written: str = "time (UTC) and time since the reference"

    def picture(self, number: int) -> Picture:
        """What has changed, in DN/s or as a ratio, with its standard deviation."""
        earlier, later = self._read(self.references[number]), self._read(self.frames[number])
        if later.data.shape != earlier.data.shape:
            raise FrameError(
                f"the region has {later.data.shape} pixels in {self.frames[number].path} and {earlier.data.shape} in "
                f"{self.references[number].path}: frames cannot be compared"
            )
        values, sigma = compare(self.kind, later.data, earlier.data, later.uncertainty, earlier.uncertainty)
        if self.kind == "ratio":
            clear = earlier.data > SURE * np.asarray(earlier.uncertainty)
            values = np.where(clear, values, np.float32(np.nan))
        saturated = later.saturated | earlier.saturated
        return Picture(values, later.extent, later.origin, saturated, later.header, sigma)

    @cached_property
    def _read(self) -> Callable[[Frame], Picture]:
        """Reads a frame's region with its noise; the last two are kept, as references are read once more."""
        return lru_cache(maxsize=2)(self._with_noise)

    def _with_noise(self, frame: Frame) -> Picture:
        picture = read_picture(frame.path, self.region, uncertainty=True)
        if picture.uncertainty is not None:
            return picture
        coding = Coding.of(picture, picture.data, 1, self.channel, frame.EXPTIME)
        return replace(picture, uncertainty=coding.noise(picture.data))

    def beside(self, number: int, *, short: bool) -> str:
        """How long after the reference the frame was taken, or which that is."""
        frame, reference = self.frames[number], self.references[number]
        if short:
            return f"Δt {_span(frame.time - reference.time)}"
        when = clock(reference.time)
        if day(frame.time) != day(reference.time):
            when = f"{day(reference.time)} {when}"
        return f"{'over' if self.kind == 'ratio' else 'minus'} the frame of {when}"


def changes(
    kind: str, frames: Sequence[Frame], *, channel: int, region: Region | None, options: FigureOptions
) -> Changes:
    """Pair the frames of a sequence, and choose a scale for all pairs, in one pass over them.

    Raises
    ------
    FrameError
        If no frame has a reference, or no pixel of a pair was measured in both.
    """
    base = None if options.base is None else read_time(options.base)
    found = pairs(np.array([frame.time for frame in frames]), kind, lag=_lag(options), base=base)
    if not found:
        raise FrameError(
            f"a {DIFFERENCES[kind]} takes two frames{', the lag apart' if options.lag else ''}, and {frames[0].record} "
            f"has no other of {len(frames)} to be compared with; leave {kind} out of figure.difference"
        )
    later, earlier = ([frames[pair[place]] for pair in found] for place in (0, 1))
    drawn = Changes(kind, later, earlier, region, channel)
    sizes, noises, counter = Histogram(), Histogram(), Counter("compared", len(later))
    for number in range(len(later)):
        picture = drawn.picture(number)
        values, sigma = picture.data, np.asarray(picture.uncertainty)
        if kind == "ratio":
            # The logarithm of what is lost in noise says nothing of the scale that is wanted.
            clear = np.where(values > SURE * sigma, values, np.float32(np.nan))
            values, sigma = np.log(clear), sigma / clear
        sizes.add(np.abs(values))
        noises.add(np.where(np.isnan(values), np.float32(np.nan), sigma))
        counter.step()
    scale = Diverging.of(sizes.percentile(PERCENT), noises.percentile(50), ratio=kind == "ratio")
    return replace(drawn, scale=scale)


def plot_difference(
    frames: Sequence[Frame],
    points: Sequence[Point],
    statistics: Statistics,
    paths: Sequence[Path],
    movie: Path,
    *,
    kind: str,
    title: str,
    channel: int,
    region: Region | None,
    options: FigureOptions,
) -> str:
    """Draw a difference of a sequence as figure and movie, and return the figure's caption.

    Parameters
    ----------
    frames, points, statistics
        The whole sequence, its light curve and size.
    paths
        Figures to be written, PNG or PDF by suffix.
    movie
        MP4 file to be written.
    kind
        Of `aia_sequence.config.figure.DIFFERENCES`.
    title
        Name of the event.
    channel
        Wavelength in angstrom.
    region
        Bounds in arcsec; None for the full disk.
    options
        See `FigureOptions`.
    """
    drawn = changes(kind, frames, channel=channel, region=region, options=options)
    heading = f"{title}   SDO/AIA {channel} Å{hasty(frames)}, {DIFFERENCES[kind]}"
    common: dict[str, Any] = {"heading": heading, "channel": channel, "region": region, "options": options}
    page = draw_page(drawn, points, statistics, paths, **common)
    render(drawn, points, movie, **common)
    text = _caption(drawn, page.shown, page.choice, title, options)
    return caption(text, synthetic=statistics.synthetic)


def _caption(drawn: Changes, shown: Sequence[int], choice: str, title: str, options: FigureOptions) -> str:
    """What the figure shows, how the scale was chosen, and what the noise is."""
    kind, scale = drawn.kind, drawn.scale
    when = covered(drawn.frames[shown[0]].time, drawn.frames[shown[-1]].time)
    reference = drawn.references[0]
    against = {
        "running": f"minus the one {_span(lag)} earlier" if (lag := _lag(options)) else "minus the one before it",
        "base": f"minus that of {day(reference.time)} {clock(reference.time)} UTC",
        "ratio": f"divided by that of {day(reference.time)} {clock(reference.time)} UTC",
    }[kind]
    known = bool(drawn.picture(shown[0]).header.get("UNCERTAI"))
    noise = f"{quantity(100 * scale.sigma)} %" if kind == "ratio" else f"{quantity(scale.sigma)} DN/s"
    ends = "the logarithms" if kind == "ratio" else "the absolute differences"
    text = (
        f"{title}: SDO/AIA {drawn.channel} Å{hasty(drawn.frames)}, {DIFFERENCES[kind]}: each frame {against}; "
        f"{choice}, {when}, of {place(drawn.region)}. Each panel states T_OBS "
        f"and the time since the reference. All panels share one scale: {scale.words}; its ends are percentile "
        f"{PERCENT:g} of {ends}, but at least {LEAST_RATIO if kind == 'ratio' else LEAST:g} sigma. One sigma of a "
        f"pixel is {noise} (median), "
        f"{'propagated from the frames’ uncertainties' if known else 'estimated from photon and read noise'}"
    )
    text += f"; a difference is linear on the scale up to {SOFT:g} sigma." if kind != "ratio" else (
        f"; grey is also where the base is below {SURE:g} sigma."
    )  # fmt: skip
    text += (
        f" Outlined in {scale.saturated(drawn.channel)[0]} is what is saturated, grey what is missing, in one of the "
        "two frames at least."
    )
    if not follows(drawn.region):
        text += " The region is fixed, and the Sun turns behind it: by up to 10 arcsec an hour."
    return f"{text} Below: mean brightness of the region in every frame; filled dots are the frames shown."


def _lag(options: FigureOptions) -> float | None:
    return None if options.lag is None else float(options.lag)


def _span(seconds: float) -> str:
    """A length of time for people: 12 s, 5 min, 2.5 h; whole seconds below ten minutes."""
    if abs(seconds) < 600:
        text = f"{seconds:.0f} s"
    else:
        text = f"{seconds / 60:.0f} min" if abs(seconds) < 36000 else f"{seconds / 3600:.1f} h"
    return text.replace("-", "\u2212")
