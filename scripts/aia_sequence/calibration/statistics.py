"""Statistics of a level-1.5 image: the keywords that level 1 states of its own pixels, for the new ones.

One pass for the moments and a coarse histogram, one for the fine histograms around the percentiles; missing pixels
(NaN) do not count. Sums are kept in lanes, whose number is fixed, so the result does not depend on the processor.
"""

import math
from typing import Any

import numpy as np

from aia_sequence.frames.compiled import njit

LANES = 16
COARSE, FINE = 18, 14  # bits of a float32 that the coarse histogram tells apart, and those that are left to a fine one
SIGN = 1 << 31  # the bit of a float32 that holds its sign
LOWEST = 0x007FFFFF >> FINE  # coarse bin of minus infinity; below it are negative NaN
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
    bits, sums, histogram = image.view(np.uint32), np.zeros((4, LANES)), np.zeros(1 << COARSE, np.int32)
    count = _count_up(image, bits, shift, sums, histogram)
    histogram = _ascending(histogram)
    histogram[:LOWEST] = 0
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
    values = {"DATAMEAN": float(shift) + s1, "DATARMS": m2**0.5}
    if m2 > 0:
        values |= {"DATASKEW": m3 / m2**1.5, "DATAKURT": m4 / m2**2 - 3}
    column = image[:, image.shape[1] // 2]
    column = column[~np.isnan(column)]
    if column.size:
        values["DATACENT"] = np.median(column)
    ranks = {
        "DATAMIN": 0,
        **{key: max(-(-count * p // 100) - 1, 0) for key, p in PERCENTILES.items()},
        "DATAMAX": count - 1,
    }
    values |= dict(zip(ranks, _ranked(bits, histogram, np.array(list(ranks.values()), np.int64)), strict=True))
    # Nine digits are what float32 can tell apart.
    return counts | {key: float(f"{float(value) + 0.0:.9g}") for key, value in values.items()}


def _near(image):
    """A typical value: sums of differences to it do not cancel."""
    sample = image[:: max(image.shape[0] // 64, 1), :: max(image.shape[1] // 64, 1)]
    sample = sample[~np.isnan(sample)]
    return np.median(sample) if sample.size else 0.0


@njit(cache=True, nogil=True)
def _key(bits):
    """Bits of a float32, rearranged so that they ascend with the value; NaN comes last, negative NaN first."""
    return np.uint32(bits ^ np.uint32(-np.int32(bits >> np.uint32(31)) | np.uint32(SIGN)))


@njit(cache=True, nogil=True, inline="always")
def _add(value, shift, lane, sums):
    """Add the powers of a value to those of a lane, if it is valid."""
    d = np.float64(value - shift) if value == value else 0.0
    dd = d * d
    sums[lane] += d
    sums[lane + LANES] += dd
    sums[lane + 2 * LANES] += dd * d
    sums[lane + 3 * LANES] += dd * dd


@njit(cache=True, nogil=True)
def _count_up(image, bits, shift, sums, histogram):
    """Add up the first four powers of value - shift of the valid pixels, in lanes; return how many these are.

    `sums` (4, LANES) and `histogram` come as zeros. A row's sums are added to those of the rows before, which keeps
    rounding small. The `histogram` is that of the COARSE upper bits of all pixels.
    """
    # In one array, as a compiler cannot tell that several do not overlap, and then adds one pixel after another.
    of_row, total = np.zeros(4 * LANES), 0
    for j in range(image.shape[0]):
        row, upper = image[j], bits[j]
        valid: Any = np.int32(0)  # a loop that counts in 32 bits vectorises
        whole = row.size // LANES * LANES
        for first in range(0, whole, LANES):
            part = row[first : first + LANES]
            for k in range(LANES):
                _add(part[k], shift, k, of_row)
        for i in range(whole, row.size):
            _add(row[i], shift, i - whole, of_row)
        for power in range(4):
            for k in range(LANES):
                sums[power, k] += of_row[power * LANES + k]
                of_row[power * LANES + k] = 0.0
        for i in range(row.size):
            valid += np.int32(row[i] == row[i])
        total += valid
        for i in range(row.size):
            histogram[upper[i] >> np.uint32(FINE)] += 1
    return total


def _ascending(table):
    """A table by upper bits, put in the order of values: negative ones come last, the largest first."""
    half = 1 << (COARSE - 1)
    return np.concatenate([table[half:][::-1], table[:half]])


@njit(cache=True, nogil=True)
def _ranked(bits, histogram, ranks):
    """Values at given ranks (0-based, ascending) among valid pixels: a fine histogram of each coarse bin that has one.

    Missing pixels have the highest keys, which no rank reaches, or the lowest, which the histogram leaves out.
    """
    slots = np.zeros(histogram.size, np.uint8)
    bins, below = np.empty(ranks.size, np.int64), np.empty(ranks.size, np.int64)
    used = 0
    for n in range(ranks.size):
        bins[n], below[n] = _reached(histogram, ranks[n])
        if not slots[bins[n]]:
            used += 1
            slots[bins[n]] = used
    by_bits = np.empty_like(slots)
    for upper in range(slots.size):
        by_bits[upper] = slots[_key(np.uint32(upper << FINE)) >> np.uint32(FINE)]
    fine = np.zeros((used + 1, 1 << FINE), np.int32)
    for j in range(bits.shape[0]):
        row = bits[j]
        for i in range(row.size):
            slot = by_bits[row[i] >> np.uint32(FINE)]
            if slot:
                fine[slot, _key(row[i]) & np.uint32((1 << FINE) - 1)] += 1
    values = np.empty(ranks.size, np.float32)
    for n in range(ranks.size):
        lower, _ = _reached(fine[slots[bins[n]]], ranks[n] - below[n])
        key = np.uint32(bins[n] << FINE | lower)
        back = key ^ np.uint32(SIGN) if key >> np.uint32(31) else ~key
        values[n] = np.uint32(back).view(np.float32)
    return values


@njit(cache=True, nogil=True)
def _reached(histogram, rank):
    """The bin in which a rank lies, and how many values are in those below."""
    seen, n = 0, 0
    while seen + histogram[n] <= rank:
        seen += histogram[n]
        n += 1
    return n, seen
