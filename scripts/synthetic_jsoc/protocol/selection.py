"""From a record set to its records: slots are counted before any record is made, and never the whole mission.

Prime keys are applied in the series' order, each narrowing what the next sees; then the newest version of each record
is taken, and only then are the conditions tested.
"""

import heapq
from itertools import islice

from synthetic_jsoc.keywords import BY_FRAME, NATIVE
from synthetic_jsoc.protocol import primekeys
from synthetic_jsoc.protocol.conditions import Condition, words
from synthetic_jsoc.protocol.primekeys import HIGHEST, LOWEST, Span
from synthetic_jsoc.protocol.recordset import FilterError

MAX_RECORDS = 75_000  # the archive's own bound on one database answer
_CHUNKS = (16, 64, 256, 600)  # slots asked of the model at a time, growing
_MARGIN = 30  # slots looked at on both sides of where a record number must lie
_PROBES = 5000  # slots looked at for the first or last one that holds a record


class TooManyRecordsError(FilterError):
    """The record set may hold more records than one answer carries."""

    def __init__(self, series):
        super().__init__(
            f"the record set of series {series} exceeds {MAX_RECORDS} records; name a shorter time range or a limit n"
        )


def select(model, record_set, series, n=0, strict=False, names=None):
    """Records of one set, ascending by prime keys.

    Parameters
    ----------
    model : synthetic_jsoc.holdings.model.Archive
        What holds the records.
    record_set : synthetic_jsoc.protocol.recordset.RecordSet
    series : synthetic_jsoc.holdings.series.Series
    n : int
        0 for all, n > 0 for the first n, n < 0 for the last ones.
    strict : bool
        Refuse time texts that the real archive misreads.
    names : set of str, optional
        Keywords that the answer needs; all by default. What a condition names comes too, and what the series of slots
        hold themselves.

    Returns
    -------
    list of dict
        Keyword to value, with `recnum`.

    Raises
    ------
    FilterError
        If a filter cannot be read, or the set is larger than `MAX_RECORDS`.
    """
    selection = primekeys.read(record_set, series, model.types(series), strict)
    texts = selection.where + selection.where_all
    condition = Condition(texts, model.columns(series)) if texts else None
    if names is not None:
        columns, said = model.columns(series).keys(), words(*texts)
        named = {name for name in columns if name.lower() in said}
        names = names | named | (columns & (NATIVE if series.name in BY_FRAME else columns))
    search = _Search(model, series, selection, names)
    chunks = search.chunks(backwards=n < 0, whole=n == 0)
    found = []
    for rows in chunks:
        rows = search.newest(rows)
        rows = condition.passing(rows) if condition else rows
        found = rows + found if n < 0 else found + rows
        if n and len(found) >= abs(n):
            break
    return found[:n] if n > 0 else found[n:]


class _Search:
    """The records that the prime keys of a selection leave, a stretch of slots at a time."""

    def __init__(self, model, series, selection, names):
        self.model = model
        self.names = names
        self.series = series
        self.selection = selection
        self.channels = self._channels()
        self.per_slot = model.per_slot(series) if self.channels is None else max(1, len(self.channels))

    def chunks(self, backwards, whole):
        """Yield lists of records in ascending order; the lists themselves descend if `backwards`.

        With `whole` the bound on their number is tested before the first record is made, otherwise as they come.
        """
        if not self.series.slots:
            yield self._narrow(self.model.records(self.series, 0, 0))
            return
        ranges = self._ranges()
        if whole and sum(map(len, ranges)) * self.per_slot > MAX_RECORDS:
            raise TooManyRecordsError(self.series.name)
        seen = 0
        for first, last in _runs(_merged(ranges, backwards), backwards):
            seen += (last - first + 1) * self.per_slot
            if seen > MAX_RECORDS + _CHUNKS[-1] * self.per_slot:
                raise TooManyRecordsError(self.series.name)
            yield self._narrow(self.model.records(self.series, first, last, self.channels, self.names))

    def newest(self, rows):
        """Only the highest record number of each prime-key tuple, unless all versions are asked for."""
        if self.selection.all_versions:
            return rows
        newest = {}
        for row in rows:
            identity = tuple(self._value(row, key) for key in self.series.primekeys)
            if identity not in newest or row["recnum"] > newest[identity]["recnum"]:
                newest[identity] = row
        return list(newest.values())

    def _channels(self):
        """Channels that the filters on WAVELNTH leave, or None where the model has no channels to choose from."""
        channels = self.model.channels(self.series)
        if channels is None or self.selection.recnums in (LOWEST, HIGHEST):
            return None
        for values in self.selection.keys.get("WAVELNTH", []):
            if values not in (LOWEST, HIGHEST):
                channels = [channel for channel in channels if _holds(values, channel)]
        return channels

    def _ranges(self):
        """Slots that the filters on the slotted key and on record numbers leave, within the series' span."""
        low, high = self.model.span(self.series)
        ranges = [range(low, high + 1)]
        filters = self.selection.keys.get(self.series.slotted, [])
        for values in filters:
            if values not in (LOWEST, HIGHEST):
                ranges = [cut for known in ranges for span in values if (cut := _cut(known, span))]
        if self.selection.recnums is not None:
            ranges = [cut for known in ranges for span in self._recnum_slots() if (cut := _cut(known, span))]
        for values in filters:
            if values in (LOWEST, HIGHEST):
                ranges = self._end(ranges, backwards=values == HIGHEST)
        return ranges

    def _end(self, ranges, backwards):
        """The first or last slot of some ranges that holds a record."""
        for slot in islice(_merged(ranges, backwards), _PROBES):
            if self.model.records(self.series, slot, slot, names=()):
                return [range(slot, slot + 1)]
        return []

    def _recnum_slots(self):
        """Stretches of slots that hold the record numbers asked for: numbers grow with the slots."""
        low, high = self.model.span(self.series)
        recnums = self.selection.recnums
        if recnums in (LOWEST, HIGHEST):
            return [Span(end[0], end[0]) for end in self._end([range(low, high + 1)], recnums == HIGHEST)]
        # Within a slot, and in aia.lev1 between neighbouring ones, numbers may stand in another order.
        return [
            Span(
                None if span.first is None else self._slot_of(span.first) - _MARGIN,
                None if span.last is None else self._slot_of(span.last) + _MARGIN,
            )
            for span in recnums
        ]

    def _slot_of(self, recnum):
        """The last slot whose first record number is not above a number, by bisection."""
        low, high = self.model.span(self.series)
        while low < high:
            middle = (low + high + 1) // 2
            rows = []
            probe = middle
            while not rows and probe <= high:
                rows = self.model.records(self.series, probe, min(probe + 9, high), names=())
                probe += 10
            if rows and rows[0]["recnum"] <= recnum:
                low = middle
            else:
                high = middle - 1
        return low

    def _narrow(self, rows):
        """Apply the record numbers, then the prime keys in the series' order."""
        recnums = self.selection.recnums
        if recnums in (LOWEST, HIGHEST):
            rows = sorted(rows, key=lambda row: row["recnum"], reverse=recnums == HIGHEST)[:1]
        elif recnums is not None:
            rows = [row for row in rows if _holds(recnums, row["recnum"])]
        for key in self.series.primekeys:
            for values in self.selection.keys.get(key, []):
                if values not in (LOWEST, HIGHEST):
                    rows = [row for row in rows if _holds(values, self._value(row, key))]
                elif rows:
                    end = (min if values == LOWEST else max)(self._value(row, key) for row in rows)
                    rows = [row for row in rows if self._value(row, key) == end]
        return rows

    def _value(self, row, key):
        return row[f"{key}_index"] if key == self.series.slotted else row[key]


def _merged(ranges, backwards):
    """The slots of some ranges in order, each once."""
    previous = None
    for slot in heapq.merge(*(r[::-1] if backwards else r for r in ranges), reverse=backwards):
        if slot != previous:
            yield slot
        previous = slot


def _runs(slots, backwards):
    """Group slots that follow each other into stretches (first, last)."""
    step = -1 if backwards else 1
    sizes = iter(_CHUNKS)
    size = next(sizes)
    start = end = None
    for slot in slots:
        if start is not None and slot == end + step and abs(slot - start) < size:
            end = slot
            continue
        if start is not None:
            yield (end, start) if backwards else (start, end)
            size = next(sizes, _CHUNKS[-1])
        start = end = slot
    if start is not None:
        yield (end, start) if backwards else (start, end)


def _cut(known, span):
    """The part of a range of slots that a span can hold; a second step is left to the test of each record."""
    if not known:
        return known
    first = known[0] if span.first is None else max(known[0], span.first)
    last = known[-1] if span.last is None else min(known[-1], span.last)
    every = span.every or 1
    if known.step == 1 and every > 1:
        anchor = span.first or 0
        return range(first + (anchor - first) % every, last + 1, every)
    return range(first + (known[0] - first) % known.step, last + 1, known.step)


def _holds(values, value):
    return any(span.holds(value) for span in values)
