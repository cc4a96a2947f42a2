"""What any scale from values to colours has, and round values for its colour bar."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from matplotlib.colors import Colormap, FuncNorm


class Scale(Protocol):
    """From values to colours: of brightness (`style.Stretch`), or of what has changed (`diverging.Diverging`)."""

    @property
    def low(self) -> float:
        """Value of the first colour."""

    @property
    def high(self) -> float:
        """Value of the last colour."""

    @property
    def label(self) -> str:
        """What is shown, and its unit, for the colour bar."""

    @property
    def words(self) -> str:
        """The scale in words, for captions."""

    def forward(self, values: np.ndarray | float) -> np.ndarray:
        """Bring values to 0 to 1; those outside the limits are clipped."""

    def norm(self) -> FuncNorm:
        """The matplotlib norm of a colour bar of this scale."""

    def ticks(self, gap: float, letter: float = 0.0) -> list[float]:
        """Round values for a colour bar, see `choose_ticks`."""

    def colours(self, channel: int) -> Colormap:
        """The colours of a channel's values."""

    def saturated(self, channel: int) -> tuple[str, tuple[float, float, float]]:
        """Name and RGB of the colour in which saturated pixels are outlined."""


def choose_ticks(
    scale: Scale, chosen: list[float], candidates: Iterable[float], gap: float, letter: float = 0.0
) -> None:
    """Add those candidates to values of a colour bar whose labels keep clear of what is chosen already.

    Parameters
    ----------
    scale
        Of the colour bar.
    chosen
        Values, to which the others are added.
    candidates
        Values that may be added, the best first.
    gap
        How far they are apart at least, as a part of the bar's length.
    letter
        Width of a letter, as such a part, where labels stand side by side: they keep a letter apart, and stick out
        at the bar's ends by one at most.
    """
    for value in map(float, candidates):
        if not scale.low <= value <= scale.high:
            continue
        place, half = float(scale.forward(value)), letter * len(tick_label(value)) / 2
        inside = letter == 0 or (place - half >= -letter and place + half <= 1 + letter)
        if inside and all(
            abs(place - float(scale.forward(other))) >= max(gap, half + letter * (len(tick_label(other)) / 2 + 1))
            for other in chosen
        ):
            chosen.append(value)


def tick_label(value: float) -> str:
    """Write a value beside a colour bar, with thin spaces between thousands."""
    return f"{value:,.10g}".replace(",", "\u2009").replace("-", "\u2212")
