"""Record-set texts: what a query names, before any record is looked at.

``aia.lev1_euv_12s[2021-07-03T14:25:00Z/10m@24s][211][? EXPTIME < 2 ?]{image}`` is a series, filters in brackets, and
segments in braces. `parse` splits the text by the archive's grammar; what a filter's text means depends on the prime
key that it stands for and is read by `synthetic_jsoc.protocol.primekeys`.
"""

import re
from dataclasses import dataclass

MAX_LENGTH = 8192
MAX_NAME = 63

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*", re.A)
_SEGMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.A)
_NAMED = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.A | re.S)


class SpecificationError(ValueError):
    """The text cannot be split into sets (status 4 of jsoc_info)."""


class SeriesNameError(SpecificationError):
    """A series name without a namespace, or too long (also status 4, with its own text)."""


class FilterError(ValueError):
    """A filter that cannot be read or applied (status 6 of jsoc_info)."""


@dataclass(frozen=True)
class Filter:
    """One bracket of a record set.

    Attributes
    ----------
    kind : str
        ``prime`` (a prime key's values), ``recnum`` (``[:#…]``), ``where`` (``[? ?]``) or ``where_all`` (``[! !]``).
    text : str
        What stands inside, without the marks of the kind and without the key's name.
    key : str or None
        The prime key that the filter names (``[WAVELNTH=211]``); None for a filter that goes by its position.
    """

    kind: str
    text: str
    key: str | None = None


@dataclass(frozen=True)
class RecordSet:
    """One set of a record-set text: series, filters in their order, and segments (None where no braces stand)."""

    series: str
    filters: tuple[Filter, ...] = ()
    segments: tuple[str, ...] | None = None


def parse(text):
    """Split a record-set text into its sets.

    Returns
    -------
    list of RecordSet

    Raises
    ------
    SpecificationError
        If the text is not a list of record sets.
    """
    if len(text) > MAX_LENGTH:
        raise SpecificationError(f"Unable to parse specification: longer than {MAX_LENGTH} characters.")
    return _Reader(text).sets()


class _Reader:
    """A cursor over a record-set text."""

    def __init__(self, text):
        self.text = text
        self.position = 0

    def sets(self):
        found = []
        while True:
            self.skip(newlines=True)
            if found and self.at_end():
                return found
            found.append(self.record_set())
            if self.at_end():
                return found
            if self.peek() not in ",;\n":
                raise self.error()
            separator = self.peek()
            self.position += 1
            if separator != "\n":
                self.skip(newlines=True)
                if self.at_end():
                    raise self.error()

    def record_set(self):
        match = _NAME.match(self.text, self.position)
        if not match:
            raise self.error()
        name = match.group()
        self.position = match.end()
        if "." not in name.strip(".") or ".." in name or name.endswith(".") or len(name) > MAX_NAME:
            raise SeriesNameError("Invalid series name.")
        filters = []
        self.skip()
        while self.peek() == "[":
            filters.append(self.bracket())
            self.skip()
        segments = None
        if self.peek() == "{":
            segments = self.braces()
            self.skip()
        return RecordSet(name, tuple(filters), segments)

    def bracket(self):
        """Read one filter, from its opening to its closing bracket."""
        start = self.position + 1
        mark = self.text[start : start + 1]
        if mark and mark in "?!":
            end = self.find(mark + "]", start + 1)
            self.position = end + 2
            return Filter("where" if mark == "?" else "where_all", self.text[start + 1 : end].strip())
        end = self.find("]", start)
        self.position = end + 1
        text = self.text[start:end].strip()
        if text.startswith(":"):
            return Filter("recnum", text[1:].strip())
        if "[" in _unquoted(text):
            raise self.error()
        if match := _NAMED.fullmatch(text):
            return Filter("prime", match[2].strip(), match[1])
        return Filter("prime", text)

    def find(self, mark, start):
        """Position of a closing mark outside quotation marks."""
        quote = None
        for position in range(start, len(self.text)):
            character = self.text[position]
            if quote:
                quote = None if character == quote else quote
            elif character in "'\"":
                quote = character
            elif self.text.startswith(mark, position):
                return position
        raise self.error()

    def braces(self):
        end = self.text.find("}", self.position)
        if end < 0:
            raise self.error()
        inside = "".join(self.text[self.position + 1 : end].split())
        self.position = end + 1
        if not inside:
            return ()
        segments = tuple(re.split(r"[,:;]", inside))
        if not all(_SEGMENT.fullmatch(segment) for segment in segments):
            raise self.error()
        return segments

    def skip(self, newlines=False):
        """Step over white space and comments; a line's end separates sets, so it is stepped over only between them."""
        blank = " \t\r\n\f\v" if newlines else " \t\r\f\v"
        while not self.at_end():
            if self.peek() == "#":
                end = self.text.find("\n", self.position)
                self.position = len(self.text) if end < 0 else end
            elif self.peek() in blank:
                self.position += 1
            else:
                return

    def peek(self):
        return self.text[self.position : self.position + 1]

    def at_end(self):
        return self.position >= len(self.text)

    def error(self):
        return SpecificationError("Unable to parse specification.")


def _unquoted(text):
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", text)
