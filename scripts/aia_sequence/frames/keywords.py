"""Values of header keywords: a value, or none where the header has only a word for a missing one."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from aia_sequence.errors import FrameError
from aia_sequence.frames.cards import unreadable
from aia_sequence.values import is_missing

NO_INTEGER = -(2**31)  # the archive's missing integer


def stated(header: Mapping[str, Any], key: str) -> Any:
    """A keyword's value, or None if it has none: an empty card, the archive's words for it, or `-nan` unquoted."""
    try:
        value = header.get(key)
    except unreadable():
        return None
    # astropy has an object for a value that a card does not have.
    missing = not isinstance(value, str | int | float | complex | np.generic)
    missing = missing or (isinstance(value, str) and is_missing(value))
    missing = missing or (isinstance(value, float) and math.isnan(value)) or (value == NO_INTEGER and key != "QUALITY")
    return None if missing else value


@contextmanager
def legible() -> Iterator[None]:
    """Read a header; a card that cannot be read becomes a `FrameError`. A function that reads one is decorated."""
    try:
        yield
    except unreadable() as error:
        what = str(error).partition(", fix it")[0]  # astropy's advice is for who has the header at hand
        raise FrameError(f"its header has a value that FITS does not know: {what}") from None


def number(header: Mapping[str, Any], key: str) -> float | None:
    """A keyword's value as a finite number, or None if it is missing, undefined or none."""
    value = stated(header, key)
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        return None
    return float(value)
