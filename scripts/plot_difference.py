"""Draw what changes between the frames of an event and channel: as figure and as movie, on one symmetric scale."""

from pathlib import Path

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.differences import plot_difference
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.sequence import Region, list_frames
from aia_sequence.files import write_text
from aia_sequence.joblog import job_log
from aia_sequence.lists.lightcurve import read_points


def main(
    *,
    event: str,
    channel: int,
    kind: str,
    manifests: list[Path],
    lightcurve: Path,
    statistics: Path,
    region: Region | None,
    options: FigureOptions,
    png: Path,
    pdf: Path,
    caption: Path,
    mp4: Path,
) -> None:
    about = {"kind": kind, "title": event, "channel": channel, "region": region, "options": options}
    measured = read_points(lightcurve), Statistics.read(statistics)
    text = plot_difference(list_frames(manifests), *measured, [png, pdf], mp4, **about)
    write_text(caption, f"{text}\n")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            channel=int(snakemake.wildcards.channel),
            kind=snakemake.wildcards.difference,
            manifests=[Path(path) for path in snakemake.input.manifests],
            lightcurve=Path(snakemake.input.lightcurve),
            statistics=Path(snakemake.input.statistics),
            region=snakemake.params.region,
            options=FigureOptions.of(snakemake.params.figure),
            png=Path(snakemake.output.png),
            pdf=Path(snakemake.output.pdf),
            caption=Path(snakemake.output.caption),
            mp4=Path(snakemake.output.mp4),
        )
