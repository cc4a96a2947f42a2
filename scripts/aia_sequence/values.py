"""Values as the archive writes them: which texts say that there is none, and numbers from the others."""

import math
import re

NO_VALUE = re.compile(r"|MISSING|Invalid KeyLink|[+-]?(nan|inf|infinity)|-4712[-.]01[-.]01.*", re.IGNORECASE)
WHOLE = re.compile(r"[+-]?(0x[0-9a-f]+|[0-9]+)", re.IGNORECASE)


def is_missing(text: str) -> bool:
    """Tell whether a text says that a keyword has no value: a word of the archive, no finite number, Julian day 0."""
    return NO_VALUE.fullmatch(text.strip()) is not None


def number(text: str) -> float | None:
    """A finite number from the archive's text, or None if it has no value.

    Raises
    ------
    ValueError
        If the text is no number.
    """
    if is_missing(text):
        return None
    if not text.isascii() or "_" in text:  # Python reads 1_000, and the digits of every script
        raise ValueError(f"{text!r} is no number")
    value = float(text)
    return value if math.isfinite(value) else None


def whole(text: str) -> int | None:
    """A whole number from the archive's text, decimal or hexadecimal, or None if it has no value.

    Raises
    ------
    ValueError
        If the text is no whole number, or one of more than 64 bits.
    """
    if is_missing(text):
        return None
    text = text.strip()
    if not WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is no whole number")
    value = int(text, 16 if "x" in text.lower() else 10)
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{text!r} is larger than the archive's numbers")
    return value
