"""The frames of an event and channel: which there are, and the region of interest of one of them, in DN/s."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aia_sequence.config.region import out_of_sight, write_location
from aia_sequence.config.rotation import region_at
from aia_sequence.errors import FrameError
from aia_sequence.frames.companions import SATURATED
from aia_sequence.frames.fits import Header, open_level15
from aia_sequence.lists.manifests import LEVEL15
from aia_sequence.lists.records import BETWEEN, RECORDS
from aia_sequence.quality import near_real_time
from aia_sequence.times import read_time

Region = Mapping[str, Any]
IN_ORDER = 8  # numbers that numpy adds up one after the other; more of them by pairs


@dataclass(frozen=True)
class Frame:
    """One level-1.5 file and its row of the manifest; times are UTC, EXPTIME is in seconds."""

    path: Path
    record: str
    T_REC: str
    T_OBS: str
    WAVELNTH: int
    EXPTIME: float
    QUALITY: int
    sha256: str

    @property
    def time(self) -> float:
        """T_OBS, the middle of the exposure, in TAI seconds."""
        return read_time(self.T_OBS)

    @property
    def slot(self) -> float:
        """T_REC, the slot of the record, in TAI seconds."""
        return read_time(self.T_REC)


def hasty(frames: Iterable[Any]) -> str:
    """What headings and captions add to the instrument's name, if frames (or their points) are of near real time."""
    found = {near_real_time(frame.QUALITY) for frame in frames}
    return f", {'partly ' if False in found else ''}near real time" if True in found else ""


@dataclass(frozen=True)
class Picture:
    """The region of interest of one frame.

    Attributes
    ----------
    data : numpy.ndarray
        Brightness in DN/s, float32, shape (rows, columns), south first; NaN where there is no measurement.
    extent : tuple of float
        Outer edges of the pixels in arcsec: left, right, bottom, top.
    origin : tuple of float
        Where axes begin to count, in arcsec: the middle of a region that follows the rotation, else the disc centre.
    saturated : numpy.ndarray
        Pixels that lie on saturated pixels of level 1, bool, shape of the data.
    header : mapping of str to Any
        The frame's header, CRPIX and NAXIS those of the region.
    uncertainty : numpy.ndarray or None
        Standard deviation of the data in DN/s, where it was asked for and calculated.
    """

    data: np.ndarray
    extent: tuple[float, float, float, float]
    origin: tuple[float, float]
    saturated: np.ndarray
    header: Header
    uncertainty: np.ndarray | None = None

    @property
    def axes_extent(self) -> tuple[float, float, float, float]:
        """The extent as axes show it, counted from the origin."""
        (left, right, bottom, top), (x, y) = self.extent, self.origin
        return left - x, right - x, bottom - y, top - y

    @property
    def synthetic(self) -> bool:
        """Whether the frame comes from the synthetic archive, as its header says."""
        return bool(self.header.get("SYNTH", False))


def list_frames(manifests: Iterable[Path]) -> list[Frame]:
    """List the frames of level-1.5 manifests in the order of their observation; rows with a reason have no file.

    Parameters
    ----------
    manifests
        The manifests of all blocks of a channel; file names in them are relative to their own folder.

    Returns
    -------
    list of Frame
        Ascending by T_OBS, then by record.
    """
    frames: list[Frame] = []
    for manifest in map(Path, manifests):
        frames.extend(
            Frame(
                path=manifest.parent / row["file"],
                record=row["record"],
                T_REC=row["T_REC"],
                T_OBS=row["T_OBS"],
                WAVELNTH=row["WAVELNTH"],
                EXPTIME=row["EXPTIME"],
                QUALITY=row["QUALITY"],
                sha256=row["sha256"],
            )
            for row in LEVEL15.read(manifest)
            if not row["reason"]
        )
    return sorted(frames, key=lambda frame: (frame.time, frame.record))


def require_frames(event: str, channel: int, manifests: Iterable[Path], records: Iterable[Path]) -> list[Frame]:
    """List the frames of an event and channel, of which there must be one at least.

    Parameters
    ----------
    event, channel
        Names for the message.
    manifests
        Level-1.5 manifests of all blocks.
    records
        Tables of the records of all blocks, with the columns `kept` and `dropped_by`.

    Raises
    ------
    FrameError
        If there is no frame: says how many records each condition removed, and what became of those that passed.
    """
    manifests = list(manifests)
    if frames := list_frames(manifests):
        return frames
    rows = [row for table in records for row in RECORDS.read(table)]
    kept = sum(row["kept"] for row in rows)
    dropped = Counter(condition for row in rows for condition in row["dropped_by"].split(BETWEEN) if condition)
    text = f"event {event}, {channel} Å: no frame to draw. "
    if not rows:
        text += "The archive has no record of this channel in the window: widen the window or leave the channel out."
    elif not kept:
        removed = ", ".join(f"{condition} removed {count}" for condition, count in sorted(dropped.items()))
        text += (
            f"Of {len(rows)} records in the window {removed} (a record can fail several). Relax `where` in the config."
        )
    else:
        lost = Counter(row["reason"] for manifest in manifests for row in LEVEL15.read(manifest) if row["reason"])
        reasons = "; ".join(f"{reason} ({count})" for reason, count in sorted(lost.items())) or "no reason given"
        text += f"Of {len(rows)} records {kept} passed the filter, and none became a level-1.5 frame: {reasons}."
    raise FrameError(text)


def read_picture(path: Path, region: Region | None = None, *, uncertainty: bool = False) -> Picture:
    """Read the region of interest of a level-1.5 file, without the rest of the frame, in DN/s.

    Parameters
    ----------
    path
        Level-1.5 FITS file.
    region
        Bounds `x` and `y` in arcsec, helioprojective, or a region that follows a place on the turning Sun, as the
        configuration resolves it. None: the full frame.
    uncertainty
        Whether the uncertainty is wanted, too, where the file holds one.

    Raises
    ------
    FrameError
        If the region does not touch the frame, or the exposure time needed for DN/s is missing.
    """
    with open_level15(path) as opened:
        with_error = ("uncertainty",) if uncertainty and opened.header.get("UNCERTAI") else ()
        data, flags, *errors, header = opened.read(_bounds(region, opened.header), "image", "flags", *with_error)
    error = errors[0] if errors else None
    if header.get("BUNIT") != "DN / s":
        exposure = float(header.get("EXPTIME") or 0)
        if not exposure > 0:
            raise FrameError(
                f"{path}: EXPTIME is {header.get('EXPTIME')!r}; a frame without it has no brightness in DN/s"
            )
        data = data / np.float32(exposure)
        error = None if error is None else error / np.float32(exposure)
    edges = [
        header[f"CRVAL{axis}"] + (end + 0.5 - header[f"CRPIX{axis}"]) * header[f"CDELT{axis}"]
        for axis, size in ((1, data.shape[1]), (2, data.shape[0]))
        for end in (0, size)
    ]
    return Picture(
        data=data,
        extent=tuple(edges),
        origin=((edges[0] + edges[1]) / 2, (edges[2] + edges[3]) / 2) if follows(region) else (0.0, 0.0),
        saturated=(flags & SATURATED) > 0,
        header=header,
        uncertainty=error,
    )


def follows(region: Region | None) -> bool:
    """Tell whether a region follows a place on the turning Sun."""
    return region is not None and "follow" in region


def axis_labels(region: Region | None) -> tuple[str, str]:
    """Labels of the axes of images of a region."""
    if follows(region):
        return "X from region centre (arcsec)", "Y from region centre (arcsec)"
    return "Solar X (arcsec)", "Solar Y (arcsec)"


def place(region: Region | None) -> str:
    """Say in words what a region shows, for captions."""
    if region is None:
        return "the full disk"
    if follows(region):
        size = f"{region['width']:g} by {region['height']:g} arcsec"
        words = f"a region of {size} that turns with the Sun, centred on {write_location(*region['follow'])}"
        return f"{words} at {region['at']}" + "".join(f" ({line})" for line in out_of_sight(region))
    (left, right), (bottom, top) = region["x"], region["y"]
    return f"x = {left:g} to {right:g}, y = {bottom:g} to {top:g} arcsec"


def _bounds(region: Region | None, header: Header) -> Mapping[str, Any] | None:
    return region_at(region, header) if region and follows(region) else region


def reduce_mean(values: np.ndarray, factor: int) -> np.ndarray:
    """Average blocks of factor x factor pixels, leaving missing pixels out; the last blocks may be partial.

    Parameters
    ----------
    values : numpy.ndarray
        Image, shape (rows, columns), float32 with NaN for missing pixels.
    factor
        Pixels per block and axis.

    Returns
    -------
    numpy.ndarray
        Shape (ceil(rows / factor), ceil(columns / factor)); NaN where a whole block is missing.
    """
    if factor == 1:
        return values
    valid = np.isfinite(values)
    total = _block_sum(np.where(valid, values, 0), factor)
    count = _block_sum(valid.astype(np.float32), factor)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def reduce_any(flags: np.ndarray, factor: int) -> np.ndarray:
    """Tell for each block of factor x factor pixels whether any of its flags is set."""
    return flags if factor == 1 else _block_sum(flags.astype(np.float32), factor) > 0


def _block_sum(values: np.ndarray, factor: int) -> np.ndarray:
    return np.ascontiguousarray(_sum_rows(_sum_rows(values, factor).T, factor).T)


def _sum_rows(values: np.ndarray, factor: int) -> np.ndarray:
    """Add up each `factor` rows, the last ones as many as are left: what numpy's `add.reduceat` gives, to the bit.

    It takes ten times as long for small blocks, whose rows it adds to the first one in their order, as is done here.
    """
    whole = values.shape[0] // factor * factor
    if factor > IN_ORDER or not whole:
        return np.add.reduceat(values, np.arange(0, values.shape[0], factor), axis=0)
    first, second, *others = (values[row:whole:factor] for row in range(factor))
    total = first + sum(others, start=second)
    rest = values[whole:]
    return np.concatenate([total, np.add.reduceat(rest, [0], axis=0)]) if len(rest) else total
