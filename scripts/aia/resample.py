"""Affine resampling of an image by cubic convolution: the registration's kernel.

Two interpolation kernels, both cubic:

* `cubic-spline`, the interpolating cubic B-spline. Its values are those of `scipy.ndimage.affine_transform` (order 3,
  mode "constant"): a recursive prefilter along rows and columns (Unser, Aldroubi & Eden 1993, IEEE Trans. Signal
  Process. 41, 821), then the B-spline of the coefficients.
* `keys`, cubic convolution with a = -0.5 (Keys 1981, IEEE Trans. Acoust. 29, 1153): IDL's `cubic=-0.5`, which
  SolarSoft's aia_prep uses.

Where the speed comes from: registration maps are nearly the identity, so along an output row the input row and the
offset of the input column stay the same for hundreds of pixels. Each row is cut into such runs. Inside a run all loads
are contiguous and the loop vectorises; any other affine map merely has short runs. No step lets the compiler reorder a
sum or contract a product, so the values do not depend on the processor's vector width.
"""

import numpy as np
from numba import njit

KERNELS = ("cubic-spline", "keys")
# A missing pixel claims every output pixel that lies closer to it than this, in input pixels along both axes. Keys has
# four taps and nothing else. The spline's prefilter reaches on without end, falling off by 0.27 a pixel; sunpy claims
# one pixel more than the taps, and so do we.
REACH = {"cubic-spline": 3.0, "keys": 2.0}
POLE = np.float32(np.sqrt(3.0) - 2.0)
HORIZON = 32  # the pole's 32nd power is 5e-19: what lies farther off cannot be seen in float32
GROWN = 8  # layers of a hole that are filled from its rim before the prefilter; the pole's 8th power is 3e-5
GROUP = 8  # rows that the row filter works on at once, to hide the latency of the recursion
PANEL = 64  # columns that the column filter works on at once: 64 x 4096 coefficients stay in the second-level cache
ONE, HALF, SIXTH = np.float32(1), np.float32(0.5), np.float32(1 / 6)
TWO, THREE, FOUR, FIVE = np.float32(2), np.float32(3), np.float32(4), np.float32(5)
SPLINE, KEYS, SPLINE_VARIANCE, KEYS_VARIANCE = range(4)
ABSENT = np.int64(2**40)  # a BLANK that no integer image can hold


class Coefficients:
    """An image made ready for interpolation.

    Attributes
    ----------
    padded
        float32 (ny + 2, nx + 2): spline coefficients, or the image itself for `keys`, mirrored by one pixel about the
        outermost pixels' centres, as scipy does.
    kernel
        The kernel that they belong to.
    low, high
        Range of the image without its missing pixels; NaN if all are missing.
    missing
        int64 (n, 2): row and column of each missing pixel, in order.
    """

    def __init__(self, padded, kernel, low, high, missing):
        self.padded, self.kernel, self.low, self.high, self.missing = padded, kernel, low, high, missing

    @property
    def shape(self):
        """Rows and columns of the image."""
        return self.padded.shape[0] - 2, self.padded.shape[1] - 2


def coefficients(image, kernel="cubic-spline", blank=None, out=None):
    """Make an image ready for interpolation.

    Missing pixels are filled from their surroundings before the recursive prefilter, which would otherwise carry them
    along whole rows and columns.

    Parameters
    ----------
    image : numpy.ndarray
        (ny, nx), at least 4 x 4; integers or floats. NaN is missing.
    kernel : str
        One of `KERNELS`.
    blank : int, optional
        Value of missing pixels in an integer image.
    out : numpy.ndarray, optional
        float32 (ny + 2, nx + 2) to work in; without it an array is made.

    Returns
    -------
    Coefficients

    Raises
    ------
    ValueError
        If the kernel is unknown or the image is too small.
    """
    if kernel not in KERNELS:
        raise ValueError(f"{kernel!r} is not an interpolation kernel; allowed are {', '.join(KERNELS)}")
    if image.ndim != 2 or min(image.shape) < 4:
        raise ValueError(f"an image of shape {image.shape} cannot be interpolated: 4 x 4 pixels are needed")
    if not image.dtype.isnative:
        image = image.astype(image.dtype.newbyteorder("="))
    padded = np.empty((image.shape[0] + 2, image.shape[1] + 2), np.float32) if out is None else out
    low, high, n_missing = _load(image, ABSENT if blank is None else np.int64(blank), padded)
    missing = np.empty((0, 2), np.int64)
    if n_missing:
        missing = np.argwhere(np.isnan(padded[1:-1, 1:-1]))
        _fill(padded, missing)
    if kernel == "cubic-spline":
        _filter_rows(padded)
        _filter_columns(padded)
    _mirror(padded)
    return Coefficients(padded, kernel, low, high, missing)


def fill_missing(image, blank=None):
    """Fill the missing pixels of an image from around them.

    Returns
    -------
    filled : numpy.ndarray
        float32 (ny, nx).
    missing : numpy.ndarray
        int64 (n, 2): row and column of each missing pixel.
    """
    padded = np.empty((image.shape[0] + 2, image.shape[1] + 2), np.float32)
    _load(image, ABSENT if blank is None else np.int64(blank), padded)
    missing = np.argwhere(np.isnan(padded[1:-1, 1:-1]))
    _fill(padded, missing)
    return padded[1:-1, 1:-1], missing


def interpolate(source, matrix, offset, shape, *, clip=True, gain=1.0, missing=np.nan, out=None):
    """Evaluate the interpolated image on the pixels of another grid.

    Parameters
    ----------
    source : Coefficients
        From `coefficients`.
    matrix, offset : array-like
        (2, 2) and (2,): input pixel (x, y) = matrix @ output pixel (x, y) + offset, all 0-based at pixel centres.
    shape : tuple of int
        Rows and columns of the output.
    clip : bool
        Cut values to the range of the input image, as sunpy does.
    gain : float
        Factor on the (clipped) values.
    missing : float
        Value of pixels that lie beyond the outermost pixels' centres.
    out : numpy.ndarray, optional
        float32 of that shape to write to.

    Returns
    -------
    numpy.ndarray
        float32; NaN where a missing pixel is within `REACH`.
    """
    matrix, offset = np.asarray(matrix, np.float64), np.asarray(offset, np.float64)
    out = np.empty(shape, np.float32) if out is None else out
    unlimited = np.float32(np.inf)
    limited = clip and source.low <= source.high
    low, high = (np.float32(source.low), np.float32(source.high)) if limited else (-unlimited, unlimited)
    kind = SPLINE if source.kernel == "cubic-spline" else KEYS
    _interpolate(source.padded, kind, matrix, offset, low, high, np.float32(gain), np.float32(missing), out)
    if len(source.missing):
        _claim(source.missing, REACH[source.kernel], matrix, offset, out)
    return out


def resample(image, matrix, offset, shape, kernel="cubic-spline", *, blank=None, clip=True, gain=1.0, missing=np.nan):
    """Resample an image in one call; see `coefficients` and `interpolate` for the parameters."""
    return interpolate(coefficients(image, kernel, blank), matrix, offset, shape, clip=clip, gain=gain, missing=missing)


def variance(counts, blank, squared, kernel, missing, matrix, offset, *, gain=1.0, padded=None, out=None, shape=None):
    """Standard deviation of an interpolated image whose pixels have independent errors.

    An interpolated value is a weighted sum of pixels, so its variance is the sum of theirs with squared weights. For the
    spline these are the weights of the cardinal spline, prefilter included, over six pixels along each axis; what lies
    farther out carries less than 1e-4 of the sum. Interpolating between pixels averages noise: midway between four of
    them the variance is about half of theirs.

    Parameters
    ----------
    counts : numpy.ndarray
        Integers (ny, nx).
    blank : int or None
        Value of missing pixels.
    squared : numpy.ndarray
        float32, the variance of 0, 1, 2 … counts. Negative counts have that of 0.
    kernel : str
        One of `KERNELS`.
    missing : numpy.ndarray
        Missing pixels as in `Coefficients`.
    matrix, offset, gain
        As in `interpolate`; the standard deviation is multiplied by the gain.
    padded, out : numpy.ndarray, optional
        float32 (ny + 4, nx + 4) to work in, and the output to write to.
    shape : tuple of int, optional
        Rows and columns of the output, where no `out` is given.

    Returns
    -------
    numpy.ndarray
        float32; NaN beyond the frame and where a missing pixel is within `REACH`.
    """
    matrix, offset = np.asarray(matrix, np.float64), np.asarray(offset, np.float64)
    padded = np.empty((counts.shape[0] + 4, counts.shape[1] + 4), np.float32) if padded is None else padded
    out = np.empty(shape, np.float32) if out is None else out
    _look_up(counts, ABSENT if blank is None else np.int64(blank), squared, padded)
    kind = SPLINE_VARIANCE if kernel == "cubic-spline" else KEYS_VARIANCE
    unlimited = np.float32(np.inf)
    _interpolate(padded, kind, matrix, offset, np.float32(0), unlimited, np.float32(1), np.float32(np.nan), out)
    if len(missing):
        _claim(missing, REACH[kernel], matrix, offset, out)
    np.sqrt(out, out=out)
    return np.multiply(out, np.float32(gain), out=out)


def add_to_sunpy():
    """Register the kernels with sunpy as rotation methods `aia-cubic-spline` and `aia-keys`.

    Afterwards `smap.rotate(method="aia-keys", order=3)` and `sunpy.image.transform.affine_transform` use them.
    """
    from sunpy.image.transform import add_rotation_function

    def method(kernel):
        def rotate(image, matrix, shift, order, missing, clip):
            return resample(image, matrix, shift, image.shape, kernel, clip=clip, missing=missing)

        rotate.__doc__ = f"\n    * Cubic convolution in float32, kernel {kernel}; see `aia.resample`.\n    "
        return rotate

    for kernel in KERNELS:
        # sunpy's own clipping also takes `missing` into account, so it is left to sunpy.
        add_rotation_function(
            f"aia-{kernel}",
            allowed_orders={3},
            handles_clipping=False,
            handles_image_nans=True,
            handles_nan_missing=True,
        )(method(kernel))


@njit(cache=True, nogil=True)
def _load(image, blank, padded):
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
def _fill(padded, missing):
    """Fill missing pixels from the rim of their hole inwards, layer by layer; what is deeper gets the last layer's mean.

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
def _filter_rows(padded):
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
def _filter_columns(padded):
    """Spline prefilter along columns, in place, with mirror boundaries; a panel of columns at a time."""
    n = padded.shape[0] - 2
    closing, end = POLE / (POLE * POLE - ONE), np.float32(np.float64(POLE) ** (n - 1))
    total = np.empty(PANEL, np.float32)
    for left in range(1, padded.shape[1] - 1, PANEL):
        panel = padded[1:-1, left : min(left + PANEL, padded.shape[1] - 1)]
        width, power = panel.shape[1], POLE
        for k in range(width):
            total[k] = panel[0, k] + end * panel[n - 1, k]
        for j in range(1, min(n - 1, HORIZON)):
            for k in range(width):
                total[k] += power * (panel[j, k] + end * panel[n - 1 - j, k])
            power *= POLE
        for k in range(width):
            panel[0, k] = total[k] / (ONE - end * end)
        for j in range(1, n):
            for k in range(width):
                panel[j, k] += POLE * panel[j - 1, k]
        for k in range(width):
            panel[n - 1, k] = (POLE * panel[n - 2, k] + panel[n - 1, k]) * closing
        for j in range(n - 2, -1, -1):
            for k in range(width):
                panel[j, k] = POLE * (panel[j + 1, k] - panel[j, k])


@njit(cache=True, nogil=True)
def _mirror(padded):
    """Mirror the outermost pixels' neighbours into the margin."""
    padded[1:-1, 0] = padded[1:-1, 2]
    padded[1:-1, -1] = padded[1:-1, -3]
    padded[0] = padded[2]
    padded[-1] = padded[-3]


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
def _look_up(counts, blank, squared, padded):
    """Variances of counts, mirrored into a margin of two pixels; nought for missing ones, whose neighbours are NaN anyway."""
    for j in range(counts.shape[0]):
        for i in range(counts.shape[1]):
            value = np.int64(counts[j, i])
            padded[j + 2, i + 2] = squared[min(max(value, 0), squared.size - 1)] if value != blank else np.float32(0)
    for n in range(2):
        padded[2:-2, n] = padded[2:-2, 4 - n]
        padded[2:-2, -1 - n] = padded[2:-2, -5 + n]
    for n in range(2):
        padded[n] = padded[4 - n]
        padded[-1 - n] = padded[-5 + n]


@njit(cache=True, nogil=True)
def _run(padded, kind, j, i, tx, dx, ty, dy, row):
    """A stretch of an output row in which the input row, and the offset of the input column, stay the same."""
    tx, dx, ty, dy = np.float32(tx), np.float32(dx), np.float32(ty), np.float32(dy)
    if kind == SPLINE:
        for k in range(row.size):
            step = np.float32(k)
            row[k] = _sum(padded, j, i + k, _spline_weights(tx + step * dx), _spline_weights(ty + step * dy))
    elif kind == KEYS:
        for k in range(row.size):
            step = np.float32(k)
            row[k] = _sum(padded, j, i + k, _keys_weights(tx + step * dx), _keys_weights(ty + step * dy))
    elif kind == SPLINE_VARIANCE:
        for k in range(row.size):
            step = np.float32(k)
            row[k] = _sum_six(padded, j, i + k, _cardinal_squares(tx + step * dx), _cardinal_squares(ty + step * dy))
    else:
        for k in range(row.size):
            step = np.float32(k)
            row[k] = _sum_six(padded, j, i + k, _keys_squares(tx + step * dx), _keys_squares(ty + step * dy))


@njit(cache=True, nogil=True)
def _inside(start, step, last, n):
    """First and one past the last of the pixels 0 … n - 1 whose coordinate, start + step * pixel, lies in [0, last]."""
    if step == 0.0:
        return (0, n) if 0.0 <= start <= last else (0, 0)
    ends = (-start / step, (last - start) / step)
    lower, upper = max(min(ends), -1.0), min(max(ends), np.float64(n))
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
def _interpolate(padded, kind, matrix, offset, low, high, gain, missing, out):
    margin = 1 if kind in (SPLINE, KEYS) else 2
    last_x, last_y = padded.shape[1] - 1 - 2 * margin, padded.shape[0] - 1 - 2 * margin
    step_x, step_y = matrix[0, 0], matrix[1, 0]
    for j in range(out.shape[0]):
        row = out[j]
        start_x = matrix[0, 1] * j + offset[0]
        start_y = matrix[1, 1] * j + offset[1]
        x_first, x_end = _inside(start_x, step_x, last_x, row.size)
        y_first, y_end = _inside(start_y, step_y, last_y, row.size)
        first, end = max(x_first, y_first), min(x_end, y_end)
        if first >= end:
            row[:] = missing
            continue
        row[:first], row[end:] = missing, missing
        i = first
        while i < end:
            x, y = start_x + step_x * i, start_y + step_y * i
            column, line = min(int(x), last_x - 1), min(int(y), last_y - 1)
            tx, ty = x - column, y - line
            room = min(end - i, last_x - column)
            run = max(int(min(_length(tx, step_x - 1.0), _length(ty, step_y), np.float64(room))), 1)
            # The margin shifts indices, so the first of the four (or six) pixels around x stands at `column`.
            _run(padded, kind, line, column, tx, step_x - 1.0, ty, step_y, row[i : i + run])
            i += run
        inner = row[first:end]
        for i in range(inner.size):
            inner[i] = gain * min(max(inner[i], low), high)


@njit(cache=True, nogil=True)
def _claim(missing, reach, matrix, offset, out):
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
