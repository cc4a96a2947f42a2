"""Which records the conditions of a configuration keep, and the proof that the archive selects the same ones."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aia_sequence.acquisition import record_list
from aia_sequence.acquisition.sources import Source
from aia_sequence.archive import metadata, recordsets
from aia_sequence.archive.recordsets import Selection
from aia_sequence.config import conditions
from aia_sequence.errors import ArchiveError
from aia_sequence.instrument import SERIES, Series
from aia_sequence.slots import Steps, slot_number, slot_time
from aia_sequence.times import read_time

logger = logging.getLogger(__name__)


def select_records(
    source: Source,
    table: pd.DataFrame,
    *,
    series: str,
    channel: int,
    span: Sequence[str],
    where: Mapping[str, Any],
    segments: Sequence[str],
    steps: Mapping[str, int] | None = None,
    committed: Path | None = None,
) -> tuple[pd.DataFrame, str]:
    """Mark every record of a channel as kept or dropped and by which condition.

    Of the records that fulfil the conditions, those nearest to the middles of the steps are kept, if there are steps.
    The record set of the kept ones is sent back to where they came from: it must bring exactly these, value by value.

    Parameters
    ----------
    source
        Where the metadata came from.
    table
        Metadata of the block, all channels of the series.
    series, channel, span, segments
        What the record set selects; `span` is the block's start and end.
    where
        The conditions of the configuration.
    steps
        Length and phase of `aia_sequence.slots.Steps`.
    committed
        A record list that the kept records must be those of.

    Returns
    -------
    marked : pandas.DataFrame
        The channel's records with the columns `kept` and `dropped_by`, and `step` if there are steps.
    recordset : str
        The record set of those that are kept; several, a line each, where one would be too long; empty if the archive
        cannot leave out all records by itself.

    Raises
    ------
    ArchiveError
        If the archive's answer, or the committed list, differs from what is kept.
    """
    (start, end), compiled = span, conditions.compile_where(where)
    marked = table[table["WAVELNTH"] == channel].reset_index(drop=True)
    marked["dropped_by"] = conditions.dropped_by(marked, compiled)
    if steps is not None:
        _take_steps(marked, SERIES[series], Steps(**steps))
    marked["kept"] = marked["dropped_by"] == ""
    kept = marked[marked["kept"]]
    if committed is not None:
        record_list.check(committed, kept, channel=channel, start=start, end=end)
    texts = [recordsets.channel_set(series, start, end, channel, compiled, segments)]
    selected = marked[conditions.archive_selects(marked, compiled)]
    if len(selected) > len(kept):
        stride = steps["length"] if steps else 1
        names = list(selected["record"])
        found = recordsets.subsets(names, kept["record"], compiled, segments, stride=stride, channel=channel)
        texts = [text for text, _ in found]
    if texts:
        selection = Selection(series, tuple(texts), tuple(kept["record"]))
        prove("\n".join(texts), kept, source.selected(selection, conditions.extra_keywords(compiled)))
    logger.info("%s %d: %d of %d records kept", series, channel, len(kept), len(marked))
    return marked, "\n".join(texts)


def _take_steps(marked: pd.DataFrame, series: Series, steps: Steps) -> None:
    """Drop all records but one of each step, and note the middle of the step that each lies in."""
    slots = [slot_number(series, read_time(time)) for time in marked["T_REC"]]
    passing = [slot for slot, reasons in zip(slots, marked["dropped_by"], strict=True) if not reasons]
    taken = set(steps.nearest(passing).values())
    marked["step"] = [slot_time(series, steps.middle(slot)) for slot in slots]
    marked["dropped_by"] = [
        reasons or ("" if slot in taken else f"every {steps.length * series.step} s")
        for slot, reasons in zip(slots, marked["dropped_by"], strict=True)
    ]


def prove(recordset: str, kept: pd.DataFrame, answer: pd.DataFrame) -> None:
    """Compare the archive's answer to a record set with the kept records.

    Raises
    ------
    ArchiveError
        Showing the first differences, if there are any.
    """
    different = metadata.differences(kept[answer.columns], answer)
    if different:
        shown = "\n  ".join(different[:10])
        raise ArchiveError(
            f"{recordset}\nbrings other records than the conditions keep ({len(different)} differences; the first is "
            f"the block's metadata, the second the archive's answer):\n  {shown}\n"
            "If the archive has changed since the block was queried, delete its metadata and run again."
        )
