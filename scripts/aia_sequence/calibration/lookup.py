"""What aiapy computes from the frozen tables for the records of a block: pointing, degradation, errors of counts.

A record's time and channel decide, so this needs no frame and can be done while the frames are on their way.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import astropy.units as u
import numpy as np
from aiapy.calibrate import degradation, estimate_error, update_pointing
from aiapy.utils import AIApyUserWarning
from astropy.table import QTable
from astropy.time import Time
from sunpy.map.sources import AIAMap

from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError
from aia_sequence.instrument import SATURATION
from aia_sequence.lists.manifests import CORRECTIONS

LATEST_VIS_VERSION = 3  # of the degradation of 4500 A; aiapy takes it whichever later version is asked for


@dataclass(frozen=True)
class Tables:
    """The frozen tables of a block; None where the options ask for no such correction."""

    pointing: QTable | None = None
    degradation: QTable | None = None


def look_up(records: Iterable[Mapping[str, Any]], tables: Tables, options: CalibrationOptions) -> list[dict[str, Any]]:
    """Look up the corrections of records.

    Parameters
    ----------
    records
        Their metadata: `record`, `T_OBS`, `DATE__OBS`, `WAVELNTH`.
    tables, options
        What to take the corrections from, and which are wanted.

    Returns
    -------
    list of dict
        A row of `CORRECTIONS` for each record, in their order; with a `reason` where a table has nothing.
    """
    pointing = Pointing(tables.pointing) if options.pointing else None
    sensitivity = Degradation(tables.degradation, options.degradation_version) if options.degradation else None
    rows = []
    for record in records:
        row = dict.fromkeys(CORRECTIONS.names()) | {"record": record["record"], "T_OBS": record["T_OBS"]}
        try:
            if pointing:
                row |= pointing.of(record["WAVELNTH"], _time(record, "T_OBS"))
            if sensitivity:
                row |= sensitivity.of(record["WAVELNTH"], _time(record, "DATE__OBS"))
        except FrameError as error:
            row["reason"] = str(error)
        rows.append(row)
    return rows


def _time(record: Mapping[str, Any], key: str) -> Time:
    if not record[key]:
        raise FrameError(f"the archive states no {key}, so the tables cannot say what holds for the record")
    return Time(record[key].removesuffix("Z"), format="isot", scale="utc")


class Pointing:
    """A pointing table, of which aiapy is asked once for each channel and row: the row holds for three hours."""

    def __init__(self, table: QTable) -> None:
        self.table = table
        self._known: dict[tuple[int, int], dict[str, Any]] = {}

    def of(self, channel: int, time: Time) -> dict[str, Any]:
        """What the table says of a channel at a time, as columns of a list.

        Raises
        ------
        FrameError
            If it says nothing.
        """
        rows = np.flatnonzero((self.table["T_START"] <= time) & (time < self.table["T_STOP"]))
        if not rows.size:
            raise FrameError(f"no row of the pointing table ({self.table.meta['source']}) holds T_OBS {time.isot}")
        place = (channel, int(rows[0]))
        if place not in self._known:
            self._known[place] = self._ask(channel, time, self.table[rows[0]])
        return self._known[place]

    def _ask(self, channel: int, time: Time, row: Any) -> dict[str, Any]:
        """Aiapy's update of a map whose own pointing is nought, so that what comes out is the table's."""
        meta = {
            "ctype1": "HPLN-TAN", "ctype2": "HPLT-TAN", "cunit1": "arcsec", "cunit2": "arcsec", "cdelt1": 0.6,
            "cdelt2": 0.6, "crpix1": 1.0, "crpix2": 1.0, "crval1": 0.0, "crval2": 0.0, "crota2": 0.0,
            "telescop": "SDO/AIA", "instrume": "AIA", "wavelnth": channel, "waveunit": "angstrom", "t_obs": time.isot,
            "date-obs": time.isot, "sat_rot": 0.0, "x0_mp": 0.0, "y0_mp": 0.0,
        }  # fmt: skip
        source = f"the pointing table ({self.table.meta['source']})"
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", "Missing value in pointing table", AIApyUserWarning)
                found = update_pointing(AIAMap(np.zeros((2, 2), np.float32), meta), pointing_table=self.table).meta
        except KeyError:
            raise FrameError(f"{source} has no column for {channel} Å") from None
        except AIApyUserWarning:
            raise FrameError(
                f"{source} has no value for {channel} Å at {time.isot}; "
                "with calibration.pointing: false the header's own pointing is used"
            ) from None
        start, stop = (row[name].isot for name in ("T_START", "T_STOP"))
        return {
            "pointing": f"aia.master_pointing3h[{start[:19]}Z]",
            "pointing_start": start,
            "pointing_stop": stop,
            "x0_mp": float(found["x0_mp"]),
            "y0_mp": float(found["y0_mp"]),
            "imscl_mp": float(found["cdelt1"]),
            "inst_rot": float(found["crota2"]),
            "pointing_sha256": self.table.meta["sha256"],
        }


class Degradation:
    """A table of degradation, in one version of the calibration, of which each channel's rows are picked once."""

    def __init__(self, table: QTable, version: int) -> None:
        self.table = table
        self.version = version
        self._rows: dict[int, QTable] = {}

    def of(self, channel: int, time: Time) -> dict[str, Any]:
        """What the table says of a channel at a time, as columns of a list, with a note where it is extrapolated.

        Raises
        ------
        FrameError
            If it says nothing.
        """
        version = min(self.version, LATEST_VIS_VERSION) if channel == 4500 else self.version
        wavelength, source = channel * u.angstrom, self.table.meta["source"]
        if channel not in self._rows:
            self._rows[channel] = self.table[self._is(wavelength) & (self.table["VER_NUM"] == version)]
        rows = self._rows[channel]
        try:
            factor = degradation(wavelength, time, correction_table=rows, calibration_version=version)
        except ValueError as error:
            versions = ", ".join(map(str, sorted(set(self.table["VER_NUM"][self._is(wavelength)].tolist()))))
            raise FrameError(
                f"no degradation of {channel} Å on {time.isot} in version {version} of {source}: {error}. "
                f"The table has {f'versions {versions}' if versions else 'no version'} for this channel; "
                "see calibration.degradation_version, or set calibration.degradation: false"
            ) from None
        if not factor.value[0] > 0:
            raise FrameError(f"the degradation of {channel} Å on {time.isot} by {source} is {factor.value[0]:g}")
        last = rows["T_START"].max()
        return {
            "degradation": float(factor.value[0]),
            "degradation_version": version,
            "degradation_note": f"extrapolated beyond the last epoch, {last.isot[:10]}" if time >= last else "",
            "degradation_source": source,
            "degradation_sha256": self.table.meta["sha256"],
        }

    def _is(self, wavelength: u.Quantity) -> np.ndarray:
        """Which rows are a channel's."""
        return self.table["WAVELNTH"] == wavelength


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
