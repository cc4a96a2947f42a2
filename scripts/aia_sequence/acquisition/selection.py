"""Which records the conditions of a configuration keep, and the proof that the archive selects the same ones."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aia_sequence.acquisition import record_list
from aia_sequence.archive import metadata, recordsets
from aia_sequence.archive.client import Archive
from aia_sequence.config import conditions
from aia_sequence.errors import ArchiveError

logger = logging.getLogger(__name__)


def select_records(
    archive: Archive,
    table: pd.DataFrame,
    *,
    series: str,
    channel: int,
    span: Sequence[str],
    where: Mapping[str, Any],
    segments: Sequence[str],
    committed: Path | None = None,
) -> tuple[pd.DataFrame, str]:
    """Mark every record of a channel as kept or dropped and by which condition.

    The record set of the kept ones is sent back to the archive: it must bring exactly these, value by value.

    Parameters
    ----------
    archive
        The archive.
    table
        Metadata of the block, all channels of the series.
    series, channel, span, segments
        What the record set selects; `span` is the block's start and end.
    where
        The conditions of the configuration.
    committed
        A record list that the kept records must be those of.

    Returns
    -------
    marked : pandas.DataFrame
        The channel's records with the columns `kept` and `dropped_by`.
    recordset : str
        The record set of those that are kept.

    Raises
    ------
    ArchiveError
        If the archive's answer, or the committed list, differs from what is kept.
    """
    compiled = conditions.compile_where(where)
    marked = table[table["WAVELNTH"] == channel].reset_index(drop=True)
    marked["dropped_by"] = conditions.dropped_by(marked, compiled)
    marked["kept"] = marked["dropped_by"] == ""
    kept = marked[marked["kept"]]
    if committed is not None:
        record_list.check(committed, kept, channel=channel, start=span[0], end=span[1])
    text = recordsets.channel_set(series, *span, channel, compiled, segments)
    # Not the paths of the segments: they change when the archive brings a record back from tape.
    prove(text, kept, archive.query(text, conditions.extra_keywords(compiled)))
    logger.info("%s: %d of %d records kept", text, len(kept), len(marked))
    return marked, text


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
