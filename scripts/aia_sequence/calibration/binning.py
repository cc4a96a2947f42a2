"""Level-1.5 pixels of 2, 4 or 8 pixels a side: means of these, and their standard deviation.

A mean keeps what a pixel's value means, DN / s in 0.6 arcsec squared, so that maps of any binning look alike.
Neighbouring pixels are made of the same level-1 pixels: the variance of a mean is that of the weighted sum of level-1
pixels that it is, and more than that of independent pixels.
"""

import numpy as np

from aia_sequence.calibration.weights import cardinal_weights, keys_six
from aia_sequence.frames.compiled import njit

SIZES = (1, 2, 4, 8)


@njit(cache=True, nogil=True)
def means(image, size, out):
    """Means over squares of pixels; NaN where one of them is.

    Parameters
    ----------
    image
        float32 (ny, nx).
    size
        Pixels along a square's side.
    out
        float32 (ny // size, nx // size), is filled.
    """
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            total = 0.0
            for row in range(j * size, (j + 1) * size):
                for column in range(i * size, (i + 1) * size):
                    total += image[row, column]
            out[j, i] = total / (size * size)


@njit(cache=True, nogil=True)
def deviations(variances, matrix, offset, spline, size, gain, made, out):
    """Standard deviations of such means.

    Parameters
    ----------
    variances
        float32 (ny + 4, nx + 4), from `aia_sequence.calibration.resample.variances`.
    matrix, offset
        float64 (2, 2) and (2,): position in the level-1 image, (x, y), of a level-1.5 pixel that is not binned.
    spline
        Whether the kernel is the cubic spline; else it is Keys'.
    size
        Pixels along a square's side.
    gain
        Factor on the values.
    made
        float32, the means; NaN where there is none.
    out
        float32 of their shape, is filled.
    """
    weights = np.empty((2 * size + 10, 2 * size + 10), np.float64)
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            if made[j, i] != made[j, i]:
                out[j, i] = np.nan
                continue
            line, column = add_weights(matrix, offset, spline, i, j, size, weights)
            total = 0.0
            for m in range(weights.shape[0]):
                for n in range(weights.shape[1]):
                    if weights[m, n] != 0.0:
                        total += weights[m, n] * weights[m, n] * variances[line + 2 + m, column + 2 + n]
            out[j, i] = gain * np.sqrt(total)


@njit(cache=True, nogil=True)
def add_weights(matrix, offset, spline, i, j, size, weights):
    """Weights of level-1 pixels in the mean over a square of level-1.5 pixels.

    Parameters
    ----------
    matrix, offset, spline, size
        As for `deviations`.
    i, j
        Column and row of the square.
    weights
        float64 (2 * size + 10, 2 * size + 10), is filled.

    Returns
    -------
    tuple of int
        Row and column, in level 1, of the first of the weights.
    """
    a, b, c, d = matrix[0, 0], matrix[0, 1], matrix[1, 0], matrix[1, 1]
    low_x = low_y = np.inf
    for row in (j * size, (j + 1) * size - 1):
        for column in (i * size, (i + 1) * size - 1):
            low_x = min(low_x, a * column + b * row + offset[0])
            low_y = min(low_y, c * column + d * row + offset[1])
    first_column, first_line = int(low_x) - 2, int(low_y) - 2
    weights[:] = 0.0
    for row in range(j * size, (j + 1) * size):
        for column in range(i * size, (i + 1) * size):
            x, y = a * column + b * row + offset[0], c * column + d * row + offset[1]
            left, lower = int(x), int(y)
            tx, ty = np.float32(x - left), np.float32(y - lower)
            wx = cardinal_weights(tx) if spline else keys_six(tx)
            wy = cardinal_weights(ty) if spline else keys_six(ty)
            for m in range(6):
                for n in range(6):
                    weights[lower - 2 - first_line + m, left - 2 - first_column + n] += wy[m] * wx[n]
    weights /= size * size
    return first_line, first_column
