"""Fetch a block's exported frames, verify each one, and write the manifest of what arrived and what did not.

Frames that the level-1 cache holds are not fetched again.
"""

import json
from pathlib import Path

from aia_sequence.acquisition import steps
from aia_sequence.acquisition.cache import Cache
from aia_sequence.acquisition.export import Delivery, Limits
from aia_sequence.acquisition.journal import Journal
from aia_sequence.archive.client import open_archive
from aia_sequence.joblog import job_log

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        params, resources, output = snakemake.params, snakemake.resources, snakemake.output
        exported = json.loads(Path(snakemake.input.export).read_text(encoding="utf-8"))
        with open_archive(params.archive, Path(params.state), resources.archive_url) as archive:
            steps.download(
                archive,
                Cache(Path(resources.level1_cache)),
                Journal(Path(params.journal)),
                steps.Task.of(Path(snakemake.input.records), params.frames, params.method),
                Delivery(exported["requests"], exported["files"], exported["not_exported"]),
                steps.Place(Path(output.frames), Path(output.manifest), Path(params.quarantine)),
                Limits(resources.most_records, resources.patience_s),
                resources.connections,
                params.on_missing,
            )
