"""Have the archive export the kept records that the level-1 cache lacks, and write where their files lie.

The request's id is on disk before it is waited for: a job that was killed takes up its own request.
"""

from pathlib import Path

from aia_sequence.acquisition import steps
from aia_sequence.acquisition.cache import Cache
from aia_sequence.acquisition.export import Limits
from aia_sequence.acquisition.journal import Journal
from aia_sequence.archive import metadata
from aia_sequence.archive.client import open_archive
from aia_sequence.config import conditions
from aia_sequence.files import write_json
from aia_sequence.joblog import job_log


def main(
    *,
    archive: str,
    state: Path,
    url: str,
    cache: Path,
    journal: Path,
    series: str,
    channel: int,
    block: str,
    where: dict,
    segments: list[str],
    processing: dict[str, dict[str, str]],
    method: str,
    limits: Limits,
    records: Path,
    recordset: Path,
    export: Path,
) -> None:
    """Write the export of the block's kept `records` to `export` (JSON)."""
    marked = metadata.read(records)
    kept = marked[marked["kept"]].reset_index(drop=True)
    task = steps.Task(series, kept, conditions.compile_where(where), tuple(segments), processing, method)
    with open_archive(archive, state, url) as opened:
        cached, delivery = steps.request(opened, Cache(cache), Journal(journal), task, limits)
    content = {
        "archive": archive,
        "series": series,
        "channel": channel,
        "block": block,
        "recordset": recordset.read_text(encoding="utf-8").strip(),
        "requests": delivery.requests,
        "files": delivery.files,
        "not_exported": delivery.not_exported,
        "cached": cached,
    }
    write_json(export, content)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        wanted = snakemake.params.frames
        main(
            archive=snakemake.params.archive,
            state=Path(snakemake.params.state),
            url=snakemake.resources.archive_url,
            cache=Path(snakemake.resources.level1_cache),
            journal=Path(snakemake.params.journal),
            series=wanted["series"],
            channel=int(snakemake.wildcards.channel),
            block=snakemake.wildcards.block,
            where=wanted["where"],
            segments=wanted["segments"],
            processing=wanted["processing"],
            method=snakemake.params.method,
            limits=Limits(snakemake.resources.most_records, snakemake.resources.patience_s),
            records=Path(snakemake.input.records),
            recordset=Path(snakemake.input.recordset),
            export=Path(snakemake.output.export),
        )
