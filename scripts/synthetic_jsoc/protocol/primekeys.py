"""What the filters of a record set mean for the prime keys of its series: slots, values, ends, record numbers.

A slotted key (``T_REC`` of the level-1 series) is compared by slot number: ``[a-b]`` takes the slots nearest to both
ends and all between, ``[a/d]`` as many slots as fit into the duration, and a bare time is one slot. Other keys are
compared by value.
"""

import math
import re
from dataclasses import dataclass, field

from synthetic_jsoc import times
from synthetic_jsoc.protocol.recordset import FilterError

LOWEST, HIGHEST = "^", "$"

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.A)
_INTEGER = re.compile(r"[+-]?\d+", re.A)
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([smhdu])(?![A-Za-z0-9:.])", re.A | re.I)
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LARGEST = 2**53


@dataclass(frozen=True)
class Span:
    """A stretch of values or slot numbers.

    Attributes
    ----------
    first, last : number, str or None
        Ends, both included; None where the stretch is open.
    before : number or None
        An end that is not included (``[a/d]`` on a key without slots).
    every : number or None
        Keep each n-th, counted from `first`.
    """

    first: float | str | None = None
    last: float | str | None = None
    before: float | None = None
    every: float | None = None

    def holds(self, value):
        """Whether a value lies in the stretch; never for a missing one."""
        if value is None or (self.first is not None and isinstance(value, str) != isinstance(self.first, str)):
            return False
        if (self.first is not None and value < self.first) or (self.last is not None and value > self.last):
            return False
        if self.before is not None and value >= self.before:
            return False
        return self.every is None or (value - (self.first or 0)) % self.every == 0


@dataclass(frozen=True)
class Selection:
    """All filters of one record set, read.

    Attributes
    ----------
    keys : dict of str to list
        Per prime key its filters, each a tuple of spans of which one must hold, or `LOWEST`, `HIGHEST`.
    recnums : tuple or str or None
        Spans of record numbers (``[:#…]``), or `LOWEST`, `HIGHEST`.
    where, where_all : list of str
        Conditions on the newest version of each record, and on all versions.
    """

    keys: dict = field(default_factory=dict)
    recnums: tuple | str | None = None
    where: list = field(default_factory=list)
    where_all: list = field(default_factory=list)

    @property
    def all_versions(self):
        """Whether older versions of a record count too."""
        return bool(self.where_all) or self.recnums is not None


def read(record_set, series, types, strict=False):
    """Read the filters of a set against its series.

    Parameters
    ----------
    record_set : synthetic_jsoc.protocol.recordset.RecordSet
    series : synthetic_jsoc.holdings.series.Series
    types : dict of str to str
        DRMS type of each prime key: ``time``, ``string``, or a number's.
    strict : bool
        Refuse what the real archive misreads: ISO dates without a zone in a range, and lists of ISO dates.

    Raises
    ------
    FilterError
        If a filter names no prime key, comes after the last one, or cannot be read.
    """
    selection = Selection()
    recnums, position = None, 0
    for item in record_set.filters:
        if item.kind == "where":
            selection.where.append(item.text)
        elif item.kind == "where_all":
            selection.where_all.append(item.text)
        elif item.kind == "recnum":
            if recnums is not None:
                raise FilterError("only one filter on record numbers is allowed")
            recnums = _Values(item.text, "longlong", None, strict).indices()
        else:
            if item.key is None:
                if position >= len(series.primekeys):
                    raise FilterError(f"more filters than prime keys in series {series.name}")
                key = series.primekeys[position]
                position += 1
            else:
                key = _named(item.key, series)
            if item.text or item.key:
                slots = series.slots if key == series.slotted else None
                selection.keys.setdefault(key, []).append(_Values(item.text, types[key], slots, strict).read())
    return Selection(selection.keys, recnums, selection.where, selection.where_all)


def _named(name, series):
    for key in series.primekeys:
        if name.upper() == key or (key == series.slotted and name.upper() == f"{key}_INDEX"):
            return key
    raise FilterError(f"'{name}' is not a prime key of series {series.name}; prime keys: {', '.join(series.primekeys)}")


class _Values:
    """A cursor over the text of one filter on one prime key."""

    def __init__(self, text, kind, slots, strict):
        self.text = text
        self.kind = kind
        self.slots = slots
        self.strict = strict
        self.position = 0
        self.zoneless = self.iso = False

    def read(self):
        if self.text in (LOWEST, HIGHEST):
            return self.text
        if self.text.startswith("#"):
            return self.indices()
        spans = self.elements({"time": self.time_span, "string": self.string_span}.get(self.kind, self.number_span))
        if self.strict and len(spans) > 1 and self.iso:
            raise self.error("a list of ISO dates is cut at its first dash; write them with dots")
        return spans

    def indices(self):
        """Read ``#`` forms: slot numbers, plain values, or record numbers."""
        if self.kind == "string":
            raise self.error("index form on a text key")
        if self.text in ("#^", "#$"):
            return self.text[1]
        return self.elements(self.index_span)

    def elements(self, element):
        spans = [element()]
        while self.take(","):
            spans.append(element())
        if self.position != len(self.text):
            raise self.error()
        return tuple(spans)

    def index_span(self):
        if not self.take("#"):
            raise self.error()
        first = last = None
        if not self.text.startswith("-#", self.position):
            first = last = self.integer()
        if self.take("-"):
            last = self.integer() if self.take("#") and self.at(_INTEGER) else None
        elif self.take("/"):
            last = first + max(1, self.integer()) - 1
        return Span(first, last, every=max(1, self.integer()) if self.take("@") else None)

    def time_span(self):
        first = self.time()
        span = {"first": first, "last": first}
        if self.take("-"):
            span["last"] = self.time()
            if self.strict and self.zoneless:
                raise self.error("an ISO time without a zone in a range; end it with Z or _TAI")
        elif self.take("/"):
            span["duration"] = self.duration()
        every = self.duration() if self.take("@") else None
        return self.slot_span(every=every, **span) if self.slots else _value_span(every=every, **span)

    def slot_span(self, first, last, duration=None, every=None):
        """A stretch of time as slot numbers, by the archive's integer arithmetic."""
        step = self.slots.step
        start, end = self.slots.index(first), self.slots.index(last)
        if duration is not None:
            end = start + max(1, math.trunc(duration / step)) - 1
        return Span(start, end, every=None if every is None else max(1, round(every / step)))

    def number_span(self):
        first = self.number()
        span = {"first": first, "last": first}
        if self.take("-"):
            span["last"] = self.number()
        elif self.take("/"):
            span["duration"] = self.number()
        return _value_span(every=self.number() if self.take("@") else None, **span)

    def string_span(self):
        quote = self.text[self.position : self.position + 1]
        if quote and quote in "'\"":
            end = self.text.find(quote, self.position + 1)
            if end < 0:
                raise self.error()
            value, self.position = self.text[self.position + 1 : end], end + 1
        else:
            end = self.text.find(",", self.position)
            end = len(self.text) if end < 0 else end
            value, self.position = self.text[self.position : end].strip(), end
            if not value:
                raise self.error()
        return Span(value, value)

    def time(self):
        """A time, or a duration since the epoch of the slots."""
        if match := self.at(_DURATION):
            self.position = match.end()
            return (self.slots.epoch if self.slots else 0.0) + self.seconds(match)
        try:
            tai, self.position, iso, zoned = times.read_time(self.text, self.position)
        except (ValueError, OverflowError) as error:
            raise self.error(str(error)) from None
        self.iso |= iso
        self.zoneless |= iso and not zoned
        return tai

    def duration(self):
        match = self.at(_DURATION)
        if not match:
            raise self.error("a duration is a number and one of s, m, h, d, u")
        self.position = match.end()
        return self.seconds(match)

    def seconds(self, match):
        unit = match[2].lower()
        if unit == "u" and not self.slots:
            raise self.error("unit u counts slots, and this key has none")
        return self.finite(match[1]) * (self.slots.step if unit == "u" else _UNIT_SECONDS[unit])

    def number(self):
        match = self.at(_NUMBER)
        if not match:
            raise self.error()
        self.position = match.end()
        return self.finite(match.group())

    def integer(self):
        match = self.at(_INTEGER)
        if not match:
            raise self.error()
        self.position = match.end()
        return int(self.finite(match.group()))

    def finite(self, text):
        value = float(text)
        if not abs(value) <= _LARGEST:
            raise self.error("number out of range")
        return value

    def at(self, pattern):
        return pattern.match(self.text, self.position)

    def take(self, mark):
        """Step over a mark, with white space around it, if it comes next."""
        rest = len(self.text) - len(self.text[self.position :].lstrip())
        if not self.text.startswith(mark, rest):
            return False
        behind = self.text[rest + len(mark) :]
        self.position = rest + len(mark) + len(behind) - len(behind.lstrip())
        return True

    def error(self, reason="cannot be read"):
        return FilterError(f"invalid record-set specification `[{self.text[:100]}]`: {reason}")


def _value_span(first, last, duration=None, every=None):
    if every is not None and every <= 0:
        raise FilterError("a step must be positive")
    if duration is not None:
        return Span(first, before=first + duration, every=every)
    return Span(first, last, every=every)
