"""Turn the movie of an event and channel into a GIF, for places that play nothing else."""

from pathlib import Path

from aia_sequence.figures.encoding import render_gif
from aia_sequence.joblog import job_log


def main(*, mp4: Path, gif: Path) -> None:
    render_gif(mp4, gif)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(mp4=Path(snakemake.input.mp4), gif=Path(snakemake.output.gif))
