"""What stands beside the image in a level-1.5 file, in binary tables: its flags and its uncertainty.

Readers such as sunpy take every image of a file for an observation, and these are none.
"""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from aia_sequence.frames import streams
from aia_sequence.frames.writing import HDU, binary_table
from aia_sequence.instrument import SATURATED_FROM

UNCERTAINTY, FLAGS = "UNCERT", "FLAGS"  # EXTNAME
SATURATED, NEAR_SATURATED = 1, 2
BITS = (
    (SATURATED, "SATURATED: overlaps a saturated level-1 pixel"),
    (NEAR_SATURATED, "NEAR: depends on a saturated level-1 pixel"),
)
RUN = np.dtype([("ROW", ">i2"), ("FIRST", ">i2"), ("LAST", ">i2"), ("FLAGS", "u1")])
TILE = 16  # rows of the image that are compressed together
ROUNDED = 17  # bits of the fraction that a compressed uncertainty leaves out: the other six tell 0.8 % apart


def flags_table(runs: np.ndarray) -> HDU:
    """Table of flagged pixels.

    Parameters
    ----------
    runs
        Of type `RUN`: row, first and last column (1-based, as in FITS) of pixels with the same flags, and these.
    """
    hdu = binary_table({"ROW": "I", "FIRST": "I", "LAST": "I", "FLAGS": "B"}, runs)
    header = hdu.header
    header.set("EXTNAME", FLAGS, "extension name")
    header.set("TTYPE1", "ROW", "row of the image, from 1")
    header.set("TTYPE2", "FIRST", "first column of a run of pixels, from 1")
    header.set("TTYPE3", "LAST", "its last column")
    header.set("TTYPE4", "FLAGS", "sum of the values of its flags")
    for number, (bit, about) in enumerate(BITS, 1):
        header.set(f"FLAG{number}", bit, about)
    header.set("SATLIMIT", SATURATED_FROM, "[DN] least count of a saturated level-1 pixel")
    return hdu


def read_flags(hdu: Any, rows: slice, columns: slice) -> np.ndarray:
    """Flags of a part of the image, uint8, from their table."""
    flags = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    for row, first, last, bits in zip(*(hdu.data[name].tolist() for name in RUN.names or ()), strict=True):
        if rows.start < row <= rows.stop:
            run = slice(max(first - 1 - columns.start, 0), max(last - columns.start, 0))
            flags[row - 1 - rows.start, run] |= bits
    return flags


def uncertainty_table(sigma: np.ndarray, *, packed: bool) -> HDU:
    """Table of standard deviations, a row of the image in each of its rows.

    Parameters
    ----------
    sigma
        float32 (ny, nx), in either byte order. **It is left in the file's**, and if it is packed, rounded.
    packed
        Round them to 0.8 %, and compress the table as the FITS standard 4.0, section 10.3, says (GZIP_2).
    """
    ny, nx = sigma.shape
    if packed:
        bits = sigma.view(np.uint32)
        bits += np.uint32(1 << (ROUNDED - 1))
        bits &= np.uint32(0xFFFFFFFF << ROUNDED & 0xFFFFFFFF)
        packed_rows = [streams.gzip_2(part) for part in np.split(big_endian(sigma), range(TILE, ny, TILE))]
        rows, heap = streams.placed(packed_rows)
        hdu = binary_table({"SIGMA": f"PB({rows[:, 0].max()})"}, rows, heap)
        hdu.header.set("ZTABLE", True, "compressed table: FITS 4.0, section 10.3")
        hdu.header.set("ZTILELEN", TILE, "rows that are compressed together")
        for key, value in {"NAXIS1": 4 * nx, "NAXIS2": ny, "PCOUNT": 0, "FORM1": f"{nx}E", "CTYP1": "GZIP_2"}.items():
            hdu.header.set(f"Z{key}", value)
    else:
        hdu = binary_table({"SIGMA": f"{nx}E"}, sigma)
    hdu.header.set("EXTNAME", UNCERTAINTY, "extension name")
    # No TUNIT: FITS has no DN, and the adu that it has would be another word than the image's BUNIT.
    hdu.header.set("TTYPE1", "SIGMA", "standard deviation, unit and rows of the image")
    return hdu


def big_endian(values: np.ndarray) -> np.ndarray:
    """The same float32 array, its bytes swapped in place where they do not stand as in a file."""
    return values if values.dtype == np.dtype(">f4") else values.byteswap(inplace=True).view(">f4")


def read_uncertainty(hdu: Any, rows: slice, columns: slice) -> np.ndarray:
    """Standard deviations of a part of the image, float32, from their table; no more of it is read than that takes."""
    column = hdu.data["SIGMA"]
    if not hdu.header.get("ZTABLE"):
        return np.ascontiguousarray(column[rows, columns], dtype=np.float32)
    nx, tile = hdu.header["ZNAXIS1"] // 4, hdu.header["ZTILELEN"]
    first = rows.start // tile
    parts = [_unpacked(column[number], nx) for number in range(first, (rows.stop - 1) // tile + 1)]
    sigma = np.concatenate(parts)[rows.start - first * tile : rows.stop - first * tile, columns]
    return np.ascontiguousarray(sigma, dtype=np.float32)


def uncertainty_shape(header: Mapping[str, Any]) -> tuple[int, int]:
    """Rows and columns of the image that a table of standard deviations is of, by the table's header."""
    prefix = "Z" if header.get("ZTABLE") else ""
    return header[f"{prefix}NAXIS2"], header[f"{prefix}NAXIS1"] // 4


def _unpacked(stream: np.ndarray, nx: int) -> np.ndarray:
    planes = np.frombuffer(zlib.decompress(stream.tobytes(), streams.GZIP), np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view(">f4").reshape(-1, nx)
