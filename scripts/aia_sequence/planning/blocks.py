"""Blocks: stretches of an event window, cut at fixed clock times and held in slot numbers.

A series keeps one record per channel and slot. The archive finds the slot of a time by the nearest-slot rule, so two
neighbouring time ranges share a slot. Blocks are therefore ranges of slot numbers: they share no record and lose none,
and they are known from the configuration alone.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from aia_sequence.instrument import MISSION_START, Series
from aia_sequence.slots import Steps, slot_number, slot_time, window_slots
from aia_sequence.times import tai_seconds, utc_of


@dataclass(frozen=True)
class Block:
    """A stretch of an event window in one series: slots `first` to `last`, both included.

    `label` is the clock time (UTC) at which the block is cut, whether or not the window begins later. With `steps`, it
    consists of whole ones, as far as the window reaches, and one frame of each is wanted.
    """

    label: str
    series: Series
    first: int
    last: int
    steps: Steps | None = None

    def frames(self, channel: int) -> int:
        """How many frames there can be of a channel: one for each slot, or step; without slots by its cadence."""
        if self.steps is None:
            return math.ceil((self.last - self.first + 1) * self.series.step / self.series.cadence(channel))
        return (self.steps.middle(self.last) - self.steps.middle(self.first)) // self.steps.length + 1

    @property
    def cut(self) -> str:
        """The clock time of the label (ISO, UTC)."""
        day, clock = self.label.split("T")
        return f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:]}:00Z"

    @property
    def start(self) -> str:
        """T_REC of the first slot (ISO, UTC)."""
        return slot_time(self.series, self.first)

    @property
    def end(self) -> str:
        """T_REC of the last slot (ISO, UTC); the range `[start-end]` of a record set includes it."""
        return slot_time(self.series, self.last)


def blocks(start: float, end: float, length: timedelta, series: Series, stride: int = 1) -> list[Block]:
    """Cut a window into blocks.

    Cuts are multiples of `length` since 2010-05-13T00:00 UTC, so they depend on no event: for a length that divides a
    day they are the same clock times every day. A block in which the series has no slot does not exist.

    Parameters
    ----------
    start, end
        The window (TAI seconds), `start` not after `end`; its slots are those of `window_slots`.
    length
        Length of a block, see `block_length`.
    series
        The series whose slots are counted.
    stride
        Slots from one wanted frame to the next; the window's first slot is the middle of the first step, and a step
        belongs to the block in which its middle lies.

    Returns
    -------
    list of Block
        Ascending; their slot ranges partition the window's, as far as it has steps.
    """
    slots = window_slots(series, start, end)
    steps = Steps(stride, slots.start % stride) if stride > 1 else None
    # Cuts become slots by the same nearest-slot rule as the window's ends, so no slot falls between two blocks.
    cut = MISSION_START + math.floor((utc_of(start) - MISSION_START) / length) * length
    found = []
    while (low := max(slots.start, slot_number(series, tai_seconds(cut)))) < slots.stop:
        high = min(slots.stop, slot_number(series, tai_seconds(cut + length))) - 1
        if steps:  # from the first slot of the first middle's step to the last slot of the last one's
            low += (steps.phase - low) % stride
            high -= (high - steps.phase) % stride
        if low <= high:
            if steps:
                low, high = max(slots.start, low - stride // 2), min(slots.stop, high - stride // 2 + stride) - 1
            found.append(Block(f"{cut:%Y%m%dT%H%M}", series, low, high, steps))
        cut += length
    return found
