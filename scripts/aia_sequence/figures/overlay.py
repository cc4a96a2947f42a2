"""Limb and heliographic grid of an image, in helioprojective arcsec."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from aia_sequence.figures.sequence import Picture
from aia_sequence.projection import seen, towards


def limb(header: Mapping[str, Any], points: int = 721) -> np.ndarray:
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
    """Project points of the photosphere onto the sky.

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
    place = towards(longitude, latitude, tilt)
    return np.where(place[2] * distance > 1, seen(place, distance), np.nan)


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


# White on dark ground, with a dark rim that shows them on bright ground.
RIM = [withStroke(linewidth=1.3, foreground="black", alpha=0.4)]
STYLES: dict[str, dict[str, Any]] = {
    "limb": {"color": "white", "lw": 0.6, "alpha": 0.9, "solid_capstyle": "butt", "path_effects": RIM},
    "grid": {"color": "white", "lw": 0.5, "alpha": 0.8, "ls": (0, (3, 2)), "path_effects": RIM},
}


def words(grid: float | None) -> str:
    """What a note says of a grid."""
    return f"; heliographic grid every {grid:g}°" if grid else ""


def draw(axes: Axes, picture: Picture, *, with_limb: bool, grid: float | None) -> list[Line2D]:
    """Draw limb and grid onto an image, without changing its limits; return the lines in the order of `curves`."""
    window = axes.get_xlim(), axes.get_ylim()
    lines = [axes.plot(*curve, **STYLES[kind])[0] for kind, curve in curves(picture, with_limb=with_limb, grid=grid)]
    axes.set(xlim=window[0], ylim=window[1])
    return lines
