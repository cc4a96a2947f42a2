"""Derotation: every frame as the Sun's surface looked from one place at one time, in the one resampling of level 1.

An output pixel is a direction, seen by SDO at the reference time. Where it meets the photosphere, the surface is
turned to the time of the frame by the differential rotation, seen by SDO there, and the level-1 image is interpolated
at that pixel: pointing, roll, plate scale and rotation are one map, and counts are interpolated once. Beyond the limb,
and where the place was behind it, there is nothing to see: NaN. Brightness is kept as it was measured; how much of the
level-1 image a pixel covers is told beside it, as the area factor.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aia_sequence.calibration import weights
from aia_sequence.config.ephemeris import CARRINGTON, ROTATION
from aia_sequence.errors import FrameError
from aia_sequence.frames.compiled import njit
from aia_sequence.frames.geometry import Geometry, Grid
from aia_sequence.frames.keywords import number
from aia_sequence.instrument import SCALE
from aia_sequence.projection import RSUN
from aia_sequence.times import read_time

DAY = 86400.0
ARCSEC = math.pi / 180 / 3600


@dataclass(frozen=True)
class View:
    """From where and when the Sun is seen.

    Attributes
    ----------
    tai
        T_OBS, TAI seconds.
    carrington, latitude
        Carrington longitude and latitude of the disc centre, radians.
    distance
        Of the observer, in solar radii.
    """

    tai: float
    carrington: float
    latitude: float
    distance: float

    @classmethod
    def of_header(cls, header: Mapping[str, Any], radius: float = RSUN) -> "View":
        """The view of a frame, of level 1 or 1.5.

        Parameters
        ----------
        header
            Its header.
        radius
            Of the photosphere, m.

        Raises
        ------
        FrameError
            If the header does not say from where or when the Sun was seen.
        """
        longitude, latitude, distance = (number(header, key) for key in ("CRLN_OBS", "CRLT_OBS", "DSUN_OBS"))
        if longitude is None or latitude is None or distance is None or "T_OBS" not in header:
            raise FrameError("derotation needs T_OBS, CRLN_OBS, CRLT_OBS and DSUN_OBS in a frame's header")
        time = read_time(str(header["T_OBS"]))
        return cls(time, math.radians(longitude), math.radians(latitude), distance / radius)


def parameters(reference: View, now: View, grid: Grid, geometry: Geometry, law: Sequence[float]) -> np.ndarray:
    """What the compiled map needs: the grid, both views, how far the surface has turned, and the frame's geometry."""
    days = (now.tai - reference.tai) / DAY
    turn, second, fourth = (math.radians(rate) * days for rate in law)
    # Carrington longitudes turn with their own rate; the difference of the disc centres' is taken the short way round.
    centre = math.remainder(now.carrington - reference.carrington + math.radians(CARRINGTON) * days, 2 * math.pi)
    c, s = math.cos(math.radians(geometry.roll)), math.sin(math.radians(geometry.roll))
    matrix = np.array([[c, s], [-s, c]]) / geometry.scale
    return np.array([
        grid.crpix1 - 1, grid.crpix2 - 1, SCALE * ARCSEC,
        reference.distance, math.sin(reference.latitude), math.cos(reference.latitude),
        turn - centre, second, fourth,
        now.distance, math.sin(now.latitude), math.cos(now.latitude),
        *matrix.ravel(), geometry.x0, geometry.y0,
    ])  # fmt: skip


@njit(cache=True, nogil=True)
def mapping(parameters, x, y):
    """Level-1 pixel (0-based) of every output pixel, into two float64 arrays (ny, nx); NaN where no surface is seen."""
    p0, q0, step, distance, sine, cosine = parameters[:6]
    turn, second, fourth, away, sine_now, cosine_now = parameters[6:12]
    a, b, c, d, x0, y0 = parameters[12:]
    for j in range(x.shape[0]):
        q = (j - q0) * step
        for i in range(x.shape[1]):
            p = (i - p0) * step
            # Along (p, q, -1) from the observer to the sphere of radius 1.
            n2 = 1.0 + p * p + q * q
            reach = n2 - distance * distance * (n2 - 1.0)
            if reach < 0.0:
                x[j, i] = y[j, i] = np.nan
                continue
            t = (distance - math.sqrt(reach)) / n2
            west, up, near = t * p, t * q, distance - t
            north, ahead = up * cosine + near * sine, near * cosine - up * sine
            s2 = north * north
            angle = turn + s2 * (second + s2 * fourth)
            sin_angle, cos_angle = math.sin(angle), math.cos(angle)
            west, ahead = west * cos_angle + ahead * sin_angle, ahead * cos_angle - west * sin_angle
            up, near = north * cosine_now - ahead * sine_now, north * sine_now + ahead * cosine_now
            if near * away < 1.0:  # behind the limb
                x[j, i] = y[j, i] = np.nan
                continue
            scale = 1.0 / ((away - near) * ARCSEC)
            u, v = west * scale, up * scale
            x[j, i] = a * u + b * v + x0
            y[j, i] = c * u + d * v + y0


def places(
    reference: View, now: View, grid: Grid, geometry: Geometry, law: Sequence[float] = ROTATION
) -> tuple[np.ndarray, np.ndarray]:
    """Where in a level-1 frame the surface lies that an output pixel shows.

    Parameters
    ----------
    reference, now
        Views of the output and of the frame.
    grid
        Output pixels, of level 1.5's grid.
    geometry
        Where the Sun is in the frame.
    law
        Of the rotation, see `aia_sequence.config.ephemeris.law_of`.

    Returns
    -------
    tuple of numpy.ndarray
        0-based pixel along x and y, float64 (ny, nx); NaN where the surface is not seen.
    """
    x, y = np.empty((grid.ny, grid.nx)), np.empty((grid.ny, grid.nx))
    mapping(parameters(reference, now, grid, geometry, law), x, y)
    return x, y


def area(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How many level-1 pixels each output pixel covers that has others around it: the determinant of the map.

    Parameters
    ----------
    x, y
        From `places`, (ny, nx).

    Returns
    -------
    numpy.ndarray
        float32 (ny - 2, nx - 2): the outermost pixels are left out.
    """
    (yy, yx), (xy, xx) = ([one[1:-1, 1:-1] for one in np.gradient(axis)] for axis in (y, x))
    return np.abs(xx * yy - xy * yx).astype(np.float32)


@njit(cache=True, nogil=True)
def sample(padded, x, y, gain, out):
    """Evaluate the B-spline of padded coefficients at places of the image; NaN beyond it."""
    nx, ny = padded.shape[1] - 2, padded.shape[0] - 2
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            u, v = x[j, i], y[j, i]
            if not (u >= 0.0 and v >= 0.0 and u <= nx - 1 and v <= ny - 1):
                out[j, i] = np.nan
                continue
            column, line = min(int(u), nx - 2), min(int(v), ny - 2)
            wx = weights.spline_weights(np.float32(u - column))
            wy = weights.spline_weights(np.float32(v - line))
            total = np.float32(0)
            for m in range(4):
                row = padded[line + m]
                total += wy[m] * (
                    wx[0] * row[column] + wx[1] * row[column + 1] + wx[2] * row[column + 2] + wx[3] * row[column + 3]
                )
            out[j, i] = gain * total


@njit(cache=True, nogil=True)
def sample_variance(padded, x, y, out):
    """Sum padded variances with the squared weights of the interpolating spline, at places of the image."""
    nx, ny = padded.shape[1] - 4, padded.shape[0] - 4
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            u, v = x[j, i], y[j, i]
            if not (u >= 0.0 and v >= 0.0 and u <= nx - 1 and v <= ny - 1):
                out[j, i] = np.nan
                continue
            column, line = min(int(u), nx - 2), min(int(v), ny - 2)
            wx = weights.cardinal_squares(np.float32(u - column))
            wy = weights.cardinal_squares(np.float32(v - line))
            total = np.float32(0)
            for m in range(6):
                row, part = padded[line + m], np.float32(0)
                for n in range(6):
                    part += wx[n] * row[column + n]
                total += wy[m] * part
            out[j, i] = total


@njit(cache=True, nogil=True)
def touched(marked, x, y, reach, out, bit):
    """Set a bit of the output pixels whose place lies closer than `reach` to a marked pixel, along both axes."""
    ny, nx = marked.shape
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            u, v = x[j, i], y[j, i]
            if u != u:
                continue
            for line in range(max(math.floor(v - reach) + 1, 0), min(math.ceil(v + reach), ny)):
                for column in range(max(math.floor(u - reach) + 1, 0), min(math.ceil(u + reach), nx)):
                    if marked[line, column]:
                        out[j, i] |= bit
