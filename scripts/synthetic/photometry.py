"""Statistics of an image from the model alone, for records whose image nobody has made."""

import numpy as np

from synthetic import flares, hashing
from synthetic.instrument import SATURATION_DN, SHAPE
from synthetic.tables import degradation

# QUALITY words of images with missing pixels, and the fraction of the image that is missing.
MISSING_FRACTION = {0x00000100: 0.002, 0x00000300: 0.03, 0x00000700: 0.12, 0x00000F00: 0.4}

# Mean over the whole image of the quiet scene at launch, DN/s.
_MEAN_RATE = {
    94: 1.1,
    131: 3.9,
    171: 110.0,
    193: 150.0,
    211: 62.0,
    304: 25.0,
    335: 4.2,
    1600: 38.0,
    1700: 400.0,
    4500: 4700.0,
}


def missing_rows(fraction):
    """Number of image rows without data at a fraction of missing pixels."""
    return round(fraction * SHAPE[0])


def statistics(channel, middle, exposure, quality, fsn):
    """
    The statistics keywords of level-1 images.

    Parameters
    ----------
    channel, middle, exposure, quality, fsn : ndarray
        Columns of the catalogue.

    Returns
    -------
    dict of str to ndarray
    """
    mean = np.zeros(channel.shape)
    saturated = np.zeros(channel.shape, dtype=int)
    for wave in np.unique(channel):
        here = channel == wave
        left = degradation(int(wave), middle[here])
        mean[here] = _MEAN_RATE[int(wave)] * exposure[here] * left
        saturated[here] = _saturated(int(wave), middle[here], exposure[here] * left)
    mean = np.where(np.isnan(mean), 0.0, mean)
    rank = {"DATAP01": 0.0, "DATAP10": 0.04, "DATAP25": 0.1, "DATAP75": 1.5, "DATAP90": 2.4, "DATAP95": 3.1,
            "DATAP98": 4.2, "DATAP99": 5.1}  # fmt: skip
    columns = {name: np.round(mean * factor) for name, factor in rank.items()}
    return columns | {
        "DATAMIN": np.full(channel.shape, -6),
        "DATAMAX": np.minimum(mean * 40, SATURATION_DN).astype(int),
        "DATAMEDN": np.round(0.7 * mean).astype(int),
        "DATAMEAN": np.round(mean, 6),
        "DATARMS": np.round(1.2 * mean, 6),
        "DATASKEW": np.full(channel.shape, 2.6),
        "DATAKURT": np.full(channel.shape, 19.0),
        "DATACENT": np.round(1.3 * mean, 6),
        "NSATPIX": saturated,
        "NSPIKES": (200 + 2500 * hashing.uniform("spikes", fsn) ** 3).astype(int),
    }


def _saturated(channel, middle, sensitivity):
    """Number of pixels that flares drive to saturation."""
    count = np.zeros(middle.shape)
    if middle.size:
        for flare in flares.active(float(middle.min()), float(middle.max())):
            peak = flare.amplitude(channel) * flare.profile(channel, middle) * sensitivity
            count += 2 * np.pi * 16.0 * np.log(np.maximum(peak / SATURATION_DN, 1.0))
    return np.nan_to_num(count).astype(int)
