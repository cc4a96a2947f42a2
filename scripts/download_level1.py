"""Have the archive export the kept records that the level-1 cache lacks, fetch and verify each frame, and list them.

A request's id is on disk before it is waited for, then what was exported, and what has arrived is in the cache: a job
that was killed goes on from there, and asks for no frame twice.
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
        recordset = Path(snakemake.input.recordset).read_text(encoding="utf-8").strip()
        settings = AcquisitionSettings(
            Cache(Path(resources.level1_cache)),
            Journal(Path(params.journal)),
            Limits(resources.most_records, resources.patience_s),
            resources.connections,
            params.on_missing,
        )
        with source_of_block(wanted.kept, params.archive, Path(params.state), resources.servers) as source:
            asked = recordset, wanted.names, wanted.segments, wanted.processing, wanted.method
            known = settings.journal.exported(source.name, *asked)
            if not known.exists():
                cached, delivery = source.request(wanted, settings)
                about = {"channel": int(snakemake.wildcards.channel), "block": snakemake.wildcards.block}
                about |= {"recordset": recordset, "delivery": delivery, "cached": cached}
                Export(archive=source.name, series=wanted.series, **about).write(known)
            export = Export.read(known)
            export.write(Path(output.export))
            place = Place(Path(output.frames), Path(output.manifest), Path(params.quarantine))
            source.download(wanted, export.delivery, place, settings)
        if export.delivery.not_exported:
            known.unlink(missing_ok=True)  # the archive may have found the files by the next run
