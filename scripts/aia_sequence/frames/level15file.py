"""Level-1.5 files as we write them; `aia_sequence.frames.fits` reads them."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from aia_sequence.frames import companions, packing
from aia_sequence.frames.draft import Draft
from aia_sequence.frames.writing import HDU, binary_table, write

COMPRESSIONS = ("none", "gzip", "rice")
VARIABLE = "1PB({})"  # form of a column of bytes: of each row another number of them, so many at most


def write_level15(
    path: str | Path,
    image: np.ndarray,
    header: Draft | fits.Header,
    flags: np.ndarray | None = None,
    uncertainty: np.ndarray | None = None,
    compression: str = "none",
    step: float | None = None,
) -> None:
    """Write a level-1.5 frame in one move, with CHECKSUM and DATASUM, bytes depending on the content alone.

    Parameters
    ----------
    path
        File to write.
    image
        float32 (ny, nx), in either byte order. **It is left in the file's**: the caller has no further use for it.
    header
        Header of the image, without what tells how it is stored.
    flags
        Runs of flagged pixels, of type `aia_sequence.frames.companions.RUN`; without, none is flagged.
    uncertainty
        Standard deviation of the image, likewise.
    compression
        `none`: the image stands uncompressed in the primary HDU and can be mapped into memory. `gzip`: without loss.
        `rice`: values rounded to multiples of `step` with subtractive dithering.
    step
        For `rice`: quantisation step in the image's unit.

    Raises
    ------
    ValueError
        If the compression is unknown, or lacks its step.
    """
    if compression not in COMPRESSIONS:
        raise ValueError(f"{compression!r} is not a compression; allowed are {', '.join(COMPRESSIONS)}")
    packed, draft = compression != "none", Draft.of(header)
    hdus = _packed(image, draft, compression, step) if packed else [_plain(image, draft)]
    hdus.append(companions.flags_table(np.empty(0, companions.RUN) if flags is None else flags))
    if uncertainty is not None:
        hdus.append(companions.uncertainty_table(uncertainty, packed=packed))
    write(path, hdus)


def _plain(image: np.ndarray, header: Draft) -> HDU:
    """The image as primary HDU."""
    ny, nx = image.shape
    form = Draft([*_primary(-32, 2), ("NAXIS1", nx), ("NAXIS2", ny), ("EXTEND", True)])
    form.extend(header)
    return HDU(form, image)


def _primary(bits: int, axes: int) -> list[tuple[str, bool | int, str]]:
    return [
        ("SIMPLE", True, "conforms to FITS standard"),
        ("BITPIX", bits, "array data type"),
        ("NAXIS", axes, "number of array dimensions"),
    ]


def _packed(image: np.ndarray, header: Draft, compression: str, step: float | None) -> list[HDU]:
    """An empty primary HDU, and the image in a table of its rows (FITS standard 4.0, section 10.1)."""
    if not image.dtype.isnative:
        image = image.astype(np.float32)
    ny, nx = image.shape
    about = [
        ("ZIMAGE", True, "extension contains compressed image"), ("ZTENSION", "IMAGE", "Image extension"),
        ("ZBITPIX", -32, "array data type"), ("ZNAXIS", 2, "number of array dimensions"),
        ("ZNAXIS1", nx), ("ZNAXIS2", ny), ("ZPCOUNT", 0, "number of parameters"), ("ZGCOUNT", 1, "number of groups"),
        ("ZTILE1", nx, "size of tiles to be compressed"), ("ZTILE2", 1, "size of tiles to be compressed"),
    ]  # fmt: skip
    if compression == "gzip":
        rows, heap = packing.gzip_rows(image)
        about += [("ZCMPTYPE", "GZIP_2", "compression algorithm")]
    elif step is None:
        raise ValueError("Rice compression of floating-point numbers needs a step")
    else:
        rows, heap = packing.rice_rows(image, step)
        about += [
            ("ZCMPTYPE", "RICE_1", "compression algorithm"),
            ("ZNAME1", "BLOCKSIZE", "compression block size"), ("ZVAL1", packing.BLOCK, "pixels per block"),
            ("ZNAME2", "BYTEPIX", "bytes per pixel (1, 2, 4, or 8)"), ("ZVAL2", 4, "bytes per pixel (1, 2, 4, or 8)"),
            ("ZNAME3", "NOISEBIT", "floating point quantization level"),
            ("ZVAL3", -step, "floating point quantization level"),
            ("ZQUANTIZ", "SUBTRACTIVE_DITHER_1", "Pixel Quantization Algorithm"),
            ("ZDITHER0", packing.SEED, "dithering offset when quantizing floats"),
            ("ZBLANK", packing.BLANK, "value of missing pixels"),
        ]  # fmt: skip
    forms = {name: VARIABLE.format(rows[name][:, 0].max()) if "DATA" in name else "1D" for name in rows.dtype.names}
    table = binary_table(forms, rows, heap)
    table.header.extend(Draft([*about, ("EXTNAME", "COMPRESSED_IMAGE", "name of this binary table extension")]))
    table.header.extend(header)
    primary = Draft([*_primary(8, 0), ("EXTEND", True)])
    return [HDU(primary, np.empty(0, np.uint8)), table]
