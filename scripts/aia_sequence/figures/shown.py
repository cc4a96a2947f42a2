"""What the sequence figure and the movie show of each frame: its brightness, or what has changed since another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aia_sequence.figures.scale import Scale
from aia_sequence.figures.sequence import Frame, Picture, Region, read_picture


class Shown(Protocol):
    """Pictures that share one scale, of which one is read at a time."""

    @property
    def frames(self) -> Sequence[Frame]:
        """The frame that each picture belongs to, ascending in time."""

    @property
    def scale(self) -> Scale:
        """From values to colours, for all of them alike."""

    @property
    def written(self) -> str:
        """What stands in each panel, in words."""

    def picture(self, number: int) -> Picture:
        """Read a picture by its place among the frames."""

    def beside(self, number: int, *, short: bool) -> str:
        """What is written beside a frame's time: in a panel, or with more room in a movie."""


@dataclass(frozen=True)
class Brightness:
    """The frames as they are, in DN/s."""

    frames: Sequence[Frame]
    region: Region | None
    scale: Scale
    written: str = "time (UTC) and exposure"

    def picture(self, number: int) -> Picture:
        """Read the region of a frame."""
        return read_picture(self.frames[number].path, self.region)

    def beside(self, number: int, *, short: bool) -> str:
        """Its exposure time."""
        return f"{'' if short else 'exposure '}{self.frames[number].EXPTIME:.2f} s"
