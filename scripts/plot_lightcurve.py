"""Draw the light curve of the region of interest, with exposure times, saturated and missing pixels."""

from pathlib import Path

from aia.figures.lightcurve import plot_lightcurve
from aia.figures.measure import Statistics
from aia.figures.options import Options
from aia.figures.points import read_points
from aia.joblog import job_log


def main(
    *, event: str, channel: int, lightcurve: Path, statistics: Path, options: Options, png: Path, pdf: Path
) -> None:
    plot_lightcurve(
        read_points(lightcurve),
        [png, pdf],
        title=f"{event}   SDO/AIA {channel} Å",
        synthetic=Statistics.read(statistics).synthetic,
        options=options,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            channel=int(snakemake.wildcards.channel),
            lightcurve=Path(snakemake.input.lightcurve),
            statistics=Path(snakemake.input.statistics),
            options=Options.of(snakemake.params.figure),
            png=Path(snakemake.output.png),
            pdf=Path(snakemake.output.pdf),
        )
