"""The numbers that correct a frame: what its block's list of corrections says, brought together with its own header.

A list has a row for each record that the archive answered with. `calibration.lookup` makes it with aiapy, whose start
takes longer than ten frames; calibrating reads it here and needs nothing of aiapy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError
from aia_sequence.frames.geometry import Geometry
from aia_sequence.frames.keywords import number
from aia_sequence.lists.manifests import CORRECTIONS
from aia_sequence.lists.table import Row

NO_ATTITUDE = 1 << 2  # bit of QUALITY: the spacecraft's attitude, and so SAT_ROT, is missing


@dataclass(frozen=True)
class Corrections:
    """The numbers that correct a frame, and where they come from; None or empty where a correction is not applied.

    Attributes
    ----------
    geometry
        After the pointing correction, if that is applied.
    pointing, degradation_about, errors_about, psf_about
        Source of the correction: keys `source`, `sha256`, and what else the header says of it.
    degradation
        Sensitivity relative to launch.
    """

    geometry: Geometry
    pointing: dict[str, Any] = field(default_factory=dict)
    degradation: float | None = None
    degradation_about: dict[str, Any] = field(default_factory=dict)
    errors_about: dict[str, Any] = field(default_factory=dict)
    psf_about: dict[str, Any] = field(default_factory=dict)


def read(path: str | Path) -> dict[str, Row]:
    """Read a list of corrections; its rows by record.

    Raises
    ------
    ListError
        If the file is none.
    """
    return {row["record"]: row for row in CORRECTIONS.read(path)}


def of_frame(header: Mapping[str, Any], row: Row | None, options: CalibrationOptions) -> Corrections:
    """Work out a frame's corrections.

    Parameters
    ----------
    header
        Level-1 header.
    row
        The record's row of the list; it may be None where no option asks for a table.
    options
        Which corrections are wanted.

    Raises
    ------
    FrameError
        If the list has nothing for the frame, or its header lacks a keyword.
    """
    found: dict[str, Any] = {"geometry": Geometry.of_header(header)}
    if options.pointing or options.degradation:
        if row is None:
            raise FrameError("the list of corrections has no row for its record; delete the list")
        if row["reason"]:
            raise FrameError(row["reason"])
    if options.pointing:
        found["geometry"] = _pointed(header, row)
        found["pointing"] = {
            "record": row["pointing"],
            "start": row["pointing_start"],
            "stop": row["pointing_stop"],
            "x0": row["x0_mp"],
            "y0": row["y0_mp"],
            "instrot": row["inst_rot"],
            "sha256": row["pointing_sha256"],
        }
    if options.degradation:
        found["degradation"] = row["degradation"]
        about = {name: row[f"degradation_{name}"] for name in ("version", "note", "source", "sha256")}
        found["degradation_about"] = about | {"note": about["note"] or ""}
    return Corrections(**found)


def _pointed(header: Mapping[str, Any], row: Row) -> Geometry:
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
            "CRPIX1": header["CRPIX1"] + (row["x0_mp"] - stated["X0_MP"]),
            "CRPIX2": header["CRPIX2"] + (row["y0_mp"] - stated["Y0_MP"]),
            "CDELT1": row["imscl_mp"],
            "CDELT2": row["imscl_mp"],
            "CROTA2": header["CROTA2"] if adrift else row["inst_rot"] + stated["SAT_ROT"],
            **{key: header[key] for key in ("CRVAL1", "CRVAL2") if key in header},
        }
    )
