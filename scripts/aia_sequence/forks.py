"""Several processes for one job, forked, so that each has what the job has imported and found out."""

import gc
import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from aia_sequence.errors import AIAError
from aia_sequence.files import of_disk

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

PATIENCE = 5.0  # seconds that a process has to end in when its job is stopped


def follow(parent: int) -> None:
    """Have this process end with its parent: a job that was killed leaves none behind that goes on writing."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def side_by_side(tasks: Mapping[str, Callable[[], Any]], processes: int) -> None:
    """Do tasks that do not depend on each other, each in a process of its own.

    One that fails does not stop the others: what they write is whole, or not there.

    Parameters
    ----------
    tasks
        What is to be done, by its name in messages.
    processes
        How many at once; with one, they are done one after the other in this process.

    Raises
    ------
    Exception
        Of the first task that failed, in their order: its own error, or `RuntimeError` with the traceback of a defect.
    """
    if processes == 1:
        for task in tasks.values():
            task()
        return
    context = multiprocessing.get_context("fork")
    gc.freeze()  # what is there stays there: collecting it in each process would copy its pages
    waiting, errors = list(tasks), dict[str, Exception | None]()
    running: dict[Connection, tuple[str, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                name = waiting.pop(0)
                inbox, outbox = context.Pipe(duplex=False)
                process: BaseProcess = context.Process(
                    target=_child, args=(os.getpid(), tasks[name], outbox), daemon=True
                )
                process.start()
                outbox.close()
                running[inbox] = name, process
            for inbox in [each for each in wait(list(running)) if each in running]:
                name, process = running[inbox]
                errors[name] = _said(inbox, name)
                process.join()
                del running[inbox]
    finally:
        for _, process in running.values():  # left only where this process was stopped, and Ctrl-C stops them as well
            process.join(PATIENCE)
            process.terminate()
    for name in tasks:
        if (error := errors[name]) is not None:
            raise error


def _said(inbox: Any, name: str) -> Exception | None:
    """What a process says of its end: nothing if all went well."""
    try:
        error: Exception | None = inbox.recv()
    except (EOFError, OSError):
        return AIAError(f"{name}: the process for it was killed; it may have run out of memory: run again with more")
    return error


def _child(parent: int, task: Callable[[], Any], outbox: Any) -> None:
    follow(parent)
    try:
        task()
    except KeyboardInterrupt:
        pass  # the parent has it as well
    except Exception as error:  # noqa: BLE001 - its traceback belongs into the job's log, which the parent writes
        known = error if isinstance(error, AIAError) else of_disk(error)
        outbox.send(known or RuntimeError(traceback.format_exc()))
    else:
        outbox.send(None)
