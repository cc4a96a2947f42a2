"""Time–distance data: brightness along a slit, frame after frame, with its uncertainty.

Places lie along the slit evenly, its ends included, about a pixel (0.6 arcsec) apart, and across it in `width` rows a
pixel apart. At each, level 1.5 is interpolated bilinearly: the four pixels around it have the weights (1 - u)(1 - v),
u (1 - v), (1 - u) v and u v. A value is the mean across the slit, and missing where one of the pixels it is made of is.
Its variance knows that neighbouring pixels of level 1.5 are correlated (`aia_sequence.calibration.sums`).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aia_sequence.analysis import conventions
from aia_sequence.analysis.conventions import MISSING
from aia_sequence.analysis.cube import about_frame
from aia_sequence.calibration.sums import sum_uncertainty
from aia_sequence.config.rotation import carried, surface
from aia_sequence.config.slits import Slit
from aia_sequence.errors import FrameError
from aia_sequence.figures.sequence import Frame, Picture, read_picture
from aia_sequence.files import replacing
from aia_sequence.frames.companions import SATURATED
from aia_sequence.frames.fits import read_header
from aia_sequence.instrument import SCALE
from aia_sequence.projection import RSUN, towards
from aia_sequence.times import iso, read_time

if TYPE_CHECKING:
    import xarray as xr

ARCSEC = np.pi / 180 / 3600
MARGIN = 2 * SCALE  # arcsec of image around the places
NORMALISED = {"BUNIT": "DN / s"}  # what pictures are in, whether or not their files are
INTERPOLATED = (
    "bilinear in level 1.5, weights (1-u)(1-v), u(1-v), (1-u)v, uv of the four pixels around a place; "
    "mean of {width} places across, 0.6 arcsec apart"
)


def places(slit: Slit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where brightness is taken.

    Parameters
    ----------
    slit
        The slit.

    Returns
    -------
    x, y : numpy.ndarray
        Helioprojective arcsec, shape (width, n); of a slit that turns, at its time.
    distance : numpy.ndarray
        From its beginning, arcsec in the plane of the sky, shape (n,).
    """
    count = max(2, round(slit.length / SCALE) + 1)
    distance = np.linspace(0, slit.length, count)
    across = ((np.arange(slit.width) - (slit.width - 1) / 2) * SCALE)[:, np.newaxis]
    if slit.centre:
        begin, end = np.radians(slit.angles)
        angle = begin + np.sign(end - begin) * distance / slit.radius
        outwards = np.array([np.cos(angle), np.sin(angle)])[:, np.newaxis]
        x, y = np.array(slit.centre)[:, np.newaxis, np.newaxis] + (slit.radius + across) * outwards
        return x, y, distance
    points = np.array(slit.points, float)
    steps = np.diff(points, axis=0)
    lengths = np.hypot(*steps.T)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    part = np.clip(np.searchsorted(ends, distance, side="right") - 1, 0, len(steps) - 1)
    along = (steps / np.where(lengths > 0, lengths, 1)[:, np.newaxis])[part].T
    x, y = points[part].T + along * (distance - ends[part])
    return x - across * along[1], y + across * along[0], distance


def follow(frames: Sequence[Frame], slit: Slit) -> "xr.Dataset":
    """Brightness along a slit in every frame, as it is written to a file.

    Parameters
    ----------
    frames
        Of one channel, ascending in time.
    slit
        The slit.

    Returns
    -------
    xarray.Dataset
        `data` (time, distance) in DN/s, `uncertainty` where the frames have it, `mask` (saturated 1, missing 4), and
        what is known of each frame. Distances are arcsec in the plane of the sky and Mm: there, too, or, of a slit that
        turns, along great circles of the photosphere (696 Mm).

    Raises
    ------
    FrameError
        If there is no frame, or none of them shows any of the slit.
    """
    import xarray as xr

    if not frames:
        raise FrameError(f"slit {slit.name}: there is no frame to take it from")
    headers = [read_header(frame.path) for frame in frames]
    x, y, distance = places(slit)
    megametres = distance * ARCSEC * headers[0]["DSUN_OBS"] / 1e6
    disc = _on_disc(slit, frames, headers, x, y) if slit.at else None
    if disc is not None:
        megametres = _along_surface(*(one[slit.width // 2] for one in disc))
    found: dict[str, list[Any]] = {name: [] for name in ("data", "uncertainty", "mask", "x", "y")}
    known = [about_frame(frame, header) for frame, header in zip(frames, headers, strict=True)]
    for frame, header in zip(frames, headers, strict=True):
        now = (x, y) if disc is None else carried(*disc, read_time(slit.at or ""), header)
        values = sample(frame, header, *now)
        for name, value in zip(found, (*values, *(one[slit.width // 2] for one in now)), strict=True):
            found[name].append(value)
    if not np.isfinite(found["data"]).any():
        raise FrameError(f"slit {slit.name}: none of {len(frames)} frames shows any of it; it is {slit.words}")
    both = ("time", "distance")
    unit = NORMALISED["BUNIT"]
    flags = {"flag_masks": np.array([SATURATED, MISSING], np.uint8), "flag_meanings": "saturated missing"}
    along = {"units": "Mm", "long_name": _megametres(slit)}
    variables: dict[str, Any] = {
        "data": (both, np.array(found["data"], np.float32), {"units": unit, "long_name": "brightness along the slit"}),
        "mask": (both, np.array(found["mask"], np.uint8), {"units": "1", "standard_name": "status_flag", **flags,
                 "long_name": "what is to be known of a value, the sum of all flags that hold; 0 is a good value"}),
        "distance_mm": ("distance", megametres, along),
    }  # fmt: skip
    for name in ("time", "tai", "exposure", "quality", "degradation", "record"):
        each = np.array([one[name] for one in known], np.uint32 if name == "quality" else None)
        variables[name] = ("time", each, conventions.of_variable(name, unit))
    if any(one is not None for one in found["uncertainty"]):
        sigma = [np.full(len(distance), np.nan) if one is None else one for one in found["uncertainty"]]
        about = {"units": unit, "long_name": "standard deviation of the brightness"}
        variables["uncertainty"] = (both, np.array(sigma, np.float32), about)
    for name, way in (("x", "west"), ("y", "north")):
        told = {"units": "arcsec", "long_name": f"middle of the slit, helioprojective, towards {way}"}
        variables[name] = (both, np.array(found[name]), told) if slit.at else ("distance", found[name][0], told)
    arcsec = {"units": "arcsec", "long_name": "angle along the slit, in the plane of the sky"}
    variables["distance"] = ("distance", distance, arcsec)
    variables["data"][2]["ancillary_variables"] = "uncertainty mask" if "uncertainty" in variables else "mask"
    covered = {f"time_coverage_{name}": iso(known[at]["tai"], 2) for name, at in (("start", 0), ("end", -1))}
    return xr.Dataset(variables, attrs=_described(slit, headers[0]) | covered)


def sample(
    frame: Frame, header: Mapping[str, Any], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Brightness of a frame at places in rows across a slit, the mean of the rows.

    Parameters
    ----------
    frame, header
        The frame and its header.
    x, y
        Places in helioprojective arcsec, (rows, n); NaN where there is none.

    Returns
    -------
    values, uncertainty, mask
        Shape (n,), DN/s; the uncertainty is None where the frame has none.
    """
    nothing = np.full(x.shape[1], np.nan), None, np.full(x.shape[1], MISSING, np.uint8)
    if not (np.isfinite(x) & np.isfinite(y)).any():
        return nothing
    bounds = {name: [np.nanmin(one) - MARGIN, np.nanmax(one) + MARGIN] for name, one in (("x", x), ("y", y))}
    for axis, (low, high) in enumerate(bounds.values(), 1):
        edges = (np.array([1, header[f"NAXIS{axis}"]]) - header[f"CRPIX{axis}"]) * header[f"CDELT{axis}"]
        if high < edges[0] or low > edges[1]:
            return nothing
    picture = read_picture(frame.path, bounds, uncertainty=True)
    column, row, u, v = _pixels(picture, x, y)
    corners = [(row + j, column + i, (v if j else 1 - v) * (u if i else 1 - u)) for j in (0, 1) for i in (0, 1)]
    # A pixel of no weight has no say, missing or not.
    values = sum(np.where(weight > 0, picture.data[at, beside] * weight, 0) for at, beside, weight in corners)
    values = np.where(np.isnan(u), np.nan, values).mean(axis=0)
    saturated = np.any([picture.saturated[at, beside] & (weight > 0) for at, beside, weight in corners], axis=(0, 1))
    mask = np.where(saturated, SATURATED, 0) | np.where(np.isnan(values), MISSING, 0)
    sigma = None if picture.uncertainty is None else np.fromiter(_sigmas(picture, corners, values), float)
    return values, sigma, mask.astype(np.uint8)


def _pixels(picture: Picture, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """The lower left of the four pixels around each place, and how far past it the place lies; NaN off the image."""
    found = []
    for axis, (place, size) in enumerate(((x, picture.data.shape[1]), (y, picture.data.shape[0])), 1):
        header = picture.header
        pixel = (place - header.get(f"CRVAL{axis}", 0.0)) / header[f"CDELT{axis}"] + header[f"CRPIX{axis}"] - 1
        inside = (pixel >= 0) & (pixel <= size - 1)
        first = np.clip(np.floor(np.where(inside, pixel, 0)), 0, size - 2).astype(int)
        found += [first, np.where(inside, pixel - first, np.nan)]
    column, u, row, v = found
    outside = np.isnan(u) | np.isnan(v)
    return column, row, np.where(outside, np.nan, u), np.where(outside, np.nan, v)


def _sigmas(picture: Picture, corners: Sequence[tuple[np.ndarray, ...]], values: np.ndarray) -> Iterator[float]:
    """Standard deviation of each value: a sum of pixels with the weights of the interpolation and of the mean."""
    rows, columns, weights = (np.stack(one) for one in zip(*corners, strict=True))
    names = ("REGMETH", "REG_X", "REG_Y", "REG_SCL", "REG_ROT", "BINNING")
    header = {key: picture.header[key] for key in names if key in picture.header}
    for place, value in enumerate(values):
        if np.isnan(value):
            yield np.nan
            continue
        row, column = rows[..., place], columns[..., place]
        bottom, left = row.min(), column.min()
        factors = np.zeros((row.max() - bottom + 1, column.max() - left + 1), np.float32)
        np.add.at(factors, (row - bottom, column - left), weights[..., place] / row.shape[1])
        around = np.s_[bottom : bottom + factors.shape[0], left : left + factors.shape[1]]
        sigma = np.where(factors > 0, np.asarray(picture.uncertainty)[around], np.float32(np.nan))
        corner = {"CRPIX1": picture.header["CRPIX1"] - left, "CRPIX2": picture.header["CRPIX2"] - bottom}
        yield sum_uncertainty(sigma, header | corner, factors)


def _on_disc(
    slit: Slit, frames: Sequence[Frame], headers: Sequence[Mapping[str, Any]], x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Stonyhurst longitude and latitude (degrees) of a slit that turns, at its time."""
    given = read_time(slit.at or "")
    nearest = min(range(len(frames)), key=lambda number: abs(frames[number].time - given))
    longitude, latitude = surface(x, y, headers[nearest])
    if np.isnan(longitude[slit.width // 2]).any():
        raise FrameError(f"slit {slit.name}: a part of it lies beyond the limb at {slit.at}; it is {slit.words}")
    return longitude, latitude


def _along_surface(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Distance (Mm) along great circles of the photosphere from the first of places, in degrees."""
    path = towards(longitude, latitude, 0.0)
    steps = 2 * np.arcsin(np.linalg.norm(np.diff(path, axis=1), axis=0) / 2)
    return np.concatenate([[0], np.cumsum(steps)]) * RSUN / 1e6


def _megametres(slit: Slit) -> str:
    where = "great circles of the photosphere at its time" if slit.at else "the slit, in the plane of the sky"
    return f"distance along {where}"


def _described(slit: Slit, header: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of the file: what was observed, and what was done."""
    told = conventions.of_file(
        {**header, **NORMALISED},
        title=f"along the slit {slit.name}",
        summary=f"Brightness along a line on the Sun ({slit.words}) in every frame of one channel: time-distance data",
        steps=[f"taken along the slit: {INTERPOLATED.format(width=slit.width)}"],
    )
    told |= {"slit": slit.words, "width_pixels": slit.width, "turns": int(bool(slit.at))}
    told |= {"interpolation": INTERPOLATED.format(width=slit.width)}
    if slit.at:
        told["references"] += f"; {conventions.ROTATION}"
        law = "Howard et al. 1990, of small magnetic features, as sunpy's default"
        told |= {"turned_from": slit.at, "rotation_law": law}
    return told


def write(path: str | Path, dataset: "xr.Dataset") -> None:
    """Write what `follow` found as netCDF-4, in one move."""
    fill: dict[Any, dict[str, Any]] = {name: {"_FillValue": None} for name in dataset.variables}
    fill |= {name: {"_FillValue": np.float32(np.nan)} for name in ("data", "uncertainty") if name in dataset}
    with replacing(path) as part:
        dataset.to_netcdf(part, engine="h5netcdf", encoding=fill, unlimited_dims=[])
