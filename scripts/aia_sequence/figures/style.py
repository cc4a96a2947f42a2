"""How the figures look: journal sizes, fonts, SDO colours, stretch, and files without a date in them."""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from astropy import units as u
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, FuncNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from aia_sequence.figures.scale import Scale, choose_ticks
from aia_sequence.files import replacing

MM = 1 / 25.4
WIDTH_MM = {"one-column": 88.0, "two-columns": 180.0}
MISSING = (0.62, 0.62, 0.62)
SYNTHETIC_RED = "#c8102e"
SYNTHETIC_TEXT = "SYNTHETIC DATA: not an observation of the Sun"

# Type 42 embeds TrueType fonts and leaves text as text; a fixed salt and no date make the same figure the same bytes.
RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "axes.linewidth": 0.5,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.2,
    "ytick.major.size": 2.2,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.minor.size": 1.3,
    "ytick.minor.size": 1.3,
    "lines.linewidth": 0.8,
    "pdf.fonttype": 42,
    "svg.hashsalt": "aia",
    "axes.unicode_minus": True,
    "image.interpolation": "antialiased",
}


def saturated_colour(channel: int) -> tuple[float, float, float]:
    """Colour of the line around saturated pixels: one that the channel's own colour map does not hold."""
    return (1.0, 0.25, 0.2) if saturated_name(channel) == "red" else (0.0, 0.9, 1.0)


def saturated_name(channel: int) -> str:
    """Name of that colour: cyan, or red where the colour map itself is green or blue."""
    return "red" if channel in (94, 131, 335) else "cyan"


@cache
def colour_map(channel: int) -> Colormap:
    """Get sunpy's SDO colour map of a channel.

    The module is loaded from its file: importing it by name brings the whole of `sunpy.visualization` and 2.5 s.
    """
    sunpy: Any = importlib.util.find_spec("sunpy")
    path = Path(sunpy.origin).parent / "visualization" / "colormaps" / "color_tables.py"
    spec: Any = importlib.util.spec_from_file_location("sunpy_color_tables", path)
    tables: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    return tables.aia_color_table(channel * u.angstrom)


@dataclass(frozen=True)
class Stretch:
    """One brightness scale for all frames: DN/s between `low` and `high` become 0 to 1.

    The asinh stretch is linear below a hundredth of the range and logarithmic above; the logarithmic one spans three
    decades, as those of `astropy.visualization`.
    """

    kind: str
    low: float
    high: float
    power: float = 0.5

    def forward(self, values: np.ndarray | float) -> np.ndarray:
        """Stretch brightnesses in DN/s; values outside the limits are clipped."""
        part = np.clip((np.asarray(values) - self.low) / (self.high - self.low), 0, 1)
        if self.kind == "asinh":
            return np.arcsinh(part * 100) / np.arcsinh(100)
        return np.log1p(part * 1000) / np.log(1001) if self.kind == "log" else part**self.power

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Find the brightness in DN/s of a stretched value between 0 and 1."""
        values = np.asarray(values)
        if self.kind == "asinh":
            part = np.sinh(values * np.arcsinh(100)) / 100
        else:
            part = np.expm1(values * np.log(1001)) / 1000 if self.kind == "log" else values ** (1 / self.power)
        return self.low + part * (self.high - self.low)

    def norm(self) -> FuncNorm:
        """Make the matplotlib norm of a colour bar of this stretch."""
        return FuncNorm((self.forward, self.inverse), vmin=self.low, vmax=self.high)

    def ticks(self, gap: float = 0.09, letter: float = 0.0) -> list[float]:
        """Choose round brightnesses for a colour bar, zero included, see `choose_ticks`."""
        decades = [10.0**power for power in range(-3, 8)]
        candidates = [0.0, *decades, *(5 * d for d in decades), *(2 * d for d in decades)]
        chosen: list[float] = []
        choose_ticks(self, chosen, candidates, gap, letter)
        if len(chosen) < 3:  # a narrow range between 1, 2 and 5
            for bins in (2, 4, 8, 16):
                values = MaxNLocator(bins, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
                choose_ticks(self, chosen, values, gap, letter)
        return sorted(chosen)

    def colours(self, channel: int) -> Colormap:
        """The channel's own colour map."""
        return colour_map(channel)

    def saturated(self, channel: int) -> tuple[str, tuple[float, float, float]]:
        """Name and RGB of the colour in which saturated pixels are outlined."""
        return saturated_name(channel), saturated_colour(channel)

    @property
    def label(self) -> str:
        """What a colour bar says."""
        return "Intensity (DN s$^{-1}$ pixel$^{-1}$)"

    @property
    def words(self) -> str:
        """The stretch in words, for captions."""
        name = f"power-law ({self.power:g})" if self.kind == "power" else self.kind
        return f"{name} stretch, {quantity(self.low)} to {quantity(self.high)} DN/s"


def quantity(value: float) -> str:
    """Write a brightness with three digits and thin spaces between thousands: 12 400, 5.31."""
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.3g}")
    digits = max(0, 2 - int(np.floor(np.log10(abs(rounded)))))
    return f"{rounded:,.{digits}f}".replace(",", "\u2009").replace("-", "\u2212")


def around(flags: np.ndarray, width: int) -> np.ndarray:
    """Tell which pixels lie around flagged ones, not further than `width` pixels away, and are not flagged."""
    rows, columns = flags.shape
    grown = np.pad(flags, width)
    for axis in (0, 1):
        shifted = (np.roll(grown, shift, axis) for shift in range(-width, width + 1))
        grown = np.logical_or.reduce(list(shifted))
    return grown[width : width + rows, width : width + columns] & ~flags


def paint(data: np.ndarray, saturated: np.ndarray, scale: Scale, channel: int, edge: int = 1) -> np.ndarray:
    """Colour an image: the scale's colours, a line around saturated pixels, missing ones grey.

    Parameters
    ----------
    data, saturated : numpy.ndarray
        Values of the scale, NaN where they are missing; where they are limits only. Shape (rows, columns).
    scale
        From values to colours.
    channel
        Wavelength in angstrom.
    edge
        Width of the line, pixels. It lies outside, so that no saturated pixel is hidden.

    Returns
    -------
    numpy.ndarray
        RGB, uint8, shape (rows, columns, 3).
    """
    table = np.round(255 * scale.colours(channel)(np.linspace(0, 1, 256))[:, :3]).astype(np.uint8)
    missing = ~np.isfinite(data)
    level = np.round(255 * scale.forward(np.where(missing, scale.low, data))).astype(np.uint8)
    picture = np.take(table, level, axis=0)
    picture[around(saturated, edge)] = np.round(255 * np.array(scale.saturated(channel)[1])).astype(np.uint8)
    picture[missing] = np.round(255 * np.array(MISSING)).astype(np.uint8)
    return picture


def new_figure(width_mm: float, height_mm: float, dpi: int = 100) -> Figure:
    """Make a figure of the given size in millimetres, drawn by Agg; call it inside `matplotlib.rc_context(RC)`."""
    figure = Figure(figsize=(width_mm * MM, height_mm * MM), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


def caption(text: str, *, synthetic: bool) -> str:
    """A caption that tells of synthetic data."""
    return f"{text} Synthetic data: not an observation of the Sun." if synthetic else text


def write_heading(figure: Figure, left_mm: float, text: str, *, synthetic: bool) -> None:
    """Write the title at the top left, small enough to fit, and beside or below it whether the data are synthetic."""
    width, height = (side / MM for side in figure.get_size_inches())
    wide = width > 100
    room = width - left_mm - (66 if wide and synthetic else 3)
    # A bold letter is 0.24 mm wide for each point of its size.
    size = min(8.0, room / (0.24 * len(text)))
    figure.text(left_mm / width, 1 - 1.8 / height, text, size=size, weight="bold", va="top")
    if synthetic:
        x, y, side = (1 - 3 / width, 2.1, "right") if wide else (left_mm / width, 5.2, "left")
        style: dict[str, Any] = {"size": 6, "weight": "bold", "color": SYNTHETIC_RED}
        figure.text(x, 1 - y / height, SYNTHETIC_TEXT, ha=side, va="top", **style)


def round_ticks(low: float, high: float, length_mm: float, *, upright: bool = False) -> list[float]:
    """Choose round positions on an axis whose labels keep clear of each other and of the neighbouring panel's.

    Parameters
    ----------
    low, high
        Ends of the axis.
    length_mm
        Its length on the page.
    upright
        Whether labels stand above each other, as along a vertical axis.

    Returns
    -------
    list of float
        At most five positions: as many as fit.
    """
    best: list[float] = []
    scale = length_mm / (high - low)
    for bins in range(1, 6):
        ticks = MaxNLocator(nbins=bins, steps=[1, 2, 5, 10]).tick_values(low, high)
        # A digit of 6 points is 1.35 mm wide; a line is 2.2 mm high.
        label = 2.2 if upright else 1.35 * max(len(f"{tick:.0f}") for tick in ticks)
        edge = 0.42 * label / scale
        inside = [float(tick) for tick in ticks if low + edge <= tick <= high - edge]
        if len(inside) > len(best) and (len(inside) < 2 or (inside[1] - inside[0]) * scale > 1.25 * label):
            best = inside
    return best


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure as PNG or PDF by its suffix: no date, no version of the software, and not half a file.

    Rasters in a PDF have `dpi` dots per inch, too.
    """
    path = Path(path)
    with replacing(path) as part, matplotlib.rc_context(RC):
        if path.suffix == ".pdf":
            none = {"Creator": None, "Producer": None, "CreationDate": None}
            figure.savefig(part, format="pdf", dpi=dpi, metadata=none)
        else:
            figure.set_dpi(dpi)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            # The channel of opacity is full everywhere: with it, and deflated harder, a file takes thrice the time.
            page = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
            page.save(part, format="png", dpi=(dpi, dpi), compress_level=3)
