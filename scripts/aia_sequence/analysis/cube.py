"""Cubes: the region of every frame of a channel in one netCDF-4 file, with all that is known of each frame.

Brightness is rounded to a power of two of at most a tenth of a level-1 DN, a fortieth of the read noise; what is left
compresses to a third. Chunks are pieces of one frame, so that a frame and a pixel's history are both read quickly. A
frame is written as it comes: memory does not grow with the length of the sequence, and the same frames make the same
bytes. Names and units follow the CF conventions 1.11, times are UTC as Unix seconds, TAI beside them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy.io import fits

from aia_sequence.analysis import conventions
from aia_sequence.analysis.conventions import MISSING, NUMBERS, PLANES, TEXTS, UNKNOWN
from aia_sequence.errors import FrameError
from aia_sequence.figures.sequence import Frame, follows, place
from aia_sequence.files import replacing
from aia_sequence.frames import companions
from aia_sequence.frames.fits import read_header, read_level15
from aia_sequence.times import iso, utc_of

STEP = 0.1  # level-1 DN, of which brightness is rounded to the power of two below
CHUNK = 250  # pixels along x and y
EMPTY: Mapping[str, Any] = MappingProxyType({})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CARDS = ("WCSAXES", "CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CDELT1", "CDELT2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2",
         "PC1_1", "PC1_2", "PC2_1", "PC2_2", "RSUN_REF", "DSUN_OBS", "HGLN_OBS", "HGLT_OBS")  # fmt: skip
PLACES = (
    "Helioprojective arcsec of pixel (i, j) of frame n, counted from 1: Tx = CRVAL1 + CDELT1 (i - crpix1[n]), west; "
    "Ty = CRVAL2 + CDELT2 (j - crpix2[n]), north; CRVAL and CDELT are the attributes fits_CRVAL1 and so on, which are "
    "FITS keywords of {whose}. {middle}"
)
SOURCE = ("T_REC", "record", "sha256")  # of a frame: which one it is
OF_ONE = "x and y are the same of every frame."
OF_MIDDLE = "The region moves, so that crpix1 and crpix2 change: x and y count from the middle of the region."


def step_of(header: Mapping[str, Any]) -> float:
    """What a frame's brightness is rounded to multiples of: a power of two, in its unit."""
    gain = 1.0 / (float(header.get("EXPNORM", 1.0)) * float(header.get("DEGCORR", 1.0)))
    return 2.0 ** math.floor(math.log2(STEP * gain))


@dataclass
class Entry:
    """One frame of a cube.

    Attributes
    ----------
    planes
        `data`, `mask` (uint8), and where they are known `uncertainty` and `area`, each (ny, nx).
    known
        What is known of the frame, by the name of its variable, see `about`.
    header
        Its header; CRPIX is that of the region.
    """

    planes: dict[str, np.ndarray]
    known: dict[str, Any]
    header: fits.Header


def read(frame: Frame, region: Mapping[str, Any] | None, *, uncertainty: bool) -> Entry:
    """The region of a level-1.5 frame."""
    names = ("image", "uncertainty", "flags") if uncertainty else ("image", "flags")
    image, *sigma, flags, header = read_level15(frame.path, bounds_of(frame, region), *names)
    known = about_frame(frame, header)
    step = np.float32(known["step"])
    mask = flags | np.where(np.isnan(image), np.uint8(MISSING), np.uint8(0))
    planes = {"data": np.rint(image / step) * step, "mask": mask}
    return Entry(planes | ({"uncertainty": sigma[0]} if sigma else {}), known, header)


def bounds_of(frame: Frame, region: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Bounds of the region (arcsec) at the time of a frame."""
    if not region or "follow" not in region:
        return region
    from aia_sequence.config.rotation import region_at

    return region_at(region, read_header(frame.path))


def about_frame(frame: Frame, header: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a level-1.5 frame, see `about`."""
    row = {name: getattr(frame, name) for name in (*SOURCE, "EXPTIME", "QUALITY")}
    return about(header, frame.time, row)


def about(header: Mapping[str, Any], tai: float, row: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a frame, by the name of its variable.

    Parameters
    ----------
    header
        Its header, with the values that calibration put there.
    tai
        T_OBS, TAI seconds.
    row
        Of a manifest: T_REC, record, sha256, EXPTIME, QUALITY.
    """
    known: dict[str, Any] = {"time": (utc_of(tai) - EPOCH).total_seconds(), "tai": tai}
    for name, kind, _, _, key in NUMBERS:
        known[name] = header.get(key, np.nan if kind == "f8" else UNKNOWN)
    known["exposure"] = float(row["EXPTIME"])
    known["quality"] = int(row["QUALITY"]) & 0xFFFFFFFF
    known["step"] = step_of(header)
    texts = (row["T_REC"], row["record"], row["sha256"], str(header.get("MPO_REC", "header")))
    return known | dict(zip(TEXTS, texts, strict=True))


def describe(
    header: Mapping[str, Any], region: Mapping[str, Any] | None, attributes: Mapping[str, Any] = EMPTY
) -> dict[str, Any]:
    """Attributes of a cube of which this is the first frame's header, with further ones, or others in their place."""
    found: dict[str, Any] = {
        "region": place(region), "frame": "as seen by SDO", "tracked": int(follows(region)),
        **{f"fits_{key}": header[key] for key in CARDS if key in header}, **attributes,
    }  # fmt: skip
    tracked, reference = bool(found["tracked"]), found.get("reference_time")
    how = f"turned to how the surface looked at {reference}" if reference else "as SDO saw the Sun"
    told = conventions.of_file(
        dict(header) | conventions.fits_cards(found),
        title=f"cube of {'frames' if region is None else 'a region'}, {how}",
        summary=f"Brightness of {place(region)} in every frame, {how}, and what is known of each pixel and frame",
        steps=["region cut out", "brightness rounded to multiples of the variable step"],
    )
    whose = "the reference time" if reference else "the first frame"
    return told | {"comment": PLACES.format(whose=whose, middle=OF_MIDDLE if tracked else OF_ONE)} | found


def seen(frames: Sequence[Frame], region: Mapping[str, Any] | None) -> Iterator[Entry]:
    """Level-1.5 frames for a cube, as SDO saw the Sun."""
    sigma = bool(frames) and bool(read_header(frames[0].path).get("UNCERTAI", False))
    for frame in frames:
        yield read(frame, region, uncertainty=sigma)


def write(
    path: str | Path, entries: Iterable[Entry], region: Mapping[str, Any] | None, attributes: Mapping[str, Any] = EMPTY
) -> int:
    """Write a cube, a frame at a time, in one move.

    Parameters
    ----------
    path
        netCDF-4 file to write.
    entries
        Frames of one channel, ascending in time, from `seen` or `aia_sequence.analysis.turned.turned`.
    region
        Bounds in arcsec, or a place to follow; None for the full disk.
    attributes
        Of the cube, besides those of `describe`, or in their place.

    Returns
    -------
    int
        How many frames there are.

    Raises
    ------
    FrameError
        If there is none, or frames differ in the size of the region.
    """
    writer, count = None, 0
    with replacing(path) as part:
        for entry in entries:
            shape = entry.planes["data"].shape
            if writer is None:
                told = describe(entry.header, region, attributes)
                writer = _Writer(part, shape, told, entry)
            if shape != writer.shape:
                raise FrameError(
                    f"{entry.known['record']} has {shape} pixels in the region and the first frame {writer.shape}: "
                    "frames of one cube have one size"
                )
            writer.add(count, entry)
            count += 1
        if writer is None:
            raise FrameError(f"{path}: there is no frame to put into a cube")
        writer.close()
    return count


class _Writer:
    """The file while it grows."""

    def __init__(self, path: Path, shape: tuple[int, int], attributes: Mapping[str, Any], first: Entry) -> None:
        import h5netcdf
        from h5py import string_dtype

        self.shape, self.times = shape, list[float]()
        unit = conventions.unit_of(first.header)
        self.file = file = h5netcdf.File(path, "w")
        file.dimensions = {"time": None, "y": shape[0], "x": shape[1]}
        file.attrs.update(attributes)
        for name in first.known:
            told = conventions.of_variable(name, unit)
            kind = string_dtype() if name in TEXTS else conventions.KINDS.get(name, "f8")
            fill = told.pop("_FillValue", None)
            file.create_variable(name, ("time",), kind, fillvalue=fill, chunks=(1024,)).attrs.update(told)
        cards = conventions.fits_cards(attributes)
        for name, (values, told) in pixel_places(cards, shape, tracked=bool(attributes["tracked"])).items():
            file.create_variable(name, (name,), "f8", data=values).attrs.update(told)
        chunks = (1, min(CHUNK, shape[0]), min(CHUNK, shape[1]))
        packed = {"chunks": chunks, "compression": "gzip", "compression_opts": 1, "shuffle": True}
        for name in [name for name in PLANES if name in first.planes]:
            kind = PLANES[name][0]
            fill = np.float32(np.nan) if kind == "f4" else None
            variable = file.create_variable(name, ("time", "y", "x"), kind, fillvalue=fill, **packed)
            variable.attrs.update(conventions.of_variable(name, unit))
        beside = [name for name in PLANES if name in first.planes and name != "data"]
        file["data"].attrs["ancillary_variables"] = " ".join(beside)

    def add(self, number: int, entry: Entry) -> None:
        """Append a frame."""
        self.file.resize_dimension("time", number + 1)
        self.times.append(entry.known["tai"])
        for name, value in {**entry.planes, **entry.known}.items():
            if value is not None:
                self.file[name][number] = ROUNDED[name](value) if name in ROUNDED else value

    def close(self) -> None:
        begin, end = (iso(time, 2) for time in (self.times[0], self.times[-1]))
        self.file.attrs.update(time_coverage_start=begin, time_coverage_end=end)
        self.file.close()


def rounded(values: np.ndarray) -> np.ndarray:
    """Positive float32 values to 0.8 %, as compressed level-1.5 frames have their uncertainty."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32) + np.uint32(1 << (companions.ROUNDED - 1))
    return (bits & np.uint32(0xFFFFFFFF << companions.ROUNDED & 0xFFFFFFFF)).view(np.float32)


ROUNDED = {"uncertainty": rounded, "area": lambda values: np.rint(values * 4096) / np.float32(4096)}


def pixel_places(
    header: Mapping[str, Any], shape: tuple[int, int], *, tracked: bool
) -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """Arcsec of pixel centres along x and y, with attributes: helioprojective, or from the middle of what moves."""
    places = {}
    for axis, name, way in ((1, "x", "west"), (2, "y", "north")):
        size = shape[2 - axis]
        middle = (size + 1) / 2 if tracked else header[f"CRPIX{axis}"]
        words = "from the middle of the region" if tracked else "helioprojective, from the disc centre"
        told = {"long_name": f"pixel centres, {words}, towards {way}", "units": "arcsec"}
        places[name] = (np.arange(1, size + 1) - middle) * header[f"CDELT{axis}"], told
    return places
