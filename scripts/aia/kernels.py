"""Compiled kernels of the resampling; `aia.resample` says what they are for and is what to call.

No step lets the compiler reorder a sum or contract a product, so values do not depend on the processor's vector width.
"""

import numpy as np
from numba import njit

POLE = np.float32(np.sqrt(3.0) - 2.0)
HORIZON = 32  # the pole's 32nd power is 5e-19: what lies farther off cannot be seen in float32
GROWN = 8  # layers of a hole that are filled from its rim before the prefilter; the pole's 8th power is 3e-5
GROUP = 8  # rows that the row filter works on at once, to hide the latency of the recursion
PANEL = 64  # columns that the column filter works on at once: 64 x 4096 coefficients stay in the second-level cache
ONE, HALF, SIXTH = np.float32(1), np.float32(0.5), np.float32(1 / 6)
TWO, THREE, FOUR, FIVE = np.float32(2), np.float32(3), np.float32(4), np.float32(5)


@njit(cache=True, nogil=True)
def load(image, blank, padded):
    """Copy an image into the padded array as float32, missing pixels as NaN; its range and how many are missing."""
    low, high, n_missing = np.inf, -np.inf, 0
    for j in range(image.shape[0]):
        source, target = image[j], padded[j + 1, 1:-1]
        for i in range(source.size):
            target[i] = np.float32(source[i])
        least, most, gaps = source[0], source[0], 0
        for i in range(source.size):
            gaps += source[i] == blank or source[i] != source[i]
            least, most = min(least, source[i]), max(most, source[i])
        if gaps:
            n_missing += gaps
            for i in range(source.size):
                if source[i] == blank or source[i] != source[i]:
                    target[i] = np.nan
                else:
                    low, high = min(low, np.float64(source[i])), max(high, np.float64(source[i]))
        else:
            low, high = min(low, np.float64(least)), max(high, np.float64(most))
    if n_missing == image.size:
        low, high = np.nan, np.nan
    return low, high, n_missing


@njit(cache=True, nogil=True)
def fill(padded, missing):
    """Fill missing pixels from the rim of their hole inwards, layer by layer; what is deeper gets a mean.

    The spline's prefilter needs values there. Values that continue the surroundings keep it from ringing into the
    pixels around the hole.
    """
    ny, nx = padded.shape[0] - 2, padded.shape[1] - 2
    left, mean = missing, np.float32(0)
    for _ in range(GROWN):
        values = np.full(len(left), np.nan, np.float32)
        for n in range(len(left)):
            total, count = 0.0, 0
            for j in range(max(left[n, 0] - 1, 0), min(left[n, 0] + 2, ny)):
                for i in range(max(left[n, 1] - 1, 0), min(left[n, 1] + 2, nx)):
                    value = padded[j + 1, i + 1]
                    if value == value:
                        total += value
                        count += 1
            if count:
                values[n] = total / count
        grown = ~np.isnan(values)
        if not grown.any():
            break
        for n in range(len(left)):
            if grown[n]:
                padded[left[n, 0] + 1, left[n, 1] + 1] = values[n]
        mean = np.float32(np.nanmean(values))
        left = left[~grown]
    for n in range(len(left)):
        padded[left[n, 0] + 1, left[n, 1] + 1] = mean


@njit(cache=True, nogil=True)
def filter_rows(padded):
    """Spline prefilter along rows, in place, with mirror boundaries; the gain of both axes (36) is applied here."""
    n = padded.shape[1] - 2
    gain, closing = np.float32(36), POLE / (POLE * POLE - ONE)
    end = np.float32(np.float64(POLE) ** (n - 1))
    carry = np.empty(GROUP, np.float32)
    for first in range(1, padded.shape[0] - 1, GROUP):
        rows = padded[first : min(first + GROUP, padded.shape[0] - 1), 1:-1]
        for k in range(rows.shape[0]):
            row = rows[k]
            total, power = row[0] + end * row[n - 1], POLE
            for i in range(1, min(n - 1, HORIZON)):
                total += power * (row[i] + end * row[n - 1 - i])
                power *= POLE
            carry[k] = gain * total / (ONE - end * end)
            row[0] = carry[k]
        for i in range(1, n):
            for k in range(rows.shape[0]):
                carry[k] = gain * rows[k, i] + POLE * carry[k]
                rows[k, i] = carry[k]
        for k in range(rows.shape[0]):
            carry[k] = (POLE * rows[k, n - 2] + rows[k, n - 1]) * closing
            rows[k, n - 1] = carry[k]
        for i in range(n - 2, -1, -1):
            for k in range(rows.shape[0]):
                carry[k] = POLE * (carry[k] - rows[k, i])
                rows[k, i] = carry[k]


@njit(cache=True, nogil=True)
def filter_columns(padded):
    """Spline prefilter along columns, in place, with mirror boundaries; a panel of columns at a time."""
    n = last = padded.shape[0] - 2
    closing, end = POLE / (POLE * POLE - ONE), np.float32(np.float64(POLE) ** (n - 1))
    total = np.empty(PANEL, np.float32)
    for left in range(1, padded.shape[1] - 1, PANEL):
        # Indices into the whole array, whose rows are known to be contiguous: loops over a view do not vectorise.
        width, power = min(PANEL, padded.shape[1] - 1 - left), POLE
        for k in range(width):
            total[k] = padded[1, left + k] + end * padded[last, left + k]
        for j in range(2, min(n, HORIZON + 1)):
            for k in range(width):
                total[k] += power * (padded[j, left + k] + end * padded[n + 1 - j, left + k])
            power *= POLE
        for k in range(width):
            padded[1, left + k] = total[k] / (ONE - end * end)
        for j in range(2, n + 1):
            for k in range(left, left + width):
                padded[j, k] += POLE * padded[j - 1, k]
        for k in range(left, left + width):
            padded[last, k] = (POLE * padded[last - 1, k] + padded[last, k]) * closing
        for j in range(n - 1, 0, -1):
            for k in range(left, left + width):
                padded[j, k] = POLE * (padded[j + 1, k] - padded[j, k])


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
def _spline_weights(t):
    """B-spline weights of the four pixels around a position `t` past the second of them."""
    s = ONE - t
    tt, ss = t * t, s * s
    return (
        ss * s * SIXTH,
        (FOUR + THREE * tt * (t - TWO)) * SIXTH,
        (FOUR + THREE * ss * (s - TWO)) * SIXTH,
        tt * t * SIXTH,
    )


@njit(cache=True, nogil=True)
def _keys_weights(t):
    """Keys' weights (a = -0.5) of the four pixels around a position `t` past the second of them."""
    s = ONE - t
    tt, ss = t * t, s * s
    return (
        -HALF * t * ss,
        ONE + HALF * tt * (THREE * t - FIVE),
        ONE + HALF * ss * (THREE * s - FIVE),
        -HALF * s * tt,
    )


@njit(cache=True, nogil=True)
def _sum(padded, j, i, wx, wy):
    """Weighted sum of the 4 x 4 values whose first is padded[j, i]."""
    a, b, c, d = wx
    e, f, g, h = wy
    return (
        e * (a * padded[j, i] + b * padded[j, i + 1] + c * padded[j, i + 2] + d * padded[j, i + 3])
        + f * (a * padded[j + 1, i] + b * padded[j + 1, i + 1] + c * padded[j + 1, i + 2] + d * padded[j + 1, i + 3])
        + g * (a * padded[j + 2, i] + b * padded[j + 2, i + 1] + c * padded[j + 2, i + 2] + d * padded[j + 2, i + 3])
        + h * (a * padded[j + 3, i] + b * padded[j + 3, i + 1] + c * padded[j + 3, i + 2] + d * padded[j + 3, i + 3])
    )


@njit(cache=True, nogil=True)
def _dress(row, first, end, low, high, gain, missing):
    """Cut an output row to a range, multiply it, and fill what lies beyond the image."""
    for i in range(first):
        row[i] = missing
    for i in range(end, row.size):
        row[i] = missing
    inner = row[first:end]
    for i in range(inner.size):
        inner[i] = gain * min(max(inner[i], low), high)


@njit(cache=True, nogil=True)
def interpolate_spline(padded, matrix, offset, low, high, gain, missing, out):
    """Evaluate the B-spline of padded coefficients on an output grid."""
    ny, nx, width = padded.shape[0] - 2, padded.shape[1] - 2, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        row = out[j]
        for n in range(n_runs):
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            tx, ty = positions[n, 0], positions[n, 1]
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            for k in range(length):
                step = np.float32(k)
                wx, wy = _spline_weights(tx + step * dx), _spline_weights(ty + step * dy)
                row[i + k] = _sum(padded, line, column + k, wx, wy)
        _dress(row, first, end, low, high, gain, missing)


@njit(cache=True, nogil=True)
def interpolate_keys(padded, matrix, offset, low, high, gain, missing, out):
    """Evaluate Keys' cubic convolution of a padded image on an output grid."""
    ny, nx, width = padded.shape[0] - 2, padded.shape[1] - 2, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        row = out[j]
        for n in range(n_runs):
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            tx, ty = positions[n, 0], positions[n, 1]
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            for k in range(length):
                step = np.float32(k)
                wx, wy = _keys_weights(tx + step * dx), _keys_weights(ty + step * dy)
                row[i + k] = _sum(padded, line, column + k, wx, wy)
        _dress(row, first, end, low, high, gain, missing)


@njit(cache=True, nogil=True)
def _cardinal_squares(t):
    """Squared weights of the six pixels around a position `t` past the third of them, in the interpolating spline.

    The cardinal spline is the B-spline filtered by sqrt(3) * pole^|k|, and four B-splines are not nought at any place.
    """
    a, b, c, d = _spline_weights(t)
    p1 = POLE
    p2 = p1 * p1
    p3 = p2 * p1
    p4 = p2 * p2
    return (
        _square(a * p1 + b * p2 + c * p3 + d * p4),
        _square(a + b * p1 + c * p2 + d * p3),
        _square(a * p1 + b + c * p1 + d * p2),
        _square(a * p2 + b * p1 + c + d * p1),
        _square(a * p3 + b * p2 + c * p1 + d),
        _square(a * p4 + b * p3 + c * p2 + d * p1),
    )


@njit(cache=True, nogil=True)
def _keys_squares(t):
    """Squared weights of the six pixels around a position `t` past the third of them; Keys' outer two are nought."""
    a, b, c, d = _keys_weights(t)
    return np.float32(0), a * a, b * b, c * c, d * d, np.float32(0)


@njit(cache=True, nogil=True)
def _square(weight):
    """The square of a weight of the cardinal spline, whose factor sqrt(3) becomes 3."""
    return THREE * weight * weight


@njit(cache=True, nogil=True)
def _six(padded, j, i, weights):
    """Weighted sum of six neighbours in a row, the first of which is padded[j, i]."""
    a, b, c, d, e, f = weights
    left = a * padded[j, i] + b * padded[j, i + 1] + c * padded[j, i + 2]
    return left + d * padded[j, i + 3] + e * padded[j, i + 4] + f * padded[j, i + 5]


@njit(cache=True, nogil=True)
def _sum_six(padded, j, i, wx, wy):
    """Weighted sum of the 6 x 6 values whose first is padded[j, i]."""
    a, b, c, d, e, f = wy
    lower = a * _six(padded, j, i, wx) + b * _six(padded, j + 1, i, wx) + c * _six(padded, j + 2, i, wx)
    upper = d * _six(padded, j + 3, i, wx) + e * _six(padded, j + 4, i, wx) + f * _six(padded, j + 5, i, wx)
    return lower + upper


@njit(cache=True, nogil=True)
def variance_spline(padded, matrix, offset, out):
    """Sum padded variances with the squared weights of the interpolating spline."""
    ny, nx, width = padded.shape[0] - 4, padded.shape[1] - 4, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        row = out[j]
        for n in range(n_runs):
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            tx, ty = positions[n, 0], positions[n, 1]
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            for k in range(length):
                step = np.float32(k)
                wx, wy = _cardinal_squares(tx + step * dx), _cardinal_squares(ty + step * dy)
                row[i + k] = _sum_six(padded, line, column + k, wx, wy)
        row[:first], row[end:] = np.nan, np.nan


@njit(cache=True, nogil=True)
def variance_keys(padded, matrix, offset, out):
    """Sum padded variances with the squared weights of Keys' convolution."""
    ny, nx, width = padded.shape[0] - 4, padded.shape[1] - 4, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        row = out[j]
        for n in range(n_runs):
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            tx, ty = positions[n, 0], positions[n, 1]
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            for k in range(length):
                step = np.float32(k)
                wx, wy = _keys_squares(tx + step * dx), _keys_squares(ty + step * dy)
                row[i + k] = _sum_six(padded, line, column + k, wx, wy)
        row[:first], row[end:] = np.nan, np.nan


@njit(cache=True, nogil=True)
def look_up(counts, blank, squared, padded):
    """Variances of counts, inside a margin of two pixels; nought where missing, as all in reach becomes NaN."""
    for j in range(counts.shape[0]):
        for i in range(counts.shape[1]):
            value = np.int64(counts[j, i])
            padded[j + 2, i + 2] = squared[min(max(value, 0), squared.size - 1)] if value != blank else np.float32(0)


@njit(cache=True, nogil=True)
def claim(missing, reach, matrix, offset, out):
    """Set the output pixels to NaN that lie closer than `reach` to a missing pixel of the input, along both axes."""
    a, b, c, d = matrix[0, 0], matrix[0, 1], matrix[1, 0], matrix[1, 1]
    determinant = a * d - b * c
    # Half the extent, in output pixels, of the square of side 2 * reach
    wide = reach * (abs(d) + abs(b)) / abs(determinant)
    tall = reach * (abs(c) + abs(a)) / abs(determinant)
    for n in range(len(missing)):
        x, y = missing[n, 1] - offset[0], missing[n, 0] - offset[1]
        centre_i, centre_j = (d * x - b * y) / determinant, (a * y - c * x) / determinant
        for j in range(max(int(centre_j - tall), 0), min(int(centre_j + tall) + 2, out.shape[0])):
            for i in range(max(int(centre_i - wide), 0), min(int(centre_i + wide) + 2, out.shape[1])):
                if abs(a * i + b * j - x) < reach and abs(c * i + d * j - y) < reach:
                    out[j, i] = np.nan
