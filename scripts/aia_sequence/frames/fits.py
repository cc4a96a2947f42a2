"""Reading of level-1.5 files, whose pixels `aia_sequence.frames.level15file` writes."""

import hashlib
import logging
import math
import os
import sys
import traceback
import warnings
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyUserWarning

from aia_sequence.errors import FrameError
from aia_sequence.frames import cards, companions, plain
from aia_sequence.frames.cards import Cards
from aia_sequence.frames.checksums import disagreeing
from aia_sequence.frames.hdus import DAMAGE, parts

type Header = MutableMapping[str, Any]

logger = logging.getLogger(__name__)

REMEDY = "; delete its block to make it again"  # of a damaged file that the workflow has made or fetched
REGION = ("CRPIX1", "CRPIX2", "NAXIS1", "NAXIS2")  # what a region's header has of its own
STRIP = 1 << 18  # 32-bit words of a file that are read at once; they stay in the processor's cache


def image_hdu(hdus: fits.HDUList) -> Any:
    """The HDU that holds the image: the primary one, or the compressed one after an empty primary one.

    Raises
    ------
    FrameError
        If there is none.
    """
    for hdu in hdus:
        if hdu.is_image and hdu.header.get("NAXIS", 0) == 2:
            return hdu
    raise FrameError(f"{hdus.filename()}: there is no image in it")


def read_header(path: str | Path, remedy: str = REMEDY) -> fits.Header:
    """Header of a frame's image, of level 1 or 1.5, compressed or not; `remedy` as for `frame_errors`."""
    with frame_errors(path, remedy), fits.open(path) as hdus:
        return image_hdu(hdus).header.copy()


@contextmanager
def frame_errors(path: str | Path, remedy: str = REMEDY) -> Iterator[None]:
    """Read from a file; whatever goes wrong meanwhile becomes a `FrameError` of it, which ends with what to do."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyUserWarning)
            warnings.filterwarnings("error", DAMAGE, AstropyUserWarning)
            yield
    except (FrameError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001
        # astropy has no exception of its own for what a file can do to it, and its decoder's is of no module.
        if not isinstance(error, (OSError, ValueError, TypeError, RuntimeError, VerifyError, AstropyUserWarning)):
            logger.info("%s", traceback.format_exc())
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FrameError(f"{path}: the file is missing or damaged ({reason}){remedy}") from None


@dataclass(frozen=True)
class Opened:
    """A level-1.5 file that is open.

    Attributes
    ----------
    path
        The file.
    image
        The HDU of its image, as astropy or `aia_sequence.frames.plain` has it.
    tables
        Those beside it, by name.
    """

    path: str | Path
    image: Any
    tables: Mapping[str, Any]

    @property
    def header(self) -> Cards | fits.Header:
        """The image's header; of a packed image as astropy has it, without what tells of the packing."""
        return self.image.header

    def read(self, region: Mapping[str, Sequence[float]] | None, *parts: str) -> tuple[Any, ...]:
        """See `read_level15`; the header is of the type of `header`."""
        spans = _spans(self.header, region, self.path)
        # `section` reads rows, and decompresses tiles, of the region alone.
        read = {"image": lambda: _pixels_of(self.image, self.path, *spans)}
        read["uncertainty"] = lambda: companions.read_uncertainty(self._table(companions.UNCERTAINTY), *spans)
        read["flags"] = lambda: companions.read_flags(self._table(companions.FLAGS), *spans)
        found = [read[part]() for part in parts or ("image",)]
        return *found, _cropped(self.header.copy(), spans)

    def _table(self, name: str) -> Any:
        """A table beside the image, see `aia_sequence.frames.companions`; `FrameError` if it is not there."""
        if name in self.tables:
            return self.tables[name]
        if name == companions.UNCERTAINTY:
            raise FrameError(f"{self.path}: there is no uncertainty in it; set calibration.uncertainty: true")
        raise FrameError(f"{self.path}: there is no table {name} in it; delete its block to make it again")


@contextmanager
def open_level15(path: str | Path) -> Iterator[Opened]:
    """Open a level-1.5 frame, as `aia_sequence.frames.level15file.write_level15` writes it.

    Whatever is wrong with the file, now or while it is read, becomes a `FrameError`.
    """
    with frame_errors(path):
        mapped = plain.read(path)
        if mapped and mapped[0].data.ndim == 2:
            yield Opened(path, mapped[0], {str(hdu.header.get("EXTNAME")): hdu for hdu in mapped[1:]})
            return
        with fits.open(path, memmap=True) as hdus:
            yield Opened(path, image_hdu(hdus), {hdu.name: hdu for hdu in hdus[1:]})


def read_level15(path: str | Path, region: Mapping[str, Sequence[float]] | None = None, *parts: str) -> tuple[Any, ...]:
    """Read a level-1.5 frame, or a region of it: then no more than the region's rows are read from disk.

    Parameters
    ----------
    path
        FITS file as `aia_sequence.frames.level15file.write_level15` writes it.
    region
        `{"x": [low, high], "y": [low, high]}`, helioprojective, arcsec: the pixels whose centres lie within, bounds
        included. Without one, the whole frame.
    parts
        What is read, `image` if nothing is named: `image`, its standard deviation `uncertainty`, its `flags` (see
        `aia_sequence.frames.companions.BITS`).

    Returns
    -------
    parts : numpy.ndarray
        One for each that was named, (ny, nx), native byte order: float32, flags uint8.
    header : astropy.io.fits.Header
        The image's header; CRPIX and NAXIS are those of the region.

    Raises
    ------
    FrameError
        If the region lies outside the frame, or there is no uncertainty.
    """
    with open_level15(path) as opened:
        *found, header = opened.read(region, *parts)
        return *found, as_astropy(header)


def as_astropy(header: Cards | fits.Header) -> fits.Header:
    """A header as astropy has it."""
    if isinstance(header, fits.Header):
        return header
    made = fits.Header.fromstring(header.raw)
    for key in REGION:
        made[key] = header[key]
    return made


def header_lines(path: str | Path) -> str:
    """The header of a level-1.5 frame's image as text, a line for each card, and one for its end."""
    with open_level15(path) as opened:
        header = opened.header
        return header.lines() if isinstance(header, Cards) else header.tostring(sep="\n", padding=False)


def _pixels_of(image: Any, path: str | Path, rows: slice, columns: slice) -> np.ndarray:
    """A part of an image; of the file of one that we packed, by what unpacks it faster than astropy."""
    packed = isinstance(image, fits.CompImageHDU)
    if packed:
        from aia_sequence.frames import unpacking  # compiled, and most sequences are not packed

        if (found := unpacking.read(path, rows, columns)) is not None:
            return found
    # A file's own pixels are mapped; a section of them would be read row by row, in three times the time.
    return np.ascontiguousarray((image.section if packed else image.data)[rows, columns], dtype=np.float32)


def read_region_header(path: str | Path, region: Mapping[str, Sequence[float]] | None) -> fits.Header:
    """The header that `read_level15` returns with a region's pixels, which stay on disk."""
    header = read_header(path)
    return _cropped(header, _spans(header, region, path))


def _spans(header: Header, region: Mapping[str, Sequence[float]] | None, path: str | Path) -> list[slice]:
    """Rows and columns of a region, or of the whole frame."""
    if region is None:
        return [slice(0, header[f"NAXIS{axis}"]) for axis in (2, 1)]
    return [_pixels(header, axis, region[name], path) for axis, name in ((2, "y"), (1, "x"))]


def _cropped[H: Header](header: H, spans: Sequence[slice]) -> H:
    """The header with CRPIX and NAXIS of some rows and columns."""
    for axis, span in ((2, spans[0]), (1, spans[1])):
        header[f"CRPIX{axis}"] -= span.start
        header[f"NAXIS{axis}"] = span.stop - span.start
    return header


def _pixels(header: Header, axis: int, bounds: Sequence[float], path: str | Path) -> slice:
    """The 0-based pixels along an axis whose centres lie within the bounds, arcsec."""
    scale, centre = header[f"CDELT{axis}"], header[f"CRPIX{axis}"] - 1
    low, high = ((bound - header.get(f"CRVAL{axis}", 0.0)) / scale + centre for bound in sorted(bounds))
    slack = 1e-6  # bounds that are a pixel's centre include it, whatever the division leaves
    first, last = max(math.ceil(low - slack), 0), min(math.floor(high + slack), header[f"NAXIS{axis}"] - 1)
    if first > last:
        raise FrameError(f"{path}: the region {'xy'[axis - 1]} {list(bounds)} arcsec lies outside the frame")
    return slice(first, last + 1)


def image_and_tables(headers: Sequence[Header]) -> tuple[Header, dict[str, Header]]:
    """Of a level-1.5 file's headers that of its image, with the image's own form, and those of its tables by name."""
    number = next(number for number, header in enumerate(headers) if header.get("NAXIS"))
    image = headers[number]
    if image.get("ZIMAGE"):
        image = ChainMap({key: image[f"Z{key}"] for key in ("BITPIX", "NAXIS1", "NAXIS2")}, image)
    return image, {header["EXTNAME"]: header for header in headers[number + 1 :]}


def verify(path: str | Path) -> tuple[str, list[Header]]:
    """Read a file again, and compare every HDU, header and data, with its CHECKSUM.

    Returns
    -------
    digest : str
        SHA-256 of its bytes, worked out while a strip of them is at hand for the sum: the file is read once.
    headers : list of mappings
        As they stand in it.

    Raises
    ------
    FrameError
        If a checksum differs or is missing.
    """
    from aia_sequence.frames.words import sum_of_words  # compiled, and who reads pixels does without

    digest, strip, swap = hashlib.sha256(), np.empty(STRIP, np.uint32), sys.byteorder == "little"
    room = memoryview(strip).cast("B")
    with frame_errors(path), open(path, "rb") as file:
        found, size = list(parts(file, cards.read)), os.fstat(file.fileno()).st_size
        file.seek(0)

        def sum_up(size: int) -> int:
            """Sum of the file's next bytes, which go into its hash as well."""
            total = 0
            while size:
                read = file.readinto(room[: min(size, len(room))])
                if not read or read % 4:
                    raise FrameError(f"{path}: the file ends too early")
                digest.update(room[:read])
                total, size = sum_of_words(strip[: read // 4], total, swap), size - read
            return total

        if found[-1].end != size:
            raise FrameError(f"{path}: the file has {size} bytes where its headers promise {found[-1].end}")
        for number, part in enumerate(found):
            if not {"CHECKSUM", "DATASUM"} <= set(part.header):
                raise FrameError(f"HDU {number} has no CHECKSUM")
            of_header, of_data = sum_up(part.data - part.start), sum_up(part.end - part.data)
            if disagreeing(part.header, of_header, of_data):
                raise FrameError(f"HDU {number} does not fit its CHECKSUM")
    return digest.hexdigest(), [part.header for part in found]
