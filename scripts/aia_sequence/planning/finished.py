"""Which events are finished, so that a run need not plan them again: a plan costs time for every file of every event.

Snakemake decides what is to be made, by parameters, files and their times. Of an event of which nothing is left to be
made, a run writes down a digest of all that this was decided by, its stamp. As long as that is the same, so would be
the answer, and nobody needs to ask. Whatever differs, and be it a file's time, has the event planned as if not listed.
"""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aia_sequence.config.event import event_config
from aia_sequence.files import sha256, write_csv
from aia_sequence.planning.jobs import Job
from aia_sequence.planning.plan import Plan
from aia_sequence.planning.products import DESCRIPTION

NAME = "finished.csv"  # beside the events' folders
COLUMNS = ("event", "stamp")
SHARED_QUESTIONS = ("degradation", "errors", "headers")  # those that an archive may be asked again for all events


@dataclass
class Stamps:
    """What is to be made of events, and what is there of it.

    Attributes
    ----------
    plan
        The plan that events belong to.
    results, resources
        Where products lie, and what events share.
    sources
        Gives a digest of what decides for all events alike: rules, library, and how Snakemake goes about it.
    shared
        Gives further files that jobs of all events may depend on.
    """

    plan: Plan
    results: str
    resources: str
    sources: Callable[[], str]
    shared: Callable[[], Iterable[str]] = tuple

    @cached_property
    def code(self) -> str:
        """That digest, as it was when it was first needed."""
        return self.sources()

    def of(self, name: str) -> str:
        """Stamp of an event: of code, options, and of each of its files the size and the time of its last change."""
        states = [(path, _state(path)) for path in self._files(name)]
        marks = [(question, self._marks(question)) for question in self._questions(name)]
        known = [self.code, event_config(self.plan.settings, name), states, marks]
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

    def _files(self, name: str) -> Iterator[str]:
        """Every file that a job of the event makes or reads, and the folders of its frames."""
        job = Job(self.plan, name)
        for paths in job.files.values():
            yield from map(self._located, paths)
        for pattern in ("level1", "level1.5"):
            yield from self.plan.paths(f"{self.results}/{{event}}/{pattern}/{{channel}}/{{block}}", name)
        for file in DESCRIPTION:
            yield f"{self.results}/{name}/{file}"
        yield from map(self._located, job.tables)
        yield f"config/records/{name}.csv"
        yield from self.shared()

    def _questions(self, name: str) -> Iterator[str]:
        yield from SHARED_QUESTIONS
        yield from self.plan.paths("{event}/{series}/{block}", name)
        days = {
            day
            for place in self.plan.paths("{series}/{block}", name)
            for day in self.plan.days(name, *place.split("/"))
        }
        yield from (f"pointing/{day}" for day in sorted(days))

    def _marks(self, question: str) -> list[str]:
        """Names of the marks that a question was put to the archive once more."""
        try:
            return sorted(os.listdir(f"{self.resources}/{self.plan.settings.archive}/refresh/{question}"))
        except OSError:
            return []

    def _located(self, path: str) -> str:
        return path.replace("<results>", self.results).replace("<resources>", self.resources)


def _state(path: str) -> tuple[int, int] | None:
    """Size and time (ns) of a file or folder; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def read(path: Path) -> dict[str, str]:
    """Stamps of finished events by name; a list that is not there, or is none, names no event."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, ValueError, csv.Error):
        return {}
    return dict(row for row in rows[1:] if len(row) == len(COLUMNS)) if rows[:1] == [list(COLUMNS)] else {}


def write(path: Path, stamps: Mapping[str, str]) -> None:
    """Write the stamps of finished events, whole or not at all."""
    write_csv(path, COLUMNS, sorted(stamps.items()))


def digest(texts: Iterable[str], files: Iterable[Path]) -> str:
    """Digest of texts and of files, each by its name and content; what is no file here counts by its name."""
    found = hashlib.sha256("\n".join(texts).encode())
    for path in sorted(files):
        found.update(f"\n{path}\n".encode())
        found.update(sha256(path).encode() if path.is_file() else b"")
    return found.hexdigest()
