"""Write the region of all frames of a channel as one netCDF-4 file: as SDO saw the Sun, or derotated."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aia_sequence.analysis import cube, turned
from aia_sequence.config.ephemeris import law_of
from aia_sequence.figures.sequence import list_frames
from aia_sequence.joblog import job_log

logger = logging.getLogger(__name__)


def main(*, channel: int, inputs: Mapping[str, Any], options: Mapping[str, Any], path: Path) -> None:
    """Write a cube; `inputs` are the files of `planning.jobs.Job.cube_sources`, `options` its `cube`."""
    region = options["region"]
    if options["kind"] == "seen":
        count = cube.write(path, cube.seen(list_frames(turned.paths(inputs["level15"])), region), region)
    else:
        sources = turned.sources(channel, inputs, options["calibration"])
        reference = turned.reference_of(sources, options["time"], region, law_of(options["rotation"]))
        count = cube.write(path, turned.turned(sources, reference), region, turned.described(reference))
    logger.info("%d frames", count)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            channel=int(snakemake.wildcards.channel),
            inputs=dict(snakemake.input.items()),
            options=snakemake.params.cube,
            path=Path(snakemake.output.cube),
        )
