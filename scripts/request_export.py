"""Have the archive export the kept records that the level-1 cache lacks, and write where their files lie.

The request's id is on disk before it is waited for: a job that was killed takes up its own request.
"""

from pathlib import Path

from aia_sequence.acquisition.cache import Cache
from aia_sequence.acquisition.journal import Journal
from aia_sequence.acquisition.queue import Limits
from aia_sequence.acquisition.request import AcquisitionSettings, FrameRequest
from aia_sequence.acquisition.sources import source_of_block
from aia_sequence.joblog import job_log
from aia_sequence.lists.exports import Export

if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        params, resources = snakemake.params, snakemake.resources
        wanted = FrameRequest.of(Path(snakemake.input.records), params.frames, params.method)
        settings = AcquisitionSettings(
            Cache(Path(resources.level1_cache)),
            Journal(Path(params.journal)),
            Limits(resources.most_records, resources.patience_s),
        )
        with source_of_block(wanted.kept, params.archive, Path(params.state), resources.servers) as source:
            cached, delivery = source.request(wanted, settings)
        Export(
            archive=source.name,
            series=wanted.series,
            channel=int(snakemake.wildcards.channel),
            block=snakemake.wildcards.block,
            recordset=Path(snakemake.input.recordset).read_text(encoding="utf-8").strip(),
            delivery=delivery,
            cached=cached,
        ).write(Path(snakemake.output.export))
