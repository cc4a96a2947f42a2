"""Compiled kernels of the resampling; `aia_sequence.calibration.resample` says what they are for and is what to call.

No step lets the compiler reorder a sum or contract a product, so values do not depend on the processor's vector width.
"""

import numpy as np

from aia_sequence.frames.compiled import njit

POLE = np.float32(np.sqrt(3.0) - 2.0)
TAPS = 12  # to either side, of the prefilter: the pole's 13th power is 4e-8, which float32 cannot tell from nothing
PREFILTER = (np.sqrt(3.0) - 2.0) ** np.arange(TAPS + 1)
PREFILTER = (PREFILTER / (PREFILTER[0] + 2 * PREFILTER[1:].sum())).astype(np.float32)  # they add up to one
GROWN = TAPS  # layers of a hole that are filled from its rim before the prefilter, which reaches no deeper
ONE, HALF, SIXTH = np.float32(1), np.float32(0.5), np.float32(1 / 6)
TWO, THREE, FOUR, FIVE = np.float32(2), np.float32(3), np.float32(4), np.float32(5)


@njit(cache=True, nogil=True)
def survey(image, blank):
    """Range of an image's valid pixels, NaN if there are none, and the number of missing ones."""
    low, high, n_missing = np.inf, -np.inf, 0
    for j in range(image.shape[0]):
        row = image[j]
        least, most, gaps = row[0], row[0], 0
        for i in range(row.size):
            gaps += row[i] == blank or row[i] != row[i]
            least, most = min(least, row[i]), max(most, row[i])
        if not gaps:
            low, high = min(low, np.float64(least)), max(high, np.float64(most))
            continue
        n_missing += gaps
        for i in range(row.size):
            if row[i] != blank and row[i] == row[i]:
                low, high = min(low, np.float64(row[i])), max(high, np.float64(row[i]))
    return (low, high, n_missing) if n_missing < image.size else (np.nan, np.nan, n_missing)


@njit(cache=True, nogil=True)
def load(image, blank, padded):
    """Copy an image into the padded array as float32, missing pixels as NaN."""
    for j in range(image.shape[0]):
        source, target = image[j], padded[j + 1, 1:-1]
        for i in range(source.size):
            target[i] = np.float32(source[i])
        for i in range(source.size):
            if source[i] == blank:
                target[i] = np.nan


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
def _mirrored(i, n):
    """Pixel 0 … n - 1 that pixel `i` is, in an image mirrored about the outermost pixels' centres."""
    i = abs(i) % (2 * (n - 1))
    return min(i, 2 * (n - 1) - i)


@njit(cache=True, nogil=True)
def _filter_row(source, taps, wide, out):
    """Spline prefilter along a row; `wide` has room for the row and `TAPS` pixels at either end."""
    n = source.size
    inner = wide[TAPS : TAPS + n]
    for i in range(n):
        inner[i] = np.float32(source[i])
    for k in range(1, TAPS + 1):
        wide[TAPS - k] = inner[_mirrored(-k, n)]
        wide[TAPS + n - 1 + k] = inner[_mirrored(n - 1 + k, n)]
    for i in range(n):
        near = taps[1] * (wide[i + 11] + wide[i + 13]) + taps[2] * (wide[i + 10] + wide[i + 14])
        near += taps[3] * (wide[i + 9] + wide[i + 15]) + taps[4] * (wide[i + 8] + wide[i + 16])
        far = taps[5] * (wide[i + 7] + wide[i + 17]) + taps[6] * (wide[i + 6] + wide[i + 18])
        far += taps[7] * (wide[i + 5] + wide[i + 19]) + taps[8] * (wide[i + 4] + wide[i + 20])
        far += taps[9] * (wide[i + 3] + wide[i + 21]) + taps[10] * (wide[i + 2] + wide[i + 22])
        far += taps[11] * (wide[i + 1] + wide[i + 23]) + taps[12] * (wide[i] + wide[i + 24])
        out[i] = taps[0] * wide[i + 12] + (near + far)


@njit(cache=True, nogil=True)
def _add_pairs(a, b, c, d, e, f, weights, out):
    """Add three pairs of rows, each with its weight."""
    u, v, w = weights
    for i in range(out.size):
        out[i] += u * (a[i] + b[i]) + v * (c[i] + d[i]) + w * (e[i] + f[i])


@njit(cache=True, nogil=True)
def prefilter(image, taps, padded):
    """Spline coefficients of an image: filtered along rows, then along columns, in one pass through it.

    The recursive filter is applied as its impulse response, a sum over the neighbours on both sides. That is more
    arithmetic, but no step waits for the one before it. The filtered rows wait in a ring that stays in the cache.
    """
    ny, nx = image.shape
    ring, wide = np.empty((2 * TAPS + 1, nx), np.float32), np.empty(nx + 2 * TAPS, np.float32)
    lines, n_filtered = np.empty((TAPS + 1, 2), np.int64), 0
    for j in range(ny):
        while n_filtered < min(j + TAPS + 1, ny):
            _filter_row(image[n_filtered], taps, wide, ring[n_filtered % len(ring)])
            n_filtered += 1
        for k in range(1, TAPS + 1):
            lines[k, 0], lines[k, 1] = _mirrored(j - k, ny) % len(ring), _mirrored(j + k, ny) % len(ring)
        out, centre = padded[j + 1, 1:-1], ring[j % len(ring)]
        for i in range(nx):
            out[i] = taps[0] * centre[i]
        for k in range(1, TAPS + 1, 3):
            (a, b), (c, d), (e, f) = lines[k], lines[k + 1], lines[k + 2]
            weights = taps[k], taps[k + 1], taps[k + 2]
            _add_pairs(ring[a], ring[b], ring[c], ring[d], ring[e], ring[f], weights, out)


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
def _sum(rows, k, wx, wy):
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
def _run_spline(rows, steps, tx, ty, dx, dy, out):
    """One run: the position moves on from (tx, ty) by (dx, dy) with each pixel."""
    for k in range(out.size):
        wx, wy = _spline_weights(tx + steps[k] * dx), _spline_weights(ty + steps[k] * dy)
        out[k] = _sum(rows, k, wx, wy)


@njit(cache=True, nogil=True)
def interpolate_spline(padded, matrix, offset, gain, missing, out):
    """Evaluate the B-spline of padded coefficients on an output grid."""
    ny, nx, width = padded.shape[0] - 2, padded.shape[1] - 2, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    steps = np.arange(width).astype(np.float32)  # a load is faster than a conversion
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        for n in range(n_runs):
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            p, q = padded[line, column:], padded[line + 1, column:]
            r, s = padded[line + 2, column:], padded[line + 3, column:]
            tx, ty = positions[n, 0], positions[n, 1]
            _run_spline((p, q, r, s), steps, tx, ty, dx, dy, out[j, i : i + length])
        _dress(out[j], first, end, gain, missing)


@njit(cache=True, nogil=True)
def _run_keys(rows, steps, tx, ty, dx, dy, out):
    """One run: the position moves on from (tx, ty) by (dx, dy) with each pixel."""
    for k in range(out.size):
        wx, wy = _keys_weights(tx + steps[k] * dx), _keys_weights(ty + steps[k] * dy)
        out[k] = _sum(rows, k, wx, wy)


@njit(cache=True, nogil=True)
def interpolate_keys(padded, matrix, offset, gain, missing, out):
    """Evaluate Keys' cubic convolution of a padded image on an output grid."""
    ny, nx, width = padded.shape[0] - 2, padded.shape[1] - 2, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    steps = np.arange(width).astype(np.float32)  # a load is faster than a conversion
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        for n in range(n_runs):
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            p, q = padded[line, column:], padded[line + 1, column:]
            r, s = padded[line + 2, column:], padded[line + 3, column:]
            tx, ty = positions[n, 0], positions[n, 1]
            _run_keys((p, q, r, s), steps, tx, ty, dx, dy, out[j, i : i + length])
        _dress(out[j], first, end, gain, missing)


@njit(cache=True, nogil=True, inline="always")
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


@njit(cache=True, nogil=True, inline="always")
def _keys_squares(t):
    """Squared weights of the six pixels around a position `t` past the third of them; Keys' outer two are nought."""
    a, b, c, d = _keys_weights(t)
    return np.float32(0), a * a, b * b, c * c, d * d, np.float32(0)


@njit(cache=True, nogil=True, inline="always")
def _square(weight):
    """The square of a weight of the cardinal spline, whose factor sqrt(3) becomes 3."""
    return THREE * weight * weight


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
def _variance_run_spline(rows, steps, tx, ty, dx, dy, out):
    """One run: the position moves on from (tx, ty) by (dx, dy) with each pixel."""
    for k in range(out.size):
        wx, wy = _cardinal_squares(tx + steps[k] * dx), _cardinal_squares(ty + steps[k] * dy)
        out[k] = _sum_six(rows, k, wx, wy)


@njit(cache=True, nogil=True)
def variance_spline(padded, matrix, offset, out):
    """Sum padded variances with the squared weights of the interpolating spline."""
    ny, nx, width = padded.shape[0] - 4, padded.shape[1] - 4, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    steps = np.arange(width).astype(np.float32)  # a load is faster than a conversion
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        for n in range(n_runs):
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            p, q, r = padded[line, column:], padded[line + 1, column:], padded[line + 2, column:]
            s, t, u = padded[line + 3, column:], padded[line + 4, column:], padded[line + 5, column:]
            tx, ty = positions[n, 0], positions[n, 1]
            _variance_run_spline((p, q, r, s, t, u), steps, tx, ty, dx, dy, out[j, i : i + length])
        out[j, :first], out[j, end:] = np.nan, np.nan


@njit(cache=True, nogil=True)
def _variance_run_keys(rows, steps, tx, ty, dx, dy, out):
    """One run: the position moves on from (tx, ty) by (dx, dy) with each pixel."""
    for k in range(out.size):
        wx, wy = _keys_squares(tx + steps[k] * dx), _keys_squares(ty + steps[k] * dy)
        out[k] = _sum_six(rows, k, wx, wy)


@njit(cache=True, nogil=True)
def variance_keys(padded, matrix, offset, out):
    """Sum padded variances with the squared weights of Keys' convolution."""
    ny, nx, width = padded.shape[0] - 4, padded.shape[1] - 4, out.shape[1]
    dx, dy = np.float32(matrix[0, 0] - 1.0), np.float32(matrix[1, 0])
    places, positions = np.empty((width, 4), np.int64), np.empty((width, 2), np.float32)
    steps = np.arange(width).astype(np.float32)  # a load is faster than a conversion
    for j in range(out.shape[0]):
        n_runs, first, end = _runs(matrix, offset, nx, ny, j, width, places, positions)
        for n in range(n_runs):
            i, length, line, column = places[n, 0], places[n, 1], places[n, 2], places[n, 3]
            # The margin shifts indices: the first of the pixels around the position stands at [line, column].
            p, q, r = padded[line, column:], padded[line + 1, column:], padded[line + 2, column:]
            s, t, u = padded[line + 3, column:], padded[line + 4, column:], padded[line + 5, column:]
            tx, ty = positions[n, 0], positions[n, 1]
            _variance_run_keys((p, q, r, s, t, u), steps, tx, ty, dx, dy, out[j, i : i + length])
        out[j, :first], out[j, end:] = np.nan, np.nan


@njit(cache=True, nogil=True)
def look_up(counts, blank, squared, padded):
    """Variances of counts, inside a margin of two pixels; nought where missing, as all in reach becomes NaN."""
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
