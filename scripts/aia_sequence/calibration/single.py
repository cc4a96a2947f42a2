"""One level-1 file to level 1.5, for who has a file and frozen tables, and no workflow."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astropy.io import fits
from jsonschema import Draft202012Validator

from aia_sequence.archive.recordsets import record_name
from aia_sequence.calibration.block import calibrate_block
from aia_sequence.calibration.job import CalibrationJob
from aia_sequence.calibration.lookup import Tables
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.config.schema import explain, properties, schema
from aia_sequence.errors import ConfigError, FrameError
from aia_sequence.files import sha256
from aia_sequence.frames.fits import read_header
from aia_sequence.frames.keywords import legible, stated
from aia_sequence.frames.level1header import check_level1, is_by_frame, slot_at
from aia_sequence.instrument import series_of
from aia_sequence.times import day, read_time

OF_BLOCKS = "on_bad_frame"  # what becomes of the others: here there are none


def calibrate(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str] = ".",
    *,
    tables: str | os.PathLike[str],
    spikes: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Path:
    """Calibrate one level-1 file to level 1.5, to the same pixels as the workflow.

    Parameters
    ----------
    path
        Level-1 FITS file of the full disk, or a cutout that the archive made.
    folder
        Where the level-1.5 file is written; it is made if it is not there.
    tables
        Folder of frozen tables as the workflow keeps them, such as ``resources/jsoc``: in it
        ``calibration/pointing/{day}.ecsv``, ``calibration/degradation.ecsv``, and, if they are asked for,
        ``calibration/errors.ecsv`` and ``psf/{channel}.fits``. `aia-sequence bundle import` makes one from a
        colleague's bundle.
    spikes
        The frame's spikes file, for ``respike=True``.
    **options
        As under `calibration:` in a configuration, with the same defaults: `pointing`, `respike`, `psf`,
        `psf_iterations`, `psf_acceleration`, `interpolation`, `degradation`, `degradation_version`, `exposure`,
        `uncertainty`, `bin`, `compression`.

    Returns
    -------
    pathlib.Path
        The level-1.5 file; `aia_sequence.read_level15` reads it. Pixels are in DN/s, or in DN with
        ``exposure=False``; NaN is what was not measured.

    Raises
    ------
    ConfigError
        If an option is not known, or its value not allowed.
    FrameError
        If the file is not of level 1, or cannot be calibrated; if a table is missing or has nothing for the frame.

    Examples
    --------
    >>> path = aia_sequence.calibrate("aia.lev1_euv_12s.….image_lev1.fits", tables="resources/jsoc")  # doctest: +SKIP
    >>> image, header = aia_sequence.read_level15(path)  # doctest: +SKIP
    """
    path, folder, resources = Path(path), Path(folder), Path(tables)
    chosen = _checked(options)
    header = read_header(path, remedy="")  # it is of no block
    row = _row(path, header)
    if spikes is not None:
        # The row names its files from the folder of the frame, and an absolute path stays what it is.
        row |= {"spikes": str(Path(spikes).resolve()), "spikes_sha256": sha256(Path(spikes))}
    folder.mkdir(parents=True, exist_ok=True)
    job = CalibrationJob(
        path.parent,
        folder.resolve(),
        chosen,
        _tables(resources, row, chosen),
        _table(resources, "calibration/errors.ecsv", "uncertainty") if chosen.uncertainty else None,
        _table(resources, f"psf/{row['WAVELNTH']}.fits", "psf") if chosen.psf else None,
    )
    (made,) = calibrate_block([row], job)
    if reason := made["reason"]:
        raise FrameError(reason if str(path) in reason else f"{path}: {reason}")
    return folder / Path(made["file"]).name


def _checked(options: Mapping[str, Any]) -> CalibrationOptions:
    """Options as the schema of the configuration allows them."""
    part = properties(schema()["$defs"]["options"])["calibration"]
    own = {**part, "properties": {name: value for name, value in part["properties"].items() if name != OF_BLOCKS}}
    if wrong := [line for error in Draft202012Validator(own).iter_errors(dict(options)) for line in explain(error)]:
        raise ConfigError("\n".join(wrong))
    if options.get("compression") == "auto":  # a frame is no long event
        options = {**options, "compression": "none"}
    return CalibrationOptions(**options, on_bad_frame="skip")


def _row(path: Path, header: fits.Header) -> dict[str, Any]:
    """The frame's row of a level-1 manifest, from its header."""
    try:
        with legible():
            check_level1(header)
            channel = header["WAVELNTH"]
            series = str(header.get("DRMS_ID") or "").partition(":")[0] or series_of(channel).name
            slot, observed = str(header["T_REC"]), str(header["T_OBS"])
            read_time(slot), read_time(observed)
            if is_by_frame(header):
                series, slot = series_of(channel).name, slot_at(series_of(channel), read_time(observed))
    except KeyError as error:
        raise FrameError(f"{path}: {error.args[0]}; level-1 frames of the archive have it") from None
    except (FrameError, ConfigError, ValueError) as error:
        raise FrameError(f"{path}: {error}") from None
    about = {"file": path.name, "T_REC": slot, "T_OBS": observed, "WAVELNTH": channel, "reason": ""}
    about |= {key: stated(header, key) for key in ("EXPTIME", "QUALITY")}
    about |= {"bytes": path.stat().st_size, "sha256": sha256(path), "request": ""}
    return about | {"record": record_name(series, slot, channel)}


def _tables(resources: Path, row: Mapping[str, Any], options: CalibrationOptions) -> Tables:
    """The frozen tables that a frame needs; the pointing of the day of its slot."""
    pointing, degradation = [], None
    if options.pointing:
        label = day(read_time(row["T_REC"])).replace("-", "")
        pointing = [_table(resources, f"calibration/pointing/{label}.ecsv", "pointing")]
    if options.degradation:
        degradation = _table(resources, "calibration/degradation.ecsv", "degradation")
    return Tables.read(pointing, degradation)


def _table(resources: Path, name: str, option: str) -> Path:
    """A frozen table that an option needs."""
    path = resources / name
    if not path.is_file():
        raise FrameError(
            f"{path} is missing; a run of the workflow makes it, `aia-sequence bundle import` takes it from a bundle, "
            f"and with {option}=False it is not needed"
        )
    return path
