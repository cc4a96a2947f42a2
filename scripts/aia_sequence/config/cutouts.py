"""Cutouts: frames from which the archive cuts a region (`im_patch`) before it exports them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from aia_sequence.config.ephemeris import seen_from_earth, slip
from aia_sequence.config.region import FRAME
from aia_sequence.config.rotation import middle_at, turned_away
from aia_sequence.instrument import CUTOUT_BYTES, LEVEL1_BYTES, SCALE, SIDE
from aia_sequence.times import iso

# What the archive cuts out is larger than the region, by what level 1.5 needs around it. It is asked before the tables
# are there that say how the CCD was pointed, and once for all frames of a block, so all of it is an upper limit.
KERNEL = 14  # level-1 pixels that the interpolation reaches to either side: 12 of the spline's prefilter, 2 of its own
SHIFT = 8  # level-1 pixels by which a frame's pointing differs from that of the frame by which the archive cuts
ROUNDING = 1  # level-1 pixel: the archive cuts at whole ones
ROLL = 0.5  # degrees; cameras are mounted within 0.15 of the Sun's north
ENDS = ((0, math.floor), (1, math.ceil))  # which end of a range, and where it goes when the range is widened
COARSEST = 0.62  # arcsec per level-1 pixel, no channel's is larger


def footprint(region: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float]]:
    """Middle and length of what is cut out for a region, along each axis, arcsec.

    The region ends where the frame does. Around it is room for the reach of the interpolation, for a pointing that the
    archive does not know of, and for the roll of the camera, whose rows and columns the archive cuts along.

    Parameters
    ----------
    region
        `x` and `y`: lower and upper bound each, helioprojective, arcsec.
    """
    bounds = {axis: (max(region[axis][0], -FRAME), min(region[axis][1], FRAME)) for axis in "xy"}
    cut: dict[str, tuple[float, float]] = {}
    for axis, other in ("xy", "yx"):
        low, high = bounds[axis]
        turned = math.sin(math.radians(ROLL)) * (bounds[other][1] - bounds[other][0]) / 2
        margin = (KERNEL + SHIFT + ROUNDING) * COARSEST + turned
        cut[axis] = (low + high) / 2, math.ceil(high - low + 2 * margin)
    return cut


def whole_bins(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The region of an event, widened to whole squares of pixels where `calibration.bin` asks for such."""
    region, size = options["region"], (options.get("calibration") or {}).get("bin", 1)
    side = size * SCALE  # squares are counted from the disc centre too, as 2048 is a multiple of their sides
    if size == 1:
        return region
    if "follow" in region:
        return {**region, "width": region["width"] + 2 * side, "height": region["height"] + 2 * side}
    return {axis: tuple(side * floor_or_ceil(region[axis][n] / side) for n, floor_or_ceil in ENDS) for axis in "xy"}


def im_patch(region: Mapping[str, Any], begin: float, seconds: float = 0.0) -> dict[str, dict[str, str]]:
    """Arguments by which the archive cuts a region out of every frame of a block, with a margin.

    A region that follows a place is carried along by the archive (it *tracks*). A fixed one lies in the same rectangle
    of every frame; so does one whose place turns out of sight in the block.

    Parameters
    ----------
    region
        `x` and `y`: lower and upper bound each, helioprojective, arcsec; or `follow`, `at`, `width`, `height`.
    begin
        TAI seconds at which the block is cut off, whether or not its window begins later. The archive looks up where on
        the CCD the region lies in the frame that is nearest to it.
    seconds
        How long after that its last frame can be.

    Returns
    -------
    dict
        Arguments by process, as text.
    """
    tracked = False
    if "follow" in region:
        ends = [middle_at(region, time) for time in (begin, begin + seconds)]
        places = [seen_from_earth(*end, time) for end, time in zip(ends, (begin, begin + seconds), strict=True)]
        tracked = not any(turned_away(region, time) for time in (begin, begin + seconds))
        drift = slip(ends[0][1]) * seconds if tracked else 0.0
        low, high = (places[0], places[0]) if tracked else zip(*map(sorted, zip(*places, strict=True)), strict=True)
        sides = region["width"] / 2 + SCALE + drift, region["height"] / 2 + SCALE + drift
        region = {axis: (low[n] - sides[n], high[n] + sides[n]) for n, axis in enumerate("xy")}
    (x, width), (y, height) = footprint(region).values()
    return {
        "im_patch": {
            "t_ref": iso(begin).removesuffix("Z"),
            "t": "01"[not tracked],  # 1 means no tracking: the region is fixed in the image plane
            "r": "0",
            "c": "0",
            "locunits": "arcsec",
            "boxunits": "arcsec",
            "x": f"{x:.8g}",
            "y": f"{y:.8g}",
            "width": f"{width:.8g}",
            "height": f"{height:.8g}",
        }
    }


def frame_pixels(options: Mapping[str, Any]) -> tuple[float, float]:
    """Pixels of an event's frames of level 1 and 1.5: of the full disk, or of its region if that is cut out."""
    region = options.get("region")
    if not options.get("cutout") or not region:
        return SIDE**2, SIDE**2
    if "width" in region:
        region = {axis: (-region[side] / 2, region[side] / 2) for axis, side in (("x", "width"), ("y", "height"))}
    (_, width), (_, height) = footprint(region).values()
    (left, right), (bottom, top) = region["x"], region["y"]
    level1, level15 = width * height, (right - left) * (top - bottom)
    return min(level1 / SCALE**2, SIDE**2), min(level15 / SCALE**2, SIDE**2)


def level1_bytes(options: Mapping[str, Any]) -> float:
    """Size of a level-1 file of an event, bytes."""
    pixels, _ = frame_pixels(options)
    return LEVEL1_BYTES if pixels == SIDE**2 else CUTOUT_BYTES * pixels
