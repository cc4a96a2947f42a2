"""Which events a run plans, and which of them it finishes: finished ones are not planned again, the others in batches.

Snakemake alone (`snakemake`) always plans all. So does a run that is asked for something out of the ordinary.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from aia_sequence.planning import finished
from aia_sequence.planning.finished import Stamps
from aia_sequence.terminal.batches import Run
from aia_sequence.terminal.progress import Failure, Job, Progress


class Catalogue:
    """The events of a run, from its plan to its end.

    Parameters
    ----------
    run
        The run.
    workflow
        Snakemake's. Parts of it that are used are private: `dag_settings`, `executor_plugin`, `dag.needrun_jobs`.
    stamps
        Of the configured events.
    path
        The list of finished events.
    """

    def __init__(self, run: Run, workflow: Any, stamps: Stamps, path: Path) -> None:
        self.run, self.workflow, self.stamps, self.path = run, workflow, stamps, path
        self.again: Callable[[], Iterable[str]] = tuple  # events that are to be planned once more, after a run
        self.alone = True  # no other catalogue is part of the same plan
        self.planned = False  # whether this is about all events: not where single files were asked for
        self.found: dict[str, str] = {}  # stamps of this batch's events, as they were before anything was made
        self.left: Counter[str] = Counter()  # jobs of each event that are still to be done

    @property
    def ordinary(self) -> bool:
        """Whether all that is missing or outdated is asked for, and nothing else."""
        settings, workflow = self.workflow.dag_settings, self.workflow
        special = (
            *(settings.forceall, settings.forcetargets, settings.forcerun, settings.batch),
            *(workflow.touch, workflow.storage_settings.default_storage_provider),
        )
        return self.alone and workflow.executor_plugin is not None and not any(special)

    @property
    def partly(self) -> bool:
        """Whether only some steps are asked for, after which no event is finished."""
        return bool(self.workflow.dag_settings.until or self.workflow.dag_settings.omit_from)

    def events(self, configured: Sequence[str], *, refresh: bool) -> Sequence[str]:
        """Those of the configured events that this batch plans."""
        if not self.ordinary:
            return configured
        if not self.planned:
            self.planned = True
            wanted = configured if self.run.events is None else self.run.events
            self.found = {name: self.stamps.of(name) for name in wanted}
            if self.run.events is None:
                listed = {} if refresh or self.partly else finished.read(self.path)
                self.run.take(name for name in wanted if listed.get(name) != self.found[name])
        return self.run.events or []

    def resume(self, progress: Progress) -> None:
        """Put what earlier batches have left behind where a run has it."""
        for number, one in enumerate(self.run.failures):
            progress.failed[-1 - number] = Failure(Job(one["rule"], one["wildcards"], one["logs"]), one["reason"])
        progress.earlier.update(self.run.planned)
        progress.subjects.update(self.run.subjects)
        for rule, words in self.run.reasons.items():
            progress.reasons[rule].update(words)

    def begin(self) -> None:
        """Take note of what is to be done for each event; the plan is made."""
        self.left = Counter(_event(job) for job in self.workflow.dag.needrun_jobs())

    def end_job(self, job: Job) -> None:
        """Take note that a job has succeeded; an event whose last one it was is finished."""
        name = job.wildcards.get("event", "")
        self.left[name] -= 1
        if name in self.found and not self.left[name]:
            self.found[name] = self.stamps.of(name)

    @property
    def finished(self) -> int:
        """How many events of this batch are finished by now."""
        return sum(not self.left[name] for name in self.run.events or ())

    def end(self, progress: Progress, *, cut_short: bool) -> None:
        """Write down which events are finished, and what the next batch must know."""
        run = self.run
        if not self.planned:
            return
        again = [] if self.workflow.dryrun or cut_short or progress.failed else sorted(self.again())
        run.events = [name for name in run.events or () if name not in again]
        run.rest += [name for name in again if name not in run.rest]
        keep_going = self.workflow.execution_settings.keep_going
        run.goes_on = bool(run.rest) and not cut_short and (keep_going or not progress.failed)
        if self.workflow.dryrun:
            run.planned = dict(progress.planned + progress.earlier)
            run.reasons = {rule: dict(words) for rule, words in progress.reasons.items()}
            run.subjects = sorted(progress.subjects)
        elif not self.partly:
            unfinished = {_event(job) for job in self.workflow.dag.needrun_jobs()}
            self.left = Counter(dict.fromkeys(unfinished, 1))
            done = {name: self.found[name] for name in run.events or () if name not in unfinished}
            finished.write(self.path, finished.read(self.path) | done)
        run.finished_here = self.finished
        run.failures = [
            {"rule": one.job.rule, "wildcards": one.job.wildcards, "logs": one.job.logs, "reason": one.reason}
            for one in progress.failed.values()
        ]


def _event(job: Any) -> str:
    """The event that a job of Snakemake is about; none for what events share."""
    return getattr(job.wildcards, "event", "")
