"""Mark every record of a channel as kept or dropped and by which condition, and write the record set of the kept ones.

The record set is then proved: sent back to the archive, it must bring exactly the kept records, value by value.
"""

from collections.abc import Sequence
from pathlib import Path

from aia_sequence.acquisition.selection import select_records
from aia_sequence.acquisition.sources import source_of_block
from aia_sequence.files import write_text
from aia_sequence.joblog import job_log
from aia_sequence.lists.records import METADATA, RECORDS


def main(
    *,
    archive: str,
    state: Path,
    servers: str,
    series: str,
    channel: int,
    span: Sequence[str],
    where: dict,
    segments: list[str],
    steps: dict[str, int] | None,
    table: Path,
    record_list: Path | None,
    records: Path,
    recordset: Path,
) -> None:
    asked = {"series": series, "channel": channel, "span": span, "where": where, "segments": segments}
    asked["steps"] = steps
    rows = METADATA.frame(table)
    with source_of_block(rows, archive, state, servers) as source:
        marked, text = select_records(source, rows, **asked, committed=record_list)
    RECORDS.write_frame(records, marked)
    write_text(recordset, text + "\n")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        wanted = snakemake.params.frames
        main(
            archive=snakemake.params.archive,
            state=Path(snakemake.params.state),
            servers=snakemake.resources.servers,
            series=wanted["series"],
            channel=int(snakemake.wildcards.channel),
            span=snakemake.params.span,
            where=wanted["where"],
            segments=wanted["segments"],
            steps=wanted.get("steps"),
            table=Path(snakemake.input.table),
            record_list=Path(snakemake.resources.record_list) if snakemake.resources.record_list else None,
            records=Path(snakemake.output.records),
            recordset=Path(snakemake.output.recordset),
        )
