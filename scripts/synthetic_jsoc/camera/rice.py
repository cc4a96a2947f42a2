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
    size = _encode(image, lengths, heap)
    return lengths, heap[:size]


@compiled
def _encode(image, lengths, heap):
    """Write the rows' bytes into `heap` and their lengths; returns the bytes of all."""
    rows, columns = image.shape
    codes = np.empty(BLOCK, dtype=np.uint32)
    place = 0
    for row in range(rows):
        start = place
        last = image[row, 0]
        # The bits that wait to be written, the oldest in the highest place; fewer than 8 after each step.
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
            if total == 0:
                word, held = word << np.uint64(4), held + 4
            elif split >= _RAW:
                word, held = (word << np.uint64(4)) | np.uint64(_RAW + 1), held + 4
            else:
                word, held = (word << np.uint64(4)) | np.uint64(split + 1), held + 4
            while held >= 8:
                held -= 8
                heap[place] = np.uint8(word >> np.uint64(held))
                place += 1
            if total == 0:
                continue
            for k in range(count):
                code = np.uint64(codes[k])
                if split >= _RAW:
                    word, held = (word << np.uint64(16)) | code, held + 16
                else:
                    top = np.int64(code >> np.uint64(split))
                    while top > 24:
                        word, held, top = word << np.uint64(24), held + 24, top - 24
                        while held >= 8:
                            held -= 8
                            heap[place] = np.uint8(word >> np.uint64(held))
                            place += 1
                    low = (np.uint64(1) << np.uint64(split)) | (
                        code & ((np.uint64(1) << np.uint64(split)) - np.uint64(1))
                    )
                    length = top + 1 + split
                    word, held = (word << np.uint64(length)) | low, held + length
                while held >= 8:
                    held -= 8
                    heap[place] = np.uint8(word >> np.uint64(held))
                    place += 1
        if held > 0:
            heap[place] = np.uint8(word << np.uint64(8 - held))
            place += 1
        lengths[row] = place - start
    return place
