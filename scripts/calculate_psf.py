"""Calculate the point spread function of one channel as aiapy does, once for all events."""

import logging
from pathlib import Path

from aia_sequence.calibration import psf
from aia_sequence.joblog import job_log

logger = logging.getLogger(__name__)


def main(*, channel: int, output: Path) -> None:
    """Write the point spread function of a channel (wavelength in angstrom)."""
    psf.write(output, psf.calculate(channel), channel)
    logger.info("point spread function of %d Å calculated", channel)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(channel=int(snakemake.wildcards.channel), output=Path(snakemake.output.psf))
