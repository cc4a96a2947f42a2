"""What is to be done to the frames of a block, as the process that starts it tells those that calibrate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aia_sequence.calibration.lookup import Tables
from aia_sequence.config.calibration import CalibrationOptions


@dataclass(frozen=True)
class CalibrationJob:
    """What is to be done to the frames of a block.

    Attributes
    ----------
    level1, folder
        Where level-1 files are read (relative to it) and level-1.5 files are written; both exist.
    options
        What is done.
    tables
        Frozen tables, as far as the options ask for them.
    errors, psf
        Files of the photometric errors and of the point spread function, where the options ask for them.
    """

    level1: Path
    folder: Path
    options: CalibrationOptions
    tables: Tables = field(default_factory=Tables)
    errors: Path | None = None
    psf: Path | None = None


@dataclass(frozen=True)
class PhotometricErrors:
    """Standard deviation (DN) of 0, 1, 2 … counts, by channel, and the table that it comes from."""

    sigma: Mapping[int, np.ndarray]
    about: dict[str, str]
