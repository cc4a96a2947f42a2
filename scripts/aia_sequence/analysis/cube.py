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

from aia_sequence import __version__
from aia_sequence.errors import FrameError
from aia_sequence.figures.sequence import Frame
from aia_sequence.files import replacing
from aia_sequence.frames import companions
from aia_sequence.frames.fits import read_header, read_level15
from aia_sequence.times import utc_of
from aia_sequence.versions import LEVEL15

STEP = 0.1  # level-1 DN, of which brightness is rounded to the power of two below
CHUNK = 250  # pixels along x and y
MISSING = 4  # of the mask, beside the flags of level 1.5
BITS = {
    "saturated": companions.SATURATED,
    "near_saturated": companions.NEAR_SATURATED,
    "missing": MISSING,
}
EMPTY: Mapping[str, Any] = MappingProxyType({})
UNIX = "seconds since 1970-01-01 00:00:00"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CARDS = ("WCSAXES", "CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CDELT1", "CDELT2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2",
         "PC1_1", "PC1_2", "PC2_1", "PC2_2", "RSUN_REF", "DSUN_OBS", "HGLN_OBS", "HGLT_OBS")  # fmt: skip
# Of each frame: name, type, unit, what it is, and the header's keyword.
NUMBERS = (
    ("exposure", "f8", "s", "exposure time", "O_EXPTIM"),
    ("quality", "u4", "1", "QUALITY of level 1", "QUALITY"),
    ("saturated_pixels", "i8", "1", "saturated pixels of the level-1 frame", "NSATPIX"),
    ("degradation", "f8", "1", "sensitivity that the image was divided by", "DEGCORR"),
    ("crpix1", "f8", "1", "pixel (from 1) of the disc centre, along x", "CRPIX1"),
    ("crpix2", "f8", "1", "pixel (from 1) of the disc centre, along y", "CRPIX2"),
    ("observer_longitude", "f8", "degree", "Stonyhurst longitude of SDO", "HGLN_OBS"),
    ("observer_latitude", "f8", "degree", "Stonyhurst latitude of SDO", "HGLT_OBS"),
    ("observer_carrington", "f8", "degree", "Carrington longitude of the disc centre", "CRLN_OBS"),
    ("observer_distance", "f8", "m", "distance of SDO from the centre of the Sun", "DSUN_OBS"),
    ("solar_radius", "f8", "arcsec", "angular radius of the photosphere", "RSUN_OBS"),
)
TEXTS = (("t_rec", "T_REC, the slot of the record"), ("record", "record of the archive"),
         ("sha256", "SHA-256 of the level-1.5 file"), ("pointing", "pointing record"))  # fmt: skip


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
    row = {name: getattr(frame, name) for name in ("T_REC", "record", "sha256", "EXPTIME")}
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
        Of a manifest: T_REC, record, sha256, EXPTIME.
    """
    known: dict[str, Any] = {"time": (utc_of(tai) - EPOCH).total_seconds(), "tai": tai}
    for name, kind, _, _, key in NUMBERS:
        known[name] = header.get(key, np.nan if kind == "f8" else 0)
    known["exposure"] = float(row["EXPTIME"])
    known["quality"] = int(known["quality"]) & 0xFFFFFFFF
    known["step"] = step_of(header)
    texts = (row["T_REC"], row["record"], row["sha256"], str(header.get("MPO_REC", "header")))
    return known | dict(zip((name for name, _ in TEXTS), texts, strict=True))


def describe(header: Mapping[str, Any], region: Mapping[str, Any] | None) -> dict[str, Any]:
    """Attributes of a cube of which this is the first frame's header."""
    synthetic = bool(header.get("SYNTH", False))
    told = {
        "Conventions": "CF-1.11",
        "title": f"SDO/AIA {header['WAVELNTH']} Å",
        "source": "SYNTHETIC: a model's, not observations of the Sun" if synthetic else "SDO/AIA, JSOC",
        "synthetic": int(synthetic),
        "telescope": "SDO/AIA",
        "wavelength_angstrom": int(header["WAVELNTH"]),
        "level": 1.5,
        "level15_version": LEVEL15,
        "history": f"aia-sequence {__version__}",
        "region": str(dict(region)) if region else "full disk",
        "frame": "as seen by SDO",
        "tracked": int(bool(region and "follow" in region)),
    }
    return told | {f"fits_{key}": header[key] for key in CARDS if key in header}


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
                told = describe(entry.header, region) | dict(attributes)
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

        self.shape, header = shape, first.header
        cards = {key.removeprefix("fits_"): value for key, value in attributes.items() if key.startswith("fits_")}
        sigma = "uncertainty" in first.planes
        self.file = file = h5netcdf.File(path, "w")
        file.dimensions = {"time": None, "y": shape[0], "x": shape[1]}
        file.attrs.update(attributes)
        for name, units, words in (
            ("time", UNIX, "T_OBS, the middle of the exposure, UTC"),
            ("tai", "s", "T_OBS in TAI, since 1977-01-01T00:00:00 TAI: exact across leap seconds"),
            *((name, unit, about) for name, _, unit, about, _ in NUMBERS),
            ("step", str(header.get("BUNIT", "DN / s")), "brightness is rounded to multiples of this"),
        ):
            kind = next((kind for known, kind, *_ in NUMBERS if known == name), "f8")
            variable = file.create_variable(name, ("time",), kind, chunks=(1024,))
            variable.attrs.update(units=units, long_name=words)
        file["time"].attrs.update(standard_name="time", calendar="standard", axis="T")
        for name, words in TEXTS:
            file.create_variable(name, ("time",), string_dtype(), chunks=(1024,)).attrs["long_name"] = words
        places = pixel_places(cards, shape, tracked=bool(attributes["tracked"]))
        for axis, values in zip("xy", places, strict=True):
            variable = file.create_variable(axis, (axis,), "f8", data=values)
            words = "offset from the middle of the region" if attributes["tracked"] else "helioprojective"
            variable.attrs.update(units="arcsec", axis=axis.upper(), long_name=f"{words}, {axis}")
        chunks = (1, min(CHUNK, shape[0]), min(CHUNK, shape[1]))
        packed = {"chunks": chunks, "compression": "gzip", "compression_opts": 1, "shuffle": True}
        unit, nan = str(header.get("BUNIT", "DN / s")), np.float32(np.nan)
        planes: dict[str, tuple[str, Any, str]] = {"data": ("f4", nan, "brightness")}
        planes |= {"uncertainty": ("f4", nan, "standard deviation of the brightness")} if sigma else {}
        planes |= {"mask": ("u1", None, "what is to be known of a pixel")}
        if "area" in first.planes:
            planes["area"] = ("f4", nan, "level-1 pixels that a pixel covers")
        for name, (kind, fill, words) in planes.items():
            variable = file.create_variable(name, ("time", "y", "x"), kind, fillvalue=fill, **packed)
            variable.attrs.update(long_name=words, units="1" if name in ("mask", "area") else unit)
        file["data"].attrs["ancillary_variables"] = "uncertainty mask" if sigma else "mask"
        file["mask"].attrs.update(flag_masks=np.array(list(BITS.values()), np.uint8), flag_meanings=" ".join(BITS))

    def add(self, number: int, entry: Entry) -> None:
        """Append a frame."""
        self.file.resize_dimension("time", number + 1)
        for name, value in {**entry.planes, **entry.known}.items():
            if value is not None:
                self.file[name][number] = ROUNDED[name](value) if name in ROUNDED else value

    def close(self) -> None:
        self.file.close()


def rounded(values: np.ndarray) -> np.ndarray:
    """Positive float32 values to 0.8 %, as compressed level-1.5 frames have their uncertainty."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32) + np.uint32(1 << (companions.ROUNDED - 1))
    return (bits & np.uint32(0xFFFFFFFF << companions.ROUNDED & 0xFFFFFFFF)).view(np.float32)


ROUNDED = {"uncertainty": rounded, "area": lambda values: np.rint(values * 4096) / np.float32(4096)}


def pixel_places(header: Mapping[str, Any], shape: tuple[int, int], *, tracked: bool) -> list[np.ndarray]:
    """Arcsec of pixel centres along x and y: helioprojective, or from the middle where the region moves."""
    places = []
    for axis, size in ((1, shape[1]), (2, shape[0])):
        middle = (size + 1) / 2 if tracked else header[f"CRPIX{axis}"]
        places.append((np.arange(1, size + 1) - middle) * header[f"CDELT{axis}"])
    return places
