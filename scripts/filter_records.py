"""Mark every record of a channel as kept or dropped and by which condition, and write the record set of the kept ones.

The record set is then proved: sent back to the archive, it must bring exactly the kept records, value by value.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from aia_sequence.acquisition import record_list as frozen
from aia_sequence.archive import metadata, recordsets
from aia_sequence.archive.client import open_archive
from aia_sequence.config import conditions as filters
from aia_sequence.errors import ArchiveError
from aia_sequence.files import write_text
from aia_sequence.joblog import job_log

logger = logging.getLogger(__name__)


def main(
    *,
    archive: str,
    state: Path,
    url: str,
    series: str,
    channel: int,
    span: Sequence[str],
    where: dict,
    segments: list[str],
    table: Path,
    record_list: Path | None,
    records: Path,
    recordset: Path,
) -> None:
    """Write which records of `table` the conditions keep, and the record set that selects them."""
    conditions = filters.compile_where(where)
    marked = metadata.read(table)
    marked = marked[marked["WAVELNTH"] == channel].reset_index(drop=True)
    marked["dropped_by"] = filters.dropped_by(marked, conditions)
    marked.insert(len(marked.columns) - 1, "kept", marked["dropped_by"] == "")
    kept = marked[marked["kept"]]
    if record_list is not None:
        frozen.check(record_list, kept, channel=channel, start=span[0], end=span[1])
    text = recordsets.channel_set(series, *span, channel, conditions, segments)
    with open_archive(archive, state, url) as opened:
        # Not the paths of the segments: they change when the archive brings a record back from tape.
        answer = opened.query(text, filters.extra_keywords(conditions))
    prove(text, kept, answer)
    metadata.write(records, marked)
    write_text(recordset, text + "\n")
    logger.info("%s: %d of %d records kept", text, len(kept), len(marked))


def prove(text: str, kept, answer) -> None:
    """Fail, showing the difference, unless the archive's answer to a record set equals the kept records."""
    different = metadata.differences(kept[answer.columns], answer)
    if different:
        shown = "\n  ".join(different[:10])
        raise ArchiveError(
            f"{text}\nbrings other records than the conditions keep ({len(different)} differences; the first is the "
            f"block's metadata, the second the archive's answer):\n  {shown}\n"
            "If the archive has changed since the block was queried, delete its metadata and run again."
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        wanted = snakemake.params.frames
        main(
            archive=snakemake.params.archive,
            state=Path(snakemake.params.state),
            url=snakemake.resources.archive_url,
            series=wanted["series"],
            channel=int(snakemake.wildcards.channel),
            span=snakemake.params.span,
            where=wanted["where"],
            segments=wanted["segments"],
            table=Path(snakemake.input.table),
            record_list=Path(snakemake.resources.record_list) if snakemake.resources.record_list else None,
            records=Path(snakemake.output.records),
            recordset=Path(snakemake.output.recordset),
        )
