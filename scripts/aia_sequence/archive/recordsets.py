"""Record sets: the text by which the archive is asked for records, and the names of single records.

Times are always written with ``Z``: the archive's own reader takes the ``-2021`` of a range without zones for a zone.
Comma lists of ISO times are never written: it cuts them at the first dash.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aia_sequence.config import conditions as filters
from aia_sequence.errors import ArchiveError
from aia_sequence.values import is_missing, whole

LONGEST = 2000  # characters; requests are URLs, in which a text grows to about twice its length

RECORD = re.compile(
    r"(?P<series>[A-Za-z]\w*\.\w+?)(?P<processed>_mod)?\[(?P<t_rec>[^\[\]]+)\]\[(?P<wavelnth>\d{1,5})\](?:\[[^\[\]]*\])*"
    r"(?:\{(?P<segment>\w+)\})?",
    re.ASCII,
)


@dataclass(frozen=True)
class Record:
    """The name of a record, taken apart; `segment` is empty unless the archive named one."""

    series: str
    t_rec: str
    wavelnth: int
    segment: str = ""

    @property
    def name(self) -> str:
        """The record as metadata and manifests name it: series, T_REC, channel."""
        return record_name(self.series, self.t_rec, self.wavelnth)


def record_name(series: str, t_rec: str, wavelnth: int) -> str:
    """Name of the record of a slot and channel, as the archive writes it."""
    return f"{series}[{t_rec}][{wavelnth}]"


def record_of(series: str, row: Mapping[str, str]) -> str:
    """Name of the record that a row of a query is about.

    Raises
    ------
    ArchiveError
        If it has no prime keys, T_REC and WAVELNTH.
    """
    try:
        channel = whole(row["WAVELNTH"])
    except ValueError:
        channel = None
    if channel is None or is_missing(row["T_REC"]):
        found = f"T_REC {row['T_REC']!r}, WAVELNTH {row['WAVELNTH']!r}"
        raise ArchiveError(f"{series}: the archive answered {found}, which name no record")
    return record_name(series, row["T_REC"], channel)


def parse_record(text: str) -> Record:
    """Take the name of a record apart; a processed one (``…_mod``) is named by the record it was made of.

    Raises
    ------
    ArchiveError
        If the text is not the name of one record.
    """
    found = RECORD.fullmatch(text.strip())
    if not found:
        raise ArchiveError(f"the archive named a record {text!r}, which is not of the form series[T_REC][channel]")
    return Record(found["series"], found["t_rec"], int(found["wavelnth"]), found["segment"] or "")


def block_set(series: str, start: str, end: str) -> str:
    """All records of a block, all channels: from its first to its last slot, both included."""
    return f"{series}[{start}-{end}]"


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
    return f"{_selection(series, start, end, channel, conditions)}{{{','.join(segments)}}}"


def subsets(
    kept: Sequence[str],
    wanted: Iterable[str],
    conditions: tuple[filters.Condition, ...],
    segments: Sequence[str] = ("image",),
    most: int | None = None,
) -> list[tuple[str, list[str]]]:
    """Record sets of exactly the wanted ones of the kept records of a block and channel.

    Neighbours become one range, in which the conditions leave out what lies between; ranges become one record set as
    long as its text stays short and its records few enough.

    Parameters
    ----------
    kept
        Names of all records that the conditions keep, ascending.
    wanted
        Names of those that are needed.
    conditions, segments
        As for `channel_set`.
    most
        Largest number of records in one set.

    Returns
    -------
    list of (str, list of str)
        Record sets with the names of their records, ascending.
    """
    wanted = set(wanted)
    runs: list[list[str]] = []
    previous = False
    for name in kept:
        if name in wanted:
            if not previous or (most and len(runs[-1]) >= most):
                runs.append([])
            runs[-1].append(name)
        previous = name in wanted
    found: list[tuple[str, list[str]]] = []
    braces = f"{{{','.join(segments)}}}"
    for run in runs:
        first, last = parse_record(run[0]), parse_record(run[-1])
        text = _selection(first.series, first.t_rec, last.t_rec, first.wavelnth, conditions) + braces
        if found and len(found[-1][0]) + len(text) < LONGEST and not (most and len(found[-1][1]) + len(run) > most):
            found[-1] = (f"{found[-1][0]},{text}", found[-1][1] + run)
        else:
            found.append((text, run))
    return found


def _selection(series: str, start: str, end: str, channel: int, conditions: tuple[filters.Condition, ...]) -> str:
    return f"{series}[{start}-{end}][{channel}][? {filters.drms_text(conditions)} ?]"
