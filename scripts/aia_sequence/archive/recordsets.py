"""Record sets: the text by which the archive is asked for records, and the names of single records.

Times are always written with ``Z``: the archive's own reader takes the ``-2021`` of a range without zones for a zone.
Comma lists of ISO times are never written: it cuts them at the first dash.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aia_sequence.config import conditions as filters
from aia_sequence.errors import ArchiveError
from aia_sequence.instrument import SERIES
from aia_sequence.slots import slot_number
from aia_sequence.times import read_time
from aia_sequence.values import is_missing, whole

LONGEST = 2000  # characters; requests are URLs, in which a text grows to about twice its length

RECORD = re.compile(
    r"(?P<series>[A-Za-z]\w*\.\w+?)(?P<processed>_mod)?\[(?P<t_rec>[^\[\]]+)\]\[(?P<number>\d{1,10})\](?:\[[^\[\]]*\])*"
    r"(?:\{(?P<segment>\w+)\})?",
    re.ASCII,
)


@dataclass(frozen=True)
class Record:
    """The name of a record, taken apart.

    Attributes
    ----------
    series, t_rec
        The series, and the slot.
    number
        The second prime key: the channel, or FSN in a series that has a record for each frame.
    segment
        Empty unless the archive named one.
    """

    series: str
    t_rec: str
    number: int
    segment: str = ""

    @property
    def name(self) -> str:
        """The record as metadata and manifests name it: series and prime keys."""
        return record_name(self.series, self.t_rec, self.number)


def record_name(series: str, t_rec: str, number: int) -> str:
    """Name of the record of a slot and channel, or of a slot and FSN, as the archive writes it."""
    return f"{series}[{t_rec}][{number}]"


def record_of(series: str, row: Mapping[str, str]) -> str:
    """Name of the record that a row of a query is about.

    Raises
    ------
    ArchiveError
        If it lacks a prime key.
    """
    key = SERIES[series].primekeys[1]
    try:
        number = whole(row[key])
    except ValueError:
        number = None
    if number is None or is_missing(row["T_REC"]):
        found = f"T_REC {row['T_REC']!r}, {key} {row[key]!r}"
        raise ArchiveError(f"{series}: the archive answered {found}, which name no record")
    return record_name(series, row["T_REC"], number)


def parse_record(text: str) -> Record:
    """Take the name of a record apart; a processed one (``…_mod``) is named by the record it was made of.

    Raises
    ------
    ArchiveError
        If the text is not the name of one record.
    """
    found = RECORD.fullmatch(text.strip())
    if not found:
        raise ArchiveError(f"the archive named a record {text!r}, which is not of the form series[T_REC][number]")
    return Record(found["series"], found["t_rec"], int(found["number"]), found["segment"] or "")


def block_set(series: str, start: str, end: str) -> str:
    """All records of a block, all channels: from its first to its last slot, both included.

    A series with a record for each frame has dark images, too, and such of no channel: they are left out.
    """
    channels = SERIES[series].channels
    of_channels = f"[? WAVELNTH IN ({', '.join(map(str, channels))}) ?]" if SERIES[series].by_frame else ""
    return f"{series}[{start}-{end}]{of_channels}"


def channel_set(
    series: str,
    start: str,
    end: str,
    channel: int,
    conditions: tuple[filters.Condition, ...],
    segments: Sequence[str] = ("image",),
) -> str:
    """Records of one channel between two slots that fulfil the conditions, and have an image.

    Parameters
    ----------
    series, start, end
        Series name; T_REC of the first and last slot, both included.
    channel
        Wavelength in angstrom.
    conditions
        From `aia_sequence.config.conditions.compile_where`.
    segments
        Segments to name; an export delivers all segments, spikes included, unless they are named.
    """
    return _selection(series, start, end, channel, conditions) + _braces(series, segments)


@dataclass(frozen=True)
class Selection:
    """Records of a series and channel: their names, and the record sets that together bring them and no others."""

    series: str
    texts: tuple[str, ...]
    records: tuple[str, ...]


def subsets(
    selected: Sequence[str],
    wanted: Iterable[str],
    conditions: tuple[filters.Condition, ...],
    segments: Sequence[str] = ("image",),
    most: int | None = None,
    stride: int = 1,
    channel: int | None = None,
) -> list[tuple[str, list[str]]]:
    """Record sets of exactly the wanted ones of the records that the conditions select of a block and channel.

    Neighbours become one range, in which the conditions leave out what lies between; with a stride, those that are one
    stride apart, and its `@` leaves out the slots between. Where frames lie in no slots, ranges are those of FSN.
    Ranges become one record set as long as its text stays short and its records few enough.

    Parameters
    ----------
    selected
        Names of all records that the archive selects by the conditions, ascending.
    wanted
        Names of those that are needed.
    conditions, segments
        As for `channel_set`.
    most
        Largest number of records in one set.
    stride
        Slots from one record to the next, for most of those that are needed.
    channel
        Wavelength in angstrom, which names with FSN do not say.

    Returns
    -------
    list of (str, list of str)
        Record sets with the names of their records; of each set these ascend.
    """
    wanted = set(wanted)
    by_frame = bool(selected) and SERIES[parse_record(selected[0]).series].by_frame
    runs: list[list[Record]] = []
    open_runs: dict[int, list[Record] | None] = {}  # by what their slots leave divided by the stride
    for record in map(parse_record, selected):
        remainder = _slot(record) % stride if stride > 1 and not by_frame else 0
        run = open_runs.get(remainder)
        if record.name not in wanted:
            open_runs[remainder] = None
        elif run is None or (most and len(run) >= most):
            runs.append([record])
            open_runs[remainder] = runs[-1]
        else:
            run.append(record)
    if by_frame:
        return _by_frame(channel, runs, conditions, segments, most)
    found: list[tuple[str, list[str]]] = []
    for run in runs:
        first, names = run[0], [record.name for record in run]
        step = f"@{stride * SERIES[first.series].step}s" if stride > 1 and len(run) > 1 else ""
        text = _selection(first.series, first.t_rec, run[-1].t_rec, first.number, conditions, step)
        text += _braces(first.series, segments)
        if found and len(found[-1][0]) + len(text) < LONGEST and not (most and len(found[-1][1]) + len(run) > most):
            found[-1] = (f"{found[-1][0]},{text}", sorted(found[-1][1] + names))
        else:
            found.append((text, names))
    return found


def _by_frame(
    channel: int | None,
    runs: Sequence[Sequence[Record]],
    conditions: tuple[filters.Condition, ...],
    segments: Sequence[str],
    most: int | None,
) -> list[tuple[str, list[str]]]:
    """Record sets of runs of neighbouring frames: a list of ranges of FSN, which grows in time as T_REC does."""

    def text(records: Sequence[Record], numbers: Sequence[str]) -> str:
        first, last = records[0], records[-1]
        set_ = _selection(first.series, first.t_rec, last.t_rec, channel, conditions, numbers=",".join(numbers))
        return set_ + _braces(first.series, segments)

    found: list[tuple[list[Record], list[str]]] = []
    for run in runs:
        number = f"{run[0].number}-{run[-1].number}" if len(run) > 1 else f"{run[0].number}"
        joined = ([*found[-1][0], *run], [*found[-1][1], number]) if found else None
        if joined and len(text(*joined)) < LONGEST and not (most and len(joined[0]) > most):
            found[-1] = joined
        else:
            found.append((list(run), [number]))
    return [(text(*one), [record.name for record in one[0]]) for one in found]


def _slot(record: Record) -> int:
    return slot_number(SERIES[record.series], read_time(record.t_rec))


def _selection(
    series: str,
    start: str,
    end: str,
    channel: int | None,
    conditions: tuple[filters.Condition, ...],
    step: str = "",
    numbers: str = "",
) -> str:
    """Records between two slots, of a channel: by its prime key, or by a condition where it is none."""
    text = filters.drms_text(conditions)
    if not SERIES[series].by_frame:
        return f"{series}[{start}-{end}{step}][{channel}][? {text} ?]"
    return f"{series}[{start}-{end}]{f'[{numbers}]' if numbers else ''}[? WAVELNTH = {channel} AND {text} ?]"


def _braces(series: str, segments: Sequence[str]) -> str:
    return f"{{{','.join(SERIES[series].segments[name] for name in segments)}}}"
