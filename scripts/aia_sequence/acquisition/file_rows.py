"""What the header of a file at hand says, as the archive would say it of the record; or why the file is not used."""

import re
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from aia_sequence.acquisition.arrival_checks import looks_like
from aia_sequence.errors import ConfigError, FrameError
from aia_sequence.files import opened
from aia_sequence.frames import cards
from aia_sequence.frames.hdus import parts, unpacked
from aia_sequence.frames.keywords import legible, number, stated
from aia_sequence.frames.level1header import check_level1, is_by_frame, slot_at
from aia_sequence.instrument import Series, series_of
from aia_sequence.keywords import KEYWORDS as KNOWN
from aia_sequence.slots import slot_number, slot_time
from aia_sequence.times import iso, read_time

DECIMALS = {"T_OBS": 2, "DATE__OBS": 2}  # as the archive prints these times
OFF_GRID = 0.5  # seconds by which T_REC may lie beside its slot; headers print whole ones
NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # control characters, and bytes that are no UTF-8
IDL = re.compile(r"read_sdo|mreadfits|fitshead2struct|aia_prep", re.IGNORECASE)
AS_IS = (
    "it has no keywords (T_OBS, WAVELNTH, LVL_NUM …), as files lie in the archive (protocol as-is); have it exported "
    "as fits, or fetched with `archive: jsoc` and `export: {method: direct}`, which writes the keywords in"
)


def row_of(path: str) -> dict[str, Any]:
    """Read a file's header.

    Returns
    -------
    dict
        A row of `aia_sequence.lists.own_files.FILES`: with a `reason` if the file is not used, else with the keywords
        of its record, in the units and forms in which a query of the archive returns them.
    """
    row: dict[str, Any] = {"file": path, "bytes": 0, "changed": 0, "reason": ""}
    if NO_TEXT.search(path):
        shown = NO_TEXT.sub(lambda found: ascii(found[0])[1:-1], path)
        return row | {"file": shown, "reason": "its name has characters that no list can hold; rename it"}
    try:
        status = Path(path).stat()
        row |= {"bytes": status.st_size, "changed": status.st_mtime_ns}
        return row | _keywords(_header(path))
    except FrameError as error:
        reason = str(error)
    except OSError as error:
        reason = f"it cannot be read: {error.strerror or error}"
    return row | {"reason": " ".join(reason.split())}


def values_of(path: str, names: Sequence[str]) -> dict[str, Any]:
    """Values of keywords in a file's header, in the forms in which a query of the archive returns them."""
    header = _header(path)
    return {name: _value(header, name.replace("__", "-"), KNOWN[name].kind) for name in names}


def _value(header: MutableMapping[str, Any], key: str, kind: str) -> Any:
    if kind == "time":
        tai = _time(header, key)
        return "" if tai is None else iso(tai, DECIMALS.get(key, 0))
    if kind == "text":
        value = stated(header, key)
        return "" if value is None else str(value)
    return number(header, key) if kind == "float" else _whole(header, key)


@legible()
def _header(path: str) -> MutableMapping[str, Any]:
    """Header of a file's first image or table with data, a compressed image's as that of the image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        with opened(path) as raw:
            start = raw.read(16)
            raw.seek(0)
            with unpacked(raw) as file:
                try:
                    if file is not raw:
                        start = file.read(16)
                    if not start.startswith(b"SIMPLE  ="):
                        raise FrameError(f"it is no FITS file; {looks_like(start)}")
                    found = [part.header for _, part in zip(range(2), parts(file, cards.read), strict=False)]
                except (EOFError, ValueError, TypeError, OSError, fits.VerifyError) as error:
                    raise FrameError(f"it is damaged: {error}") from None
    if not found:
        raise FrameError("it is damaged: its header has no end")
    for header in found:
        if header.get("NAXIS"):
            return _of_image(header)
    raise FrameError("it holds no image")


def _of_image(header: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The header of an image, where it is stored as a table of compressed tiles."""
    if header.get("ZIMAGE") is not True:
        return header
    for key in ("BITPIX", "NAXIS", *(f"NAXIS{n}" for n in range(1, int(header.get("ZNAXIS", 0)) + 1))):
        if f"Z{key}" in header:
            header[key] = header[f"Z{key}"]
    return header


@legible()
def _keywords(header: MutableMapping[str, Any]) -> dict[str, Any]:
    """The keywords of a level-1 frame; `FrameError` says what it is instead, or what is wrong with it."""
    name = re.fullmatch(r"(aia\.\w+?)(_mod)?:(\d+):(\w+)", str(header.get("DRMS_ID", "")), re.ASCII)
    segment = name[4].removesuffix("_lev1") if name else "image"  # aia.lev1 calls its image so
    _check_kind(header, segment)
    try:
        series = series_of(int(number(header, "WAVELNTH") or 0))
    except ConfigError:
        raise FrameError(f"WAVELNTH is {stated(header, 'WAVELNTH')}; AIA has no such channel") from None
    times = {key: _time(header, word) for key, word in (("T_OBS", "T_OBS"), ("DATE__OBS", "DATE-OBS"))}
    missing = [key for key in ("QUALITY", "EXPTIME") if number(header, key) is None]
    if times["T_OBS"] is None or missing:
        raise FrameError(f"{', '.join(missing or ['T_OBS'])} missing in its header")
    # A processed frame has a record number of its own, and a frame of aia.lev1 one of that series.
    own = name is not None and not name[2] and name[1] == series.name
    return {
        "series": series.name,
        "segment": segment,
        "recnum": int(name[3]) if name and own else None,
        "T_REC": _slot(header, series, times["T_OBS"]),
        "WAVELNTH": int(header["WAVELNTH"]),
        "QUALITY": int(header["QUALITY"]) & (2**32 - 1),
        **{key: "" if tai is None else iso(tai, DECIMALS[key]) for key, tai in times.items()},
        **{key: number(header, key) for key in ("EXPTIME", "DATAMEAN")},
        **{key: _whole(header, key) for key in ("NSATPIX", "FSN", "CAMERA")},
    }


def _check_kind(header: MutableMapping[str, Any], segment: str) -> None:
    """Make sure that a header is of level 1 of AIA: what a file is comes before what is wrong with it."""
    known = [key for key in ("T_OBS", "T_REC", "DATE-OBS", "WAVELNTH", "LVL_NUM", "INSTRUME") if key in header]
    if not known:
        raise FrameError(AS_IS)
    instrument = stated(header, "INSTRUME") or stated(header, "TELESCOP") or ""
    if "AIA" not in f"{instrument} {stated(header, 'TELESCOP')}".upper():
        raise FrameError(f"it is of {instrument or 'an instrument that it does not name'}, not of AIA")
    level, scale = number(header, "LVL_NUM"), number(header, "CDELT1") or 0.0
    if level is not None and level > 1:
        size = f"{header.get('NAXIS1')} x {header.get('NAXIS2')} pixels of {scale:g} arcsec"
        kind = f"a synoptic frame ({size})" if scale > 1 else "finished"
        raise FrameError(f"it is {kind}: LVL_NUM is {level:g}, and level 1.5 is made of level 1.0 here")
    if history := IDL.search(" ".join(map(str, header.get("HISTORY", [])))):
        raise FrameError(
            f"it was written anew by IDL ({history[0].lower()}), LVL_NUM is {stated(header, 'LVL_NUM')}: what was done "
            "to it cannot be known; take the file that the archive exported"
        )
    if segment == "image":
        check_level1(header)


def _slot(header: Mapping[str, Any], series: Series, t_obs: float) -> str:
    """T_REC of the record in the cadence series of its channel."""
    t_rec = None if is_by_frame(header) else _time(header, "T_REC")
    if t_rec is None:  # exported from aia.lev1, or by somebody who left it out
        return slot_at(series, t_obs)
    slot = slot_number(series, t_rec)
    if abs(slot * series.step - t_rec) > OFF_GRID:
        raise FrameError(f"T_REC is {header['T_REC']}, which is no slot of {series.name} (one every {series.step} s)")
    return slot_time(series, slot)


def _time(header: Mapping[str, Any], key: str) -> float | None:
    value = stated(header, key)
    if value is None:
        return None
    try:
        return read_time(str(value))
    except ValueError:
        raise FrameError(f"{key} is {value!r}, which is no time") from None


def _whole(header: Mapping[str, Any], key: str) -> int | None:
    value = number(header, key)
    return None if value is None else int(value)
