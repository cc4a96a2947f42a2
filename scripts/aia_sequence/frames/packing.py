"""Images of level 1.5 packed row by row, as the FITS standard 4.0 says of tiled images (section 10).

With loss: values are rounded to multiples of a step with subtractive dithering (10.2), and the whole numbers that come
of it are Rice-coded (10.4.1). Arithmetic, dithering and the choice of bits are CFITSIO's, so pixels are those that it
and astropy make of the same image and step, and so are the bytes of rows in which no pixel is missing. In others they
differ in what a missing pixel is written as: astropy takes the lowest number there is, so far from all others that the
blocks around it are not compressed at all. A neighbour of the row's lowest value saves a fiftieth of a full-disk frame.
"""

from functools import cache
from typing import Any

import numpy as np

from aia_sequence.frames.compiled import njit
from aia_sequence.frames.streams import gzip_2, gzipped, placed

BLOCK = 32  # pixels that share a number of split bits, which is written in five bits, plus one
RAW = 25  # the number that stands for differences written as they are, in 32 bits
SEED = 1  # of the dithering (ZDITHER0): that of the first row, and a fixed one, so that it is repeatable
BLANK = -16  # a missing pixel; values of a row begin at zero, and no further below than dithering takes them
MOST = 2**31 - 11  # steps between a row's lowest and highest value
LONGEST = 4096  # rows, and pixels of one: dithering goes through its numbers once
ROW = [("COMPRESSED_DATA", ">i4", 2), ("GZIP_COMPRESSED_DATA", ">i4", 2), ("ZSCALE", ">f8"), ("ZZERO", ">f8")]


@cache
def numbers():
    """The 10,000 numbers between zero and one that the standard dithers with (its appendix I)."""
    found, seed = np.empty(10_000, np.float32), 1.0
    for n in range(found.size):
        product = 16807.0 * seed
        seed = product - 2147483647.0 * int(product / 2147483647.0)
        found[n] = seed / 2147483647.0
    return found


def rice_rows(image, step):
    """Round an image and pack it.

    Parameters
    ----------
    image : numpy.ndarray
        float32 (ny, nx), native byte order; NaN is missing.
    step : float
        What values are rounded to, in the image's unit.

    Returns
    -------
    table : numpy.ndarray
        Of each row: `COMPRESSED_DATA` and `GZIP_COMPRESSED_DATA`, bytes and place of its code in the heap, `ZSCALE` and
        `ZZERO`. A row whose values lie too far apart for 32 bits, or that has one pixel, is stored without loss, as
        gzip stream.
    heap : numpy.ndarray
        uint8.
    """
    ny, nx = image.shape
    if max(image.shape) > LONGEST:
        raise ValueError(f"an image of {ny} x {nx} pixels; {LONGEST} rows and columns at most can be packed")
    table = np.zeros(ny, ROW)
    delta, sizes, zeros = np.float64(np.float32(step)), np.empty(ny, np.int64), np.empty(ny)
    heap = np.empty(ny * (4 * nx + nx // 4 + 64), np.uint8)
    words = np.ndarray((heap.size - 3,), "<u4", heap, strides=(1,))
    size = _pack(image, delta, numbers(), words, sizes, zeros)
    apart = np.flatnonzero(sizes < 0)
    sizes[apart] = 0
    table["COMPRESSED_DATA"] = np.stack([sizes, np.cumsum(sizes) - sizes], axis=1)
    table["ZSCALE"], table["ZZERO"] = delta, zeros
    places, streams = placed([gzipped(image[row].astype(">f4").tobytes()) for row in apart])
    for row, (length, start) in zip(apart, places.tolist(), strict=True):
        table[row] = (0, 0), (length, size + start), 0, 0
    return table, np.concatenate([heap[:size], streams]) if streams.size else heap[:size]


def gzip_rows(image):
    """Pack an image without loss (GZIP_2): `COMPRESSED_DATA` of each row, bytes and place in the heap; and the heap."""
    places, heap = placed([gzip_2(row) for row in image.astype(">f4")])
    return places.view([("COMPRESSED_DATA", ">i4", 2)]).reshape(-1), heap


def warm_up():
    """Load the compiled loop."""
    rice_rows(np.zeros((1, 8), np.float32), 0.1)


@njit(cache=True, nogil=True)
def _pack(image, delta, numbers, words, sizes, zeros):
    """Round and encode all rows; their bytes one after another in `words`, whose index counts bytes; how many in all.

    `sizes` gets those of each row, -1 where it cannot be rounded, and `zeros` what its numbers count from.
    """
    ny, nx = image.shape
    steps, codes, place = np.empty(nx, np.int32), np.empty(BLOCK, np.uint32), 0
    for j in range(ny):
        row = image[j]
        low, high = np.float32(np.inf), np.float32(-np.inf)
        for i in range(nx):
            low = row[i] if row[i] < low else low
            high = row[i] if row[i] > high else high
        if low > high:  # none is valid
            low, high = np.float32(0), np.float32(0)
        zeros[j], sizes[j] = 0.0, -1
        if nx < 2 or not np.float64(high - low) / delta < MOST or not abs(np.float64(low) / delta) < 2.0**62:
            continue
        # A multiple of the step: an image that was packed and unpacked is packed to the same again
        zeros[j] = np.float64(np.int64(np.float64(low) / delta + 0.5)) * delta
        first = int(np.float64(numbers[j + SEED - 1]) * 500.0)
        _round(row, zeros[j], delta, numbers[first : first + nx], steps)
        sizes[j] = _encode(steps, codes, words, place)
        place += sizes[j]
    return place


@njit(cache=True, nogil=True)
def _round(row, zero, delta, numbers, steps):
    """Number of steps that each pixel of a row lies above `zero`, each with its share of dithering."""
    for i in range(row.size):
        valid = row[i] == row[i]
        value = np.float64(row[i]) if valid else zero
        exact = (value - zero) / delta + np.float64(numbers[i]) - 0.5
        steps[i] = np.int32(exact + (0.5 if exact >= 0.0 else -0.5)) if valid else np.int32(BLANK)


@njit(cache=True, nogil=True)
def _encode(steps, codes, words, place):
    """Write a row's numbers from a byte on; how many bytes that takes."""
    start, last = place, steps[0]
    # Bits that wait to be written, the newest in the lowest place, fewer than 32
    held: Any = np.uint64(0)
    n_held: Any = 0
    place = _put(words, place, np.uint64(np.uint32(last)))
    for first in range(0, steps.size, BLOCK):
        n, total = min(BLOCK, steps.size - first), np.uint64(0)
        for k in range(n):
            step = np.int32(steps[first + k] - last)
            last = steps[first + k]
            codes[k] = np.uint32((step << np.int32(1)) ^ (step >> np.int32(31)))
            total += np.uint64(codes[k])
        split: Any = 0
        rest = max(np.int64(total) - n // 2 - 1, 0) // n >> 1
        while rest > 0:
            split += 1
            rest >>= 1
        split = min(split, RAW)
        held, n_held = held << np.uint64(5) | np.uint64(0 if total == 0 else split + 1), n_held + 5
        if n_held >= 32:
            n_held -= 32
            place = _put(words, place, held >> np.uint64(n_held))
        if total == 0:
            continue
        if split == RAW:
            for k in range(n):
                held = held << np.uint64(32) | np.uint64(codes[k])
                place = _put(words, place, held >> np.uint64(n_held))
            continue
        one, mask = np.uint64(1) << np.uint64(split), (np.uint64(1) << np.uint64(split)) - np.uint64(1)
        for k in range(n):
            code = np.uint64(codes[k])
            zeros: Any = np.int64(code >> np.uint64(split))
            while zeros + split >= 32:  # more than fit with the rest
                some = min(zeros, 32)
                held, n_held, zeros = held << np.uint64(some), n_held + some, zeros - some
                if n_held >= 32:
                    n_held -= 32
                    place = _put(words, place, held >> np.uint64(n_held))
            length = zeros + 1 + split
            held, n_held = held << np.uint64(length) | one | code & mask, n_held + length
            if n_held >= 32:
                n_held -= 32
                place = _put(words, place, held >> np.uint64(n_held))
    _put(words, place, held << np.uint64(32 - n_held))
    return place + (n_held + 7) // 8 - start


@njit(cache=True, nogil=True, inline="always")
def _put(words, place, bits):
    """Write the lowest 32 bits, the highest byte first; the place behind them."""
    word = np.uint32(bits)
    pairs = (word & np.uint32(0x00FF00FF)) << np.uint32(8) | (word >> np.uint32(8)) & np.uint32(0x00FF00FF)
    words[place] = np.uint32(pairs << np.uint32(16) | pairs >> np.uint32(16))
    return place + 4
