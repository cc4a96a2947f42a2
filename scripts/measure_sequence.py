"""Measure the region of interest in every frame of a channel: the light curve, and one brightness scale for all."""

from pathlib import Path

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import Region, require_frames
from aia_sequence.joblog import job_log
from aia_sequence.lists.lightcurve import write_points


def main(
    *,
    event: str,
    channel: int,
    manifests: list[Path],
    records: list[Path],
    region: Region | None,
    options: FigureOptions,
    lightcurve: Path,
    statistics: Path,
) -> None:
    frames = require_frames(event, channel, manifests, records)
    points, numbers = measure(frames, region, options)
    write_points(points, lightcurve)
    numbers.write(statistics)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            channel=int(snakemake.wildcards.channel),
            manifests=[Path(path) for path in snakemake.input.manifests],
            records=[Path(path) for path in snakemake.input.records],
            region=snakemake.params.region,
            options=FigureOptions.of(snakemake.params.figure),
            lightcurve=Path(snakemake.output.lightcurve),
            statistics=Path(snakemake.output.statistics),
        )
