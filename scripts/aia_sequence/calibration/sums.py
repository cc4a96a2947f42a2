"""Uncertainty of a sum over pixels of a level-1.5 frame.

Neighbouring level-1.5 pixels are made of the same level-1 pixels, so their errors are correlated: added in quadrature
they give 10 to 25 % too little. The errors of level-1 pixels are independent. A sum is a weighted sum of them, whose
weights are the registration's, added up over the region; its variance is the sum of their variances with the squares of
these weights. For a large even region that is sigma of a level-1 pixel * sqrt(pixels) * (CDELT of level 1 / 0.6).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aia_sequence.calibration.binning import add_weights
from aia_sequence.calibration.resample import coefficients
from aia_sequence.calibration.weights import cardinal_squares, keys_squares, keys_weights, spline_weights
from aia_sequence.frames.compiled import njit
from aia_sequence.frames.geometry import Geometry, Grid

MARGIN = 10  # level-1 pixels around a region; the spline's weights fall off by 0.27 a pixel


def sum_uncertainty(sigma: np.ndarray, header: Mapping[str, Any], factors: np.ndarray | None = None) -> float:
    """Standard deviation of the sum over the pixels of a level-1.5 image.

    Parameters
    ----------
    sigma
        float32 (ny, nx), standard deviation of each pixel; NaN for those that are left out.
    header
        Of the image: `CRPIXi` and `BINNING`, and the registration that it went through, `REGMETH` and `REG_*`.
    factors
        float32 (ny, nx), what each pixel is multiplied by before it is added; without them, by one.

    Returns
    -------
    float
        In the unit of the pixels; 0 for no pixel.
    """
    ny, nx = sigma.shape
    geometry = Geometry(header["REG_X"] - 1, header["REG_Y"] - 1, header["REG_SCL"], header["REG_ROT"])
    size = header.get("BINNING", 1)
    middle = [(header[key] - 0.5) * size + 0.5 for key in ("CRPIX1", "CRPIX2")]
    matrix, offset = geometry.map(Grid(size * nx, size * ny, *middle))
    corners = np.array([(x, y) for x in (0, size * nx - 1) for y in (0, size * ny - 1)]) @ matrix.T + offset
    first = np.floor(corners.min(axis=0)).astype(int) - MARGIN
    columns, rows = np.ceil(corners.max(axis=0)).astype(int) + MARGIN + 1 - first
    weights, offset, spline = np.zeros((rows, columns), np.float32), offset - first, header["REGMETH"] != "keys"
    variances = np.empty(sigma.shape, np.float32)
    if factors is None:
        factors = np.broadcast_to(np.float32(1), sigma.shape)
    _add_weights(sigma, factors, matrix, offset, spline, size, weights, variances)
    if spline:  # the prefilter is its own transpose
        weights = coefficients(weights).padded[1:-1, 1:-1]
    return float(np.sqrt(_add_variances(weights, variances, np.linalg.inv(matrix), offset, size)))


@njit(cache=True, nogil=True)
def _add_weights(sigma, factors, matrix, offset, spline, size, weights, variances):
    """Add up the weights of all pixels in the level-1 pixels (the spline's: in its coefficients) that they are made of.

    Of each, `variances` gets the variance of the level-1 pixels around it: its own over its sum of squared weights.
    """
    square = np.empty((2 * size + 10, 2 * size + 10), np.float64)
    for j in range(sigma.shape[0]):
        for i in range(sigma.shape[1]):
            value = sigma[j, i]
            if value != value:
                variances[j, i] = np.nan
                continue
            share = np.float32(factors[j, i] / (size * size))
            for row in range(j * size, (j + 1) * size):
                for column in range(i * size, (i + 1) * size):
                    _add_pixel(matrix, offset, spline, share, column, row, weights)
            if size > 1:
                add_weights(matrix, offset, spline, i, j, size, square)
                squares = np.sum(square * square)
            else:
                squares = _squares(matrix, offset, spline, i, j)
            variances[j, i] = value * value / squares


@njit(cache=True, nogil=True)
def _place(matrix, offset, i, j):
    """The level-1 pixel, column and row, at or below a pixel's position, and the position past it."""
    x, y = matrix[0, 0] * i + matrix[0, 1] * j + offset[0], matrix[1, 0] * i + matrix[1, 1] * j + offset[1]
    column, line = int(x), int(y)
    return column, line, np.float32(x - column), np.float32(y - line)


@njit(cache=True, nogil=True)
def _add_pixel(matrix, offset, spline, share, i, j, weights):
    """Add a share of a pixel's weights."""
    column, line, tx, ty = _place(matrix, offset, i, j)
    wx, wy = (spline_weights(tx), spline_weights(ty)) if spline else (keys_weights(tx), keys_weights(ty))
    for m in range(4):
        row = weights[line - 1 + m]
        for n in range(4):
            row[column - 1 + n] += share * (wy[m] * wx[n])


@njit(cache=True, nogil=True)
def _squares(matrix, offset, spline, i, j):
    """Sum of the squares of a pixel's weights."""
    _, _, tx, ty = _place(matrix, offset, i, j)
    sx, sy = (cardinal_squares(tx), cardinal_squares(ty)) if spline else (keys_squares(tx), keys_squares(ty))
    across = sx[0] + sx[1] + sx[2] + sx[3] + sx[4] + sx[5]
    upwards = sy[0] + sy[1] + sy[2] + sy[3] + sy[4] + sy[5]
    return np.float64(across * upwards)


@njit(cache=True, nogil=True)
def _add_variances(weights, variances, inverse, offset, size):
    """Add up the variances of level-1 pixels with the squares of their weights.

    A pixel's variance is that around the level-1.5 pixel nearest to it. Where that is none, beside a hole, it is the
    mean of the others.
    """
    ny, nx = variances.shape
    known, found, total = 0.0, 0.0, 0.0
    for line in range(weights.shape[0]):
        for column in range(weights.shape[1]):
            weight = np.float64(weights[line, column])
            if weight == 0.0:
                continue
            x, y = column - offset[0], line - offset[1]
            i = min(max(int(np.rint(inverse[0, 0] * x + inverse[0, 1] * y)) // size, 0), nx - 1)
            j = min(max(int(np.rint(inverse[1, 0] * x + inverse[1, 1] * y)) // size, 0), ny - 1)
            total += weight * weight
            if variances[j, i] == variances[j, i]:
                known += weight * weight
                found += weight * weight * variances[j, i]
    return found * total / known if known > 0.0 else 0.0
