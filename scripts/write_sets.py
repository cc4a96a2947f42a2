"""List which frames of an event's channels belong together, by their times of observation."""

from pathlib import Path

from aia_sequence.analysis import sets
from aia_sequence.figures.sequence import list_frames
from aia_sequence.joblog import job_log


def main(*, channels: list[int], manifests: list[Path], within: float, path: Path) -> None:
    """Write the list; `within` (s) is how far apart frames may be."""
    frames = list_frames(manifests)
    of_channel = {channel: [frame for frame in frames if channel == frame.WAVELNTH] for channel in channels}
    sets.write(path, of_channel, within)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            channels=list(snakemake.params.channels),
            manifests=[Path(path) for path in snakemake.input.manifests],
            within=snakemake.params.within,
            path=Path(snakemake.output.sets),
        )
