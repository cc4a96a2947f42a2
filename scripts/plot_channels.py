"""Draw the channels of an event side by side at one moment, and their composite in red, green and blue on request."""

from pathlib import Path

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.channels import plot_channels
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.sequence import Region, list_frames
from aia_sequence.files import write_text
from aia_sequence.joblog import job_log
from aia_sequence.lists.lightcurve import read_points


def main(
    *,
    event: str,
    channels: list[int],
    manifests: list[Path],
    lightcurves: list[Path],
    statistics: list[Path],
    region: Region | None,
    options: FigureOptions,
    png: Path,
    pdf: Path,
    caption: Path,
) -> None:
    frames = list_frames(manifests)
    text = plot_channels(
        {channel: [frame for frame in frames if channel == frame.WAVELNTH] for channel in channels},
        dict(zip(channels, map(read_points, lightcurves), strict=True)),
        dict(zip(channels, map(Statistics.read, statistics), strict=True)),
        [png, pdf],
        title=event,
        region=region,
        options=options,
    )
    write_text(caption, f"{text}\n")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            channels=list(snakemake.params.channels),
            manifests=[Path(path) for path in snakemake.input.manifests],
            lightcurves=[Path(path) for path in snakemake.input.lightcurves],
            statistics=[Path(path) for path in snakemake.input.statistics],
            region=snakemake.params.region,
            options=FigureOptions.of(snakemake.params.figure),
            png=Path(snakemake.output.png),
            pdf=Path(snakemake.output.pdf),
            caption=Path(snakemake.output.caption),
        )
