"""A region of interest that follows a place on the turning Sun.

Apart from `location`, because the coordinates of sunpy take seconds to import and planning needs none of them.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import astropy.units as u
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective, propagate_with_solar_surface

from aia_sequence.config.region import box, parse_location
from aia_sequence.errors import FrameError
from aia_sequence.times import iso, read_time


def region_at(region: Mapping[str, Any], header: Mapping[str, Any]) -> dict[str, list[float]]:
    """Bounds of a region of interest at the time of a frame, as SDO saw it.

    The place moves with the photosphere (rotation after Howard et al. 1990, sunpy's default), as long as it is on the
    visible disc: at the limb it stays. Its middle is brought to whole pixels of the level-1.5 grid and the region kept
    within the frame, so it has the same number of pixels in every frame.

    Parameters
    ----------
    region
        `{x, y}`, which is returned as it is, or `{follow, at, width, height}` as `config.region` completes it,
        with `since` and `until` where it crosses the limb.
    header
        Header of the frame: T_OBS, and the observer in DSUN_OBS (m), HGLN_OBS and HGLT_OBS (degrees, Stonyhurst).

    Returns
    -------
    dict
        `x` and `y`, lower and upper bound each, helioprojective, arcsec.

    Raises
    ------
    FrameError
        If the header does not say from where or when the Sun was seen.
    """
    if "follow" not in region:
        return {"x": list(region["x"]), "y": list(region["y"])}
    try:
        observer = tuple(float(header[key]) for key in ("HGLN_OBS", "HGLT_OBS", "DSUN_OBS"))
        time = str(header["T_OBS"])
    except (KeyError, TypeError, ValueError):
        raise FrameError(
            "a region that follows a place on the Sun needs T_OBS, HGLN_OBS, HGLT_OBS and DSUN_OBS in a frame's header"
        ) from None
    tai = read_time(time)
    held = min(max(tai, read_time(region.get("since", time))), read_time(region.get("until", time)))
    time = time if held == tai else iso(held)
    middle = _seen_at(parse_location(region["follow"]), region["at"], time, observer)
    return box(middle, region["width"], region["height"])


@lru_cache(maxsize=4096)
def _seen_at(
    place: tuple[float, float], at: str, time: str, observer: tuple[float, float, float]
) -> tuple[float, float]:
    """Helioprojective x and y in arcsec of a place that turned with the Sun from `at` to `time`."""
    longitude, latitude = place
    there = HeliographicStonyhurst(longitude * u.deg, latitude * u.deg, 1 * u.R_sun, obstime=at.removesuffix("Z"))
    time = time.removesuffix("Z")
    lon, lat, distance = observer
    sdo = HeliographicStonyhurst(lon * u.deg, lat * u.deg, distance * u.m, obstime=time)
    with propagate_with_solar_surface():
        seen = there.transform_to(Helioprojective(observer=sdo, obstime=time))
    return tuple(angle.to_value(u.arcsec) for angle in (seen.Tx, seen.Ty))
