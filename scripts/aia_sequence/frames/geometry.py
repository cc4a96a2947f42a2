"""Geometry of frames: where the Sun is in a level-1 frame, and the pixels of level 1.5 that it is registered to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aia_sequence.errors import FrameError
from aia_sequence.frames.keywords import number, stated
from aia_sequence.instrument import CENTRE, PLATE_SCALES, SCALE, SIDE

SQUARE = 1e-5  # by which part CDELT1 and CDELT2 may differ, and terms of a rotation: 0.04 pixels across a frame


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
            If a keyword is missing, the frame was binned or resampled, or keywords contradict each other.
        """
        values = {}
        for key in ("CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "CROTA2"):
            value = number(header, key)
            if value is None:
                raise FrameError(f"{key} is missing in the header: the frame's geometry is unknown")
            values[key] = value
        if not all(PLATE_SCALES[0] < values[key] < PLATE_SCALES[1] for key in ("CDELT1", "CDELT2")):
            raise FrameError(
                f"CDELT is {values['CDELT1']}, {values['CDELT2']} arcsec per pixel; level-1 frames have between "
                f"{PLATE_SCALES[0]} and {PLATE_SCALES[1]}: this one was binned or resampled"
            )
        if not math.isclose(values["CDELT1"], values["CDELT2"], rel_tol=SQUARE):
            raise FrameError(
                f"CDELT1 is {values['CDELT1']} and CDELT2 is {values['CDELT2']}: AIA has square pixels, so one is wrong"
            )
        _check_rotation(header, values["CROTA2"], values["CDELT1"])
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
        matrix = grid.scale / self.scale * np.array([[c, s], [-s, c]])
        centre = np.array([grid.crpix1 - 1, grid.crpix2 - 1])
        return matrix, np.array([self.x0, self.y0]) - matrix @ centre

    def without(self, columns: int, rows: int) -> "Geometry":
        """The geometry of the frame without its first columns and rows."""
        return replace(self, x0=self.x0 - columns, y0=self.y0 - rows)


@dataclass(frozen=True)
class Cut:
    """Which part of the CCD a cutout holds: rows and columns of the cutout that lie on it, and what is known of them.

    Attributes
    ----------
    rows, columns
        Of the cutout. What it has beyond the CCD, blank pixels, is none of the frame's.
    first, last
        0-based pixels (x, y) within these rows and columns between which an interpolated value is the full disk's:
        farther out it would need pixels that were cut off. At the edge of the CCD nothing was.
    """

    rows: slice
    columns: slice
    first: tuple[float, float]
    last: tuple[float, float]

    @classmethod
    def of_frame(cls, shape: tuple[int, int], header: Mapping[str, Any], reach: int) -> "Cut":
        """Where a frame was cut out of the CCD, by the disc centre in either.

        Parameters
        ----------
        shape
            Rows and columns of the frame.
        header
            Its header. Without X0_MP and Y0_MP nothing is known: then all of the frame counts, and its edges as cut.
        reach
            Pixels that an interpolated value needs to either side.

        Raises
        ------
        FrameError
            If the frame has no pixel of the CCD.
        """
        spans: list[slice] = []
        first: list[float] = []
        last: list[float] = []
        for size, key, crpix in ((shape[1], "X0_MP", "CRPIX1"), (shape[0], "Y0_MP", "CRPIX2")):
            centre = number(header, key)
            start = None if centre is None else round(centre + 1 - header[crpix])
            low, high = (0, size) if start is None else (max(-start, 0), min(SIDE - start, size))
            if low >= high:
                raise FrameError(f"the cutout of {shape[1]} x {shape[0]} pixels lies beyond the CCD")
            spans.append(slice(low, high))
            first.append(-math.inf if start is not None and start + low == 0 else reach)
            last.append(math.inf if start is not None and start + high == SIDE else high - low - 1 - reach)
        return cls(spans[1], spans[0], (first[0], first[1]), (last[0], last[1]))

    @property
    def start(self) -> tuple[int, int]:
        """Columns and rows before those that lie on the CCD."""
        return self.columns.start, self.rows.start

    def conceal(self, image: np.ndarray, matrix: np.ndarray, offset: np.ndarray) -> None:
        """Set the pixels of a registered cutout to NaN that are not known to be the full disk's.

        Parameters
        ----------
        image
            float32 (ny, nx).
        matrix, offset
            From `Geometry.map`, of the rows and columns that lie on the CCD.
        """
        ny, nx = image.shape
        corners = [matrix @ (x, y) + offset for x in (0, nx - 1) for y in (0, ny - 1)]
        if all(self.first[n] <= corner[n] <= self.last[n] for corner in corners for n in (0, 1)):
            return
        x, y = np.arange(nx), np.arange(ny)[:, None]
        for n in (0, 1):
            place = matrix[n, 0] * x + matrix[n, 1] * y + offset[n]
            image[(place < self.first[n]) | (place > self.last[n])] = np.nan


@dataclass(frozen=True)
class Grid:
    """A rectangle of the level-1.5 grid: size, reference pixel (FITS, 1-based) of the disc centre, arcsec a pixel."""

    nx: int
    ny: int
    crpix1: float
    crpix2: float
    scale: float = SCALE

    @classmethod
    def of_pixels(cls, x: tuple[int, int], y: tuple[int, int]) -> "Grid":
        """The part of the full disk's grid between 0-based pixels, both included."""
        return cls(x[1] - x[0] + 1, y[1] - y[0] + 1, CENTRE - x[0], CENTRE - y[0])

    def widened(self) -> "Grid":
        """The grid with a pixel more on each side."""
        return Grid(self.nx + 2, self.ny + 2, self.crpix1 + 1, self.crpix2 + 1, self.scale)

    def binned(self, size: int) -> "Grid":
        """The grid of squares of its pixels."""
        x, y = ((crpix - 0.5) / size + 0.5 for crpix in (self.crpix1, self.crpix2))
        return Grid(self.nx // size, self.ny // size, x, y, self.scale * size)


FULL_DISK = Grid(SIDE, SIDE, CENTRE, CENTRE)


def grid_of(
    shape: tuple[int, int], geometry: Geometry, region: Mapping[str, Sequence[float]] | None = None, size: int = 1
) -> Grid:
    """The grid on which a frame is registered: pixel centres are those of the full disk's, also for a cutout.

    Parameters
    ----------
    shape
        Rows and columns of the level-1 frame.
    geometry
        Of that frame.
    region
        For a cutout: bounds of its grid in arcsec, `{"x": (low, high), "y": (low, high)}`; it ends where the full
        disk's does. Without one, the smallest rectangle of full-disk pixels that holds all of the cutout's.
    size
        Of the squares of pixels of which it has whole ones, counted from the full disk's first pixel.

    Raises
    ------
    FrameError
        If the cutout lies beyond the full disk's frame.
    """
    if region is None and shape == (SIDE, SIDE):
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
    return Grid.of_pixels(*((low // size * size, (high // size + 1) * size - 1) for low, high in pixels))


def _direction(degrees: float) -> tuple[float, float]:
    """Cosine and sine; exact for multiples of 90 degrees, so that such rolls are permutations of pixels."""
    turns, rest = divmod(degrees, 90.0)
    if rest == 0.0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(turns) % 4]
    angle = math.radians(degrees)
    return math.cos(angle), math.sin(angle)


def _check_rotation(header: Mapping[str, Any], roll: float, scale: float) -> None:
    """Make sure that a header with a matrix means the rotation by CROTA2; sunpy reads the one, SolarSoft the other."""
    c, s = _direction(roll)
    for name, unit in (("PC", 1.0), ("CD", scale)):
        terms = {f"{name}1_1": c, f"{name}1_2": -s, f"{name}2_1": s, f"{name}2_2": c}
        if not any(key in header for key in terms):
            continue
        for key, expected in terms.items():
            # The standard's values for terms that are missing.
            value = number(header, key) if key in header else float(name == "PC" and key[2] == key[4])
            if value is None or abs(value / unit - expected) > SQUARE:
                raise FrameError(
                    f"{key} is {stated(header, key) if key in header else value} and CROTA2 is {roll}, which makes it "
                    f"{expected * unit:.6g}: the header contradicts itself"
                )
