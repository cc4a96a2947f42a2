"""CHECKSUM and DATASUM: written without telling when, so that the same frame is the same bytes, and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

ALL_ONES = 0xFFFFFFFF
COMMENT = "FITS 4.0 checksum"  # astropy would write the time here


def seal(path: str | Path) -> None:
    """Write the checksums of every HDU into a file that has none, compressed images as they are stored.

    Where there are some, astropy would replace what is written here when it closes the file.
    """
    from astropy.io import fits  # slow to import, and most files that come have theirs

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
    # CHECKSUM is chosen so that the sum of an HDU is all ones, which is zero as carries are added in.
    if "CHECKSUM" in header and (of_header + of_data) % ALL_ONES:
        return "CHECKSUM"
    return None


def spelled(value: int) -> str:
    """Sixteen letters and digits whose 32-bit words add up to a number, as they stand in a CHECKSUM card.

    Each byte of the number is a sum of four characters, a fourth of it above "0" each. Characters that are neither
    letters nor digits become such by moving two of them apart (FITS standard 4.0, appendix J).
    """
    codes = np.empty((4, 4), int)
    for place, byte in enumerate(value.to_bytes(4, "big")):
        codes[:, place] = ord("0") + byte // 4
        codes[0, place] += byte % 4
        for pair in (codes[:2, place], codes[2:, place]):
            while any(58 <= code <= 64 or 91 <= code <= 96 for code in pair):
                pair += (1, -1)
    text = "".join(map(chr, codes.ravel()))
    return text[-1] + text[:-1]  # the value begins at a card's twelfth byte, the last of a word
