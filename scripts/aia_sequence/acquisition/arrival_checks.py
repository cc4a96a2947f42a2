"""Whether a file is the whole, undamaged frame of the record that it is meant to be."""

import io
import re
import threading
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aia_sequence.archive.recordsets import record_name
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.files import opened
from aia_sequence.frames.cards import unreadable
from aia_sequence.frames.checksums import ALL_ONES, disagreeing
from aia_sequence.frames.hdus import DAMAGE, Part, parts, unpacked
from aia_sequence.frames.keywords import legible
from aia_sequence.frames.level1header import check_observed, refuse

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,125}\.fits")
LONGEST = 256 * 2**20  # bytes of an unpacked file; a full-disk frame has 34 MB
JPEG_2000 = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
ONE_AT_A_TIME = threading.Lock()  # what is done with warnings holds for all threads of a process


@dataclass(frozen=True)
class Identity:
    """What a frame's header must say of itself.

    Attributes
    ----------
    series, t_rec, wavelnth
        The record's series, slot and channel.
    t_obs
        Its T_OBS as a query prints it; empty if the record has none.
    recnum
        Its record number; None if unknown.
    segment
        What the series calls the segment.
    processed
        Whether the archive processed the frame (a cutout), which gives it another series and record number.
    fsn
        FSN of the frame, where it is a prime key.
    """

    series: str
    t_rec: str
    wavelnth: int
    t_obs: str = ""
    recnum: int | None = None
    segment: str = "image"
    processed: bool = False
    fsn: int | None = None

    @property
    def record(self) -> str:
        """Name of the record."""
        return record_name(self.series, self.t_rec, self.wavelnth if self.fsn is None else self.fsn)


def check_structure(path: str | Path, *, at_hand: bool = False) -> Mapping[str, Any]:
    """Make sure that a file is FITS, complete to the last byte, and keeps its checksums.

    Parameters
    ----------
    path
        The file; it may be gzipped.
    at_hand
        Whether it is somebody's file and no archive's answer. It may then lack checksums, and those of an image that is
        not compressed may be wrong: whoever unpacks a frame leaves in its header the sums of the compressed one.

    Returns
    -------
    mapping of str to Any
        Header of the first HDU with data, as it is stored (a compressed image is a table).

    Raises
    ------
    FrameError
        Saying what is wrong.
    """
    path = Path(path)
    try:
        with ONE_AT_A_TIME, warnings.catch_warnings(), opened(path) as raw, unpacked(raw) as file:
            warnings.simplefilter("ignore", UserWarning)  # astropy's, which reads what is not plain
            warnings.filterwarnings("error", DAMAGE, UserWarning)
            start = file.read(80)
            if not start.startswith(b"SIMPLE  ="):
                raise FrameError(f"{path.name} is no FITS file; {looks_like(start)}")
            content = None
            if file is not raw:
                file.seek(0)
                content = file.read(LONGEST + 1)
            found = list(parts(file if content is None else io.BytesIO(content)))
    except (OSError, EOFError, zlib.error, ValueError, TypeError, Warning, unreadable()) as error:
        raise FrameError(f"{path.name} is damaged: {error}") from None
    size, end = path.stat().st_size if content is None else len(content), found[-1].end
    if size != end:
        raise FrameError(f"{path.name} has {size} bytes where its headers promise {end}")
    holding = [part.header for part in found if part.end > part.data]
    if not holding:
        raise FrameError(f"{path.name} holds no image")
    words = np.memmap(path, dtype=">u4", mode="r") if content is None else np.frombuffer(content, dtype=">u4")
    for part in found:
        if not at_hand or part.end == part.data or "ZIMAGE" in part.header:
            _check_sums(path.name, part, words)
    if not at_hand and "DATASUM" not in holding[0]:
        raise FrameError(f"{path.name} carries no checksum")
    return holding[0]


@legible()
def check_identity(header: Mapping[str, Any], expected: Identity, name: str) -> None:
    """Make sure that a header is of the expected record.

    Raises
    ------
    FrameError
        Naming the keyword that differs.
    """
    what = f"{name} is not of {expected.record}"
    check_observed(header, what, expected.series, expected.wavelnth, expected.t_rec, expected.t_obs)
    if expected.fsn is not None and header.get("FSN") != expected.fsn:
        refuse(what, header, "FSN", expected.fsn)
    series = expected.series + ("_mod" if expected.processed else "")
    number = "…" if expected.recnum is None or expected.processed else str(expected.recnum)
    wanted = re.escape(f"{series}:{number}:{expected.segment}").replace("…", "[0-9]+")
    if not re.fullmatch(wanted, str(header.get("DRMS_ID"))):
        refuse(what, header, "DRMS_ID", f"{series}:{number}:{expected.segment}")


def safe_name(name: str) -> str:
    """Return a file name that the archive gave, if it can only lie in the folder that we put it in.

    Raises
    ------
    ArchiveError
        If it is anything else than a plain name of a FITS file.
    """
    if not FILE_NAME.fullmatch(name) or ".." in name:
        raise ArchiveError(f"the archive names a file {name!r}; only plain names of FITS files are taken")
    return name


def _check_sums(name: str, part: Part, raw: np.ndarray) -> None:
    """Compare an HDU's CHECKSUM and DATASUM, where it carries them, with its bytes."""
    first, data, end = part.start // 4, part.data // 4, part.end // 4
    try:
        wrong = disagreeing(part.header, _sum(raw[first:data]), _sum(raw[data:end]))
    except (ValueError, TypeError, unreadable()):
        wrong = "DATASUM"
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


def looks_like(start: bytes) -> str:
    """Say what a file that is not FITS seems to be."""
    if not start:
        return "it is empty"
    if start.lstrip()[:1] == b"<":
        return "it is a web page"
    if start[:12] == JPEG_2000:
        return "it is a JPEG 2000 picture, whose pixels are display values and no counts"
    return f"it begins with {start[:16]!r}"
