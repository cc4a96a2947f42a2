"""What a light curve has to show: the brightness of the embedded archive's Sun, noise-free."""

from datetime import datetime

import numpy as np

from aia_sequence.planning.blocks import tai_seconds
from synthetic_jsoc.sun.scene import Scene

AXIS = (np.arange(4096) - 2047.5) * 0.6  # arcsec, of the pixels of level 1.5


def mean_brightness(channel: int, region: dict[str, list[float]], time: str) -> float:
    """Mean over a region (arcsec) at a time (UTC), in DN/s at launch."""
    columns, rows = (np.flatnonzero(abs(AXIS - np.mean(region[side])) <= np.ptp(region[side]) / 2) for side in "xy")
    scene = Scene(channel, tai_seconds(datetime.fromisoformat(time)))
    return float(scene.on([columns[0], rows[0], 1, 0, 0, 1], (rows.size, columns.size)).mean())
