"""What is done to a frame.

Apart from the code that does it, which takes numba, and the code that looks numbers up, which takes aiapy: either is
slow to start.
"""

from collections.abc import Mapping
from dataclasses import dataclass

KERNELS = ("cubic-spline", "keys")
COMPRESSIONS = ("none", "gzip", "rice")
SATURATION = 16383  # DN; the analogue-digital converter has 14 bits
# DN from which a level-1 pixel counts as saturated, 0.95 of that: dark current has been taken off and the flat field
# divided by, so the converter's limit lies a few per cent above or below.
SATURATED_FROM = 15564


@dataclass(frozen=True)
class Options:
    """What is done to a frame: the event's `calibration` options, see `config/README.md`."""

    pointing: bool = True
    respike: bool = False
    psf: bool = False
    psf_iterations: int = 25
    degradation: bool = True
    degradation_version: int = 10
    exposure: bool = True
    uncertainty: bool = False
    interpolation: str = "cubic-spline"
    compression: str = "none"
    on_bad_frame: str = "fail"
    region: Mapping[str, tuple[float, float]] | None = None

    def __post_init__(self):
        for name, allowed in (
            ("interpolation", KERNELS),
            ("compression", COMPRESSIONS),
            ("on_bad_frame", ("fail", "skip")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"calibration.{name}: {getattr(self, name)!r}; allowed are {', '.join(allowed)}")
