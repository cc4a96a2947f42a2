"""Which frames the sequence figure shows, and how panels are arranged on its page."""

from dataclasses import dataclass

import numpy as np

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import FrameError
from aia_sequence.figures.style import WIDTH_MM

# Below this width a panel has no room for its time; above this height a figure leaves the page of a journal.
NARROWEST_MM, TALLEST_MM = 11.0, 235.0


def select(frames: int, peak: int, options: FigureOptions) -> tuple[list[int], str]:
    """Choose the frames that the figure shows.

    Parameters
    ----------
    frames
        Number of frames in the sequence.
    peak
        Index of the brightest frame.
    options
        `panels` is the largest number shown, or "all"; `select` how they are chosen.

    Returns
    -------
    tuple of (list of int, str)
        Ascending indices, and the choice in words for the caption.
    """
    wanted = frames if isinstance(options.panels, str) else min(frames, options.panels)
    if wanted == frames:
        return list(range(frames)), counted(frames)
    if options.select == "peak":
        first = min(max(0, peak - wanted // 2), frames - wanted)
        return list(range(first, first + wanted)), f"{wanted} of {frames} frames around the peak"
    even = np.unique(np.rint(np.linspace(0, frames - 1, wanted)).astype(int))
    return even.tolist(), f"{wanted} of {frames} frames, evenly chosen"


def counted(frames: int) -> str:
    """All frames of a sequence, in words."""
    return {1: "the only frame", 2: "both frames"}.get(frames, f"all {frames} frames")


@dataclass(frozen=True)
class Layout:
    """Places on the page in mm: panels in a grid, colour bar to the right, light curve below."""

    width: float
    columns: int
    rows: int
    panel: tuple[float, float]
    left: float = 12.5
    right: float = 17.5
    top: float = 8.5
    gap: float = 0.7
    axis: float = 9.0
    strip: float = 20.0
    foot: float = 14.5

    @property
    def grid_height(self) -> float:
        """Height of the panels together."""
        return self.rows * (self.panel[1] + self.gap) - self.gap

    @property
    def height(self) -> float:
        """Height of the page."""
        return self.top + self.grid_height + self.gap + self.axis + self.strip + self.foot

    def place(self, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
        """Turn a rectangle in mm from the top left corner of the page into matplotlib's fractions."""
        return left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height


def lay_out(number: int, aspect: float, size: str) -> Layout:
    """Arrange panels of the given aspect ratio (height over width): as large as a good shape of the page allows.

    Parameters
    ----------
    number
        Panels.
    aspect
        Height over width of the region of interest.
    size
        "one-column" or "two-columns".

    Raises
    ------
    FrameError
        If they do not fit on a page.
    """
    width = WIDTH_MM[size]
    room = width - Layout.left - Layout.right
    tallest = 0.83 * width if size == "two-columns" else 1.5 * width
    layouts = []
    for columns in range(1, int((room + Layout.gap) / (NARROWEST_MM + Layout.gap)) + 1):
        panel = (room - (columns - 1) * Layout.gap) / columns
        layouts.append(Layout(width, columns, -(-number // columns), (panel, panel * aspect)))
    shapely = [layout for layout in layouts if layout.rows * layout.panel[1] <= tallest]
    if shapely:
        # One column more than the fewest is better if it leaves fewer places empty.
        return min(shapely[:2], key=lambda layout: layout.rows * layout.columns - number)
    lowest = min(layouts, key=lambda layout: layout.height)
    if lowest.height > TALLEST_MM:
        raise FrameError(f"{number} frames do not fit on a page ({size}): set figure.panels to a smaller number")
    return lowest
