"""The frames of an event and channel: which there are, and the region of interest of one of them, in DN/s."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from aia.errors import FrameError
from aia.frames import image_hdu

# The camera's analogue-to-digital converter ends at 16383 DN. Cubic interpolation mixes a saturated pixel with its
# neighbours, so the rim of a saturated patch ends up a little lower in level 1.5: above this fraction it is flagged.
SATURATION_DN = 16383
SATURATED_FROM = 0.95

Region = dict[str, Sequence[float]]


@dataclass(frozen=True)
class Frame:
    """One level-1.5 file and its row of the manifest; times are UTC, EXPTIME is in seconds."""

    path: Path
    record: str
    T_REC: str
    T_OBS: str
    EXPTIME: float
    QUALITY: int
    sha256: str

    @property
    def time(self) -> np.datetime64:
        """T_OBS, the middle of the exposure, to the millisecond."""
        return instant(self.T_OBS)

    @property
    def slot(self) -> np.datetime64:
        """T_REC, the slot of the record."""
        return instant(self.T_REC)


@dataclass(frozen=True)
class Picture:
    """The region of interest of one frame.

    Attributes
    ----------
    data : numpy.ndarray
        Brightness in DN/s, float32, shape (rows, columns), south first; NaN where there is no measurement.
    extent : tuple of float
        Outer edges of the pixels in arcsec: left, right, bottom, top.
    saturation : float
        Brightness in DN/s from which on a pixel counts as saturated in level 1.
    header : astropy.io.fits.Header
        The frame's header.
    window : tuple of int
        First and last-but-one row and column in the frame: row0, row1, column0, column1.
    """

    data: np.ndarray
    extent: tuple[float, float, float, float]
    saturation: float
    header: fits.Header
    window: tuple[int, int, int, int]

    @property
    def saturated(self) -> np.ndarray:
        """Pixels that were saturated in level 1, bool, shape of the data."""
        return self.data >= self.saturation

    @property
    def synthetic(self) -> bool:
        """Whether the frame comes from the synthetic archive, as its header says."""
        return bool(self.header.get("SYNTH", False))


def instant(text: str) -> np.datetime64:
    """Read an ISO 8601 time in UTC, with or without a final Z, to the millisecond."""
    return np.datetime64(text.strip().rstrip("Z"), "ms")


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
    frames = []
    for manifest in map(Path, manifests):
        frames.extend(
            Frame(
                path=manifest.parent / row["file"],
                record=row["record"],
                T_REC=row["T_REC"],
                T_OBS=row["T_OBS"],
                EXPTIME=float(row["EXPTIME"]),
                QUALITY=int(row["QUALITY"]),
                sha256=row["sha256"],
            )
            for row in _rows(manifest)
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
    rows = [row for table in records for row in _rows(Path(table))]
    kept = sum(row["kept"] == "True" for row in rows)
    dropped = Counter(condition for row in rows for condition in row["dropped_by"].split("; ") if condition)
    text = f"event {event}, {channel} Å: no frame to draw. "
    if not rows:
        text += "The archive has no record of this channel in the window: widen the window or leave the channel out."
    elif not kept:
        removed = ", ".join(f"{condition} removed {count}" for condition, count in sorted(dropped.items()))
        text += (
            f"Of {len(rows)} records in the window {removed} (a record can fail several). Relax `where` in the config."
        )
    else:
        lost = Counter(row["reason"] for manifest in manifests for row in _rows(manifest) if row["reason"])
        reasons = "; ".join(f"{reason} ({count})" for reason, count in sorted(lost.items())) or "no reason given"
        text += f"Of {len(rows)} records {kept} passed the filter, and none became a level-1.5 frame: {reasons}."
    raise FrameError(text)


def _rows(table: Path) -> Iterator[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def read_picture(path: Path, region: Region | None = None) -> Picture:
    """Read the region of interest of a level-1.5 file, without the rest of the frame, in DN/s.

    Parameters
    ----------
    path
        Level-1.5 FITS file.
    region
        Bounds `x` and `y` in arcsec, helioprojective; pixels whose centre lies inside are read. None: the full frame.

    Raises
    ------
    FrameError
        If the region does not touch the frame, or the exposure time needed for DN/s is missing.
    """
    with fits.open(path, memmap=True) as hdus:
        hdu = image_hdu(hdus)
        header = hdu.header.copy()
        window = _window(path, header, region)
        row0, row1, column0, column1 = window
        data = np.array(hdu.section[row0:row1, column0:column1], dtype=np.float32)
    exposure = float(header.get("EXPTIME") or 0)
    if not exposure > 0:
        raise FrameError(f"{path}: EXPTIME is {header.get('EXPTIME')!r}; a frame without it has no brightness in DN/s")
    if "s" not in str(header.get("BUNIT", "")).replace(" ", "").split("/")[1:]:
        data /= np.float32(exposure)
    degradation = float(header.get("DEGFACT", 1) or 1)
    left, bottom = (_arcsec(header, axis, start - 0.5) for axis, start in ((1, column0), (2, row0)))
    right, top = (_arcsec(header, axis, stop - 0.5) for axis, stop in ((1, column1), (2, row1)))
    return Picture(
        data=data,
        extent=(left, right, bottom, top),
        saturation=SATURATED_FROM * SATURATION_DN / exposure / degradation,
        header=header,
        window=window,
    )


def _arcsec(header: fits.Header, axis: int, pixel: float) -> float:
    """Coordinate of a 0-based pixel position; level 1.5 has no rotation."""
    return header[f"CRVAL{axis}"] + (pixel + 1 - header[f"CRPIX{axis}"]) * header[f"CDELT{axis}"]


def _window(path: Path, header: fits.Header, region: Region | None) -> tuple[int, int, int, int]:
    bounds = []
    for axis, name in ((2, "y"), (1, "x")):
        size = header[f"NAXIS{axis}"]
        if region is None:
            bounds += [0, size]
            continue
        low, high = (
            (value - header[f"CRVAL{axis}"]) / header[f"CDELT{axis}"] + header[f"CRPIX{axis}"] - 1
            for value in region[name]
        )
        # A thousandth of a pixel of tolerance: a bound given on a pixel's centre includes it whatever the rounding.
        start, stop = max(0, int(np.ceil(low - 1e-3))), min(size, int(np.floor(high + 1e-3)) + 1)
        if start >= stop:
            edges = f"{_arcsec(header, axis, -0.5):.1f} to {_arcsec(header, axis, size - 0.5):.1f}"
            raise FrameError(f"{path}: region.{name} {list(region[name])} arcsec lies outside the frame ({edges})")
        bounds += [start, stop]
    return tuple(bounds)


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
    for axis in (0, 1):
        values = np.add.reduceat(values, np.arange(0, values.shape[axis], factor), axis=axis)
    return values


def read_uncertainty(path: Path, picture: Picture) -> np.ndarray | None:
    """Read the uncertainty of a picture in DN/s where the file holds one.

    Returns
    -------
    numpy.ndarray or None
        Shape of the picture's data; None if the uncertainty was not calculated.
    """
    with fits.open(path, memmap=True) as hdus:
        if "UNCERT" not in hdus:
            return None
        row0, row1, column0, column1 = picture.window
        return np.array(hdus["UNCERT"].section[row0:row1, column0:column1], dtype=np.float32)
