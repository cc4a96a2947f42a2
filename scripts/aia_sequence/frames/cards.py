"""FITS headers of which few values are wanted: cards are taken apart when they are asked for, mostly without astropy.

astropy takes five milliseconds for what is asked of a level-1 header; here it is half a one. Whatever is not plain (an
undefined value, a number that FITS does not know, a long text that goes on in the next card) is read by astropy.
"""

import copy
import re
from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any, BinaryIO

BLOCK, CARD = 2880, 80  # bytes that headers and data are made up of, and of a card
LONGEST = 10_000  # blocks of a header; the archive's have 6
KEY = re.compile(rb"(?!(?:END|CONTINUE) *\Z)[A-Z0-9_-]{1,8} *")  # those two have no value of their own
REAL = rb"[+-]?(?:[0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})(?:E[+-]?[0-9]{1,3})?"
TEXT = rb"'(?P<text>(?:[^'/&]|'')*)'"
PLAIN = re.compile(
    rb" *(?:" + TEXT + rb"|(?P<whole>[+-]?[0-9]{1,18})|(?P<real>" + REAL + rb")|(?P<logical>[TF])) *(?:/.*)?"
)
NAMED = re.compile(rb"= *'[A-Za-z_][A-Za-z0-9_.]*: ")  # texts that FITS reads as a value of a further name
END = b"END".ljust(CARD)
COMMENTARY = ("COMMENT", "HISTORY", "")
# Of a table that holds an image: the cards of the image's form, and those that are of the table and the compression.
FORM_OF_IMAGE = re.compile(rb"Z(BITPIX|NAXIS[0-9]*) *")
OF_TABLE = re.compile(
    rb"(?:XTENSION|BITPIX|NAXIS[0-9]*|[PG]COUNT|TFIELDS|THEAP|T(?:TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|DIM)[0-9]+"
    rb"|CHECKSUM|DATASUM|Z(?:IMAGE|CMPTYPE|MASKCMP|QUANTIZ|DITHER0|BLANK|SCALE|ZERO|(?:TILE|NAME|VAL)[0-9]+"
    rb"|SIMPLE|TENSION|EXTEND|BLOCKED|[PG]COUNT|HECKSUM|DATASUM)) *"
)


class Cards(MutableMapping[str, Any]):
    """A header as `astropy.io.fits.Header` gives its values, for as many as are asked for.

    Parameters
    ----------
    raw
        The header, whole cards of 80 bytes.

    Attributes
    ----------
    raw
        As given; it does not change with the values.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._cards: dict[str, bytes] = {}
        self._values: dict[str, Any] = {}
        if NAMED.search(raw) or not (raw.isascii() and raw.decode("ascii").isprintable()):
            raise ValueError("values of further names, or signs that no header has")
        for place in range(0, len(raw), CARD):
            card = raw[place : place + CARD]
            key = _key(card[:8])
            if key in COMMENTARY:
                self._values.setdefault(key, []).append(card[8:].decode("ascii").rstrip())
            elif card[8:10] == b"= ":
                self._cards.setdefault(key, card)
            else:
                raise ValueError(f"no plain card: {card!r}")

    def __getitem__(self, key: str) -> Any:
        if key not in self._values:
            self._values[key] = value_of(self._cards[key])
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        self._cards.pop(key, None)
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._cards, **self._values})

    def __len__(self) -> int:
        return len({**self._cards, **self._values})

    def __contains__(self, key: object) -> bool:
        return key in self._values or key in self._cards

    def copy(self) -> "Cards":
        """A header whose values may be changed without changing this one's."""
        made = copy.copy(self)
        made._cards, made._values = self._cards.copy(), self._values.copy()
        return made

    def lines(self) -> str:
        """The header as it was given, a line for each card, and one for its end."""
        cards = (self.raw[place : place + CARD] for place in range(0, len(self.raw), CARD))
        return b"\n".join([*cards, END]).decode("ascii")


@cache
def _key(raw: bytes) -> str:
    """The keyword of a card; `ValueError` if it is none as FITS has them."""
    if raw.strip() and not KEY.fullmatch(raw):
        raise ValueError(f"no keyword: {raw!r}")
    return raw.decode("ascii").rstrip()


def value_of(card: bytes) -> Any:
    """The value of a card; None if it has none."""
    found = PLAIN.fullmatch(card, 10)
    if not found:
        from astropy.io import fits  # slow to import, and most cards are plain
        from astropy.io.fits.card import Undefined

        value = fits.Card.fromstring(card).value
        return None if isinstance(value, Undefined) else value
    if found["text"] is not None:
        return found["text"].decode("ascii").replace("''", "'").rstrip()
    if found["whole"]:
        return int(found["whole"])
    return float(found["real"]) if found["real"] else found["logical"] == b"T"


def of_image(table: Cards) -> Cards:
    """The header of the image that a table holds (FITS standard 4.0, section 10.1)."""
    kept = []
    for place in range(0, len(table.raw), CARD):
        card = table.raw[place : place + CARD]
        if found := FORM_OF_IMAGE.fullmatch(card[:8]):
            kept.append(found[1].ljust(8) + card[8:])
        elif not OF_TABLE.fullmatch(card[:8]):
            kept.append(card)
    return Cards(b"".join(kept))


def read(file: BinaryIO) -> MutableMapping[str, Any]:
    """Read a header, up to the end of its last block, where the file then stands.

    Raises
    ------
    EOFError
        If the file has ended.
    OSError
        If what is there is no header, or has no end.
    """
    start, raw = file.tell(), bytearray()
    for _ in range(LONGEST):
        block = file.read(BLOCK)
        if not raw and not block:
            raise EOFError
        raw += block
        if len(block) < BLOCK:
            break
        if not (end := block.find(END)) % CARD:
            if block[end + CARD :].strip(b" "):
                break  # what is there says nothing, and does not belong there
            try:
                return Cards(bytes(raw[: len(raw) - BLOCK + end]))
            except ValueError:  # also one that is not ASCII
                break
    file.seek(start)
    from astropy.io import fits  # slow to import, and most headers are plain

    return fits.Header.fromfile(file)


def unreadable() -> type[Exception]:
    """What astropy raises for a card that says nothing, for an `except`, which asks only when something was raised."""
    from astropy.io.fits.verify import VerifyError

    return VerifyError
