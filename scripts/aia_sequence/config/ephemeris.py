"""Where the Earth sees a place on the turning Sun, and when it turns out of sight: for planning, without sunpy."""

from collections.abc import Sequence
from functools import lru_cache
from math import acos, asin, atan2, cos, degrees, radians, remainder, sin, tau

from aia_sequence.errors import suggestion
from aia_sequence.projection import RADIUS_KM, seen, towards
from aia_sequence.times import read_time

AU_KM = 149_597_870.7
DAY = 86400  # s
J2000 = read_time("2000-01-01T12:00:00Z")
# Sidereal rotation of the photosphere, micro-rad/s, by the powers 0, 2 and 4 of the sine of latitude: Howard, Harvey &
# Forgach 1990, Solar Phys. 130, 295, of small magnetic features; sunpy's default.
HOWARD = (2.894, -0.428, -0.370)
ROTATION = tuple(degrees(rate * 1e-6) * DAY for rate in HOWARD)  # degrees a day
CARRINGTON = 14.1844  # degrees a day, sidereal
# Laws by their names in sunpy: sidereal degrees a day, by the same powers. Snodgrass 1983 is of magnetic features, too.
LAWS = {
    "howard": ROTATION,
    "snodgrass": tuple(degrees(rate * 1e-6) * DAY for rate in (2.851, -0.343, -0.474)),
    "allen": (14.44, -3.0, 0.0),
    "rigid": (CARRINGTON, 0.0, 0.0),
}
STEP = DAY / 12  # s; a place that turns out of sight stays so for longer


def law_of(given: str | Sequence[float]) -> tuple[float, ...]:
    """Sidereal degrees a day, by the powers 0, 2 and 4 of the sine of latitude, of a law by its name or as it stands.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if isinstance(given, str):
        if given not in LAWS:
            raise ValueError(f"there is no law of rotation {given!r}; {suggestion(given, LAWS)}")
        return LAWS[given]
    if len(given) != 3 or not 10 < given[0] < 20:
        raise ValueError(
            f"{list(given)} is no law of rotation; write three numbers, sidereal degrees a day by the powers 0, 2 and "
            "4 of the sine of latitude, such as [14.44, -3.0, 0]"
        )
    return tuple(map(float, given))


@lru_cache(maxsize=4096)
def _earth(time: float) -> tuple[float, float, float]:
    """The Earth as the Sun sees it: distance (solar radii), heliographic latitude and longitude (radians).

    Meeus, *Astronomical Algorithms*, chapters 25 and 29, in its low accuracy; the longitude counts from the node of the
    Sun's equator.
    """
    days = (time - J2000) / DAY
    anomaly = radians(357.5291 + 0.98560028 * days)
    centre = 1.9146 * sin(anomaly) + 0.02 * sin(2 * anomaly) + 0.0003 * sin(3 * anomaly)
    ecliptic = radians(280.4665 + 0.98564736 * days + centre - 0.0057)  # with aberration
    distance = 1.00014 - 0.01671 * cos(anomaly) - 0.00014 * cos(2 * anomaly)  # au
    from_node = ecliptic - radians(73.6667 + 1.3958333 * (days + 2451545 - 2396758) / 36525)
    tilt = radians(7.25)
    latitude = asin(sin(from_node) * sin(tilt))
    return distance * AU_KM / RADIUS_KM, latitude, atan2(-sin(from_node) * cos(tilt), -cos(from_node))


def seen_from_earth(longitude: float, latitude: float, time: float) -> tuple[float, float]:
    """Where a place on the Sun is seen from the Earth's centre, or would be if the Sun were of glass.

    SDO circles the Earth at 6.6 radii: it sees the place up to half an arcsec from there.

    Parameters
    ----------
    longitude, latitude
        Stonyhurst, degrees.
    time
        TAI seconds since 1977.

    Returns
    -------
    tuple of float
        Helioprojective x and y, arcsec.
    """
    distance, tilt, _ = _earth(time)
    x, y = seen(towards(longitude, latitude, degrees(tilt)), distance)
    return float(x), float(y)


def apparent_radius(time: float) -> float:
    """Angular radius of the photosphere seen from the Earth's centre, arcsec."""
    return degrees(asin(1 / _earth(time)[0])) * 3600


def behind_limb(longitude: float, latitude: float, time: float) -> float:
    """Degrees on the Sun by which a place lies behind the limb, below zero where the Earth sees it."""
    distance, tilt, _ = _earth(time)
    near = towards(longitude, latitude, degrees(tilt))[2]
    return degrees(acos(max(min(near, 1.0), -1.0)) - acos(1 / distance))


def turned(longitude: float, latitude: float, begin: float, time: float) -> float:
    """Stonyhurst longitude (degrees) at a time of a place that turns with the photosphere and had one at another."""
    moved = _rate(latitude) * (time - begin) / DAY
    return longitude + moved - degrees(remainder(_earth(time)[2] - _earth(begin)[2], tau))


def _rate(latitude: float) -> float:
    """Degrees a day, sidereal, by which the photosphere turns at a latitude (degrees)."""
    squared = sin(radians(latitude)) ** 2
    a, b, c = ROTATION
    return a + b * squared + c * squared**2


def slip(latitude: float) -> float:
    """Arcsec a second by which a place can leave a rectangle that the archive carries along.

    It carries it by the Carrington rate, or by one that we do not know: 0.3 degrees a day are allowed for that.
    """
    return (abs(_rate(latitude) - CARRINGTON) + 0.3) * 17.1 / DAY  # a degree is at most 17.1 arcsec


def visible_at(longitude: float, latitude: float, time: float) -> float:
    """The time, or the nearest within a day, at which a place is on the visible disc as it turns with the photosphere.

    A place near a pole may be out of sight all day: then it is the time itself.
    """
    if behind_limb(longitude, latitude, time) <= 0:
        return time
    step = -STEP if longitude > 0 else STEP  # it has gone round the west limb, or has not come round the east limb yet
    for number in range(1, round(DAY / STEP) + 1):
        if not _hidden(longitude, latitude, time, time + number * step):
            return _limb(longitude, latitude, time, time + number * step, time + (number - 1) * step)
    return time


def in_sight(
    longitude: float, latitude: float, at: float, first: float, last: float
) -> tuple[float | None, float | None]:
    """Since when and until when a place is on the visible disc, as far as that is within a window.

    Parameters
    ----------
    longitude, latitude
        Stonyhurst, degrees, at the time `at`.
    at, first, last
        TAI seconds since 1977; the window's ends.

    Returns
    -------
    tuple of float or None
        When it comes round the limb and when it goes behind it; None if that is not within the window.
    """
    seen = visible_at(longitude, latitude, at)
    ends = []
    for step, end in ((-STEP, first), (STEP, last)):
        time, found = seen, None
        while found is None and (end - time) * step > 0:
            further = min(time + step, end) if step > 0 else max(time + step, end)
            if _hidden(longitude, latitude, at, further):
                found = _limb(longitude, latitude, at, time, further)
            time = further
        ends.append(found)
    return ends[0], ends[1]


def _hidden(longitude: float, latitude: float, at: float, time: float) -> bool:
    return behind_limb(turned(longitude, latitude, at, time), latitude, time) > 0


def _limb(longitude: float, latitude: float, at: float, seen: float, hidden: float) -> float:
    """The last second at which a place is seen, between a time when it is and one when it is not."""
    while abs(hidden - seen) > 0.5:
        middle = (seen + hidden) / 2
        if _hidden(longitude, latitude, at, middle):
            hidden = middle
        else:
            seen = middle
    return seen
