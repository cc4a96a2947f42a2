"""The camera: the scene sampled by a detector's pixels, and the counts that an exposure makes of it.

Every pixel's noise is a hash of the frame's seed and of the pixel's own number, so an image is the same however it is
computed.
"""

from functools import cache
from statistics import NormalDist

import numpy as np

from aia.compiled import njit
from synthetic.instrument import SATURATION_DN

_JIT = {"cache": True, "nogil": True, "error_model": "numpy"}
_QUANTILES = 4096
# Compression noise begins at these counts, and is at least that of rounding (aiapy's estimate_error).
_COMPRESSED_FROM_DN = 25.0
_BRIGHTEST = float(SATURATION_DN)


@cache
def quantiles():
    """Normal deviates of equal probability, of mean 0, scaled so that the sum of two has unit variance."""
    normal = NormalDist()
    table = np.array([normal.inv_cdf((number + 0.5) / _QUANTILES) for number in range(_QUANTILES)])
    return (table / (table.std() * np.sqrt(2))).astype(np.float32)


@njit(inline="always", **_JIT)
def _weights(f):
    """Cubic B-spline weights of the four coefficients around a point, a fraction `f` beyond the second."""
    g = 1.0 - f
    return g * g * g / 6.0, 2.0 / 3.0 - 0.5 * f * f * (1.0 + g), 2.0 / 3.0 - 0.5 * g * g * (1.0 + f), f * f * f / 6.0


@njit(**_JIT)
def _sample_run(a, b, c, d, fx, step_x, fy, step_y, out):
    """Spline values at consecutive pixels over consecutive coefficients of four rows: every load is contiguous."""
    for k in range(out.size):
        x0, x1, x2, x3 = _weights(fx + k * step_x)
        y0, y1, y2, y3 = _weights(fy + k * step_y)
        out[k] = (
            y0 * (x0 * a[k] + x1 * a[k + 1] + x2 * a[k + 2] + x3 * a[k + 3])
            + y1 * (x0 * b[k] + x1 * b[k + 1] + x2 * b[k + 2] + x3 * b[k + 3])
            + y2 * (x0 * c[k] + x1 * c[k + 1] + x2 * c[k + 2] + x3 * c[k + 3])
            + y3 * (x0 * d[k] + x1 * d[k + 1] + x2 * d[k + 2] + x3 * d[k + 3])
        )


@njit(inline="always", **_JIT)
def _run_end(start, count, u, v, step_u, step_v):
    """First pixel after `start` whose scene row is another, or whose scene column has slipped by one."""
    left, low = np.floor(u), np.floor(v)
    far = count - start
    for slip, step, place in ((1.0, step_u - 1.0, u - left), (1.0, step_v, v - low)):
        if step != 0.0:
            room = (slip - place) / step if step > 0 else place / -step
            far = min(far, max(int(np.ceil(min(room, 1e9))), 1))
    return start + far


@njit(**_JIT)
def _sample_row(scene, first_u, first_v, step_u, step_v, out):
    """
    Evaluate the spline along one row of the detector.

    A row of a nearly aligned detector falls into a few runs of pixels over consecutive columns of the scene and one
    row of it. Beyond the scene its edge is repeated.
    """
    size = scene.shape[0]
    start = 0
    while start < out.size:
        u, v = first_u + start * step_u, first_v + start * step_v
        end = _run_end(start, out.size, u, v, step_u, step_v)
        left, low = np.floor(u), np.floor(v)
        row, column, run = int(low) - 1, int(left) - 1, end - start
        within = row >= 0 and row + 3 < size
        first = min(max(-column, 0), run) if within else run
        last = max(min(size - 3 - column, run), first)
        if last > first:
            _sample_run(
                scene[row, column + first : column + last + 3],
                scene[row + 1, column + first : column + last + 3],
                scene[row + 2, column + first : column + last + 3],
                scene[row + 3, column + first : column + last + 3],
                u - left + first * (step_u - 1.0),
                step_u - 1.0,
                v - low + first * step_v,
                step_v,
                out[start + first : start + last],
            )
        for k in range(run):
            if not first <= k < last:
                out[start + k] = scene[min(max(row + 1, 0), size - 1), min(max(column + 1 + k, 0), size - 1)]
        start = end


@njit(**_JIT)
def expose(scene, place, factor, noise, normal, seed, counts):
    """
    Counts of one exposure.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, n)
        Spline coefficients, DN/s at launch.
    place : ndarray, shape (6,)
        Scene column and row of detector pixel (0, 0), their steps along a detector row, and along a detector column.
    factor : float
        Exposure in seconds times sensitivity left.
    noise : ndarray, shape (3,)
        DN per photon, the variance of read and dark noise (DN squared), and shot noise over compression noise.
    normal : ndarray
        The table of `quantiles`.
    seed : int
        64 bits.
    counts : ndarray of int16, shape (m, m)
        Written.
    """
    size = counts.shape[0]
    per_photon, steady, compression = noise
    mask = np.uint64(normal.size - 1)
    means = np.empty(size)
    for row in range(size):
        _sample_row(scene, place[0] + row * place[4], place[1] + row * place[5], place[2], place[3], means)
        base = np.uint64(seed) + np.uint64(row * size) * np.uint64(0x9E3779B97F4A7C15)
        for column in range(size):
            mean = means[column] * factor
            state = base + np.uint64(column) * np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = normal[(state >> np.uint64(40)) & mask] + normal[(state >> np.uint64(52)) & mask]
            shot = max(mean, 0.0) * per_photon
            packed = max(shot / (compression * compression), 1.0 / 12.0) if mean >= _COMPRESSED_FROM_DN else 0.0
            variance = shot + steady + packed
            sigma = np.sqrt(variance)
            # A normal deviate bent to the skewness of the Poisson part: mean, variance and third moment are right.
            bend = shot * per_photon / (variance * sigma) / 6.0
            value = mean + sigma * (z + bend * (z * z - 1.0)) / np.sqrt(1.0 + 2.0 * bend * bend)
            counts[row, column] = np.int16(min(max(np.floor(value + 0.5), -32767.0), _BRIGHTEST))


@njit(**_JIT)
def on_nodes(scene):
    """The spline's values on its own grid: rows and columns convolved with (1, 4, 1) / 6."""
    rows, columns = scene.shape
    values = np.empty_like(scene)
    mixed = np.empty(columns)
    for row in range(rows):
        above, below = max(row - 1, 0), min(row + 1, rows - 1)
        for column in range(columns):
            mixed[column] = (scene[above, column] + 4.0 * scene[row, column] + scene[below, column]) / 6.0
        for column in range(columns):
            left, right = max(column - 1, 0), min(column + 1, columns - 1)
            values[row, column] = (mixed[left] + 4.0 * mixed[column] + mixed[right]) / 6.0
    return values
