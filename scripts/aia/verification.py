"""Whether a file is the whole, undamaged frame of the record that it is meant to be."""

import re
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from aia.checksums import ALL_ONES, disagreeing
from aia.errors import FrameError
from aia.times import read_time

T_OBS_TOLERANCE = 0.011  # seconds; queries print two decimals, headers up to three
ONE_AT_A_TIME = threading.Lock()  # what is done with warnings holds for all threads of a process


@dataclass(frozen=True)
class Identity:
    """What a frame's header must say of itself.

    Attributes
    ----------
    series, t_rec, wavelnth
        Prime keys of the record.
    t_obs
        Its T_OBS as a query prints it; empty if the record has none.
    recnum
        Its record number; None if unknown.
    segment
        `image` or `spikes`.
    processed
        Whether the archive processed the frame (a cutout), which gives it another series and record number.
    """

    series: str
    t_rec: str
    wavelnth: int
    t_obs: str = ""
    recnum: int | None = None
    segment: str = "image"
    processed: bool = False


def check_structure(path: str | Path) -> fits.Header:
    """Make sure that a file is FITS, complete to the last byte, and keeps its checksums.

    Returns
    -------
    astropy.io.fits.Header
        Header of the first HDU with data, as it is stored (a compressed image is a table).

    Raises
    ------
    FrameError
        Saying what is wrong.
    """
    path = Path(path)
    try:
        with ONE_AT_A_TIME, warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("error")
            start = file.read(80)
            if not start.startswith(b"SIMPLE  ="):
                raise FrameError(f"{path.name} is no FITS file; {_looks_like(start)}")
            file.seek(0)
            with fits.open(file, memmap=False, disable_image_compression=True) as hdus:
                parts = [(hdu.header, hdu.fileinfo()) for hdu in hdus]
    except (OSError, ValueError, TypeError, Warning, fits.VerifyError) as error:
        raise FrameError(f"{path.name} is damaged: {error}") from None
    size, end = path.stat().st_size, parts[-1][1]["datLoc"] + parts[-1][1]["datSpan"]
    if size != end:
        raise FrameError(f"{path.name} has {size} bytes where its headers promise {end}")
    holding = [(header, where) for header, where in parts if where["datSpan"]]
    if not holding:
        raise FrameError(f"{path.name} holds no image")
    raw = np.memmap(path, dtype=">u4", mode="r")
    for header, where in parts:
        _check_sums(path.name, header, where, raw)
    if "DATASUM" not in holding[0][0]:
        raise FrameError(f"{path.name} carries no checksum")
    return holding[0][0]


def check_identity(header: fits.Header, expected: Identity, name: str) -> None:
    """Make sure that a header is of the expected record.

    Raises
    ------
    FrameError
        Naming the keyword that differs.
    """
    what = f"{expected.series}[{expected.t_rec}][{expected.wavelnth}]"

    def fail(keyword: str, wanted: object) -> None:
        raise FrameError(f"{name} is not of {what}: {keyword} is {header.get(keyword)!r} and should be {wanted!r}")

    if header.get("WAVELNTH") != expected.wavelnth:
        fail("WAVELNTH", expected.wavelnth)
    for keyword, wanted, tolerance in (("T_REC", expected.t_rec, 0.5), ("T_OBS", expected.t_obs, T_OBS_TOLERANCE)):
        if not wanted:
            continue
        try:
            apart = abs(read_time(str(header.get(keyword))) - read_time(wanted))
        except ValueError:
            fail(keyword, wanted)
        if apart > tolerance:
            fail(keyword, wanted)
    suffix = "_mod" if expected.processed else ""
    number = expected.recnum if expected.recnum is not None and not expected.processed else r"\d+"
    wanted = f"{re.escape(expected.series + suffix)}:{number}:{expected.segment}"
    if not re.fullmatch(wanted, str(header.get("DRMS_ID"))):
        fail("DRMS_ID", f"{expected.series}{suffix}:{'…' if number == r'\d+' else number}:{expected.segment}")


def _check_sums(name: str, header: fits.Header, where: dict[str, int], raw: np.ndarray) -> None:
    """Compare an HDU's CHECKSUM and DATASUM, where it carries them, with its bytes."""
    first, data = where["hdrLoc"] // 4, where["datLoc"] // 4
    end = data + where["datSpan"] // 4
    wrong = disagreeing(header, _sum(raw[first:data]), _sum(raw[data:end]))
    if wrong == "DATASUM":
        raise FrameError(f"{name} is damaged: its data do not have the sum that DATASUM states")
    if wrong == "CHECKSUM":
        raise FrameError(f"{name} is damaged: CHECKSUM does not agree with its bytes")


def _sum(words: np.ndarray) -> int:
    """Sum of 32-bit words in one's complement, as FITS defines CHECKSUM and DATASUM."""
    total = int(words.sum(dtype=np.uint64))
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def _looks_like(start: bytes) -> str:
    """Say what a file that is not FITS seems to be."""
    if not start:
        return "it is empty"
    if start.lstrip()[:1] == b"<":
        return "it is a web page"
    return f"it begins with {start[:16]!r}"
