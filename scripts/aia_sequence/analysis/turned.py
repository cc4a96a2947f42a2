"""Frames of a cube as the Sun's surface looked at one reference time: level 1 in, derotated pixels out."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from aia_sequence.analysis import conventions
from aia_sequence.analysis.conventions import MISSING
from aia_sequence.analysis.cube import Entry, about
from aia_sequence.analysis.derotation import View, area, places, sample, sample_variance, touched
from aia_sequence.calibration import resample
from aia_sequence.calibration.corrections import of_frame
from aia_sequence.calibration.level15 import prepare
from aia_sequence.calibration.lookup import Tables
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.config.ephemeris import LAWS, ROTATION
from aia_sequence.errors import FrameError
from aia_sequence.frames import companions, level1file
from aia_sequence.frames.fits import read_header
from aia_sequence.frames.geometry import Geometry, Grid, grid_of
from aia_sequence.instrument import SATURATED_FROM, SCALE
from aia_sequence.lists.manifests import LEVEL1
from aia_sequence.projection import RSUN
from aia_sequence.times import iso, read_time

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reference:
    """What all frames are turned to.

    Attributes
    ----------
    view
        From where and when the Sun is seen.
    grid
        Pixels, of level 1.5's grid.
    header
        WCS cards of the cube.
    law
        Of the rotation, see `aia_sequence.config.ephemeris.law_of`.
    """

    view: View
    grid: Grid
    header: Mapping[str, Any]
    law: tuple[float, ...] = ROTATION

    @classmethod
    def of_frame(
        cls, header: Mapping[str, Any], region: Mapping[str, Any], law: tuple[float, ...] = ROTATION
    ) -> "Reference":
        """The view of a frame, and the pixels of a region as it is seen there.

        Parameters
        ----------
        header
            Header of the frame, of level 1 or 1.5.
        region
            Bounds in arcsec, or a place that is followed.
        law
            Of the rotation.
        """
        if "follow" in region:
            from aia_sequence.config.rotation import region_at

            region = region_at(region, header)
        grid = grid_of((header["NAXIS2"], header["NAXIS1"]), Geometry.of_header(header), region)
        radius = header.get("RSUN_REF") or RSUN
        cards = {
            "WCSAXES": 2, "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec",
            "CDELT1": SCALE, "CDELT2": SCALE, "CRVAL1": 0.0, "CRVAL2": 0.0, "CRPIX1": grid.crpix1,
            "CRPIX2": grid.crpix2, "PC1_1": 1.0, "PC1_2": 0.0, "PC2_1": 0.0, "PC2_2": 1.0,
        }  # fmt: skip
        kept = ("RSUN_REF", "DSUN_OBS", "HGLN_OBS", "HGLT_OBS", "CRLN_OBS", "CRLT_OBS", "RSUN_OBS", "T_OBS")
        return cls(
            View.of_header(header, radius), grid, cards | {key: header[key] for key in kept if key in header}, law
        )


@dataclass(frozen=True)
class Source:
    """A block's level-1 frames and what is done to them.

    Attributes
    ----------
    folder
        Where the manifest lies: files are named from there.
    rows
        Rows of the level-1 manifest that have a file.
    options
        As for level 1.5; spikes and point spread functions are left alone.
    tables
        Frozen tables, as far as the options ask for them.
    sigma
        Standard deviation (DN) of 0, 1, 2 … counts, where uncertainties are asked for.
    """

    folder: Path
    rows: Sequence[Mapping[str, Any]]
    options: CalibrationOptions
    tables: Tables = field(default_factory=Tables)
    sigma: np.ndarray | None = None


def sources(channel: int, inputs: Mapping[str, Any], options: Mapping[str, Any]) -> list[Source]:
    """The blocks of a channel, as the files of a job say.

    Parameters
    ----------
    channel
        Wavelength in angstrom.
    inputs
        `level1`, manifests; `pointing`, `degradation` and `errors`, frozen tables, where they are asked for.
    options
        Of the calibration.
    """
    sigma = None
    if errors := inputs.get("errors"):
        from aia_sequence.calibration import frozen, lookup

        sigma = lookup.sigma_of_counts(channel, frozen.read(errors))
    degradation = inputs.get("degradation")
    tables = Tables.read(paths(inputs.get("pointing", ())), Path(degradation) if degradation else None)
    chosen = CalibrationOptions(**options)
    return [
        Source(path.parent, [row for row in LEVEL1.read(path) if not row["reason"]], chosen, tables, sigma)
        for path in paths(inputs["level1"])
    ]


def reference_of(
    sources: Sequence[Source], time: str, region: Mapping[str, Any], law: tuple[float, ...] = ROTATION
) -> Reference:
    """The frame nearest to a time, from which the cube shows the Sun, and the region as it is seen there."""
    return Reference.of_frame(nearest(sources, read_time(time)), region, law)


def paths(named: Any) -> list[Path]:
    """Paths of an input that Snakemake hands over as one text where there is one file."""
    return [Path(named)] if isinstance(named, str) else list(map(Path, named))


def nearest(sources: Sequence[Source], tai: float) -> fits.Header:
    """Header of the frame that was exposed nearest to a time (TAI seconds)."""
    found = [(abs(read_time(row["T_OBS"]) - tai), source, row) for source in sources for row in source.rows]
    if not found:
        raise FrameError("there is no level-1 frame to make a cube of")
    _, source, row = min(found, key=lambda one: one[0])
    return read_header(source.folder / row["file"])


def turn(source: Source, row: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
    """One frame, turned to the reference.

    Parameters
    ----------
    source, row
        The block, and the frame's row of its manifest.
    reference
        What it is turned to.

    Returns
    -------
    dict
        `data`, `uncertainty` (or None), `area` float32 and `mask` uint8, each (ny, nx); `header`, the level-1 header
        with the corrections' values.
    """
    counts, header = level1file.read_level1(source.folder / row["file"], digest=row["sha256"])
    found = of_frame(header, source.tables, source.options)
    ready = prepare(counts, header, found, source.options)
    view = View.of_header(header, header.get("RSUN_REF") or RSUN)
    # With a pixel around it, so that the area of every pixel follows from those beside it.
    x, y = places(reference.view, view, reference.grid.widened(), ready.geometry, reference.law)
    covered = area(x, y)
    x, y = (np.ascontiguousarray(one[1:-1, 1:-1]) for one in (x, y))
    if ready.cut is not None:
        # Where the archive cut, values would need pixels that are not there.
        for place, low, high in (
            (x, ready.cut.first[0], ready.cut.last[0]),
            (y, ready.cut.first[1], ready.cut.last[1]),
        ):
            place[(place < low) | (place > high)] = np.nan
    shape = (reference.grid.ny, reference.grid.nx)
    data, mask = np.empty(shape, np.float32), np.zeros(shape, np.uint8)
    sample(ready.source.padded, x, y, np.float32(ready.gain), data)
    if len(ready.source.missing):
        holes = np.zeros(ready.counts.shape, bool)
        holes[tuple(ready.source.missing.T)] = True
        lost = np.zeros(shape, np.uint8)
        touched(holes, x, y, resample.REACH[source.options.interpolation], lost, np.uint8(1))
        data[lost > 0] = np.nan
    if ready.limited:
        bright = ready.counts >= SATURATED_FROM
        touched(bright, x, y, 1.0, mask, np.uint8(companions.SATURATED))
        touched(bright, x, y, resample.REACH[source.options.interpolation], mask, np.uint8(companions.NEAR_SATURATED))
    sigma = None
    if source.sigma is not None:
        sigma = _sigma(ready.counts, ready.blank, source.sigma, x, y) * np.float32(ready.gain)
        sigma[np.isnan(data)] = np.nan
    header["DEGCORR"], header["EXPNORM"] = found.degradation or 1.0, ready.exposure or 1.0
    header["BUNIT"] = "DN / s" if source.options.exposure else "DN"
    for key, value in (
        ("REGMETH", source.options.interpolation),
        ("REG_X", round(found.geometry.x0 + 1, 9)), ("REG_Y", round(found.geometry.y0 + 1, 9)),
        ("REG_SCL", found.geometry.scale), ("REG_ROT", found.geometry.roll),
        ("MPO_REC", found.pointing.get("record")), ("DEG_VER", found.degradation_about.get("version")),
        ("L1ARCHIV", row.get("archive")),
    ):  # fmt: skip
        if value is not None:
            header[key] = value
    return {"data": data, "uncertainty": sigma, "mask": mask, "area": covered, "header": header}


def _sigma(counts: np.ndarray, blank: int | None, sigma: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Standard deviation in DN: the counts' variance, summed with the kernel's squared weights."""
    squared, out = np.square(sigma, dtype=np.float64).astype(np.float32), np.empty(x.shape, np.float32)
    sample_variance(resample.variances(counts, blank, squared), x, y, out)
    return np.sqrt(out, out=out)


def turned(sources: Sequence[Source], reference: Reference) -> Iterator[Entry]:
    """Frames of all blocks for a cube, in the order of their observation.

    Raises
    ------
    FrameError
        If one cannot be turned, unless the options say to leave such frames out.
    """
    rows = [(read_time(row["T_OBS"]), row["record"], source, row) for source in sources for row in source.rows]
    for tai, _, source, row in sorted(rows, key=lambda one: one[:2]):
        try:
            made = turn(source, row, reference)
        except FrameError as error:
            if source.options.on_bad_frame == "fail":
                said = f"{row['record']}: {error}. With calibration.on_bad_frame: skip it is left out of the cube"
                raise FrameError(said) from None
            logger.warning("%s is left out: %s", row["record"], error)
            continue
        header = made.pop("header")
        known = about(header, tai, row) | {"crpix1": reference.grid.crpix1, "crpix2": reference.grid.crpix2}
        step = np.float32(known["step"])
        made["data"] = np.rint(made["data"] / step) * step
        made["mask"] |= np.where(np.isnan(made["data"]), np.uint8(MISSING), np.uint8(0))
        yield Entry({name: plane for name, plane in made.items() if plane is not None}, known, header)


def described(reference: Reference) -> dict[str, Any]:
    """Attributes of a derotated cube."""
    name = next((name for name, law in LAWS.items() if law == reference.law), "as configured")
    rates = ", ".join(f"{rate:.4f}" for rate in reference.law)
    return {f"fits_{key}": value for key, value in reference.header.items()} | {
        "frame": "derotated: the surface as seen at the reference time",
        "reference_time": iso(reference.view.tai, 2),
        "rotation_law": f"{name}: sidereal degrees a day by the powers 0, 2, 4 of sin(latitude) {rates}",
        "photosphere_m": float(reference.header.get("RSUN_REF", RSUN)),
        "tracked": 0,
        "references": "; ".join([conventions.REFERENCES, *([conventions.ROTATION] if name == "howard" else [])]),
    }
