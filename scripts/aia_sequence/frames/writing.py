"""HDUs as bytes, with checksums that do not tell when: a header is formatted once, and the data are what they are.

astropy would format a header anew for each checksum, and again when it writes the file.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aia_sequence.files import replacing
from aia_sequence.frames.cards import BLOCK, CARD
from aia_sequence.frames.checksums import spelled
from aia_sequence.frames.draft import Draft

WHEN = "of this HDU"  # astropy would put the time of day there: same input, same bytes


class HDU(NamedTuple):
    """A header without checksums, and an array whose bytes are the data.

    float32 numbers may be in the machine's byte order. **Then they are left in the file's.**
    """

    header: Draft
    data: np.ndarray


def binary_table(columns: Mapping[str, str], rows: np.ndarray, heap: np.ndarray | None = None) -> HDU:
    """Make a binary table.

    Parameters
    ----------
    columns
        Form (TFORM) of each column, by name.
    rows
        The table's rows as they stand in the file, along the first axis.
    heap
        uint8, what columns of variable length point into.
    """
    cards: list[tuple[Any, ...]] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", rows.itemsize * int(np.prod(rows.shape[1:])), "length of dimension 1"),
        ("NAXIS2", len(rows), "length of dimension 2"),
        ("PCOUNT", 0 if heap is None else heap.size, "number of group parameters"),
        ("GCOUNT", 1, "number of groups"),
        ("TFIELDS", len(columns), "number of table fields"),
    ]
    for number, (name, form) in enumerate(columns.items(), 1):
        cards += [(f"TTYPE{number}", name), (f"TFORM{number}", form)]
    return HDU(Draft(cards), rows if heap is None else np.concatenate([rows.view(np.uint8).reshape(-1), heap]))


def write(path: str | Path, hdus: Sequence[HDU]) -> None:
    """Write HDUs to a file in one move, each with CHECKSUM and DATASUM."""
    with replacing(path) as part, open(part, "wb") as file:
        for header, data in hdus:
            content, of_data = _filed(data)
            file.write(_sealed(header, of_data))
            file.write(content)
            file.write(bytes(-content.size % BLOCK))


def _filed(data: np.ndarray) -> tuple[np.ndarray, int]:
    """The data's bytes as they stand in the file, and the sum of their words: both in one pass through an image."""
    from aia_sequence.frames.words import turn  # compiled, and who reads frames does without

    content = data.reshape(-1).view(np.uint8)
    if data.dtype == np.dtype("<f4") and sys.byteorder == "little":
        return content, int(turn(content.view(np.uint32)))
    return content, _sum(content, 0)


def _sealed(header: Draft, of_data: int) -> bytes:
    """A header's bytes, with its checksums before the commentary at its end."""
    seal = _card("CHECKSUM", "0" * 16) + _card("DATASUM", str(of_data))
    text, end = header.text(seal) + "END".ljust(CARD), sum(map(len, header.images))
    text += " " * (-len(text) % BLOCK)
    checksum = spelled(0xFFFFFFFF - _sum(np.frombuffer(text.encode("ascii"), np.uint8), of_data))
    return (text[:end] + _card("CHECKSUM", checksum) + text[end + CARD :]).encode("ascii")


def _card(key: str, value: str) -> str:
    quoted = f"'{value:8}'"
    return f"{key:8}= {quoted:20} / {WHEN}".ljust(CARD)


def _sum(content: np.ndarray, total: int) -> int:
    """Sum of the bytes' 32-bit words, which zeros fill up, and of those before."""
    from aia_sequence.frames.words import sum_of_words  # compiled, and who reads frames does without

    whole = content.size // 4 * 4
    swap = sys.byteorder == "little"
    total = int(sum_of_words(content[:whole].view(np.uint32), total, swap))
    rest = np.zeros(4, np.uint8)
    rest[: content.size - whole] = content[whole:]
    return int(sum_of_words(rest.view(np.uint32), total, swap))
