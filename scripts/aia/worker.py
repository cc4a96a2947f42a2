"""What one process does with one frame after another: read it, calibrate it when its corrections are known."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from aia import frames, level15, rice, statistics
from aia.errors import FrameError
from aia.files import forget, settle, sha256
from aia.geometry import SIDE
from aia.level15header import check_level15, make_header
from aia.options import Corrections, Options
from aia.stages import Stages

AHEAD = 6  # frames that a process has read, at most, while it waits for corrections: 34 MB each

type Answer = tuple[Corrections, np.ndarray | None] | str  # corrections and errors of counts, or why there are none


@dataclass
class Ready:
    """A frame that waits for its corrections, or the reason why it cannot be calibrated."""

    row: Mapping[str, Any]
    image: np.ndarray | None = None
    header: fits.Header | None = None
    spikes: tuple[np.ndarray, np.ndarray] | None = None
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

    def make_room(self, ready: Ready) -> None:
        """Touch the arrays that a frame of this size needs: memory that nobody has used yet takes time to come by."""
        if ready.image is not None:
            rows, columns = ready.image.shape
            self.space.array("coefficients", (rows + 2, columns + 2)).fill(0)
            self.space.array("image", (rows, columns)).fill(0)

    def read(self, row: Mapping[str, Any]) -> Ready:
        """Read a frame; no more than `AHEAD` frames may wait at once, their arrays are used again."""
        started = time.perf_counter()
        counts = self.space.array(f"counts {self.started % AHEAD}", (SIDE, SIDE), np.int16)
        self.started += 1
        try:
            image, header = frames.read_level1(self.level1 / row["file"], digest=row["sha256"], out=counts)
            spikes = None
            if self.options.respike and row.get("spikes"):
                spikes = frames.read_spikes(self.level1 / row["spikes"])
        except FrameError as error:
            return Ready(row, reason=str(error))
        finally:
            self.stages.mark("decode", started)
        return Ready(row, image, header, spikes)

    def finish(self, ready: Ready, answer: Answer) -> tuple[dict[str, Any], dict[str, float]]:
        """Calibrate, write and check a frame; what the manifest tells of it, and seconds by stage."""
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
        row, options, stages = ready.row, self.options, self.stages
        if options.psf and self.deconvolve is None:
            from aia.psf import Deconvolution

            self.deconvolve = Deconvolution(self.psf, options.psf_iterations)
        if self.deconvolve is not None:
            corrections = replace(corrections, psf_about=self.deconvolve.about)
        pixels = level15.calibrate(
            ready.image, ready.header, corrections, options,
            spikes=ready.spikes, sigma=sigma, deconvolve=self.deconvolve, space=self.space, stages=stages,
        )  # fmt: skip
        now = time.perf_counter()
        found = statistics.statistics(pixels.image)
        now = stages.mark("statistics", now)
        name = Path(row["file"]).name
        origin = {"file": name, "sha256": row["sha256"], "request": row.get("request", "")}
        header = make_header(ready.header, pixels, found, corrections, options, origin)
        path, shape = self.folder / level15_name(name), pixels.image.shape
        step = frames.RICE_STEP * pixels.gain
        frames.write_level15(path, pixels.image, header, pixels.uncertainty, options.compression, step)
        now = stages.mark("encode", now)
        with ThreadPoolExecutor(1) as disk:  # it works while the file is read again
            settling = disk.submit(settle, path)
            accept(path, options, shape)
            result = {"file": f"{self.folder.name}/{path.name}", "bytes": path.stat().st_size, "sha256": sha256(path)}
            settling.result()
        forget(path)
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


def load_kernels(options: Options) -> None:
    """Load the compiled kernels, for processes that are forked afterwards to inherit."""
    source = level15.coefficients(np.zeros((8, 8), np.int16), options.interpolation)
    statistics.statistics(level15.interpolate(source, np.eye(2), np.zeros(2), (8, 8)))
    rice.warm_up()


def work(wanted: tuple, tasks: Sequence[tuple[int, Mapping[str, Any]]], taken: Any, inbox: Any, outbox: Any) -> None:
    """Take frames and read them ahead as long as no corrections have come, finish one whenever they have.

    Parameters
    ----------
    wanted
        What `Worker` takes.
    tasks
        Number and level-1 row of each frame.
    taken
        Shared count of the frames that a process has taken.
    inbox
        Queue of number and corrections of every frame.
    outbox
        Queue of number, result and seconds by stage, for the parent.
    """
    worker, waiting, answers, more = Worker(*wanted), deque(), {}, True
    while True:
        while not inbox.empty():
            answers.update([inbox.get()])
        if more and (not waiting or (len(waiting) < AHEAD and waiting[0][0] not in answers)):
            task = _take(tasks, taken)
            more = task is not None
            if more:
                waiting.append((task[0], worker.read(task[1])))
                if not answers and len(waiting) == 1:
                    worker.make_room(waiting[0][1])
        elif waiting:
            number, ready = waiting.popleft()
            started = time.perf_counter()
            while number not in answers:
                answers.update([inbox.get()])
            worker.stages.mark("waiting", started)
            outbox.put((number, *worker.finish(ready, answers.pop(number))))
        else:
            return


def _take(tasks: Sequence[tuple[int, Mapping[str, Any]]], taken: Any) -> tuple[int, Mapping[str, Any]] | None:
    """The first frame that no process has taken yet."""
    with taken.get_lock():
        taken.value += 1
        return tasks[taken.value - 1] if taken.value <= len(tasks) else None
