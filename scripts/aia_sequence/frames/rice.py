"""Decoding of Rice-compressed level-1 images, in a fraction of the time that astropy takes.

The archive compresses each row of a 16-bit image by itself. astropy decodes them one by one from Python; here a
compiled loop goes through two at a time: within a row every pixel has to wait for the one before it, and two rows wait
for different ones. The format is that of the FITS standard 4.0, section 10.4.1. What astropy refuses is refused here:
each row ends with its last byte, neither before nor behind it. Other forms than the archive's are left to astropy.
"""

import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from aia_sequence.frames.compiled import intrinsic, njit, types

GROUP = 4  # pixels that are decoded without a look at how many bits are left
BLOCK = 32  # pixels that share a number of split bits, which is written in four bits, plus one
RAW = 14  # the number that stands for differences written as they are, in 16 bits
EVEN_BYTES, EVEN_PAIRS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
MARGIN = 512  # bytes; whether a row has ended is looked at after each block, which takes 300 at most
LONGEST = 4096  # pixels of a row, and rows
LARGEST = 4 * LONGEST * LONGEST  # bytes of compressed rows, twice as many as they have uncompressed

# What a table says of itself that holds an image as the archive compresses it: 16 bits, row by row.
FORM: dict[str, Any] = {
    "XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "GCOUNT": 1, "TFIELDS": 1, "TTYPE1": "COMPRESSED_DATA",
    "ZIMAGE": True, "ZBITPIX": 16, "ZNAXIS": 2, "ZTILE2": 1,
    "ZNAME1": "BLOCKSIZE", "ZVAL1": BLOCK, "ZNAME2": "BYTEPIX", "ZVAL2": 2,
}  # fmt: skip
# What would give its bytes another meaning.
FURTHER = {"THEAP", "TNULL1", "TSCAL1", "TZERO1", "TDIM1", "ZSCALE", "ZZERO", "ZBLANK", "ZMASKCMP", "ZQUANTIZ"}


def read(file: io.BufferedIOBase, header: Mapping[str, Any], out: np.ndarray | None = None) -> np.ndarray:
    """Read a Rice-compressed 16-bit image from the table that holds it.

    Parameters
    ----------
    file
        FITS file, at the table's first row.
    header
        The table's own, which `is_archives`.
    out
        int16, to read into if it has the image's shape.

    Returns
    -------
    numpy.ndarray
        int16 (ny, nx), as it is stored.

    Raises
    ------
    ValueError
        If the image is damaged.
    """
    table = header["NAXIS1"] * header["NAXIS2"]
    content = np.zeros(table + header["PCOUNT"] + MARGIN, np.uint8)
    if file.readinto(memoryview(content)[:-MARGIN]) != content.size - MARGIN:
        raise ValueError("the file ends within its image")
    return decode(content, header["NAXIS1"], (header["ZNAXIS2"], header["ZNAXIS1"]), out)


def decode(content: np.ndarray, width: int, shape: tuple[int, int], out: np.ndarray | None = None) -> np.ndarray:
    """Decode an image.

    Parameters
    ----------
    content
        uint8: the table of the rows' sizes and places, the rows behind it, and MARGIN bytes that are not looked at.
    width
        Of the table, bytes: 8, or 16 where sizes and places have 64 bits.
    shape
        Rows and columns of the image.
    out
        int16, to decode into if it has that shape.

    Raises
    ------
    ValueError
        If a row does not lie behind the table, or does not end where it should.
    """
    table = width * shape[0]
    rows = content[:table].view(">i4" if width == 8 else ">i8").reshape(-1, 2).astype(np.int64)
    # Eight bytes from any place on
    words = np.ndarray((content.size - table - 7,), "<u8", content[table:], strides=(1,))
    image = out if out is not None and out.shape == shape else np.empty(shape, np.int16)
    wrong = _decode(words, rows[:, 0].copy(), rows[:, 1].copy(), image)
    if wrong >= 0:
        raise ValueError(f"row {wrong} of its compressed image is damaged")
    return image


def warm_up() -> None:
    """Load the compiled loop."""
    decode(np.zeros(MARGIN, np.uint8), 8, (0, 8))


def is_archives(header: Mapping[str, Any]) -> bool:
    """Whether a table is an image as the archive compresses it, nothing else is in it, and its size is a frame's."""
    if any(type(header.get(key)) is not type(value) or header[key] != value for key, value in FORM.items()):
        return False
    numbers: list[Any] = [header.get(key) for key in ("ZNAXIS1", "ZNAXIS2", "ZTILE1", "NAXIS1", "NAXIS2", "PCOUNT")]
    if not all(type(number) is int for number in numbers) or FURTHER & set(header):
        return False
    nx, ny, tile, width, rows, heap = numbers
    form = re.fullmatch(r"1?([PQ])B(\(\d+\))?", str(header.get("TFORM1")).strip(), re.ASCII)
    return (
        header.get("ZCMPTYPE") in ("RICE_1", "RICE_ONE")
        and form is not None
        and width == {"P": 8, "Q": 16}[form[1]]
        and (tile, rows) == (nx, ny)
        and 0 < nx <= LONGEST
        and 0 < ny <= LONGEST
        and 0 <= heap <= LARGEST
    )


@intrinsic
def leading_zeros(_, word):
    """Number of zeros above a word's highest one; a machine instruction that numba does not offer."""

    def generate(context, builder, _, words):
        return builder.ctlz(words[0], context.get_constant(types.boolean, 0))

    return types.int64(types.uint64), generate


@njit(cache=True, nogil=True)
def _decode(words, sizes, starts, image):
    """Decode all rows; the first that is not what it must be, or -1."""
    n_rows, last = sizes.size, words.size + 7 - MARGIN
    for n in range(n_rows):
        # In this order nothing can overflow: a sum of two 64-bit numbers could.
        if starts[n] < 0 or starts[n] > last or sizes[n] < 2 or sizes[n] > last - starts[n]:
            return n
    n, in_pairs = 0, n_rows - 1 if image.shape[1] % GROUP == 0 else 0
    while n < n_rows:
        if n < in_pairs and _decode_pair(words, starts[n : n + 2], sizes[n : n + 2], image[n], image[n + 1]):
            n += 2
        elif _decode_row(words, starts[n], starts[n] + sizes[n], image[n]):
            n += 1
        else:
            return n
    return -1


@njit(cache=True, nogil=True)
def filled(word, held, n_held):
    """Bits that wait (at the top of `held`), topped up to 56 at least from the eight bytes that follow them."""
    # The bytes in reverse order, by swapping ever larger halves
    word = ((word >> np.uint64(8)) & EVEN_BYTES) | ((word & EVEN_BYTES) << np.uint64(8))
    word = ((word >> np.uint64(16)) & EVEN_PAIRS) | ((word & EVEN_PAIRS) << np.uint64(16))
    word = (word >> np.uint64(32)) | (word << np.uint64(32))
    return held | (word >> np.uint64(n_held))


@njit(cache=True, nogil=True)
def difference(quotient, split, rest):
    """The difference of two neighbours: even codes are positive, odd ones negative."""
    return signed((quotient << split) | np.int64(rest))


@njit(cache=True, nogil=True)
def signed(code):
    """The number that a code stands for."""
    return (code >> 1) ^ -(code & 1)


@njit(cache=True, nogil=True)
def _decode_pair(words, starts, sizes, row_a, row_b):
    """Decode two rows side by side; False if one of them is damaged, or has a block of another kind than most.

    Bits are topped up before each group of pixels, for which 56 of them mostly last: a test for each pixel that now and
    then goes the other way is foreseen by no processor, and takes a third of the time.
    """
    # Unsigned places need no look at whether they count from the end.
    a, b, end_a, end_b = np.uint64(starts[0]), np.uint64(starts[1]), starts[0] + sizes[0], starts[1] + sizes[1]
    held_a, held_b = filled(words[a], np.uint64(0), 0), filled(words[b], np.uint64(0), 0)
    last_a, last_b = np.int64(held_a >> np.uint64(48)), np.int64(held_b >> np.uint64(48))
    held_a, held_b, n_a, n_b, a, b = (
        held_a << np.uint64(16), held_b << np.uint64(16), 40, 40, a + np.uint64(7), b + np.uint64(7)
    )  # fmt: skip
    for first in range(0, row_a.size, BLOCK):
        held_a, a, n_a = filled(words[a], held_a, n_a), a + np.uint64((63 - n_a) >> 3), n_a | 56
        held_b, b, n_b = filled(words[b], held_b, n_b), b + np.uint64((63 - n_b) >> 3), n_b | 56
        split_a, split_b = np.int64(held_a >> np.uint64(60)) - 1, np.int64(held_b >> np.uint64(60)) - 1
        if not (0 <= split_a < RAW and 0 <= split_b < RAW):
            return False
        held_a, held_b, n_a, n_b = held_a << np.uint64(4), held_b << np.uint64(4), n_a - 4, n_b - 4
        down_a, down_b = np.uint64(63 - split_a), np.uint64(63 - split_b)
        one_a, one_b, past_a, past_b = np.int64(1) << split_a, np.int64(1) << split_b, split_a + 1, split_b + 1
        for group in range(first, min(first + BLOCK, row_a.size), GROUP):
            held_a, a, n_a = filled(words[a], held_a, n_a), a + np.uint64((63 - n_a) >> 3), n_a | 56
            held_b, b, n_b = filled(words[b], held_b, n_b), b + np.uint64((63 - n_b) >> 3), n_b | 56
            for k in range(GROUP):
                zeros_a, zeros_b = leading_zeros(held_a), leading_zeros(held_b)
                if zeros_a + split_a >= n_a:
                    held_a, a, n_a = filled(words[a], held_a, n_a), a + np.uint64((63 - n_a) >> 3), n_a | 56
                    zeros_a = leading_zeros(held_a)
                if zeros_b + split_b >= n_b:
                    held_b, b, n_b = filled(words[b], held_b, n_b), b + np.uint64((63 - n_b) >> 3), n_b | 56
                    zeros_b = leading_zeros(held_b)
                if zeros_a + split_a >= n_a or zeros_b + split_b >= n_b:
                    return False
                # The one that ends the zeros leads the further bits, and is taken off again.
                held_a, held_b = held_a << np.uint64(zeros_a), held_b << np.uint64(zeros_b)
                last_a += signed((zeros_a << split_a) + np.int64(held_a >> down_a) - one_a)
                last_b += signed((zeros_b << split_b) + np.int64(held_b >> down_b) - one_b)
                row_a[group + k], row_b[group + k] = last_a, last_b
                held_a, held_b = held_a << np.uint64(past_a), held_b << np.uint64(past_b)
                n_a, n_b = n_a - zeros_a - past_a, n_b - zeros_b - past_b
        if np.int64(a) - (n_a >> 3) > end_a or np.int64(b) - (n_b >> 3) > end_b:
            return False
    return np.int64(a) - (n_a >> 3) == end_a and np.int64(b) - (n_b >> 3) == end_b


@njit(cache=True, nogil=True)
def _decode_row(words, place, stop, row):
    """Decode a row with blocks of any kind: differences of neighbours, unary quotients and `split` further bits."""
    held, n_held = filled(words[place], np.uint64(0), 0), 40
    last, held, place = np.int64(held >> np.uint64(48)), held << np.uint64(16), place + 7
    for first in range(0, row.size, BLOCK):
        end = min(first + BLOCK, row.size)
        held, place, n_held = filled(words[place], held, n_held), place + ((63 - n_held) >> 3), n_held | 56
        split = np.int64(held >> np.uint64(60)) - 1
        held, n_held = held << np.uint64(4), n_held - 4
        bits: Any = split if split < RAW else 16
        if split < 0:
            row[first:end] = last
            end = first
        for i in range(first, end):
            held, place, n_held = filled(words[place], held, n_held), place + ((63 - n_held) >> 3), n_held | 56
            quotient = 0
            if split < RAW:
                while held >> np.uint64(32) == 0:
                    held, n_held, quotient = held << np.uint64(32), n_held - 32, quotient + 32
                    held, place, n_held = filled(words[place], held, n_held), place + ((63 - n_held) >> 3), n_held | 56
                    if place > stop + 8:
                        return False
                zeros = leading_zeros(held)
                held, n_held, quotient = held << np.uint64(zeros + 1), n_held - zeros - 1, quotient + zeros
                held, place, n_held = filled(words[place], held, n_held), place + ((63 - n_held) >> 3), n_held | 56
            last += difference(quotient, bits, held >> np.uint64(1) >> np.uint64(63 - bits))
            held, n_held = held << np.uint64(bits), n_held - bits
            row[i] = last
        if place - (n_held >> 3) > stop:
            return False
    return place - (n_held >> 3) == stop
