"""A catalogue in batches: what the process of one hands over to that of the next.

A plan holds every file of every event in memory. So a large catalogue is planned a batch of events at a time, each by a
process that takes the place of the one before (`exec`): memory is given back, and whoever sees or interrupts the run, a
person or a scheduler, has one process to deal with.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

VARIABLE = "AIA_SEQUENCE_BATCH"  # number of the open file by which a process gets what the one before hands over
SIZE = 500  # events of a batch: some seconds of planning, 300 MB


@dataclass
class Run:
    """A run of `aia-sequence run`, as far as it is.

    Attributes
    ----------
    size
        Most events of a batch.
    began
        When the run began (s since 1970).
    events
        Events of this batch; None before the first one is planned.
    rest
        Those of the batches that follow.
    before, finished
        How many events earlier batches had, and how many of them are finished.
    finished_here
        How many of this batch are.
    status
        Exit status of earlier batches, the worst.
    opening
        What was said of the cost.
    failures
        Jobs that failed in earlier batches: rule, wildcards, logs, reason.
    planned, reasons, subjects
        Of a dry run, of earlier batches: how many jobs of each rule, and why; their events.
    goes_on
        Whether another batch follows.
    """

    size: int = SIZE
    began: float = field(default_factory=time.time)
    events: list[str] | None = None
    rest: list[str] = field(default_factory=list)
    before: int = 0
    finished: int = 0
    finished_here: int = 0
    status: int = 0
    opening: str = ""
    failures: list[dict[str, Any]] = field(default_factory=list)
    planned: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    goes_on: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the first batch, or the only one."""
        return not self.before

    @property
    def many(self) -> bool:
        """Whether there are several batches."""
        return bool(self.before or self.rest)

    @property
    def total(self) -> int:
        """Events of all batches."""
        return self.before + len(self.events or ()) + len(self.rest)

    def take(self, names: Iterable[str]) -> list[str]:
        """Take the first batch of events, all batches of about the same size."""
        names = list(names)
        batches = max(1, -(-len(names) // self.size))
        size = -(-len(names) // batches)
        self.events, self.rest = names[:size], names[size:]
        return self.events

    def following(self, status: int) -> "Run":
        """The run as the next batch finds it."""
        run = Run(**asdict(self))
        run.before, run.finished = self.before + len(self.events or ()), self.finished + self.finished_here
        run.status, run.goes_on = max(self.status, status), False
        run.take(self.rest)
        return run

    def hand_over(self) -> None:
        """Begin this batch: the same command once more, in place of this process."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            file.seek(0)
            os.set_inheritable(file.fileno(), True)
            sys.stdout.flush()
            sys.stderr.flush()
            command = [sys.executable, *sys.orig_argv[1:]]
            os.execve(sys.executable, command, {**os.environ, VARIABLE: str(file.fileno())})


def received() -> Run | None:
    """What the batch before this one has handed over."""
    number = os.environ.pop(VARIABLE, "")
    if not number:
        return None
    with os.fdopen(int(number), encoding="utf-8") as file:
        return Run(**json.load(file))


CURRENT: Run | None = None  # the run that this process is part of; None where Snakemake was called itself
