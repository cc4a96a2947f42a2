"""How the Sun looks in each channel: levels, contrasts, and the laws of brightness across disc and limb.

Levels are such that means over the detector are those of real records of July 2025, see
tests/unit/synthetic_jsoc/test_instrument.py.
"""

from dataclasses import dataclass

import numpy as np

# Of the telescope at the limb: half the distance (pixels of 0.6 arcsec) over which a step takes place.
_LIMB_WIDTH = 1.2


@dataclass(frozen=True)
class Look:
    """How the Sun looks in a channel.

    Attributes
    ----------
    kind : str
        Texture (see `synthetic_jsoc.sun.textures`).
    quiet : float
        Quiet Sun at disc centre, DN/s at launch.
    contrast, fine : float
        Of the network and of the finest structure.
    hole, globe : float
        Brightness left in coronal holes, and contrast of the large-scale corona.
    limb : tuple of float
        Brightening at the limb: added fraction, and how close to it; negative for darkening.
    corona, height : float
        Brightness just beyond the limb in units of the disc's just inside, and scale height in solar radii.
    glow : float
        Of active regions in units of the quiet Sun.
    strands : tuple of float
        Brightness (DN/s) of cool, warm and hot loops.
    filament : float
        Depth of filaments on the disc.
    """

    kind: str
    quiet: float
    contrast: float
    fine: float
    hole: float
    globe: float
    limb: tuple[float, float]
    corona: float
    height: float
    glow: float
    strands: tuple[float, float, float]
    filament: float

    @property
    def growth(self):
        """How much brighter the whole corona is at solar maximum."""
        return 0.25 + self.globe if self.globe else 0.0

    @property
    def coronal(self):
        """Whether loops are what is seen, rather than the surface."""
        return self.kind == "corona"


LOOKS = {
    94: Look("corona", 1.06, 0.42, 0.16, 0.55, 0.20, (1.1, 0.30), 0.64, 0.110, 9.0, (0.848, 4.24, 22.6), 0.05),
    131: Look("corona", 3.62, 0.50, 0.20, 0.50, 0.22, (1.0, 0.22), 0.62, 0.075, 7.0, (19.0, 3.45, 17.3), 0.15),
    171: Look("corona", 127.2, 0.52, 0.22, 0.50, 0.22, (1.2, 0.20), 0.64, 0.070, 5.0, (526.0, 144.0, 6.78), 0.40),
    193: Look("corona", 155.9, 0.50, 0.19, 0.22, 0.40, (1.3, 0.26), 0.64, 0.095, 8.0, (180.0, 605.0, 123.0), 0.45),
    211: Look("corona", 62.2, 0.46, 0.17, 0.20, 0.45, (1.2, 0.28), 0.64, 0.110, 9.5, (45.2, 331.0, 120.0), 0.35),
    304: Look("chromosphere", 39.4, 0.42, 0.26, 0.80, 0.10, (0.75, 0.16), 0.45, 0.010, 6.0, (65.7, 11.3, 3.76), 0.45),
    335: Look("corona", 4.28, 0.38, 0.15, 0.35, 0.35, (1.1, 0.32), 0.64, 0.125, 12.0, (1.53, 9.16, 32.6), 0.15),
    1600: Look("chromosphere", 44.7, 0.42, 0.16, 1.0, 0.0, (-0.35, 0.45), 0.10, 0.004, 2.2, (0.0, 0.0, 0.0), 0.05),
    1700: Look("chromosphere", 968.0, 0.30, 0.11, 1.0, 0.0, (-0.48, 0.50), 0.03, 0.003, 1.1, (0.0, 0.0, 0.0), 0.0),
    4500: Look("photosphere", 69090.0, 0.006, 0.028, 1.0, 0.0, (-0.72, 0.60), 0.004, 0.002, 0.0, (0.0, 0.0, 0.0), 0.0),
}  # fmt: skip


def laws(channel, radius, square):
    """
    Brightness against the distance to the Sun's centre.

    Parameters
    ----------
    channel : int
    radius : float
        Of the Sun, pixels of 0.6 arcsec.
    square : ndarray
        Square of the distance, in solar radii.

    Returns
    -------
    ndarray, shape (3, ...)
        Disc and corona (DN/s at launch), each gone on the other's side of the limb over the telescope's width, and the
        contrast of the finest structure.
    """
    look = LOOKS[channel]
    distance = np.sqrt(square)
    rest = 1 - square
    mu = np.sqrt(0.5 * (rest + np.sqrt(rest**2 + 4 / radius**2)))
    inside = 0.5 + 0.5 * np.tanh((1 - distance) * radius / _LIMB_WIDTH)
    height = np.maximum(distance - 1, -0.01)
    fall = (np.exp(-height / look.height) + 0.05 * np.exp(-height / (4 * look.height))) / 1.05
    # Far out the corona hides behind stray light, a few thousandths of the disc.
    corona = look.quiet * (_darkening(look, 1 / radius) * look.corona * fall + 0.002)
    kept = np.minimum(2.2 * mu, 1.0)
    return np.stack([look.quiet * _darkening(look, mu) * inside, corona * (1 - inside), look.fine * kept**2])


def _darkening(look, mu):
    """Brightness relative to that at disc centre."""
    amount, width = look.limb
    if amount > 0:
        return 1 + amount * (1 / (mu / width + 1) - 1 / (1 / width + 1))
    return 1 + amount * (1 - mu ** (2 * width))
