"""Calibration of a block: its level-1 frames through several processes, its level-1.5 frames and their rows out.

The processes are forked from one that has imported what they need, so a block pays for its imports once. They read and
filter frames while the parent imports aiapy and looks the frames' corrections up; results are put together in the order
of the manifest, so nothing depends on how many processes there are.
"""

import logging
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from aia import frames, level15, statistics
from aia.errors import FrameError
from aia.files import sha256
from aia.level15 import Corrections, Options
from aia.level15header import check_level15, make_header

logger = logging.getLogger(__name__)

CORRECTION_COLUMNS = (
    "pointing",
    "crpix1",
    "crpix2",
    "cdelt",
    "crota2",
    "interpolation",
    "degradation",
    "degradation_version",
    "degradation_note",
    "exposure",
    "respiked",
    "psf_iterations",
    "uncertainty",
)
COLUMNS = (
    "file",
    "record",
    "T_REC",
    "T_OBS",
    "WAVELNTH",
    "EXPTIME",
    "QUALITY",
    "bytes",
    "sha256",
    "level1_sha256",
    "reason",
    *CORRECTION_COLUMNS,
)


type Task = tuple[int, Mapping[str, Any]]  # a frame's place in the block, its row of the level-1 manifest
type Result = tuple[int, dict[str, Any], dict[str, float]]  # its place, what became of it, seconds by stage


@dataclass(frozen=True)
class Sources:
    """Files of the frozen tables; None or empty where no correction asks for one."""

    pointing: Sequence[Path] = ()
    degradation: Path | None = None
    errors: Path | None = None
    psf: Path | None = None


@dataclass
class Stages:
    """Seconds that a process spent on each stage of its work, for the benchmark."""

    seconds: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str, since: float) -> float:
        """Add the time since `since` to a stage; the present."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now


def calibrate_block(
    rows: Sequence[Mapping[str, Any]],
    level1: Path,
    folder: Path,
    sources: Sources,
    options: Options,
    processes: int = 1,
    stages: Stages | None = None,
) -> list[dict[str, Any]]:
    """Calibrate the frames of a block.

    Parameters
    ----------
    rows
        Rows of the level-1 manifest, those without a file among them.
    level1
        Folder to which `file` of the rows is relative.
    folder
        Folder of the level-1.5 files; it must exist.
    sources
        The frozen tables.
    options
        What is done. With `on_bad_frame: skip`, a frame that cannot be calibrated becomes a row with a reason.
    processes
        How many frames are worked on at once.
    stages
        Where the time spent is added up.

    Returns
    -------
    list of dict
        Rows of the level-1.5 manifest, in the order of `rows`; `file` is relative to the parent of `folder`.

    Raises
    ------
    FrameError
        If a frame cannot be calibrated and the options say that this fails the block; it names every such frame.
    """
    tasks = [(number, row) for number, row in enumerate(rows) if not row["reason"]]
    worker = Worker(level1, folder, options, sources.psf)
    results: dict[int, dict[str, Any]] = {}
    if tasks:
        run = _alone if processes <= 1 or len(tasks) == 1 else _forked
        for done, (number, result, seconds) in enumerate(run(tasks, worker, level1, sources, options, processes), 1):
            results[number] = result
            if stages is not None:
                for stage, spent in seconds.items():
                    stages.seconds[stage] = stages.seconds.get(stage, 0.0) + spent
            _show_progress(done, len(tasks))
    bad = [(rows[number], result["reason"]) for number, result in sorted(results.items()) if result["reason"]]
    for row, reason in bad:
        logger.warning("%s: not calibrated: %s", row["record"], reason)
    if bad and options.on_bad_frame == "fail":
        reasons = "\n".join(f"{row['record']} ({row['file']}): {reason}" for row, reason in bad)
        raise FrameError(
            f"{len(bad)} of {len(tasks)} frames cannot be calibrated:\n{reasons}\n"
            "With calibration.on_bad_frame: skip they are left out and listed in the audit."
        )
    return [_row(row, results.get(number)) for number, row in enumerate(rows)]


def _row(row: Mapping[str, Any], result: Mapping[str, Any] | None) -> dict[str, Any]:
    """A row of the level-1.5 manifest: who the frame is, and what became of it."""
    kept = {name: row[name] for name in ("record", "T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "QUALITY", "reason")}
    return kept | {"level1_sha256": row["sha256"]} | dict(result or {})


def _show_progress(done: int, total: int) -> None:
    """One line that is overwritten on a terminal; in a log, a line for each tenth."""
    if sys.stderr.isatty():
        print(f"\rcalibrated {done} of {total} frames", end="\n" if done == total else "", file=sys.stderr, flush=True)  # noqa: T201
    if done * 10 // total > (done - 1) * 10 // total:
        logger.info("calibrated %d of %d frames", done, total)


def _resolver(sources: Sources, options: Options, channels: set[int]):
    """Look-up of corrections; importing it takes seconds, so it is done once and not by the workers."""
    from aia import corrections, tables

    thawed = corrections.Tables(
        pointing=tables.join(map(tables.thaw, sources.pointing)) if options.pointing else None,
        degradation=tables.thaw(sources.degradation) if options.degradation else None,
        errors=tables.thaw(sources.errors) if options.uncertainty else None,
    )
    sigma = {}
    if options.uncertainty:
        sigma = {channel: corrections.sigma_of_counts(channel, thawed.errors) for channel in sorted(channels)}
    return lambda header: (corrections.resolve(header, thawed, options), sigma.get(header.get("WAVELNTH")))


def _answer(resolve: Any, path: Path) -> tuple[Corrections, np.ndarray | None] | str:
    try:
        return resolve(frames.read_header(path))
    except FrameError as error:
        return str(error)


def _alone(
    tasks: list[tuple[int, Mapping[str, Any]]],
    worker: "Worker",
    level1: Path,
    sources: Sources,
    options: Options,
    _: int,
) -> Iterator[tuple[int, dict[str, Any], dict[str, float]]]:
    started = time.perf_counter()
    resolve = _resolver(sources, options, {row["WAVELNTH"] for _, row in tasks})
    worker.stages.mark("tables", started)
    for number, row in tasks:
        yield (number, *worker.calibrate(row, lambda row=row: _answer(resolve, level1 / row["file"])))


def _forked(
    tasks: list[Task], worker: "Worker", level1: Path, sources: Sources, options: Options, processes: int
) -> Iterator[Result]:
    worker.warm_up()
    context = multiprocessing.get_context("fork")
    processes = min(processes, len(tasks))
    outbox, inboxes = context.SimpleQueue(), [context.Queue() for _ in range(processes)]
    shares = [tasks[n::processes] for n in range(processes)]
    workers = [
        context.Process(target=_work, args=(worker, share, inbox, outbox), daemon=True)
        for share, inbox in zip(shares, inboxes, strict=True)
    ]
    for process in workers:
        process.start()
    try:
        started = time.perf_counter()
        resolve = _resolver(sources, options, {row["WAVELNTH"] for _, row in tasks})
        spent = {"tables": time.perf_counter() - started}
        for position, (_, row) in enumerate(tasks):
            inboxes[position % processes].put(_answer(resolve, level1 / row["file"]))
        for _ in tasks:
            while outbox.empty():
                if any(process.exitcode for process in workers):
                    raise RuntimeError("a calibrating process died; it may have run out of memory")
                time.sleep(0.005)
            number, result, seconds = outbox.get()
            if number is None:
                raise RuntimeError(f"a calibrating process failed:\n{result}")
            yield number, result, seconds | spent
            spent = {}
        for process in workers:
            process.join()
    finally:
        for process in workers:
            process.terminate()


def _work(worker: "Worker", share: list[Task], inbox: Any, outbox: Any) -> None:
    try:
        for number, row in share:
            outbox.put((number, *worker.calibrate(row, inbox.get)))
    except Exception:  # noqa: BLE001 - a defect: its traceback belongs into the job's log, which the parent writes
        outbox.put((None, traceback.format_exc(), {}))


class Worker:
    """Calibrates one frame after another; holds one in memory.

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
        self.space, self.stages, self.deconvolve = level15.Workspace(), Stages(), None

    def warm_up(self) -> None:
        """Load the compiled kernels, for the forked processes to inherit."""
        image = np.zeros((8, 8), np.int16)
        source = level15.coefficients(image, self.options.interpolation)
        statistics.statistics(level15.interpolate(source, np.eye(2), np.zeros(2), (8, 8)))

    def calibrate(self, row: Mapping[str, Any], answer: Any) -> tuple[dict[str, Any], dict[str, float]]:
        """Calibrate one frame; `answer` waits for its corrections. Its result, and seconds by stage."""
        try:
            result = self._calibrate(row, answer)
        except FrameError as error:
            result = {"reason": " ".join(str(error).split())}
        spent, self.stages.seconds = self.stages.seconds, {}
        return result, spent

    def _calibrate(self, row: Mapping[str, Any], answer: Any) -> dict[str, Any]:
        stages, options, space = self.stages, self.options, self.space
        now = time.perf_counter()
        try:
            image, header = frames.read_level1(self.level1 / row["file"], digest=row["sha256"])
            spikes = frames.read_spikes(self.level1 / row["spikes"]) if options.respike and row.get("spikes") else None
            now = stages.mark("decode", now)
            if options.psf and self.deconvolve is None:
                from aia.psf import Deconvolution

                self.deconvolve = Deconvolution(self.psf, options.psf_iterations)
            prepared = level15.prepare(image, header, options, spikes=spikes, deconvolve=self.deconvolve, space=space)
            now = stages.mark("prefilter", now)
        except FrameError:
            answer()  # each frame's corrections are waited for once, lest the next frame get them
            raise
        found = answer()
        if isinstance(found, str):
            raise FrameError(found)
        corrections, sigma = found
        if self.deconvolve is not None:
            corrections = replace(corrections, psf_about=self.deconvolve.about)
        now = stages.mark("waiting", now)
        pixels = level15.finish(prepared, corrections, options, sigma=sigma, space=space)
        now = stages.mark("resample", now)
        found = statistics.statistics(pixels.image)
        now = stages.mark("statistics", now)
        origin = {"file": Path(row["file"]).name, "sha256": row["sha256"], "request": row.get("request", "")}
        made = make_header(header, pixels, found, corrections, options, origin)
        path = self.folder / level15_name(Path(row["file"]).name)
        shape = pixels.image.shape
        step = frames.RICE_STEP * pixels.gain
        frames.write_level15(path, pixels.image, made, pixels.uncertainty, options.compression, step)
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
