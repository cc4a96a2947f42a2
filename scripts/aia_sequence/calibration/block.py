"""Calibration of a block: its level-1 frames through several processes, its level-1.5 frames and their rows out.

A block pays for its start once: this process loads the compiled kernels and forks those that calibrate. Each takes the
next frame when it has done one; results are put together in the order of the manifest, so nothing depends on how many
there are. What takes long to import is imported where the block is started, and not where this module is.
"""

import gc
import logging
import multiprocessing
import os
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from aia_sequence.calibration.job import CalibrationJob, PhotometricErrors
from aia_sequence.calibration.stages import Stages
from aia_sequence.calibration.workspace import Workspace
from aia_sequence.errors import AIAError, FrameError
from aia_sequence.forks import follow
from aia_sequence.joblog import Counter
from aia_sequence.lists.manifests import FRAME

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from aia_sequence.calibration.worker import Worker

logger = logging.getLogger(__name__)

DEFECT = -1  # in place of a frame's number: a process has failed, and why comes in place of the result

type Task = tuple[int, Mapping[str, Any]]  # a frame's place in the block, its row of the level-1 manifest
type Result = tuple[int, dict[str, Any], dict[str, float]]  # its place, what became of it, seconds by stage


def calibrate_block(
    rows: Sequence[Mapping[str, Any]], job: CalibrationJob, processes: int = 1, stages: Stages | None = None
) -> list[dict[str, Any]]:
    """Calibrate the frames of a block.

    Parameters
    ----------
    rows
        Rows of the level-1 manifest, those without a file among them.
    job
        Where the frames are, and what is done to them. With `on_bad_frame: skip`, a frame that cannot be calibrated
        becomes a row with a reason.
    processes
        How many frames are worked on at once.
    stages
        Where the time spent is added up.

    Returns
    -------
    list of dict
        Rows of the level-1.5 manifest, in the order of `rows`; `file` is relative to the parent of the job's folder.

    Raises
    ------
    FrameError
        If a frame cannot be calibrated and the options say that this fails the block; it names every such frame.
    """
    tasks = [(number, row) for number, row in enumerate(rows) if not row["reason"]]
    results: dict[int, dict[str, Any]] = {}
    stages = stages or Stages()
    if tasks:
        counter = Counter("calibrated", len(tasks))
        for number, result, seconds in _run(tasks, job, min(processes, len(tasks))):
            results[number] = result
            stages.add(seconds)
            counter.step()
    bad = [(rows[number], result["reason"]) for number, result in sorted(results.items()) if result["reason"]]
    for row, reason in bad:
        logger.warning("%s: not calibrated: %s", row["record"], reason)
    if bad and job.options.on_bad_frame == "fail":
        reasons = "\n".join(f"{row['record']} ({row['file']}): {reason}" for row, reason in bad)
        raise FrameError(
            f"{len(bad)} of {len(tasks)} frames cannot be calibrated:\n{reasons}\n"
            "With calibration.on_bad_frame: skip they are left out and listed in the audit."
        )
    return [_row(row, results.get(number)) for number, row in enumerate(rows)]


def _row(row: Mapping[str, Any], result: Mapping[str, Any] | None) -> dict[str, Any]:
    """A row of the level-1.5 manifest: who the frame is, and what became of it."""
    kept = {column.name: row[column.name] for column in FRAME}
    return kept | {"reason": row["reason"], "level1_sha256": row["sha256"]} | dict(result or {})


def _run(tasks: Sequence[Task], job: CalibrationJob, processes: int) -> Iterator[Result]:
    """Results as they come: kernels are loaded once, then frames are worked on."""
    started = time.perf_counter()
    gc.disable()  # imports leave nothing to collect, and looking for it is a tenth of their time
    try:
        from aia_sequence.calibration import worker

        worker.load_kernels(job.options)
    finally:
        gc.enable()
    errors = _errors(job, sorted({row["WAVELNTH"] for _, row in tasks}))
    loaded = {"kernels": time.perf_counter() - started}
    workers = [worker.Worker(job, errors, Workspace()) for _ in range(processes)]
    for number, result, seconds in _forked(tasks, workers) if processes > 1 else _alone(tasks, workers):
        yield number, result, seconds | loaded
        loaded = {}


def _errors(job: CalibrationJob, channels: Sequence[int]) -> PhotometricErrors | None:
    """The estimates that uncertainties need."""
    if not job.options.uncertainty:
        return None
    from aia_sequence.calibration import frozen, lookup

    if job.errors is None:
        raise AIAError("calibration.uncertainty asks for a table of the photometric errors, and there is none")
    table = frozen.read(job.errors)
    about = {key: table.meta[key] for key in ("archive", "source", "sha256")}
    return PhotometricErrors({channel: lookup.sigma_of_counts(channel, table) for channel in channels}, about)


def _alone(tasks: Sequence[Task], workers: Sequence["Worker"]) -> Iterator[Result]:
    """Frames one after another, in this process."""
    for number, row in tasks:
        yield (number, *workers[0].calibrate(row))


def _forked(tasks: Sequence[Task], workers: Sequence["Worker"]) -> Iterator[Result]:
    """Frames worked on by forked processes, one for each worker.

    Each has a pipe of its own, at whose end the parent sees that the process has ended, in the midst of a result too.
    """
    context = multiprocessing.get_context("fork")
    taken, left = context.Value("q", 0), len(tasks)
    gc.freeze()  # what is there stays there: collecting it in each process would copy its pages
    started: dict[Connection, BaseProcess] = {}
    try:
        for worker in workers:
            inbox, outbox = context.Pipe(duplex=False)
            child = context.Process(target=_child, args=(os.getpid(), worker, tasks, taken, outbox), daemon=True)
            child.start()
            outbox.close()
            started[inbox] = child
        inboxes = list(started)
        while left:
            speaking: list[Any] = wait(inboxes)
            for inbox in speaking:
                try:
                    number, result, seconds = inbox.recv()
                except (EOFError, OSError):  # at its end, and before the end of a result
                    inboxes.remove(inbox)
                    started[inbox].join()
                    # A process that ends well has told of all that it did; when all have, nobody will tell of the rest.
                    if started[inbox].exitcode or not inboxes:
                        raise RuntimeError("a calibrating process died; it may have run out of memory") from None
                    continue
                if number == DEFECT:
                    if isinstance(result, AIAError):
                        raise result
                    raise RuntimeError(f"a calibrating process failed:\n{result}")
                left -= 1
                yield number, result, seconds
        for process in started.values():
            process.join()
    finally:
        for process in started.values():
            process.terminate()


def _child(parent: int, worker: "Worker", tasks: Sequence[Task], taken: Any, outbox: Any) -> None:
    """What a forked process does; it tells the parent of what is wrong, and ends with it."""
    follow(parent)
    try:
        worker.work(tasks, taken, outbox)
    except AIAError as error:
        outbox.send((DEFECT, error, {}))
    except Exception:  # noqa: BLE001 - its traceback belongs into the job's log, which the parent writes
        outbox.send((DEFECT, traceback.format_exc(), {}))
