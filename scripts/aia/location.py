"""Where on the Sun a flare was: heliographic positions as flare lists write them, and regions that follow one."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import asin, atan2, cos, degrees, hypot, radians, sin
from typing import Any

from aia.times import read_time, utc_of

TEXT = re.compile(r"([NS])\s*(\d{1,2}(?:\.\d+)?)\s*([EW])\s*(\d{1,3}(?:\.\d+)?)", re.IGNORECASE)
PIXEL = 0.6  # arcsec, level 1.5
FRAME = 2048 * PIXEL  # arcsec from the disc centre to the edges of a level-1.5 frame
RADIUS_KM = 695_700
AU_KM = 149_597_870.7
ALLOWED = "allowed is N23W80, or [longitude, latitude] in degrees, Stonyhurst, west and north positive"


def parse_location(location: str | list[float]) -> tuple[float, float]:
    """Stonyhurst longitude and latitude in degrees (west and north positive) of `N23W80` or `[80, 23]`.

    Raises
    ------
    ValueError
        If it is neither, or no place on the Sun.
    """
    found = TEXT.fullmatch(location.strip()) if isinstance(location, str) else None
    if found:
        latitude = float(found[2]) * (1 if found[1] in "Nn" else -1)
        longitude = float(found[4]) * (1 if found[3] in "Ww" else -1)
    elif isinstance(location, str):
        raise ValueError(f"{location!r} is not a place on the Sun; {ALLOWED}")
    else:
        longitude, latitude = map(float, location)
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise ValueError(f"{location!r} is not a place on the Sun; {ALLOWED}")
    return longitude + 0.0, latitude + 0.0  # no negative zero: it would be another parameter value


def seen_from_earth(longitude: float, latitude: float, time: datetime) -> tuple[float, float]:
    """Where a place on the Sun is seen from the Earth's centre.

    The Sun's position is Meeus, *Astronomical Algorithms*, chapters 25 and 29, in its low accuracy. SDO circles the
    Earth at 6.6 radii: it sees the place up to half an arcsec from there. For planning, which does without sunpy.

    Parameters
    ----------
    longitude, latitude
        Stonyhurst, degrees.
    time
        Aware datetime.

    Returns
    -------
    tuple of float
        Helioprojective x and y, arcsec.
    """
    days = (time - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400
    anomaly = radians(357.5291 + 0.98560028 * days)
    centre = 1.9146 * sin(anomaly) + 0.02 * sin(2 * anomaly) + 0.0003 * sin(3 * anomaly)
    ecliptic = radians(280.4665 + 0.98564736 * days + centre - 0.0057)  # with aberration
    distance = 1.00014 - 0.01671 * cos(anomaly) - 0.00014 * cos(2 * anomaly)  # au
    node = radians(73.6667 + 1.3958333 * (days + 2451545 - 2396758) / 36525)
    tilt = asin(sin(ecliptic - node) * sin(radians(7.25)))
    lon, lat = radians(longitude), radians(latitude)
    west = cos(lat) * sin(lon)
    north = sin(lat) * cos(tilt) - cos(lat) * cos(lon) * sin(tilt)
    towards = sin(lat) * sin(tilt) + cos(lat) * cos(lon) * cos(tilt)
    ahead = distance * AU_KM / RADIUS_KM - towards
    return degrees(atan2(west, ahead)) * 3600, degrees(atan2(north, hypot(west, ahead))) * 3600


def fixed_region(region: Mapping[str, Any]) -> dict[str, list[float]]:
    """A region that follows a place, as it lies at the time for which the place is given: what a cutout can have.

    Parameters
    ----------
    region
        `{follow, at, width, height}`, see `resolve_region`.

    Returns
    -------
    dict
        `x` and `y`, lower and upper bound each, helioprojective, arcsec; the middle on a whole level-1.5 pixel.
    """
    middle = seen_from_earth(*region["follow"], utc_of(read_time(region["at"])))
    bounds = {}
    for axis, angle, side in zip("xy", middle, (region["width"], region["height"]), strict=True):
        centre = round(angle / PIXEL) * PIXEL
        bounds[axis] = [round(centre - side / 2, 3), round(centre + side / 2, 3)]
    return bounds


def resolve_region(entry: Mapping[str, Any], reference: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Complete an event's region of interest, or say what is wrong with it.

    Parameters
    ----------
    entry
        The event's options; `location` is what a region follows that names nothing else.
    reference
        Time (ISO, UTC) for which the location holds, unless the region says so itself.

    Returns
    -------
    dict or None
        `{x, y}` with two bounds each in arcsec, helioprojective; or `{follow, at, width, height}` with Stonyhurst
        longitude and latitude in degrees at the time `at`, and arcsec. None is the full disk.
    list of str
        What is wrong, one line each.
    """
    region = entry.get("region")
    if region is None:
        return None, []
    fixed, following = {"x", "y"} & region.keys(), {"follow", "at", "width", "height"} & region.keys()
    if fixed and following:
        return None, [f"region: {', '.join(sorted(fixed))} and {', '.join(sorted(following))} exclude each other"]
    if not following:
        problems = [
            f"region.{axis} missing; a region has x and y, or width and height" for axis in "xy" if axis not in fixed
        ]
        problems += [
            f"region.{axis}: {region[axis]} is empty; the lower bound comes first"
            for axis in sorted(fixed)
            if region[axis][0] >= region[axis][1]
        ]
        return dict(region), problems
    problems = [f"region.{side} missing (arcsec)" for side in ("width", "height") if side not in region]
    target = region.get("follow", entry.get("location"))
    if target is None:
        return None, [*problems, f"region.follow missing, and the event has no location; {ALLOWED}"]
    try:
        target = list(parse_location(target))
    except ValueError as error:
        return None, [*problems, f"region.follow: {error}"]
    return {**region, "follow": target, "at": region.get("at", reference)}, problems
