"""Times as DRMS keeps and writes them: TAI seconds since 1977-01-01T00:00:00 TAI, and the many texts for them.

A time text is a date, a clock and a zone: ``2021.07.03_14:25:37_TAI``, ``2021-07-03T14:25:00Z``, ``20210703``,
``2021.184``, ``2021.Jul.3``, ``JD_2459399.5``. Without a zone a calendar date is UTC and a Julian date is TDT, as in
the archive's own reader.
"""

import re
from datetime import date

UNIX_TO_TAI = 37 - 220924800  # seconds, since the last leap second
MISSING = -211087684832.184  # Julian day zero: the archive's missing time

_DAY = 86400
_EPOCH = date(1977, 1, 1).toordinal()
_EPOCH_JULIAN_DAY = 2443144.5
_LAST_DAY = date(9999, 12, 30).toordinal()

# First UTC day of each value of TAI - UTC, which starts with 10 s.
_LEAP_DAYS = """
    1972-01-01 1972-07-01 1973-01-01 1974-01-01 1975-01-01 1976-01-01 1977-01-01 1978-01-01 1979-01-01 1980-01-01
    1981-07-01 1982-07-01 1983-07-01 1985-07-01 1988-01-01 1990-01-01 1991-01-01 1992-07-01 1993-07-01 1994-07-01
    1996-01-01 1997-07-01 1999-01-01 2006-01-01 2009-01-01 2012-07-01 2015-07-01 2017-01-01
"""
_LEAP_SECONDS = [(date.fromisoformat(day).toordinal(), 10 + i) for i, day in enumerate(_LEAP_DAYS.split())][::-1]

_MONTH_NAMES = """
    january february march april may june july august september october november december
    i ii iii iv v vi vii viii ix x xi xii
"""
_MONTHS = {name: i % 12 + 1 for i, name in enumerate(_MONTH_NAMES.split())}
_MONTHS |= {name[:3]: i for i, name in enumerate(_MONTH_NAMES.split()[:12], start=1)} | {"sept": 9}

# Hours east of Greenwich: civil zones, then the military letters (J is not one).
_ZONE_HOURS = dict.fromkeys(("UTC", "UT", "GMT", "Z", "WET"), 0)
_ZONE_HOURS |= {"HST": -10, "AKST": -9, "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5}
_ZONE_HOURS |= {"EDT": -4, "AST": -4, "BST": 1, "CET": 1, "MET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9}
_ZONE_HOURS |= {letter: hour for hour, letter in enumerate("ABCDEFGHIKLM", start=1)}
_ZONE_HOURS |= {letter: -hour for hour, letter in enumerate("NOPQRSTUVWXY", start=1)}
# Seconds to subtract from a clock that runs beside TAI.
_ATOMIC = {"TAI": 0.0, "TDT": 32.184, "TT": 32.184, "GPS": -19.0}

_ISO = r"(?P<year>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?(?!\d)"
_DAY_OF_MONTH = r"(?P<month>\d{1,2}(?!\d)|[A-Za-z]+)(?:\.(?P<day>\d{1,2})(?!\d)(?P<fraction>\.\d+)?)?"
_DOTTED = rf"(?P<year>\d{{4}})\.(?:(?P<ordinal>\d{{3}})(?!\d)|{_DAY_OF_MONTH})"
_COMPACT = r"(?P<year>\d{4})(?:(?P<ordinal>\d{3})|(?P<month>\d{2})(?P<day>\d{2}))?(?!\d)"
_CLOCK = r"(?:[_T ](?P<hour>\d{1,2})(?!\d)(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}(?:\.\d*)?))?)?)?"
_ZONE = (
    r"(?:_(?P<zone>[A-Z]{1,4})(?![A-Z])|(?P<letter>[A-IK-Z])(?![A-Z0-9])|(?P<offset>[+-](?:0\d|1[0-4])[0-5]\d)(?!\d))?"
)
_CALENDAR = [re.compile(form + _CLOCK + _ZONE, re.I | re.A) for form in (_ISO, _DOTTED, _COMPACT)]
_JULIAN = re.compile(r"(?P<kind>M?JD)_(?P<value>\d+(?:\.\d*)?)(?:_(?P<zone>[A-Z]{1,4})(?![A-Z]))?", re.I | re.A)


def read_time(text, position=0):
    """Read the time that starts at a position of a text.

    Returns
    -------
    tuple of (float, int, bool, bool)
        TAI seconds since 1977, the position behind the time, whether the date was written with dashes, and whether a
        zone stood there: the real reader misunderstands dashed dates in lists, and without a zone in ranges.

    Raises
    ------
    ValueError
        If no time starts there, or it names a day, clock or zone that does not exist.
    """
    if match := _JULIAN.match(text, position):
        days = float(match["value"]) + (2400000.5 if match["kind"].upper() == "MJD" else 0.0) - _EPOCH_JULIAN_DAY
        return _apply_zone(days * _DAY, match["zone"] or "TDT"), match.end(), False, match["zone"] is not None
    for form in _CALENDAR:
        if match := form.match(text, position):
            part = match.groupdict()
            zone = part["zone"] or part["letter"] or part["offset"]
            # A leap second, 23:59:60, belongs to the day that it ends.
            leap = 1 if float(part["second"] or 0) >= 60 else 0
            tai = _apply_zone(_clock_seconds(part) - leap, zone or "UTC") + leap
            return tai, match.end(), form is _CALENDAR[0], zone is not None
    raise ValueError(f"no time at '{text[position : position + 30]}'")


def parse_time(text):
    """TAI seconds since 1977 of a text that is one time and nothing else; ValueError otherwise."""
    text = text.strip()
    seconds, end, *_ = read_time(text)
    if end != len(text):
        raise ValueError(f"'{text}' is not a time")
    return seconds


def _clock_seconds(part):
    """Seconds since 1977 of the parts of a calendar time, as its own clock shows it."""
    year = int(part["year"])
    if part.get("ordinal"):
        day = date(year, 1, 1).toordinal() + int(part["ordinal"]) - 1
        if date.fromordinal(day).year != year:
            raise ValueError(f"{year} has no day {part['ordinal']}")
    else:
        day = date(year, _month(part["month"]), int(part["day"] or 1)).toordinal()
    hour, minute, second = int(part["hour"] or 0), int(part["minute"] or 0), float(part["second"] or 0)
    if hour > 24 or minute > 59 or second >= 61 or day > _LAST_DAY:
        raise ValueError(f"no such clock time: {part['hour']}:{part['minute']}:{part['second']}")
    return (day - _EPOCH + float(part.get("fraction") or 0)) * _DAY + hour * 3600 + minute * 60 + second


def _month(text):
    if text is None:
        return 1
    month = int(text) if text.isdigit() else _MONTHS.get(text.lower())
    if month is None:
        raise ValueError(f"no month '{text}'")
    return month


def _apply_zone(clock, zone):
    """TAI seconds of a clock reading in a zone."""
    zone = zone.upper()
    if zone in _ATOMIC:
        return clock - _ATOMIC[zone]
    if zone[0] in "+-":
        east = (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60) * (-1 if zone[0] == "-" else 1)
    elif zone in _ZONE_HOURS:
        east = _ZONE_HOURS[zone] * 3600
    else:
        raise ValueError(f"no time zone '{zone}'")
    return from_clock(clock - east)


def from_clock(utc):
    """TAI seconds since 1977 of what a UTC clock shows: seconds since 1977 that count no leap second."""
    return utc + tai_minus_utc(_EPOCH + int(utc // _DAY))


def to_clock(tai):
    """What a UTC clock shows at whole TAI seconds, as seconds since 1977; within a leap second, the one before it."""
    return _utc_ticks(tai, 1)[0]


def tai_minus_utc(day):
    """TAI - UTC in seconds on a UTC day (proleptic ordinal); 10 s before 1972."""
    return next((offset for first, offset in _LEAP_SECONDS if day >= first), 10)


def format_time(tai, unit="ISO", decimals=0):
    """Write a time as the archive prints a keyword of this unit: rounded, carrying over, in the unit's zone.

    Parameters
    ----------
    tai : float
        TAI seconds since 1977.
    unit : str
        ``ISO`` for ``2021-07-03T14:24:59Z``, else a zone: ``TAI``, ``UTC``, ``Z`` …
    decimals : int
        Digits of the seconds' fraction.

    Raises
    ------
    KeyError
        If there is no such zone.
    """
    if tai == MISSING:
        return f"-4712-01-01T12:00:0{0:.{decimals}f}Z" if unit.upper() == "ISO" else "-4712.01.01_12:00:00_TDT"
    scale = 10**decimals
    zone = "UTC" if unit.upper() == "ISO" else unit.upper()
    if zone in _ATOMIC:
        ticks, leap = round((tai + _ATOMIC[zone]) * scale), 0
    else:
        ticks, leap = _utc_ticks(tai + _ZONE_HOURS[zone] * 3600, scale)
    seconds, fraction = divmod(ticks, scale)
    days, seconds = divmod(seconds, _DAY)
    day = date.fromordinal(min(max(days + _EPOCH, 1), _LAST_DAY))
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60 + leap:02d}"
    clock += f".{fraction:0{decimals}d}" if decimals else ""
    if unit.upper() == "ISO":
        return f"{day.isoformat()}T{clock}Z"
    return f"{day.isoformat().replace('-', '.')}_{clock}{zone if len(zone) == 1 else '_' + zone}"


def _utc_ticks(tai, scale):
    """UTC in ticks of 1/scale s since 1977, and 1 inside a leap second (whose reading is the second before it)."""
    ticks = round(tai * scale)
    for first, offset in _LEAP_SECONDS:
        start = (first - _EPOCH) * _DAY + offset
        if ticks >= start * scale:
            return ticks - offset * scale, 0
        if ticks >= (start - 1) * scale:
            return ticks - offset * scale, 1
    return ticks - 10 * scale, 0
