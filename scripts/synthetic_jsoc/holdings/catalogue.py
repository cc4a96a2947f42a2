"""Which records the synthetic archive holds, and every keyword of each: a pure function of series, slot and channel.

Nothing is stored and nothing depends on what was asked before, so any stretch of the mission can be asked for. The only
records that are listed are those of the worked example (`data/x1.5-2021-07-03.csv`), whose exposures are not the
model's.
"""

import csv
from functools import cache

import numpy as np

from synthetic_jsoc import hashing, times
from synthetic_jsoc.camera import housekeeping, photometry
from synthetic_jsoc.instrument import CHANNELS, MID_EXPOSURE_SLOPE
from synthetic_jsoc.keywords import BY_FRAME, DATA, LEVEL1_STEPS, MISSING_INT, keywords
from synthetic_jsoc.sun import ephemeris, flares

EPOCH_TAI = times.parse_time("1993.01.01_00:00:00_TAI")
FIRST_TAI = times.parse_time("2010-05-13T00:00:00Z")

_EUV = tuple(channel for channel in CHANNELS if CHANNELS[channel].series == "aia.lev1_euv_12s")
# Order of a 12-second slot's images by their time in it, which numbers them (FSN); the fourth is ultraviolet or
# visible.
_SEQUENCE = {211: 0, 94: 1, 335: 2, 1600: 3, 1700: 3, 4500: 3, 193: 4, 304: 5, 131: 6, 171: 7}
_FIRST_FSN = 4_700_000
# Of the model of Sun and camera. A record that the real archive has processed again has a new number, by which caches
# know it: so has one of another edition here. Raise it when images change.
_EDITION = 2
_DAY_S = 86400

NO_IMAGE = -(2**31)  # bit 31 of QUALITY as SQL sees it
NEAR_REAL_TIME = 1 << 30
_OF_HASTE = 10**9  # on top of the FSN: record numbers of two series differ
_ECLIPSE, _PENUMBRA = 0x00227000, 0x00221000
_CALIBRATION, _NO_ATTITUDE = 0x00040000, 0x00000004
_MISSING_PIXELS = np.array(list(photometry.MISSING_FRACTION))

# The hours around the worked example hold every record, all of them nominal.
_UNDISTURBED = times.parse_time("2021-07-03T12:00:00Z"), times.parse_time("2021-07-03T17:00:00Z")


def channels_of(series):
    """Channels (angstrom) of a series, ascending."""
    return tuple(channel for channel in CHANNELS if series in (*BY_FRAME, CHANNELS[channel].series))


def records(series, first, last, channels=None, names=None):
    """
    Records of a level-1 series.

    Parameters
    ----------
    series : str
        ``aia.lev1_euv_12s``, ``aia.lev1_uv_24s``, ``aia.lev1_vis_1h``, ``aia.lev1`` or ``aia.lev1_nrt2``.
    first, last : int
        Slots, both included, as the archive's own T_REC_index counts them: from 1993-01-01 TAI in the series' step, for
        the two of single frames from 1977-01-01 TAI in seconds.
    channels : iterable of int, optional
        Only these.
    names : iterable of str, optional
        Only these keywords (and what they are made with): much cheaper than all of them.

    Returns
    -------
    list of dict
        Ascending by slot and channel (single frames: T_REC and FSN), each with ``recnum``, ``T_REC_index`` and the
        keywords, as Python numbers and strings. Times are TAI seconds since 1977; QUALITY is signed; missing values
        are NaN, -2147483648, an empty string or `times.MISSING`.
    """
    wanted = channels_of(series) if channels is None else sorted(set(channels_of(series)) & set(channels))
    table = _frames(series, first, last, wanted) if series in BY_FRAME else _slots(series, first, last, wanted)
    housekeeping.fill(table, None if names is None else set(names))
    _blank_missing(table)
    order = [definition["name"] for definition in keywords(series)]
    kept = ["recnum"] + [name for name in order if name in table and (names is None or name in names)]
    kept += [name for name in ("T_REC", "T_REC_index", "WAVELNTH", "FSN") if name not in kept]
    values = [table[name].tolist() for name in kept]
    return [dict(zip(kept, row, strict=True)) for row in zip(*values, strict=True)]


def record(series, slot, channel):
    """One record by slot (see `records`) and channel, or None where the archive has none."""
    found = records(series, slot, slot, [channel])
    return found[0] if found else None


def _slots(series, first, last, channels):
    """Timing, exposure, quality and identity of all records of some slots, as columns."""
    step = LEVEL1_STEPS[series]
    first = max(first, int(-((FIRST_TAI - EPOCH_TAI) // -step)))
    slot = np.repeat(np.arange(first, max(last + 1, first)), len(channels))
    channel = np.tile(np.array(channels, dtype=int), slot.size // max(len(channels), 1))
    start = EPOCH_TAI + slot * float(step)
    exists = _exists(channel, slot, start)
    slot, channel, start = slot[exists], channel[exists], start[exists]
    exposure, middle = _timing(channel, slot, start, step)
    fsn, light = _fsn(channel, middle), sunlit(middle)
    return {
        "recnum": _recnum(series, channel, slot),
        "slot": slot,
        "middle": middle,
        "T_REC": start,
        "T_REC_index": slot,
        "T_REC_step": np.full(slot.shape, float(step)),
        "T_REC_epoch": np.full(slot.shape, EPOCH_TAI),
        "T_OBS": middle,
        "DATE__OBS": np.round(middle - exposure / 2, 2),
        "EXPTIME": exposure,
        "WAVELNTH": channel,
        "FSN": fsn,
        "sunlit": light,
        "QUALITY": _quality(channel, slot, middle, light),
    }


def _frames(name, first, last, channels):
    """The same records as a series of single frames holds them: by T_OBS to the second, and FSN."""
    parts = []
    for series, step in LEVEL1_STEPS.items():
        mine = [channel for channel in channels if CHANNELS[channel].series == series]
        low, high = (int((second - EPOCH_TAI) // step) for second in (first - 1, last + 1))
        part = _slots(series, low, high, mine)
        index = np.round(part["middle"]).astype(int)
        inside = (index >= first) & (index <= last)
        part |= {"T_REC_index": index, "T_REC": index.astype(float), "recnum": part["FSN"]}
        parts.append({name: column[inside] for name, column in part.items()})
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    ones = np.ones(table["FSN"].shape)
    table |= {"T_REC_step": ones, "T_REC_epoch": 0 * ones, "T_REC_round": ones.astype(int)}
    if name != "aia.lev1":  # as they were when they had just been taken
        table["recnum"] = table["recnum"] + _OF_HASTE
        table["QUALITY"] = np.where(table["QUALITY"] == NO_IMAGE, NO_IMAGE, table["QUALITY"] | NEAR_REAL_TIME)
    order = np.lexsort((table["FSN"], table["T_REC_index"]))
    return {name: column[order] for name, column in table.items()}


def _recnum(series, channel, slot):
    members = channels_of(series)
    base = int((FIRST_TAI - EPOCH_TAI) // LEVEL1_STEPS[series])
    return _EDITION * 10**9 + (slot - base) * len(members) + np.searchsorted(members, channel) + 1


def _fsn(channel, middle):
    place = np.array([_SEQUENCE[wave] for wave in CHANNELS])[np.searchsorted(list(CHANNELS), channel)]
    return _FIRST_FSN + (middle // 12 - FIRST_TAI // 12).astype(int) * 8 + place


def _undisturbed(tai):
    return (tai >= _UNDISTURBED[0]) & (tai < _UNDISTURBED[1])


def _exists(channel, slot, start):
    """Which records were taken: single frames are lost now and then, and some days have an outage of minutes."""
    lost = hashing.uniform("lost", channel, slot) < 1 / 6000
    day = (start // _DAY_S).astype(int)
    begins = hashing.uniform("outage start", day) * _DAY_S
    length = np.where(hashing.uniform("outage", day) < 1 / 40, 120 + 1500 * hashing.uniform("outage length", day), 0)
    second = start % _DAY_S
    lost |= (second >= begins) & (second < begins + length)
    lost &= ~_undisturbed(start)
    # Once an hour the visible image takes the place of one at 1700 A.
    lost |= (channel == 1700) & (start % 3600 < 48) & (start % 3600 >= 24)
    return ~lost


def _timing(channel, slot, start, step):
    """Exposure (s) and mid-exposure (TAI seconds) of records."""
    exposure, middle = np.empty(slot.shape), np.empty(slot.shape)
    for wave in np.unique(channel):
        here = np.flatnonzero(channel == wave)
        instrument = CHANNELS[int(wave)]
        normal = instrument.exposure_s + 1.5e-6 * np.round(hashing.normal("shutter", wave, slot[here]))
        short = (
            flares.shortened(int(wave), (start[here] // 12).astype(int)) if step == 12 else np.full(here.size, np.nan)
        )
        short[_listed_window(start[here])] = np.nan
        exposure[here] = np.where(np.isnan(short), normal, short)
        jitter = 0.01 * np.round(0.5 * hashing.normal("sequence", wave, slot[here]))
        delay = instrument.offset_s + MID_EXPOSURE_SLOPE * (exposure[here] - instrument.exposure_s) + jitter
        middle[here] = np.round(start[here] + np.clip(delay, 0.01, step - 0.02), 2)
    exposure = np.round(exposure, 6)
    if step == 12 and _listed_window(start).any():
        for place in np.flatnonzero(_listed_window(start)):
            exposure[place], middle[place] = _listed().get(
                (start[place], int(channel[place])), (exposure[place], middle[place])
            )
    return exposure, middle


@cache
def _listed():
    """Exposure and mid-exposure of the records of the worked example, by T_REC (TAI seconds) and channel."""
    with open(DATA / "x1.5-2021-07-03.csv", newline="") as file:
        return {
            (times.parse_time(row["T_REC"]), int(row["WAVELNTH"])): (
                float(row["EXPTIME"]),
                round(times.parse_time(row["T_OBS"]), 2),
            )
            for row in csv.DictReader(file)
        }


@cache
def _listed_span():
    moments = [tai for tai, _ in _listed()]
    return min(moments), max(moments)


def _listed_window(start):
    low, high = _listed_span()
    return (start >= low) & (start <= high)


def sunlit(tai):
    """Visible fraction of the Sun, interpolated in whole minutes (the penumbra takes two)."""
    minutes = np.unique(np.concatenate([np.floor(tai / 60), np.floor(tai / 60) + 1])) * 60
    return np.interp(tai, minutes, ephemeris.sunlit(minutes)) if minutes.size else np.empty(0)


def _quality(channel, slot, middle, light):
    """QUALITY words: nominal but for eclipses, calibration hours, lost attitude data, lost pixels, lost images."""
    quality = np.zeros(slot.shape, dtype=np.int64)
    quality[light < 1] |= _PENUMBRA
    quality[light < 0.5] |= _ECLIPSE
    day = (middle // _DAY_S).astype(int)
    begins = 3600 * np.floor(2 + 18 * hashing.uniform("calibration start", day))
    second = middle % _DAY_S
    calibrating = (hashing.uniform("calibration", day) < 1 / 50) & (second >= begins) & (second < begins + 5400)
    quality[calibrating] |= _CALIBRATION
    quality[hashing.uniform("attitude", (middle // 20).astype(int)) < 1 / 4000] |= _NO_ATTITUDE
    holes = hashing.uniform("pixels", channel, slot)
    kinds = (hashing.uniform("pixels lost", channel, slot) * _MISSING_PIXELS.size).astype(int)
    quality |= np.where(holes < 1 / 4000, _MISSING_PIXELS[kinds], 0)
    quality[hashing.uniform("image", channel, slot) < 1 / 20000] = NO_IMAGE
    quality[_undisturbed(middle)] = 0
    return quality


def _blank_missing(table):
    """Set the values that a record without image does not have to missing."""
    none = table["QUALITY"] == NO_IMAGE
    if not none.any():
        return
    for name in ("T_OBS", "DATE__OBS"):
        table[name] = np.where(none, times.MISSING, table[name])
    for name in ("EXPTIME", *housekeeping.STATISTICS):
        if name in table:
            missing = MISSING_INT if table[name].dtype.kind == "i" else np.nan
            table[name] = np.where(none, missing, table[name])
