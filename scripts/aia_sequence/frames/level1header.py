"""What the header of a level-1 frame must say, checked before a pixel is touched.

A keyword may be missing where its use says so; one that is there has the type, range and unit of its line here, and
does not contradict another. The ranges are those of the instrument and of SDO's orbit, with room.
"""

import math
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from aia_sequence.errors import FrameError
from aia_sequence.frames.geometry import Geometry
from aia_sequence.frames.keywords import legible, number, stated
from aia_sequence.instrument import SERIES, SIDE, Series, series_of
from aia_sequence.slots import slot_time
from aia_sequence.times import read_time

T_OBS_TOLERANCE = 0.011  # seconds; queries print two decimals, headers up to three


@dataclass(frozen=True)
class Range:
    """Numbers that a keyword can have, both ends included, in a unit."""

    low: float
    high: float
    unit: str = ""
    whole: bool = False


ANGLE, PLACE, METRES = Range(-360, 360, "degrees"), Range(-10_000, 10_000, "pixels"), Range(-1.6e11, 1.6e11, "m")
NUMBERS = {
    "NAXIS1": Range(1, SIDE, "pixels", whole=True),
    "NAXIS2": Range(1, SIDE, "pixels", whole=True),
    "EXPTIME": Range(1e-4, 100, "s"),
    "WAVELNTH": Range(94, 4500, "angstrom"),
    "QUALITY": Range(-(2**31), 2**32 - 1, whole=True),
    "NSPIKES": Range(0, 2**31, whole=True),
    "CRPIX1": PLACE,
    "CRPIX2": PLACE,
    "X0_MP": PLACE,
    "Y0_MP": PLACE,
    "CRVAL1": Range(-3000, 3000, "arcsec"),
    "CRVAL2": Range(-3000, 3000, "arcsec"),
    "CDELT1": Range(-1000, 1000, "arcsec per pixel"),  # what a level-1 frame has is narrower: see `Geometry`
    "CDELT2": Range(-1000, 1000, "arcsec per pixel"),
    "IMSCL_MP": Range(0.5, 0.7, "arcsec per pixel"),
    "CROTA2": ANGLE,
    "INST_ROT": ANGLE,
    "SAT_ROT": ANGLE,
    "RSUN_OBS": Range(900, 1000, "arcsec"),
    "RSUN_REF": Range(6.9e8, 7.0e8, "m"),
    "DSUN_OBS": Range(1.4e11, 1.6e11, "m"),
    "HAEX_OBS": METRES,
    "HAEY_OBS": METRES,
    "HAEZ_OBS": METRES,
    "CRLN_OBS": ANGLE,
    "HGLN_OBS": ANGLE,
    "CRLT_OBS": Range(-8, 8, "degrees"),
    "HGLT_OBS": Range(-8, 8, "degrees"),
}
TEXTS = {
    "CTYPE1": "HPLN-TAN",
    "CTYPE2": "HPLT-TAN",
    "CUNIT1": "arcsec",
    "CUNIT2": "arcsec",
    "WAVEUNIT": "angstrom",
}
COUNTS = ("dn", "dn/pix", "dn/pixel", "ct", "count", "counts")
CORRECTED = ("L15VERS", "DEGCORR", "EXPNORM", "RESPIKED", "PSFDECON")
NO_COUNT = {16: -(2**15), 32: -(2**31)}  # by BITPIX: what the archive writes where there is no pixel


@legible()
def check_level1(header: Mapping[str, Any]) -> None:
    """Make sure that a frame is of level 1, that nothing has been corrected yet, and that its header makes sense.

    The level comes first: a frame of another level is refused for that, and not for what follows from it.

    Raises
    ------
    FrameError
        Naming the keyword, or the two that contradict each other, what they say, and what is allowed.
    """
    if number(header, "LVL_NUM") != 1.0:
        raise FrameError(f"LVL_NUM is {stated(header, 'LVL_NUM')}; only level 1.0 can be calibrated to level 1.5")
    for key in CORRECTED:
        if key in header:
            raise FrameError(f"{key} is {header[key]!r}: the frame is corrected already, and twice would be wrong")
    for key, allowed in NUMBERS.items():
        _check_number(key, stated(header, key), allowed)
    for key, text in TEXTS.items():
        value = stated(header, key)
        if value is not None and str(value).strip().lower() != text.lower():
            raise FrameError(f"{key} is {value!r}; level-1 frames have {text!r}")
    Geometry.of_header(header)
    _check_pixels(header)
    _check_unit(header)


def _check_number(key: str, value: Any, allowed: Range) -> None:
    if value is None:
        return
    sound = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    if not sound or not allowed.low <= value <= allowed.high or (allowed.whole and value != int(value)):
        kind, unit = "a whole number" if allowed.whole else "a number", f" {allowed.unit}" if allowed.unit else ""
        raise FrameError(f"{key} is {value!r}; {kind} from {allowed.low:g} to {allowed.high:g}{unit} is allowed")


def _check_pixels(header: Mapping[str, Any]) -> None:
    """How the counts are stored: whole numbers, as they were counted."""
    bits = header.get("BITPIX", 16)
    if type(bits) is int and bits < 0:
        raise FrameError(f"its pixels are float{-bits}; level 1 has integers, so something was done to them")
    if bits not in NO_COUNT:
        raise FrameError(f"BITPIX is {bits!r}; the counts of level 1 have 16 bits, or 32")
    scaling = [header.get("BSCALE", 1), header.get("BZERO", 0)]
    if scaling != [1, 0]:
        raise FrameError(f"BSCALE is {scaling[0]!r}, BZERO {scaling[1]!r}; level-1 counts are unscaled")
    blank = stated(header, "BLANK")
    if "BLANK" in header and blank is not None:
        _check_number("BLANK", blank, Range(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, f"(BITPIX is {bits})", whole=True))


def _check_unit(header: Mapping[str, Any]) -> None:
    """Counts, under both names that a header has for the unit."""
    found = {key: stated(header, key) for key in ("BUNIT", "PIXLUNIT")}
    found = {key: value for key, value in found.items() if value is not None}
    other = [key for key, value in found.items() if str(value).replace(" ", "").lower() not in COUNTS]
    if other:
        both = " and ".join(f"{key} is {value!r}" for key, value in found.items())
        more = ", or its header contradicts itself" if len(found) > len(other) else ""
        raise FrameError(f"{both}; level 1 counts DN, so the frame is normalised already{more}")


def check_blank(header: Mapping[str, Any], image: np.ndarray) -> None:
    """Make sure that what the archive writes for a missing pixel is missing by the header too.

    Raises
    ------
    FrameError
        If missing pixels would be taken for counts.
    """
    bits = header["BITPIX"]
    if header.get("BLANK") != NO_COUNT[bits] and int(image.min()) == NO_COUNT[bits]:
        raise FrameError(
            f"BLANK is {header.get('BLANK', 'missing')} and BITPIX is {bits}, but pixels are {NO_COUNT[bits]}, "
            "which no camera counts: missing ones would be taken for counts"
        )


def flatten(header: MutableMapping[str, Any]) -> None:
    """Make the header of a cube of depth one that of its image: it loses what it says of further axes.

    Raises
    ------
    FrameError
        If the cube is deeper.
    """
    for axis in range(3, header["NAXIS"] + 1):
        if header[f"NAXIS{axis}"] != 1:
            raise FrameError(f"NAXIS{axis} is {header[f'NAXIS{axis}']}; a level-1 file holds one image")
        of_axis = re.compile(
            rf"(NAXIS|CTYPE|CUNIT|CNAME|CRPIX|CRVAL|CDELT|CROTA){axis}|(PC|CD)({axis}_\d+|\d+_{axis})", re.ASCII
        )
        for key in [key for key in header if of_axis.fullmatch(key)]:
            del header[key]
    header["NAXIS"] = 2


@legible()
def check_listed(header: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """Make sure that a level-1 header is of the record whose row of the block's list names its file.

    Raises
    ------
    FrameError
        Naming the keyword that differs.
    """
    what = f"{row['file']} is not of {row['record']}"
    series, prime, _ = row["record"].partition("[")
    check_observed(header, what, series, row["WAVELNTH"], row["T_REC"], row["T_OBS"])
    # Files that somebody has rewritten may have none.
    named = str(header.get("DRMS_ID", "")) if prime and not _in_a_slot(header, series) else ""
    if named and not re.match(rf"{re.escape(series)}(_mod)?:", named):
        refuse(what, header, "DRMS_ID", f"{series}:…")


def check_observed(header: Mapping[str, Any], what: str, series: str, wavelnth: int, t_rec: str, t_obs: str) -> None:
    """Compare channel and times; a time that the record does not have is not compared."""
    if header.get("WAVELNTH") != wavelnth:
        refuse(what, header, "WAVELNTH", wavelnth)
    if _in_a_slot(header, series):
        t_rec = t_rec and _same_slot(header, what, wavelnth, t_rec)
    for keyword, wanted, tolerance in (("T_REC", t_rec, 0.5), ("T_OBS", t_obs, T_OBS_TOLERANCE)):
        if not wanted:
            continue
        try:
            apart = abs(read_time(str(header.get(keyword))) - read_time(wanted))
        except ValueError:
            apart = math.inf
        if apart > tolerance:
            refuse(what, header, keyword, wanted)


def is_by_frame(header: Mapping[str, Any]) -> bool:
    """Whether a frame was exported from a series whose T_REC is T_OBS to the second (aia.lev1), and not by slots."""
    series = str(header.get("DRMS_ID", "")).partition(":")[0].removesuffix("_mod")
    return number(header, "TRECSTEP") == 1 or (series in SERIES and SERIES[series].by_frame)


def _in_a_slot(header: Mapping[str, Any], series: str) -> bool:
    """Whether such a frame stands for a record of a series that has slots."""
    return is_by_frame(header) and not (series in SERIES and SERIES[series].by_frame)


def slot_at(series: Series, tai: float) -> str:
    """T_REC that a cadence series gives a frame of a T_OBS (TAI seconds): its slot begins then or before."""
    return slot_time(series, math.floor(tai / series.step))


def _same_slot(header: Mapping[str, Any], what: str, wavelnth: int, t_rec: str) -> str:
    """Make sure that such a frame lies in a slot; empty, since its own T_REC is no slot to compare."""
    try:
        found = slot_at(series_of(wavelnth), read_time(str(header.get("T_OBS"))))
    except ValueError:
        found = ""
    if found != t_rec:
        refuse(what, header, "T_OBS", f"in the slot {t_rec}")
    return ""


def refuse(what: str, header: Mapping[str, Any], keyword: str, wanted: object) -> NoReturn:
    raise FrameError(f"{what}: {keyword} is {header.get(keyword)!r} and should be {wanted!r}")
