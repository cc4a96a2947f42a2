"""From a level-1 frame to a level-1.5 frame: one frame, its corrections and the options in, one frame out.

The order is that of aiapy's "Preparing AIA data from level 1 to level 1.5": pointing, respike, PSF deconvolution,
registration, degradation, exposure normalisation. The first and the last two are numbers, from
`calibration.corrections`; they enter the one resampling pass that makes the pixels. Nothing here imports sunpy or
aiapy, whose start-up takes longer than a frame.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aia_sequence import versions
from aia_sequence.calibration.binning import deviations, means
from aia_sequence.calibration.corrections import Corrections
from aia_sequence.calibration.flags import saturation
from aia_sequence.calibration.resample import Coefficients, coefficients, interpolate, variance, variances
from aia_sequence.calibration.stages import Stages
from aia_sequence.calibration.workspace import Workspace
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.config.cutouts import KERNEL
from aia_sequence.config.rotation import region_at
from aia_sequence.errors import FrameError
from aia_sequence.frames.geometry import Cut, Geometry, Grid, grid_of
from aia_sequence.frames.keywords import number, stated
from aia_sequence.frames.level1header import check_level1
from aia_sequence.instrument import SATURATED_FROM, SCALE, SIDE

VERSION = versions.LEVEL15
RICE_STEP = 0.1  # level-1 DN; its rms, 0.03 DN, is a fortieth of the read noise, which is the least noise a pixel has


@dataclass
class Pixels:
    """A calibrated image: float32 (ny, nx), NaN where there is none, and what calibrating it found out."""

    image: np.ndarray
    uncertainty: np.ndarray | None
    grid: Grid
    gain: float  # factor from counts to the image's unit
    exposure: float | None  # seconds that the counts were divided by
    saturated: int  # pixels of the level-1 image at the converter's limit
    flags: np.ndarray  # runs of flagged pixels, of type `aia_sequence.frames.companions.RUN`
    respiked: int | None


@dataclass
class Prepared:
    """A frame whose counts are ready to be resampled.

    Attributes
    ----------
    counts
        (ny, nx) level-1 counts of what lies on the CCD, before deconvolution; `blank` is missing.
    source
        What is interpolated.
    geometry
        Where the Sun is in it.
    cut
        For a cutout: which part of the CCD it is.
    gain, exposure, respiked
        As of `Pixels`.
    limited
        Whether there can be saturated pixels.
    """

    counts: np.ndarray
    blank: int | None
    source: Coefficients
    geometry: Geometry
    cut: Cut | None
    gain: float
    exposure: float | None
    limited: bool
    respiked: int | None


def rounding(pixels: Pixels, options: CalibrationOptions) -> float | None:
    """The step, in the image's unit, that values are rounded to where they are packed with loss; else None.

    Of binned pixels it is smaller, as their noise is.
    """
    return RICE_STEP * pixels.gain / options.bin if options.compression == "rice" else None


def exposure_time(header: Mapping[str, Any]) -> float:
    """Exposure time in seconds.

    Raises
    ------
    FrameError
        If it is missing or not positive: nothing can be divided by it.
    """
    seconds = number(header, "EXPTIME")
    if seconds is None or seconds <= 0:
        raise FrameError(f"EXPTIME is {stated(header, 'EXPTIME')!r}; the image cannot be normalised to it")
    return seconds


def calibrate(
    image: np.ndarray,
    header: Mapping[str, Any],
    corrections: Corrections,
    options: CalibrationOptions,
    *,
    spikes: tuple[np.ndarray, np.ndarray] | None = None,
    sigma: np.ndarray | None = None,
    deconvolve: Callable[[np.ndarray, int | None], np.ndarray] | None = None,
    space: Workspace | None = None,
    stages: Stages | None = None,
) -> Pixels:
    """Calibrate the pixels of one frame.

    Parameters
    ----------
    image
        (ny, nx) level-1 counts, integers; BLANK of the header is missing.
    header
        Level-1 header.
    corrections
        From `aia_sequence.calibration.corrections.of_frame`.
    options
        What is done.
    spikes
        For `respike`: flat CCD indices and counts, from `aia_sequence.frames.level1file.read_spikes`.
    sigma
        For `uncertainty`: standard deviation of 0, 1, 2 … counts, DN.
    deconvolve
        For `psf`: function of counts and BLANK, such as `aia_sequence.calibration.psf.Deconvolution`.
    space
        Arrays to work in. The result's arrays are then valid until the next call with it. `image` may be its array
        of the name `image`, unless uncertainties are asked for: its counts are read before pixels are written there.
    stages
        Where the time spent is added up.

    Returns
    -------
    Pixels

    Raises
    ------
    FrameError
        If the frame is not of level 1, was corrected before, or cannot be corrected.
    """
    space, stages, started = space or Workspace(), stages or Stages(), time.perf_counter()
    ready = prepare(image, header, corrections, options, spikes=spikes, deconvolve=deconvolve, space=space)
    image, source, gain, cut = ready.counts, ready.source, ready.gain, ready.cut
    started = stages.mark("prefilter", started)
    region = options.region and region_at(options.region, header, SCALE * options.bin)
    grid = grid_of(image.shape, ready.geometry, region, options.bin)
    affine, shape = ready.geometry.map(grid), (grid.ny, grid.nx)
    source_of_flags = image if ready.limited else image[:0]
    saturated, flags = saturation(source_of_flags, options.interpolation, affine, shape, options.bin)
    made = interpolate(source, *affine, shape, gain=gain, out=space.array("image", shape))
    if options.region and cut:
        cut.conceal(made, *affine)
    if options.bin > 1:
        grid = grid.binned(options.bin)
        whole, made = made, space.array("binned", (grid.ny, grid.nx))
        means(whole, options.bin, made)
    uncertainty = None
    if options.uncertainty:
        if sigma is None:
            raise FrameError("calibration.uncertainty needs the standard deviation of counts, and there is none")
        uncertainty = deviation(image, ready.blank, source, sigma, affine, gain, made, options.bin, space)
        if options.region:
            uncertainty[np.isnan(made)] = np.nan
    stages.mark("resample", started)
    return Pixels(made, uncertainty, grid, gain, ready.exposure, saturated, flags, ready.respiked)


def prepare(
    image: np.ndarray,
    header: Mapping[str, Any],
    corrections: Corrections,
    options: CalibrationOptions,
    *,
    spikes: tuple[np.ndarray, np.ndarray] | None = None,
    deconvolve: Callable[[np.ndarray, int | None], np.ndarray] | None = None,
    space: Workspace | None = None,
) -> Prepared:
    """Make a frame ready to be resampled, once, to whatever pixels; parameters and errors are those of `calibrate`."""
    check_level1(header)
    exposure = exposure_time(header) if options.exposure else None
    blank = header.get("BLANK") if np.issubdtype(image.dtype, np.integer) else None
    respiked = None
    if options.respike:
        image, respiked = respike(image, header, spikes)
    geometry, cut = corrections.geometry, None
    if options.region or image.shape != (SIDE, SIDE):
        cut = Cut.of_frame(image.shape, header, KERNEL)
        image, geometry = np.ascontiguousarray(image[cut.rows, cut.columns]), geometry.without(*cut.start)
    sharpened = deconvolve(image, blank) if deconvolve is not None else image
    padded = (space or Workspace()).array("coefficients", (image.shape[0] + 2, image.shape[1] + 2))
    source = coefficients(sharpened, options.interpolation, blank if sharpened is image else None, out=padded)
    sensitivity = 1.0 if corrections.degradation is None else corrections.degradation
    # Most frames have no saturated pixel, as their largest value tells.
    limited = source.high >= SATURATED_FROM or sharpened is not image
    gain = 1.0 / (sensitivity * (exposure or 1.0))
    return Prepared(image, blank, source, geometry, cut, gain, exposure, limited, respiked)


def deviation(
    counts: np.ndarray,
    blank: int | None,
    source: Coefficients,
    sigma: np.ndarray,
    affine: tuple[np.ndarray, np.ndarray],
    gain: float,
    made: np.ndarray,
    size: int,
    space: Workspace,
) -> np.ndarray:
    """Standard deviation of the registered image `made`: the counts' variance, summed with squared weights."""
    squared = np.square(sigma, dtype=np.float64).astype(np.float32)
    # The coefficients have done their work; the variances take their place.
    padded = space.array("coefficients", (counts.shape[0] + 4, counts.shape[1] + 4))
    out = space.array("uncertainty", made.shape)
    if size > 1:
        spline = source.kernel == "cubic-spline"
        deviations(variances(counts, blank, squared, padded), *affine, spline, size, gain, made, out)
        return out
    variance(counts, blank, squared, source.kernel, source.missing, *affine, gain=gain, padded=padded, out=out)
    return out


def respike(
    image: np.ndarray, header: Mapping[str, Any], spikes: tuple[np.ndarray, np.ndarray] | None
) -> tuple[np.ndarray, int]:
    """Put the spikes that level 1 removed back in, as `aiapy.calibrate.respike` does; a new image and their number.

    Raises
    ------
    FrameError
        If there are no spikes to put in although the header says that some were removed.
    """
    removed = number(header, "NSPIKES")
    if spikes is None:
        if removed == 0:
            return image, 0
        raise FrameError("the frame's spikes file is missing; respike needs it")
    indices, counts = spikes
    rows, columns = np.divmod(indices, SIDE)
    if image.shape != (SIDE, SIDE):
        # A cutout's pixels are the CCD's, shifted: X0_MP and CRPIX tell where the disc centre lies in either.
        x0, y0 = number(header, "X0_MP"), number(header, "Y0_MP")
        if x0 is None or y0 is None:
            raise FrameError("X0_MP or Y0_MP is missing: where the cutout lies on the CCD is unknown, respike needs it")
        columns = columns + round(header["CRPIX1"] - 1 - x0)
        rows = rows + round(header["CRPIX2"] - 1 - y0)
    inside = (rows >= 0) & (rows < image.shape[0]) & (columns >= 0) & (columns < image.shape[1])
    image = image.astype(np.int32) if counts[inside].size and counts[inside].max() > 32767 else image.copy()
    image[rows[inside], columns[inside]] = counts[inside]
    return image, int(inside.sum())
