"""Small level-1 frames with everything that a real header states, and frozen tables for them."""

import csv
import shutil
from pathlib import Path

import numpy as np
from aiapy.calibrate.utils import get_correction_table, get_error_table
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable
from astropy.time import Time

from aia_sequence.calibration import lookup, tables
from aia_sequence.files import sha256

CHANNELS = (94, 131, 171, 193, 211, 304, 335, 1600, 1700, 4500)
SCALE, INST_ROT, X0, Y0 = 0.600758, 0.056433, 2042.45, 2050.17
TABLES_FOLDER = Path(get_error_table.__code__.co_filename).parents[1] / "tests" / "data"

STRUCTURAL = ("SIMPLE", "BITPIX", "NAXIS", "EXTEND", "BLANK", "CHECKSUM", "DATASUM", "_FILE", "HISTORY", "COMMENT")
RESPONSE = """\
DATE T_START T_STOP VER_NUM WAVE_STR WAVELNTH EFFA_P1 EFFA_P2 EFFA_P3 EFF_AREA EFF_WVLN
2020-11-19T19:00:00 2010-03-24T00:00:00 2020-06-01T00:00:00 10 211_THIN 211 -0.0001 0.0 0.0 1.2 211.0
2020-11-19T19:00:00 2020-06-01T00:00:00 2030-01-01T00:00:00 10 211_THIN 211 0.0 0.0 0.0 0.75 211.0
"""
ERRORS = """\
DATE T_START T_STOP VER_NUM WAVE_STR WAVELNTH DNPERPHT COMPRESS CALERR CHIANTI EVEERR
2012-02-10T01:12:01.000 2010-05-01T00:00:00.000 2050-05-01T00:00:00.000 3 211_THIN 211 0.880 11.670 0.25 0.25 0.019
"""


def header(number=0, exposure=2.0, x=900, y=1400):
    """Header of a 211 A cutout whose first pixel is pixel (x, y) of the CCD."""
    cards = fits.Header()
    time = np.datetime64("2021-07-03T14:27:23.00") + np.timedelta64(12 * number, "s")
    cards.update({
        "LVL_NUM": 1.0, "T_REC": f"{time}Z", "ORIGIN": "SDO/JSOC-SDP", "TELESCOP": "SDO/AIA", "INSTRUME": "AIA_2",
        "DATE-OBS": f"{time + np.timedelta64(1090, 'ms')}", "T_OBS": f"{time + np.timedelta64(2090, 'ms')}Z",
        "EXPTIME": exposure, "WAVELNTH": 211, "WAVEUNIT": "angstrom", "WAVE_STR": "211_THIN", "QUALITY": 0,
        "DATAMIN": -6, "DATAMAX": 999, "DATAP99": 1.0, "DATAVALS": 16777216, "NSATPIX": 77, "OSCNMEAN": None,
        "NSPIKES": 3, "CTYPE1": "HPLN-TAN", "CUNIT1": "arcsec", "CRVAL1": 0.0, "CDELT1": SCALE, "CRPIX1": X0 + 1 - x,
        "CTYPE2": "HPLT-TAN", "CUNIT2": "arcsec", "CRVAL2": 0.0, "CDELT2": SCALE, "CRPIX2": Y0 + 1 - y,
        "CROTA2": INST_ROT - 5e-5, "R_SUN": 1571.2, "MPO_REC": "aia.master_pointing3h[:#1]", "INST_ROT": INST_ROT,
        "IMSCL_MP": SCALE, "X0_MP": X0, "Y0_MP": Y0, "SAT_ROT": -5e-5, "DSUN_OBS": 1.5209e11, "RSUN_OBS": 943.9,
        "RSUN_REF": 6.96e8, "HGLN_OBS": 0.0132, "HGLT_OBS": 3.1456, "CRLN_OBS": 16.9, "CRLT_OBS": 3.1456,
        "PIXLUNIT": "DN", "SYNTH": True,
    })  # fmt: skip
    return cards


def counts(shape=(120, 150), seed=0):
    """Counts with structure, noise and some below zero, from whole numbers alone: the same on every processor."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 250, (shape[0] // 8 + 1, shape[1] // 8 + 1))
    scene = coarse.repeat(8, axis=0).repeat(8, axis=1)[: shape[0], : shape[1]]
    scene = scene + rng.integers(-12, 13, shape)
    scene[shape[0] // 3 : shape[0] // 3 + 6, shape[1] // 3 : shape[1] // 3 + 6] += 900
    return scene.astype(np.int16)


def write(path, image, cards, compressed=True):
    """Write a level-1 frame as the archive does: Rice-compressed after an empty primary HDU, or plain."""
    hdu = fits.CompImageHDU(image, cards, compression_type="RICE_1") if compressed else fits.PrimaryHDU(image, cards)
    hdus = [fits.PrimaryHDU(), hdu] if compressed else [hdu]
    fits.HDUList(hdus).writeto(path)  # without a checksum, in whose comment astropy puts the time of day


def put(path, keyword, text):
    """Let a keyword of a file's image have any text as its value."""
    content, key = path.read_bytes(), f"{keyword:8}= ".encode("ascii")
    start = content.rindex(key)
    path.write_bytes(content[:start] + key + text.encode("ascii").ljust(70) + content[start + 80 :])


def pointing_table(x0=X0 + 0.8, y0=Y0 - 0.6, missing=()):
    """Three rows of pointing around the frames' time, slightly off what their headers say."""
    starts = ["2021-07-03T09:00:00", "2021-07-03T12:00:00", "2021-07-03T15:00:00"]
    rows = {"T_START": Time(starts), "T_STOP": Time([*starts[1:], "2021-07-03T18:00:00"])}
    for channel in CHANNELS:
        value = np.nan if channel in missing else 1.0
        wave = f"A_{channel:03d}_"
        rows[f"{wave}X0"] = np.array([0.0, x0, 9.0]) * value * u.pix
        rows[f"{wave}Y0"] = np.array([0.0, y0, 9.0]) * value * u.pix
        rows[f"{wave}IMSCALE"] = np.full(3, SCALE) * u.arcsec / u.pix
        rows[f"{wave}INSTROT"] = np.full(3, INST_ROT + 0.001) * u.deg
    return QTable(rows)


def freeze_tables(folder, **pointing):
    """Freeze the three tables; their paths by name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.ecsv" for name in ("pointing", "degradation", "errors")}
    tables.freeze(paths["pointing"], pointing_table(**pointing), "synthetic", "aia.master_pointing3h[test]")
    text = folder / "table.txt"
    text.write_text(RESPONSE, encoding="utf-8")
    tables.freeze(paths["degradation"], get_correction_table(text), "synthetic", "aia.response[][!1=1!]")
    text.write_text(ERRORS, encoding="utf-8")
    tables.freeze(paths["errors"], get_error_table(text), "synthetic", "error table")
    text.unlink()
    return paths


def block(folder, exposures=(2.0, 0.5, 1.9, 0.2), shape=(120, 150), **options):
    """A block of level-1 frames below a folder: rows of its manifest."""
    shutil.rmtree(folder / "level1", ignore_errors=True)
    (folder / "level1" / "b").mkdir(parents=True)
    rows = []
    for number, exposure in enumerate(exposures):
        cards = header(number, exposure, **options)
        name = f"aia.lev1_euv_12s.{cards['T_OBS'][:19].replace(':', '')}Z.211.image_lev1.fits"
        path = folder / "level1" / "b" / name
        write(path, counts(shape, seed=number), cards)
        rows.append({
            "file": f"b/{name}", "record": f"aia.lev1_euv_12s[{cards['T_REC']}][211]", "T_REC": cards["T_REC"],
            "T_OBS": cards["T_OBS"], "WAVELNTH": 211, "EXPTIME": exposure, "QUALITY": 0,
            "bytes": path.stat().st_size, "sha256": sha256(path), "request": "JSOC_20210703_001", "reason": "",
        })  # fmt: skip
    return rows


def header_from_row(row):
    """Level-1 header from a row of a table of real headers, whose values are text."""
    cards = fits.Header()
    for key, text in row.items():
        structural = (
            "SIMPLE",
            "BITPIX",
            "NAXIS",
            "EXTEND",
            "BLANK",
            "CHECKSUM",
            "DATASUM",
            "_file",
            "HISTORY",
            "COMMENT",
        )
        if key.upper().startswith(structural) or text in ("nan", "-nan", "") or not key:
            continue
        cards[key] = number_or_text(text)
    return cards


def number_or_text(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def real_headers(path):
    """Headers of a CSV of real ones."""
    with open(path, encoding="utf-8", newline="") as file:
        return [(row, header_from_row(row)) for row in csv.DictReader(file)]


def tables_of(sources):
    """The frozen tables of `freeze_tables` that frames are corrected with."""
    return lookup.Tables.read([sources["pointing"]], sources["degradation"])
