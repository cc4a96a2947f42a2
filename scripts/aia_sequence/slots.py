"""Slots: the numbers that a series counts its records by, one for each step of its cadence."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from aia_sequence.instrument import Series
from aia_sequence.times import iso

MARGIN_S = 30  # a slot further outside a window is not one of the window


@dataclass(frozen=True)
class Steps:
    """Steps of several slots each, of which one record is wanted.

    A step is its middle slot and the slots that are nearer to it than to another one, of two equally near ones the
    later step's.

    Attributes
    ----------
    length
        Slots from one step to the next.
    phase
        Remainder of every middle slot divided by `length`.
    """

    length: int
    phase: int

    def middle(self, slot: int) -> int:
        """The middle slot of the step that a slot lies in."""
        return slot - (slot - self.phase + self.length // 2) % self.length + self.length // 2

    def nearest(self, slots: Iterable[int]) -> dict[int, int]:
        """Of each step that some slots lie in, the one that is nearest to its middle, the earlier of two.

        Returns
        -------
        dict of int to int
            From middle slots to the slots that are taken, ascending.
        """
        found: dict[int, int] = {}
        for slot in sorted(slots):
            middle = self.middle(slot)
            if middle not in found or abs(slot - middle) < abs(found[middle] - middle):
                found[middle] = slot
        return found


def slot_number(series: Series, tai: float) -> int:
    """Slot of a time (TAI seconds) by the archive's query rule: the nearest one, ties going up."""
    return math.floor((tai + series.step / 2) / series.step)


def slot_time(series: Series, slot: int) -> str:
    """T_REC of a slot, as the archive prints it (ISO 8601, UTC, whole seconds, with Z)."""
    return iso(slot * series.step)


def window_slots(series: Series, start: float, end: float) -> range:
    """Slots of a window: those that the archive returns for `[start-end]`, none further than `MARGIN_S` outside.

    The archive takes the nearest slot of either end. At cadences of 12 and 24 s that is seconds outside, at one of an
    hour up to half an hour.

    Parameters
    ----------
    series
        The series whose slots are counted.
    start, end
        The window (TAI seconds), `start` not after `end`.
    """
    first, last = slot_number(series, start), slot_number(series, end)
    first += start - first * series.step > MARGIN_S
    last -= last * series.step - end > MARGIN_S
    return range(first, last + 1)


def no_slot(series: Series, start: float, end: float) -> str:
    """Say that a window (TAI seconds) holds no slot of a series, and what to write; empty if it holds one."""
    if window_slots(series, start, end):
        return ""
    before, after = (
        slot_time(series, slot) for slot in (math.floor(start / series.step), math.ceil(end / series.step))
    )
    return (
        f"{series.name} has no slot in the window, one every {series.step} s; the nearest are {before} and {after}. "
        f"Write start: {before} or end: {after}, or leave the channel out"
    )
