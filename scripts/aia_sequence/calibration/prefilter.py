"""An image made ready for interpolation: its range, its missing pixels, and the cubic spline's coefficients.

No step lets the compiler reorder a sum or contract a product, so values do not depend on the processor's vector width.
"""

import numpy as np

from aia_sequence.frames.compiled import njit

TAPS = 12  # to either side, of the prefilter: the pole's 13th power is 4e-8, which float32 cannot tell from nothing
PREFILTER = (np.sqrt(3.0) - 2.0) ** np.arange(TAPS + 1)
PREFILTER = (PREFILTER / (PREFILTER[0] + 2 * PREFILTER[1:].sum())).astype(np.float32)  # they add up to one
POLE, GAIN = np.float32(np.sqrt(3.0) - 2.0), np.float32(6)
TURN = np.float32(POLE / (POLE * POLE - 1))  # where the recursion turns round, at the mirror
STRIP = 48  # rows that are filtered along columns at once
GROWN = TAPS  # layers of a hole that are filled from its rim before the prefilter, which reaches no deeper


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
def _add(weight, row, out):
    """Add a row with a weight to another."""
    for i in range(out.size):
        out[i] += weight * row[i]


@njit(cache=True, nogil=True)
def _onwards(row, before, out):
    """A step of the recursion upwards."""
    for i in range(out.size):
        out[i] = row[i] + POLE * before[i]


@njit(cache=True, nogil=True)
def _backwards(row, back):
    """A step of the recursion downwards, in place."""
    for i in range(back.size):
        back[i] = POLE * (back[i] - row[i])


@njit(cache=True, nogil=True)
def prefilter(image, taps, padded):
    """Spline coefficients of an image: filtered along rows, then along columns, in one pass through it.

    Along rows the recursive filter is applied as its impulse response, a sum over the neighbours on both sides: more
    arithmetic, but no step waits for the one before it. Along columns it recurs, as all columns of a row do so at once:
    upwards through a strip of rows and some beyond, and downwards again from there, where the response has died away.
    The strip stays in the cache.
    """
    ny, nx = image.shape
    ring, row = np.empty((STRIP + TAPS + 2, nx), np.float32), np.empty(nx, np.float32)
    wide, back, weight = np.empty(nx + 2 * TAPS, np.float32), np.empty(nx, np.float32), np.float32(1)
    ring[0] = np.float32(0)
    for k in range(TAPS + 1):
        _filter_row(image[_mirrored(k, ny)], taps, wide, row)
        _add(weight, row, ring[0])
        weight *= POLE
    n_done = 1
    for start in range(0, ny, STRIP):
        end = min(start + STRIP, ny)
        ahead = min(end + TAPS + 1, ny)
        while n_done < ahead:
            _filter_row(image[n_done], taps, wide, row)
            _onwards(row, ring[(n_done - 1) % len(ring)], ring[n_done % len(ring)])
            n_done += 1
        last, before = ring[(ahead - 1) % len(ring)], ring[(ahead - 2) % len(ring)]
        for i in range(nx):
            back[i] = TURN * (last[i] + POLE * before[i]) if ahead == ny else -POLE * last[i]
        for j in range(ahead - 1, start - 1, -1):
            if j < ahead - 1:
                _backwards(ring[j % len(ring)], back)
            if j < end:
                out = padded[j + 1, 1:-1]
                for i in range(nx):
                    out[i] = GAIN * back[i]
