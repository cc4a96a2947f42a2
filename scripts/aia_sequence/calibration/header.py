"""The header of a level-1.5 frame: the level-1 header, brought up to date, and a keyword for each correction."""

import math
from collections.abc import Mapping
from typing import Any

from astropy.io import fits

from aia_sequence import __version__
from aia_sequence.calibration.corrections import Corrections
from aia_sequence.calibration.level15 import RICE_STEP, VERSION, Pixels, rounding
from aia_sequence.calibration.statistics import PERCENTILES
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.config.region import write_location
from aia_sequence.errors import FrameError
from aia_sequence.frames.cards import COMMENTARY, Cards, value_of
from aia_sequence.frames.draft import Draft, split
from aia_sequence.frames.geometry import Grid
from aia_sequence.frames.keywords import NO_INTEGER, number
from aia_sequence.instrument import CENTRE, SATURATED_FROM, SCALE, SIDE
from aia_sequence.versions import ACCELERATED

type Lines = list[str]  # of the history

# What no longer holds: the stored pixels' form, sums over them, the geometry's other spellings (FITS allows CROTA2 or
# PCi_j, not both), the prime keys of the level-1 series. DATE_OBS is an old spelling of DATE-OBS.
STALE = (
    "BLANK", "BSCALE", "BZERO", "CHECKSUM", "DATASUM", "HEADSUM", "XCEN", "YCEN", "CROTA1", "CROTA2", "PRIMARYK",
    "CD1_1", "CD1_2", "CD2_1", "CD2_2", "PC1_1", "PC1_2", "PC2_1", "PC2_2", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2",
    "SIMPLE", "XTENSION", "PCOUNT", "GCOUNT", "GROUPS", "TFIELDS", "EXTEND", "EXTNAME", "LONPOLE", "LATPOLE",
)  # fmt: skip
# What names the level-1 record and its file, and would be taken for this file's own. DATE has no successor: the time at
# which level 1.5 was made would differ from run to run.
OF_LEVEL1 = {
    "DATE": "L1DATE", "RECNUM": "L1RECNUM", "DRMS_ID": "L1DRMSID", "SOURCE": "L1SOURCE", "REQUESTI": "L1REQ",
}  # fmt: skip
ORIGIN = {
    "L1RECORD": ("record", "level-1 record"),
    "L1FILE": ("file", "its file"),
    "L1SHA256": ("sha256", ""),
    "L1REQ": ("request", "export request it came with"),
    "L1ARCHIV": ("archive", "archive it came from, or files"),
    "NRT": ("hasty", "near real time: level 1 is provisional"),
    "RSP_SHA": ("spikes", ""),
}
STATISTICS = {
    "TOTVALS": "number of pixels",
    "DATAVALS": "number of valid pixels",
    "MISSVALS": "number of missing pixels (NaN)",
    "PERCENTD": "valid pixels, per cent",
    "DATAMIN": "smallest value",
    "DATAMAX": "largest value",
    "DATAMEDN": "median",
    "DATAMEAN": "mean",
    "DATARMS": "standard deviation",
    "DATASKEW": "skewness",
    "DATAKURT": "kurtosis, excess",
    "DATACENT": "median of the central column",
    **{key: f"percentile {rank}" for key, rank in PERCENTILES.items() if key != "DATAMEDN"},
}


def make_header(
    level1: Cards | fits.Header,
    pixels: Pixels,
    statistics: Mapping[str, Any],
    corrections: Corrections,
    options: CalibrationOptions,
    origin: Mapping[str, str],
) -> Draft:
    """Make the header of a level-1.5 frame.

    Parameters
    ----------
    level1
        Header of the level-1 frame; it is not changed.
    pixels
        From `aia_sequence.calibration.level15.calibrate`.
    statistics
        From `aia_sequence.calibration.statistics.statistics`.
    corrections, options
        As given to `aia_sequence.calibration.level15.calibrate`.
    origin
        `record`, `file`, `sha256`, `request` and `archive` of the level-1 frame, and `spikes`, as far as known.

    Returns
    -------
    Draft
    """
    header = _kept(level1)
    unit = "DN / s" if options.exposure else "DN"
    _set_grid(header, pixels.grid)
    header.set("LVL_NUM", 1.5, "data level number")
    header.set("BUNIT", unit, "unit of the pixel values")
    if "PIXLUNIT" in header:
        header.set("PIXLUNIT", unit, "unit of the pixel values")
    for key, about in STATISTICS.items():
        if key in statistics:
            header.set(key, statistics[key], about)
        else:
            header.remove(key)
    header.set("NSATPIX", pixels.saturated, f"saturated level-1 pixels, {SATURATED_FROM} DN or more")
    history = [f"Level 1.5 by aia-sequence {__version__}, level15 {VERSION}, in this order:"]
    header.set("L15PROG", f"aia-sequence {__version__}", "workflow that made level 1.5")
    header.set("L15VERS", VERSION, "version of its level-1.5 pixels and header")
    for key, (value, about) in ORIGIN.items():
        if origin.get(value):
            header.set(key, origin[value], about)
    for step in (_pointing, _respike, _psf, _registration, _degradation, _exposure, _uncertainty, _compression):
        history += step(header, pixels, corrections, options)
    for line in history:
        header.add_history(line)
    return header


def _kept(level1: Cards | fits.Header) -> Draft:
    """The level-1 cards that still hold, have a value and are allowed by FITS."""
    header = Draft()
    for key, image in split(level1):
        if key not in STALE and (key in COMMENTARY or _has_value(key, image)):
            header.keep(key, image)
    for key, ours in OF_LEVEL1.items():
        if key in header:
            header.rename(key, ours)
    return header


def _has_value(key: str, image: str) -> bool:
    """Whether a card says something; JSOC leaves values empty, writes `-nan`, or its database's missing integer."""
    try:
        value = value_of(image.encode("ascii"))
    except fits.VerifyError:
        return False
    nothing = value is None or (isinstance(value, float) and not math.isfinite(value))
    return not nothing and (value != NO_INTEGER or key == "QUALITY")  # there it is bit 31


def _set_grid(header: Draft, grid: Grid) -> None:
    for axis, reference in ((1, grid.crpix1), (2, grid.crpix2)):
        header.set(f"CTYPE{axis}", ("HPLN-TAN", "HPLT-TAN")[axis - 1], "helioprojective, tangential")
        header.set(f"CUNIT{axis}", "arcsec", "unit of CRVAL and CDELT")
        header.set(f"CRVAL{axis}", 0.0, "[arcsec] coordinate of the reference pixel")
        header.set(f"CDELT{axis}", grid.scale, "[arcsec/pixel] plate scale")
        header.set(f"CRPIX{axis}", reference, "[pixel] disc centre")
    for row in (1, 2):
        for column in (1, 2):
            header.set(f"PC{row}_{column}", float(row == column), "no rotation: solar north is up")
    radius = number(header, "RSUN_OBS")
    if radius is None:
        header.remove("R_SUN")
    else:
        header.set("R_SUN", radius / grid.scale, "[pixel] radius of the Sun, RSUN_OBS / CDELT1")


def _pointing(header: Draft, pixels: Pixels, corrections: Corrections, options: CalibrationOptions) -> Lines:
    if not options.pointing:
        header.set("POINTCOR", False, "pointing: the level-1 header's own")
        return ["pointing: not updated, as the level-1 header states it"]
    about, geometry = corrections.pointing, corrections.geometry
    header.set("POINTCOR", True, "pointing updated from the master pointing table")
    header.set("MPO_REC", about["record"], "master pointing record")
    header.set("PNT_TSTA", about["start"], "the record is valid from")
    header.set("PNT_TSTO", about["stop"], "... to")
    header.set("PNT_SHA", about["sha256"])
    for key, value in {"X0_MP": "x0", "Y0_MP": "y0", "INST_ROT": "instrot"}.items():
        header.set(key, about[value])
    header.set("IMSCL_MP", geometry.scale)
    if "SAT_ROT" not in header:
        return [f"pointing: {about['record']}; the spacecraft's attitude is missing, so CROTA2 is the header's own"]
    return [f"pointing: {about['record']}"]


def _respike(header: Draft, pixels: Pixels, corrections: Corrections, options: CalibrationOptions) -> Lines:
    header.set("RESPIKED", options.respike, "spikes put back in")
    if not options.respike:
        return []
    header.set("RSP_NUM", pixels.respiked, "number of spikes put back in")
    header.set("NSPIKES", 0, "number of pixels that despiking changed")
    return [f"respike: {pixels.respiked} pixels"]


def _psf(header: Draft, pixels: Pixels, corrections: Corrections, options: CalibrationOptions) -> Lines:
    header.set("PSFDECON", options.psf, "deconvolved with the point spread function")
    if not options.psf:
        return []
    about = corrections.psf_about
    header.set("PSF_ITER", options.psf_iterations, "Richardson-Lucy iterations")
    header.set("PSF_ACC", options.psf_acceleration, "accelerated after Biggs and Andrews (1997)")
    header.set("PSF_SRC", about["source"], "point spread function")
    header.set("PSF_SHA", about["sha256"])
    how = f"accelerated (Biggs-Andrews, version {ACCELERATED}) " if options.psf_acceleration else ""
    return [f"psf: Richardson-Lucy, {options.psf_iterations} {how}iterations, {about['source']}"]


def _registration(header: Draft, pixels: Pixels, corrections: Corrections, options: CalibrationOptions) -> Lines:
    geometry = corrections.geometry
    header.set("REGMETH", options.interpolation, "interpolation kernel of the registration")
    header.set("REG_X", round(geometry.x0 + 1, 9), "[pixel] disc centre in level 1, CRPIX1")
    header.set("REG_Y", round(geometry.y0 + 1, 9), "[pixel] disc centre in level 1, CRPIX2")
    header.set("REG_SCL", geometry.scale, "[arcsec/pixel] plate scale of the level-1 frame")
    header.set("REG_ROT", geometry.roll, "[deg] roll that was taken out")
    lines = [f"registration: {options.interpolation}, {SCALE} arcsec per pixel, roll {geometry.roll:.6f} deg"]
    if options.region and "follow" in options.region:
        place = f"{write_location(*options.region['follow'])} {options.region['at']}"
        header.set("FOLLOWS", place, "the cutout's middle follows this place")
        lines.append(f"region: follows {place} by whole pixels")
    if options.bin > 1:
        header.set("BINNING", options.bin, "mean of so many 0.6 arcsec pixels a side")
        lines.append(f"binning: mean of {options.bin} x {options.bin} pixels")
    return lines


def _degradation(header: Draft, pixels: Pixels, corrections: Corrections, options: CalibrationOptions) -> Lines:
    if not options.degradation:
        header.set("DEGCORR", 1.0, "degradation: not corrected")
        return ["degradation: not corrected"]
    about = corrections.degradation_about
    header.set("DEGCORR", corrections.degradation, "sensitivity the image was divided by")
    header.set("DEG_VER", about["version"], "version of the calibration, VER_NUM")
    header.set("DEG_SRC", about["source"], "effective areas")
    header.set("DEG_SHA", about["sha256"])
    lines = [f"degradation: divided by {corrections.degradation:.6f}, version {about['version']}"]
    if about.get("note"):
        header.set("DEG_NOTE", about["note"])
        lines.append(f"degradation: {about['note']}")
    return lines


def _exposure(header: Draft, pixels: Pixels, corrections: Corrections, options: CalibrationOptions) -> Lines:
    if not options.exposure:
        header.set("EXPNORM", 1.0, "exposure: not normalised")
        return ["exposure: not normalised"]
    header.set("EXPNORM", pixels.exposure, "[s] exposure the image was divided by")
    # As SolarSoft does (O_EXPTIME; FITS has eight letters), so that who divides by EXPTIME again divides by one.
    header.set("EXPTIME", 1.0, "[s] image is normalised, see O_EXPTIM")
    header.set("O_EXPTIM", pixels.exposure, "[s] exposure time, EXPTIME of level 1", after="EXPTIME")
    return [f"exposure: divided by {pixels.exposure} s"]


def _uncertainty(header: Draft, pixels: Pixels, corrections: Corrections, options: CalibrationOptions) -> Lines:
    header.set("UNCERTAI", options.uncertainty, "standard deviation in the table UNCERT")
    if not options.uncertainty:
        return []
    about = corrections.errors_about
    header.set("ERR_SRC", about["source"], "photometric errors")
    header.set("ERR_SHA", about["sha256"])
    return ["uncertainty: aiapy's estimate_error on counts, squared weights"]


def _compression(header: Draft, pixels: Pixels, corrections: Corrections, options: CalibrationOptions) -> Lines:
    step = rounding(pixels, options)
    if step is not None:
        header.set("ROUNDED", step, "[BUNIT] values rounded to steps of, dithered")
        return [f"compression: rounded to {step:.5g} {header['BUNIT']} ({RICE_STEP} DN of level 1), dithered"]
    return []


def check_level15(header: Mapping[str, Any], options: CalibrationOptions, shape: tuple[int, int] | None = None) -> None:
    """Make sure that a header holds what every level-1.5 frame must state.

    Raises
    ------
    FrameError
        With the first thing that is wrong.
    """
    naxis, scale = (header["NAXIS2"], header["NAXIS1"]), SCALE * options.bin
    expected: dict[str, Any] = {
        "BITPIX": -32, "LVL_NUM": 1.5, "CDELT1": scale, "CDELT2": scale, "CRVAL1": 0.0, "CRVAL2": 0.0,
        "PC1_1": 1.0, "PC1_2": 0.0, "PC2_1": 0.0, "PC2_2": 1.0, "BUNIT": "DN / s" if options.exposure else "DN",
        "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec", "L15VERS": VERSION,
        "POINTCOR": options.pointing, "RESPIKED": options.respike, "PSFDECON": options.psf,
        "REGMETH": options.interpolation, "UNCERTAI": options.uncertainty, "TOTVALS": naxis[0] * naxis[1],
    }  # fmt: skip
    if shape is not None and naxis != shape:
        raise FrameError(f"its image has {naxis[0]} x {naxis[1]} pixels instead of {shape[0]} x {shape[1]}")
    if naxis == (SIDE // options.bin, SIDE // options.bin):
        middle = (CENTRE - 0.5) / options.bin + 0.5
        expected |= {"CRPIX1": middle, "CRPIX2": middle}
    if options.bin > 1:
        expected["BINNING"] = options.bin
    for key, value in expected.items():
        if header.get(key) != value:
            raise FrameError(f"{key} is {header.get(key)!r} instead of {value!r}")
    for key, done in (("DEGCORR", options.degradation), ("EXPNORM", options.exposure)):
        value = header.get(key)
        if not isinstance(value, float) or not value > 0 or (not done and value != 1.0):
            raise FrameError(f"{key} is {value!r}, which no image can have been divided by")
    if header.get("DATAVALS", 0) + header.get("MISSVALS", 0) != header["TOTVALS"]:
        raise FrameError("DATAVALS and MISSVALS do not add up to TOTVALS")
    radius = number(header, "RSUN_OBS")
    if radius is not None and not math.isclose(header.get("R_SUN", 0.0), radius / scale, rel_tol=1e-12):
        raise FrameError(f"R_SUN is {header.get('R_SUN')!r} instead of RSUN_OBS / CDELT1, {radius / scale}")
    for axis in (1, 2):
        if header[f"CRPIX{axis}"] % 1 != 0.5:
            raise FrameError(
                f"CRPIX{axis} is {header[f'CRPIX{axis}']}: its pixels are not those of the full disk's grid"
            )
    for key in ("BLANK", "BSCALE", "BZERO"):
        if key in header:
            raise FrameError(f"{key} is in the header of a floating-point image")
