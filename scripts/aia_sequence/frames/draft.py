"""A header in the making: the cards that stay are text, and are not taken apart; astropy formats those that come.

astropy takes thirty milliseconds to make a level-1.5 header of a level-1 header and to write it, a tenth of what a
frame takes; here it is three. The text is the same.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from aia_sequence.frames.cards import CARD, COMMENTARY, PLAIN, Cards, value_of

HISTORY = "HISTORY "
WIDTH = CARD - len(HISTORY)  # of a line of commentary


class Draft(Mapping[str, Any]):
    """A header that is being written.

    Parameters
    ----------
    cards
        Keyword, value and, if there is one, comment.

    Attributes
    ----------
    names, images
        Keyword and text of each card, a multiple of 80 characters, without commentary.
    commentary
        Texts of the commentary, which stands behind all other cards.
    """

    def __init__(self, cards: Iterable[tuple[Any, ...]] = ()) -> None:
        self.names: list[str] = []
        self.images: list[str] = []
        self.commentary: list[str] = []
        for card in cards:
            self.set(*card)

    @classmethod
    def of(cls, header: "Draft | Cards | fits.Header") -> "Draft":
        """The cards of a header."""
        draft = cls()
        if isinstance(header, Draft):
            draft.extend(header)
            return draft
        for key, image in split(header):
            draft.keep(key, image)
        return draft

    def __getitem__(self, key: str) -> Any:
        if key not in self.names:
            raise KeyError(key)
        return value_of(self.images[self.names.index(key)].encode("ascii"))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def text(self, further: str = "") -> str:
        """All cards as they are written, with further ones before the commentary; without what ends a header."""
        return "".join([*self.images, further, *self.commentary])

    def keep(self, key: str, image: str) -> None:
        """Add a card as it stands, or as astropy mends it if it is no plain one."""
        if key in COMMENTARY:
            if image.strip():
                self.commentary.append(image)
            return
        plain = len(image) == CARD and image.isprintable() and PLAIN.fullmatch(image.encode("ascii"), 10)
        self.names.append(key)
        if not plain:
            with mending():
                image = str(fits.Card.fromstring(image))
        self.images.append(image)

    def set(self, key: str, value: Any, comment: str | None = None, *, after: str | None = None) -> None:
        """Give a keyword its value, and a comment, unless the one that it has shall stay.

        Parameters
        ----------
        key, value, comment
            Of the card.
        after
            Keyword that a new card comes next to; without, it comes last.
        """
        if key in self.names:
            place = self.names.index(key)
            self.images[place] = _formatted(self.images[place], value, comment)
            return
        place = self.names.index(after) + 1 if after in self.names else len(self.names)
        self.names.insert(place, key)
        self.images.insert(place, _formatted(key, value, comment))

    def rename(self, old: str, new: str) -> None:
        """Give a card another keyword."""
        place = self.names.index(old)
        card = fits.Card.fromstring(self.images[place])
        with mending():
            self.names[place], self.images[place] = new, str(fits.Card(new, card.value, card.comment))

    def remove(self, key: str) -> None:
        """Take a card out, if it is there."""
        if key in self.names:
            place = self.names.index(key)
            del self.names[place], self.images[place]

    def add_history(self, line: str) -> None:
        """Add a line of history, over several cards if it is long, behind those that there are."""
        known = [number for number, card in enumerate(self.commentary, 1) if card.startswith(HISTORY)]
        place = known[-1] if known else len(self.commentary)
        parts = [line[start : start + WIDTH] for start in range(0, max(len(line), 1), WIDTH)]
        self.commentary[place:place] = [f"{HISTORY}{part}".ljust(CARD) for part in parts]

    def extend(self, other: "Draft") -> None:
        """Add another's cards whose keywords are not there yet, and its commentary."""
        known = set(self.names)
        for key, image in zip(other.names, other.images, strict=True):
            if key not in known:
                self.names.append(key)
                self.images.append(image)
        self.commentary += other.commentary


def _formatted(card: str, value: Any, comment: str | None) -> str:
    """Text of a card, or of the new one of a keyword, with a value."""
    # Frames have most words, flags and whole numbers in common; 0.0 and -0.0 are equal, and have another text.
    return (_known if isinstance(value, str | int) else _known.__wrapped__)(card, value, comment)


@lru_cache(1024, typed=True)
def _known(card: str, value: Any, comment: str | None) -> str:
    changed = fits.Card.fromstring(card) if len(card) >= CARD else fits.Card(card)
    changed.value = value
    if comment is not None:
        changed.comment = comment
    if comment is not None and not isinstance(value, str):
        return str(changed)
    with mending():  # a path leaves a comment as much room as it leaves
        return str(changed)


def split(header: Cards | fits.Header) -> Iterator[tuple[str, str]]:
    """Keyword and text of each card of a header; texts that are long go over several of them.

    A value that FITS does not know, such as JSOC's `-nan`, is there as it was, or not at all.
    """
    if not isinstance(header, Cards):
        yield from _legible(header)
        return
    for place in range(0, len(header.raw), CARD):
        card = header.raw[place : place + CARD].decode("ascii")
        yield card[:8].rstrip(), card


def _legible(header: fits.Header) -> list[tuple[str, str]]:
    found = []
    with mending():
        for card in header.cards:
            with suppress(fits.VerifyError):
                _ = card.value  # before the text, for which astropy makes a value of what is none
                found.append((card.keyword, str(card)))
    return found


@contextmanager
def mending() -> Iterator[None]:
    """Let astropy mend cards, and cut those of JSOC's comments that are too long for a longer value, without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        yield
