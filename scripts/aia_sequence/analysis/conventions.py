"""What files for analysis say of themselves: attributes by CF 1.11 and ACDD 1.3, so that a stranger can read them.

DN, the data number of the camera, is the one unit that UDUNITS does not know.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aia_sequence import __version__
from aia_sequence.frames import companions
from aia_sequence.quality import BITS as QUALITY
from aia_sequence.versions import LEVEL15

UNIX = "seconds since 1970-01-01 00:00:00"
MISSING = 4  # of the mask, beside the flags of level 1.5
FLAGS = {"saturated": companions.SATURATED, "near_saturated": companions.NEAR_SATURATED, "missing": MISSING}
UNKNOWN = -1  # of a count that the header lacks
# Of each frame: name, type, unit, what it is, and the header's keyword.
NUMBERS = (
    ("exposure", "f8", "s", "exposure time", "O_EXPTIM"),
    ("quality", "u4", "1", "QUALITY of the level-1 record; 0 is a nominal frame", "QUALITY"),
    ("saturated_pixels", "i8", "1", "saturated pixels of the level-1 frame", "NSATPIX"),
    ("degradation", "f8", "1", "sensitivity relative to launch that the image was divided by", "DEGCORR"),
    ("crpix1", "f8", "1", "pixel (from 1) of the disc centre along x, FITS keyword CRPIX1", "CRPIX1"),
    ("crpix2", "f8", "1", "pixel (from 1) of the disc centre along y, FITS keyword CRPIX2", "CRPIX2"),
    ("observer_longitude", "f8", "degree", "Stonyhurst longitude of SDO", "HGLN_OBS"),
    ("observer_latitude", "f8", "degree", "Stonyhurst latitude of SDO", "HGLT_OBS"),
    ("observer_carrington", "f8", "degree", "Carrington longitude of the disc centre", "CRLN_OBS"),
    ("observer_distance", "f8", "m", "distance of SDO from the centre of the Sun", "DSUN_OBS"),
    ("solar_radius", "f8", "arcsec", "angular radius of the photosphere as SDO saw it", "RSUN_OBS"),
    ("level1_centre_x", "f8", "1", "pixel (from 1) of the disc centre in level 1, along its rows", "REG_X"),
    ("level1_centre_y", "f8", "1", "pixel (from 1) of the disc centre in level 1, along its columns", "REG_Y"),
    ("level1_scale", "f8", "arcsec", "size of a pixel of level 1", "REG_SCL"),
    ("level1_roll", "f8", "degree", "roll of level 1 that was taken out, counterclockwise", "REG_ROT"),
)
KINDS = {name: kind for name, kind, *_ in NUMBERS}
TEXTS = {
    "t_rec": "slot of the archive in which the record lies, T_REC (UTC)",
    "record": "record of the archive: series, T_REC, wavelength",
    "sha256": "SHA-256 of the file that the frame was read from",
    "pointing": "record of the master pointing table that was applied; 'header' is the frame's own pointing",
}
PLANES = {  # name: type, and what it is
    "data": ("f4", "brightness of the Sun; NaN where nothing was measured"),
    "uncertainty": ("f4", "standard deviation of the brightness: photons, read noise and compression"),
    "mask": ("u1", "what is to be known of a pixel, the sum of all flags that hold; 0 is a good pixel"),
    "area": ("f4", "pixels of level 1 that a pixel covers; brightness times area is flux"),
}
MASK = (
    "saturated: it lies less than a pixel from a saturated pixel of level 1; near_saturated: its interpolation touched "
    "one; missing: data is NaN"
)
REFERENCES = (
    "AIA: Lemen et al. 2012, doi:10.1007/s11207-011-9776-8; calibration: Boerner et al. 2012, "
    "doi:10.1007/s11207-011-9804-8; coordinates: Thompson 2006, doi:10.1051/0004-6361:20054262"
)
ROTATION = "rotation: Howard et al. 1990, doi:10.1007/BF00156795"


def unit_of(header: Mapping[str, Any]) -> str:
    """Unit of brightness of a level-1.5 frame."""
    return str(header.get("BUNIT", "DN / s"))


def fits_cards(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The FITS keywords among a file's attributes, which are `fits_CRVAL1` and so on."""
    return {key.removeprefix("fits_"): value for key, value in attributes.items() if key.startswith("fits_")}


def of_variable(name: str, unit: str) -> dict[str, Any]:
    """Attributes of a variable of a cube or slit, coordinates along pixels excepted.

    Parameters
    ----------
    name
        Of the variable.
    unit
        Of brightness.
    """
    of_frame = {one[0]: one for one in NUMBERS}
    if name in of_frame:
        _, kind, units, words, _ = of_frame[name]
        told: dict[str, Any] = {"long_name": words, "units": units}
        if name == "quality":
            meanings = " ".join(QUALITY[bit].replace("%", "percent").replace(" ", "_") for bit in sorted(QUALITY))
            told |= {"flag_masks": np.array([1 << bit for bit in sorted(QUALITY)], np.uint32)}
            told |= {"flag_meanings": meanings, "standard_name": "status_flag"}
        return told | ({"_FillValue": np.int64(UNKNOWN)} if kind == "i8" else {})
    if name in TEXTS:
        return {"long_name": TEXTS[name]}
    if name == "mask":
        masks = np.array(list(FLAGS.values()), np.uint8)
        about = {"flag_masks": masks, "flag_meanings": " ".join(FLAGS), "standard_name": "status_flag"}
        return {"long_name": PLANES[name][1], "units": "1", **about, "comment": MASK}
    if name in PLANES:
        return {"long_name": PLANES[name][1], "units": "1" if name == "area" else unit}
    return {
        "time": {
            "long_name": "middle of the exposure (T_OBS), UTC", "standard_name": "time", "units": UNIX,
            "calendar": "standard", "axis": "T",
        },
        "tai": {
            "long_name": "the same as TAI seconds since 1977-01-01T00:00:00 TAI: exact across leap seconds",
            "units": "s",
        },
        "step": {"long_name": "data are rounded to multiples of this", "units": unit},
    }[name]  # fmt: skip


def of_file(header: Mapping[str, Any], *, title: str, summary: str, steps: Sequence[str]) -> dict[str, Any]:
    """Attributes of a whole file.

    Parameters
    ----------
    header
        Of a frame, with the cards that level 1.5 has.
    title
        What is shown, behind instrument and channel.
    summary
        The same in a sentence or two.
    steps
        What was done after level 1.5.
    """
    synthetic, channel = bool(header.get("SYNTH", False)), int(header["WAVELNTH"])
    archive = f" of the archive {header['L1ARCHIV']}" if header.get("L1ARCHIV") else ""
    observed = f"observations: SDO/AIA level 1{archive}, records in the variable record"
    return {
        "Conventions": "CF-1.11, ACDD-1.3",
        "title": f"SDO/AIA {channel} Å {title}",
        "summary": summary,
        "source": "SYNTHETIC: a model's, not observations of the Sun" if synthetic else observed,
        "synthetic": int(synthetic),
        "platform": "SDO",
        "instrument": "AIA",
        "telescope": "SDO/AIA",
        "wavelength_angstrom": channel,
        "keywords": f"Sun, solar atmosphere, ultraviolet, SDO, AIA, {channel} angstrom",
        "processing_level": "1.5",
        "level15_version": LEVEL15,
        "history": "; ".join([f"aia-sequence {__version__}", *_steps(header), *steps]),
        "references": REFERENCES,
    }


def _steps(header: Mapping[str, Any]) -> list[str]:
    """What was done to level 1, as the header of level 1.5 says."""
    steps = ["pointing as the level-1 headers state it" if header.get("MPO_REC") is None else "pointing updated"]
    if header.get("RESPIKED"):
        steps.append("spikes put back in")
    if header.get("PSFDECON"):
        steps.append(f"deconvolved with the point spread function ({header.get('PSF_ITER')} iterations)")
    kernel = header.get("REGMETH", "unknown")
    steps.append(f"interpolated once ({kernel}) to {header['CDELT1']:g} arcsec a pixel, solar north up")
    if header.get("BINNING"):
        steps.append(f"mean of {header['BINNING']} x {header['BINNING']} pixels of 0.6 arcsec")
    normal, sensitive = unit_of(header) == "DN / s", header.get("DEGCORR", 1.0) != 1.0
    version = f", calibration version {header['DEG_VER']}" if "DEG_VER" in header else ""
    steps.append(f"divided by the variable degradation{version}" if sensitive else "degradation not corrected")
    steps.append("divided by the variable exposure" if normal else "exposure not normalised")
    return steps
