"""Co-temporal sets: for each frame of one channel the nearest in time of all others."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aia_sequence.figures.sequence import Frame

WITHIN = 12.0  # s, a step of the EUV channels


@dataclass(frozen=True)
class Set:
    """Frames of several channels at about one time.

    Attributes
    ----------
    frames
        One of each channel, by wavelength in angstrom.
    offsets
        Of each channel, how much later (s, of T_OBS) its frame is than that of the first channel.
    """

    frames: Mapping[int, Frame]
    offsets: Mapping[int, float]

    @property
    def time(self) -> float:
        """T_OBS of the first channel's frame, TAI seconds."""
        return next(iter(self.frames.values())).time

    @property
    def largest_offset(self) -> float:
        """Largest distance in time (s) of a frame from the first channel's."""
        return max(map(abs, self.offsets.values()))


def co_temporal(channels: Mapping[int, Sequence[Frame]], within: float = WITHIN) -> list[Set]:
    """Sets of frames.

    Parameters
    ----------
    channels
        Frames of each channel, ascending in time; the first channel's give the times.
    within
        Largest distance in time (s). Where a channel has no frame as near as that, there is no set.

    Returns
    -------
    list of Set
        Ascending in time. A frame may be in two sets where its channel has fewer frames than the first.
    """
    if not channels:
        return []
    (_, leading), *_ = channels.items()
    times = {channel: [frame.time for frame in frames] for channel, frames in channels.items()}
    found = []
    for frame in leading:
        nearest = {channel: _nearest(times[channel], frame.time) for channel in channels}
        frames = {channel: channels[channel][place] for channel, place in nearest.items() if place is not None}
        if len(frames) < len(channels):
            continue
        offsets = {channel: round(one.time - frame.time, 3) for channel, one in frames.items()}
        if max(map(abs, offsets.values())) <= within:
            found.append(Set(frames, offsets))
    return found


def _nearest(times: Sequence[float], time: float) -> int | None:
    """Place of the time that is nearest; the earlier of two."""
    place = bisect_left(times, time)
    around = [n for n in (place - 1, place) if 0 <= n < len(times)]
    return min(around, key=lambda n: abs(times[n] - time), default=None)
