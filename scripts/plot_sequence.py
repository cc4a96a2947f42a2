"""Draw the frames of an event and channel side by side on one brightness scale, and the light curve on its own."""

from pathlib import Path

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.lightcurve import plot_lightcurve
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.panels import plot_sequence
from aia_sequence.figures.sequence import Region, list_frames
from aia_sequence.files import write_text
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
    png: Path,
    pdf: Path,
    caption: Path,
    lightcurve_png: Path,
    lightcurve_pdf: Path,
) -> None:
    points, measured = read_points(lightcurve), Statistics.read(statistics)
    shown = {"title": event, "channel": channel, "region": region, "options": options}
    text = plot_sequence(list_frames(manifests), points, measured, [png, pdf], **shown)
    write_text(caption, f"{text}\n")
    plot_lightcurve(
        points,
        [lightcurve_png, lightcurve_pdf],
        title=f"{event}   SDO/AIA {channel} Å",
        synthetic=measured.synthetic,
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
            png=Path(snakemake.output.png),
            pdf=Path(snakemake.output.pdf),
            caption=Path(snakemake.output.caption),
            lightcurve_png=Path(snakemake.output.lightcurve_png),
            lightcurve_pdf=Path(snakemake.output.lightcurve_pdf),
        )
