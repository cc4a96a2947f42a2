"""Blocks: stretches of an event window, cut at fixed clock times and held in slot numbers.

A series keeps one record per channel and slot. The archive finds the slot of a time by the nearest-slot rule, so two
neighbouring time ranges share a slot. Blocks are therefore ranges of slot numbers: they share no record and lose none,
and they are known from the configuration alone.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from aia_sequence.instrument import MISSION_START, Series
from aia_sequence.slots import slot_number, slot_time, window_slots
from aia_sequence.times import tai_seconds, utc_of


@dataclass(frozen=True)
class Block:
    """A stretch of an event window in one series: slots `first` to `last`, both included.

    `label` is the clock time (UTC) at which the block is cut, whether or not the window begins later.
    """

    label: str
    series: Series
    first: int
    last: int

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


def blocks(start: float, end: float, length: timedelta, series: Series) -> list[Block]:
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

    Returns
    -------
    list of Block
        Ascending; their slot ranges partition the window's.
    """
    slots = window_slots(series, start, end)
    # Cuts become slots by the same nearest-slot rule as the window's ends, so no slot falls between two blocks.
    cut = MISSION_START + math.floor((utc_of(start) - MISSION_START) / length) * length
    found = []
    while (low := max(slots.start, slot_number(series, tai_seconds(cut)))) < slots.stop:
        high = min(slots.stop, slot_number(series, tai_seconds(cut + length))) - 1
        if low <= high:
            found.append(Block(f"{cut:%Y%m%dT%H%M}", series, low, high))
        cut += length
    return found
