"""Snakemake's log events as a display for people; takes the place of Snakemake's own lines.

On a terminal a few changing lines show the steps done and the jobs at work; elsewhere there is a line for each finished
stage, and one each half minute. Failures are shown once per cause, at the end, and then what there is now.

Snakemake has logger plugins for that, but one named in a profile stops every run where it is not installed, so the
handler is installed from the rules (`install`). Whoever chooses a logger (`--logger`), `--verbose` or `snakemake
-n` gets Snakemake's own words. https://snakemake.readthedocs.io/en/stable/executing/monitoring.html
"""

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from aia_sequence.joblog import TOLD
from aia_sequence.terminal import STOPPED
from aia_sequence.terminal.catalogue import Catalogue
from aia_sequence.terminal.ending import by_our_command, failures
from aia_sequence.terminal.outlook import outlook
from aia_sequence.terminal.progress import Progress, elapsed
from aia_sequence.terminal.screen import Screen

REPLACED = "DefaultStreamHandler"  # Snakemake's name of its own handler
EVERY = 30.0  # seconds between lines where there is no terminal
# What Snakemake says of itself.
TALK = re.compile(
    r"\s*(\Z|Using (workflow|profile|shell)|Config file|Assuming|Building DAG|Provided |Rules claiming|Conda env|"
    r"host: |Singularity|Select jobs|Execute \d|Complete log|Elapsed|Will exit|Exiting because|Shutting down|"
    r"Trying to |Terminating processes|Submitted job|Job \d+ has been|SLURM run ID|Removing output|Removed|Cancelling|"
    r"Logfile |Storing in |Retrieving from |Finished (upload|retrieval)|Removing local|Skipped removing|"
    r"At least one job|Group jobs|WorkflowError:\s*At least one|Nothing to be done|Job stats|Reasons:|"
    r"This was a dry-run|Cannot restore |Some jobs were triggered|Rules with provenance triggered jobs)",
    re.ASCII,
)
# What Snakemake puts around the message of an error in the configuration.
WRAPPER = re.compile(
    r'^(\w+ in (file|rule) [^\n]*, line \d+:\n)+|(\n  File "[^"]*", line \d+, in [^\n]*)+\s*\Z', re.ASCII
)


class Display(LogHandlerBase):
    """A log handler that shows a run to a person."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        settings = self.common_settings
        self.quiet = "all" in {str(item).rsplit(".")[-1].lower() for item in settings.quiet or ()}
        self.dry = bool(settings.dryrun) and by_our_command()
        self.own_words = bool(settings.verbose or settings.debug_dag or (settings.dryrun and not self.dry))
        terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        ours = not (self.own_words or self.dry)
        self.screen = Screen(live=terminal and ours and not self.quiet, captured=ours)
        self.progress = Progress()
        self.catalogue: Catalogue | None = None
        self.log_path: Callable[[str], str] = str  # where a log lies on this machine
        self.openings: list[Callable[[Progress], str]] = []
        self.endings: list[Callable[[Progress], str]] = []
        self.began = self.said = time.time()
        self.ran, self.stopped, self.closed, self.over = False, False, False, threading.Event()
        self.cut_short = False  # by Ctrl-C, or asked to end when the jobs at work have ended
        if ours:
            os.environ[TOLD] = "1"
            threading.Thread(target=self._tick, daemon=True).start()

    def emit(self, record: Any) -> None:
        """Take note of an event, a log record with what Snakemake adds; what is wrong with it never ends a run."""
        try:
            self._take(record)
        except Exception as error:  # noqa: BLE001
            self.screen.say(f"{record.getMessage()} ({error!r})")

    def _take(self, record: Any) -> None:
        event, progress = getattr(record, "event", None), self.progress
        if self.own_words:
            text = self.format(record) or ""
            text = WRAPPER.sub("", text) if event == LogEvent.ERROR else text
            if text and text != "None":
                self.screen.say(text)
        elif event == LogEvent.RUN_INFO:
            self.ran = True
            progress.plan(record.stats)
            if self.catalogue:
                self.catalogue.begin()
            texts = [self._ending(one) for one in self.openings]
            self._say(*texts if not self.dry else ())
        elif event == LogEvent.JOB_INFO:
            logs = [self.log_path(str(path)) for path in record.log or ()]
            progress.know(record.jobid, record.rule_name, record.wildcards, logs, record.reason)
        elif event == LogEvent.JOB_STARTED:
            progress.start(record.jobs)
        elif event == LogEvent.JOB_FINISHED:
            self._tell_stage(progress.finish(record.job_id))
            if self.catalogue and (job := progress.known.get(record.job_id)):
                self.catalogue.end_job(job)
        elif event == LogEvent.JOB_ERROR:
            failure = progress.fail(record.jobid)
            if failure and len(failure_of_cause(progress, failure)) == 1:
                reason = (failure.reason or "see its log").splitlines()[0]
                self.screen.hold(self.screen.red(f"FAILED {failure.job.name}: {reason}"))
        elif event == LogEvent.ERROR and record.exception == "RuleException":
            pass  # the job's own error says it
        elif event in (None, LogEvent.ERROR) or record.levelno >= logging.WARNING:
            text = WRAPPER.sub("", record.getMessage() if record.msg else "")
            self.stopped = self.stopped or text.startswith("Terminating")
            self.cut_short = self.cut_short or text.startswith(("Terminating", "Will exit"))
            self.ran = self.ran or text.startswith("Nothing to be done")
            if not TALK.match(text):
                self._say(text)

    def _ending(self, ending: Callable[[Progress], str]) -> str:
        """What an ending or an opening says; a defect of ours in it is shown and never changes how the run ended."""
        try:
            return ending(self.progress)
        except Exception as error:  # noqa: BLE001
            return f"the ending cannot be written: {error!r}"

    def _say(self, *texts: str) -> None:
        for text in texts:
            if text and not self.quiet:
                self.screen.say(text)

    def _tell_stage(self, job: Any) -> None:
        """Where lines stay: that all jobs of a rule are done."""
        if job is None or self.screen.live or self.many:
            return
        ended = self.progress.ended[job.rule].values()
        count = f"{sum(ended)} done" if len(ended) > 1 else "done"
        lost = f", {len(ended) - sum(ended)} failed" if not all(ended) else ""
        self._say(f"{self._clock()}  {job.rule}: {count}{lost}")

    @property
    def many(self) -> bool:
        """Whether the run is one of several batches of events."""
        return self.catalogue is not None and self.catalogue.run.many

    def _events(self) -> str:
        """How many events of all batches are finished."""
        if not self.catalogue:
            return ""
        return f"{self.catalogue.run.finished + self.catalogue.finished:,} of {self.catalogue.run.total:,} events"

    def _clock(self) -> str:
        done = self._events() if self.many else f"{self.progress.done:>3} of {self.progress.total}"
        return f"{time.strftime('%H:%M:%S')}  {done}"

    def _tick(self) -> None:
        while not self.over.wait(0.25 if self.screen.live else 1.0):
            self.screen.release(drop=self.stopped)
            if self.screen.live and (self.progress.total or self.many):
                self.screen.draw(self._rows)
            elif not self.screen.live and time.time() - self.said > EVERY and self.progress.running:
                self.said = time.time()
                work = [f"{job.name}: {self.progress.state(job)}" for job in self.progress.at_work()[:3]]
                self._say(f"{self._clock()}  at work: {'; '.join(work)}")

    def _rows(self, width: int, height: int) -> list[str]:
        """The changing lines: steps done of all, and the jobs at work."""
        progress, spent, share = self.progress, time.time() - self.began, 0.0
        steps = f"{progress.done} of {progress.total} steps"
        if progress.total:
            share = progress.done / progress.total
        if self.many and self.catalogue:
            run, spent = self.catalogue.run, time.time() - self.catalogue.run.began
            steps = f"{self._events()}, {steps if progress.total else 'planning'}"
            share = (run.before + share * len(run.events or ())) / run.total
        filled = int(20 * share)
        head = f"[{'#' * filled}{'.' * (20 - filled)}] {steps}, {elapsed(spent)}"
        head += f", {len(progress.failed)} failed" if progress.failed else ""
        head += ", stopping" if self.stopped else ""
        jobs = progress.at_work()[: max(1, height - 4)]
        rule, subject = (max((len(text) for text in texts), default=0) for texts in
                         ([job.rule for job in jobs], [job.subject for job in jobs]))  # fmt: skip
        rows = []
        for job in jobs:
            state = progress.state(job)
            # The state is what changes, so it is what must be seen where the width does not do for all.
            room = max(8, width - rule - len(state) - 8)
            about = job.subject if len(job.subject) <= room else f"{job.subject[: room - 1]}…"
            rows.append(f"  {job.rule:{rule}}  {about:{min(subject, room)}}  {state}")
        return [head, *rows]

    def close(self) -> None:
        """Say how the run ended: failures once per cause, then what there is now."""
        if self.closed:
            return
        self.closed = True
        self.over.set()
        self.screen.close(drop=self.stopped)
        if self.catalogue and self.ran:
            self.catalogue.end(self.progress, cut_short=self.cut_short)
        if self.catalogue and self.catalogue.run.goes_on:
            self._say("" if self.dry or self.screen.live else self._clock())
        elif not self.own_words:
            if self.stopped:  # what an interruption has ended has not failed
                self.progress.failed = {n: one for n, one in self.progress.failed.items() if one.reason}
            self._say(failures(self.progress), STOPPED if self.stopped else "")
            if self.ran and self.dry:
                some = self.progress.planned or self.progress.earlier
                self._say(outlook(self.progress), *map(self._ending, self.openings if some else ()))
                self._say("`--verbose` tells of each step, with its files, in Snakemake's own words.")
            elif self.ran:
                self._say(*map(self._ending, self.endings))
        super().close()


def failure_of_cause(progress: Progress, failure: Any) -> list[Any]:
    """All failures that have the cause of one."""
    return next(group for group in progress.causes() if failure in group)


def install(workflow: Any) -> Display | None:
    """Take the place of Snakemake's own lines, once in a run; None where somebody has chosen a logger.

    The processes that Snakemake starts for jobs, here or on nodes, have nothing to show. Private parts of Snakemake are
    used: the name of its handler, `logger_manager.plugin_handlers` and `.settings`, and `is_main_process`; the tests
    of this module fail when they change.
    """
    from snakemake.logging import logger

    manager = workflow.logger_manager
    if not workflow.is_main_process or manager.plugin_handlers:
        return None
    for handler in logger.handlers:
        if isinstance(handler, Display):
            return handler
    for old in [handler for handler in logger.handlers if handler.name == REPLACED]:
        new = Display(manager.settings, None)
        new.setFormatter(old.formatter)
        for one in old.filters if new.own_words else ():
            new.addFilter(one)
        logger.removeHandler(old)
        logger.addHandler(new)
        return new
    return None
