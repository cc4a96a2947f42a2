"""Random numbers that depend on nothing but what they are for: hashes of a name and of integers."""

import zlib

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(value):
    """The finaliser of SplitMix64 (Steele et al. 2014), which turns neighbouring integers into unrelated ones."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))


def bits(name, *keys):
    """
    Hash integers to 64 random bits.

    Parameters
    ----------
    name : str
        What the number is for; different names give unrelated numbers.
    keys : array-like of int
        Broadcast against each other.

    Returns
    -------
    ndarray of uint64
    """
    state = np.uint64(zlib.crc32(name.encode()))
    with np.errstate(over="ignore"):
        for key in keys:
            state = _mix((np.asarray(key).astype(np.int64).astype(np.uint64) ^ state) + _GOLDEN)
    return np.asarray(state)


def uniform(name, *keys):
    """Hash integers to floats in [0, 1)."""
    return (bits(name, *keys) >> np.uint64(11)).astype(float) * 2.0**-53


def normal(name, *keys):
    """Hash integers to normal deviates of mean 0 and variance 1."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform(name, *keys)))
    return radius * np.cos(2.0 * np.pi * uniform(name + " angle", *keys))
