"""The keywords of the level-1 and calibration series: names, types, units, formats, as `series_struct` has them."""

import csv
from functools import cache
from pathlib import Path

from synthetic_jsoc import times
from synthetic_jsoc.instrument import CHANNELS

DATA = Path(__file__).parent / "data"

LEVEL1_STEPS = {"aia.lev1_euv_12s": 12, "aia.lev1_uv_24s": 24, "aia.lev1_vis_1h": 3600}
BY_FRAME = ("aia.lev1", "aia.lev1_nrt2")  # every frame, by T_OBS to the second and FSN
MISSING_INT = -2147483648
MISSING_LONG = -9223372036854775808

# Keywords that the cadence series hold themselves; all others are read through their link to aia.lev1.
NATIVE = {
    "T_REC", "T_REC_index", "T_REC_step", "T_REC_epoch", "WAVELNTH", "DATE", "FSN", "EXPTIME", "QUALITY", "CAMERA",
}  # fmt: skip
_TIME_EPOCH_1993 = times.parse_time("1993.01.01_00:00:00_TAI")

_RESPONSE = [
    ("DATE", "time", "ISO", "3", "Date the row was made"),
    ("T_START", "time", "ISO", "3", "Start of the epoch"),
    ("T_STOP", "time", "ISO", "3", "End of the epoch"),
    ("VER_NUM", "int", "none", "%d", "Version of the calibration"),
    ("WAVE_STR", "string", "none", "%s", "Wavelength_FilterPosition"),
    ("WAVELNTH", "int", "angstrom", "%d", "Wavelength"),
    ("EPERDN", "double", "electron/DN", "%f", "Camera gain"),
    ("DNPERPHT", "double", "DN/photon", "%f", "DN per detected photon"),
    ("EFF_AREA", "double", "cm^2", "%f", "Effective area at the start of the epoch"),
    ("EFF_WVLN", "double", "angstrom", "%f", "Wavelength of the effective area"),
    ("EFFA_P1", "double", "1/day", "%.9f", "Linear change of the effective area"),
    ("EFFA_P2", "double", "1/day^2", "%.9f", "Quadratic change of the effective area"),
    ("EFFA_P3", "double", "1/day^3", "%.9f", "Cubic change of the effective area"),
    ("RMSE", "double", "none", "%f", "Rms error of the fit"),
]
_POINTING_COLUMNS = {
    "X0": ("pixel", "CCD X of the Sun's center, from 0"),
    "Y0": ("pixel", "CCD Y of the Sun's center, from 0"),
    "IMSCALE": ("arcsec/pixel", "Image scale"),
    "INSTROT": ("degree", "CCD rotation"),
}


def _definition(name, kind, units, form, note, scope="variable", link=None, defval=None):
    fits_name = note[1 : note.index("]")] if note.startswith("[") else name
    return {
        "name": name,
        "type": kind,
        "units": units,
        "note": note,
        "format": int(form) if kind == "time" else form,
        "scope": scope,
        "link": link,
        "defval": _missing(kind) if defval is None else defval,
        "fits": {"T_REC_step": "TRECSTEP", "T_REC_epoch": "TRECEPOC", "T_REC_round": "TRECROUN"}.get(name, fits_name),
    }


def _missing(kind):
    if kind == "time":
        return times.MISSING
    if kind == "string":
        return ""
    return {"int": MISSING_INT, "longlong": MISSING_LONG}.get(kind, float("nan"))


def _level1(series):
    step, by_frame = LEVEL1_STEPS.get(series, 1), series in BY_FRAME
    slot = {
        "T_REC": {"scope": "ts_slot" if by_frame else "ts_eq"},
        "T_REC_index": {"scope": "index"},
        "T_REC_step": {"scope": "constant", "defval": float(step)},
        "T_REC_epoch": {"scope": "constant", "defval": 0.0 if by_frame else _TIME_EPOCH_1993},
        "T_REC_round": {"scope": "constant", "defval": 1},
        "SYNTH": {"scope": "constant", "defval": 1},
    }
    with open(DATA / "keywords.csv", newline="") as file:
        for row in csv.DictReader(file):
            name = row["name"]
            if name == "T_REC_round" and not by_frame:
                continue
            link = None if by_frame or name in NATIVE or name == "SYNTH" else f"lev1->{name}"
            yield _definition(
                name, row["type"], row["units"], row["format"], row["note"], link=link, **slot.get(name, {})
            )


def _pointing():
    yield _definition("T_START", "time", "ISO", "0", "Start of the interval", scope="ts_eq")
    yield _definition("T_START_index", "longlong", "none", "%lld", "Slot number of T_START", scope="index")
    yield _definition("T_START_step", "double", "second", "%f", "T_START step", scope="constant", defval=10800.0)
    yield _definition("T_START_epoch", "time", "TAI", "0", "T_START epoch", scope="constant", defval=_TIME_EPOCH_1993)
    yield _definition("T_STOP", "time", "ISO", "0", "End of the interval")
    for channel in CHANNELS:
        for column, (units, note) in _POINTING_COLUMNS.items():
            yield _definition(f"A_{channel:03d}_{column}", "double", units, "%f", f"{note}, {channel} angstrom")


@cache
def keywords(series):
    """
    Keyword definitions of a series, in the series' order.

    Parameters
    ----------
    series : str
        A level-1 series, ``aia.master_pointing3h`` or ``aia.response``.

    Returns
    -------
    tuple of dict
        ``name``, ``type`` (int, longlong, float, double, string, time), ``units``, ``note``, ``format`` (printf; for a
        time, whose unit is its zone, the number of decimals), ``scope`` (recscope), ``link`` (``lev1->NAME`` or None),
        ``defval`` (the missing value; of a constant, its value) and ``fits``, the keyword's name in an exported header.

    Raises
    ------
    KeyError
        If the archive has no such series.
    """
    if series == "aia.response":
        return tuple(_definition(*row) for row in _RESPONSE)
    if series == "aia.master_pointing3h":
        return tuple(_pointing())
    if series in BY_FRAME or series in LEVEL1_STEPS:
        return tuple(_level1(series))
    raise KeyError(series)
