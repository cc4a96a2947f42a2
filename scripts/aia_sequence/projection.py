"""Where places of the photosphere are seen on the sky: Thompson 2006, A&A 449, 791, equations 11 and 4."""

import numpy as np
from numpy.typing import ArrayLike

RADIUS_KM = 695_700  # the IAU's nominal solar radius
RSUN = 696_000_000.0  # m, RSUN_REF of AIA's headers
ARCSEC = np.degrees(1) * 3600  # of a radian


def towards(longitude: ArrayLike, latitude: ArrayLike, tilt: float) -> np.ndarray:
    """Places in solar radii from the Sun's centre: to the west, to the north, and towards the observer.

    Parameters
    ----------
    longitude, latitude : float or numpy.ndarray
        Heliographic, degrees; the longitude counts from the observer's meridian.
    tilt
        Latitude of the observer (B0), degrees.

    Returns
    -------
    numpy.ndarray
        Shape (3, ...).
    """
    longitude, latitude, b0 = np.radians(longitude), np.radians(latitude), np.radians(tilt)
    west = np.cos(latitude) * np.sin(longitude)
    north = np.sin(latitude) * np.cos(b0) - np.cos(latitude) * np.cos(longitude) * np.sin(b0)
    near = np.sin(latitude) * np.sin(b0) + np.cos(latitude) * np.cos(longitude) * np.cos(b0)
    return np.array([west, north, near])


def seen(place: np.ndarray, distance: float) -> np.ndarray:
    """Where places are seen, or would be if the Sun were of glass.

    Parameters
    ----------
    place
        From `towards`.
    distance
        Of the observer from the Sun's centre, solar radii.

    Returns
    -------
    numpy.ndarray
        Helioprojective x and y, arcsec, shape (2, ...).
    """
    west, north, near = place
    depth = distance - near
    return ARCSEC * np.array([np.arctan2(west, depth), np.arctan2(north, np.hypot(west, depth))])


def behind(place: np.ndarray, distance: float) -> np.ndarray:
    """Tell which places of the photosphere, from `towards`, lie behind the limb of an observer at a distance."""
    return place[2] * distance < 1


def on_sphere(x: ArrayLike, y: ArrayLike, distance: float) -> np.ndarray:
    """Places where lines of sight meet the photosphere: what `seen` is the inverse of.

    Parameters
    ----------
    x, y
        Helioprojective, arcsec.
    distance
        Of the observer from the Sun's centre, solar radii.

    Returns
    -------
    numpy.ndarray
        As from `towards`, shape (3, ...); NaN beyond the limb.
    """
    across, up = np.asarray(x, float) / ARCSEC, np.asarray(y, float) / ARCSEC
    ray = np.array([np.cos(up) * np.sin(across), np.sin(up), -np.cos(up) * np.cos(across)])
    nearest = -distance * ray[2]
    rest = nearest**2 - distance**2 + 1
    reach = nearest - np.sqrt(np.where(rest >= 0, rest, np.nan))
    west, north, back = reach * ray
    return np.array([west, north, back + distance])


def heliographic(place: np.ndarray, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    """Longitude from the observer's meridian and latitude (degrees) of places of the photosphere, see `towards`."""
    west, up, near = place
    b0 = np.radians(tilt)
    north, ahead = up * np.cos(b0) + near * np.sin(b0), near * np.cos(b0) - up * np.sin(b0)
    return np.degrees(np.arctan2(west, ahead)), np.degrees(np.arcsin(np.clip(north, -1, 1)))
