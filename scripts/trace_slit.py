"""Follow brightness along a slit through the frames of an event and channel: as netCDF-4 file and as figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aia_sequence.analysis import slits
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.slits import Slit
from aia_sequence.figures.sequence import list_frames
from aia_sequence.figures.timedistance import plot_slit
from aia_sequence.files import write_text
from aia_sequence.joblog import job_log


def main(
    *,
    event: str,
    channel: int,
    slit: str,
    described: Mapping[str, Any],
    manifests: list[Path],
    options: FigureOptions,
    data: Path,
    png: Path,
    pdf: Path,
    caption: Path,
) -> None:
    frames = list_frames(manifests)
    found = slits.follow(frames, Slit.of(slit, described))
    slits.write(data, found)
    text = plot_slit(found, frames, [png, pdf], title=event, name=slit, channel=channel, options=options)
    write_text(caption, f"{text}\n")


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            channel=int(snakemake.wildcards.channel),
            slit=snakemake.wildcards.slit,
            described=snakemake.params.slit,
            manifests=[Path(path) for path in snakemake.input.manifests],
            options=FigureOptions.of(snakemake.params.figure),
            data=Path(snakemake.output.data),
            png=Path(snakemake.output.png),
            pdf=Path(snakemake.output.pdf),
            caption=Path(snakemake.output.caption),
        )
