"""Measure the region of interest in every frame of a channel, and draw the sequence on one brightness scale.

The light curve as table and figure, the frames side by side, the movie, and the viewer.
"""

from collections.abc import Mapping
from pathlib import Path

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.measure import measure
from aia_sequence.figures.products import draw_products
from aia_sequence.figures.sequence import Region, require_frames
from aia_sequence.joblog import job_log
from aia_sequence.lists.lightcurve import read_points, write_points


def main(
    *,
    event: str,
    channel: int,
    channels: list[int],
    manifests: list[Path],
    records: list[Path],
    region: Region | None,
    options: FigureOptions,
    threads: int,
    files: Mapping[str, Path],
) -> None:
    frames = require_frames(event, channel, manifests, records)
    points, statistics = measure(frames, region, options)
    write_points(points, files["lightcurve"])
    statistics.write(files["statistics"])
    draw_products(
        frames,
        read_points(files["lightcurve"]),  # as other figures find them
        statistics,
        files,
        title=event,
        channel=channel,
        channels=channels,
        region=region,
        options=options,
        processes=threads,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            event=snakemake.wildcards.event,
            channel=int(snakemake.wildcards.channel),
            channels=snakemake.params.channels,
            manifests=[Path(path) for path in snakemake.input.manifests],
            records=[Path(path) for path in snakemake.input.records],
            region=snakemake.params.region,
            options=FigureOptions.of(snakemake.params.figure),
            threads=snakemake.threads,
            files={name: Path(path) for name, path in snakemake.output.items()},
        )
