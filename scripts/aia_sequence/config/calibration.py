"""What is done to a frame.

Apart from the code that does it, which takes numba, and the code that looks numbers up, which takes aiapy: either is
slow to start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CalibrationOptions:
    """What is done to a frame: the event's `calibration` options, see `config/README.md`."""

    pointing: bool = True
    respike: bool = False
    psf: bool = False
    psf_iterations: int = 25
    psf_acceleration: bool = False
    degradation: bool = True
    degradation_version: int = 10
    exposure: bool = True
    uncertainty: bool = False
    interpolation: str = "cubic-spline"
    bin: int = 1
    compression: str = "none"
    on_bad_frame: str = "fail"
    region: Mapping[str, Any] | None = None
