"""Say of every record that an event's queries returned what became of it, as a table and as a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aia_sequence import lists
from aia_sequence.archive.metadata import inert_table
from aia_sequence.audit import join
from aia_sequence.audit import remarks as notes
from aia_sequence.audit.page import page
from aia_sequence.files import write_text
from aia_sequence.instrument import series_of
from aia_sequence.joblog import job_log


def main(
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
    output: Path,
    html: Path,
) -> None:
    queried = lists.read_lists(metadata)
    exported = join.read_exports(exports)
    table = join.join(
        event=event,
        channels=channels,
        metadata=queried,
        records=lists.read_lists(records),
        exports=exported,
        level1=lists.read_lists(level1),
        level15=lists.read_lists(level15),
    )
    join.check_counts(event, table, len(queried))
    for committed in record_list:
        join.check_frozen(event, table, lists.read_lists([committed]))
    headers = notes.read_headers(table, output.parent)
    told = notes.about_synthetic(headers["synthetic"]) + [notes.Note(None, "region", f"{line}.") for line in remarks]
    told += notes.about_absent(absent)
    for channel in channels:
        told += notes.about_channel(table.assign(**headers), channel, series_of(channel).step)
    table["notes"] = notes.per_frame(table)
    write_text(output, inert_table(table).to_csv(index=False, lineterminator="\n"))
    write_text(
        html,
        page(
            event=event,
            window=window,
            channels=channels,
            where=where,
            recordsets=[Path(path).read_text(encoding="utf-8").strip() for path in recordsets],
            table=table,
            notes=told,
        ),
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            **snakemake.params.event,
            metadata=snakemake.input.metadata,
            records=snakemake.input.records,
            recordsets=snakemake.input.recordsets,
            exports=snakemake.input.exports,
            level1=snakemake.input.level1,
            level15=snakemake.input.level15,
            record_list=snakemake.input.record_list,
            output=Path(snakemake.output.csv),
            html=Path(snakemake.output.html),
        )
