"""What aiapy computes from the frozen tables, for one frame: its pointing, its degradation, its errors.

Importing aiapy and sunpy costs seconds, so this is done once, by the process that hands frames out, and not by those
that compute pixels.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import astropy.units as u
import numpy as np
from aiapy.calibrate import degradation, estimate_error, update_pointing
from aiapy.utils import AIApyUserWarning
from astropy.table import QTable
from sunpy.map.sources import AIAMap

from aia.errors import FrameError
from aia.geometry import Geometry, number
from aia.options import SATURATION, Corrections, Options

LATEST_VIS_VERSION = 3  # of the degradation of 4500 A; aiapy takes it whichever later version is asked for
# What aiapy looks at; the rest of the header, undefined values among it, is no concern of its maps.
NEEDED = (
    "CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "CROTA2",
    "TELESCOP", "INSTRUME", "WAVELNTH", "WAVEUNIT", "T_OBS", "DATE-OBS", "EXPTIME", "LVL_NUM", "X0_MP", "Y0_MP",
    "SAT_ROT", "RSUN_REF", "RSUN_OBS", "DSUN_OBS", "HGLN_OBS", "HGLT_OBS", "CRLN_OBS", "CRLT_OBS",
)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """The frozen tables of a block; None where the options ask for no such correction."""

    pointing: QTable | None = None
    degradation: QTable | None = None
    errors: QTable | None = None


def resolve(header: Mapping[str, Any], tables: Tables, options: Options) -> Corrections:
    """Work out a frame's corrections.

    Parameters
    ----------
    header
        Level-1 header.
    tables, options
        What to take them from, and which are wanted.

    Returns
    -------
    Corrections

    Raises
    ------
    FrameError
        If a table has no row for the frame.
    """
    smap = AIAMap(np.zeros((2, 2), np.float32), {key: header[key] for key in NEEDED if key in header})
    found: dict[str, Any] = {"geometry": Geometry.of_header(header)}
    if options.pointing:
        found["geometry"], found["pointing"] = _pointing(smap, tables.pointing)
    if options.degradation:
        found["degradation"], found["degradation_about"] = _degradation(smap, tables.degradation, options)
    if options.uncertainty:
        found["errors_about"] = _about(tables.errors)
    return Corrections(**found)


def _about(table: QTable) -> dict[str, str]:
    return {key: table.meta[key] for key in ("archive", "source", "sha256")}


def _pointing(smap: AIAMap, table: QTable) -> tuple[Geometry, dict[str, Any]]:
    """The geometry after aiapy's pointing update, and the table's row that it was taken from."""
    absent = [key for key in ("X0_MP", "Y0_MP", "SAT_ROT") if number(smap.meta, key.lower()) is None]
    absent += ["T_OBS"] if not isinstance(smap.meta.get("t_obs"), str) else []
    if absent:
        raise FrameError(
            f"{', '.join(absent)} missing in the header; the pointing cannot be updated from the table. "
            "With calibration.pointing: false the header's own pointing is used"
        )
    source = f"the pointing table ({table.meta['source']})"
    wave = f"A_{smap.meta['wavelnth']:03d}_"
    try:
        with warnings.catch_warnings():
            # 1600 and 1700 A have plate scales 1.6 and 2.1 % off 0.6 arcsec, where aiapy suspects a binned image.
            warnings.filterwarnings("ignore", "Input map has plate scale", AIApyUserWarning)
            warnings.filterwarnings("error", "Missing value in pointing table", AIApyUserWarning)
            meta = update_pointing(smap, pointing_table=table).meta
    except IndexError:
        raise FrameError(f"no row of {source} holds T_OBS {smap.meta['t_obs']}") from None
    except KeyError:
        raise FrameError(f"{source} has no column for {smap.meta['wavelnth']} Å") from None
    except AIApyUserWarning:
        raise FrameError(
            f"{source} has no value for {smap.meta['wavelnth']} Å at {smap.meta['t_obs']}; "
            "with calibration.pointing: false the header's own pointing is used"
        ) from None
    row = table[(table["T_START"] <= smap.reference_date) & (smap.reference_date < table["T_STOP"])][0]
    start, stop = (row[name].isot for name in ("T_START", "T_STOP"))
    return Geometry.of_header({key.upper(): value for key, value in meta.items()}), {
        "record": f"aia.master_pointing3h[{start[:19]}Z]",
        "start": start,
        "stop": stop,
        "x0": float(meta["x0_mp"]),
        "y0": float(meta["y0_mp"]),
        "instrot": float(row[f"{wave}INSTROT"].to_value("deg")),
        **_about(table),
    }


def _degradation(smap: AIAMap, table: QTable, options: Options) -> tuple[float, dict[str, Any]]:
    """Aiapy's degradation, with one version of the calibration, and a note where it is extrapolated."""
    channel, version = smap.meta["wavelnth"], options.degradation_version
    if channel == 4500:
        version = min(version, LATEST_VIS_VERSION)
    rows = table[(table["VER_NUM"] == version) & (table["WAVELNTH"] == smap.wavelength)]
    try:
        factor = degradation(smap.wavelength, smap.date, correction_table=rows, calibration_version=version)
    except ValueError as error:
        versions = ", ".join(map(str, sorted(set(table["VER_NUM"][table["WAVELNTH"] == smap.wavelength].tolist()))))
        raise FrameError(
            f"no degradation of {channel} Å on {smap.date.isot} in version {version} of {table.meta['source']}: "
            f"{error}. "
            f"The table has {f'versions {versions}' if versions else 'no version'} for this channel; "
            "see calibration.degradation_version, or set calibration.degradation: false"
        ) from None
    last = rows["T_START"].max()
    note = f"extrapolated beyond the last epoch, {last.isot[:10]}" if smap.date >= last else ""
    return float(factor.value[0]), {"version": version, "note": note, **_about(table)}


def sigma_of_counts(channel: int, table: QTable) -> np.ndarray:
    """Standard deviation (DN) of 0, 1, 2 … counts by aiapy's `estimate_error`, up to the converter's limit.

    Counts are integers, so a block needs the estimate once for each of them and not for each pixel.

    Raises
    ------
    FrameError
        If the table has no errors for the channel.
    """
    if channel not in table["WAVELNTH"].to_value("Angstrom"):
        raise FrameError(f"the table of errors ({table.meta['source']}) has no row for {channel} Å")
    counts = np.arange(SATURATION + 1, dtype=np.float64) * u.DN / u.pix
    return estimate_error(counts, channel * u.angstrom, error_table=table).to_value("DN / pix")
