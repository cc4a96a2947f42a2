"""The keywords that follow from a record's channel, time, exposure and quality: columns for the catalogue.

Each group of keywords is made only when one of it is asked for.
"""

import numpy as np

from synthetic_jsoc import hashing, tables, times
from synthetic_jsoc.camera import photometry
from synthetic_jsoc.instrument import CHANNELS, SHAPE
from synthetic_jsoc.keywords import MISSING_INT
from synthetic_jsoc.sun import ephemeris
from synthetic_jsoc.sun.ephemeris import AU_M, RSUN_M

STATISTICS = (
    "DATAMIN", "DATAMAX", "DATAMEDN", "DATAMEAN", "DATARMS", "DATASKEW", "DATAKURT", "DATACENT", "DATAP01", "DATAP10",
    "DATAP25", "DATAP75", "DATAP90", "DATAP95", "DATAP98", "DATAP99", "NSATPIX", "NSPIKES",
)  # fmt: skip
_TAI_1958 = 599616000  # seconds from 1958 to 1977, the onboard clock's epoch to ours
_PIXELS = SHAPE[0] * SHAPE[1]
POINTING_AGE_ROWS = 8


def fill(table, names=None):
    """
    Add the columns of all keywords, or of those asked for, to the columns of a set of records.

    Parameters
    ----------
    table : dict of str to ndarray
        Has the columns of `synthetic_jsoc.holdings.catalogue`; changed in place.
    names : set of str, optional
        Groups of keywords without any of these are left out.
    """
    for members, make in _GROUPS:
        if names is None or names & members:
            table.update(make(table))


def _by_channel(table, value):
    """Column of a per-channel value, from a function of `Channel`."""
    values = np.array([value(instrument) for instrument in CHANNELS.values()])
    return values[np.searchsorted(list(CHANNELS), table["WAVELNTH"])]


def _round6(values):
    return np.round(values, 6)


def _constants(table):
    shape = table["WAVELNTH"].shape
    none = np.full(shape, MISSING_INT)
    columns = {
        "BLD_VERS": "V9R41X", "LVL_NUM": 1.0, "ORIGIN": "SYNTHETIC", "TELESCOP": "SDO/AIA", "IMG_TYPE": "LIGHT",
        "WAVEUNIT": "angstrom", "FID": 0, "TOTVALS": _PIXELS, "OSCNMEAN": np.nan, "OSCNRMS": np.nan,
        "FLAT_REC": "aia.flatfield[:#655]", "CTYPE1": "HPLN-TAN", "CUNIT1": "arcsec", "CRVAL1": 0.0,
        "CTYPE2": "HPLT-TAN", "CUNIT2": "arcsec", "CRVAL2": 0.0, "ACS_SAFE": "NO", "ACS_CGT": "GT3", "DSUN_REF": AU_M,
        "RSUN_REF": RSUN_M, "CALVER32": 268435456, "PIXLUNIT": "DN", "EFF_AR_V": float(tables.RESPONSE_VERSION),
        "ISPSNAME": "aia.lev0_isp_0011", "ISPPKTVN": "001.197", "AIVNMST": 453, "AIAECTI": 0, "AIASEN": 0,
        "AIFDBID": 241, "AIFTSWTH": 0, "AIHISMXB": 7, "AIHIS192": 0, "AECMODE": "ON", "AISTATE": "CLOSED",
        "AIAECENF": 1, "AIFILTYP": 0, "AICFGDL1": 0, "AICFGDL2": 137, "AICFGDL3": 201, "AICFGDL4": 236, "AIFOENFL": 1,
        "AIMGTYP": 0, "KEYWDDOC": "http://www.lmsal.com/sdodocs/aiafitskeywords.pdf", "SYNTH": 1,
        "AIAGP8": 393, "AIAGP9": 457, "AIAGP10": 748,
    }  # fmt: skip
    columns |= {f"AIAGP{number}": 0 for number in range(1, 8)}
    made = {name: np.full(shape, value) for name, value in columns.items()}
    roi = ("NWIN", "SUM", "NAX1", "NAY1", "LLX1", "LLY1", "NAX2", "NAY2", "LLX2", "LLY2")
    return made | {f"ROI_{name}": none for name in roi}


def _identity(table):
    fsn, middle = table["FSN"], table["middle"]
    camera = _by_channel(table, lambda instrument: instrument.camera)
    quality = table["QUALITY"]
    eclipse, safe = (quality & 0x2000) > 0, (quality & 0x1000) > 0
    missing = np.zeros(fsn.shape, dtype=int)
    for word, fraction in photometry.MISSING_FRACTION.items():
        missing[quality & 0xF00 == word] = photometry.missing_rows(fraction) * SHAPE[1]
    missing[quality < 0] = _PIXELS
    processed = np.floor(middle) + 432000 + np.floor(7200 * hashing.uniform("processed", fsn // 2400))
    return {
        "CAMERA": camera,
        "INSTRUME": np.char.add("AIA_", camera.astype(str)),
        "DATE": processed,
        "WAVE_STR": _by_channel(table, lambda instrument: instrument.wave_str),
        "QUALLEV0": np.where(quality & 0x4, 268, 0),
        "DATAVALS": _PIXELS - missing,
        "MISSVALS": missing,
        "PERCENTD": _round6(100.0 * (_PIXELS - missing) / _PIXELS),
        "ACS_MODE": np.where(safe, "", "SCIENCE"),
        "ACS_ECLP": np.where(eclipse, "YES", "NO"),
        "ACS_SUNP": np.where(eclipse, "NO", "YES"),
    }


def _exposure(table):
    exposure, fsn, channel = table["EXPTIME"], table["FSN"], table["WAVELNTH"]
    milliseconds = 1000 * exposure
    columns = {
        "EXPSDEV": _round6(1.3e-4 + 4e-6 * hashing.normal("blade", fsn)),
        "INT_TIME": _round6(exposure + 0.25 + 0.0234375),
        "AIMGSHCE": np.round(milliseconds).astype(int),
    }
    # The slit crosses the four sensors one after the other, opening and closing at the same speed.
    for number, name in enumerate(("BC", "BE", "TC", "TE")):
        first = (53.87, 67.33, 39.84, 24.91)[number] + 0.004 * np.round(2 * hashing.normal(name, channel, fsn))
        columns[f"AIMSHO{name}"] = _round6(first)
        columns[f"AIMSHC{name}"] = _round6(first + milliseconds)
    return columns


def _pointing(table):
    channel, middle = table["WAVELNTH"], table["middle"]
    row = tables.pointing_row(middle)
    # Level 1 is made before the limb fits of its own three hours: it carries those of the day before.
    known = np.maximum(row - POINTING_AGE_ROWS, 0)
    values = {name: np.empty(channel.shape) for name in ("X0", "Y0", "IMSCALE", "INSTROT")}
    for wave in np.unique(channel):
        here = channel == wave
        for name, column in tables.known_pointing(int(wave), known[here], row[here]).items():
            values[name][here] = column
    turn = _round6(7e-5 * hashing.normal("roll", (middle // 4).astype(int)))
    fifth = (middle // 5).astype(int)
    columns = {
        "X0_MP": values["X0"],
        "Y0_MP": values["Y0"],
        "IMSCL_MP": values["IMSCALE"],
        "INST_ROT": values["INSTROT"],
        "CRPIX1": _round6(values["X0"] + 1),
        "CRPIX2": _round6(values["Y0"] + 1),
        "CDELT1": values["IMSCALE"],
        "CDELT2": values["IMSCALE"],
        "SAT_ROT": turn,
        "CROTA2": _round6(values["INSTROT"] + turn),
        "MPO_REC": np.char.add(np.char.add("aia.master_pointing3h[:#", (known + 1).astype(str)), "]"),
        "SAT_Y0": _round6(-5.4 + 1.2 * hashing.normal("yaw", fifth)),
        "SAT_Z0": _round6(10.1 + 1.2 * hashing.normal("pitch", fifth)),
        "ASD_REC": np.char.add(np.char.add("sdo.lev0_asd_0004[:#", (middle // 4 - 262e6).astype(int).astype(str)), "]"),
    }
    for number, (y, z) in enumerate(((5, -19), (-4, -15), (0, -1), (59, 122)), start=1):
        columns[f"AGT{number}SVY"] = np.round(y + 2 * hashing.normal("guide y", number, fifth)).astype(int)
        columns[f"AGT{number}SVZ"] = np.round(z + hashing.normal("guide z", number, fifth)).astype(int)
    return columns


def _orbit(table):
    columns = ephemeris.observer(table["middle"])
    for name in columns:
        if name != "CAR_ROT":
            columns[name] = _round6(columns[name])
    minute = np.floor(table["middle"] / 60) * 60
    unique, back = np.unique(minute, return_inverse=True)
    labels = [f"sdo.fds_orbit_vectors[{times.format_time(tai, 'UTC')[:-6]}00_UTC]" for tai in unique]
    columns["ORB_REC"] = np.array(labels, dtype=str)[back]
    scale = _pointing(table)["IMSCL_MP"] if "IMSCL_MP" not in table else table["IMSCL_MP"]
    columns["R_SUN"] = _round6(columns["RSUN_OBS"] / scale)
    return columns


def _camera(table):
    channel, fsn, middle = table["WAVELNTH"], table["FSN"], table["middle"]
    camera = _by_channel(table, lambda instrument: instrument.camera)
    telescope = camera - 1
    area = np.empty(channel.shape)
    for wave in np.unique(channel):
        here = channel == wave
        area[here] = CHANNELS[int(wave)].area_cm2 * tables.degradation(int(wave), middle[here])
    hour = (middle // 3600).astype(int)
    codes = {94: 6, 131: 5, 171: 7, 193: 4, 211: 3, 304: 8, 335: 2, 1600: 1, 1700: 0, 4500: 9}
    list_id, list_place = 3200 + (fsn // 24000) % 400, (fsn % 8).astype(int)
    return {
        "DN_GAIN": _by_channel(table, lambda instrument: instrument.gain),
        "EFF_AREA": _round6(area),
        "TEMPCCD": _round6(-71.0 + 0.5 * np.round(2 * hashing.normal("ccd", camera, hour // 24))),
        "TEMPGT": _round6(15.06 + 0.4 * hashing.normal("guide", camera, hour)),
        "TEMPSMIR": _round6(35.02 + 0.5 * hashing.normal("mirror", camera, hour)),
        "TEMPFPAD": _round6(16.63 + 0.4 * hashing.normal("adapter", camera, hour)),
        "ISPPKTIM": np.round(middle - 2.5, 2),
        "AIMGOTS": np.floor(middle).astype(int) + _TAI_1958,
        "AIMGOTSS": np.floor(middle % 1 * 65536).astype(int),
        "ASQTNUM": telescope,
        "ASQFSN": fsn,
        "ASQHDR": (telescope << 30) + fsn,
        "AIAHFSN": fsn - 8,
        "AECDELAY": 1534 + (3 * hashing.uniform("delay", fsn)).astype(int),
        "AIFCPS": 4 + 2 * camera,
        "AIFRMLID": list_id,
        "AIFTSID": 40960 + fsn % 3,
        "AIHIS348": 3290000 + (9000 * hashing.normal("histogram", fsn)).astype(int),
        "AIHIS604": 7915000 + (7000 * hashing.normal("histogram", fsn)).astype(int),
        "AIHIS860": np.full(fsn.shape, _PIXELS // 2),
        "AIFWEN": np.where(channel < 1000, 204, 11),
        "AECTYPE": np.where(np.isnan(table["EXPTIME"]), 0, 2 * (fsn % 2)),
        "AIMGFSN": list_place,
        "AIAWVLEN": np.array([codes[wave] for wave in CHANNELS])[np.searchsorted(list(CHANNELS), channel)],
        "AIMGSHEN": np.where(fsn % 9 == 0, 13, 4),
    }


def _statistics(table):
    return photometry.statistics(*(table[name] for name in ("WAVELNTH", "middle", "EXPTIME", "sunlit", "FSN")))


def _members(make):
    """Names of the keywords that a group makes, from making it for a set of no records."""
    empty = {name: np.empty(0) for name in ("middle", "EXPTIME", "sunlit")}
    empty |= {name: np.empty(0, dtype=int) for name in ("WAVELNTH", "FSN", "QUALITY")}
    return frozenset(make(empty))


_GROUPS = [
    (_members(make), make) for make in (_constants, _identity, _exposure, _pointing, _orbit, _camera, _statistics)
]
