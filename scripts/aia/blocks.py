"""Blocks: stretches of an event window, cut at fixed clock times and held in slot numbers.

A series keeps one record per channel and slot. The archive finds the slot of a time by the nearest-slot rule, so two
neighbouring time ranges share a slot. Blocks are therefore ranges of slot numbers: they share no record and lose none,
and they are known from the configuration alone.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import erfa

from aia.errors import ConfigError

TAI_EPOCH = datetime(1977, 1, 1)  # slot 0 begins here, in TAI; the 1993 epoch of the archive gives the same grid
MISSION_START = datetime(2010, 5, 13, tzinfo=UTC)  # first day of regular AIA level-1 data
LABEL = "%Y%m%dT%H%M"
LENGTH = re.compile(r"(\d+)\s*(m|min|h|d)")
MINUTES = {"m": 1, "min": 1, "h": 60, "d": 1440}


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


@lru_cache(maxsize=1)
def _leap_steps() -> list[tuple[datetime, int]]:
    """TAI-UTC in seconds from each date on, from the table that comes with ERFA."""
    return [
        (datetime(int(row["year"]), int(row["month"]), 1), round(float(row["tai_utc"])))
        for row in erfa.leap_seconds.get()
        if row["year"] >= 1977
    ]


def tai_seconds(utc: datetime) -> float:
    """TAI seconds since 1977-01-01T00:00:00 TAI, the archive's own time, of a UTC time (aware, or naive in UTC)."""
    if utc.tzinfo is not None:
        utc = utc.astimezone(UTC).replace(tzinfo=None)
    offset = max((step for step in _leap_steps() if step[0] <= utc), default=_leap_steps()[0])[1]
    return (utc - TAI_EPOCH).total_seconds() + offset


def utc_of(tai: float) -> datetime:
    """UTC (aware) of TAI seconds since 1977; within a leap second, the second before it."""
    naive = TAI_EPOCH + timedelta(seconds=tai)
    for date, offset in reversed(_leap_steps()):
        if naive - timedelta(seconds=offset) >= date:
            return (naive - timedelta(seconds=offset)).replace(tzinfo=UTC)
        if naive - timedelta(seconds=offset - 1) >= date:
            return (date - timedelta(seconds=1)).replace(tzinfo=UTC)
    raise ValueError(f"TAI second {tai} lies before the first leap second of the table")


def slot_number(series: Series, utc: datetime) -> int:
    """Slot of a time by the archive's query rule: the nearest one, ties going up."""
    return math.floor((tai_seconds(utc) + series.step / 2) / series.step)


def slot_time(series: Series, slot: int) -> str:
    """T_REC of a slot, as the archive prints it (ISO 8601, UTC, whole seconds, with Z)."""
    return iso(utc_of(slot * series.step))


def iso(utc: datetime) -> str:
    """A time as the archive prints T_REC: ISO 8601, UTC, whole seconds, with Z."""
    return utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
        return iso(datetime.strptime(self.label, LABEL).replace(tzinfo=UTC))

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
        If the text is not a whole number of minutes, hours or days, or lies outside 1 minute to 1 day.
    """
    found = LENGTH.fullmatch(str(text).strip())
    minutes = int(found[1]) * MINUTES[found[2]] if found else 0
    if not 1 <= minutes <= 1440:
        raise ConfigError(f"block: {text!r} is not a block length; allowed are 1m to 1d, such as 30m, 1h, 6h")
    return timedelta(minutes=minutes)


def blocks(start: datetime, end: datetime, length: timedelta, series: Series) -> list[Block]:
    """Cut a window into blocks.

    The window holds the slots that the archive returns for `[start-end]`: the nearest slot of either end, and all
    between. Cuts are multiples of `length` since 2010-05-13T00:00 UTC, so they depend on no event: for a length that
    divides a day they are the same clock times every day. A block in which the series has no slot does not exist.

    Parameters
    ----------
    start, end
        The window (aware datetimes), `start` not after `end`.
    length
        Length of a block, see `block_length`.
    series
        The series whose slots are counted.

    Returns
    -------
    list of Block
        Ascending; their slot ranges partition the window's.
    """
    first, last = slot_number(series, start), slot_number(series, end)
    # Cuts become slots by the same nearest-slot rule as the window's ends, so no slot falls between two blocks.
    cut = MISSION_START + math.floor((start - MISSION_START) / length) * length
    found = []
    while (low := max(first, slot_number(series, cut))) <= last:
        high = min(last, slot_number(series, cut + length) - 1)
        if low <= high:
            found.append(Block(cut.strftime(LABEL), series, low, high))
        cut += length
    return found
