"""Where on the Sun a flare was: heliographic positions as flare lists write them, and regions that follow one."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aia_sequence.config.ephemeris import behind_limb, in_sight
from aia_sequence.instrument import SCALE, SIDE
from aia_sequence.times import iso, read_time

TEXT = re.compile(r"([NS])\s*(\d{1,2}(?:\.\d+)?)\s*([EW])\s*(\d{1,3}(?:\.\d+)?)", re.IGNORECASE | re.ASCII)
FRAME = SIDE / 2 * SCALE  # arcsec from the disc centre to the edges of a level-1.5 frame
IN_SIGHT = ("since", "until")  # what `within_sight` adds to a region
LIMB = 95  # degrees of longitude; flares are listed beyond 90 whose loops are seen above the limb
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


def write_location(longitude: float, latitude: float) -> str:
    """A place as flare lists write it, such as N23W80."""
    return f"{'N' if latitude >= 0 else 'S'}{abs(latitude):02g}{'W' if longitude >= 0 else 'E'}{abs(longitude):02g}"


def box(middle: Sequence[float], width: float, height: float, scale: float = SCALE) -> dict[str, list[float]]:
    """A region around a place, moved by whole level-1.5 pixels so that it lies on the grid and within the frame.

    Parameters
    ----------
    middle, width, height
        Arcsec.
    scale
        Arcsec of a pixel.

    Returns
    -------
    dict
        `x` and `y`, lower and upper bound each, helioprojective, arcsec.
    """
    bounds = {}
    for axis, angle, side in zip("xy", middle, (width, height), strict=True):
        room = max(int((FRAME - side / 2) / scale + 1e-6), 0)
        centre = max(min(round(angle / scale), room), -room) * scale
        bounds[axis] = [round(centre - side / 2, 3), round(centre + side / 2, 3)]
    return bounds


def within_sight(region: Mapping[str, Any], first: float, last: float) -> dict[str, Any]:
    """A region that follows a place, with the times within a window between which the place is on the visible disc.

    Parameters
    ----------
    region
        `{follow, at, width, height}`, see `resolve_region`.
    first, last
        The window, TAI seconds since 1977.

    Returns
    -------
    dict
        The region, with `since` and `until` (ISO, UTC) where the place crosses the limb within the window: before the
        one and after the other it does not follow but stays where it is then.
    """
    longitude, latitude = region["follow"]
    ends = in_sight(longitude, latitude, read_time(region["at"]), first, last)
    return {**region, **{key: iso(end) for key, end in zip(IN_SIGHT, ends, strict=True) if end is not None}}


def out_of_sight(region: Mapping[str, Any] | None) -> list[str]:
    """When a region does not follow its place because that is behind the limb: a sentence each."""
    if region is None or "follow" not in region:
        return []
    name = write_location(*region["follow"])
    found = []
    if "since" in region:
        found.append(f"{name} comes round the limb at {region['since']}; until then the region stays where it appears")
    if "until" in region:
        found.append(f"{name} turns behind the limb at {region['until']}; from then on the region stays there")
    return found


def region_problems(region: Mapping[str, Any]) -> list[str]:
    """Why a region that is complete cannot be seen: off the detector, less than a pixel, on the far side."""
    edge = FRAME - SCALE / 2  # the centres of the outermost pixels
    if "follow" not in region:
        return [
            f"region.{axis}: {region[axis]} lies off the detector, which sees {-FRAME:g} to {FRAME:g} arcsec"
            if region[axis][0] > edge or region[axis][1] < -edge
            else f"region.{axis}: {region[axis]} is less than a pixel of level 1.5, which has {SCALE:g} arcsec"
            for axis in "xy"
            if region[axis][0] > edge or region[axis][1] < -edge or region[axis][1] - region[axis][0] < SCALE
        ]
    problems = [
        f"region.{side}: {region[side]} is less than a pixel of level 1.5, which has {SCALE:g} arcsec"
        for side in ("width", "height")
        if region[side] < SCALE
    ]
    longitude, latitude = region["follow"]
    behind = behind_limb(longitude, latitude, read_time(region["at"]))
    if behind > 0 and abs(longitude) > LIMB:
        problems.append(
            f"region.follow: {write_location(longitude, latitude)} cannot be seen at {region['at']}, it lies "
            f"{behind:.0f} degrees behind the {'west' if longitude > 0 else 'east'} limb; "
            f"allowed is the visible disc and, for flares at the limb, up to {LIMB} degrees of longitude"
        )
    return problems


def region_warnings(region: Mapping[str, Any] | None) -> list[str]:
    """What a region shows less of than it says: beyond the detector's edge, or behind the limb."""
    if region is None or "follow" in region:
        return [f"region.follow: {line}" for line in out_of_sight(region)]
    return [
        f"region.{axis}: {region[axis]} reaches beyond the detector; the region ends with it, "
        f"{FRAME:g} arcsec from the disc centre"
        for axis in "xy"
        if region[axis][0] < -FRAME or region[axis][1] > FRAME
    ]


def placeless(entry: Mapping[str, Any]) -> bool:
    """Whether an event's region has a size and nothing says where it lies."""
    region = entry.get("region") or {}
    return bool(region) and region.keys() <= {"width", "height"} and "location" not in entry


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
