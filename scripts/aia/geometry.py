"""Geometry of frames: where the Sun is in a level-1 frame, and the pixels of level 1.5 that it is registered to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aia.errors import FrameError

SCALE = 0.6  # arcsec per pixel of level 1.5
SIDE = 4096
CENTRE = 2048.5  # CRPIX of the full disk
PLATE_SCALES = (0.59, 0.62)  # arcsec per pixel that a level-1 frame can have; 1700 A has 0.6129


@dataclass(frozen=True)
class Geometry:
    """Where the Sun is in a frame.

    Attributes
    ----------
    x0, y0
        Disc centre, 0-based pixel of the frame.
    scale
        Plate scale, arcsec per pixel.
    roll
        CROTA2, degrees.
    """

    x0: float
    y0: float
    scale: float
    roll: float

    @classmethod
    def of_header(cls, header: Mapping[str, Any]) -> "Geometry":
        """Geometry that a level-1 header states.

        Raises
        ------
        FrameError
            If a keyword is missing, or the frame was binned or resampled.
        """
        values = {}
        for key in ("CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "CROTA2"):
            values[key] = number(header, key)
            if values[key] is None:
                raise FrameError(f"{key} is missing in the header: the frame's geometry is unknown")
        if not all(PLATE_SCALES[0] < values[key] < PLATE_SCALES[1] for key in ("CDELT1", "CDELT2")):
            raise FrameError(
                f"CDELT is {values['CDELT1']}, {values['CDELT2']} arcsec per pixel; level-1 frames have between "
                f"{PLATE_SCALES[0]} and {PLATE_SCALES[1]}: this one was binned or resampled"
            )
        # CRVAL is 0 at level 1; where it is not, the disc centre lies that far from the reference pixel.
        c, s = _direction(values["CROTA2"])
        u, v = ((number(header, f"CRVAL{n}") or 0.0) / values[f"CDELT{n}"] for n in (1, 2))
        return cls(
            values["CRPIX1"] - 1 - (c * u + s * v),
            values["CRPIX2"] - 1 - (c * v - s * u),
            values["CDELT1"],
            values["CROTA2"],
        )

    def map(self, grid: "Grid") -> tuple[np.ndarray, np.ndarray]:
        """Matrix and offset that take a pixel (x, y) of the grid to one of the frame."""
        c, s = _direction(self.roll)
        matrix = SCALE / self.scale * np.array([[c, s], [-s, c]])
        centre = np.array([grid.crpix1 - 1, grid.crpix2 - 1])
        return matrix, np.array([self.x0, self.y0]) - matrix @ centre


@dataclass(frozen=True)
class Grid:
    """A rectangle of the level-1.5 grid: its size, and the reference pixel (FITS, 1-based) of the disc centre."""

    nx: int
    ny: int
    crpix1: float
    crpix2: float

    @classmethod
    def of_pixels(cls, x: tuple[int, int], y: tuple[int, int]) -> "Grid":
        """The part of the full disk's grid between 0-based pixels, both included."""
        return cls(x[1] - x[0] + 1, y[1] - y[0] + 1, CENTRE - x[0], CENTRE - y[0])


FULL_DISK = Grid(SIDE, SIDE, CENTRE, CENTRE)


def grid_of(
    shape: tuple[int, int], geometry: Geometry, region: Mapping[str, tuple[float, float]] | None = None
) -> Grid:
    """The grid on which a frame is registered: pixel centres are those of the full disk's, also for a cutout.

    Parameters
    ----------
    shape
        Rows and columns of the level-1 frame.
    geometry
        Of that frame.
    region
        For a cutout: bounds of its grid in arcsec, `{"x": (low, high), "y": (low, high)}`. Without one, the smallest
        rectangle of full-disk pixels that holds all of the cutout's pixel centres.

    Raises
    ------
    FrameError
        If the cutout lies beyond the full disk's frame.
    """
    if shape == (SIDE, SIDE):
        return FULL_DISK
    if region is not None:
        spans = [(region[axis][0] / SCALE + CENTRE - 1, region[axis][1] / SCALE + CENTRE - 1) for axis in "xy"]
    else:
        matrix, offset = geometry.map(FULL_DISK)
        corners = np.array([(x, y) for x in (0, shape[1] - 1) for y in (0, shape[0] - 1)])
        points = np.linalg.solve(matrix, (corners - offset).T)
        spans = list(zip(points.min(axis=1), points.max(axis=1), strict=True))
    pixels = [(max(math.ceil(low - 1e-6), 0), min(math.floor(high + 1e-6), SIDE - 1)) for low, high in spans]
    if any(low > high for low, high in pixels):
        raise FrameError(f"the cutout of {shape[1]} x {shape[0]} pixels lies beyond the full disk's frame")
    return Grid.of_pixels(*pixels)


def _direction(degrees: float) -> tuple[float, float]:
    """Cosine and sine; exact for multiples of 90 degrees, so that such rolls are permutations of pixels."""
    turns, rest = divmod(degrees, 90.0)
    if rest == 0.0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(turns) % 4]
    angle = math.radians(degrees)
    return math.cos(angle), math.sin(angle)


def number(header: Mapping[str, Any], key: str) -> float | None:
    """A keyword's value as a finite number, or None if it is missing, undefined or none."""
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        return None
    return float(value)
