"""A region of interest that follows a place on the turning Sun."""

from collections.abc import Mapping
from typing import Any

from aia_sequence.config.ephemeris import turned
from aia_sequence.config.region import IN_SIGHT, box, parse_location
from aia_sequence.errors import FrameError
from aia_sequence.projection import RADIUS_KM, seen, towards
from aia_sequence.times import read_time


def region_at(region: Mapping[str, Any], header: Mapping[str, Any]) -> dict[str, list[float]]:
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
        meridian, tilt, distance = (float(header[key]) for key in ("HGLN_OBS", "HGLT_OBS", "DSUN_OBS"))
        time = read_time(str(header["T_OBS"]))
    except (KeyError, TypeError, ValueError):
        raise FrameError(
            "a region that follows a place on the Sun needs T_OBS, HGLN_OBS, HGLT_OBS and DSUN_OBS in a frame's header"
        ) from None
    since, until = (read_time(region[end]) if end in region else time for end in IN_SIGHT)
    longitude, latitude = parse_location(region["follow"])
    longitude = turned(longitude, latitude, read_time(region["at"]), min(max(time, since), until)) - meridian
    x, y = seen(towards(longitude, latitude, tilt), distance / (1000 * RADIUS_KM))
    return box((float(x), float(y)), region["width"], region["height"])
