"""The calibration tables of the synthetic instrument: master pointing, effective areas and photometric errors.

They state exactly what the instrument does to an image: the pointing row valid at T_OBS is where the Sun is, the
degradation is aiapy's formula on version 10 of the response table, the errors are the scatter of repeated exposures.
"""

from functools import cache

import numpy as np

from synthetic_jsoc import hashing
from synthetic_jsoc.instrument import CHANNELS
from synthetic_jsoc.times import from_clock, parse_time, to_clock

RESPONSE_VERSION = 10
_MISSION = to_clock(parse_time("2010-05-13"))
_ROW = 3 * 3600  # seconds of a UTC clock
_DAY_S = 86400.0

# Epochs of the response table (UTC). Version 10 has areas for the nine ultraviolet channels, version 3 for all ten.
_EPOCHS = {
    3: ["2010-03-24", "2012-01-01"],
    8: ["2010-03-24", "2011-05-01", "2012-04-10", "2013-08-15", "2014-05-25", "2015-08-20", "2017-01-01"],
    10: ["2010-03-24", "2011-05-01", "2012-04-10", "2013-02-15", "2014-05-25", "2015-05-01", "2016-10-01", "2018-06-18",
         "2020-06-01"],
}  # fmt: skip
_ERROR_COLUMNS = ("DNPERPHT", "COMPRESS", "CALERR", "CHIANTI", "EVEERR")
_MADE = {3: "2012-02-10T01:12:01", 8: "2017-12-10T05:06:27", 10: "2020-11-19T19:00:00"}
_LAST = "2030-05-01"

# Sensitivity left after ten years, and the time scale (years) of its loss: 304 and 335 A lose most, to contamination.
_LOSS = {94: (0.90, 3.0), 131: (0.82, 4.0), 171: (0.72, 4.5), 193: (0.74, 3.5), 211: (0.60, 4.0), 304: (0.06, 2.6),
         335: (0.22, 3.0), 1600: (0.38, 5.0), 1700: (0.74, 6.0), 4500: (0.97, 8.0)}  # fmt: skip


def _remaining(channel, years):
    """Sensitivity relative to launch that the tables' epochs sample."""
    floor, scale = _LOSS[channel]
    return floor + (1 - floor) * np.exp(-years / scale)


@cache
def _epochs(channel, version):
    """Rows of one channel and version: (start, stop, area, p1, p2), times in TAI seconds."""
    starts = [parse_time(text) for text in _EPOCHS[version]]
    stops = [*starts[1:], parse_time(_LAST)]
    rows = []
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        years = (start - starts[0]) / (365.25 * _DAY_S)
        # Each version was fitted to other rocket flights, so they differ by some per cent.
        change = 1 + 0.03 * (hashing.uniform("area", channel, version, number) - 0.5) * (number > 0)
        area = round(float(CHANNELS[channel].area_cm2 * _remaining(channel, years) * change), 5)
        p1 = p2 = 0.0
        if number < len(starts) - 1:
            days = (stop - start) / _DAY_S
            end = _remaining(channel, years + days / 365.25) / _remaining(channel, years)
            middle = _remaining(channel, years + days / 730.5) / _remaining(channel, years)
            p2 = round(float((end - 2 * middle + 1) * 2 / days**2), 9)
            p1 = round(float((end - 1) / days - p2 * days), 6)
        rows.append((start, stop, area, p1, p2))
    return rows


def response():
    """
    Rows of ``aia.response``, all versions.

    Returns
    -------
    list of dict
        In order of version, channel and epoch; ``recnum`` grows, so the newest version of a prime key (T_START,
        WAVE_STR) has the highest. Times are TAI seconds since 1977.
    """
    rows = []
    for version in sorted(_EPOCHS):
        for channel, instrument in CHANNELS.items():
            if version > 3 and channel == 4500:
                continue
            for start, stop, area, p1, p2 in _epochs(channel, version):
                rows.append(
                    {
                        "recnum": len(rows) + 1,
                        "DATE": parse_time(_MADE[version]),
                        "T_START": start,
                        "T_STOP": stop,
                        "VER_NUM": version,
                        "WAVE_STR": instrument.wave_str,
                        "WAVELNTH": channel,
                        "EPERDN": instrument.gain,
                        "DNPERPHT": round(instrument.dn_per_photon, 5),
                        "EFF_AREA": area,
                        "EFF_WVLN": float(channel),
                        "EFFA_P1": p1,
                        "EFFA_P2": p2,
                        "EFFA_P3": 0.0,
                        "RMSE": 0.05,
                    }
                )
    return rows


def degradation(channel, tai):
    """
    Sensitivity relative to launch by version 10 of the response table (4500 A: version 3), by aiapy's formula.

    Parameters
    ----------
    channel : int
    tai : array-like
        TAI seconds since 1977.

    Returns
    -------
    ndarray
        Factor by which the scene is dimmed.
    """
    rows = _epochs(channel, RESPONSE_VERSION if channel != 4500 else 3)
    tai = np.asarray(tai, dtype=float)
    starts = np.array([row[0] for row in rows])
    start, _, area, p1, p2 = np.array(rows)[np.maximum(np.searchsorted(starts, tai, side="right") - 1, 0)].T
    days = (tai - start) / _DAY_S
    return area / rows[0][2] * (1 + p1 * days + p2 * days**2)


def pointing(channel, tai):
    """
    Pointing of a channel: the values of the 3-hourly row that holds at a time.

    Parameters
    ----------
    channel : int
    tai : array-like
        TAI seconds since 1977, shape ``(n,)``.

    Returns
    -------
    dict of str to ndarray
        ``X0``, ``Y0`` (pixel, from 0), ``IMSCALE`` (arcsec per pixel) and ``INSTROT`` (degrees).
    """
    return _row_values(channel, pointing_row(tai))


def pointing_row(tai):
    """Number of the pointing row that holds at a time: rows begin at 0, 3, 6 … hours UTC, from 2010-05-13 on."""
    tai = np.atleast_1d(np.asarray(tai, dtype=float))
    unique, back = np.unique(np.floor(tai), return_inverse=True)
    rows = [(to_clock(second) - _MISSION) // _ROW for second in unique.tolist()]
    return np.array(rows, dtype=int)[back]


def _row_values(channel, row):
    instrument = CHANNELS[channel]
    row = np.atleast_1d(np.asarray(row))
    days = row / 8.0
    # The four telescopes share the spacecraft's thermal year and day, each with its own phase and size.
    phase = 1.7 * instrument.camera + 0.3 * (channel % 7)
    year = 2 * np.pi * days / 365.25 + phase
    values = {}
    for axis, mean in (("X0", instrument.x0), ("Y0", instrument.y0)):
        turn = 0.0 if axis == "X0" else 2.1
        drift = 2.4 * np.sin(year + turn) + 1.1 * np.sin(2 * np.pi * days / 1461.0 + 2 * phase + turn)
        daily = 0.35 * np.sin(2 * np.pi * days + 4 * phase + turn)
        values[axis] = np.round(mean + drift + daily + 0.06 * hashing.normal(axis, channel, row), 6)
    values["IMSCALE"] = np.round(instrument.scale + 1.5e-6 * np.sin(year), 6)
    values["INSTROT"] = np.full(row.shape, instrument.rotation_deg)
    return values


def known_pointing(channel, known, row):
    """
    Pointing that a level-1 header carries: an older row's, as the fit of its own is not made yet.

    Parameters
    ----------
    channel : int
    known, row : ndarray of int
        The older row, and the row that holds. Where the latter has no fit, so that nothing can update the header, the
        header is right as it is.

    Returns
    -------
    dict of str to ndarray
        As `pointing`.
    """
    return _row_values(channel, np.where(_has_fit(channel, row), known, row))


def _has_fit(channel, row):
    """Whether the limb fit of a channel succeeded in a row; about one in four thousand is MISSING."""
    return hashing.uniform("limb fit", channel, row) >= 0.00025


def master_pointing(first_tai, last_tai):
    """
    Rows of ``aia.master_pointing3h`` that begin in a time range.

    Parameters
    ----------
    first_tai, last_tai : float
        TAI seconds since 1977, both included.

    Returns
    -------
    list of dict
        ``recnum``, ``T_START``, ``T_STOP`` (TAI seconds) and the forty columns ``A_094_X0`` … ``A_4500_INSTROT``; NaN
        where a limb fit failed.
    """
    first, last = (int(row) for row in pointing_row([first_tai, last_tai]))
    numbers = np.arange(max(first, 0), last + 1)
    starts = [from_clock(float(_MISSION + int(row) * _ROW)) for row in [*numbers, last + 1]]
    columns = {"recnum": numbers + 1, "T_START": np.array(starts[:-1]), "T_STOP": np.array(starts[1:])}
    for channel in CHANNELS:
        fitted = _has_fit(channel, numbers)
        for name, values in _row_values(channel, numbers).items():
            columns[f"A_{channel:03d}_{name}"] = np.where(fitted, values, np.nan)
    inside = (columns["T_START"] >= first_tai) & (columns["T_START"] <= last_tai)
    rows = zip(*(values[inside].tolist() for values in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def error_table():
    """
    The photometric error table as text, in the layout of SolarSoft's ``aia_V*_error_table.txt``.

    Returns
    -------
    str
        Read by `aiapy.calibrate.utils.get_error_table` from a file.
    """
    form = "{:>26}{:>26}{:>26}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n"
    text = form.format("DATE", "T_START", "T_STOP", "VER_NUM", "WAVE_STR", "WAVELNTH", *_ERROR_COLUMNS)
    for channel, instrument in CHANNELS.items():
        euv = channel < 1000
        text += form.format(
            "2012-02-10T01:12:01.000",
            "2010-05-01T00:00:00.000",
            "2050-05-01T00:00:00.000",
            3,
            instrument.wave_str,
            channel,
            f"{instrument.dn_per_photon:.3f}",
            f"{instrument.compression:.3f}",
            f"{0.25 if euv else 0.5:.3f}",
            f"{(0.5 if channel in (94, 131, 304) else 0.25) if euv else 1.0:.3f}",
            f"{0.02 + 0.1 * hashing.uniform('EVE', channel):.3f}",
        )
    return text
