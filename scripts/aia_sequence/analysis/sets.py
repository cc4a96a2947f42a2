"""Co-temporal sets: what the channels of an event show at the same time, one set a time step.

The first channel's frames are the steps. Where it has none, the frames of the next channel are, and so on, so that
every frame is as near to a step as sets allow. At each step a channel has the frame that is nearest in time, or none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aia_sequence.errors import AIAError
from aia_sequence.figures.sequence import Frame
from aia_sequence.lists import ecsv
from aia_sequence.lists.table import TIME, Column
from aia_sequence.times import iso

WITHIN = 12.0  # s, a step of the EUV channels
REMARK = (
    "One row a time step. Step is T_OBS (middle of the exposure, UTC) of the first channel that has a frame there; of "
    "each channel the nearest frame follows, how much later it is than the step, and its record, by which cubes name "
    "their frames too; a channel that has none within {within:g} s has empty cells. Channels counts the others."
)


@dataclass(frozen=True)
class Set:
    """Frames of several channels at about one time.

    Attributes
    ----------
    time
        Of the step, TAI seconds: T_OBS of the first channel's frame, or, where it has none, of the next channel's.
    frames
        One of each channel that has one near enough, by wavelength in angstrom.
    offsets
        Of each of these, how much later (s, of T_OBS) its frame is than the step.
    """

    time: float
    frames: Mapping[int, Frame]
    offsets: Mapping[int, float]

    @property
    def largest_offset(self) -> float:
        """Largest distance in time (s) of a frame from the step."""
        return max(map(abs, self.offsets.values()))


def co_temporal(channels: Mapping[int, Sequence[Frame]], within: float = WITHIN) -> list[Set]:
    """Sets of frames, one a time step; a channel without a frame as near as allowed is not in a set.

    Parameters
    ----------
    channels
        Frames of each channel, ascending in time.
    within
        Largest distance in time (s) of a frame from its step.

    Returns
    -------
    list of Set
        Ascending in time. A frame may be in two sets where its channel has fewer frames than the first.
    """
    if not within >= 0:
        raise AIAError(f"within: {within!r} is no distance in time; write seconds, such as {WITHIN:g}")
    times = {channel: np.array([frame.time for frame in frames]) for channel, frames in channels.items()}
    steps = np.empty(0)
    for own in times.values():
        steps = np.sort(np.concatenate([steps, own[_distances(steps, own) > within]]))
    found = []
    nearest = {channel: _nearest(own, steps) for channel, own in times.items()}
    for number, step in enumerate(steps):
        frames, offsets = {}, {}
        for channel, places in nearest.items():
            if len(places) and abs(offset := round(times[channel][places[number]] - step, 3)) <= within:
                frames[channel], offsets[channel] = channels[channel][places[number]], offset
        found.append(Set(float(step), frames, offsets))
    return found


def _nearest(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Places of the ascending times that are nearest to each wanted one, to the millisecond the earlier of two."""
    if not len(times):
        return np.empty(0, int)
    after = np.searchsorted(times, wanted)
    before, after = np.maximum(after - 1, 0), np.minimum(after, len(times) - 1)
    later, earlier = (np.round(abs(times[place] - wanted), 3) for place in (after, before))
    return np.where(earlier <= later, before, after)


def _distances(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How far (s) the nearest of ascending times is from each of those wanted; infinity where there is no time."""
    return np.round(abs(times[_nearest(times, wanted)] - wanted), 3) if len(times) else np.full(len(wanted), np.inf)


def write(path: str | Path, channels: Mapping[int, Sequence[Frame]], within: float = WITHIN) -> None:
    """Write the sets as a table with units (ECSV), one row a time step, empty cells where a channel has no frame.

    Parameters
    ----------
    path
        The file.
    channels, within
        See `co_temporal`.
    """
    columns = [Column("step", str, TIME), Column("channels", int), Column("largest_offset", float, "s")]
    for channel in channels:
        columns += [
            Column(f"T_OBS_{channel}", str, TIME), Column(f"offset_{channel}", float, "s"), Column(f"record_{channel}"),
        ]  # fmt: skip
    rows = []
    for one in co_temporal(channels, within):
        row = [iso(one.time, 2), len(one.frames), one.largest_offset]
        for channel in channels:
            frame = one.frames.get(channel)
            row += [frame.T_OBS, one.offsets[channel], frame.record] if frame else [None] * 3
        rows.append(row)
    ecsv.write(path, columns, rows, REMARK.format(within=within))
