"""Values of header keywords: a value, or none where the header has only a word for a missing one."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.io.fits.card import Undefined
from astropy.io.fits.verify import VerifyError

from aia_sequence.values import is_missing

NO_INTEGER = -(2**31)  # the archive's missing integer


def stated(header: Mapping[str, Any], key: str) -> Any:
    """A keyword's value, or None if it has none: an empty card, the archive's words for it, or `-nan` unquoted."""
    try:
        value = header.get(key)
    except VerifyError:
        return None
    missing = isinstance(value, Undefined) or (isinstance(value, str) and is_missing(value))
    missing = missing or (isinstance(value, float) and math.isnan(value)) or (value == NO_INTEGER and key != "QUALITY")
    return None if missing else value


def number(header: Mapping[str, Any], key: str) -> float | None:
    """A keyword's value as a finite number, or None if it is missing, undefined or none."""
    value = stated(header, key)
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        return None
    return float(value)
