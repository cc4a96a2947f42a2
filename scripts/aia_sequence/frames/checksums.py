"""CHECKSUM and DATASUM: written without telling when, so that the same frame is the same bytes, and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astropy.io import fits

ALL_ONES = 0xFFFFFFFF
COMMENT = "FITS 4.0 checksum"  # astropy would write the time here


def seal(path: str | Path) -> None:
    """Write the checksums of every HDU into a file that has none, compressed images as they are stored.

    Where there are some, astropy would replace what is written here when it closes the file.
    """
    with fits.open(path, mode="update", memmap=False, disable_image_compression=True) as hdus:
        for hdu in hdus:
            hdu.add_checksum(when=COMMENT)


def disagreeing(header: Mapping[str, Any], of_header: int, of_data: int) -> str | None:
    """The keyword that an HDU's bytes do not fit, of those that its header has; None if all is well.

    Parameters
    ----------
    header
        Of the HDU.
    of_header, of_data
        Sums of its header's and of its data's 32-bit words, big-endian, carries added in.
    """
    if "DATASUM" in header and int(header["DATASUM"]) % (ALL_ONES + 1) != of_data:
        return "DATASUM"
    # CHECKSUM is chosen so that the sum of an HDU is all ones, which is nought as carries are added in.
    if "CHECKSUM" in header and (of_header + of_data) % ALL_ONES:
        return "CHECKSUM"
    return None
