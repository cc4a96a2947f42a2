"""The audit of an event, from the lists of its stages to table and page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from aia_sequence.audit import join
from aia_sequence.audit import remarks as about
from aia_sequence.audit.page import page
from aia_sequence.instrument import series_of
from aia_sequence.lists.manifests import LEVEL1, LEVEL15
from aia_sequence.lists.records import METADATA, RECORD_LIST, RECORDS


def audit_event(
    folder: Path,
    *,
    event: str,
    window: Sequence[str],
    channels: Sequence[int],
    absent: Mapping[int, str],
    where: Mapping[str, str],
    remarks: Sequence[str],
    metadata: Sequence[Path],
    records: Sequence[Path],
    recordsets: Sequence[Path],
    exports: Sequence[Path],
    level1: Sequence[Path],
    level15: Sequence[Path],
    record_list: Sequence[Path],
) -> tuple[pd.DataFrame, str]:
    """Say of every record that an event's queries returned what became of it.

    Parameters
    ----------
    folder
        The event's folder, where the headers of its frames are read.
    event, window, channels, where
        As for `aia_sequence.audit.page.page`.
    absent
        Channels of which there is nothing in the window, and why.
    remarks
        Sentences on the event's region.
    metadata, records, recordsets, exports, level1, level15
        What each stage has written, a file for each block.
    record_list
        The committed record list, if there is one.

    Returns
    -------
    table : pandas.DataFrame
        See `aia_sequence.audit.join.join`, with the column `notes`.
    html : str
        The page.

    Raises
    ------
    AuditError
        If the lists contradict each other.
    """
    sets = [line for path in recordsets for line in Path(path).read_text(encoding="utf-8").splitlines() if line]
    queried, listed = METADATA.texts(metadata), RECORDS.texts(records)
    table = join.join(
        event=event,
        channels=channels,
        metadata=queried,
        records=listed,
        exports=join.read_exports(exports),
        level1=LEVEL1.texts(level1),
        level15=LEVEL15.texts(level15),
    )
    join.check_counts(event, table, len(queried))
    for committed in record_list:
        join.check_record_list(event, table, RECORD_LIST.texts([committed]))
    headers = about.read_headers(table, folder)
    found = about.about_synthetic(headers["synthetic"])
    found += [about.Remark(None, "region", f"{line}.") for line in remarks]
    found += about.about_absent(absent)
    for channel in channels:
        found += about.about_steps(listed[listed["WAVELNTH"] == str(channel)], channel)
        found += about.about_channel(table.assign(**headers), channel, series_of(channel).step)
    table["notes"] = about.per_frame(table)
    html = page(
        event=event,
        window=window,
        channels=channels,
        where=where,
        recordsets=sets,
        table=table,
        notes=found,
    )
    return table, html
