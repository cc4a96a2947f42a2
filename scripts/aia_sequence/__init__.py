"""SDO/AIA image sequences: record sets, acquisition, level 1.5, figures and provenance.

What a script or a notebook takes from here, without a workflow, is in `__all__`; all else is for the workflow's own use
and may move. What editors and type checkers know of these names stands in `__init__.pyi`.
"""

import importlib
from typing import Any

__version__ = "0.2.0"

# Where each is; imported when it is first used, so that `import aia_sequence` takes no time.
_HOMES = {
    "calibrate": "aia_sequence.calibration.single",
    "open": "aia_sequence.analysis.sequence",
    "read_level15": "aia_sequence.frames.fits",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
