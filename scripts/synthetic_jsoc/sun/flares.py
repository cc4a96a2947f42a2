"""Flares: which there are, how bright each is in a channel at a time, and how the exposure control answers.

The list (`data/flares.csv`) names large flares of the mission by their published times, classes and places; their light
curves are the model's own.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from synthetic_jsoc.instrument import CHANNELS, SATURATION_DN
from synthetic_jsoc.tables import degradation
from synthetic_jsoc.times import parse_time

DATA = Path(__file__).parents[1] / "data"

# Per channel: brighter kernel of an X1 flare (DN/s, undegraded), delay of the peak in units of the rise time, decay
# time likewise. Hot lines (131, 94) last, the footpoints' ultraviolet is brief and early.
_RESPONSE = {
    94: (1500.0, 0.45, 1.6), 131: (14000.0, 0.12, 1.2), 171: (9000.0, 0.10, 1.0), 193: (14000.0, 0.10, 1.1),
    211: (9000.0, 0.05, 1.0), 304: (7000.0, -0.06, 0.7), 335: (700.0, 0.35, 1.3), 1600: (5200.0, -0.15, 0.35),
    1700: (3600.0, -0.15, 0.3), 4500: (0.0, 0.0, 1.0),
}  # fmt: skip
_RISE_SHARPNESS = 12.0
_AEC_CHANNELS = {94: 0, 131: 1, 193: 1, 211: 0}  # channel: parity of the slots that the control shortens
_AEC_GROWTH, _AEC_FRACTION, _AEC_SHORTEST_S = 1.2, 0.18, 0.1
_SLOT_S = 12


@dataclass(frozen=True)
class Flare:
    """One flare: times in TAI seconds since 1977, place in Stonyhurst degrees at its peak, `size` in units of X1."""

    start: float
    peak: float
    end: float
    goes_class: str
    region: int
    latitude: float
    longitude: float
    size: float

    def amplitude(self, channel):
        """Brightness of the brighter kernel at the peak, DN/s, undegraded."""
        return _RESPONSE[channel][0] * self.size**0.7

    def profile(self, channel, tai):
        """
        Light curve, 1 at its maximum.

        A gamma-shaped rise that begins at `start`, and a slower fall of the same form, smooth at the maximum.

        Parameters
        ----------
        channel : int
        tai : array-like
            TAI seconds since 1977.

        Returns
        -------
        ndarray
        """
        _, delay, decay = _RESPONSE[channel]
        rise = self.peak - self.start
        x = np.maximum((np.asarray(tai, dtype=float) - self.start) / (rise * (1 + delay)), 1e-9)
        fall = 0.9 * rise / (decay * max(self.end - self.peak, 0.5 * rise))
        log_shape = np.log(x) + 1 - x
        return np.where(x < 40, np.exp(np.where(x < 1, _RISE_SHARPNESS, fall) * np.maximum(log_shape, -60)), 0.0)


def _parts():
    """Dots that make a flare: offsets east and north (degrees), height (solar radii), size (pixels), share of the peak.

    Two kernels where the loops stand, an arcade of them, longer to the north and south than wide, and a haze about it.
    """
    rng = np.random.default_rng(45)
    parts = [(0.25, 0.2, 0.003, 3.0, 0.85), (-0.3, -0.15, 0.003, 2.4, 0.6)]
    for place in np.linspace(-1.9, 1.9, 15) + rng.normal(0, 0.11, 15):
        width, height, lean, strength = rng.normal((0.8, 0.036, 0.0, -1.75), (0.2, 0.008, 0.35, 0.4))
        for turn in np.linspace(0.04, 0.96, 20) * np.pi:
            light = np.exp(strength - 0.25 * place**2) * (0.8 + 0.4 * np.cos(2 * turn) ** 2)
            north = place + lean * np.cos(turn)
            parts.append((width * np.cos(turn), north, height * np.sin(turn), rng.uniform(2.1, 3.0), light))
    parts += [(0.0, place, 0.02, 13.0, 0.07) for place in (-1.2, -0.4, 0.4, 1.2)]
    return parts


PARTS = _parts()
# Of a flare whose brightest pixel is 1: its sum over the image.
AREA = 2 * np.pi * sum(size**2 * share for *_, size, share in PARTS)


@cache
def flares():
    """All flares, by time."""
    found = []
    with open(DATA / "flares.csv", newline="") as file:
        for row in csv.DictReader(file):
            start, peak, end = (parse_time(row[name]) for name in ("start", "peak", "end"))
            size = float(row["class"][1:]) * {"M": 0.1, "X": 1.0}[row["class"][0]]
            place = float(row["latitude"]), float(row["longitude"])
            found.append(Flare(start, peak, end, row["class"], int(row["region"]), *place, size))
    return sorted(found, key=lambda flare: flare.start)


def active(first_tai, last_tai):
    """Flares that shine in a time range."""
    return [flare for flare in flares() if flare.start < last_tai and first_tai < _over(flare)]


def _over(flare):
    return flare.peak + 40 * (flare.peak - flare.start)


@cache
def _short_exposures(flare, channel):
    """Exposures (s) by slot (TAI seconds / 12) that the automatic exposure control shortens in a flare.

    Every other frame is shortened once a normal one would saturate. The control raises a short exposure by a fifth from
    one to the next, and when its histogram says saturated it starts again from well below, as the real one does.
    """
    normal = CHANNELS[channel].exposure_s
    first, last = int(flare.start // _SLOT_S), int(_over(flare) // _SLOT_S)
    slots = np.arange(first, last + 1)
    peak_rate = flare.amplitude(channel) * flare.profile(channel, slots * _SLOT_S) * degradation(channel, flare.peak)
    exposures, exposure = {}, None
    for slot, rate in zip(slots, peak_rate, strict=True):
        if slot % 2 != _AEC_CHANNELS[channel]:
            continue
        if rate * (normal if exposure is None else exposure) > SATURATION_DN:
            exposure = max(_AEC_FRACTION * SATURATION_DN / rate, _AEC_SHORTEST_S)
        elif exposure is not None:
            exposure *= _AEC_GROWTH
        if exposure is not None and exposure < normal:
            exposures[int(slot)] = round(exposure, 6)
        else:
            exposure = None
    return exposures


def shortened(channel, slots):
    """
    Exposures that the automatic exposure control shortens.

    Parameters
    ----------
    channel : int
    slots : ndarray of int
        TAI seconds since 1977 / 12.

    Returns
    -------
    ndarray
        Seconds, NaN where the exposure is the normal one.
    """
    exposure = np.full(slots.shape, np.nan)
    if channel in _AEC_CHANNELS and slots.size:
        for flare in active(float(slots.min()) * _SLOT_S, (float(slots.max()) + 1) * _SLOT_S):
            table = _short_exposures(flare, channel)
            exposure = np.fmin(exposure, [table.get(int(slot), np.nan) for slot in slots])
    return exposure
