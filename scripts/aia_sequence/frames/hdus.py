"""Where the HDUs of a FITS file lie, as their headers say.

astropy believes a header that speaks of a million million fields, and does not come back. Here a number beyond the
standard's own limit is refused, before astropy sees the file.
"""

import gzip
import io
import math
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aia_sequence.frames import cards
from aia_sequence.frames.cards import BLOCK

# astropy's warnings of a file that is not what it was; others are of what a header says, and do not make it damaged.
DAMAGE = ".*(truncated|Error validating header|erification|treated as corrupted|padding|trailing END)"
MOST = 999  # axes of an image, fields of a table (FITS standard 4.0, 4.4.1.1 and 7.3.1)


@dataclass(frozen=True)
class Part:
    """An HDU: its header, and where that, the data and the whole begin and end in the file, bytes."""

    header: Any  # a mapping of keywords to values
    start: int
    data: int
    end: int


def image_header(path: str | Path) -> Mapping[str, Any]:
    """Header of a frame's image: the primary one, or the next where that has no data. Nothing else is read."""
    with open(path, "rb") as file:
        header = cards.read(file)
        return header if header["NAXIS"] else cards.read(file)


def unpacked(file: io.BufferedIOBase) -> io.BufferedIOBase:
    """A file's content, unpacked as it is read if it is gzipped."""
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file


def parts(file: io.BufferedIOBase, read: Callable[[Any], MutableMapping[str, Any]] = cards.read) -> Iterator[Part]:
    """The HDUs of a file, one after another as they are asked for, their headers as `read` gives them.

    Raises
    ------
    ValueError
        If a number of a header cannot be true.
    OSError
        If what should be a header is none.
    """
    start = 0
    while True:
        file.seek(start)
        if not start and (begin := file.read(9)) != b"SIMPLE  =":
            raise ValueError(f"it is no FITS file: it begins with {begin!r}")
        file.seek(start)
        try:
            header = read(file)
        except EOFError:
            return
        data = file.tell()
        end = data + math.ceil(_bytes(header) / BLOCK) * BLOCK
        yield Part(header, start, data, end)
        start = end


def _bytes(header: Mapping[str, Any]) -> int:
    """Bytes of an HDU's data, without what fills the last block."""
    for key in ("TFIELDS", "ZNAXIS"):
        _whole(header, key, 0, MOST, 0)
    axes = [_whole(header, f"NAXIS{n}", 0, 2**40) for n in range(1, _whole(header, "NAXIS", 0, MOST) + 1)]
    size = abs(_whole(header, "BITPIX", -64, 64)) // 8
    if not axes:
        return 0
    return size * _whole(header, "GCOUNT", 1, MOST, 1) * (_whole(header, "PCOUNT", 0, 2**40, 0) + math.prod(axes))


def _whole(header: Mapping[str, Any], key: str, low: int, high: int, otherwise: int | None = None) -> int:
    value = header.get(key, otherwise)
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{key} is {value!r}; a whole number from {low} to {high} is allowed")
    return value
