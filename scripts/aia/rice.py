"""Decoding of Rice-compressed level-1 images, in half of the time that astropy takes.

The archive compresses each row of a 16-bit image by itself. astropy decodes them one by one from Python; here a
compiled loop goes through all of them. The format is that of the FITS standard 4.0, section 10.4.1. Anything else than
what the archive writes is left to astropy.
"""

from pathlib import Path

import numpy as np
from astropy.io import fits
from numba import njit

BLOCK = 32  # pixels that share a number of split bits
SPLIT_BITS = 4  # in which that number is written
RAW = 14  # the number that stands for differences written as they are, in 16 bits
EVEN_BYTES, EVEN_PAIRS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
NEEDED = 32  # bits of a pixel at most, between two looks at the unary part
MARGIN = 128  # bytes; more than a damaged block can run past its end before that is noticed


def read(path: str | Path) -> np.ndarray | None:
    """Read a Rice-compressed 16-bit image from the first extension of a file.

    Parameters
    ----------
    path
        FITS file.

    Returns
    -------
    numpy.ndarray or None
        int16 (ny, nx), as it is stored; None where the file is of another form, or damaged: astropy knows what to say.
    """
    with fits.open(path, disable_image_compression=True, memmap=False) as hdus:
        if len(hdus) < 2 or not _is_archives(hdus[1].header):
            return None
        header, place = hdus[1].header, hdus[1].fileinfo()
    table = header["NAXIS1"] * header["NAXIS2"]
    content = np.zeros(table + header["PCOUNT"] + MARGIN, np.uint8)
    with open(path, "rb") as file:
        file.seek(place["datLoc"])
        if file.readinto(memoryview(content)[:-MARGIN]) != content.size - MARGIN:
            return None
    rows = content[:table].view(">i4" if header["NAXIS1"] == 8 else ">i8").reshape(-1, 2).astype(np.int64)
    heap = content[header.get("THEAP", table) :]
    # Eight bytes from any place on
    words = np.ndarray((heap.size - 7,), "<u8", heap, strides=(1,))
    image = np.empty((header["ZNAXIS2"], header["ZNAXIS1"]), np.int16)
    return image if _decode(words, rows[:, 0].copy(), rows[:, 1].copy(), image) else None


def warm_up() -> None:
    """Load the compiled loop."""
    none = np.empty(0, np.int64)
    _decode(np.ndarray((1,), "<u8", np.zeros(8, np.uint8), strides=(1,)), none, none, np.empty((0, 8), np.int16))


def _is_archives(header: fits.Header) -> bool:
    """Whether a table is an image as the archive compresses it: 16 bits, row by row, nothing else in the table."""
    settings = {header.get(f"ZNAME{n}"): header.get(f"ZVAL{n}") for n in (1, 2)}
    return (
        header.get("ZIMAGE") is True
        and header.get("ZCMPTYPE") in ("RICE_1", "RICE_ONE")
        and (header.get("ZBITPIX"), header.get("ZNAXIS"), header.get("TFIELDS")) == (16, 2, 1)
        and (header.get("ZTILE1"), header.get("ZTILE2")) == (header.get("ZNAXIS1"), 1)
        and header.get("NAXIS2") == header.get("ZNAXIS2")
        and header.get("NAXIS1") in (8, 16)
        and settings.get("BLOCKSIZE") == BLOCK
        and settings.get("BYTEPIX") == 2
    )


@njit(cache=True, nogil=True)
def _decode(words, sizes, starts, image):
    """Decode all rows; False if one is not what it must be."""
    zeros = np.empty(256, np.uint8)  # leading zeros of a byte
    zeros[0] = 8
    for value in range(1, 256):
        zeros[value] = 7 - int(np.log2(value))
    for n in range(sizes.size):
        first, end = starts[n], starts[n] + sizes[n]
        if (
            sizes[n] < 2
            or first < 0
            or end > words.size + 7 - MARGIN
            or not _decode_row(words, first, end, zeros, image[n])
        ):
            return False
    return True


@njit(cache=True, nogil=True)
def _fill(words, place, held, n_held):
    """Top up the bits that wait (at the top of `held`, 56 at least); the place of the first byte that does not."""
    word = words[place]
    # The bytes in reverse order, by swapping ever larger halves
    word = ((word >> np.uint64(8)) & EVEN_BYTES) | ((word & EVEN_BYTES) << np.uint64(8))
    word = ((word >> np.uint64(16)) & EVEN_PAIRS) | ((word & EVEN_PAIRS) << np.uint64(16))
    word = (word >> np.uint64(32)) | (word << np.uint64(32))
    return place + ((63 - n_held) >> 3), held | (word >> np.uint64(n_held)), n_held | 56


@njit(cache=True, nogil=True)
def _decode_row(words, place, stop, zeros, row):
    """Decode a row: differences of neighbours, in blocks of unary quotients and `split` further bits."""
    place, held, n_held = _fill(words, place, np.uint64(0), 0)
    last = np.int64(held >> np.uint64(48))
    held, n_held = held << np.uint64(16), n_held - 16
    for first in range(0, row.size, BLOCK):
        end = min(first + BLOCK, row.size)
        place, held, n_held = _fill(words, place, held, n_held)
        split = np.int64(held >> np.uint64(64 - SPLIT_BITS)) - 1
        held, n_held = held << np.uint64(SPLIT_BITS), n_held - SPLIT_BITS
        if split < 0:
            for i in range(first, end):
                row[i] = last
        for i in range(first, end if split >= 0 else first):
            if n_held < NEEDED:
                place, held, n_held = _fill(words, place, held, n_held)
            quotient, bits = 0, 16
            if split < RAW:
                while held >> np.uint64(56) == 0:
                    held, n_held, quotient = held << np.uint64(8), n_held - 8, quotient + 8
                    place, held, n_held = _fill(words, place, held, n_held)
                    if place > stop + 8:
                        return False
                ahead = np.int64(zeros[held >> np.uint64(56)])
                held, n_held, quotient = held << np.uint64(ahead + 1), n_held - ahead - 1, quotient + ahead
                bits = split
            # Shifted in two steps, because a shift by all 64 bits is undefined
            rest = np.int64((held >> np.uint64(1)) >> np.uint64(63 - bits))
            held, n_held = held << np.uint64(bits), n_held - bits
            difference = (quotient << bits) | rest
            last += ~(difference >> 1) if difference & 1 else difference >> 1
            row[i] = last
        if place - (n_held >> 3) > stop:
            return False
    return True
