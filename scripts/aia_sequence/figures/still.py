"""One frame as a picture for a talk: no axes, but when it was, how large what it shows is, and what it is of."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import ConfigError
from aia_sequence.figures import pictures
from aia_sequence.figures.sequence import Frame, Picture, Region, read_picture
from aia_sequence.figures.style import RC, SYNTHETIC_TEXT, Stretch, new_figure, save
from aia_sequence.projection import ARCSEC
from aia_sequence.times import clock, day

DPI = 100
LENGTHS = tuple(step * 10.0**power for power in range(-1, 4) for step in (1, 2, 5))  # arcsec, of scale bars
SMALLEST, LARGEST = 64, 16384  # pixels of the longer side
WIDEST = 0.25  # of the picture's width that a scale bar takes
MARGIN = 0.025  # of the shorter side


def draw_still(frame: Frame, region: Region | None, path: Path, *, size: int, options: FigureOptions) -> None:
    """Draw a frame.

    Parameters
    ----------
    frame
        The frame.
    region
        Bounds in arcsec, or a place to follow; None for the full disk.
    path
        PNG or PDF file to be written.
    size
        Pixels of the longer side; the other follows from the region.
    options
        Stretch, its limits or else percentiles of the frame, limb and grid.

    Raises
    ------
    ConfigError
        If the size or the kind of file is not allowed.
    """
    if path.suffix not in (".png", ".PNG", ".pdf"):
        raise ConfigError(f"{path}: a still is written as .png or .pdf")
    if not SMALLEST <= size <= LARGEST:
        raise ConfigError(f"size: {size!r} pixels are not allowed; allowed are {SMALLEST} to {LARGEST}")
    picture = read_picture(frame.path, region)
    scale = Stretch(options.stretch, *(options.limits or _limits(picture, options)), options.power)
    rows, columns = picture.data.shape
    wide, high = (max(1, round(size * side / max(rows, columns))) for side in (columns, rows))
    inches = wide / DPI * 25.4, high / DPI * 25.4
    factor = max(1, columns // wide)
    with matplotlib.rc_context(RC):
        figure = new_figure(*inches, dpi=DPI)
        axes = figure.add_axes((0, 0, 1, 1))
        image = pictures.colours(picture, scale, frame.WAVELNTH, factor, inches[0])
        pictures.show(axes, picture, image, options, inches, factor)
        axes.axis("off")
        letters = 0.028 * min(wide, high) / DPI * 72
        pen = _Pen(axes, letters, MARGIN * min(wide, high) / wide, MARGIN * min(wide, high) / high)
        pen.write("left", "top", f"SDO/AIA {frame.WAVELNTH} Å\n{day(frame.time)} {clock(frame.time)} UTC")
        if picture.synthetic:
            pen.write("right", "top", SYNTHETIC_TEXT, size=0.7 * letters)
        pen.draw_bar(picture)
        save(figure, path, DPI)


def bar_length(width: float) -> float:
    """A round length (arcsec) for the scale bar of a picture of a width (arcsec): a quarter of it at most."""
    return max((length for length in LENGTHS if length <= WIDEST * width), default=WIDEST * width)


class _Pen:
    """Writes onto a picture, white with a dark rim: to be read on any ground."""

    def __init__(self, axes: Axes, letters: float, across: float, up: float) -> None:
        self.axes, self.letters, self.across, self.up = axes, letters, across, up

    def write(self, side: str, edge: str, text: str, size: float | None = None) -> None:
        """Write into a corner."""
        x, y = self.across if side == "left" else 1 - self.across, self.up if edge == "bottom" else 1 - self.up
        look: dict[str, Any] = {"ha": side, "va": edge, "color": "white", "size": size or self.letters}
        look["path_effects"] = [withStroke(linewidth=0.18 * self.letters, foreground="black")]
        self.axes.text(x, y, text, transform=self.axes.transAxes, linespacing=1.25, **look)

    def draw_bar(self, picture: Picture) -> None:
        """Draw the scale bar at the lower left, and above it its length in arcsec and in Mm in the plane of the sky."""
        left, right, _, _ = picture.axes_extent
        length = bar_length(right - left)
        thick = 0.25 * self.up
        rim: dict[str, Any] = {"facecolor": "white", "edgecolor": "black", "linewidth": 0.09 * self.letters}
        place = self.axes.transAxes
        self.axes.add_patch(Rectangle((self.across, self.up), length / (right - left), thick, transform=place, **rim))
        text = f"{length:g}″"
        if distance := picture.header.get("DSUN_OBS"):
            text += f"  ({float(f'{length / ARCSEC * distance / 1e6:.2g}'):g} Mm)"
        look: dict[str, Any] = {"va": "bottom", "color": "white", "size": 0.85 * self.letters}
        look["path_effects"] = [withStroke(linewidth=0.16 * self.letters, foreground="black")]
        self.axes.text(self.across, self.up + 1.8 * thick, text, transform=place, **look)


def _limits(picture: Picture, options: FigureOptions) -> tuple[float, float]:
    """Brightness of black and white by a picture's own percentiles."""
    low, high = np.nanpercentile(picture.data, options.percentiles)
    low = max(0.0, float(low))
    return low, max(float(high), low + 1)
