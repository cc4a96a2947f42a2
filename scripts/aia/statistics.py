"""Statistics of a level-1.5 image: the keywords that level 1 states of its own pixels, for the new ones.

One pass for the moments, one for the percentiles; missing pixels (NaN) do not count. Sums are kept in lanes, whose
number is fixed, so the result does not depend on the processor.
"""

import math

import numpy as np
from numba import njit

LANES = 16
PERCENTILES = {"DATAP01": 1, "DATAP10": 10, "DATAP25": 25, "DATAMEDN": 50, "DATAP75": 75, "DATAP90": 90, "DATAP95": 95,
               "DATAP98": 98, "DATAP99": 99}  # fmt: skip


def statistics(image):
    """Statistics of an image.

    Parameters
    ----------
    image : numpy.ndarray
        float32 (ny, nx), native byte order; NaN is missing.

    Returns
    -------
    dict
        Keyword to value. DATARMS is the standard deviation, DATAKURT the excess over a normal distribution's,
        percentiles are values that occur (the smallest that so many per cent do not exceed), DATACENT is the median of
        the column right of the centre. A frame without a valid pixel has the counts alone.
    """
    shift, total = np.float32(_near(image)), image.size
    sums, counted = np.zeros((4, LANES)), np.zeros(LANES, np.int32)
    low, high = np.full(LANES, np.inf, np.float32), np.full(LANES, -np.inf, np.float32)
    _moments(image, shift, sums, low, high, counted)
    count = int(counted.sum())
    counts = {
        "TOTVALS": total,
        "DATAVALS": count,
        "MISSVALS": total - count,
        "PERCENTD": round(100.0 * count / total, 6),
    }
    if count == 0:
        return counts
    s1, s2, s3, s4 = (math.fsum(power) / count for power in sums)
    m2 = max(s2 - s1**2, 0.0)
    m3 = s3 - 3 * s1 * s2 + 2 * s1**3
    m4 = s4 - 4 * s1 * s3 + 6 * s1**2 * s2 - 3 * s1**4
    values = {"DATAMIN": low.min(), "DATAMAX": high.max(), "DATAMEAN": float(shift) + s1, "DATARMS": m2**0.5}
    if m2 > 0:
        values |= {"DATASKEW": m3 / m2**1.5, "DATAKURT": m4 / m2**2 - 3}
    ranks = np.array([max(-(-count * p // 100) - 1, 0) for p in PERCENTILES.values()], np.int64)
    values |= dict(zip(PERCENTILES, _ranked(image, ranks), strict=True))
    column = image[:, image.shape[1] // 2]
    column = column[~np.isnan(column)]
    if column.size:
        values["DATACENT"] = np.median(column)
    # Nine digits are what float32 can tell apart.
    return counts | {key: float(f"{float(value):.9g}") for key, value in values.items()}


def _near(image):
    """A typical value: sums of differences to it do not cancel."""
    sample = image[:: max(image.shape[0] // 64, 1), :: max(image.shape[1] // 64, 1)]
    sample = sample[~np.isnan(sample)]
    return np.median(sample) if sample.size else 0.0


@njit(cache=True, nogil=True, inline="always")
def _add(value, shift, lane, sums, low, high, counts):
    """Add a value to a lane, if it is valid."""
    valid = value == value
    d = np.float64(value - shift) if valid else 0.0
    dd = d * d
    sums[0, lane] += d
    sums[1, lane] += dd
    sums[2, lane] += dd * d
    sums[3, lane] += dd * dd
    counts[lane] += np.int32(valid)
    low[lane] = value if value < low[lane] else low[lane]
    high[lane] = value if value > high[lane] else high[lane]


@njit(cache=True, nogil=True)
def _moments(image, shift, sums, low, high, counts):
    """Add up the first four powers of value - shift of the valid pixels, in lanes; their range and number.

    `sums` (4, LANES), `low`, `high` and `counts` (LANES) come initialised. A row's sums are added to those of the rows
    before, which keeps rounding small.
    """
    of_row = np.zeros((4, LANES))
    for j in range(image.shape[0]):
        row = image[j]
        for first in range(0, row.size - LANES + 1, LANES):
            for k in range(LANES):
                _add(row[first + k], shift, k, of_row, low, high, counts)
        for i in range(row.size // LANES * LANES, row.size):
            _add(row[i], shift, i % LANES, of_row, low, high, counts)
        for power in range(4):
            for k in range(LANES):
                sums[power, k] += of_row[power, k]
                of_row[power, k] = 0.0


@njit(cache=True, nogil=True)
def _key(value):
    """Bits of a float32, rearranged so that they ascend with the value."""
    bits = np.float32(value).view(np.uint32)
    return ~bits if bits >> 31 else bits | np.uint32(0x80000000)


@njit(cache=True, nogil=True)
def _ranked(image, ranks):
    """Values at given ranks (0-based, ascending) among valid pixels, by the upper, then the lower half of bits."""
    upper = np.zeros(65536, np.int64)
    for j in range(image.shape[0]):
        for i in range(image.shape[1]):
            value = image[j, i]
            if value == value:
                upper[_key(value) >> 16] += 1
    slot = np.full(65536, -1, np.int64)
    bins = np.empty(ranks.size, np.int64)
    below = np.zeros(ranks.size, np.int64)
    used = 0
    for n in range(ranks.size):
        seen, b = 0, 0
        while seen + upper[b] <= ranks[n]:
            seen += upper[b]
            b += 1
        bins[n], below[n] = b, seen
        if slot[b] < 0:
            slot[b] = used
            used += 1
    lower = np.zeros((used, 65536), np.int64)
    for j in range(image.shape[0]):
        for i in range(image.shape[1]):
            value = image[j, i]
            if value == value:
                key = _key(value)
                s = slot[key >> 16]
                if s >= 0:
                    lower[s, key & np.uint32(0xFFFF)] += 1
    values = np.empty(ranks.size, np.float32)
    for n in range(ranks.size):
        seen, b = below[n], 0
        while seen + lower[slot[bins[n]], b] <= ranks[n]:
            seen += lower[slot[bins[n]], b]
            b += 1
        key = np.uint32(bins[n] << 16 | b)
        bits = key & np.uint32(0x7FFFFFFF) if key >> 31 else ~key
        values[n] = np.uint32(bits).view(np.float32)
    return values
