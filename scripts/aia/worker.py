"""What one process does with one frame after another: read and filter it, finish it when its corrections are known."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from aia import frames, level15, rice, statistics
from aia.errors import FrameError
from aia.files import sha256
from aia.level15 import Corrections, Options, Prepared
from aia.level15header import check_level15, make_header

AHEAD = 3  # frames that a process has ready, at most, while it waits for corrections: 0.1 GB each

type Answer = tuple[Corrections, np.ndarray | None] | str  # corrections and errors of counts, or why there are none


@dataclass
class Stages:
    """Seconds spent on each stage of the work, for the benchmark."""

    seconds: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str, since: float) -> float:
        """Add the time since `since` to a stage; the present."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add another process's seconds."""
        for stage, spent in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


@dataclass
class Ready:
    """A frame that waits for its corrections, or the reason why it cannot be calibrated."""

    row: Mapping[str, Any]
    header: fits.Header | None = None
    prepared: Prepared | None = None
    slot: str = ""
    reason: str = ""


class Worker:
    """Calibrates frames; keeps the arrays that it works in.

    Parameters
    ----------
    level1, folder
        Where level-1 files are read (relative to it) and level-1.5 files are written.
    options
        What is done.
    psf
        File of the point spread function, where the options ask for it.
    """

    def __init__(self, level1: Path, folder: Path, options: Options, psf: Path | None) -> None:
        self.level1, self.folder, self.options, self.psf = level1, folder, options, psf
        self.space, self.stages, self.deconvolve, self.started = level15.Workspace(), Stages(), None, 0

    def warm_up(self) -> None:
        """Load the compiled kernels, for processes that are forked afterwards to inherit."""
        source = level15.coefficients(np.zeros((8, 8), np.int16), self.options.interpolation)
        statistics.statistics(level15.interpolate(source, np.eye(2), np.zeros(2), (8, 8)))
        rice.warm_up()

    def prepare(self, row: Mapping[str, Any]) -> Ready:
        """Read a frame and do what needs no corrections; no more than `AHEAD` frames may wait at once."""
        options, now = self.options, time.perf_counter()
        slot, self.started = f"coefficients {self.started % AHEAD}", self.started + 1
        try:
            image, header = frames.read_level1(self.level1 / row["file"], digest=row["sha256"])
            spikes = frames.read_spikes(self.level1 / row["spikes"]) if options.respike and row.get("spikes") else None
            now = self.stages.mark("decode", now)
            if options.psf and self.deconvolve is None:
                from aia.psf import Deconvolution

                self.deconvolve = Deconvolution(self.psf, options.psf_iterations)
            prepared = level15.prepare(
                image, header, options, spikes=spikes, deconvolve=self.deconvolve, space=self.space, slot=slot
            )
        except FrameError as error:
            return Ready(row, reason=str(error))
        self.stages.mark("prefilter", now)
        return Ready(row, header, prepared, slot)

    def finish(self, ready: Ready, answer: Answer) -> tuple[dict[str, Any], dict[str, float]]:
        """Register, write and check a frame; what the manifest tells of it, and seconds by stage."""
        try:
            reason = ready.reason or (answer if isinstance(answer, str) else "")
            if reason:
                raise FrameError(reason)
            result = self._finish(ready, *answer)
        except FrameError as error:
            result = {"reason": " ".join(str(error).split())}
        spent, self.stages.seconds = self.stages.seconds, {}
        return result, spent

    def _finish(self, ready: Ready, corrections: Corrections, sigma: np.ndarray | None) -> dict[str, Any]:
        row, options, stages, now = ready.row, self.options, self.stages, time.perf_counter()
        if self.deconvolve is not None:
            corrections = replace(corrections, psf_about=self.deconvolve.about)
        pixels = level15.finish(ready.prepared, corrections, options, sigma=sigma, space=self.space, slot=ready.slot)
        now = stages.mark("resample", now)
        found = statistics.statistics(pixels.image)
        now = stages.mark("statistics", now)
        name = Path(row["file"]).name
        origin = {"file": name, "sha256": row["sha256"], "request": row.get("request", "")}
        header = make_header(ready.header, pixels, found, corrections, options, origin)
        path, shape = self.folder / level15_name(name), pixels.image.shape
        step = frames.RICE_STEP * pixels.gain
        frames.write_level15(path, pixels.image, header, pixels.uncertainty, options.compression, step)
        now = stages.mark("encode", now)
        accept(path, options, shape)
        result = {"file": f"{self.folder.name}/{path.name}", "bytes": path.stat().st_size, "sha256": sha256(path)}
        stages.mark("acceptance", now)
        return result | _told(corrections, pixels, options) | {"reason": ""}


def level15_name(name: str) -> str:
    """Name of a level-1.5 file, from that of its level-1 file."""
    stem = name.removesuffix(".gz").removesuffix(".fits")
    for ending in ("image_lev1", "image"):
        if stem.endswith(ending):
            return f"{stem.removesuffix(ending)}image_lev1.5.fits"
    return f"{stem}.image_lev1.5.fits"


def accept(path: Path, options: Options, shape: tuple[int, int]) -> None:
    """Check a written frame against the invariants of level 1.5, and its pixels against their checksum.

    Raises
    ------
    FrameError
        If it fails; the file is left for a look at it.
    """
    try:
        frames.verify_checksums(path)
        check_level15(frames.read_header(path), options, shape)
    except FrameError as error:
        raise FrameError(f"the written frame {path} is not a valid level-1.5 frame: {error}") from None


def _told(corrections: Corrections, pixels: level15.Pixels, options: Options) -> dict[str, Any]:
    """What the manifest tells of the corrections."""
    geometry = corrections.geometry
    return {
        "pointing": corrections.pointing.get("record", "header"),
        "crpix1": round(geometry.x0 + 1, 6),
        "crpix2": round(geometry.y0 + 1, 6),
        "cdelt": geometry.scale,
        "crota2": geometry.roll,
        "interpolation": options.interpolation,
        "degradation": corrections.degradation,
        "degradation_version": corrections.degradation_about.get("version"),
        "degradation_note": corrections.degradation_about.get("note", ""),
        "exposure": pixels.exposure,
        "respiked": pixels.respiked,
        "psf_iterations": options.psf_iterations if options.psf else None,
        "uncertainty": options.uncertainty,
    }
