"""Fetch a block's exported frames, verify each one, and write the manifest of what arrived and what did not.

Frames that the level-1 cache holds are not fetched again.
"""

import json
from pathlib import Path

from aia_sequence.acquisition import steps
from aia_sequence.acquisition.cache import Cache
from aia_sequence.acquisition.export import Delivery, Limits
from aia_sequence.acquisition.journal import Journal
from aia_sequence.archive import metadata
from aia_sequence.archive.client import open_archive
from aia_sequence.config import conditions
from aia_sequence.joblog import job_log


def main(
    *,
    archive: str,
    state: Path,
    url: str,
    cache: Path,
    journal: Path,
    series: str,
    where: dict,
    segments: list[str],
    processing: dict[str, dict[str, str]],
    method: str,
    limits: Limits,
    connections: int,
    on_missing: str,
    records: Path,
    export: Path,
    frames: Path,
    manifest: Path,
    quarantine: Path,
) -> None:
    """Fill the folder `frames` with verified level-1 files and write its `manifest`."""
    marked = metadata.read(records)
    kept = marked[marked["kept"]].reset_index(drop=True)
    task = steps.Task(series, kept, conditions.compile_where(where), tuple(segments), processing, method)
    exported = json.loads(export.read_text(encoding="utf-8"))
    delivery = Delivery(exported["requests"], exported["files"], exported["not_exported"])
    with open_archive(archive, state, url) as opened:
        steps.download(
            opened,
            Cache(cache),
            Journal(journal),
            task,
            delivery,
            steps.Place(frames, manifest, quarantine),
            limits,
            connections,
            on_missing,
        )


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
            where=wanted["where"],
            segments=wanted["segments"],
            processing=wanted["processing"],
            method=snakemake.params.method,
            limits=Limits(snakemake.resources.most_records, snakemake.resources.patience_s),
            connections=snakemake.resources.connections,
            on_missing=snakemake.params.on_missing,
            records=Path(snakemake.input.records),
            export=Path(snakemake.input.export),
            frames=Path(snakemake.output.frames),
            manifest=Path(snakemake.output.manifest),
            quarantine=Path(snakemake.params.quarantine),
        )
