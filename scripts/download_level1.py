"""Fetch a block's exported frames, verify each one, and write the manifest of what arrived and what did not.

Frames that the level-1 cache holds are not fetched again.
"""

from pathlib import Path

from aia_sequence.acquisition.cache import Cache
from aia_sequence.acquisition.journal import Journal
from aia_sequence.acquisition.queue import Limits
from aia_sequence.acquisition.request import AcquisitionSettings, FrameRequest, Place
from aia_sequence.acquisition.sources import source_of_block
from aia_sequence.joblog import job_log
from aia_sequence.lists.exports import Export

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        params, resources, output = snakemake.params, snakemake.resources, snakemake.output
        wanted = FrameRequest.of(Path(snakemake.input.records), params.frames, params.method)
        settings = AcquisitionSettings(
            Cache(Path(resources.level1_cache)),
            Journal(Path(params.journal)),
            Limits(resources.most_records, resources.patience_s),
            resources.connections,
            params.on_missing,
        )
        place = Place(Path(output.frames), Path(output.manifest), Path(params.quarantine))
        delivery = Export.read(Path(snakemake.input.export)).delivery
        with source_of_block(wanted.kept, params.archive, Path(params.state), resources.servers) as source:
            source.download(wanted, delivery, place, settings)
