"""The peak of a flare in a light curve, and the times of its half rise and half decay where its background was seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aia_sequence.figures.gaps import gaps
from aia_sequence.lists.lightcurve import Point
from aia_sequence.times import read_time

# So many times must the peak of a flare exceed the scatter of the light curve.
CLEAR = 8.0
# A curve turns at its brightest point if it changes on both sides by this part of what it changes in all.
TURN = 0.01
# A level is flat if it changes by less than this part of what the flare adds to it.
FLAT = 0.05
# A background is seen for at least this part of the time from its end to the half time, and in so many frames: an
# exponential that still falls as fast as that differs from a flat one.
SEEN, FEWEST = 0.5, 4


@dataclass(frozen=True)
class Flare:
    """The brightest point of a light curve, and when it crosses half of its rise and half of its decay.

    As in the GOES flare list, both are halfway between the peak and the level before it; where that was not seen, the
    decay is halfway to the level after it.

    Attributes
    ----------
    peak
        Index of the brightest point.
    turns
        Whether the curve rises to it and falls after it. If not, the flare's own peak may lie outside of the sequence.
    before, after
        The flat levels before and after the flare, DN/s; None where the sequence holds none.
    rise, decay
        The half times, TAI seconds. None without a peak or a level, and for a crossing that lies outside of the
        sequence or in a gap, or that is less certain than the spacing of the frames.
    """

    peak: int
    turns: bool
    before: float | None = None
    after: float | None = None
    rise: float | None = None
    decay: float | None = None

    @property
    def unseen(self) -> str:
        """Say which half time cannot be marked because something was not observed; empty if both could be."""
        if not self.turns:
            return "No half rise and half decay are marked: the peak was not observed."
        if self.before is not None:
            return ""
        if self.after is not None:
            return "No half rise is marked: the background before the flare was not observed."
        return "No half rise and half decay are marked: the background of the flare was not observed."


@dataclass(frozen=True)
class _Level:
    """A flat level, and by how much it may be wrong, DN/s."""

    value: float
    error: float


def flare_of(points: Sequence[Point]) -> Flare | None:
    """Find the flare of a light curve as a table, see `find_flare`."""
    times = np.array([read_time(point.T_OBS) for point in points])
    mean = np.array([point.mean for point in points])
    return find_flare(times, mean, np.array([point.saturated > 0 for point in points]))


def find_flare(times: np.ndarray, mean: np.ndarray, limits: np.ndarray | None = None) -> Flare | None:
    """Find the brightest point of a light curve and its half-maximum times.

    A curve that changes by a fifth has a flare, also where it only rises or falls. A weaker one must have risen to the
    peak and fallen after it by `CLEAR` times its own scatter: a region that slowly turns into view has none.

    Parameters
    ----------
    times : numpy.ndarray
        Ascending times, TAI seconds.
    mean : numpy.ndarray
        Brightness in DN/s; NaN where unknown.
    limits : numpy.ndarray, optional
        True where the brightness is a lower limit, because pixels are saturated: below a level it tells nothing.

    Returns
    -------
    Flare or None
        None if no peak stands out.
    """
    known = np.flatnonzero(np.isfinite(mean))
    if known.size < 3:
        return None
    times, mean = times[known], mean[known]
    limits = np.zeros(known.size, bool) if limits is None else np.asarray(limits)[known]
    peak = int(np.argmax(mean))
    # A point against the middle of its neighbours: what is left of a smooth curve is its scatter, times sqrt(3/2).
    scatter = 1.48 * np.median(np.abs(mean[1:-1] - (mean[:-2] + mean[2:]) / 2)) / np.sqrt(1.5)
    risen, fallen = mean[peak] - mean[: peak + 1].min(), mean[peak] - mean[peak:].min()
    strong = max(risen, fallen) > 0.2 * abs(mean.min())
    if not (strong or min(risen, fallen) > max(CLEAR * scatter, 1e-3 * mean[peak])):
        return None
    if min(risen, fallen) <= max(CLEAR * scatter, TURN * max(risen, fallen)):
        return Flare(int(known[peak]), turns=False)
    seconds = times - times[peak]
    rising = seconds[: peak + 1], mean[: peak + 1], limits[: peak + 1]
    falling = -seconds[peak:][::-1], mean[peak:][::-1], limits[peak:][::-1]
    before, after = _background(*rising), _background(*falling)
    step = float(np.median(np.diff(seconds)))
    rise = _half_time(*rising, before, scatter, step)
    decay = _half_time(*falling, before or after, scatter, step)
    return Flare(
        int(known[peak]),
        turns=True,
        before=None if before is None else before.value,
        after=None if after is None else after.value,
        rise=None if rise is None else float(times[peak] + rise),
        decay=None if decay is None else float(times[peak] - decay),
    )


def _background(seconds: np.ndarray, mean: np.ndarray, limits: np.ndarray) -> _Level | None:
    """Find the flat level with which a curve begins that ends at its peak.

    A line is fitted to the first 4, 5, … frames. The level is that of the fit whose change over its frames, and the
    error of that change, are least, among those that are long enough.
    """
    low = (mean[-1] + mean[~limits].min(initial=mean[-1])) / 2
    high = np.flatnonzero((mean >= low) | limits)
    first = int(high[0])
    if first < FEWEST:
        return None
    half = seconds[np.flatnonzero(mean < low)[-1]]
    t, y = seconds[:first] - seconds[0], mean[:first] - mean[0]
    count = np.arange(1, first + 1)
    time, value, square, product, squares = (np.cumsum(item) for item in (t, y, t * t, t * y, y * y))
    spread, common = square - time**2 / count, product - time * value / count
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = common / spread
        noise = np.sqrt(np.maximum(squares - value**2 / count - slope * common, 0) / (count - 2))
    error = t * np.abs(slope) + noise * np.sqrt(12 / count)
    long = (count >= FEWEST) & (t >= SEEN * (half - seconds[:first]))
    if not long.any():
        return None
    best = int(np.flatnonzero(long)[np.argmin(error[long])])
    level = mean[0] + value[best] / count[best]
    height = mean[-1] - level
    flat = error[best] <= FLAT * height and CLEAR * noise[best] <= height
    return _Level(float(level), float(error[best])) if flat else None


def _half_time(
    seconds: np.ndarray, mean: np.ndarray, limits: np.ndarray, level: _Level | None, scatter: float, step: float
) -> float | None:
    """When a curve that ends at its peak last crosses the middle between a level and the peak, s.

    None without a level, where no crossing was seen, and where noise and the level's error leave it uncertain by more
    than the usual step between frames.
    """
    if level is None:
        return None
    height = mean[-1] - level.value
    around = (_crossing(seconds, mean, limits, level.value + part * height) for part in (0.35, 0.5, 0.65))
    early, time, late = around
    if early is None or time is None or late is None:
        return None
    slope = 0.3 * height / max(late - early, 1e-3)
    return time if level.error / 2 + 2 * scatter <= slope * step else None


def _crossing(seconds: np.ndarray, mean: np.ndarray, limits: np.ndarray, level: float) -> float | None:
    """When a curve last rises through a level, s; None if it does not, or does in a gap."""
    telling = ~limits | (mean >= level)
    seconds, mean = seconds[telling], mean[telling]
    below = np.flatnonzero(mean < level)
    if not below.size or below[-1] in gaps(seconds):
        return None
    last = below[-1]
    return float(np.interp(level, mean[last : last + 2], seconds[last : last + 2]))
