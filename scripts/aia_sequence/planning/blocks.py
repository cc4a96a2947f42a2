"""Blocks: stretches of an event window, cut at fixed clock times and held in slot numbers.

A series keeps one record per channel and slot. The archive finds the slot of a time by the nearest-slot rule, so two
neighbouring time ranges share a slot. Blocks are therefore ranges of slot numbers: they share no record and lose none,
and they are known from the configuration alone.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aia_sequence.errors import ConfigError
from aia_sequence.times import duration, iso, tai_seconds, utc_of

MISSION_START = datetime(2010, 5, 13, tzinfo=UTC)  # first day of regular AIA level-1 data
MARGIN_S = 30  # a slot further outside a window is not one of the window


@dataclass(frozen=True)
class Series:
    """A level-1 series of the archive.

    Attributes
    ----------
    name
        Series name as the archive spells it.
    step
        Slot length (cadence) in seconds.
    channels
        Channels (wavelengths in angstrom) of the series, ascending.
    """

    name: str
    step: int
    channels: tuple[int, ...]


SERIES = {
    series.name: series
    for series in (
        Series("aia.lev1_euv_12s", 12, (94, 131, 171, 193, 211, 304, 335)),
        Series("aia.lev1_uv_24s", 24, (1600, 1700)),
        Series("aia.lev1_vis_1h", 3600, (4500,)),
    )
}
EUV = SERIES["aia.lev1_euv_12s"]
CHANNELS = {channel: series for series in SERIES.values() for channel in series.channels}


def series_of(channel: int) -> Series:
    """Return the series that holds a channel (wavelength in angstrom).

    Raises
    ------
    ConfigError
        If AIA has no such channel.
    """
    try:
        return CHANNELS[int(channel)]
    except (KeyError, ValueError, TypeError):
        allowed = ", ".join(map(str, CHANNELS))
        raise ConfigError(f"{channel!r} is not an AIA channel; allowed are {allowed}") from None


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


def block_length(text: str) -> timedelta:
    """Length of a block from text such as `1h`, `30m` or `1d`.

    Raises
    ------
    ConfigError
        If the text is not a whole number of minutes, or lies outside 1 minute to 1 day.
    """
    wrong = ConfigError(f"block: {text!r} is not a block length; allowed are 1m to 1d, such as 30m, 1h, 6h")
    try:
        length = duration(text)
    except ValueError:
        raise wrong from None
    if length % timedelta(minutes=1) or not timedelta(minutes=1) <= length <= timedelta(days=1):
        raise wrong
    return length


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
