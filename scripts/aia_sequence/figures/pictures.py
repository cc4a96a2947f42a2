"""One picture in its axes: image, limb, grid, ticks in arcsec, and its colour bar. Every figure consists of these."""

from typing import Any, override

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from PIL import Image

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import overlay
from aia_sequence.figures.scale import Scale, tick_label
from aia_sequence.figures.sequence import Picture, reduce_any, reduce_mean
from aia_sequence.figures.style import paint, round_ticks

EDGE_MM = 0.17  # width of the line around saturated pixels on the page, half a point
LABEL_BOX = {"facecolor": "black", "alpha": 0.45, "edgecolor": "none", "pad": 0.8}


class Raster(AxesImage):
    """An image of colours, RGB and uint8, south first, of which Pillow makes the pixels of a page.

    matplotlib does it in float64 with a fourth channel that is one everywhere, in 20 times the time, and cuts fractions
    of a colour off. The window is of the same width: one pixel of whichever has the larger ones, the image or the page.
    """

    @override
    def make_image(self, renderer: Any, magnification: float = 1.0, unsampled: bool = False) -> tuple:
        """Colours of the page's pixels that the axes cover, and where they begin, as matplotlib asks for them."""
        box = np.array(self.axes.bbox.extents) * magnification
        x0, y0, x1, y1 = np.floor(box + 0.5).astype(int)
        image: Any = self.get_array()
        rows, columns = image.shape[:2]
        left, right, bottom, top = self.get_extent()
        (west, east), (south, north) = self.axes.get_xlim(), self.axes.get_ylim()
        across, up = columns / (right - left), rows / (top - bottom)
        part = (west - left) * across, (south - bottom) * up, (east - left) * across, (north - bottom) * up
        part = (*np.maximum(part[:2], 0), *np.minimum(part[2:], (columns, rows)))  # not a rounding beyond the edge
        fitted = Image.fromarray(np.asarray(image)).resize((x1 - x0, y1 - y0), Image.Resampling.HAMMING, part)
        return np.array(fitted.convert("RGBA")), x0 / magnification, y0 / magnification, None


def colours(picture: Picture, scale: Scale, channel: int, factor: int = 1, wide_mm: float | None = None) -> np.ndarray:
    """Colour a picture, `factor` by `factor` pixels averaged into one: RGB, uint8, shape (rows, columns, 3).

    `wide_mm` is its width on the page, for which the line around saturated pixels is made.
    """
    flags = reduce_any(picture.saturated, factor)
    edge = 1 if wide_mm is None else max(1, round(EDGE_MM * flags.shape[1] / wide_mm))
    return paint(reduce_mean(picture.data, factor), flags, scale, channel, edge)


def show(
    axes: Axes,
    picture: Picture,
    image: np.ndarray,
    options: FigureOptions,
    size_mm: tuple[float, float],
    factor: int = 1,
) -> tuple[Raster, list[Line2D]]:
    """Show a coloured picture in axes that count arcsec, with limb, grid and round ticks.

    Parameters
    ----------
    axes
        Where to draw.
    picture
        The picture, for its place on the Sun.
    image
        Its colours, see `colours`.
    options
        Whether limb and grid are drawn.
    size_mm
        Width and height of the axes on the page, for ticks whose labels fit.
    factor
        Pixels of the picture per pixel of the image and axis.

    Returns
    -------
    tuple of (Raster, list of Line2D)
        The image, and the lines of `overlay.curves`.
    """
    left, right, bottom, top = picture.axes_extent
    rows, columns = picture.data.shape
    # The last bins can reach over the edge of the region: the axes cut them.
    wide, high = image.shape[1] * factor / columns, image.shape[0] * factor / rows
    extent = left, left + (right - left) * wide, bottom, bottom + (top - bottom) * high
    shown = Raster(axes, origin="lower", extent=extent)
    shown.set_data(image)
    axes.add_image(shown)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    lines = overlay.draw(axes, picture, with_limb=options.limb, grid=options.grid)
    axes.set_xticks(round_ticks(left, right, size_mm[0]))
    axes.set_yticks(round_ticks(bottom, top, size_mm[1], upright=True))
    return shown, lines


def label_ticks(axes: Axes, *, below: bool, beside: bool) -> None:
    """Let a panel among others show its ticks inside, and their labels only at the edges of the grid of panels."""
    axes.tick_params(labelbottom=below, labelleft=beside, direction="in", color="white")


def draw_scale(axes: Axes, scale: Scale, colours: Colormap, gap: float, letter: float = 0.0) -> Colorbar:
    """Draw the colour bar of a scale, upright, or across where `letter` is given: see `scale.choose_ticks`."""
    bar = axes.figure.colorbar(
        ScalarMappable(scale.norm(), colours),
        cax=axes,
        orientation="horizontal" if letter else "vertical",
        ticks=scale.ticks(gap, letter),
        format=lambda value, _: tick_label(value),
    )
    bar.ax.minorticks_off()
    bar.outline.set_linewidth(0.5)
    return bar
