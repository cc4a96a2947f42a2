"""Gaps of a sequence: where frames are missing."""

import numpy as np

# A step between frames that is longer than this many usual ones is a gap: one missing frame is not.
GAP = 2.5


def gaps(times: np.ndarray) -> np.ndarray:
    """Find the gaps: indices after which the next frame is later than 2.5 times the usual (median) step."""
    steps = np.diff(times).round(3)
    return np.flatnonzero(steps > GAP * np.median(steps)) if steps.size else np.array([], dtype=int)
