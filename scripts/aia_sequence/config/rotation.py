"""What turns with the Sun: a region of interest that follows a place, and places of the surface in a frame."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aia_sequence.config.ephemeris import turned
from aia_sequence.config.region import IN_SIGHT, box, parse_location
from aia_sequence.errors import FrameError
from aia_sequence.instrument import SCALE
from aia_sequence.projection import RADIUS_KM, RSUN, behind, heliographic, on_sphere, seen, towards
from aia_sequence.times import read_time


def _sight(region: Mapping[str, Any], time: float) -> tuple[float, float]:
    """Since when and until when a region follows its place: where nothing is said, from a time or to it."""
    since, until = (read_time(region[end]) if end in region else time for end in IN_SIGHT)
    return since, until


def middle_at(region: Mapping[str, Any], time: float) -> tuple[float, float]:
    """Stonyhurst longitude and latitude (degrees) at a time (TAI seconds) of the place that a region follows.

    It turns with the photosphere as long as it is on the visible disc: before `since` and after `until` it stays.
    """
    since, until = _sight(region, time)
    longitude, latitude = parse_location(region["follow"])
    return turned(longitude, latitude, read_time(region["at"]), min(max(time, since), until)), latitude


def turned_away(region: Mapping[str, Any], time: float) -> bool:
    """Whether the place that a region follows is out of sight at a time, so that the region does not follow it."""
    since, until = _sight(region, time)
    return not since <= time <= until


def region_at(
    region: Mapping[str, Any], header: Mapping[str, Any], scale: float | None = None
) -> dict[str, list[float]]:
    """Bounds of a region of interest at the time of a frame, as SDO saw it.

    The place moves with the photosphere (rotation after Howard et al. 1990, as sunpy turns it to 0.03 arcsec in five
    days), as long as it is on the visible disc: at the limb it stays. Its middle is brought to whole pixels of the
    level-1.5 grid and the region kept within the frame, so it has the same number of pixels in every frame.

    Parameters
    ----------
    region
        `{x, y}`, which is returned as it is, or `{follow, at, width, height}` as `config.region` completes it,
        with `since` and `until` where it crosses the limb.
    header
        Header of the frame: T_OBS, and the observer in DSUN_OBS (m), HGLN_OBS and HGLT_OBS (degrees, Stonyhurst).
    scale
        Arcsec of the pixels that it is brought to; without it those of level 1.5, binned as the header says.

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
    time, meridian, tilt, distance = _observer("a region that follows a place on the Sun", header)
    longitude, latitude = middle_at(region, time)
    x, y = seen(towards(longitude - meridian, latitude, tilt), distance / (1000 * RADIUS_KM))
    pixel = scale or SCALE * header.get("BINNING", 1)
    return box((float(x), float(y)), region["width"], region["height"], pixel)


def surface(x: np.ndarray, y: np.ndarray, header: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Places of the photosphere (radius RSUN_REF, 696 Mm) that lines of sight meet.

    Parameters
    ----------
    x, y
        Helioprojective, arcsec.
    header
        Of a frame, for its observer.

    Returns
    -------
    tuple of numpy.ndarray
        Stonyhurst longitude and latitude, degrees; NaN beyond the limb.
    """
    _, meridian, tilt, distance = _observer("a slit that turns with the Sun", header)
    longitude, latitude = heliographic(on_sphere(x, y, distance / RSUN), tilt)
    return longitude + meridian, latitude


def carried(
    longitude: np.ndarray, latitude: np.ndarray, begin: float, header: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Where places of the photosphere are seen in a frame, as they have turned with it.

    Parameters
    ----------
    longitude, latitude
        Stonyhurst, degrees, at the time `begin` (TAI seconds), see `surface`.
    header
        Of the frame, for its time and observer.

    Returns
    -------
    tuple of numpy.ndarray
        Helioprojective x and y, arcsec; NaN behind the limb.
    """
    time, meridian, tilt, distance = _observer("a slit that turns with the Sun", header)
    moved = np.vectorize(turned, otypes=[float])(longitude, latitude, begin, time)
    place = towards(moved - meridian, latitude, tilt)
    x, y = np.where(behind(place, distance / RSUN), np.nan, seen(place, distance / RSUN))
    return x, y


def _observer(what: str, header: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """T_OBS (TAI seconds) of a frame, Stonyhurst longitude and latitude (degrees) and distance (m) of its observer."""
    try:
        meridian, tilt, distance = (float(header[key]) for key in ("HGLN_OBS", "HGLT_OBS", "DSUN_OBS"))
        return read_time(str(header["T_OBS"])), meridian, tilt, distance
    except (KeyError, TypeError, ValueError):
        raise FrameError(f"{what} needs T_OBS, HGLN_OBS, HGLT_OBS and DSUN_OBS in a frame's header") from None
