"""Calibration of a block: its level-1 frames through several processes, its level-1.5 frames and their rows out.

A block pays for its imports once, and not for one after the other. A process imports aiapy and looks the frames'
corrections up; this one loads the compiled kernels meanwhile and forks those that calibrate, the last of them when the
first has what it needs from aiapy, so that no more are at work than there should be. Each takes the next frame when it
has done one; results are put together in the order of the manifest, so nothing depends on how many there are.
"""

import gc
import logging
import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aia.errors import FrameError
from aia.options import Options
from aia.stages import Stages

if TYPE_CHECKING:
    from aia.worker import Answer

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


# In place of a frame's number: the tables are there; one of them cannot be used; a process has failed.
READY, REFUSED, DEFECT = -1, -2, -3

type Task = tuple[int, Mapping[str, Any]]  # a frame's place in the block, its row of the level-1 manifest
type Result = tuple[int, dict[str, Any], dict[str, float]]  # its place, what became of it, seconds by stage


@dataclass(frozen=True)
class Sources:
    """Files of the frozen tables; None or empty where no correction asks for one."""

    pointing: Sequence[Path] = ()
    degradation: Path | None = None
    errors: Path | None = None
    psf: Path | None = None


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
    wanted = (level1, folder, options, sources.psf)
    results: dict[int, dict[str, Any]] = {}
    if tasks:
        run = _alone if processes <= 1 or len(tasks) == 1 else _forked
        for done, (number, result, seconds) in enumerate(run(tasks, wanted, sources, processes), 1):
            results[number] = result
            if stages is not None:
                stages.add(seconds)
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


def _resolver(sources: Sources, options: Options, channels: set[int]) -> Callable[[Mapping[str, Any]], "Answer"]:
    """Look-up of corrections; importing it takes seconds, so it is done once and not by the workers."""
    gc.disable()  # nothing that is imported is garbage, and looking for some takes an eighth of the time
    from aia import corrections, tables

    gc.enable()
    thawed = corrections.Tables(
        pointing=tables.join(map(tables.thaw, sources.pointing)) if options.pointing else None,
        degradation=tables.thaw(sources.degradation) if options.degradation else None,
        errors=tables.thaw(sources.errors) if options.uncertainty else None,
    )
    sigma = {}
    if options.uncertainty:
        sigma = {channel: corrections.sigma_of_counts(channel, thawed.errors) for channel in sorted(channels)}
    return lambda header: (corrections.resolve(header, thawed, options), sigma.get(header.get("WAVELNTH")))


def _answer(resolve: Callable, path: Path) -> "Answer":
    """A frame's corrections, or the reason why there are none."""
    from aia import frames

    try:
        return resolve(frames.read_keywords(path))
    except FrameError as error:
        return str(error)


def _alone(tasks: list[Task], wanted: tuple, sources: Sources, _: int) -> Iterator[Result]:
    """Frames one after another, in this process."""
    from aia.worker import Worker

    worker, (level1, _, options, _) = Worker(*wanted), wanted
    started = time.perf_counter()
    resolve = _resolver(sources, options, {row["WAVELNTH"] for _, row in tasks})
    worker.stages.mark("tables", started)
    for number, row in tasks:
        yield (number, *worker.finish(worker.read(row), _answer(resolve, level1 / row["file"])))


def _forked(tasks: list[Task], wanted: tuple, sources: Sources, processes: int) -> Iterator[Result]:
    """Frames worked on by forked processes, one more of which looks up their corrections."""
    context = multiprocessing.get_context("fork")
    taken, outbox = context.Value("q", 0), context.SimpleQueue()
    inboxes = [context.Queue() for _ in range(min(processes, len(tasks)))]
    started: list[multiprocessing.process.BaseProcess] = []

    def start(target: Callable, *arguments: Any) -> None:
        arguments = (os.getpid(), outbox, target, *arguments)
        started.append(context.Process(target=_child, args=arguments, daemon=True))
        started[-1].start()

    try:
        start(_look_up, tasks, wanted, sources, inboxes, outbox)
        from aia import worker

        worker.load_kernels(wanted[2])
        gc.freeze()  # what is there stays there: collecting it in each process would copy its pages
        for inbox in inboxes[:-1]:
            start(worker.work, wanted, tasks, taken, inbox, outbox)
        left, tables = len(tasks), {}
        while left:
            while outbox.empty():
                if any(process.exitcode for process in started):
                    raise RuntimeError("a calibrating process died; it may have run out of memory")
                time.sleep(0.005)
            number, result, seconds = outbox.get()
            if number == READY:
                tables = seconds
                start(worker.work, wanted, tasks, taken, inboxes[-1], outbox)
            elif number == REFUSED:
                raise FrameError(result)
            elif number == DEFECT:
                raise RuntimeError(f"a calibrating process failed:\n{result}")
            else:
                left -= 1
                yield number, result, seconds | tables
                tables = {}
        for process in started[1:]:
            process.join()
    finally:
        # The first one may still be telling corrections that nobody waits for any more.
        for process in started:
            process.terminate()


def _child(parent: int, outbox: Any, target: Callable, *arguments: Any) -> None:
    """What a forked process does; it tells the parent of what is wrong, and ends with it.

    A job that was killed leaves no process behind that goes on writing its frames.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        target(*arguments)
    except FrameError as error:
        outbox.put((REFUSED, str(error), {}))
    except Exception:  # noqa: BLE001 - its traceback belongs into the job's log, which the parent writes
        outbox.put((DEFECT, traceback.format_exc(), {}))


def _look_up(tasks: list[Task], wanted: tuple, sources: Sources, inboxes: list, outbox: Any) -> None:
    """Tell every process the corrections of every frame; the one that has the frame will need them."""
    level1, _, options, _ = wanted
    started = time.perf_counter()
    resolve = _resolver(sources, options, {row["WAVELNTH"] for _, row in tasks})
    outbox.put((READY, {}, {"tables": time.perf_counter() - started}))
    for number, row in tasks:
        answer = _answer(resolve, level1 / row["file"])
        for inbox in inboxes:
            inbox.put((number, answer))
