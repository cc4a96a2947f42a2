"""Pixels of the viewer: whole numbers with a step of a fixed part of the noise, predicted from neighbours, deflated.

What is finer than the noise is noise: to store it makes files large and tells nothing. The noise of a level-1 pixel of
D counts is sqrt(g D + r²) DN, with g DN for a detected photon and the read noise r; in DN/s of level 1.5 it is divided
by exposure and degradation. Steps of equal parts of it are steps of equal width in the integral of dv / sigma(v), which
is about twice the square root of the photons.
"""

import base64
import zlib
from dataclasses import dataclass

import numpy as np

from aia_sequence.figures.sequence import Picture
from aia_sequence.instrument import DN_PER_PHOTON, READ_NOISE

# Step in parts of a level-1 pixel's sigma. Registration averages neighbours and leaves 0.8 to 1 of it, so a step is at
# most half of what a pixel of level 1.5 has; rounding adds 0.12 sigma rms, which makes 1 sigma 1.007.
STEP = 0.4
LOWEST, HIGHEST = -1e3, 1.2e7
MISSING = 0
LARGEST = 0xFFFF


@dataclass(frozen=True)
class Coding:
    """How brightnesses of one frame become codes.

    Attributes
    ----------
    photon : float
        Brightness that one detected photon makes, DN/s.
    read : float
        Read noise, DN/s.
    step : float
        Width of a code in sigma of a level-1 pixel.
    first : int
        The lowest code is `first` steps from zero.
    """

    photon: float
    read: float
    step: float
    first: int

    @classmethod
    def of(cls, picture: Picture, values: np.ndarray, factor: int, channel: int, exposure: float) -> "Coding":
        """Choose the coding of a picture.

        Parameters
        ----------
        picture
            The frame, for the degradation that its header says it is corrected for.
        values
            What is coded, DN/s: the picture, or its means over factor x factor pixels, which have that much less noise.
        channel
            Wavelength in angstrom.
        exposure
            Exposure time of the frame in seconds.
        """
        counts = exposure * float(picture.header.get("DEGCORR") or 1.0)
        coding = cls(DN_PER_PHOTON[channel] / counts, READ_NOISE[channel] / counts, STEP / factor, 0)
        known = values[np.isfinite(values)]
        span = coding.sigmas(np.array([known.min(), known.max()])) if known.size else np.zeros(2)
        step = coding.step
        while (span[1] - span[0]) / step > LARGEST - 2:
            step *= 2
        return cls(coding.photon, coding.read, step, int(np.rint(span[0] / step)))

    def sigmas(self, values: np.ndarray) -> np.ndarray:
        """How many sigma lie between zero and brightnesses in DN/s; below zero the noise is that of zero."""
        inside = np.clip(values, LOWEST, HIGHEST).astype(np.float64)
        bright = np.maximum(inside, 0)
        root = np.sqrt(self.photon * bright + self.read**2)
        return np.where(inside < 0, inside / self.read, 2 * bright / (root + self.read))

    def noise(self, values: np.ndarray) -> np.ndarray:
        """Sigma of a level-1 pixel in DN/s, at brightnesses in DN/s."""
        return np.sqrt(self.photon * np.maximum(values, 0) + self.read**2)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Code brightnesses in DN/s, NaN where missing; uint16."""
        missing = ~np.isfinite(values)
        codes = np.rint(self.sigmas(np.where(missing, 0, values)) / self.step).astype(np.int64) - self.first + 1
        return np.where(missing, MISSING, codes).astype(np.uint16)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Find the brightnesses in DN/s of codes, as the viewer does; NaN where missing."""
        sigmas = (codes.astype(np.float64) - 1 + self.first) * self.step
        values = np.where(sigmas < 0, 0, self.photon * sigmas**2 / 4) + self.read * sigmas
        return np.where(codes == MISSING, np.nan, values)


def predict(codes: np.ndarray) -> np.ndarray:
    """Subtract from each code what its neighbours at the left, above and between make expect (the median of JPEG-LS).

    Returns
    -------
    numpy.ndarray
        uint16, shape of the codes: differences 0, -1, 1, -2, 2 … (modulo 2**16) as 0, 1, 2, 3, 4 …
    """
    padded = np.zeros((codes.shape[0] + 1, codes.shape[1] + 1), np.int32)
    padded[1:, 1:] = codes
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    expected = np.clip(left + above - corner, np.minimum(left, above), np.maximum(left, above))
    differences = (codes - expected).astype(np.int16).astype(np.int32)
    return np.where(differences < 0, -2 * differences - 1, 2 * differences).astype(np.uint16)


def pack(codes: np.ndarray) -> str:
    """Compress codes for the file: what `predict` leaves, low bytes, then high bytes, deflated, as base64."""
    pair = predict(codes).astype("<u2").reshape(-1, 1).view(np.uint8)
    # Noise has no strings that come again: to look for them takes five times as long, and packs worse.
    return letters(pair.T.tobytes(), zlib.Z_RLE)


def letters(content: bytes, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> str:
    """Deflate bytes, and write them as base64."""
    deflate = zlib.compressobj(9, strategy=strategy)
    return base64.b64encode(deflate.compress(content) + deflate.flush()).decode("ascii")
