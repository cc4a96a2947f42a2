"""What the frozen tables say of a frame: pointing, degradation, errors of counts.

The numbers are those of `aiapy.calibrate`, which a test holds them against; its import takes longer than ten frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aia_sequence.calibration import frozen
from aia_sequence.calibration.frozen import Frozen
from aia_sequence.errors import FrameError
from aia_sequence.instrument import CHANNELS, EUV, READ_NOISE, SATURATION
from aia_sequence.times import read_time

if TYPE_CHECKING:
    from astropy.table import QTable

LATEST_VIS_VERSION = 3  # of the degradation of 4500 A; aiapy takes it whichever later version is asked for
DARK_ERROR = 0.18  # DN, aiapy's, from trends of the residual dark current up to 2015
ROUNDING = 1 / np.sqrt(12)  # DN rms of rounding to whole counts
UNCOMPRESSED_BELOW = 25  # DN up to which the onboard compression loses nothing
DAY = 86400.0


class Pointing:
    """A pointing table, whose rows each hold for three hours.

    Parameters
    ----------
    table
        As `aiapy.calibrate.utils.get_pointing_table` returns it; `meta` holds source and sha256.
    """

    def __init__(self, table: "Frozen | QTable") -> None:
        table = Frozen.of(table)
        self.source, self.sha256 = table.meta["source"], table.meta["sha256"]
        (self._start, self._from), (self._stop, self._until) = _times(table, "T_START"), _times(table, "T_STOP")
        self._columns = table.columns

    def of(self, channel: int, time: str) -> dict[str, Any]:
        """What the table says of a channel at a time (ISO 8601): the row with T_START <= time < T_STOP.

        Returns
        -------
        dict
            `x0`, `y0` (0-based pixel of the disc centre on the CCD), `scale` (arcsec per pixel), `roll` (degrees), and
            `record`, `start`, `stop`, `sha256` of the row.

        Raises
        ------
        FrameError
            If it says nothing.
        """
        source, seconds = f"the pointing table ({self.source})", read_time(time)
        rows = np.flatnonzero((self._from <= seconds) & (seconds < self._until))
        if not rows.size:
            raise FrameError(f"no row of {source} holds T_OBS {time}")
        row = int(rows[0])
        try:
            values = [
                float(self._columns[f"A_{channel:03d}_{name}"][row]) for name in ("X0", "Y0", "IMSCALE", "INSTROT")
            ]
        except KeyError:
            raise FrameError(f"{source} has no column for {channel} Å") from None
        if not np.isfinite(values).all():
            raise FrameError(
                f"{source} has no value for {channel} Å at {time}; "
                "with calibration.pointing: false the header's own pointing is used"
            )
        start, stop = self._start[row], self._stop[row]
        about = {"record": f"aia.master_pointing3h[{start[:19]}Z]", "start": start, "stop": stop, "sha256": self.sha256}
        return dict(zip(("x0", "y0", "scale", "roll"), values, strict=True)) | about


class Degradation:
    """A table of degradation, with all its versions.

    Parameters
    ----------
    table
        As `aiapy.calibrate.utils.get_correction_table` returns it; `meta` holds source and sha256.
    """

    def __init__(self, table: "Frozen | QTable") -> None:
        table = Frozen.of(table)
        self.source, self.sha256 = table.meta["source"], table.meta["sha256"]
        self._columns = table.columns
        (self._start, self._from), (_, self._until) = _times(table, "T_START"), _times(table, "T_STOP")

    def of(self, channel: int, time: str, version: int) -> dict[str, Any]:
        """The sensitivity of a channel at a time (ISO 8601), relative to launch, in a version of the calibration.

        Returns
        -------
        dict
            `factor`, and `version`, `source`, `sha256`, and a `note` where it is extrapolated.

        Raises
        ------
        FrameError
            If the table says nothing.
        """
        version = min(version, LATEST_VIS_VERSION) if channel == 4500 else version
        of_channel = self._columns["WAVE_STR"] == (f"{channel}_THIN" if channel in EUV.channels else str(channel))
        rows = np.flatnonzero(of_channel & (self._columns["VER_NUM"] == version))
        seconds = read_time(time)
        epochs = rows[(self._from[rows] <= seconds) & (seconds < self._until[rows])]
        if not epochs.size:
            versions = ", ".join(map(str, sorted(set(self._columns["VER_NUM"][of_channel].tolist()))))
            raise FrameError(
                f"no degradation of {channel} Å on {time} in version {version} of {self.source}: it has no epoch for "
                f"that time. The table has {f'versions {versions}' if versions else 'no version'} for this channel; "
                "see calibration.degradation_version, or set calibration.degradation: false"
            )
        epoch, days = epochs[-1], (seconds - self._from[epochs[-1]]) / DAY  # of several, the last is the newest
        area = self._columns["EFF_AREA"]
        powers = [float(self._columns[f"EFFA_P{power}"][epoch]) * days**power for power in (1, 2, 3)]
        factor = float((sum(powers) + 1) * (area[epoch] / area[rows[0]]))
        if not factor > 0:
            raise FrameError(f"the degradation of {channel} Å on {time} by {self.source} is {factor:g}")
        last = max(rows, key=lambda row: self._from[row])
        beyond = f"extrapolated beyond the last epoch, {self._start[last][:10]}" if seconds >= self._from[last] else ""
        return {"factor": factor, "version": version, "note": beyond, "source": self.source, "sha256": self.sha256}


def _times(table: Frozen, name: str) -> tuple[list[str], np.ndarray]:
    """A column of times as text (ISO 8601, UTC) and as TAI seconds since 1977."""
    texts = table.columns[name].tolist()
    return texts, np.array([*map(read_time, texts)])


@dataclass(frozen=True)
class Tables:
    """The frozen tables of a block; None where the options ask for no such correction."""

    pointing: Pointing | None = None
    degradation: Degradation | None = None

    @classmethod
    def of(cls, pointing: "Frozen | QTable | None" = None, degradation: "Frozen | QTable | None" = None) -> "Tables":
        """From tables as `frozen.read` or `tables.thaw` read them."""
        return cls(
            None if pointing is None else Pointing(pointing), None if degradation is None else Degradation(degradation)
        )

    @classmethod
    def read(cls, pointing: Sequence[Path] = (), degradation: Path | None = None) -> "Tables":
        """From files of `tables.freeze`, of pointing one for each day."""
        return cls.of(
            frozen.join(map(frozen.read, pointing)) if pointing else None,
            frozen.read(degradation) if degradation else None,
        )


def sigma_of_counts(channel: int, table: "Frozen | QTable") -> np.ndarray:
    """Standard deviation (DN) of 0, 1, 2 … counts, up to the converter's limit, as `aiapy.calibrate.estimate_error`.

    Shot noise, dark current, read noise, rounding, and the onboard compression. Counts are integers, so a block needs
    the estimate once for each of them and not for each pixel.

    Raises
    ------
    FrameError
        If the table has no errors for the channel.
    """
    table = Frozen.of(table)
    (rows,) = np.nonzero(table.columns["WAVELNTH"] == channel)
    if channel not in CHANNELS or not rows.size:
        raise FrameError(f"the table of errors ({table.meta['source']}) has no row for {channel} Å")
    counts = np.arange(SATURATION + 1, dtype=np.float64)
    per_photon, ratio = (float(table.columns[name][rows[0]]) for name in ("DNPERPHT", "COMPRESS"))
    shot = np.sqrt(counts / per_photon) * per_photon
    compression = np.where(counts < UNCOMPRESSED_BELOW, 0.0, np.maximum(shot / ratio, ROUNDING))
    return np.sqrt(shot**2 + DARK_ERROR**2 + READ_NOISE[channel] ** 2 + ROUNDING**2 + compression**2)
