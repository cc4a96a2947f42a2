"""Sums of pixels on another grid; `aia_sequence.calibration.resample` says what they are for and is what to call.

No step lets the compiler reorder a sum or contract a product, so values do not depend on the processor's vector width.
"""

import numpy as np

from aia_sequence.calibration.weights import cardinal_squares, keys_squares, keys_weights, spline_weights
from aia_sequence.frames.compiled import njit


@njit(cache=True, nogil=True)
def _inside(start, step, last, n):
    """First and one past the last of the pixels 0 … n - 1 whose coordinate, start + step * pixel, lies in [0, last]."""
    if step == 0.0:
        return (0, n) if 0.0 <= start <= last else (0, 0)
    ends = (-start / step, (last - start) / step)
    lower, upper = min(max(min(ends), 0.0), np.float64(n)), max(min(max(ends), np.float64(n)), -1.0)
    # Division rounds: the exact limits are found by asking the pixels next to it.
    first = max(int(np.ceil(lower)) - 1, 0)
    end = min(int(np.floor(upper)) + 2, n)
    while first < end and not 0.0 <= start + step * first <= last:
        first += 1
    while end > first and not 0.0 <= start + step * (end - 1) <= last:
        end -= 1
    return first, end


@njit(cache=True, nogil=True)
def _length(t, step):
    """Number of steps for which t + step * k stays within [0, 1)."""
    if step > 0.0:
        return (1.0 - t) / step
    if step < 0.0:
        return t / -step
    return np.inf


@njit(cache=True, nogil=True)
def _runs(matrix, offset, nx, ny, j, width, places, positions):
    """Cut an output row into runs within which the input row, and the offset of the input column, stay the same.

    Fills `places` (first output pixel, its number of pixels, input row, input column) and `positions` (position past
    that row and column) of each run; the number of runs, and the row's first pixel within the image and one past its
    last.
    """
    step_x, step_y = matrix[0, 0], matrix[1, 0]
    start_x, start_y = matrix[0, 1] * j + offset[0], matrix[1, 1] * j + offset[1]
    x_first, x_end = _inside(start_x, step_x, nx - 1, width)
    y_first, y_end = _inside(start_y, step_y, ny - 1, width)
    first, end = max(x_first, y_first), max(min(x_end, y_end), max(x_first, y_first))
    i, n = first, 0
    while i < end:
        x, y = start_x + step_x * i, start_y + step_y * i
        column, line = min(int(x), nx - 2), min(int(y), ny - 2)
        tx, ty = x - column, y - line
        room = np.float64(min(end - i, nx - 1 - column))
        length = max(int(min(_length(tx, step_x - 1.0), _length(ty, step_y), room)), 1)
        places[n, 0], places[n, 1], places[n, 2], places[n, 3] = i, length, line, column
        positions[n, 0], positions[n, 1] = tx, ty
        i += length
        n += 1
    return n, first, end


@njit(cache=True, nogil=True)
def _sum_four(rows, k, wx, wy):
    """Weighted sum of 4 x 4 values: pixels k to k + 3 of four rows."""
    p, q, r, s = rows
    a, b, c, d = wx
    e, f, g, h = wy
    return (
        e * (a * p[k] + b * p[k + 1] + c * p[k + 2] + d * p[k + 3])
        + f * (a * q[k] + b * q[k + 1] + c * q[k + 2] + d * q[k + 3])
        + g * (a * r[k] + b * r[k + 1] + c * r[k + 2] + d * r[k + 3])
        + h * (a * s[k] + b * s[k + 1] + c * s[k + 2] + d * s[k + 3])
    )


@njit(cache=True, nogil=True, inline="always")
def _six(row, k, weights):
    """Weighted sum of pixels k to k + 5 of a row."""
    a, b, c, d, e, f = weights
    left = a * row[k] + b * row[k + 1] + c * row[k + 2]
    return left + d * row[k + 3] + e * row[k + 4] + f * row[k + 5]


@njit(cache=True, nogil=True, inline="always")
def _sum_six(rows, k, wx, wy):
    """Weighted sum of 6 x 6 values: pixels k to k + 5 of six rows."""
    p, q, r, s, t, u = rows
    a, b, c, d, e, f = wy
    lower = a * _six(p, k, wx) + b * _six(q, k, wx) + c * _six(r, k, wx)
    upper = d * _six(s, k, wx) + e * _six(t, k, wx) + f * _six(u, k, wx)
    return lower + upper


@njit(cache=True, nogil=True)
def _dress(row, first, end, gain, missing):
    """Multiply an output row, and fill what lies beyond the image."""
    for i in range(first):
        row[i] = missing
    for i in range(end, row.size):
        row[i] = missing
    inner = row[first:end]
    for i in range(inner.size):
        inner[i] = gain * inner[i]


@njit(cache=True, nogil=True)
def _run(padded, line, column, steps, tx, ty, dx, dy, spline, out):
    """One run: the position moves on from (tx, ty) by (dx, dy) with each pixel. A loop vectorises without the flag."""
    rows = padded[line, column:], padded[line + 1, column:], padded[line + 2, column:], padded[line + 3, column:]
    if spline:
        for k in range(out.size):
            wx, wy = spline_weights(tx + steps[k] * dx), spline_weights(ty + steps[k] * dy)
            out[k] = _sum_four(rows, k, wx, wy)
    else:
        for k in range(out.size):
            wx, wy = keys_weights(tx + steps[k] * dx), keys_weights(ty + steps[k] * dy)
            out[k] = _sum_four(rows, k, wx, wy)


@njit(cache=True, nogil=True)
def _run_squares(padded, line, column, steps, tx, ty, dx, dy, spline, out):
    """One run with squared weights."""
    p, q, r = padded[line, column:], padded[line + 1, column:], padded[line + 2, column:]
    s, t, u = padded[line + 3, column:], padded[line + 4, column:], padded[line + 5, column:]
    if spline:
        for k in range(out.size):
            wx, wy = cardinal_squares(tx + steps[k] * dx), cardinal_squares(ty + steps[k] * dy)
            out[k] = _sum_six((p, q, r, s, t, u), k, wx, wy)
    else:
        for k in range(out.size):
            wx, wy = keys_squares(tx + steps[k] * dx), keys_squares(ty + steps[k] * dy)
            out[k] = _sum_six((p, q, r, s, t, u), k, wx, wy)


@njit(cache=True, nogil=True)
def evaluate(padded, matrix, offset, spline, squared, gain, missing, out):
    """Sum the pixels around every position of an output grid with a kernel's weights, or with their squares.

    Parameters
    ----------
    padded
        float32, the image or its spline coefficients inside a margin of one pixel, two for squares (there: variances).
    matrix, offset
        float64 (2, 2) and (2,): position in the image of an output pixel, (x, y) each.
    spline
        Whether the kernel is the cubic spline; else it is Keys'. A flag and no function: numba keeps no compiled code
        of what takes functions.
    squared
        Whether the weights are squared; the spline's are then those of the cardinal spline.
    gain
        float32, factor on the sums.
    missing
        float32, the value beyond the image.
    out
        float32 (rows, columns), is filled.
    """
    margin = 2 if squared else 1
    ny, nx, width = padded.shape[0] - 2 * margin, padded.shape[1] - 2 * margin, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    steps = np.arange(width).astype(np.float32)  # a load is faster than a conversion
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        for n in range(n_runs):
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            tx, ty, target = positions[n, 0], positions[n, 1], out[j, i : i + length]
            if squared:
                _run_squares(padded, line, column, steps, tx, ty, dx, dy, spline, target)
            else:
                _run(padded, line, column, steps, tx, ty, dx, dy, spline, target)
        _dress(out[j], first, end, gain, missing)


@njit(cache=True, nogil=True)
def look_up(counts, blank, squared, padded):
    """Variances of counts, inside a margin of two pixels; zero where missing, as all in reach becomes NaN."""
    for j in range(counts.shape[0]):
        for i in range(counts.shape[1]):
            value = np.int64(counts[j, i])
            padded[j + 2, i + 2] = squared[min(max(value, 0), squared.size - 1)] if value != blank else np.float32(0)


@njit(cache=True, nogil=True)
def claim(pixels, reach, matrix, offset, value, out):
    """Set the output pixels to a value that lie closer than `reach` to one of some input pixels, along both axes."""
    a, b, c, d = matrix[0, 0], matrix[0, 1], matrix[1, 0], matrix[1, 1]
    determinant = a * d - b * c
    # Half the extent, in output pixels, of the square of side 2 * reach
    wide = reach * (abs(d) + abs(b)) / abs(determinant)
    tall = reach * (abs(c) + abs(a)) / abs(determinant)
    for n in range(len(pixels)):
        x, y = pixels[n, 1] - offset[0], pixels[n, 0] - offset[1]
        centre_i, centre_j = (d * x - b * y) / determinant, (a * y - c * x) / determinant
        for j in range(max(int(centre_j - tall), 0), min(int(centre_j + tall) + 2, out.shape[0])):
            for i in range(max(int(centre_i - wide), 0), min(int(centre_i + wide) + 2, out.shape[1])):
                if abs(a * i + b * j - x) < reach and abs(c * i + d * j - y) < reach:
                    out[j, i] = value
