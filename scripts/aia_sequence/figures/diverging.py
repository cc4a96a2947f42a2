"""The scale of what has changed: symmetric about no change, wide enough that noise stays pale."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, FuncNorm

from aia_sequence.figures.scale import choose_ticks
from aia_sequence.figures.style import quantity

SOFT = 3.0  # sigma up to which the scale of a difference is linear
# Sigma at the end of a scale, or more, of differences and of ratios: where nothing happens noise is shown pale.
LEAST, LEAST_RATIO = 10.0, 5.0
PERCENT = 99.9  # of all absolute changes; what is beyond has the last colour
DECADES = tuple(step * 10.0**power for power in range(-3, 7) for step in (1, 5, 2))
RATIOS = (2, 10, 100, 1.2, 5, 1.5, 1.1, 50, 20, 1.05, 3, 1.02, 1.01)
FALLS = (0.5, 0.1, 0.01, 0.8, 0.2, 0.7, 0.9, 0.02, 0.05, 0.95, 0.3, 0.98, 0.99)


@dataclass(frozen=True)
class Diverging:
    """One scale for all differences (DN/s) or ratios of a sequence: zero, or one, is white.

    That of differences is linear up to `SOFT` sigma and logarithmic beyond, that of ratios logarithmic.

    Attributes
    ----------
    limit
        Largest absolute difference, or the largest of a ratio and its inverse.
    sigma
        Median noise of a pixel: of the difference, or of a ratio's logarithm.
    ratio
        Whether it is of ratios.
    """

    limit: float
    sigma: float
    ratio: bool = False

    @classmethod
    def of(cls, largest: float, sigma: float, *, ratio: bool) -> "Diverging":
        """Choose a scale.

        Parameters
        ----------
        largest
            Percentile `PERCENT` of the absolute differences, or of the ratios' absolute logarithms.
        sigma
            Median noise of the same.
        ratio
            Whether they are ratios.
        """
        sigma = float(f"{max(sigma, 1e-6):.3g}")
        limit = max(largest, (LEAST_RATIO if ratio else LEAST) * sigma)
        return cls(float(f"{np.exp(limit) if ratio else limit:.3g}"), sigma, ratio)

    @property
    def low(self) -> float:
        """Value of the first colour."""
        return 1 / self.limit if self.ratio else -self.limit

    @property
    def high(self) -> float:
        """Value of the last colour."""
        return self.limit

    @property
    def _soft(self) -> float:
        return SOFT * self.sigma

    def forward(self, values: np.ndarray | float) -> np.ndarray:
        """Bring differences or ratios to 0 to 1, no change to 0.5; those outside the limits are clipped."""
        inside = np.clip(values, self.low, self.high)
        if self.ratio:
            return 0.5 + 0.5 * np.log(inside) / np.log(self.limit)
        return 0.5 + 0.5 * np.arcsinh(inside / self._soft) / np.arcsinh(self.limit / self._soft)

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Find the difference or ratio of a colour between 0 and 1."""
        part = 2 * np.asarray(values) - 1
        if self.ratio:
            return self.limit**part
        return self._soft * np.sinh(part * np.arcsinh(self.limit / self._soft))

    def norm(self) -> FuncNorm:
        """Make the matplotlib norm of a colour bar of this scale."""
        return FuncNorm((self.forward, self.inverse), vmin=self.low, vmax=self.high)

    def ticks(self, gap: float = 0.09, letter: float = 0.0) -> list[float]:
        """Choose round values for a colour bar, on both sides alike, see `choose_ticks`."""
        chosen: list[float] = [1.0 if self.ratio else 0.0]
        choose_ticks(self, chosen, RATIOS if self.ratio else DECADES[::-1], gap, letter)
        choose_ticks(self, chosen, FALLS if self.ratio else [-value for value in chosen], gap, letter)
        return sorted(chosen)

    def colours(self, channel: int) -> Colormap:
        """Blue for less, red for more, whatever the channel."""
        return matplotlib.colormaps["RdBu_r"]

    def saturated(self, channel: int) -> tuple[str, tuple[float, float, float]]:
        """Name and RGB of the colour in which pixels are outlined that are saturated in one of the two frames."""
        return "green", (0.0, 0.6, 0.2)

    @property
    def label(self) -> str:
        """What a colour bar says."""
        return "Ratio to base" if self.ratio else "Difference (DN s$^{-1}$ pixel$^{-1}$)"

    @property
    def words(self) -> str:
        """The scale in words, for captions."""
        if self.ratio:
            return f"logarithmic scale, {quantity(1 / self.limit)} to {quantity(self.limit)}, white is 1"
        return f"asinh scale, linear to ±{quantity(self._soft)} DN/s, ends at ±{quantity(self.limit)} DN/s, white is 0"
