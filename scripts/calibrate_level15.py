"""Calibrate the level-1 frames of one block to level 1.5, and say in its manifest what was done to each."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aia_sequence.calibration.block import calibrate_block
from aia_sequence.calibration.job import CalibrationJob
from aia_sequence.calibration.lookup import Tables
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.joblog import job_log
from aia_sequence.lists.manifests import LEVEL1, LEVEL15

logger = logging.getLogger(__name__)


def main(
    *,
    level1: Path,
    pointing: Sequence[Path],
    degradation: Path | None,
    errors: Path | None,
    psf: Path | None,
    options: Mapping[str, Any],
    threads: int,
    folder: Path,
    manifest: Path,
) -> None:
    """Write level-1.5 frames into `folder`, then the manifest beside it; the tables are frozen ones."""
    rows = LEVEL1.read(level1)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tables = Tables.read(pointing, degradation)
    job = CalibrationJob(level1.parent, folder, CalibrationOptions(**options), tables, errors, psf)
    made = calibrate_block(rows, job, threads)
    LEVEL15.write(manifest, made)
    logger.info("%d of %d frames calibrated", sum(not row["reason"] for row in made), len(rows))


def optional(name: str) -> Path | None:
    """An input that only some options ask for."""
    path = snakemake.input.get(name)
    return Path(path) if path else None


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(
            level1=Path(snakemake.input.manifest),
            pointing=[Path(path) for path in snakemake.input.get("pointing", [])],
            degradation=optional("degradation"),
            errors=optional("errors"),
            psf=optional("psf"),
            options=snakemake.params.calibration,
            threads=snakemake.threads,
            folder=Path(snakemake.output.frames),
            manifest=Path(snakemake.output.manifest),
        )
