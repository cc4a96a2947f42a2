"""The camera: the counts that an exposure makes of a scene, with the noise of its photons and of its electronics.

Every pixel's noise is a hash of the frame's seed and of the pixel's own place, so an image is the same however it is
computed.
"""

from functools import cache
from statistics import NormalDist

import numpy as np

from synthetic_jsoc.instrument import SATURATION_DN
from synthetic_jsoc.jit import compiled

_QUANTILES = 4096
# Compression noise begins at these counts, and is at least that of rounding (aiapy's estimate_error).
_COMPRESSED_FROM_DN = 25.0
_ONE, _HALF, _SIXTH, _TWELFTH = np.float32(1), np.float32(0.5), np.float32(1 / 6), np.float32(1 / 12)
_DARKEST, _BRIGHTEST = np.float32(-32767), np.float32(SATURATION_DN)
_FROM = np.float32(_COMPRESSED_FROM_DN)
_STEP, _FIRST, _SECOND = np.uint32(0x9E3779B9), np.uint32(0x7FEB352D), np.uint32(0x846CA68B)


@cache
def quantiles():
    """Normal deviates of equal probability, of mean 0, scaled so that the sum of two has unit variance."""
    normal = NormalDist()
    table = np.array([normal.inv_cdf((number + 0.5) / _QUANTILES) for number in range(_QUANTILES)])
    return (table / (table.std() * np.sqrt(2))).astype(np.float32)


def bled(charge):
    """
    Let the charge that pixels cannot hold run up and down their columns, half each way, until it finds room.

    Parameters
    ----------
    charge : ndarray, shape (rows, columns)
        In DN; what reaches the edge of the detector leaves it.

    Returns
    -------
    ndarray
        No more than SATURATION_DN anywhere.
    """
    held = np.minimum(charge, SATURATION_DN)
    excess = (charge - held) / 2
    rows = np.flatnonzero(excess.any(axis=1))
    if rows.size:
        for first, last, way in ((rows[0], rows[-1], 1), (rows[-1], rows[0], -1)):
            _carry(held, excess, first, last, way)
    return held


@compiled
def _carry(held, excess, first, last, way):
    """Carry what rows from the first to the last have in excess up (way 1) or down (-1), as far as it runs."""
    carried = np.zeros(held.shape[1])
    row = first
    while 0 <= row < held.shape[0]:
        left = False
        for column in range(held.shape[1]):
            waiting = carried[column] + excess[row, column]
            moved = min(waiting, SATURATION_DN - held[row, column])
            held[row, column] += moved
            carried[column] = waiting - moved
            left |= carried[column] != 0
        if (row - last) * way > 0 and not left:
            return
        row += way


@compiled
def _expose(scene, factor, per_photon, steady, packing, normal, seed, corner, counts):
    rows, columns = counts.shape
    deviates = np.empty(columns, dtype=np.float32)
    mask, top = np.uint32(normal.size - 1), np.uint32(20)
    for row in range(rows):
        # Of 64 well-mixed bits (splitmix64) one half says where the row begins in a sequence, the other which it is.
        key = np.uint64(seed) + np.uint64(corner[0] + row + 1) * np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        begin, which = np.uint32(key >> np.uint64(32)), np.uint32(key & np.uint64(0xFFFFFFFF))
        for column in range(columns):
            bits = np.uint32(begin + np.uint32(corner[1] + column) * _STEP)
            bits = np.uint32((bits ^ (bits >> np.uint32(16))) * _FIRST)
            bits = np.uint32((bits ^ which ^ (bits >> np.uint32(15))) * _SECOND)
            bits = np.uint32(bits ^ (bits >> np.uint32(16)))
            deviates[column] = normal[bits & mask] + normal[bits >> top]
        for column in range(columns):
            mean, z = scene[row, column] * factor, deviates[column]
            shot = max(mean, np.float32(0)) * per_photon
            packed = max(shot * packing, _TWELFTH) if mean >= _FROM else np.float32(0)
            variance = shot + steady + packed
            sigma = np.sqrt(variance)
            # A normal deviate bent to the skewness of the Poisson part: mean, variance and third moment are right.
            bend = shot * per_photon / (variance * sigma) * _SIXTH
            value = mean + sigma * (z + bend * (z * z - _ONE)) / np.sqrt(_ONE + (bend + bend) * bend)
            counts[row, column] = np.int16(min(max(np.floor(value + _HALF), _DARKEST), _BRIGHTEST))


def expose(scene, factor, channel_noise, seed, corner=(0, 0)):
    """
    Counts of one exposure.

    Parameters
    ----------
    scene : ndarray of float32, shape (n, m)
        DN/s at launch.
    factor : float
        Exposure in seconds times sensitivity left.
    channel_noise : tuple of float
        DN per photon, the variance of read and dark noise (DN squared), and shot noise over compression noise.
    seed : int
        64 bits.
    corner : tuple of int
        Row and column of the detector that the scene begins with.

    Returns
    -------
    ndarray of int16, shape (n, m)
        What a pixel cannot hold has run along its column.
    """
    per_photon, steady, compression = channel_noise
    counts = np.empty(scene.shape, dtype=np.int16)
    numbers = (np.float32(value) for value in (factor, per_photon, steady, compression**-2))
    _expose(scene, *numbers, quantiles(), np.uint64(seed), corner, counts)
    _bleed(scene, factor, counts)
    return counts


def _bleed(scene, factor, counts):
    """Put what saturated pixels cannot hold into the pixels above and below them."""
    saturated = counts == SATURATION_DN
    columns = np.flatnonzero(saturated.any(axis=0))
    if columns.size:
        charge = np.where(saturated[:, columns], scene[:, columns].astype(float) * factor, counts[:, columns])
        counts[:, columns] = np.floor(bled(charge))
