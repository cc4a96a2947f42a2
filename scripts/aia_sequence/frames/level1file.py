"""Level-1 files as the archive delivers them, or as somebody has packed them since: an image, or its spikes."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from aia_sequence.errors import FrameError
from aia_sequence.files import opened, sha256
from aia_sequence.frames import cards
from aia_sequence.frames.cards import Cards, of_image
from aia_sequence.frames.fits import frame_errors
from aia_sequence.frames.hdus import Part, parts, unpacked
from aia_sequence.frames.level1header import check_blank, check_level1, flatten

IMAGES = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)


def read_level1(
    path: str | Path, *, digest: str | None = None, out: np.ndarray | None = None
) -> tuple[np.ndarray, Cards | fits.Header]:
    """Read a level-1 frame: the image as it is stored, without scaling, and its header.

    Parameters
    ----------
    path
        FITS file, image in the primary HDU or compressed in the first extension; it may be gzipped.
    digest
        SHA-256 that the file must have.
    out
        int16, to read into where that is possible.

    Returns
    -------
    image : numpy.ndarray
        (ny, nx), native byte order; int16 as a rule. Missing pixels have the header's BLANK.
    header : aia_sequence.frames.cards.Cards or astropy.io.fits.Header
        The first where the image is compressed as the archive does it, which takes a tenth of the time.

    Raises
    ------
    FrameError
        If the file is not FITS, is damaged, has another digest, or is no level-1 frame; see `check_level1`.
    """
    # Here, because numba takes longer to start than most who read a header need.
    from aia_sequence.frames import rice

    with _part(path, digest) as (file, number, part):
        if isinstance(part.header, Cards) and rice.is_archives(part.header):
            header: Cards | fits.Header = of_image(part.header)
            check_level1(header)
            file.seek(part.data)
            image = rice.read(file, part.header, out)
        else:
            with _image(path, file, number) as hdu:
                header = hdu.header
                if header["NAXIS"] > 2:
                    flatten(header)
                check_level1(header)
                image = np.asarray(hdu.data).reshape(header["NAXIS2"], header["NAXIS1"])
        check_blank(header, image)
    return (image if image.dtype.isnative else image.astype(image.dtype.newbyteorder("="))), header


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
    with _part(path, digest) as (file, number, _), _image(path, file, number) as hdu:
        if hdu.header["NAXIS"] != 2 or hdu.header["NAXIS2"] < 2:
            raise FrameError(f"{path}: there are no spikes in it; rows of indices and counts are expected")
        spikes = np.asarray(hdu.data).astype(np.int64)
        return spikes[0], spikes[1]


@contextmanager
def _part(path: str | Path, digest: str | None) -> Iterator[tuple[io.BufferedIOBase, int, Part]]:
    """The file, open, with number and place of the HDU of its image: the first, or the second behind an empty one."""
    with frame_errors(path):
        if digest and (found := sha256(path)) != digest:
            raise FrameError(
                f"{path}: its SHA-256 is {found}, its manifest says {digest}; delete the block to fetch it again"
            )
        with opened(path) as raw, unpacked(raw) as file:
            for number, part in zip(range(2), parts(file, cards.read), strict=False):
                if part.header["NAXIS"]:
                    yield file, number, part
                    return
            raise FrameError(f"{path}: there is no image in it")


@contextmanager
def _image(path: str | Path, file: io.BufferedIOBase, number: int) -> Iterator[Any]:
    """The image of an HDU, as astropy has it."""
    file.seek(0)
    with fits.open(file, do_not_scale_image_data=True, memmap=False) as hdus:
        hdu = hdus[number]
        if not isinstance(hdu, IMAGES) or hdu.header["NAXIS"] < 2:
            raise FrameError(f"{path}: there is no image in it")
        yield hdu
