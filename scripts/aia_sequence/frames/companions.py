"""What stands beside the image in a level-1.5 file, in binary tables: its flags and its uncertainty.

Readers such as sunpy take every image of a file for an observation, and these are none.
"""

import zlib
from typing import Any

import numpy as np
from astropy.io import fits

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
GZIP = 16 + zlib.MAX_WBITS


def flags_table(runs: np.ndarray) -> fits.BinTableHDU:
    """Table of flagged pixels.

    Parameters
    ----------
    runs
        Of type `RUN`: row, first and last column (1-based, as in FITS) of pixels with the same flags, and these.
    """
    hdu = fits.BinTableHDU(runs.view(fits.FITS_rec), name=FLAGS)
    hdu.header.comments["TTYPE1"] = "row of the image, from 1"
    hdu.header.comments["TTYPE2"] = "first column of a run of pixels, from 1"
    hdu.header.comments["TTYPE3"] = "its last column"
    hdu.header.comments["TTYPE4"] = "sum of the values of its flags"
    for number, (bit, about) in enumerate(BITS, 1):
        hdu.header[f"FLAG{number}"] = (bit, about)
    hdu.header["SATLIMIT"] = (SATURATED_FROM, "[DN] least count of a saturated level-1 pixel")
    return hdu


def read_flags(hdu: Any, rows: slice, columns: slice) -> np.ndarray:
    """Flags of a part of the image, uint8, from their table."""
    flags = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    for row, first, last, bits in zip(*(hdu.data[name].tolist() for name in RUN.names or ()), strict=True):
        if rows.start < row <= rows.stop:
            run = slice(max(first - 1 - columns.start, 0), max(last - columns.start, 0))
            flags[row - 1 - rows.start, run] |= bits
    return flags


def uncertainty_table(sigma: np.ndarray, *, packed: bool) -> fits.BinTableHDU:
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
    data = sigma if sigma.dtype == np.dtype(">f4") else sigma.byteswap(inplace=True).view(">f4")
    if not packed:
        # A view: given an array, astropy would copy it cell by cell.
        table = data.view([("SIGMA", ">f4", (nx,))]).reshape(ny).view(fits.FITS_rec)
        hdu = fits.BinTableHDU(table, name=UNCERTAINTY)
    else:
        tiles = np.empty(-(-ny // TILE), object)
        for number in range(tiles.size):
            tiles[number] = _packed(data[number * TILE : (number + 1) * TILE])
        hdu = fits.BinTableHDU.from_columns([fits.Column("SIGMA", "PB()", array=tiles)], name=UNCERTAINTY)
        hdu.header["ZTABLE"] = (True, "compressed table: FITS 4.0, section 10.3")
        hdu.header["ZTILELEN"] = (TILE, "rows that are compressed together")
        for key, value in {"NAXIS1": 4 * nx, "NAXIS2": ny, "PCOUNT": 0, "FORM1": f"{nx}E", "CTYP1": "GZIP_2"}.items():
            hdu.header[f"Z{key}"] = value
    # No TUNIT: FITS has no DN, and the adu that it has would be another word than the image's BUNIT.
    hdu.header.comments["TTYPE1"] = "standard deviation, unit and rows of the image"
    return hdu


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


def uncertainty_shape(hdu: Any) -> tuple[int, int]:
    """Rows and columns of the image that a table of standard deviations is of."""
    prefix = "Z" if hdu.header.get("ZTABLE") else ""
    return hdu.header[f"{prefix}NAXIS2"], hdu.header[f"{prefix}NAXIS1"] // 4


def _packed(values: np.ndarray) -> np.ndarray:
    """GZIP_2: first bytes of all values, then all second ones, and so on, as a gzip stream without a time in it."""
    planes = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4).T.tobytes()
    stream = zlib.compressobj(1, zlib.DEFLATED, GZIP)
    return np.frombuffer(stream.compress(planes) + stream.flush(), np.uint8)


def _unpacked(stream: np.ndarray, nx: int) -> np.ndarray:
    planes = np.frombuffer(zlib.decompress(stream.tobytes(), GZIP), np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view(">f4").reshape(-1, nx)
