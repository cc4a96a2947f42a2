"""Rice compression of 16-bit images as the archive's files have it: every row by itself, 32 pixels a block.

The format is that of the FITS standard 4.0, section 10.4.1, and the choice of bits that of cfitsio, so that the bytes
are those that cfitsio and astropy write.
"""

import numpy as np

from synthetic_jsoc.jit import compiled

BLOCK = 32
_RAW = 14  # from so many split bits on, a block's differences are written as they are


def compress(image):
    """
    Compress an image row by row.

    Parameters
    ----------
    image : ndarray of int16, shape (n, m)

    Returns
    -------
    lengths : ndarray of int64, shape (n,)
        Bytes of each row.
    heap : ndarray of uint8
        The rows' bytes, one after the other.
    """
    image = np.ascontiguousarray(image, dtype=np.int16)
    rows, columns = image.shape
    heap = np.empty(rows * (3 * columns + 16), dtype=np.uint8)  # more than the worst row takes
    lengths = np.empty(rows, dtype=np.int64)
    words = np.ndarray((heap.size - 3,), "<u4", heap, strides=(1,))  # four bytes from any place on
    size = _encode(image, lengths, words)
    return lengths, heap[:size]


@compiled(inline="always")
def _turned(word):
    """The lowest 32 bits, the highest byte first."""
    word = np.uint32(word)
    word = np.uint32((word & np.uint32(0x00FF00FF)) << np.uint32(8) | (word >> np.uint32(8)) & np.uint32(0x00FF00FF))
    return np.uint32(word << np.uint32(16) | word >> np.uint32(16))


@compiled
def _encode(image, lengths, words):
    """Write the rows' bytes, where `words` begin at each of them, and their lengths; returns the bytes of all."""
    rows, columns = image.shape
    codes = np.empty(BLOCK, dtype=np.uint32)
    place = 0
    for row in range(rows):
        start = place
        last = image[row, 0]
        # The bits that wait to be written, the oldest in the highest place; fewer than 32 after each step.
        word, held = np.uint64(np.uint16(last)), 16
        for first in range(0, columns, BLOCK):
            count = min(BLOCK, columns - first)
            total = np.uint32(0)
            for k in range(count):
                here = image[row, first + k]
                step = np.int32(np.int16(here - last))
                codes[k] = np.uint32((step << 1) ^ (step >> 31))
                total += codes[k]
                last = here
            split, rest = 0, max(np.int64(total) - count // 2 - 1, 0) // count >> 1
            while rest > 0:
                split += 1
                rest >>= 1
            split = min(split, _RAW)
            word, held = (word << np.uint64(4)) | np.uint64(split + 1 if total else 0), held + 4
            if held >= 32:
                held -= 32
                words[place] = _turned(word >> np.uint64(held))
                place += 4
            if total == 0:
                continue
            for k in range(count):
                code = np.uint64(codes[k])
                if split == _RAW:
                    word, held = (word << np.uint64(16)) | code, held + 16
                else:
                    top = np.int64(code >> np.uint64(split))
                    while top > 16:
                        word, held, top = word << np.uint64(16), held + 16, top - 16
                        if held >= 32:
                            held -= 32
                            words[place] = _turned(word >> np.uint64(held))
                            place += 4
                    one = np.uint64(1) << np.uint64(split)
                    length = top + 1 + split
                    word, held = (word << np.uint64(length)) | one | (code & (one - np.uint64(1))), held + length
                if held >= 32:
                    held -= 32
                    words[place] = _turned(word >> np.uint64(held))
                    place += 4
        words[place] = _turned(word << np.uint64(32 - held))
        place += (held + 7) >> 3
        lengths[row] = place - start
    return place
