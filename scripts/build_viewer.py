"""Build the viewer of an event and channel: one HTML file with the images in it, which needs no network."""

from pathlib import Path

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.sequence import Region, list_frames
from aia_sequence.figures.viewer import build_viewer
from aia_sequence.joblog import job_log
from aia_sequence.lists.lightcurve import read_points


def main(
    *,
    event: str,
    channel: int,
    channels: list[int],
    manifests: list[Path],
    lightcurve: Path,
    statistics: Path,
    region: Region | None,
    options: FigureOptions,
    html: Path,
) -> None:
    build_viewer(
        list_frames(manifests),
        read_points(lightcurve),
        Statistics.read(statistics),
        html,
        title=event,
        channel=channel,
        channels=channels,
        region=region,
        options=options,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            channel=int(snakemake.wildcards.channel),
            channels=snakemake.params.channels,
            manifests=[Path(path) for path in snakemake.input.manifests],
            lightcurve=Path(snakemake.input.lightcurve),
            statistics=Path(snakemake.input.statistics),
            region=snakemake.params.region,
            options=FigureOptions.of(snakemake.params.figure),
            html=Path(snakemake.output.html),
        )
