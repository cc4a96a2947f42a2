"""Render the movie of an event and channel: one brightness scale, a time axis on which gaps stay gaps."""

from pathlib import Path

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.movie import render_movie
from aia_sequence.figures.sequence import Region, list_frames
from aia_sequence.joblog import job_log
from aia_sequence.lists.lightcurve import read_points


def main(
    *,
    event: str,
    channel: int,
    manifests: list[Path],
    lightcurve: Path,
    statistics: Path,
    region: Region | None,
    options: FigureOptions,
    mp4: Path,
) -> None:
    render_movie(
        list_frames(manifests),
        read_points(lightcurve),
        Statistics.read(statistics),
        mp4,
        title=event,
        channel=channel,
        region=region,
        options=options,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            channel=int(snakemake.wildcards.channel),
            manifests=[Path(path) for path in snakemake.input.manifests],
            lightcurve=Path(snakemake.input.lightcurve),
            statistics=Path(snakemake.input.statistics),
            region=snakemake.params.region,
            options=FigureOptions.of(snakemake.params.figure),
            mp4=Path(snakemake.output.mp4),
        )
