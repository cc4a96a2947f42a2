"""All that is drawn of a sequence: light curve, sequence figure, movie and viewer, none of which needs another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures.lightcurve import plot_lightcurve
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.movie import render_movie
from aia_sequence.figures.panels import plot_sequence
from aia_sequence.figures.sequence import Frame, Region, hasty
from aia_sequence.figures.viewer import build_viewer
from aia_sequence.files import write_text
from aia_sequence.forks import side_by_side
from aia_sequence.lists.lightcurve import Point


def draw_products(
    frames: Sequence[Frame],
    points: Sequence[Point],
    statistics: Statistics,
    files: Mapping[str, Path],
    *,
    title: str,
    channel: int,
    channels: Sequence[int],
    region: Region | None,
    options: FigureOptions,
    processes: int = 1,
) -> None:
    """Draw a sequence; frames are read one after the other.

    Parameters
    ----------
    frames, points, statistics
        The sequence, its light curve and brightness limits.
    files
        To be written: `png`, `pdf` and `caption` of the sequence figure, `lightcurve_png` and `lightcurve_pdf`, `mp4`,
        and `html`, the viewer.
    title
        Name of the event.
    channel, channels
        Wavelength in angstrom, and those of the event.
    region
        Bounds in arcsec; None for the full disk.
    options
        See `FigureOptions`.
    processes
        How many of figure, movie and viewer are drawn at once; the files do not depend on it.
    """
    sequence = (frames, points, statistics)
    shown: dict[str, Any] = {"title": title, "channel": channel, "region": region, "options": options}

    def figures() -> None:
        text = plot_sequence(*sequence, [files["png"], files["pdf"]], **shown)
        write_text(files["caption"], f"{text}\n")
        plot_lightcurve(
            points,
            [files["lightcurve_png"], files["lightcurve_pdf"]],
            title=f"{title}   SDO/AIA {channel} Å{hasty(points)}",
            synthetic=statistics.synthetic,
            options=options,
        )

    tasks = {
        "figures": figures,
        "movie": lambda: render_movie(*sequence, files["mp4"], **shown),
        "viewer": lambda: build_viewer(*sequence, files["html"], channels=channels, **shown),
    }
    side_by_side(tasks, processes)
