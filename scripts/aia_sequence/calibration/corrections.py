"""The numbers that correct a frame: what the frozen tables say of it, brought together with its own header."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aia_sequence.calibration.lookup import Tables
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError
from aia_sequence.frames.geometry import Geometry
from aia_sequence.frames.keywords import legible, number, stated
from aia_sequence.times import read_time

NO_ATTITUDE = 1 << 2  # bit of QUALITY: the spacecraft's attitude, and so SAT_ROT, is missing


@dataclass(frozen=True)
class Corrections:
    """The numbers that correct a frame, and where they come from; None or empty where a correction is not applied.

    Attributes
    ----------
    geometry
        After the pointing correction, if that is applied.
    pointing, degradation_about, errors_about, psf_about
        Source of the correction: keys `source`, `sha256`, and what else is told of it in the header.
    degradation
        Sensitivity relative to launch.
    """

    geometry: Geometry
    pointing: dict[str, Any] = field(default_factory=dict)
    degradation: float | None = None
    degradation_about: dict[str, Any] = field(default_factory=dict)
    errors_about: dict[str, Any] = field(default_factory=dict)
    psf_about: dict[str, Any] = field(default_factory=dict)


@legible()
def of_frame(header: Mapping[str, Any], tables: Tables, options: CalibrationOptions) -> Corrections:
    """Work out a frame's corrections.

    Parameters
    ----------
    header
        Level-1 header. Its T_OBS decides upon the pointing and its DATE-OBS upon the degradation, as in aiapy.
    tables
        Those that the options ask for.
    options
        Which corrections are wanted.

    Raises
    ------
    FrameError
        If a table has nothing for the frame, or its header lacks a keyword.
    """
    found: dict[str, Any] = {"geometry": Geometry.of_header(header)}
    pointing = _table(tables, "pointing") if options.pointing else None
    degradation = _table(tables, "degradation") if options.degradation else None
    if pointing:
        row = pointing.of(header["WAVELNTH"], _time(header, "T_OBS"))
        found["geometry"] = _pointed(header, row)
        found["pointing"] = {name: row[name] for name in ("record", "start", "stop", "x0", "y0", "sha256")}
        found["pointing"]["instrot"] = row["roll"]
    if degradation:
        about = degradation.of(header["WAVELNTH"], _time(header, "DATE-OBS"), options.degradation_version)
        found["degradation"], found["degradation_about"] = about.pop("factor"), about
    return Corrections(**found)


def _table(tables: Tables, name: str) -> Any:
    """A table that the options ask for."""
    if (table := getattr(tables, name)) is None:
        raise FrameError(f"calibration.{name} asks for a table of the {name}, and there is none")
    return table


def _time(header: Mapping[str, Any], key: str) -> str:
    """A time of the header, as it is written there."""
    text = str(stated(header, key))
    try:
        read_time(text)
    except ValueError:
        raise FrameError(f"{key} is {text} in its header, so the tables cannot say what holds for the frame") from None
    return text


def _pointed(header: Mapping[str, Any], row: Mapping[str, Any]) -> Geometry:
    """The geometry with the table's pointing, as `aiapy.calibrate.update_pointing` sets it.

    The disc centre moves by what the table says, so it is right in a cutout too; the spacecraft's roll stays. Where the
    spacecraft's attitude is missing, the archive counts its roll as zero, and the header's CROTA2 stays altogether.
    """
    stated = {key: number(header, key) for key in ("X0_MP", "Y0_MP", "SAT_ROT")}
    adrift = stated["SAT_ROT"] is None and int(number(header, "QUALITY") or 0) & NO_ATTITUDE
    absent = [key for key, value in stated.items() if value is None and not (adrift and key == "SAT_ROT")]
    if absent:
        raise FrameError(
            f"{', '.join(absent)} missing in the header; the pointing cannot be updated from the table. "
            "With calibration.pointing: false the header's own pointing is used"
        )
    return Geometry.of_header(
        {
            "CRPIX1": header["CRPIX1"] + (row["x0"] - stated["X0_MP"]),
            "CRPIX2": header["CRPIX2"] + (row["y0"] - stated["Y0_MP"]),
            "CDELT1": row["scale"],
            "CDELT2": row["scale"],
            "CROTA2": header["CROTA2"] if adrift else row["roll"] + stated["SAT_ROT"],
            **{key: header[key] for key in ("CRVAL1", "CRVAL2") if key in header},
        }
    )
