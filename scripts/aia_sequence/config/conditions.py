"""Conditions on records, written once and compiled twice: into a selection of table rows, and into DRMS text.

A condition names a keyword and what its value must be::

    EXPTIME: "< 2.0"                       one of  =  !=  <  <=  >  >=
    EXPTIME: "1.5 .. 2.0"                  a range, both ends included
    WAVELNTH: "in 171, 211"                a list;  "not in 171, 211"  for all but these
    QUALITY: "ignore bits 0-4, 8, 30"      every other bit must be clear
    QUALITY: "reject bits 9, 30"           these bits must be clear
    T_REC: ">= 2021-07-03T14:30:00Z"       whole seconds, UTC
    ACS_ECLP: "= NO"                       a text

The archive selects by the columns of its series; by every other keyword records are selected from their metadata.
The archive keeps QUALITY as a signed 32-bit integer and prints it unsigned: its text compares signed values, the table
holds unsigned ones. It keeps missing numbers as NaN (greater than everything in its SQL) or as the smallest integer:
the text excludes them where a bare comparison would let them pass, as the table's comparison does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aia_sequence import quality
from aia_sequence.config import selectable
from aia_sequence.errors import ConfigError
from aia_sequence.keywords import KEYWORDS, Keyword
from aia_sequence.lists import records
from aia_sequence.times import read_time

VERSION = "1"  # raise it when the records that a condition keeps change

NO_IMAGE = "QUALITY bit 31 (no image)"

COMPARISONS = ("<=", ">=", "!=", "=", "<", ">")  # longer ones first, as they are looked for in this order
MISSING_INTEGER = -(2**31)
NOT_A_NUMBER_LIMIT = "1e+30"  # no keyword's value reaches it, and SQL's NaN exceeds it


@dataclass(frozen=True)
class Condition:
    """One condition on one keyword.

    Attributes
    ----------
    keyword
        The keyword's name.
    operator
        One of ``= != < <= > >= .. in``, ``not in``, ``bits clear``.
    values
        What the keyword is compared with: integers, floats, or times as text; for ``bits clear`` the mask.
    text
        The condition as a person would write it, in one spelling.
    """

    keyword: str
    operator: str
    values: tuple[Any, ...]
    text: str

    @property
    def kind(self) -> str:
        """Kind of the keyword, see `aia_sequence.keywords.Keyword`."""
        return KEYWORDS[self.keyword].kind

    @property
    def linked(self) -> bool:
        """Whether the archive cannot select records by the keyword."""
        return KEYWORDS[self.keyword].linked

    def select(self, frame):
        """Tell which rows fulfil the condition.

        Parameters
        ----------
        frame : pandas.DataFrame
            Typed metadata: numbers as numbers, QUALITY unsigned, times as the archive prints them.

        Returns
        -------
        pandas.Series of bool
            False where the keyword has no value.
        """
        column, values = frame[self.keyword], self.values
        there = column.notna() & (column != "")
        if self.kind == "time":  # as texts they have an order only if they have the same number of digits
            column = column.where(there).map(read_time, na_action="ignore").astype("float64")
            values = tuple(map(read_time, values))
        value = values[0]
        match self.operator:
            case "=":
                found = column == value
            case "!=":
                found = column != value
            case "<":
                found = column < value
            case "<=":
                found = column <= value
            case ">":
                found = column > value
            case ">=":
                found = column >= value
            case "..":
                found = (column >= value) & (column <= values[1])
            case "in":
                found = column.isin(values)
            case "not in":
                found = ~column.isin(values)
            case _:
                found = (column & value) == 0
        return (found & there).fillna(False).astype(bool)

    @property
    def drms(self) -> str:
        """The condition as an expression for ``[? … ?]``, if the archive can select by the keyword."""
        name, first = self.keyword, self._literal(self.values[0])
        match self.operator:
            case "..":
                return f"{name} >= {first} AND {name} <= {self._literal(self.values[1])}"
            case "in" | "not in":
                listed = ", ".join(map(self._literal, self.values))
                text = f"{name} {self.operator.upper()} ({listed})"
            case "bits clear":
                text = f"({name} & {first}) = 0"
            case operator:
                text = f"{name} {operator} {first}"
        if self.kind == "float" and self.operator in ("!=", "not in", ">", ">="):
            return f"{text} AND {name} < {NOT_A_NUMBER_LIMIT}"
        if self.kind == "int" and self.operator in ("!=", "not in", "<", "<="):
            return f"{text} AND {name} > {MISSING_INTEGER}"
        return text

    def demands_clear(self, bit: int) -> bool:
        """Whether no record with that bit of QUALITY can fulfil the condition."""
        if self.keyword != "QUALITY":
            return False
        if self.operator == "bits clear":
            return bool(self.values[0] >> bit & 1)
        return self.operator in ("=", "in") and not any(value >> bit & 1 for value in self.values)

    def _literal(self, value: Any) -> str:
        """A value as DRMS text writes it."""
        if self.kind == "bits":
            return str(value - 2**32 if value >= 2**31 else value)
        if self.kind == "time":
            return f"$({value})"
        return repr(value)


def compile_where(where: Mapping[str, Any] | None) -> tuple[Condition, ...]:
    """Check the conditions of a configuration and put them into one form.

    Parameters
    ----------
    where
        Keyword to condition text, a number (meaning ``=``), or a list of these that must all hold. None: none.

    Returns
    -------
    tuple of Condition
        In the order of `KEYWORDS`, whatever the order in the configuration.

    Raises
    ------
    ConfigError
        With one line for every condition that is not understood: key, value, what is allowed.
    """
    found, problems = [], []
    for name, wanted in (where or {}).items():
        for item in wanted if isinstance(wanted, list | tuple) else [wanted]:
            if item is None:
                continue
            try:
                found.append(_condition(name, item))
            except ValueError as error:
                problems.append(f"where.{name}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    order = list(KEYWORDS)
    return tuple(sorted(dict.fromkeys(found), key=lambda condition: (order.index(condition.keyword), condition.text)))


def warnings(conditions: tuple[Condition, ...]) -> list[str]:
    """What hardly any record fulfils: a measured number that is to equal a round one."""
    return [
        f"where.{condition.keyword}: {condition.text!r} compares measured numbers: an exposure of 2 s is 2.000166 or "
        f'1.999622, never 2. Write a range, such as "{condition.values[0] * 0.9:g} .. {condition.values[0] * 1.1:g}"'
        for condition in conditions
        if condition.kind == "float"
        and condition.keyword not in selectable.ROUND
        and condition.operator in ("=", "!=", "in", "not in")
    ]


def drms_text(conditions: tuple[Condition, ...]) -> str:
    """The archive's part of the conditions as one expression for ``[? … ?]``; without an image no record is wanted."""
    parts = [condition.drms for condition in conditions if not condition.linked]
    if not any(condition.demands_clear(quality.NO_IMAGE) for condition in conditions):
        parts.append("QUALITY >= 0")
    return " AND ".join(parts)


def dropped_by(frame, conditions: tuple[Condition, ...]) -> list[str]:
    """Name, for every row, the conditions that it fails, joined by "; "; an empty text for a row that is kept.

    Parameters
    ----------
    frame : pandas.DataFrame
        Typed metadata.
    conditions
        From `compile_where`.
    """
    tests = [(condition.text, condition.select(frame)) for condition in conditions]
    tests.append((NO_IMAGE, frame["QUALITY"] < 2**31))
    columns = [[text if not passed else "" for passed in selected] for text, selected in tests]
    return [records.BETWEEN.join(filter(None, reasons)) for reasons in zip(*columns, strict=True)]


def archive_selects(frame, conditions: tuple[Condition, ...]) -> list[bool]:
    """Tell which rows the archive's part of the conditions keeps, see `drms_text`."""
    return [not reasons for reasons in dropped_by(frame, tuple(one for one in conditions if not one.linked))]


def extra_keywords(conditions: tuple[Condition, ...]) -> list[str]:
    """Keywords that the conditions need and that the metadata of every block does not hold anyway."""
    needed = {condition.keyword for condition in conditions}
    return [column.name for column in records.BESIDES if column.name in needed]


def _condition(name: str, wanted: Any) -> Condition:
    """One condition from its configuration; ValueError says what is wrong with it."""
    keyword = KEYWORDS.get(name)
    if keyword is None:
        raise ValueError(selectable.unknown(name, wanted))
    if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
        raise ValueError(f"{wanted!r} is not a condition; {selectable.allowed(keyword)}")
    text = str(wanted).strip()
    if keyword.kind == "bits" and (found := re.fullmatch(r"(ignore|reject)\s+bits?\s+(.+)", text, re.ASCII)):
        return _bit_condition(keyword, found[1], found[2])
    if found := re.fullmatch(r"(not\s+)?in\s+(.+)", text, re.ASCII):
        operator = "not in" if found[1] else "in"
        values = tuple(sorted({selectable.value(keyword, part) for part in found[2].split(",")}))
        return Condition(name, operator, values, f"{name} {operator} {', '.join(map(str, values))}")
    if ".." in text:
        low, _, high = text.partition("..")
        values = selectable.value(keyword, low), selectable.value(keyword, high)
        ordered = keyword.kind in selectable.ORDERED
        if not ordered or values[0] > values[1]:
            problem = "the lower end comes first" if ordered else selectable.allowed(keyword)
            raise ValueError(f"{text!r} is not a range of {name}; {problem}")
        return Condition(name, "..", values, f"{name} {values[0]} .. {values[1]}")
    operator = next((sign for sign in COMPARISONS if text.startswith(sign)), "")
    value = selectable.value(keyword, text.removeprefix(operator))
    operator = operator or "="
    if keyword.kind not in selectable.ORDERED and operator not in ("=", "!="):
        what = "a word of bits" if keyword.kind == "bits" else "a text"
        raise ValueError(f"{text!r}: {name} is {what} and has no order; {selectable.allowed(keyword)}")
    return Condition(name, operator, (value,), f"{name} {operator} {value}")


def _bit_condition(keyword: Keyword, verb: str, listed: str) -> Condition:
    """``ignore bits`` (all others clear) or ``reject bits`` (these clear), as the mask of bits that must be clear."""
    bits: set[int] = set()
    for part in listed.split(","):
        found = re.fullmatch(r"(\d{1,2})(?:\s*-\s*(\d{1,2}))?", part.strip(), re.ASCII)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (99, 0)
        if not low <= high <= 31:
            raise ValueError(
                f"{part.strip()!r} is not a bit or a range of bits; allowed are 0 to 31, such as 0-4, 8, 30"
            )
        bits.update(range(low, high + 1))
    if verb == "ignore" and 31 in bits:
        raise ValueError("bit 31 means that there is no image; it cannot be ignored")
    mask = sum(1 << bit for bit in bits)
    if verb == "ignore":
        mask ^= 2**32 - 1
    spelled = ", ".join(map(str, sorted(bits)))
    return Condition(keyword.name, "bits clear", (mask,), f"{keyword.name} {verb} bits {spelled}")
