"""Where on the Sun a flare was: heliographic positions as flare lists write them, and regions that follow one."""

import re
from collections.abc import Mapping
from typing import Any

TEXT = re.compile(r"([NS])\s*(\d{1,2}(?:\.\d+)?)\s*([EW])\s*(\d{1,3}(?:\.\d+)?)", re.IGNORECASE)
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
