"""What became of every record that the queries of an event returned.

The stages of the workflow each keep a list: the metadata of the query, the records kept or dropped by the filter, the
export's files, the manifests of level 1 and level 1.5. Here they are joined by record, and each record gets exactly one
outcome. Lists that do not fit together are an error: a record that vanished between two stages must not go unseen.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from aia_sequence import quality
from aia_sequence.errors import AIAError
from aia_sequence.lists.audit import DROPPED, KEYWORDS, Outcome
from aia_sequence.lists.exports import Export
from aia_sequence.lists.manifests import APPLIED, QUARANTINED
from aia_sequence.lists.records import titles
from aia_sequence.lists.table import some


class AuditError(AIAError):
    """The lists of an event's stages contradict each other."""


def read_exports(paths: Iterable[Path | str]) -> pd.DataFrame:
    """
    Read what the archive exported.

    Returns
    -------
    pandas.DataFrame
        One row for each record: ``record``, ``reason`` (empty unless the archive gave no file). The request that
        brought a file stands in the level-1 manifest, whether it came now or lay in the cache.
    """
    rows: dict[str, str] = {}
    for export in (Export.read(Path(path)) for path in paths):
        rows |= dict.fromkeys([*export.cached, *(file.record for file in export.delivery.files)], "")
        rows |= {lost.record: lost.reason for lost in export.delivery.not_exported}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["reason"], dtype=str)
    return table.rename_axis("record").reset_index()


def join(
    *,
    event: str,
    channels: Iterable[int],
    metadata: pd.DataFrame,
    records: pd.DataFrame,
    exports: pd.DataFrame,
    level1: pd.DataFrame,
    level15: pd.DataFrame,
) -> pd.DataFrame:
    """
    Give every queried record its outcome.

    Parameters
    ----------
    event
        Name of the event, for messages.
    channels
        Channels that the event asks for.
    metadata, records, level1, level15
        The stages' lists as their `texts` returns them.
    exports
        As `read_exports` returns it.

    Returns
    -------
    pandas.DataFrame
        One row for each record of the queries, in the order of T_REC and channel; all cells text. Columns: record, the
        keywords, ``quality`` (QUALITY in words), ``outcome`` (an `Outcome`), ``reason``, ``archive``, ``request``, the
        names and hashes of the files, and the corrections that the level-1.5 manifest lists.

    Raises
    ------
    AuditError
        If the lists contradict each other; it names the records.
    """
    asked = {str(channel) for channel in channels}
    kept = records.loc[records["kept"] == "True", "record"]
    exported = exports.loc[exports["reason"] == "", "record"]
    arrived = level1.loc[level1["reason"] == "", "record"]
    wanted = metadata.loc[metadata["WAVELNTH"].isin(asked), "record"]
    _same(event, wanted, records["record"], "the queries returned", "the filter lists")
    _same(event, kept, exports["record"], "the filter kept", "the exports list")
    _same(event, kept, level1["record"], "the filter kept", "level 1 lists", optional=set(kept) - set(exported))
    _same(event, kept, level15["record"], "the filter kept", "level 1.5 lists", optional=set(kept) - set(arrived))
    table = metadata[["record", *titles(KEYWORDS)]].copy()
    table["quality"] = ["; ".join(quality.decode(int(word))) for word in table["QUALITY"]]
    verdicts = _verdicts(records, exports, level1, level15)
    table["outcome"] = _looked_up(table, verdicts, "outcome", Outcome.OTHER_CHANNEL)
    table["reason"] = _looked_up(table, verdicts, "reason")
    table["archive"] = metadata.get("archive", "")
    table["request"] = _looked_up(table, level1, "request")
    for name, part in (("level1", level1), ("level1.5", level15)):
        table[name] = _looked_up(table, part, "file")
        table[f"{name}_sha256"] = _looked_up(table, part, "sha256")
    for name in titles(APPLIED):
        table[name] = _looked_up(table, level15, name)
    return _sorted(table)


def check_counts(event: str, table: pd.DataFrame, queried: int) -> None:
    """
    Make sure that the outcomes account for every record, once.

    Raises
    ------
    AuditError
        If they do not, or if a record without an image came to be used.
    """
    counts = table["outcome"].value_counts()
    unknown = sorted(set(counts.index) - set(Outcome))
    if unknown or counts.sum() != queried or table["record"].duplicated().any():
        raise AuditError(
            f"{event}: {queried} records were queried, but the outcomes account for {counts.sum()} "
            f"({', '.join(f'{name}: {count}' for name, count in counts.items())})"
        )
    used = table.loc[table["level1.5"] != ""]
    wrong = [row.record for row in used.itertuples() if not quality.has_image(int(row.QUALITY))]
    if wrong or len(used) != counts.get(Outcome.CALIBRATED, 0):
        raise AuditError(f"{event}: level-1.5 files of records that cannot have one: {some(wrong or used['record'])}")


def check_record_list(event: str, table: pd.DataFrame, committed: pd.DataFrame) -> None:
    """
    Make sure that the filter kept exactly the committed records.

    `filter_records` compares block by block; only here is it known that no committed record lies outside all blocks.

    Raises
    ------
    AuditError
        With the records that differ.
    """
    kept = table.loc[~table["outcome"].isin([*DROPPED, Outcome.OTHER_CHANNEL]), "record"]
    _same(event, committed["record"], kept, "the committed record list holds", "the filter kept")


def _verdicts(records, exports, level1, level15) -> pd.DataFrame:
    """Outcome and reason of each record of the asked channels."""
    rows = {}
    for row in records.itertuples():
        if row.kept == "True":
            rows[row.record] = ("", "")
        elif not quality.has_image(int(row.QUALITY)):
            rows[row.record] = (Outcome.NO_IMAGE, row.dropped_by)
        else:
            rows[row.record] = (Outcome.FILTERED, row.dropped_by)
    for row in level1.itertuples():
        if row.reason:
            outcome = Outcome.QUARANTINED if row.reason.startswith(QUARANTINED) else Outcome.NOT_DELIVERED
            rows[row.record] = (outcome, row.reason.removeprefix(QUARANTINED))
    arrived = set(level1.loc[level1["reason"] == "", "record"])
    for row in exports.itertuples():
        # The cache may meanwhile have got what the archive had not exported.
        if row.reason and row.record not in arrived:
            rows[row.record] = (Outcome.NOT_EXPORTED, row.reason)
    for row in level15.itertuples():
        if row.record in arrived:
            outcome = Outcome.NOT_CALIBRATED if row.reason else Outcome.CALIBRATED
            rows[row.record] = (outcome, row.reason)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["outcome", "reason"], dtype=str)
    return table.rename_axis("record").reset_index()


def _looked_up(table: pd.DataFrame, part: pd.DataFrame, column: str, default: str = "") -> list[str]:
    """A stage's column for each record of the audit."""
    found = dict(zip(part["record"], part[column], strict=True))
    return [str(found.get(record, default)) for record in table["record"]]


def _same(event, left, right, left_says: str, right_says: str, optional: Iterable[str] = ()) -> None:
    """Compare two sets of records; those that are optional may be missing from the right one."""
    lost = sorted(set(left) - set(right) - set(optional))
    gained = sorted(set(right) - set(left))
    if lost:
        raise AuditError(f"{event}: {left_says} {some(lost)}, which {right_says} nowhere")
    if gained:
        raise AuditError(f"{event}: {right_says} {some(gained)}, although it is not among what {left_says}")


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    order = table.assign(channel=table["WAVELNTH"].astype(int)).sort_values(["T_REC", "channel", "record"]).index
    return table.loc[order].reset_index(drop=True)
