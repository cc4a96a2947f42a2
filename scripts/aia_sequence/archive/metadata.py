"""Metadata of records: typed, sorted and complete, whatever text the archive sends.

Every value of a query arrives as text. Here QUALITY becomes an unsigned number, a missing value an empty cell, a time
stays as the archive prints it; an answer that is not about the records that were asked for is refused.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from aia_sequence.archive.recordsets import record_name
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.instrument import SERIES
from aia_sequence.keywords import KEYWORDS
from aia_sequence.lists.records import ANSWERED
from aia_sequence.lists.table import TIME
from aia_sequence.times import read_time
from aia_sequence.values import is_missing, number, whole

ROW_LIMIT = 75_000  # the archive cuts a longer answer without saying so

KINDS = {"float": "float", "double": "float", "int": "int", "longlong": "long", "string": "text", "time": "time"}
PRINTED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", re.ASCII)
INT32 = {name for name, keyword in KEYWORDS.items() if keyword.kind == "int"}


def quality(text: str) -> int:
    """QUALITY as an unsigned number from the archive's text, hexadecimal or decimal, signed or not.

    Raises
    ------
    ArchiveError
        If the text is no 32-bit word.
    """
    word = None
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}|[+-]?\d{1,10}", text, re.ASCII):
        word = int(text, 16) if text[:2] in ("0x", "0X") else int(text)
    if word is None or not -(2**31) <= word < 2**32:
        raise ArchiveError(f"the archive answered {text[:40]!r} for QUALITY, which is no 32-bit word")
    return word & (2**32 - 1)


def typed(series: str, raw: pd.DataFrame) -> pd.DataFrame:
    """Turn an answer of texts into typed metadata, sorted by slot and channel.

    Parameters
    ----------
    series
        Name of the series that was asked.
    raw
        One row per record, every value as text: the prime keys, the channel, and any of `ANSWERED`. The pseudo keyword
        `*recnum*` becomes `recnum`; other columns stay as they are.

    Returns
    -------
    pandas.DataFrame
        With the column `record` behind the keywords.

    Raises
    ------
    ArchiveError
        If a prime key has no value, or a value is not of its keyword's type.
    """
    raw = raw.rename(columns={"*recnum*": "recnum"})
    frame = pd.DataFrame(
        {name: _column(series, name, raw[name]) if name in ANSWERED else raw[name].astype(str) for name in raw.columns},
        index=raw.index,
    )
    keys = (frame[key] for key in SERIES[series].primekeys)
    names = [record_name(series, t_rec, number) for t_rec, number in zip(*keys, strict=True)]
    others = [name for name in frame.columns if name not in ANSWERED]
    frame.insert(len(frame.columns) - len(others), "record", pd.Series(names, index=frame.index, dtype="str"))
    return frame.sort_values(["T_REC", "WAVELNTH"], kind="stable", ignore_index=True)


def empty(columns: Sequence[str]) -> pd.DataFrame:
    """Metadata of no record."""
    return pd.DataFrame(
        {name: pd.Series(dtype=ANSWERED[name].dtype if name in ANSWERED else "str") for name in columns}
    )


def check_complete(frame: pd.DataFrame, series: str, start: str, end: str) -> None:
    """Make sure that metadata is of one block, holds no record twice, and was not cut.

    Raises
    ------
    ArchiveError
        Saying which record does not belong there.
    """
    asked = f"{series}[{start}-{end}]"
    if len(frame) >= ROW_LIMIT:
        raise ArchiveError(f"{asked}: the archive answers at most {ROW_LIMIT} records; choose a shorter `block`")
    outside = frame[
        (frame["T_REC"] < start) | (frame["T_REC"] > end) | ~frame["WAVELNTH"].isin(SERIES[series].channels)
    ]
    if len(outside):
        raise ArchiveError(f"{asked}: the archive answered {outside['record'].iloc[0]}, which was not asked for")
    if frame["record"].duplicated().any():
        twice = frame["record"][frame["record"].duplicated()].iloc[0]
        raise ArchiveError(f"{asked}: the archive answered {twice} more than once")


def check_described(described: pd.DataFrame, series: str, keywords: Sequence[str]) -> None:
    """Make sure that a series has the keywords that the conditions need.

    Parameters
    ----------
    described
        The series' own description of its keywords.
    series
        Its name.
    keywords
        The keywords.

    Raises
    ------
    ConfigError
        Naming one that it lacks, or that has another type.
    """
    types = dict(zip(described["name"], described["type"], strict=True))
    for name in keywords:
        if name not in types:
            raise ConfigError(f"where.{name}: {series} has no keyword {name} in this archive")
        kind, found = KEYWORDS[name].kind, KINDS.get(types[name])
        if found and found != kind:  # a link's type may be described as that of the link alone
            raise ConfigError(f"where.{name}: {name} is of the type {types[name]} in {series}, and not {kind}")


def differences(one: pd.DataFrame, two: pd.DataFrame) -> list[str]:
    """Compare two tables of the same columns value by value, joined by record; one line per difference.

    Empty if they hold the same records with the same values, in the same order.
    """
    one, two = (table.set_index("record") for table in (one, two))
    lines = [f"{record}: only in the first" for record in one.index.difference(two.index)]
    lines += [f"{record}: only in the second" for record in two.index.difference(one.index)]
    common = one.index.intersection(two.index)
    for name in one.columns:
        left, right = one.loc[common, name], two.loc[common, name]
        # NA compares as NA, a difference only where one of the two has a value.
        differ = ~((left == right).fillna(False) | (left.isna() & right.isna()))
        lines += [
            f"{record}: {name} {left[record]} and {right[record]}" for record in common[differ.to_numpy(dtype=bool)]
        ]
    if not lines and list(one.index) != list(two.index):
        lines.append("the records are the same, their order is not")
    return lines


def _column(series: str, name: str, texts: pd.Series) -> pd.Series:
    """One keyword's values, typed."""
    texts = texts.astype(str).str.strip()
    missing = texts.map(is_missing)
    if name in ("WAVELNTH", *SERIES[series].primekeys) and missing.any():
        what = f"for the {'prime key ' if name in SERIES[series].primekeys else ''}{name}"
        raise ArchiveError(f"{series}: the archive answered {texts[missing].iloc[0]!r} {what}")
    if name == "QUALITY":
        return texts.map(quality).astype("int64")
    column = ANSWERED[name]
    read: Callable[[str], Any]
    if column.unit == TIME:
        read, said = _time, "time"
    elif column.kind is str:
        read, said = _text, "text"
    elif name in INT32:
        read, said = _int32, "whole number of 32 bits"
    else:
        read, said = {float: (number, "number"), int: (whole, "whole number")}[column.kind]
    values = []
    for text in texts:
        try:
            values.append(read(text))
        except ValueError:
            raise ArchiveError(f"{series}: the archive answered {text!r} for {name}, which is no {said}") from None
    return pd.Series(values, index=texts.index, dtype=column.dtype)


def _int32(text: str) -> int | None:
    value = whole(text)
    if value is not None and not -(2**31) <= value < 2**31:
        raise ValueError(text)
    return value


def _text(text: str) -> str:
    """A text, empty where the archive has none."""
    return "" if is_missing(text) else text


def _time(text: str) -> str:
    """A time as the archive prints it, or an empty text for none; ValueError if it is neither."""
    if is_missing(text):
        return ""
    if not PRINTED.fullmatch(text):
        raise ValueError(text)
    read_time(text)
    return text
