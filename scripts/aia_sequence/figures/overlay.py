"""Limb and heliographic grid of an image, in helioprojective arcsec."""

from typing import Any

import numpy as np
from astropy.io import fits
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from aia_sequence.figures.sequence import Picture

ARCSEC = np.degrees(1) * 3600


def limb(header: fits.Header, points: int = 721) -> np.ndarray:
    """Trace the solar limb.

    Parameters
    ----------
    header
        Level-1.5 header with RSUN_OBS (arcsec).
    points
        Points on the circle.

    Returns
    -------
    numpy.ndarray
        x and y in arcsec, shape (2, points).
    """
    angle = np.linspace(0, 2 * np.pi, points)
    return header["RSUN_OBS"] * np.array([np.cos(angle), np.sin(angle)])


def project(latitude: np.ndarray, longitude: np.ndarray, tilt: float, distance: float) -> np.ndarray:
    """Project points of the photosphere, Stonyhurst, onto the sky (Thompson 2006, A&A 449, 791, equations 11 and 4).

    Parameters
    ----------
    latitude, longitude : numpy.ndarray
        Heliographic Stonyhurst coordinates in degrees.
    tilt
        Latitude of the observer (B0) in degrees.
    distance
        Distance of the observer from the centre of the Sun in solar radii.

    Returns
    -------
    numpy.ndarray
        x and y in arcsec, shape (2, ...); NaN for points on the far side.
    """
    latitude, longitude, tilt = np.radians(latitude), np.radians(longitude), np.radians(tilt)
    x = np.cos(latitude) * np.sin(longitude)
    y = np.sin(latitude) * np.cos(tilt) - np.cos(latitude) * np.cos(longitude) * np.sin(tilt)
    z = np.sin(latitude) * np.sin(tilt) + np.cos(latitude) * np.cos(longitude) * np.cos(tilt)
    depth = distance - z
    angles = np.array([np.arctan2(x, depth), np.arctan2(y, np.hypot(x, depth))])
    return np.where(z * distance > 1, ARCSEC * angles, np.nan)


def curves(picture: Picture, *, with_limb: bool, grid: float | None) -> list[tuple[str, np.ndarray]]:
    """Trace the limb, and a grid of latitude and longitude every `grid` degrees, in the coordinates of the axes.

    Returns
    -------
    list of (str, numpy.ndarray)
        "limb" or "grid", and x and y in arcsec from the picture's origin, shape (2, points).
    """
    header = picture.header
    origin = np.array(picture.origin)[:, np.newaxis]
    found = [("limb", limb(header) - origin)] if with_limb else []
    if grid:
        tilt, distance = header.get("CRLT_OBS", 0.0), header["DSUN_OBS"] / header["RSUN_REF"]
        line = np.linspace(-90, 90, 181)
        for value in np.arange(-90, 90.1, grid):
            found.append(("grid", project(line, np.full_like(line, value), tilt, distance) - origin))
        for value in np.arange(-90 + grid, 90, grid):
            found.append(("grid", project(np.full_like(line, value), line, tilt, distance) - origin))
    return found


STYLES: dict[str, dict[str, Any]] = {
    "limb": {"color": "white", "lw": 0.45, "alpha": 0.7, "solid_capstyle": "butt"},
    "grid": {"color": "white", "lw": 0.3, "alpha": 0.55, "ls": (0, (2, 2))},
}


def draw(axes: Axes, picture: Picture, *, with_limb: bool, grid: float | None) -> list[Line2D]:
    """Draw limb and grid onto an image, without changing its limits; return the lines in the order of `curves`."""
    window = axes.get_xlim(), axes.get_ylim()
    lines = [axes.plot(*curve, **STYLES[kind])[0] for kind, curve in curves(picture, with_limb=with_limb, grid=grid)]
    axes.set(xlim=window[0], ylim=window[1])
    return lines
