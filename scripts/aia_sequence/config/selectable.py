"""Keywords by whose value records are selected: which values each can have, and what a condition on it looks like."""

import math
import re
from typing import Any

from aia_sequence.errors import nearest
from aia_sequence.keywords import KEYWORDS, OWN, Keyword
from aia_sequence.times import read_time

INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
WORD = re.compile(r"0[xX][0-9a-fA-F]{1,8}|\d{1,10}", re.ASCII)
FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
TEXT = re.compile(r"[^\x00-\x1f\x7f,\"']{1,68}")  # in quotes, as SQL has texts, it would be another text

FORMS = {
    "bits": '"= 0", "!= 0x40000000", "in 0, 0x40000000", "ignore bits 0-4, 8, 30", "reject bits 9, 30"',
    "text": '"= NO" (or !=), "in NO, YES", "not in NO, YES", without further quotes',
}
EXAMPLES = {
    "int": ("171", "211"),
    "long": ("171", "211"),
    "float": ("1.5", "2.0"),
    "time": ("2021-07-03T14:25:00Z", "2021-07-03T14:35:00Z"),
}
ORDERED = tuple(EXAMPLES)  # kinds whose values are smaller or larger than others
# Numbers of the type float that are round where they say so.
ROUND = ("LVL_NUM", "PERCENTD", "EFF_AR_V")


def value(keyword: Keyword, text: str) -> Any:
    """A value of a keyword's kind (number, bits, time, text) from its text; ValueError says what is allowed."""
    text = text.strip()
    match keyword.kind:
        case "int" | "long" if INTEGER.fullmatch(text):
            return int(text)
        case "bits" if WORD.fullmatch(text) and (word := int(text, 0)) < 2**32:
            return word
        case "float" if FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
            return number
        case "time" if TIME.fullmatch(text) and _is_time(text):
            return text
        case "text" if TEXT.fullmatch(text):
            return text
    raise ValueError(f"{text!r} is not a value of {keyword.name}; {allowed(keyword)}")


def allowed(keyword: Keyword) -> str:
    """What a condition on a keyword may look like."""
    forms = FORMS.get(keyword.kind)
    if forms is None:
        low, high = EXAMPLES[keyword.kind]
        forms = f'"< {low}" (or = != <= > >=), "{low} .. {high}", "in {low}, {high}", "not in {low}, {high}"'
    return f"{keyword.name}{f' ({keyword.note})' if keyword.note else ''} takes {forms}"


def unknown(name: str, wanted: object) -> str:
    """Why a keyword cannot be used, and which can."""
    close = nearest(name, KEYWORDS)
    meant = f"did you mean {close}? A" if close else "a"
    return (
        f"{wanted!r}: level-1 records have no keyword {name!r}; {meant}llowed are {', '.join(OWN)}, by which the "
        "archive selects, and every other keyword of aia.lev1, such as DATAMEAN"
    )


def _is_time(text: str) -> bool:
    try:
        read_time(text)
    except ValueError:
        return False
    return True
