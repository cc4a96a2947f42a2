"""From the configuration to names: what a job's wildcards stand for.

Pure functions of the configuration: planning reads no file and asks no archive. It only looks which marks of a refresh
and which committed record lists there are.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from aia_sequence.instrument import SERIES
from aia_sequence.planning.jobs import Job
from aia_sequence.terminal import batches

ARCHIVE = PLAN.settings.archive
# Where a workflow that takes this one as a module has put it: known while the rules are read, no longer while jobs are.
RESULTS, RESOURCES, LOGS = map(workflow.pathvars.apply, ("<results>", "<resources>", "<logs>"))
RUN = batches.CURRENT if workflow.is_main_process else None  # of `aia-sequence run`
STORAGE = workflow.storage_settings.default_storage_provider  # where files lie, if on no disk
NOW = datetime.fromtimestamp(RUN.began if RUN else time.time(), UTC).strftime("%Y%m%dT%H%M%S")

# Jobs go first whose event is nearest to its end, so that a catalogue's first events are finished while its last ones
# wait, and before all others those that ask for an export, for which they wait longest.
# Of few events the query goes before tables, which a core has time for while the chain from query to frames is at work.
PRIORITY = {
    "query_metadata": 3 if len(PLAN.events) < 4 else 0,
    "filter_records": 1,
    "table": 2,
    "local_level1": 2,
    "calibrate_level15": 3,
    "plot_sequence": 4,
    "figure": 5,
    "write_audit": 6,
    "download_level1": 7,
}


wildcard_constraints:
    event=r"[A-Za-z0-9][A-Za-z0-9._+-]*",
    series="|".join(map(re.escape, SERIES)),
    channel=r"\d+",
    difference="running|base|ratio",
    slit=r"[A-Za-z0-9][A-Za-z0-9._+-]*",
    block=r"\d{8}T\d{4}",
    day=r"\d{8}",
    archive=r"[a-z][a-z0-9_.+-]*",
    asked=r"[A-Za-z0-9._+/-]+",
    time=r"\d{8}T\d{6}",


include: "planning.smk"


def job(wildcards):
    """What a job is about, by its wildcards."""
    named = {name: getattr(wildcards, name, None) for name in ("event", "channel", "series", "block")}
    return Job(PLAN, **named)


def of_job(name):
    """An attribute of `aia_sequence.planning.jobs.Job`, as a function of a job's wildcards."""

    @for_rules
    def attribute(wildcards):
        return getattr(job(wildcards), name)

    return attribute


def located(name):
    """The same of an attribute that holds paths, as they are when all is done: a parameter, where rules name files."""

    def of_value(value):
        if isinstance(value, dict):
            return {key: of_value(one) for key, one in value.items()}
        return [path.replace("<results>", RESULTS).replace("<resources>", RESOURCES) for path in value]

    @for_rules
    def attribute(wildcards):
        return of_value(getattr(job(wildcards), name))

    return attribute


def option(name):
    """An option of the job's event, as a function of its wildcards."""

    @for_rules
    def of_event(wildcards):
        return PLAN.event(wildcards.event).options.get(name)

    return of_event


def each(pattern):
    """The files of a pattern for all channels or series and all blocks that the job's wildcards leave open."""

    @for_rules
    def of_event(wildcards):
        return PLAN.paths(pattern, wildcards.event, getattr(wildcards, "channel", None))

    return of_event


# Where files lie in storage, what a job reads must be brought to it. On a shared disk the lists that are written last
# stand for the files that they name: each further input makes the plan of a large catalogue longer.


def brought_frames(level):
    """The folders of frames of a level that the job reads."""
    folders = each(f"<results>/{{event}}/{level}/{{channel}}/{{block}}")

    @for_rules
    def of_event(wildcards):
        return folders(wildcards) if STORAGE else []

    return of_event


@for_rules
def brought_to_cube(wildcards):
    """The folders of frames that the channel's cube is made of."""
    return brought_frames("level1.5" if option("cube")(wildcards) == "seen" else "level1")(wildcards)


@for_rules
def brought_to_audit(wildcards):
    """All that a description of the event reads: files, tables, and frames."""
    about = job(wildcards)
    files = [path for kind, paths in about.files.items() if kind != "audit" for path in paths]
    frames = [path for level in ("level1", "level1.5") for path in brought_frames(level)(wildcards)]
    return [*files, *about.tables, *frames] if STORAGE else []


def all_events(pattern, events=None):
    """The files of a pattern for all events, or some, with all their channels and blocks: what a target asks for."""
    return [path for event in (PLAN.events if events is None else events) for path in PLAN.paths(pattern, event)]


def figure_options(*names):
    """Those options of the figures that a rule depends on, as a function of its wildcards."""

    @for_rules
    def of_event(wildcards):
        figure = PLAN.event(wildcards.event).options.get("figure", {})
        return {name: figure[name] for name in names if name in figure}

    return of_event


@for_rules
def slit_options(wildcards):
    """How the configuration describes the job's slit."""
    return PLAN.event(wildcards.event).options["slits"][wildcards.slit]


def refresh_marker(question):
    """The mark that a question was put to the archive once more, as a function of the job's wildcards.

    Answers are kept and used as they are. With `refresh: true` every run makes new marks, so it asks again; without,
    the newest mark stays an input of the answer that it led to, so nothing is asked again. Most answers have no mark.
    """

    @for_rules
    def of_question(wildcards):
        folder = Path(RESOURCES, ARCHIVE, "refresh", question.format(**dict(wildcards.items())))
        if PLAN.settings.options["refresh"] and workflow.is_main_process:
            return [local(str(folder / f"{NOW}.txt"))]
        return [local(path) for path in sorted(map(str, folder.glob("*.txt")))[-1:]]

    return of_question


@for_rules
def committed_records(wildcards):
    """The committed record list of the job's event, if there is one."""
    path = Path("config", "records", f"{wildcards.event}.csv")
    return [local(str(path))] if path.is_file() else []


@for_rules
def record_list(wildcards):
    """The same as one text: a check changes no product, so a list that is committed later repeats no job."""
    return "".join(committed_records(wildcards))


@for_rules
def calibrate_memory(wildcards, threads, attempt):
    """Memory of calibrating the job's block, MB."""
    return job(wildcards).calibrate_mb(threads, attempt)


@for_rules
def calibrate_runtime(wildcards, threads, attempt):
    """Run time of calibrating the job's block, minutes."""
    return job(wildcards).calibrate_minutes(threads, attempt)


@for_rules
def figure_memory(wildcards, attempt):
    """Memory of the figures of a sequence, MB."""
    return job(wildcards).figure_mb(attempt)


@for_rules
def figure_runtime(wildcards, attempt):
    """Run time of the figures of a sequence, minutes."""
    return job(wildcards).figure_minutes(attempt)
