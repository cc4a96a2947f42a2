"""What one process does with one frame after another: read it, calibrate it, write it, check what was written."""

import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aia_sequence.calibration import level15, statistics
from aia_sequence.calibration.binning import means
from aia_sequence.calibration.corrections import Corrections, of_frame
from aia_sequence.calibration.flags import saturation
from aia_sequence.calibration.header import check_level15, make_header
from aia_sequence.calibration.stages import Stages
from aia_sequence.calibration.workspace import Workspace
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import AIAError, FrameError, ProductError
from aia_sequence.files import NOT_WRITABLE, drop_from_cache, flush_to_disk, of_disk
from aia_sequence.frames import fits, level1file, level15file, packing, rice, words
from aia_sequence.frames.companions import FLAGS, UNCERTAINTY, uncertainty_shape
from aia_sequence.frames.level1header import check_listed
from aia_sequence.instrument import SATURATED_FROM, SATURATION, SIDE
from aia_sequence.lists.manifests import OWN_POINTING
from aia_sequence.quality import near_real_time

if TYPE_CHECKING:
    from aia_sequence.calibration.job import CalibrationJob, PhotometricErrors
    from aia_sequence.calibration.psf import Deconvolution

logger = logging.getLogger(__name__)


class Worker:
    """Calibrates frames; keeps the arrays that it works in.

    Parameters
    ----------
    job
        What is done.
    errors
        For uncertainties.
    space
        What it works in.
    """

    def __init__(self, job: "CalibrationJob", errors: "PhotometricErrors | None", space: Workspace) -> None:
        self.job, self.errors, self.space = job, errors, space
        self.stages = Stages()
        self.deconvolve: Deconvolution | None = None

    def calibrate(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
        """Calibrate a frame; what the manifest tells of it, or the reason why not, and seconds by stage.

        Parameters
        ----------
        row
            The frame's row of the level-1 manifest.
        """
        try:
            result = self._calibrate(row)
        except FrameError as error:
            result = {"reason": " ".join(str(error).split())}
        except (AIAError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - one frame's failure is that frame's, also where it is our defect
            logger.error("%s: %s", row["record"], traceback.format_exc())
            said = " ".join(f"{type(error).__name__}: {error}".split())
            result = {"reason": f"{said}; this is a defect of the workflow, whose traceback is in the log"}
        spent, self.stages.seconds = self.stages.seconds, {}
        return result, spent

    def work(self, tasks: Sequence[tuple[int, Mapping[str, Any]]], taken: Any, outbox: Any) -> None:
        """Calibrate one frame after another, as long as there are some that no process has taken.

        Parameters
        ----------
        tasks
            Number and level-1 row of each frame.
        taken
            Shared count of the frames that processes have taken.
        outbox
            Connection that takes number, result and seconds by stage, for the parent.
        """
        while (task := _take(tasks, taken)) is not None:
            number, row = task
            outbox.send((number, *self.calibrate(row)))

    def _calibrate(self, row: Mapping[str, Any]) -> dict[str, Any]:
        job, options, stages, now = self.job, self.job.options, self.stages, time.perf_counter()
        counts = self.space.array("counts" if options.uncertainty else "image", (SIDE, SIDE), np.int16)
        image, level1 = level1file.read_level1(job.level1 / row["file"], digest=row["sha256"], out=counts)
        check_listed(level1, row)
        spikes = None
        if options.respike and row.get("spikes"):
            spikes = level1file.read_spikes(job.level1 / row["spikes"], row.get("spikes_sha256"))
        found = of_frame(level1, job.tables, options)
        sigma = None
        if self.errors is not None:
            sigma, found = self.errors.sigma[row["WAVELNTH"]], replace(found, errors_about=self.errors.about)
        if options.psf:
            found = replace(found, psf_about=self._deconvolution().about)
        stages.mark("decode", now)
        pixels = level15.calibrate(
            image, level1, found, options,
            spikes=spikes, sigma=sigma, deconvolve=self.deconvolve, space=self.space, stages=stages,
        )  # fmt: skip
        now = time.perf_counter()
        measured = statistics.statistics(pixels.image)
        if not measured["DATAVALS"]:
            raise FrameError("none of its pixels is valid: they are missing, or lie outside of the region")
        now = stages.mark("statistics", now)
        name = Path(row["file"]).name
        origin = {"record": row["record"], "file": name, "sha256": row["sha256"]}
        origin |= {key: row[key] for key in ("request", "archive") if row.get(key)}
        origin["hasty"] = near_real_time(row["QUALITY"] or 0)
        if spikes is not None:
            origin["spikes"] = row.get("spikes_sha256")
        header = make_header(level1, pixels, measured, found, options, origin)
        path, shape = job.folder / level15_name(name), pixels.image.shape
        step = level15.rounding(pixels, options)
        try:
            level15file.write_level15(
                path, pixels.image, header, pixels.flags, pixels.uncertainty, options.compression, step
            )
            now = stages.mark("encode", now)
            with ThreadPoolExecutor(1) as disk:  # it works while the file is read again
                flushing = disk.submit(flush_to_disk, path)
                digest = accept(path, options, shape)
                flushing.result()
        except OSError as error:
            full = of_disk(error)
            reason = f": {NOT_WRITABLE[full.errno or 0]}" if full else f" cannot be written: {error.strerror or error}"
            raise ProductError(f"{path}{reason}") from None
        drop_from_cache(path)
        result = {"file": f"{job.folder.name}/{path.name}", "bytes": path.stat().st_size, "sha256": digest}
        stages.mark("acceptance", now)
        return result | _corrections_made(found, pixels, options) | {"reason": ""}

    def _deconvolution(self) -> "Deconvolution":
        """The deconvolution, whose point spread function is read once."""
        if self.deconvolve is None:
            from aia_sequence.calibration.psf import Deconvolution

            options, path = self.job.options, self.job.psf
            if path is None:
                raise AIAError("calibration.psf asks for a point spread function, and there is none")
            self.deconvolve = Deconvolution(path, options.psf_iterations, options.psf_acceleration)
        return self.deconvolve


def level15_name(name: str) -> str:
    """Name of a level-1.5 file, from that of its level-1 file."""
    stem = name.removesuffix(".gz").removesuffix(".fits")
    for ending in ("image_lev1", "image"):
        if stem.endswith(ending):
            return f"{stem.removesuffix(ending)}image_lev1.5.fits"
    return f"{stem}.image_lev1.5.fits"


def accept(path: Path, options: CalibrationOptions, shape: tuple[int, int]) -> str:
    """Check a written frame against the invariants of level 1.5 and its checksums; the SHA-256 of the file.

    Raises
    ------
    ProductError
        If it fails.
    """
    try:
        digest, headers = fits.verify(path)
        image, tables = fits.image_and_tables(headers)
        check_level15(image, options, shape)
        wanted = {FLAGS, UNCERTAINTY} if options.uncertainty else {FLAGS}
        if tables.keys() != wanted:
            raise FrameError(f"its tables are {', '.join(tables)} instead of {', '.join(sorted(wanted))}")
        if options.uncertainty and uncertainty_shape(tables[UNCERTAINTY]) != shape:
            raise FrameError("its uncertainty is not of its image's size")
    except FrameError as error:
        raise ProductError(f"the written frame {path} is not a valid level-1.5 frame: {error}") from None
    return digest


def _corrections_made(found: Corrections, pixels: level15.Pixels, options: CalibrationOptions) -> dict[str, Any]:
    """What the manifest says of the corrections."""
    geometry = found.geometry
    return {
        "pointing": found.pointing.get("record", OWN_POINTING),
        "crpix1": round(geometry.x0 + 1, 6),
        "crpix2": round(geometry.y0 + 1, 6),
        "cdelt": geometry.scale,
        "crota2": geometry.roll,
        "interpolation": options.interpolation,
        "degradation": found.degradation,
        "degradation_version": found.degradation_about.get("version"),
        "degradation_note": found.degradation_about.get("note", ""),
        "exposure": pixels.exposure,
        "respiked": pixels.respiked,
        "psf_iterations": options.psf_iterations if options.psf else None,
        "uncertainty": options.uncertainty,
    }


def load_kernels(options: CalibrationOptions) -> None:
    """Load the compiled kernels, for processes that are forked afterwards to inherit.

    They are called on a frame of a few pixels, one of which is saturated and one missing.
    """
    counts, affine, shape = np.full((8, 8), SATURATED_FROM, np.int16), (np.eye(2), np.zeros(2)), (8, 8)
    level15.coefficients(counts, options.interpolation)
    counts[4, 4] = blank = -(2**15)
    source = level15.coefficients(counts, options.interpolation, blank)
    made = level15.interpolate(source, *affine, shape)
    statistics.statistics(made)
    saturation(counts, options.interpolation, affine, shape, options.bin)
    if options.bin > 1:
        means(made, options.bin, np.empty_like(made))
    if options.uncertainty:
        sigma = np.ones(SATURATION + 1)
        level15.deviation(counts, blank, source, sigma, affine, 1.0, made, options.bin, Workspace())
    for content in (bytes(32), bytearray(32)):  # of a header, of pixels
        words.sum_of_words(np.frombuffer(content, np.uint32), 0, True)
    words.turn(np.zeros(8, np.uint32))
    rice.warm_up()
    if options.compression == "rice":
        packing.warm_up()


def _take(tasks: Sequence[tuple[int, Mapping[str, Any]]], taken: Any) -> tuple[int, Mapping[str, Any]] | None:
    """The first frame that no process has taken yet."""
    with taken.get_lock():
        taken.value += 1
        return tasks[taken.value - 1] if taken.value <= len(tasks) else None
