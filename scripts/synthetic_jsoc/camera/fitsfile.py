"""FITS files as the archive writes them: an image in the first extension, Rice-compressed, or plain in the primary HDU.

The same header and pixels are the same bytes: checksums stand without the time at which they were made.
"""

import numpy as np
from astropy.io import fits

from synthetic_jsoc.camera import rice

_BLOCK = 2880  # bytes
_COMMENT = "FITS 4.0 checksum"  # astropy would write the time here
_FORM = {
    "ZIMAGE": True, "ZTENSION": "IMAGE", "ZBITPIX": 16, "ZNAXIS": 2, "ZNAXIS1": 0, "ZNAXIS2": 0, "ZPCOUNT": 0,
    "ZGCOUNT": 1, "ZTILE1": 0, "ZTILE2": 1, "ZCMPTYPE": "RICE_1", "ZNAME1": "BLOCKSIZE", "ZVAL1": rice.BLOCK,
    "ZNAME2": "BYTEPIX", "ZVAL2": 2, "EXTNAME": "COMPRESSED_IMAGE",
}  # fmt: skip


def write(path, pixels, cards):
    """
    Write an empty primary HDU and a Rice-compressed image.

    Parameters
    ----------
    path : path-like
    pixels : ndarray of int16 or int32, two-dimensional
    cards : astropy.io.fits.Header
        What does not describe the compressed array.
    """
    if pixels.dtype == np.int16:
        parts = [*_sealed(fits.PrimaryHDU().header, b""), *_sealed(*_compressed(pixels, cards))]
        with open(path, "wb") as file:
            file.writelines(parts)
        return
    hdu = fits.CompImageHDU(pixels, header=cards, compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)
    _seal(path)


def write_plain(path, pixels, cards):
    """Write an image without compression, as the archive does: in the primary HDU."""
    fits.PrimaryHDU(pixels, cards).writeto(path, overwrite=True)
    _seal(path)


def _seal(path):
    """Write the checksums of every HDU into a small file that has none, compressed images as they are stored."""
    with fits.open(path, mode="update", memmap=False, disable_image_compression=True) as hdus:
        for hdu in hdus:
            hdu.add_checksum(when=_COMMENT)


def _compressed(pixels, cards):
    """Header and bytes of the table that holds a compressed image, filled up to whole blocks."""
    lengths, heap = rice.compress(pixels)
    rows, columns = pixels.shape
    table = np.stack([lengths, np.cumsum(lengths) - lengths], axis=1).astype(">i4").view(np.uint8).ravel()
    content = np.zeros(-(-(table.size + heap.size) // _BLOCK) * _BLOCK, np.uint8)
    content[: table.size], content[table.size : table.size + heap.size] = table, heap
    header = fits.BinTableHDU.from_columns([fits.Column("COMPRESSED_DATA", f"1PB({lengths.max()})")]).header
    header["NAXIS2"], header["PCOUNT"] = rows, heap.size
    for name, value in (_FORM | {"ZNAXIS1": columns, "ZNAXIS2": rows, "ZTILE1": columns}).items():
        header[name] = value
    cards = cards.copy(strip=True)
    header.extend(cards, unique=True, bottom=True)
    return header, content


def _sealed(header, data):
    """Bytes of an HDU's header with its checksums, in whole blocks as its data are, and these."""
    of_data = _sum(data)
    header["CHECKSUM"] = ("0" * 16, _COMMENT)
    header["DATASUM"] = (str(of_data), _COMMENT)
    header["CHECKSUM"] = _spelled(~_sum(header.tostring().encode("ascii"), of_data) & 0xFFFFFFFF)
    return header.tostring().encode("ascii"), data


def _sum(data, start=0):
    """Sum of 32-bit words, carries added in (FITS standard 4.0, section 4.4.2.7)."""
    total = start + int(np.frombuffer(data, ">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _spelled(value):
    """Sixteen letters and digits whose words add up to a number (FITS standard 4.0, appendix J)."""
    letters = np.empty((4, 4), dtype=int)
    for place, byte in enumerate(value.to_bytes(4, "big")):
        letters[:, place] = byte // 4 + ord("0")
        letters[0, place] += byte % 4
        for pair in (letters[0:2, place], letters[2:4, place]):
            while any(58 <= letter <= 64 or 91 <= letter <= 96 for letter in pair):
                pair += 1, -1
    text = "".join(map(chr, letters.ravel()))
    return text[-1] + text[:-1]
