"""Cubes as xarray and ndcube open them: from their file, or of level-1.5 frames that were put into none."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from aia_sequence.analysis import conventions
from aia_sequence.analysis.conventions import MISSING, PLANES
from aia_sequence.analysis.cube import about_frame, bounds_of, describe, pixel_places, read
from aia_sequence.errors import AIAError
from aia_sequence.figures.sequence import Frame
from aia_sequence.frames.fits import read_region_header
from aia_sequence.times import iso

if TYPE_CHECKING:
    import xarray as xr
    from ndcube import NDCube
    from sunpy.map.sources import AIAMap


def open_file(path: str | Path) -> "xr.Dataset":
    """Open a cube file; pixels are read when they are asked for."""
    import xarray as xr

    dataset = xr.open_dataset(path, engine="h5netcdf", chunks={})
    for name in [name for name, one in dataset.variables.items() if one.dims == ("time",)]:
        dataset[name].load()
    return dataset


def of_frames(frames: Sequence[Frame], region: Mapping[str, Any] | None) -> "xr.Dataset":
    """The same of level-1.5 frames that were put into no file; each is read when its pixels are asked for."""
    import dask.array as da
    import xarray as xr
    from dask import delayed

    if not frames:
        raise AIAError("there is no frame to make a cube of")
    headers = [read_region_header(frame.path, bounds_of(frame, region)) for frame in frames]
    header, known = headers[0], [about_frame(frame, one) for frame, one in zip(frames, headers, strict=True)]
    shape, sigma = (header["NAXIS2"], header["NAXIS1"]), bool(header.get("UNCERTAI", False))
    lazily = [delayed(_planes)(frame, region, uncertainty=sigma) for frame in frames]
    variables: dict[str, Any] = {}
    unit = conventions.unit_of(header)
    for name in ("data", "mask", *(("uncertainty",) if sigma else ())):
        pieces = [da.from_delayed(one[name], shape, PLANES[name][0]) for one in lazily]
        variables[name] = (("time", "y", "x"), da.stack(pieces), conventions.of_variable(name, unit))
    for name in known[0]:
        values = np.array([one[name] for one in known], conventions.KINDS.get(name))
        variables[name] = (("time",), values, conventions.of_variable(name, unit))
    attributes = describe(header, region)
    for name, (values, told) in pixel_places(header, shape, tracked=bool(attributes["tracked"])).items():
        variables[name] = ((name,), values, told)
    return xr.decode_cf(xr.Dataset(variables, attrs=attributes))


def _planes(frame: Frame, region: Mapping[str, Any] | None, *, uncertainty: bool) -> dict[str, np.ndarray]:
    return read(frame, region, uncertainty=uncertainty).planes


def as_map(dataset: "xr.Dataset", number: int) -> "AIAMap":
    """A frame of a cube as a sunpy map; one of a derotated cube is a view of the reference time.

    Parameters
    ----------
    dataset
        The cube.
    number
        Of the frame, from 0.
    """
    import sunpy.map

    frame, told = dataset.isel(time=number), dataset.attrs
    header = conventions.fits_cards(told)
    header |= {"CRPIX1": float(frame["crpix1"]), "CRPIX2": float(frame["crpix2"])}
    if "reference_time" not in told:
        seen = {"HGLN_OBS": "longitude", "HGLT_OBS": "latitude", "DSUN_OBS": "distance"}
        header |= {key: float(frame[f"observer_{name}"]) for key, name in seen.items()}
        header |= {"T_OBS": iso(float(frame["tai"]), 2), "RSUN_OBS": float(frame["solar_radius"])}
    header |= {"DATE-OBS": header["T_OBS"].removesuffix("Z"), "TELESCOP": told["telescope"], "INSTRUME": "AIA"}
    header |= {"WAVELNTH": told["wavelength_angstrom"], "WAVEUNIT": "angstrom", "BUNIT": frame["data"].attrs["units"]}
    return sunpy.map.Map(frame["data"].to_numpy(), header)


def as_ndcube(dataset: "xr.Dataset") -> "NDCube":
    """A cube as an NDCube: celestial coordinates of the first frame, and the time of each.

    Raises
    ------
    AIAError
        If the region moves: an NDCube has one set of celestial coordinates for all frames.
    """
    from astropy import units as u
    from astropy.nddata import StdDevUncertainty
    from astropy.time import Time
    from astropy.wcs import WCS
    from ndcube import NDCube
    from ndcube.extra_coords import TimeTableCoordinate
    from ndcube.wcs.wrappers import CompoundLowLevelWCS

    if dataset.attrs["tracked"]:
        raise AIAError("the region moves across the sky, and an NDCube has one place for all frames: use cube()")
    header = conventions.fits_cards(dataset.attrs)
    tai = Time("1977-01-01T00:00:00", scale="tai") + np.asarray(dataset["tai"]) * u.s
    wcs = CompoundLowLevelWCS(WCS(fits.Header(header)), TimeTableCoordinate(tai.utc).wcs)
    sigma = dataset.get("uncertainty")
    return NDCube(
        dataset["data"].data,
        wcs=wcs,
        mask=(dataset["mask"].data & MISSING) > 0,
        uncertainty=None if sigma is None else StdDevUncertainty(sigma.data),
        unit=u.Unit(dataset["data"].attrs["units"].replace("DN", "dn")) if "units" in dataset["data"].attrs else None,
        meta=dict(dataset.attrs),
    )
