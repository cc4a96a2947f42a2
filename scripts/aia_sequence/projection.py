"""Where places of the photosphere are seen on the sky: Thompson 2006, A&A 449, 791, equations 11 and 4."""

import numpy as np
from numpy.typing import ArrayLike

RADIUS_KM = 695_700  # the IAU's nominal solar radius
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
