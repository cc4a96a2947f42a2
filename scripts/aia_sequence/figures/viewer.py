"""The viewer: one HTML file that holds the images of a sequence and plays, measures and explains them offline."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aia_sequence import quality
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.region import out_of_sight
from aia_sequence.figures.codes import Coding, letters, pack
from aia_sequence.figures.flares import flare_of
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.sequence import Frame, Picture, Region, hasty, read_picture, reduce_any, reduce_mean
from aia_sequence.figures.style import SYNTHETIC_TEXT, colour_map, saturated_colour
from aia_sequence.files import replacing
from aia_sequence.frames.fits import header_lines
from aia_sequence.lists.lightcurve import Point
from aia_sequence.templates import filled
from aia_sequence.times import leap_steps, read_time

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).with_name("templates")
# The page's script is these, one after the other: what a part uses while it is read stands before it.
SCRIPTS = (
    "about", "words", "sun", "frames", "pictures", "layers", "view", "draw", "axes", "shapes", "curves", "player",
    "tools", "link", "save", "tables", "main",
)  # fmt: skip

MOST_FRAMES = 400
PAGE_BYTES = 400_000
FRAME_BYTES = 5_000  # of a frame's header and of what the page says about it
PIXEL_BYTES = 2 + 1 / 8  # a code, and whether it is saturated


@dataclass(frozen=True)
class Plan:
    """What goes into the file: which frames, and how many pixels per axis are averaged into one."""

    frames: list[int]
    factor: int
    shape: tuple[int, int]


def plan(count: int, shape: tuple[int, int], megabytes: float) -> Plan:
    """Choose frames and binning so that the file stays below its largest size, even if nothing can be compressed.

    Parameters
    ----------
    count
        Frames of the sequence.
    shape
        Rows and columns of the region of interest.
    megabytes
        Largest size of the file, 10**6 bytes.
    """
    frames = np.unique(np.rint(np.linspace(0, count - 1, min(count, MOST_FRAMES))).astype(int)).tolist()
    # Two bytes and a bit for each pixel, four letters for three bytes.
    most = ((megabytes * 1e6 - PAGE_BYTES) / len(frames) - FRAME_BYTES) / (PIXEL_BYTES * 4 / 3)
    factor = 1
    while -(-shape[0] // factor) * -(-shape[1] // factor) > max(most, 1):
        factor += 1
    return Plan(frames, factor, (-(-shape[0] // factor), -(-shape[1] // factor)))


def build_viewer(
    frames: Sequence[Frame],
    points: Sequence[Point],
    statistics: Statistics,
    path: Path,
    *,
    title: str,
    channel: int,
    channels: Sequence[int] = (),
    region: Region | None,
    options: FigureOptions,
) -> Plan:
    """Write the viewer of a sequence; frames are read one after the other.

    Parameters
    ----------
    frames, points, statistics
        The sequence, its light curve and brightness limits.
    path
        HTML file to be written.
    title
        Name of the event.
    channel
        Wavelength in angstrom.
    channels
        Those of the event: the page leads to their viewers, and shows them as a second channel.
    region
        Bounds in arcsec; None for the full disk.
    options
        See `FigureOptions`.

    Returns
    -------
    Plan
        What the file holds.
    """
    chosen = plan(len(frames), statistics.shape, options.viewer_mb)
    shown = [frames[index] for index in chosen.frames]
    name = f"{title}, SDO/AIA {channel} Å{hasty(frames)}"
    before, after = _page(title, name, channel, channels, statistics, region)
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(before)
        described: list[dict[str, Any]] = []
        for line in _data(shown, region, chosen, described):
            file.write(line)
        about = _about(frames, points, statistics, chosen, described, channel, options, title, name)
        file.write(_json("about", about))
        file.write(after)
    log.info("%d of %d frames, %d x %d pixels binned", len(shown), len(frames), chosen.factor, chosen.factor)
    return chosen


def _page(
    title: str, name: str, channel: int, channels: Sequence[int], statistics: Statistics, region: Region | None
) -> tuple[str, str]:
    """The page without its data: what comes before and after them."""
    rows, columns = statistics.shape
    text = filled(
        TEMPLATES / "viewer.html",
        name=name,
        event=title,
        channel=channel,
        instrument=name.removeprefix(f"{title}, "),
        synthetic=SYNTHETIC_TEXT if statistics.synthetic else "",
        remarks=out_of_sight(region),
        aspect=f"{columns / rows:.4f}",
        others=[other for other in sorted(channels) if other != channel],
        style=(TEMPLATES / "viewer.css").read_text(encoding="utf-8"),
        script="\n".join((TEMPLATES / "viewer" / f"{part}.js").read_text(encoding="utf-8") for part in SCRIPTS),
    )
    before, after = text.split("<!-- data -->")
    return before, after


def _data(
    shown: Sequence[Frame], region: Region | None, chosen: Plan, described: list[dict[str, Any]]
) -> Iterator[str]:
    """Yield the data of each frame as elements of the page, and collect what is said about it."""
    headers = []
    for number, frame in enumerate(shown):
        picture = read_picture(frame.path, region)
        values = reduce_mean(picture.data, chosen.factor)
        coding = Coding.of(picture, values, chosen.factor, frame.WAVELNTH, frame.EXPTIME)
        described.append(_describe(frame, picture, coding))
        headers.append(header_lines(frame.path))
        yield _element(f"frame{number}", pack(coding.encode(values)))
        # A bin is saturated if one of its pixels is, which its mean cannot tell.
        saturated = reduce_any(picture.saturated, chosen.factor)
        if saturated.any():
            yield _element(f"saturated{number}", letters(np.packbits(saturated).tobytes()))
    yield _element("headers", letters("\f".join(headers).encode("ascii")))


def _element(name: str, text: str) -> str:
    return f'<script type="text/plain" id="{name}">{text}</script>\n'


def _describe(frame: Frame, picture: Picture, coding: Coding) -> dict[str, Any]:
    """What the page knows of a frame; angles of the observer are in degrees, its distance and the Sun's radius in m."""
    header = picture.header
    return {
        "time": frame.T_OBS,
        "tai": frame.time,
        "slot": frame.T_REC,
        "exposure": frame.EXPTIME,
        "quality": frame.QUALITY,
        "words": quality.decode(frame.QUALITY),
        "extent": [round(edge, 6) for edge in picture.extent],
        "pixel": header["CDELT1"],
        "limb": header.get("RSUN_OBS"),
        "observer": {
            "distance": header.get("DSUN_OBS"),
            "radius": header.get("RSUN_REF"),
            "longitude": header.get("HGLN_OBS"),
            "latitude": header.get("HGLT_OBS", header.get("CRLT_OBS")),
            "carrington": header.get("CRLN_OBS"),
        },
        "coding": asdict(coding),
        "record": frame.record,
        "file": frame.path.name,
        "sha256": frame.sha256,
    }


def _about(frames, points, statistics, chosen, described, channel, options, title, name) -> dict[str, Any]:
    times = np.array([read_time(point.T_OBS) for point in points])
    flare = flare_of(points)
    return {
        "name": name,
        "event": title,
        "synthetic": statistics.synthetic,
        "shape": list(chosen.shape),
        "factor": chosen.factor,
        "region": list(statistics.shape),
        "channel": channel,
        "pixel": described[0]["pixel"],
        "limits": list(statistics.limits),
        "chosen": statistics.chosen,
        "stretch": options.stretch,
        "power": options.power,
        "colours": [[round(255 * part) for part in colour_map(channel)(level)[:3]] for level in range(256)],
        "saturated": [round(255 * part) for part in saturated_colour(channel)],
        "megabytes": options.viewer_mb,
        "total": len(frames),
        "frames": described,
        "indices": chosen.frames,
        "marks": {name: read_time(time) for name, time in sorted(options.marks.items())},
        "peak": float(times[flare.peak]) if flare and flare.turns else None,
        # A table with later leap seconds makes the same page.
        "leapSteps": [step for step in leap_steps() if step[0] <= times[-1] + 1],
        "curve": [
            {
                "time": point.T_OBS,
                "tai": read_time(point.T_OBS),
                "mean": _number(point.mean),
                "error": _number(point.mean_uncertainty),
                "saturated": _number(point.saturated),
                "missing": _number(point.missing),
            }
            for point in points
        ],
    }


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _json(name: str, content: Any) -> str:
    # "</script" inside a script element would end it, and "<!--<script" keep it from ending.
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'
