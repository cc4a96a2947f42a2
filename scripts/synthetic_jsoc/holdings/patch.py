"""im_patch: the part of a level-1 image around a place on the Sun, fixed or carried along by the rotation.

A cutout keeps the pixels and the plate scale of its image; CRPIX, the Sun's centre, may lie outside of it.
"""

import math
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from synthetic_jsoc import times
from synthetic_jsoc.camera import fitsfile

BLANK = -32768
_LARGEST = 3 * 4096  # pixels; a patch may reach beyond the image, where it is blank
# The archive carries a place along with the Carrington frame: degrees per day, as the Earth sees it.
_SYNODIC_RATE = 360 / 27.2753
_SECONDS_PER_DAY = 86400


@dataclass(frozen=True)
class Patch:
    """What an im_patch step asks for.

    Attributes
    ----------
    x, y : float
        Centre, in arcsec from the Sun's centre or in pixels of the image from 1, at the reference time.
    width, height : float
        Arcsec or pixels.
    reference : float or None
        TAI seconds of the time at which the centre is given.
    tracked, registered, cropped : bool
        Follow the rotation; put the centre on the middle to a part of a pixel; leave nothing beyond the limb.
    """

    x: float
    y: float
    width: float
    height: float
    reference: float | None
    tracked: bool
    registered: bool
    cropped: bool
    centre_in_pixels: bool
    box_in_pixels: bool


def read_patch(arguments):
    """Read the arguments of im_patch; None if they are not understood, for then the image comes whole.

    Parameters
    ----------
    arguments : dict of str to str
        ``t_ref``, ``t`` (1: not tracked), ``r``, ``c``, ``locunits``, ``boxunits``, ``x``, ``y``, ``width``,
        ``height``.
    """
    try:
        x, y, width, height = (float(arguments[name]) for name in ("x", "y", "width", "height"))
        reference = times.parse_time(arguments["t_ref"]) if arguments.get("t_ref") else None
        flags = [int(arguments.get(name, default)) for name, default in (("t", 1), ("r", 0), ("c", 0))]
    except (KeyError, ValueError, OverflowError):
        return None
    units = arguments.get("locunits", "arcsec"), arguments.get("boxunits", "arcsec")
    finite = all(map(math.isfinite, (x, y))) and 0 < width < math.inf and 0 < height < math.inf
    if not finite or not set(units) <= {"arcsec", "pixels"} or (reference is None and not flags[0]):
        return None
    pixels = [unit == "pixels" for unit in units]
    return Patch(x, y, width, height, reference, not flags[0], bool(flags[1]), bool(flags[2]), *pixels)


def read_image(full):
    """Pixels and header of a level-1 file with an empty primary HDU and one image."""
    with fits.open(full, do_not_scale_image_data=True) as hdus:
        return hdus[1].data, hdus[1].header.copy()


def write_patch(patch, pixels, header, path, source, request):
    """Cut a patch out of an image, and write it.

    Parameters
    ----------
    patch : Patch
    pixels : ndarray of int16, shape (rows, columns), or synthetic_jsoc.holdings.frames.Drawn
    header : astropy.io.fits.Header
        Of the image; it becomes the patch's.
    path : path-like
        The file to write.
    source : str
        Specification of the record.
    request : str
        Id of the export request.
    """
    cut = cut_out(patch, pixels, header)
    _describe(header, cut, source, request)
    fitsfile.write(path, cut, header)


def cut_out(patch, pixels, header):
    """Cut a patch out of an image.

    Parameters
    ----------
    patch : Patch
    pixels : ndarray of int16, shape (rows, columns), or synthetic_jsoc.holdings.frames.Drawn
    header : astropy.io.fits.Header
        Of the image; its reference pixel becomes the patch's.

    Returns
    -------
    ndarray of int16
        Blank where the patch leaves the image.
    """
    sides, size = _size(patch, header)
    centre = _centre(patch, header)
    corner = [math.floor(c - side / 2 + 0.5) for c, side in zip(centre, sides, strict=True)]
    shift = (
        [c - (n - 1) / 2 - k for c, n, k in zip(centre, size, corner, strict=True)] if patch.registered else [0.0, 0.0]
    )
    cut = _cut(pixels, corner, size, shift)
    header["CRPIX1"] -= corner[0] - 1 + shift[0]
    header["CRPIX2"] -= corner[1] - 1 + shift[1]
    if patch.cropped:
        row, column = np.indices(cut.shape)
        radius = np.hypot(column + 1 - header["CRPIX1"], row + 1 - header["CRPIX2"])
        cut[radius > header["R_SUN"]] = BLANK
    return cut


def _size(patch, header):
    """Width and height in parts of a pixel, and as many whole ones as hold them, which is what JSOC's im_patch cuts."""
    scale = 1 if patch.box_in_pixels else header["CDELT1"]
    sides = [min(side / scale, _LARGEST) for side in (patch.width, patch.height)]
    return sides, [math.ceil(round(side, 6)) or 1 for side in sides]


def _centre(patch, header):
    """Pixel, counted from 1, that the middle of the patch falls on."""
    if patch.centre_in_pixels:
        return patch.x, patch.y
    x, y = patch.x, patch.y
    if patch.tracked:
        x, y = rotated(
            x, y, times.parse_time(header["T_OBS"]) - patch.reference, header["RSUN_OBS"], header["CRLT_OBS"]
        )
    turn = math.radians(header["CROTA2"])
    along = (x * math.cos(turn) + y * math.sin(turn)) / header["CDELT1"]
    across = (y * math.cos(turn) - x * math.sin(turn)) / header["CDELT2"]
    return header["CRPIX1"] + along, header["CRPIX2"] + across


def rotated(x, y, seconds, radius, latitude):
    """Where a place on the disc (arcsec) has turned to after some seconds; places beyond the limb stay.

    Parameters
    ----------
    x, y : float
        Arcsec from the Sun's centre, west and north.
    seconds : float
    radius : float
        Apparent radius, arcsec; the distance is taken for infinite.
    latitude : float
        Heliographic latitude of the observer, degrees.
    """
    if math.hypot(x, y) >= radius:
        return x, y
    tilt = math.radians(latitude)
    u, v = x / radius, y / radius
    towards = math.sqrt(1 - u * u - v * v)
    north = v * math.cos(tilt) + towards * math.sin(tilt)
    front = towards * math.cos(tilt) - v * math.sin(tilt)
    longitude = math.atan2(u, front) + math.radians(_SYNODIC_RATE * seconds / _SECONDS_PER_DAY)
    ring = math.hypot(u, front)
    u, front = ring * math.sin(longitude), ring * math.cos(longitude)
    return radius * u, radius * (north * math.cos(tilt) - front * math.sin(tilt))


def _cut(pixels, corner, size, shift):
    """The pixels of a box, blank where it leaves the image; `corner` counts from 1."""
    width, height = size
    cut = np.full((height, width), BLANK, dtype=np.int16)
    left, low = corner[0] - 1, corner[1] - 1
    rows = slice(max(low, 0), min(low + height, pixels.shape[0]))
    columns = slice(max(left, 0), min(left + width, pixels.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        part = pixels[rows, columns]
        if any(shift):
            from scipy import ndimage

            part = np.round(ndimage.shift(part.astype(np.float32), (-shift[1], -shift[0]), order=3, mode="nearest"))
        cut[rows.start - low : rows.stop - low, columns.start - left : columns.stop - left] = part
    return cut


def _describe(header, cut, source, request):
    """Statistics of the pixels that are left, and what became of the image, as the archive's own cutouts tell it."""
    known = cut[cut != BLANK]
    header["DATAVALS"] = known.size
    header["MISSVALS"] = header["TOTVALS"] - known.size
    if known.size:
        header["DATAMIN"], header["DATAMAX"] = int(known.min()), int(known.max())
        header["DATAMEAN"], header["DATARMS"] = float(known.mean()), float(known.std())
        header["DATAMEDN"] = int(np.median(known))
    series, number, segment = header["DRMS_ID"].split(":")
    header["DRMS_ID"] = f"{series}_mod:{number}:{segment}"
    header["PRIMARYK"] = f"{header['PRIMARYK']}, RequestID"
    header["REQUESTI"] = (request, "The export request identifier")
    header["SOURCE"] = (source, "Input record")
    header["BLANK"] = BLANK
