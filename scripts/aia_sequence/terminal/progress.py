"""How far a run is: which jobs there are, which are at work, what failed and why."""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aia_sequence.errors import GIVEN_UP
from aia_sequence.joblog import last_count, reason_in

TARGETS = frozenset({"all", "budget"})  # rules without work of their own
# Snakemake's reasons, in a word or two; the first of each group of steps are those that matter most.
REASONS = {
    "forced": r"Forced execution",
    "not made yet": r"Missing output files",
    "interrupted": r"Incomplete output files",
    "options changed": r"Params have changed",
    "code changed": r"Code has changed",
    "environment changed": r"Software environment",
    "other inputs": r"Set of input files",
    "newer inputs": r"Updated input files: \S",
    "what it needs is made again": r"Input files updated by another job",
}


@dataclass
class Job:
    """A job.

    `first` and `last` are counts that its log showed of a part of it, of `total` pieces, and when each was first seen.
    """

    rule: str = ""
    wildcards: Mapping[str, str] = field(default_factory=dict)
    logs: Sequence[str] = ()
    started: float = 0.0
    first: tuple[float, int] | None = None
    last: tuple[float, int] | None = None
    total: int = 0

    @property
    def subject(self) -> str:
        """What the job is about: event, channel, block."""
        return " ".join(str(value) for value in self.wildcards.values())

    @property
    def name(self) -> str:
        """The job's rule and what it is about."""
        return f"{self.rule} {self.subject}".strip()


@dataclass(frozen=True)
class Failure:
    """Why a job failed, in the words of its log (empty where the log has none)."""

    job: Job
    reason: str

    @property
    def cause(self) -> str:
        """The reason without what distinguishes the job from others of its kind, and without what was asked for."""
        found = GIVEN_UP.match(self.reason)
        text = found[1] if found else self.reason
        for value in sorted(map(str, self.job.wildcards.values()), key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", text, flags=re.ASCII)
        return text


@dataclass
class Progress:
    """Jobs of a run, by Snakemake's numbers.

    Attributes
    ----------
    planned
        How many jobs of each rule there are.
    targets
        Rules without work of their own that were asked for.
    running, failed
        By number; a job that succeeds when it is repeated has not failed.
    done
        Jobs that succeeded.
    reasons
        Of each rule, why how many of its jobs are run; those of earlier batches of a dry run are among them.
    subjects
        Events that jobs are about.
    earlier
        How many jobs of each rule there were in earlier batches of a dry run.
    """

    clock: Callable[[], float] = time.time
    planned: Counter = field(default_factory=Counter)
    targets: frozenset[str] = frozenset()
    known: dict[int, Job] = field(default_factory=dict)
    running: dict[int, Job] = field(default_factory=dict)
    failed: dict[int, Failure] = field(default_factory=dict)
    ended: dict[str, dict[int, bool]] = field(default_factory=lambda: defaultdict(dict))
    reasons: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    subjects: set[str] = field(default_factory=set)
    earlier: Counter = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Jobs of the run."""
        return self.planned.total()

    @property
    def done(self) -> int:
        """Jobs that succeeded."""
        return sum(sum(jobs.values()) for jobs in self.ended.values())

    @property
    def started(self) -> bool:
        """Whether any job has begun."""
        return bool(self.running or self.ended)

    @property
    def unfinished(self) -> bool:
        """Whether not all jobs have succeeded."""
        return self.done < self.total

    def plan(self, stats: Mapping[str, int]) -> None:
        """Take note of how many jobs of each rule there are."""
        self.targets = TARGETS & set(stats)
        self.planned = Counter({rule: n for rule, n in stats.items() if rule not in TARGETS and rule != "total"})

    def know(self, number: int, rule: str, wildcards: Mapping[str, str], logs: Iterable[str], reason: str = "") -> None:
        """Take note of what a job is about, and why it is run."""
        job = self.known.setdefault(number, Job())
        if not job.rule:
            self.reasons[rule][_in_words(reason or "")] += 1
            self.subjects |= {wildcards["event"]} if wildcards and "event" in wildcards else set()
        job.rule, job.wildcards, job.logs = rule, dict(wildcards or {}), [str(path) for path in logs or ()]

    def start(self, numbers: Iterable[int]) -> None:
        """Take note that jobs are at work; what they are about may be known later."""
        for number in numbers:
            job = self.running[number] = self.known.setdefault(number, Job())
            job.started, job.first, job.last = self.clock(), None, None

    def at_work(self) -> list[Job]:
        """Jobs at work that have work of their own, the oldest first."""
        return [job for job in list(self.running.values()) if job.rule and job.rule not in TARGETS]

    def finish(self, number: int) -> Job | None:
        """Take note that a job succeeded; the job if it was the last of its rule."""
        self.failed.pop(number, None)  # an earlier attempt of it had failed
        return self._end(number, succeeded=True)

    def fail(self, number: int) -> Failure | None:
        """Take note that a job failed, and read why."""
        job = self.known.get(number)
        if job is None:
            return None
        self._end(number, succeeded=False)
        reasons = [reason for path in job.logs if (reason := reason_in(path))]
        self.failed[number] = Failure(job, reasons[-1] if reasons else "")
        return self.failed[number]

    def _end(self, number: int, *, succeeded: bool) -> Job | None:
        job = self.running.pop(number, None) or self.known.get(number)
        if job is None or job.rule in TARGETS:
            return None
        of_rule = self.ended[job.rule]
        of_rule[number] = succeeded
        return job if len(of_rule) == self.planned[job.rule] else None

    def causes(self) -> list[list[Failure]]:
        """Failures, those of one cause together, in the order in which the causes came up."""
        found: dict[str, list[Failure]] = {}
        for failure in self.failed.values():
            found.setdefault(failure.cause, []).append(failure)
        return list(found.values())

    def state(self, job: Job) -> str:
        """What a running job is at: the last count in its log, and by its pace the time that is left."""
        now = self.clock()
        counts = [found for path in job.logs if (found := last_count(path))]
        if not counts:
            return elapsed(now - job.started)
        count = counts[-1]
        if job.last is None or job.last[1] != count.done:
            # What counts less than before, or another number of pieces, is another part of the job.
            if job.last and (count.done < job.last[1] or count.total != job.total):
                job.first = None
            job.last, job.total = (now, count.done), count.total
        text = f"{count.done} of {count.total}" + (f", {count.megabytes:.0f} MB" if count.megabytes else "")
        begun, done = job.first = job.first or job.last
        if done < count.done < count.total:
            pace = (job.last[0] - begun) / (count.done - done)
            text += f", {elapsed(max(0.0, (count.total - count.done) * pace - (now - job.last[0])))} left"
        return text


def _in_words(text: str) -> str:
    """The main reason of a step, in a word or two."""
    return next((word for word, pattern in REASONS.items() if re.search(pattern, text)), "")


def elapsed(seconds: float) -> str:
    """A time span as a person reads it: `34 s`, `12 min`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
