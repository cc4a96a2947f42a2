"""Where the observatory is and how the Sun turns: positions from ERFA's analytical ephemeris, no tables, no network.

The Earth's place is `erfa.epv00` (good to some kilometres), SDO's a circular inclined geosynchronous orbit about it,
and the Sun's attitude the IAU's rotation elements that sunpy uses too, so that a position in heliographic coordinates
lies where sunpy puts it.
"""

import erfa
import numpy as np

AU_M = 149597870691.0  # DSUN_REF of the headers
RSUN_M = 696000000.0  # RSUN_REF of the headers
LIGHT_M_S = 299792458.0
ARCSEC = np.degrees(1.0) * 3600.0

_TT_MINUS_TAI = 32.184
_JD_1977 = 2443144.5
_J2000 = 2451545.0

# IAU WGCCRE 2009: pole of rotation (ICRS), prime meridian at J2000, sidereal rate in degrees per day.
_POLE_RA, _POLE_DEC = np.radians(286.13), np.radians(63.87)
_W0, _W_RATE = 84.176, 14.1844
_OBLIQUITY = np.radians(84381.448 / 3600.0)  # of the ecliptic of J2000, as in the HAE frame

# A geosynchronous orbit like SDO's: radius, inclination to the equator, node, and phase at the epoch of TAI seconds.
_ORBIT_RADIUS_M = 42160000.0
_ORBIT_INCLINATION, _ORBIT_NODE = np.radians(28.9), np.radians(139.1)
_SIDEREAL_DAY_S = 86164.0905
_ORBIT_PHASE = 3.823
_EARTH_RADIUS_M = 6378137.0


def _pole_frame():
    """Rows: unit vectors (ICRS) of the Sun's ascending node, of the direction 90 degrees ahead, and of its pole."""
    node = np.array([-np.sin(_POLE_RA), np.cos(_POLE_RA), 0.0])
    pole = np.array([np.cos(_POLE_DEC) * np.cos(_POLE_RA), np.cos(_POLE_DEC) * np.sin(_POLE_RA), np.sin(_POLE_DEC)])
    return np.stack([node, np.cross(pole, node), pole])


_SUN_FRAME = _pole_frame()
_ECLIPTIC = np.array(
    [[1, 0, 0], [0, np.cos(_OBLIQUITY), np.sin(_OBLIQUITY)], [0, -np.sin(_OBLIQUITY), np.cos(_OBLIQUITY)]]
)


def _orbit(tai):
    """Position (m) and velocity (m/s) of SDO from the Earth's centre, equatorial, each of shape (n, 3)."""
    rate = 2 * np.pi / _SIDEREAL_DAY_S
    angle = rate * np.asarray(tai) + _ORBIT_PHASE
    node = np.array([np.cos(_ORBIT_NODE), np.sin(_ORBIT_NODE), 0.0])
    ahead = np.array(
        [
            -np.sin(_ORBIT_NODE) * np.cos(_ORBIT_INCLINATION),
            np.cos(_ORBIT_NODE) * np.cos(_ORBIT_INCLINATION),
            np.sin(_ORBIT_INCLINATION),
        ]
    )
    position = _ORBIT_RADIUS_M * (np.cos(angle)[:, None] * node + np.sin(angle)[:, None] * ahead)
    velocity = _ORBIT_RADIUS_M * rate * (np.cos(angle)[:, None] * ahead - np.sin(angle)[:, None] * node)
    return position, velocity


def _heliographic(position):
    """Latitude and longitude from the node (degrees) of heliocentric ICRS positions."""
    along, ahead, north = (position @ _SUN_FRAME.T).T
    return np.degrees(np.arctan2(north, np.hypot(along, ahead))), np.degrees(np.arctan2(ahead, along))


def observer(tai):
    """
    Place and motion of the observatory.

    Parameters
    ----------
    tai : array-like
        TAI seconds since 1977-01-01T00:00:00 TAI, shape ``(n,)``.

    Returns
    -------
    dict of str to ndarray
        The orbit keywords of a level-1 header by their own names and units, each of shape ``(n,)``.

    Notes
    -----
    CRLN_OBS holds for the moment at which the light left the Sun, as in sunpy.
    """
    tai = np.atleast_1d(np.asarray(tai, dtype=float))
    tt_days = (tai + _TT_MINUS_TAI) / 86400.0
    earth, _ = erfa.epv00(_JD_1977, tt_days)
    near, near_velocity = _orbit(tai)
    position = earth["p"] * erfa.DAU + near
    velocity = earth["v"] * (erfa.DAU / erfa.DAYSEC) + near_velocity
    distance = np.linalg.norm(position, axis=1)
    outward = position / distance[:, None]
    pole = _SUN_FRAME[2]
    west = np.cross(pole, outward)
    west /= np.linalg.norm(west, axis=1)[:, None]
    latitude, longitude = _heliographic(position)
    _, earth_longitude = _heliographic(earth["p"])
    days = tt_days + (_JD_1977 - _J2000) - (distance - RSUN_M) / (LIGHT_M_S * 86400.0)
    carrington = (longitude - _W0 - _W_RATE * days) % 360.0
    ecliptic, geocentric = position @ _ECLIPTIC.T, near @ _ECLIPTIC.T
    return {
        "DSUN_OBS": distance,
        "RSUN_OBS": np.arcsin(RSUN_M / distance) * ARCSEC,
        "GAEX_OBS": geocentric[:, 0],
        "GAEY_OBS": geocentric[:, 1],
        "GAEZ_OBS": geocentric[:, 2],
        "HAEX_OBS": ecliptic[:, 0],
        "HAEY_OBS": ecliptic[:, 1],
        "HAEZ_OBS": ecliptic[:, 2],
        "OBS_VR": np.sum(velocity * outward, axis=1),
        "OBS_VW": np.sum(velocity * west, axis=1),
        "OBS_VN": np.sum(velocity * np.cross(outward, west), axis=1),
        "CRLN_OBS": carrington,
        "CRLT_OBS": latitude,
        "CAR_ROT": _carrington_rotation(tai, carrington),
        "HGLN_OBS": (longitude - earth_longitude + 180.0) % 360.0 - 180.0,
        "HGLT_OBS": latitude,
    }


def sunlit(tai):
    """
    Fraction of the Sun that the Earth leaves visible from the observatory.

    Parameters
    ----------
    tai : array-like
        TAI seconds since 1977, shape ``(n,)``.

    Returns
    -------
    ndarray
        1 in full view, 0 in the umbra, a smooth ramp across the penumbra. SDO sees eclipses for three weeks twice a
        year, up to 72 minutes a day; those of this orbit come from its geometry.
    """
    tai = np.atleast_1d(np.asarray(tai, dtype=float))
    earth, _ = erfa.epv00(_JD_1977, (tai + _TT_MINUS_TAI) / 86400.0)
    near, _ = _orbit(tai)
    outward = earth["p"] / np.linalg.norm(earth["p"], axis=1)[:, None]
    behind = np.sum(near * outward, axis=1)
    aside = np.linalg.norm(near - behind[:, None] * outward, axis=1)
    penumbra = np.maximum(behind, 1.0) * RSUN_M / AU_M
    visible = np.clip((aside - _EARTH_RADIUS_M) / (2 * penumbra) + 0.5, 0.0, 1.0)
    return np.where(behind > 0, visible * visible * (3 - 2 * visible), 1.0)


def _carrington_rotation(tai, carrington):
    """Number of the Carrington rotation whose longitude `carrington` (degrees) is at the moment `tai`."""
    # Rotation 1 began on JD 2398167.4; the synodic period varies over the year, so the mean only finds the integer.
    mean = (tai / 86400.0 + _JD_1977 - 2398167.4) / 27.2752316 + 1.0
    return np.round(mean - (1.0 - carrington / 360.0)).astype(int)
