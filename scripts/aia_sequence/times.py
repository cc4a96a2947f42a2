"""Times as the archive keeps them, and lengths of time: their one reader and their one printer.

The archive counts seconds of TAI and prints UTC, in which a leap second is 23:59:60. The times of Python, numpy and
pandas have no such second, and are never made of the archive's text: here a time is its TAI seconds since 1977, which
are compared and subtracted, and `iso` makes text of them again.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import erfa

TAI_EPOCH = datetime(1977, 1, 1)  # TAI; the 1993 epoch of the archive gives the same slots
TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})([T ](?P<hour>\d{2}):(?P<minute>\d{2})(:(?P<second>\d{2})(\.(?P<fraction>\d+))?)?"
    r"(?P<zone>Z|[+-]\d{2}(:?\d{2})?)?)?",
    re.ASCII,
)
DURATION = re.compile(r"(\d{1,8})\s*(s|m|min|h|d)?", re.ASCII)
BEFORE = 15  # TAI-UTC (s) before 1977, of which no series tells
STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200]
STEPS += [86400 * days for days in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)]
SECONDS = {None: 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


@lru_cache(maxsize=1)
def leap_steps() -> list[tuple[int, int]]:
    """TAI second since 1977 from which each value of TAI-UTC holds, and the value (s), from the table of ERFA."""
    found = []
    for row in erfa.leap_seconds.get():
        if row["year"] >= TAI_EPOCH.year:
            offset = round(float(row["tai_utc"]))
            day = datetime(int(row["year"]), int(row["month"]), 1)
            found.append((round((day - TAI_EPOCH).total_seconds()) + offset, offset))
    return found


def tai_seconds(utc: datetime) -> float:
    """TAI seconds since 1977-01-01T00:00:00 TAI of a UTC time (aware, or naive in UTC)."""
    if utc.tzinfo is not None:
        utc = utc.astimezone(UTC).replace(tzinfo=None)
    seconds = (utc - TAI_EPOCH).total_seconds()
    return seconds + next((offset for begin, offset in reversed(leap_steps()) if seconds + offset >= begin), BEFORE)


def utc_of(tai: float) -> datetime:
    """UTC (aware) of TAI seconds since 1977, for calendars; within a leap second, the second before it."""
    return (TAI_EPOCH + timedelta(seconds=tai - _offset(tai)[0])).replace(tzinfo=UTC)


def read_time(text: str) -> float:
    """Read a time of the archive, of a FITS header or of a person.

    Parameters
    ----------
    text
        ISO 8601 with dashes and colons, such as `2016-12-31T23:59:60.34Z`: a date alone is its midnight, a time
        without a zone is UTC.

    Returns
    -------
    float
        TAI seconds since 1977-01-01T00:00:00 TAI.

    Raises
    ------
    ValueError
        If it is no time, or names a leap second where there was none.
    """
    found = TIME.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a time; write it as 2021-07-03T14:25:00Z (UTC)")
    year, month, day = map(int, found["day"].split("-"))
    second = int(found["second"] or 0)
    leap = second == 60
    try:
        utc = datetime(year, month, day, int(found["hour"] or 0), int(found["minute"] or 0), second - leap)
        tai = tai_seconds(utc - _zone(found["zone"])) + leap
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time: there is no such day, clock time or zone") from None
    if leap and not _offset(tai)[1]:
        raise ValueError(f"{text!r} is not a time: no leap second was added there")
    return tai + float(f"0.{found['fraction'] or 0}")


def iso(tai: float, decimals: int = 0) -> str:
    """Write TAI seconds since 1977 as the archive does: ISO 8601, UTC, rounded to decimals of a second, with Z."""
    whole, part = divmod(round(tai * 10**decimals), 10**decimals)
    offset, leap = _offset(whole)
    utc = TAI_EPOCH + timedelta(seconds=whole - offset)
    fraction = f".{part:0{decimals}d}" if decimals else ""
    return f"{utc.isoformat(timespec='minutes')}:{utc.second + leap:02d}{fraction}Z"  # %Y has no leading zeros on Linux


def day(tai: float) -> str:
    """The UTC day of a time, as `2016-12-31`."""
    return iso(tai)[:10]


def clock(tai: float) -> str:
    """The UTC clock time of a time, rounded to seconds, as `23:59:60`."""
    return iso(tai)[11:19]


def covered(first: float, last: float) -> str:
    """What time frames cover, in words: from the first one (TAI seconds) to the last one, or that of the only one."""
    begin, end = (f"{day(tai)} {clock(tai)}" for tai in (first, last))
    if begin == end:
        return f"at {begin} UTC"
    return f"from {begin} to {end[11:] if end[:10] == begin[:10] else end} UTC"


def clock_ticks(first: float, last: float, most: int) -> tuple[list[float], int]:
    """Times of day with which to label an axis of TAI seconds, and how far (s of UTC) they are apart.

    At most `most`, at whole multiples of a second, minute, hour or day of UTC; a leap second makes one distance longer.
    """
    step = next((step for step in STEPS if (last - first) / step < most), STEPS[-1])
    found = []
    utc = TAI_EPOCH + (utc_of(first).replace(tzinfo=None) - TAI_EPOCH) // timedelta(seconds=step) * timedelta(
        seconds=step
    )
    while (tai := tai_seconds(utc)) <= last:
        if tai >= first:
            found.append(tai)
        utc += timedelta(seconds=step)
    return found, step


def duration(text: str | int) -> timedelta:
    """Length of time of `90s`, `5m`, `1h`, `1d` or a number of seconds.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    found = DURATION.fullmatch(str(text).strip())
    if not found:
        raise ValueError(f"{text!r} is not a length of time; write 90s, 5m, 1h or 1d")
    return timedelta(seconds=int(found[1]) * SECONDS[found[2]])


def _offset(tai: float) -> tuple[int, bool]:
    """TAI-UTC (s) at TAI seconds since 1977, and whether they lie in a leap second, which repeats the one before."""
    for begin, offset in reversed(leap_steps()):
        if tai >= begin - 1:
            return offset, tai < begin
    return BEFORE, False


def _zone(text: str | None) -> timedelta:
    """How far a zone such as `+01:00` lies east of UTC."""
    if text in (None, "Z"):
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > 14 or minutes > 59:
        raise ValueError(text)
    return (-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes)
