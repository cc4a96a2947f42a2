"""Statistics of an image from the model alone, for records whose image nobody has made.

They were fitted to scenes of seven dates from 2010 to 2024, whose means they give to 4 %.
"""

import numpy as np

from synthetic import activity, flares, hashing
from synthetic.instrument import SATURATION_DN, SHAPE
from synthetic.tables import degradation
from synthetic.view import View

# QUALITY words of images with missing pixels, and the fraction of the image that is missing.
MISSING_FRACTION = {0x00000100: 0.002, 0x00000300: 0.03, 0x00000700: 0.12, 0x00000F00: 0.4}

# Mean over the image of the quiet scene (DN/s at launch), its growth with 100 units of active regions in view and with
# the activity of the corona, and what the brightest pixel outside flares is in units of the mean.
_MEAN_RATE = {
    94: (0.491, 0.171, 0.406, 110.0), 131: (2.511, 0.107, 0.355, 60.0), 171: (90.5, 0.066, 0.317, 34.0),
    193: (103.8, 0.077, 0.564, 38.0), 211: (39.87, 0.088, 0.634, 44.0), 304: (20.71, 0.128, 0.138, 25.0),
    335: (2.752, 0.125, 0.496, 55.0), 1600: (33.10, 0.049, 0.0, 10.0), 1700: (319.9, 0.025, 0.0, 6.0),
    4500: (4343.0, 0.0, 0.0, 2.9),
}  # fmt: skip
_REFERENCE_RADIUS = 1573.0  # of the Sun in pixels, to which those means belong
# In units of the mean: the 1, 10, 25, 50, 75, 90, 95, 98 and 99 percentiles, the middle column's median, the rms; then
# skewness and kurtosis.
_SHAPES = {
    94: ((0.02, 0.06, 0.20, 0.83, 1.34, 1.83, 2.22, 3.05, 5.08), 1.03, 1.92, 17.1, 565.0),
    131: ((0.01, 0.03, 0.10, 0.83, 1.51, 2.15, 2.64, 3.49, 4.66), 1.15, 1.27, 7.6, 167.0),
    171: ((0.01, 0.03, 0.10, 0.85, 1.56, 2.22, 2.69, 3.42, 4.18), 1.17, 1.06, 3.4, 45.0),
    193: ((0.02, 0.05, 0.16, 0.75, 1.46, 2.23, 2.84, 3.78, 4.73), 0.99, 1.13, 4.2, 54.0),
    211: ((0.02, 0.06, 0.20, 0.73, 1.41, 2.19, 2.83, 3.83, 4.92), 0.94, 1.20, 5.9, 96.0),
    304: ((0.00, 0.00, 0.00, 0.31, 1.85, 2.41, 2.83, 3.59, 4.48), 1.58, 1.21, 2.0, 14.0),
    335: ((0.03, 0.09, 0.24, 0.82, 1.40, 2.03, 2.53, 3.38, 4.49), 1.02, 1.18, 8.0, 170.0),
    1600: ((0.00, 0.00, 0.00, 0.02, 1.94, 2.44, 2.78, 3.23, 3.59), 1.87, 1.11, 0.6, -1.0),
    1700: ((0.00, 0.00, 0.00, 0.01, 2.02, 2.42, 2.66, 2.95, 3.16), 2.03, 1.09, 0.3, -1.0),
    4500: ((0.00, 0.00, 0.01, 0.01, 2.12, 2.60, 2.74, 2.82, 2.85), 2.30, 1.10, 0.4, -2.0),
}
_PERCENTILES = ("DATAP01", "DATAP10", "DATAP25", "DATAMEDN", "DATAP75", "DATAP90", "DATAP95", "DATAP98", "DATAP99")
_HOUR_S = 3600.0
# Pixels of a flare that are brighter than a fraction of its brighter kernel (where its loops cross they are brighter
# yet).
_BRIGHTER = (
    (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.2, 1.9),
    (7400, 6400, 5400, 3900, 2800, 1880, 860, 370, 160, 75, 0),
)


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
            brightest = np.maximum(brightest, 1.5 * peak)
            saturated += np.interp(SATURATION_DN / np.maximum(peak, 1.0), *_BRIGHTER)
    return mean, brightest, np.floor(saturated)
