"""FITS files whose images and tables lie in them as they are: mapped without astropy, which takes ten times as long.

A sequence is read several times, and a frame of a region is opened in more time than its pixels take.
"""

import mmap
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aia_sequence.frames import cards
from aia_sequence.frames.cards import Cards
from aia_sequence.frames.hdus import parts

NUMBERS = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}  # by BITPIX
FIELDS = {"B": "u1", "I": ">i2", "J": ">i4", "E": ">f4", "D": ">f8"}
FIELD = re.compile(r"([2-9]|[1-9][0-9]+)?([BIJED])", re.ASCII)
# What a header has where its data are more than they seem.
MORE = re.compile(r"BSCALE|BZERO|BLANK|(?:TSCAL|TZERO|TNULL|TDIM)[0-9]+|ZIMAGE|ZTABLE|THEAP|GROUPS|INHERIT", re.ASCII)


class HDU(NamedTuple):
    """An HDU as far as its readers ask astropy's: header, and data as they lie in the file, which stay there."""

    header: Cards
    data: np.ndarray


def read(path: str | Path) -> list[HDU] | None:
    """Map a file; None where astropy has something to scale, to unpack, to mend, or to complain of."""
    with open(path, "rb") as file:
        try:
            found = list(parts(file, cards.read))
            forms = [_form(part.header) for part in found]
        except (OSError, ValueError, TypeError, KeyError, Warning):  # astropy says it better
            return None
        if found[-1].end != os.fstat(file.fileno()).st_size or None in forms:
            return None
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return [
        HDU(part.header, np.ndarray(form[1], form[0], content, part.data))
        for part, form in zip(found, forms, strict=True)
        if form
    ]


def _form(header: Any) -> tuple[np.dtype, tuple[int, ...]] | None:
    """Type and shape of an HDU's data; None if they are more than numbers in a row."""
    if not isinstance(header, Cards) or header.get("PCOUNT", 0) or any(map(MORE.fullmatch, header)):
        return None
    shape = tuple(header[f"NAXIS{axis}"] for axis in range(header["NAXIS"], 0, -1))
    if header.get("XTENSION", "IMAGE") == "IMAGE":
        return np.dtype(NUMBERS[header["BITPIX"]]), shape or (0,)
    if header["XTENSION"] != "BINTABLE":
        return None
    fields = []
    for number in range(1, header["TFIELDS"] + 1):
        found = FIELD.fullmatch(header[f"TFORM{number}"])
        if not found:
            return None
        repeated = (int(found[1]),) if found[1] else ()
        fields.append((header[f"TTYPE{number}"], FIELDS[found[2]], repeated))
    row = np.dtype(fields)
    return (row, shape[:1]) if shape == (shape[0], row.itemsize) else None
