"""Statistics of an image from the model alone, for records whose image nobody has made.

They were fitted to scenes of eight dates from 2010 to 2025, whose means they give to 5 %.
"""

from functools import cache, lru_cache

import numpy as np

from synthetic_jsoc import hashing
from synthetic_jsoc.instrument import SATURATION_DN, SHAPE
from synthetic_jsoc.sun import activity, flares, marks
from synthetic_jsoc.sun.looks import LOOKS
from synthetic_jsoc.sun.view import View
from synthetic_jsoc.tables import degradation

# QUALITY words of images with missing pixels, and the fraction of the image that is missing.
MISSING_FRACTION = {0x00000100: 0.002, 0x00000300: 0.03, 0x00000700: 0.12, 0x00000F00: 0.4}

# Mean over the image of the quiet scene (DN/s at launch), its growth with 100 units of active regions in view and with
# the activity of the corona, and what the brightest pixel outside flares is in units of the mean.
_MEAN_RATE = {
    94: (0.6781, 0.205, 0.667, 134.0), 131: (2.171, 0.089, 0.617, 57.0),
    171: (77.3, 0.038, 0.593, 56.0), 193: (98.96, 0.037, 0.878, 52.0),
    211: (40.23, 0.055, 0.954, 53.0), 304: (19.6, 0.036, 0.403, 28.0),
    335: (2.77, 0.09, 0.827, 66.0), 1600: (18.5, 0.008, 0.0, 11.0),
    1700: (377.5, 0.004, 0.0, 7.0), 4500: (23430.0, 0.0, 0.0, 3.0),
}  # fmt: skip
_REFERENCE_RADIUS = 1573.0  # of the Sun in pixels, to which those means belong
# In units of the mean: the 1, 10, 25, 50, 75, 90, 95, 98 and 99 percentiles, the middle column's median, the rms; then
# skewness and kurtosis.
_SHAPES = {
    94: ((-0.70, -0.35, 0.00, 0.61, 1.52, 2.52, 3.24, 4.58, 5.64), 0.92, 2.07, 13.3, 354.0),
    131: ((-0.25, -0.12, 0.13, 0.62, 1.55, 2.40, 3.08, 4.03, 4.94), 1.18, 1.34, 5.2, 68.0),
    171: ((0.00, 0.02, 0.08, 0.76, 1.58, 2.32, 2.90, 3.72, 4.50), 1.17, 1.12, 2.9, 27.0),
    193: ((0.01, 0.04, 0.13, 0.67, 1.47, 2.32, 3.04, 4.10, 5.04), 0.99, 1.22, 4.3, 51.0),
    211: ((0.00, 0.05, 0.16, 0.66, 1.43, 2.28, 3.01, 4.13, 5.14), 0.98, 1.29, 6.0, 88.0),
    304: ((-0.27, -0.13, 0.00, 0.40, 1.81, 2.60, 3.18, 3.96, 4.54), 1.58, 1.24, 1.4, 5.0),
    335: ((-0.55, 0.00, 0.25, 0.81, 1.43, 2.27, 2.84, 3.74, 4.72), 1.14, 1.29, 9.5, 207.0),
    1600: ((-0.07, -0.04, 0.00, 0.08, 1.90, 2.57, 3.04, 3.65, 4.07), 1.80, 1.16, 0.8, 0.0),
    1700: ((0.00, 0.00, 0.00, 0.01, 1.98, 2.50, 2.84, 3.24, 3.53), 1.95, 1.12, 0.5, -1.0),
    4500: ((0.00, 0.00, 0.01, 0.01, 2.14, 2.63, 2.78, 2.87, 2.91), 2.32, 1.12, 0.4, -2.0),
}
_PERCENTILES = ("DATAP01", "DATAP10", "DATAP25", "DATAMEDN", "DATAP75", "DATAP90", "DATAP95", "DATAP98", "DATAP99")
_HOUR_S = 3600.0
# Brightest pixel of a flare in units of its brighter kernel: where loops cross they are brighter yet.
_CROSSING = 1.25
_AROUND = 400, 64  # pixels to either side of a flare in which its charge stays, along columns and rows
_UNDER = 1.0  # brightness of the surface under a flare, in units of the quiet Sun at disc centre


def missing_rows(fraction):
    """Number of image rows without data at a fraction of missing pixels."""
    return round(fraction * SHAPE[0])


def statistics(channel, middle, exposure, light, fsn):
    """
    The statistics keywords of level-1 images.

    Parameters
    ----------
    channel, middle, exposure, fsn : ndarray
        Columns of the catalogue.
    light : ndarray
        Visible fraction of the Sun.

    Returns
    -------
    dict of str to ndarray
    """
    size, regions, level = _state(middle)
    columns = {name: np.zeros(channel.shape) for name in (*_PERCENTILES, "DATAMEAN", "DATAMAX", "DATACENT", "DATARMS")}
    columns |= {name: np.zeros(channel.shape) for name in ("DATASKEW", "DATAKURT", "NSATPIX")}
    for wave in np.unique(channel):
        here = channel == wave
        quiet, by_regions, by_activity, brightest = _MEAN_RATE[int(wave)]
        exposed = np.nan_to_num(exposure[here]) * degradation(int(wave), middle[here]) * light[here]
        mean = quiet * size[here] * (1 + by_regions * regions[here] / 100 + by_activity * level[here]) * exposed
        flare, peak, saturated = _flares(int(wave), middle[here], exposed)
        percentiles, centre, rms, skewness, kurtosis = _SHAPES[int(wave)]
        for name, factor in zip(_PERCENTILES, percentiles, strict=True):
            columns[name][here] = np.round(factor * mean)
        columns["DATAMEAN"][here] = mean + flare
        columns["DATAMAX"][here] = np.minimum(np.maximum(brightest * mean, peak), SATURATION_DN)
        columns["DATACENT"][here] = centre * mean
        columns["DATARMS"][here] = np.sqrt((rms * mean) ** 2 + 2.0)
        columns["DATASKEW"][here] = skewness
        columns["DATAKURT"][here] = kurtosis
        columns["NSATPIX"][here] = saturated
    whole = {name: columns[name].astype(int) for name in ("DATAMEDN", "DATAMAX", "NSATPIX")}
    return {name: np.round(values, 6) for name, values in columns.items()} | whole | {
        "DATAMIN": -5 - (hashing.uniform("darkest", fsn) * 4).astype(int),
        "NSPIKES": (200 + 2500 * hashing.uniform("spikes", fsn) ** 3).astype(int),
    }  # fmt: skip


def _state(middle):
    """Disc area relative to the reference, active regions in view, and the corona's activity, interpolated in hours."""
    if not middle.size:
        return middle, middle, middle
    hours = np.unique(np.concatenate([np.floor(middle / _HOUR_S), np.floor(middle / _HOUR_S) + 1])) * _HOUR_S
    rows = np.array([_hourly_state(float(hour)) for hour in hours])
    return tuple(np.interp(middle, hours, column) for column in rows.T)


@lru_cache(10_000)
def _hourly_state(tai):
    view = View.at(tai)
    regions = 0.0
    for region in activity.regions(tai):
        near = float(view.project(region.latitude, region.longitude)[3])
        regions += region.flux * region.separation**2 * max(near, 0.0)
    return (view.radius / _REFERENCE_RADIUS) ** 2, regions, activity.activity(tai)


def _flares(channel, middle, exposed):
    """What flares add to an image: to its mean, its brightest pixel, and the number of saturated pixels."""
    mean, brightest, saturated = np.zeros(middle.shape), np.zeros(middle.shape), np.zeros(middle.shape)
    if middle.size:
        for flare in flares.active(float(middle.min()), float(middle.max())):
            peak = flare.amplitude(channel) * flare.profile(channel, middle) * exposed
            mean += peak * flares.AREA / (SHAPE[0] * SHAPE[1])
            brightest = np.maximum(brightest, _CROSSING * peak)
            for place in np.flatnonzero(_CROSSING * peak > 0.7 * SATURATION_DN):
                saturated[place] += _saturated(flare, channel, peak[place], exposed[place])
    return mean, brightest, np.floor(saturated)


@lru_cache(100_000)
def _saturated(flare, channel, peak, exposed):
    """Number of saturated pixels around a flare; the same records are asked for again and again."""
    from synthetic_jsoc.camera import detector

    shining, still = _neighbourhood(flare, channel)
    return np.count_nonzero(detector.bled(peak * shining + exposed * still) >= SATURATION_DN)


@cache
def _neighbourhood(flare, channel):
    """Image of a flare whose brighter kernel is 1, and of what else shines around it (DN/s at launch)."""
    view = View.at(flare.peak)
    parts = marks.flare(flare, view, flare.peak)
    middle = parts[:2, :2].mean(axis=0)
    strands = marks.strands(LOOKS[channel], view, flare.peak)
    near = (np.abs(strands[:, :2] - middle) < (_AROUND[1], _AROUND[0])).all(axis=1)
    return _image(parts, middle), _image(strands[near], middle) + _UNDER * LOOKS[channel].quiet


def _image(dots, middle):
    """Sum of Gaussian dots around a place, drawn as in images."""
    from synthetic_jsoc.sun import render  # compiled loops, which only the statistics of a flare need

    down, across = _AROUND
    column, row, size, peak = dots.T
    image = np.zeros((2 * down + 1, 2 * across + 1), dtype=np.float32)
    render.dot(
        image, np.column_stack([column - middle[0] + across, row - middle[1] + down, size, size, peak, 0 * peak])
    )
    return image
