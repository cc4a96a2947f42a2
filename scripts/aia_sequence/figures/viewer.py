"""The viewer: one HTML file that holds the images of a sequence and plays, measures and explains them offline."""

import base64
import html
import json
import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aia_sequence import quality
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.region import out_of_sight
from aia_sequence.figures.flares import flare_of
from aia_sequence.figures.measure import Statistics
from aia_sequence.figures.points import Point
from aia_sequence.figures.sequence import Frame, Region, read_picture, reduce_any, reduce_mean
from aia_sequence.figures.style import SYNTHETIC_TEXT, colour_map, saturated_colour
from aia_sequence.files import replacing
from aia_sequence.joblog import Counter
from aia_sequence.times import leap_steps, read_time

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).with_name("templates")

# Brightnesses are stored as whole numbers of STEP in asinh(brightness / SOFT): to 0.1 %, or 0.01 DN/s below 10 DN/s.
STEP, SOFT = 0.002, 10.0
LOWEST, HIGHEST = -1e3, 1.2e7
FIRST = round(np.arcsinh(LOWEST / SOFT) / STEP)
CODES = round(np.arcsinh(HIGHEST / SOFT) / STEP) - FIRST + 2
MOST_FRAMES = 400
PAGE_BYTES = 400_000


def encode(values: np.ndarray) -> np.ndarray:
    """Code brightnesses in DN/s; 0 stands for a missing pixel.

    Returns
    -------
    numpy.ndarray
        uint16, shape of the values.
    """
    missing = ~np.isfinite(values)
    inside = np.clip(np.where(missing, 0, values), LOWEST, HIGHEST)
    codes = np.rint(np.arcsinh(inside / SOFT) / STEP) - FIRST + 1
    codes[missing] = 0
    return codes.astype(np.uint16)


def decode(codes: np.ndarray) -> np.ndarray:
    """Find the brightnesses in DN/s of codes, as the viewer does; NaN for missing pixels."""
    values = SOFT * np.sinh((codes.astype(np.float64) - 1 + FIRST) * STEP)
    return np.where(codes == 0, np.nan, values)


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
    # Two bytes for each pixel, four letters for three bytes.
    most = (megabytes * 1e6 - PAGE_BYTES) / (2 * 4 / 3) / len(frames)
    factor = 1
    while -(-shape[0] // factor) * -(-shape[1] // factor) > max(most, 1):
        factor += 1
    return Plan(frames, factor, (-(-shape[0] // factor), -(-shape[1] // factor)))


def pack(codes: np.ndarray) -> str:
    """Compress codes for the file: low bytes, then high bytes, deflated, as base64."""
    pair = codes.astype("<u2").reshape(-1, 1).view(np.uint8)
    return base64.b64encode(zlib.compress(pair.T.tobytes(), 6)).decode("ascii")


def build_viewer(
    frames: Sequence[Frame],
    points: Sequence[Point],
    statistics: Statistics,
    path: Path,
    *,
    title: str,
    channel: int,
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
    name = f"{title}, SDO/AIA {channel} Å"
    head = (TEMPLATES / "viewer.html").read_text(encoding="utf-8")
    before, after = head.split("<!-- data -->")
    before = before.replace("{{title}}", html.escape(name)).replace("{{event}}", html.escape(title))
    before = before.replace("{{channel}}", str(channel))
    before = before.replace("{{banner}}", _banner(statistics.synthetic) + _remarks(region))
    before = before.replace("{{style}}", (TEMPLATES / "viewer.css").read_text(encoding="utf-8"))
    after = after.replace("{{script}}", (TEMPLATES / "viewer.js").read_text(encoding="utf-8"))
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(before)
        described: list[dict[str, Any]] = []
        for line in _data(shown, region, chosen, described):
            file.write(line)
        about = _about(frames, points, statistics, chosen, described, channel, options, name)
        file.write(_json("about", about))
        file.write(after)
    log.info("%d of %d frames, %d x %d pixels binned", len(shown), len(frames), chosen.factor, chosen.factor)
    return chosen


def _banner(synthetic: bool) -> str:
    return f'<p class="synthetic" role="note">{SYNTHETIC_TEXT}</p>' if synthetic else ""


def _remarks(region: Region | None) -> str:
    """What a reader should know about where the region lies."""
    return "".join(f'<p class="remark" role="note">{html.escape(line)}.</p>' for line in out_of_sight(region))


def _data(
    shown: Sequence[Frame], region: Region | None, chosen: Plan, described: list[dict[str, Any]]
) -> Iterator[str]:
    """Yield a line of data for each frame, and collect what is said about it."""
    counter = Counter("packed", len(shown))
    for number, frame in enumerate(shown):
        counter.step()
        picture = read_picture(frame.path, region)
        codes = encode(reduce_mean(picture.data, chosen.factor))
        # A bin is saturated if one of its pixels is, which its mean cannot tell: the highest bit says it.
        codes[reduce_any(picture.saturated, chosen.factor)] |= 0x8000
        if number == 0:
            described.append(
                {"extent": list(picture.extent), "header": picture.header.tostring(sep="\n", padding=False)}
            )
            described[0]["rsun"] = picture.header.get("RSUN_OBS")
            described[0]["pixel"] = picture.header["CDELT1"]
        described.append(
            {
                "time": frame.T_OBS,
                "tai": frame.time,
                "slot": frame.T_REC,
                "exposure": frame.EXPTIME,
                "quality": frame.QUALITY,
                "words": quality.decode(frame.QUALITY),
                "extent": [round(edge, 6) for edge in picture.extent],
                "rsun": picture.header.get("RSUN_OBS"),
                "record": frame.record,
                "file": frame.path.name,
                "sha256": frame.sha256,
            }
        )
        yield f'<script type="text/plain" id="frame{number}">{pack(codes)}</script>\n'


def _about(frames, points, statistics, chosen, described, channel, options, name) -> dict[str, Any]:
    times = np.array([read_time(point.T_OBS) for point in points])
    flare = flare_of(points)
    first = described[0]
    return {
        "name": name,
        "synthetic": statistics.synthetic,
        "shape": list(chosen.shape),
        "factor": chosen.factor,
        "region": list(statistics.shape),
        "pixel": first["pixel"],
        "step": STEP,
        "soft": SOFT,
        "first": FIRST,
        "codes": CODES,
        "limits": list(statistics.limits),
        "chosen": statistics.chosen,
        "stretch": options.stretch,
        "power": options.power,
        "colours": [[round(255 * part) for part in colour_map(channel)(level)[:3]] for level in range(256)],
        "saturated": [round(255 * part) for part in saturated_colour(channel)],
        "megabytes": options.viewer_mb,
        "total": len(frames),
        "frames": described[1:],
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
        "header": first["header"],
    }


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _json(name: str, content: Any) -> str:
    # "</script" inside a script element would end it, and "<!--<script" keep it from ending.
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'
