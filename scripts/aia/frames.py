"""Frames on disk: level-1 files as the archive delivers them, level-1.5 files as we write and read them."""

import hashlib
import io
import math
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyUserWarning

from aia.checksums import disagreeing
from aia.errors import FrameError
from aia.files import replacing, sha256
from aia.options import COMPRESSIONS

# What the uncertainty's header repeats of the image's: sunpy opens every image of a file as a map.
DESCRIPTIVE = (
    "TELESCOP", "INSTRUME", "DATE-OBS", "T_OBS", "EXPTIME", "WAVELNTH", "WAVEUNIT", "CTYPE1", "CUNIT1", "CRVAL1",
    "CDELT1", "CRPIX1", "CTYPE2", "CUNIT2", "CRVAL2", "CDELT2", "CRPIX2", "PC1_1", "PC1_2", "PC2_1", "PC2_2",
    "DSUN_OBS", "RSUN_REF", "RSUN_OBS", "HAEX_OBS", "HAEY_OBS", "HAEZ_OBS", "CRLN_OBS", "CRLT_OBS", "HGLN_OBS",
    "HGLT_OBS", "LVL_NUM", "BUNIT", "SYNTH",
)  # fmt: skip
RICE_STEP = 0.1  # level-1 DN; its rms, 0.03 DN, is a fortieth of the read noise, which is the least noise a pixel has
STRIP = 1 << 18  # 32-bit words of a file that are read at once; they stay in the processor's cache
WHEN = "of this HDU"  # astropy would put the time of day there: same input, same bytes


def image_hdu(hdus: fits.HDUList) -> Any:
    """The HDU that holds the image: the primary one, or the compressed one after an empty primary one.

    Raises
    ------
    FrameError
        If there is none.
    """
    for hdu in hdus:
        if hdu.name != "UNCERT" and hdu.header.get("NAXIS", 0) == 2:
            return hdu
    raise FrameError(f"{hdus.filename()}: there is no image in it")


def read_header(path: str | Path, hdu: str = "image") -> fits.Header:
    """Header of a frame's image, of level 1 or 1.5, compressed or not, or of a level-1.5 frame's `uncertainty`."""
    with _opened(path) as hdus:
        return _hdu(hdus, path, hdu).header.copy()


def _hdu(hdus: fits.HDUList, path: str | Path, name: str) -> Any:
    """The HDU of the image, or that of its uncertainty."""
    if name == "uncertainty" and "UNCERT" not in hdus:
        raise FrameError(f"{path}: there is no uncertainty in it; set calibration.uncertainty: true")
    return hdus["UNCERT"] if name == "uncertainty" else image_hdu(hdus)


def read_level1(
    path: str | Path, *, digest: str | None = None, out: np.ndarray | None = None
) -> tuple[np.ndarray, fits.Header]:
    """Read a level-1 frame: the image as it is stored, without scaling, and its header.

    Parameters
    ----------
    path
        FITS file, image in the primary HDU or compressed in the first extension.
    digest
        SHA-256 that the file must have.
    out
        int16, to read into where that is possible.

    Returns
    -------
    image : numpy.ndarray
        (ny, nx), native byte order; int16 as a rule. Missing pixels have the header's BLANK.
    header : astropy.io.fits.Header

    Raises
    ------
    FrameError
        If the file is not FITS, is damaged, holds no image, has another digest, or stores scaled integers.
    """
    # Here, because numba takes longer to start than most who read a header need.
    from aia import rice

    _check_digest(path, digest)
    with _opened(path, do_not_scale_image_data=True, memmap=False) as hdus:
        hdu, image = image_hdu(hdus), None
        header = hdu.header
        if isinstance(hdu, fits.CompImageHDU):
            with open(path, "rb") as file:
                file.seek(hdu.fileinfo()["hdrLoc"])
                image = rice.read(file, fits.Header.fromfile(file), out)
        if image is None:
            image = np.asarray(hdu.data)
    if header.get("BSCALE", 1) != 1 or header.get("BZERO", 0) != 0:
        raise FrameError(
            f"{path}: BSCALE {header.get('BSCALE')}, BZERO {header.get('BZERO')}: level-1 counts are unscaled"
        )
    return (image if image.dtype.isnative else image.astype(image.dtype.newbyteorder("="))), header


def _check_digest(path: str | Path, digest: str | None) -> None:
    if digest and (found := sha256(path)) != digest:
        raise FrameError(
            f"{path}: its SHA-256 is {found}, its manifest says {digest}; delete the block to fetch it again"
        )


@contextmanager
def _opened(path: str | Path, **options: Any) -> Iterator[fits.HDUList]:
    """Open a FITS file; whatever astropy says of a damaged one, then or while it is read, becomes a `FrameError`."""
    try:
        with warnings.catch_warnings():
            # What astropy warns of here is a file that ends too early.
            warnings.filterwarnings("error", "Error validating header|File may have been truncated", AstropyUserWarning)
            with fits.open(path, **options) as hdus:
                yield hdus
    except (OSError, ValueError, TypeError, RuntimeError, VerifyError, AstropyUserWarning) as error:
        reason = " ".join(str(error).split())
        raise FrameError(
            f"{path}: the file is missing or damaged ({reason}); delete its block to make it again"
        ) from None


def read_spikes(path: str | Path, digest: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read the spikes of a level-1 frame: flat indices into the 4096 x 4096 CCD, and the counts that were there.

    Parameters
    ----------
    path
        FITS file.
    digest
        SHA-256 that the file must have.

    Raises
    ------
    FrameError
        If the file holds no table of spikes, or has another digest.
    """
    _check_digest(path, digest)
    with _opened(path) as hdus:
        for hdu in hdus:
            if hdu.header.get("NAXIS", 0) == 2 and hdu.header["NAXIS2"] >= 2:
                spikes = np.asarray(hdu.data).astype(np.int64)
                return spikes[0], spikes[1]
    raise FrameError(f"{path}: there are no spikes in it; rows of indices and counts are expected")


def read_level15(
    path: str | Path, region: Mapping[str, Sequence[float]] | None = None, hdu: str = "image"
) -> tuple[np.ndarray, fits.Header]:
    """Read a level-1.5 frame, or a region of it: then no more than the region's rows are read from disk.

    Parameters
    ----------
    path
        FITS file as `write_level15` writes it.
    region
        `{"x": [low, high], "y": [low, high]}`, helioprojective, arcsec: the pixels whose centres lie within, bounds
        included. Without one, the whole frame.
    hdu
        `image`, or `uncertainty` for its standard deviation.

    Returns
    -------
    image : numpy.ndarray
        float32, native byte order.
    header : astropy.io.fits.Header
        The image's header; CRPIX and NAXIS are those of the region.

    Raises
    ------
    FrameError
        If the region lies outside the frame, or there is no uncertainty.
    """
    with _opened(path, memmap=True) as hdus:
        header, shown = image_hdu(hdus).header.copy(), _hdu(hdus, path, hdu)
        if region is None:
            return np.ascontiguousarray(shown.data, dtype=np.float32), header
        rows, columns = (_pixels(header, axis, region[name], path) for axis, name in ((2, "y"), (1, "x")))
        # `section` reads rows, and decompresses tiles, of the region alone.
        image = np.ascontiguousarray(shown.section[rows, columns], dtype=np.float32)
    for axis, span in ((1, columns), (2, rows)):
        header[f"CRPIX{axis}"] -= span.start
        header[f"NAXIS{axis}"] = span.stop - span.start
    return image, header


def _pixels(header: fits.Header, axis: int, bounds: Sequence[float], path: str | Path) -> slice:
    """The 0-based pixels along an axis whose centres lie within the bounds, arcsec."""
    scale, centre = header[f"CDELT{axis}"], header[f"CRPIX{axis}"] - 1
    low, high = ((bound - header.get(f"CRVAL{axis}", 0.0)) / scale + centre for bound in sorted(bounds))
    slack = 1e-6  # bounds that are a pixel's centre include it, whatever the division leaves
    first, last = max(math.ceil(low - slack), 0), min(math.floor(high + slack), header[f"NAXIS{axis}"] - 1)
    if first > last:
        raise FrameError(f"{path}: the region {'xy'[axis - 1]} {list(bounds)} arcsec lies outside the frame")
    return slice(first, last + 1)


def write_level15(
    path: str | Path,
    image: np.ndarray,
    header: fits.Header,
    uncertainty: np.ndarray | None = None,
    compression: str = "none",
    step: float | None = None,
    datasum: int | None = None,
) -> None:
    """Write a level-1.5 frame in one move, with CHECKSUM and DATASUM, bytes depending on the content alone.

    Parameters
    ----------
    path
        File to write.
    image
        float32 (ny, nx), in either byte order. **It is left in the file's**: the caller has no further use for it.
    header
        Header of the image.
    uncertainty
        Its standard deviation, for the second HDU, likewise.
    compression
        `none`: the image stands uncompressed in the primary HDU and can be mapped into memory. `gzip`: without loss.
        `rice`: values rounded to multiples of `step` with subtractive dithering.
    step
        For `rice`: quantisation step in the image's unit.
    datasum
        Of the image, where it is known.

    Raises
    ------
    ValueError
        If the compression is unknown.
    """
    if compression not in COMPRESSIONS:
        raise ValueError(f"{compression!r} is not a compression; allowed are {', '.join(COMPRESSIONS)}")
    images = [(image, header, None)]
    if uncertainty is not None:
        about = fits.Header([header.cards[key] for key in DESCRIPTIVE if key in header])
        images.append((uncertainty, about, "UNCERT"))
    if compression == "none":
        hdus = [_plain(*parts, primary=number == 0) for number, parts in enumerate(images)]
        hdus[0].known_datasum = datasum
        hdus[0].header.set("EXTEND", len(hdus) > 1, after="NAXIS2")
        _write(path, fits.HDUList(hdus))
        return
    written = io.BytesIO()
    compressed = [_compressed(*parts, compression, step) for parts in images]
    fits.HDUList([fits.PrimaryHDU(), *compressed]).writeto(written)
    written.seek(0)
    # As the tables that stand in the file: what is summed is what is written.
    with fits.open(written, disable_image_compression=True, memmap=False) as hdus:
        _write(path, hdus)


def _write(path: str | Path, hdus: fits.HDUList) -> None:
    for hdu in hdus:
        hdu.add_checksum(when=WHEN)
    with replacing(path) as part:
        hdus.writeto(part, overwrite=True)


def _big_endian(image: np.ndarray) -> np.ndarray:
    """The same array, its bytes swapped in place where the machine is little-endian."""
    if image.dtype == np.dtype(">f4"):
        return image
    return image.byteswap(inplace=True).view(">f4")


class _SummedHDU(fits.PrimaryHDU):
    """An image whose DATASUM is known, so that it is not worked out again; reading the file back checks it."""

    known_datasum: int | None = None

    def _calculate_datasum(self) -> int:
        return super()._calculate_datasum() if self.known_datasum is None else self.known_datasum


def _plain(image: np.ndarray, header: fits.Header, name: str | None, *, primary: bool) -> Any:
    kind = _SummedHDU if primary else fits.ImageHDU
    hdu = kind(_big_endian(image), header)
    if name:
        hdu.name = name
    return hdu


def _compressed(image: np.ndarray, header: fits.Header, name: str | None, compression: str, step: float | None) -> Any:
    options: dict[str, Any] = {"compression_type": "GZIP_2", "quantize_level": 0}
    if compression == "rice":
        # A negative level is the step itself; a fixed seed makes the dithering repeatable.
        options = {"compression_type": "RICE_1", "quantize_level": -step, "quantize_method": 1, "dither_seed": 1}
    return fits.CompImageHDU(image, header, name=name, **options)


def verify(path: str | Path) -> str:
    """Read a file again, compare every HDU, header and data, with its CHECKSUM, and return the SHA-256 of its bytes.

    Both are worked out while a strip of the file is at hand, so the file is read once.

    Raises
    ------
    FrameError
        If a checksum differs or is missing.
    """
    from aia.statistics import sum_of_words

    with _opened(path, memmap=True, disable_image_compression=True) as hdus:
        parts = [(hdu.fileinfo(), hdu.header) for hdu in hdus]
    ends = [place["hdrLoc"] for place, _ in parts[1:]] + [Path(path).stat().st_size]
    digest, strip, swap = hashlib.sha256(), np.empty(STRIP, np.uint32), sys.byteorder == "little"
    room = memoryview(strip).cast("B")
    with open(path, "rb") as file:

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

        for number, ((place, header), end) in enumerate(zip(parts, ends, strict=True)):
            if not {"CHECKSUM", "DATASUM"} <= set(header):
                raise FrameError(f"HDU {number} has no CHECKSUM")
            of_header, of_data = sum_up(place["datLoc"] - place["hdrLoc"]), sum_up(end - place["datLoc"])
            if disagreeing(header, of_header, of_data):
                raise FrameError(f"HDU {number} does not fit its CHECKSUM")
    return digest.hexdigest()
