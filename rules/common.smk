"""The configuration comes in, names go out: which blocks, files and options a job has.

Pure functions of the configuration: planning reads no file and asks no archive. It only looks which marks of a refresh and
which committed record lists there are.
"""

import atexit
import gc
import inspect
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from aia_sequence import __version__
from aia_sequence.planning import budget, costs
from aia_sequence.config import conditions
from aia_sequence.overview import events, page
from aia_sequence.instrument import (
    EUV,
    series_of,
)
from aia_sequence.config.cutouts import im_patch
from aia_sequence.config.event import event_config
from aia_sequence.config.region import out_of_sight
from aia_sequence.terminal import ending
from aia_sequence.terminal.display import install
from aia_sequence.times import iso

ARCHIVE = PLAN.settings.archive
# Where a workflow that takes this one as a module has put it: known while the rules are read, no longer while jobs are.
RESULTS, RESOURCES = map(workflow.pathvars.apply, ("<results>", "<resources>"))
NOW = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")

# A plan is millions of objects that live to its end. Python would look through them for garbage again and again, and once
# more before it exits: a third of the time of planning a large catalogue, for nothing.
gc.set_threshold(100_000, 50, 100)
atexit.register(gc.freeze)

# Jobs go first whose event is nearest to its end, so that a catalogue's first events are finished while its last ones
# wait, and before all others the one export request that the archive accepts.
PRIORITY = {
    "filter_records": 1,
    "table": 2,
    "download_level1": 2,
    "look_up_corrections": 2,
    "calibrate_level15": 3,
    "measure_sequence": 4,
    "figure": 5,
    "write_audit": 6,
    "write_provenance": 7,
    "request_export": 8,
}


wildcard_constraints:
    event=r"[A-Za-z0-9][A-Za-z0-9._+-]*",
    series=r"aia\.lev1_[a-z0-9_]+",
    channel=r"\d+",
    block=r"\d{8}T\d{4}",
    day=r"\d{8}",
    archive="synthetic|jsoc",
    asked=r"[A-Za-z0-9._+/-]+",
    time=r"\d{8}T\d{6}",


def for_rules(function):
    """Give a function that rules name its signature ready made: Snakemake looks it up three times for each job."""
    function.__signature__ = inspect.signature(function)
    return function


def asked_anew(what):
    """The mark that the answer to a question to the archive was asked for anew, as a function of the job's wildcards.

    Answers are kept and used as they are. With `refresh: true` every run makes new marks, so it asks again; without,
    the newest mark stays an input of the answer that it led to, so nothing is asked again. Most answers have no mark.
    """

    @for_rules
    def of_job(wildcards):
        named = what.format(**dict(wildcards.items()))
        folder = Path(RESOURCES, ARCHIVE, "refresh", named)
        if PLAN.settings.options["refresh"] and workflow.is_main_process:
            return [str(folder / f"{NOW}.txt")]
        return sorted(map(str, folder.glob("*.txt")))[-1:]

    return of_job


@for_rules
def block_of(wildcards):
    """The block that a job is about."""
    series = getattr(wildcards, "series", None) or wildcards.channel
    return PLAN.block(wildcards.event, series, wildcards.block)


@for_rules
def block_span(wildcards):
    """T_REC of the block's first and of its last slot."""
    block = block_of(wildcards)
    return [block.start, block.end]


@for_rules
def series_name(wildcards):
    """Name of the series that holds the job's channel."""
    return series_of(wildcards.channel).name


def option(name):
    """An option of the job's event, as a function of its wildcards."""

    @for_rules
    def of_event(wildcards):
        return PLAN.event(wildcards.event).options.get(name)

    return of_event


def figure_options(*names):
    """Those options of the figures that a rule depends on, as a function of its wildcards."""

    @for_rules
    def of_event(wildcards):
        figure = PLAN.event(wildcards.event).options.get("figure", {})
        return {name: figure[name] for name in names if name in figure}

    return of_event


CHANNEL_FIGURES = (
    "lightcurve.csv",
    "lightcurve.png",
    "lightcurve.pdf",
    "statistics.json",
    "sequence.png",
    "sequence.pdf",
    "sequence.txt",
    "movie.mp4",
    "viewer.html",
)
CHANNEL_PANEL = ("channels.png", "channels.pdf", "channels.txt")


@for_rules
def figure_files(wildcards):
    """Every figure that the configuration asks for, of the job's event."""
    event = PLAN.event(wildcards.event)
    gif = ["movie.gif"] if event.options.get("figure", {}).get("gif") else []
    panel = CHANNEL_PANEL if len(event.channels) > 1 else ()
    folder = f"<results>/{event.name}/figures"
    return [f"{folder}/{channel}/{name}" for channel in event.channels for name in (*CHANNEL_FIGURES, *gif)] + [
        f"{folder}/{name}" for name in panel
    ]


def each_channel(pattern):
    """A file of each channel of the job's event, as a function of its wildcards."""

    @for_rules
    def of_event(wildcards):
        return [pattern.format(event=wildcards.event, channel=channel) for channel in event_channels(wildcards)]

    return of_event


def all_figures():
    """Every figure that the configuration asks for: what the workflow is for."""
    return [path for name in PLAN.events for path in figure_files(SimpleNamespace(event=name))]


def all_blocks(pattern):
    """The files of all blocks of the job's event and channel, as a function of its wildcards."""

    @for_rules
    def of_channel(wildcards):
        labels = PLAN.blocks(wildcards.event, series_of(wildcards.channel))
        return [pattern.format(event=wildcards.event, channel=wildcards.channel, block=label) for label in labels]

    return of_channel


def all_blocks_all_channels(pattern):
    """The files of all blocks and channels of the job's event, as a function of its wildcards."""

    @for_rules
    def of_event(wildcards):
        return [
            pattern.format(event=wildcards.event, channel=channel, block=label)
            for channel in PLAN.event(wildcards.event).channels
            for label in PLAN.blocks(wildcards.event, series_of(channel))
        ]

    return of_event


@for_rules
def committed_records(wildcards):
    """The committed record list of the job's event, if there is one."""
    path = Path("config", "records", f"{wildcards.event}.csv")
    return [str(path)] if path.is_file() else []


@for_rules
def record_list(wildcards):
    """The same as one text: a check changes no product, so a list that is committed later repeats no job."""
    return "".join(committed_records(wildcards))


@for_rules
def event_channels(wildcards):
    """Channels of the job's event, ascending."""
    return list(PLAN.event(wildcards.event).channels)


def all_level15():
    """The level-1.5 frames of all events: products of their own, made again when they are gone."""
    return [
        f"<results>/{event.name}/level1.5/{channel}/{block}{kind}"
        for event in PLAN.events.values()
        for channel in event.channels
        for block in PLAN.blocks(event.name, series_of(channel))
        for kind in ("", ".csv")
    ]


def gone(paths):
    """Those that do not exist, of paths that the plan comes upon in any case: what is there need not be asked for.

    Asked for by name they would be a fifth of all inputs, each of which Snakemake traces to its rule.
    """
    if not workflow.is_main_process:
        return []
    return [path for path in paths if not os.path.exists(path.replace("<results>", RESULTS))]


def all_events(pattern):
    """The files of all events: what a target asks for."""
    return [pattern.format(event=name) for name in PLAN.events]


@for_rules
def metadata_of_channel(wildcards):
    """The metadata of the job's block: one file per series, all channels in it."""
    return f"<results>/{wildcards.event}/metadata/{series_name(wildcards)}/{wildcards.block}.csv"


@for_rules
def block_days(wildcards):
    """UTC days of the job's block: it needs the pointing tables of these."""
    series = getattr(wildcards, "series", None) or wildcards.channel
    return PLAN.days(wildcards.event, series, wildcards.block)


@for_rules
def block_frames(wildcards):
    """How many frames the job's block can have in its channel: one per slot."""
    block = block_of(wildcards)
    return block.last - block.first + 1


@for_rules
def sequence_frames(wildcards):
    """How many frames the job's event can have in its channel, or in all where the job is about all: one per slot."""
    channels = [wildcards.channel] if hasattr(wildcards, "channel") else PLAN.event(wildcards.event).channels
    return sum(
        block.last - block.first + 1
        for channel in channels
        for block in PLAN.blocks(wildcards.event, series_of(channel)).values()
    )


@for_rules
def calibrate_threads(wildcards):
    """How many frames of the job's block are calibrated at once: four, if it can have as many."""
    return min(4, block_frames(wildcards))


@for_rules
def calibrate_memory(wildcards, threads, attempt):
    """Memory of calibrating a block, MB: by its processes, half as much again with each attempt."""
    return costs.calibrate_mb(threads, calibration_options(wildcards), attempt)


@for_rules
def calibrate_runtime(wildcards, threads, attempt):
    """Run time of calibrating a block, minutes: by its slots, so known before any record is, and by the attempt."""
    return costs.calibrate_minutes(block_frames(wildcards), threads, calibration_options(wildcards), attempt)


@for_rules
def figure_memory(wildcards, attempt):
    """Memory of the figures of a sequence, MB: the same for any length, half as much again with each attempt."""
    return costs.figure_mb(attempt)


@for_rules
def figure_runtime(wildcards, attempt):
    """Run time of the figures of a sequence, minutes: by its slots and by the attempt."""
    return costs.figure_minutes(sequence_frames(wildcards), attempt)


@for_rules
def budget_events(wildcards):
    """Of each event what its cost depends on."""
    return {
        name: {
            **{key: event.options.get(key) for key in ("calibration", "cutout", "region")},
            "metadata_tables": sum(len(PLAN.blocks(name, series)) for series in PLAN.series(name)),
        }
        for name, event in PLAN.events.items()
    }


@for_rules
def all_records(wildcards):
    """Record tables of all blocks, channels and events."""
    return [
        f"<results>/{name}/records/{channel}/{block}.csv"
        for name, event in PLAN.events.items()
        for channel in event.channels
        for block in PLAN.blocks(name, series_of(channel))
    ]


@for_rules
def query_keywords(wildcards):
    """Keywords that the conditions of the job's event need besides those of every block's metadata."""
    return filters.extra_keywords(filters.compile_where(option("where")(wildcards)))


@for_rules
def frames_wanted(wildcards):
    """Which frames the job's block consists of: series, conditions, segments, and what the archive does to them.

    Nothing of it depends on where the window begins or ends, or a wider one would fetch all blocks again.

    One parameter instead of several, because Snakemake calls each function of a rule for every job that it plans.
    """
    event = PLAN.event(wildcards.event)
    respike = (event.options.get("calibration") or {}).get("respike", False)
    cutout = event.options.get("cutout")
    return {
        "series": series_name(wildcards),
        "where": event.options.get("where"),
        "segments": ["image", "spikes"] if respike else ["image"],
        "processing": im_patch(event.options["region"], block_of(wildcards).cut) if cutout else {},
    }


@for_rules
def calibration_options(wildcards):
    """How the frames of the job's event and channel are calibrated; a cutout's grid is its region's.

    Point spread functions are known of EUV channels alone.
    """
    event = PLAN.event(wildcards.event)
    options = dict(event.options["calibration"])
    options["psf"] = options["psf"] and series_of(wildcards.channel) == EUV
    return options | {"region": event.options["region"]} if event.options.get("cutout") else options


@for_rules
def correction_options(wildcards):
    """Which corrections of the job's event come from tables, and from which version of them."""
    options = option("calibration")(wildcards)
    return {name: options[name] for name in ("pointing", "degradation", "degradation_version")}


def is_looked_up(wildcards):
    """Whether the options of the job's event ask for a table in which corrections are looked up."""
    options = option("calibration")(wildcards)
    return options["pointing"] or options["degradation"]


@for_rules
def correction_tables(wildcards):
    """The frozen tables in which the corrections of the job's block are looked up, by name."""
    options, folder = option("calibration")(wildcards), f"<resources>/{ARCHIVE}/calibration"
    tables = {}
    if options["pointing"]:
        tables["pointing"] = [f"{folder}/pointing/{day}.ecsv" for day in block_days(wildcards)]
    if options["degradation"]:
        tables["degradation"] = f"{folder}/degradation.ecsv"
    return tables


@for_rules
def calibration_tables(wildcards):
    """The table of errors and the point spread function that the options of the job's block ask for, by name."""
    options, folder = calibration_options(wildcards), f"<resources>/{ARCHIVE}"
    tables = {}
    if options["uncertainty"]:
        tables["errors"] = f"{folder}/calibration/errors.ecsv"
    if options["psf"]:
        tables["psf"] = f"{folder}/psf/{wildcards.channel}.fits"
    return tables


@for_rules
def correction_list(wildcards):
    """The list of corrections of the job's block, if its options ask for a table."""
    path = f"<results>/{wildcards.event}/corrections/{series_name(wildcards)}/{wildcards.block}.csv"
    return path if is_looked_up(wildcards) else []


def lists_of_event(wildcards, folder):
    """Every list that the stages of the job's event leave below a folder, by kind of `aia_sequence.provenance.inventory`."""
    blocks = [
        f"{channel}/{block}"
        for channel in event_channels(wildcards)
        for block in PLAN.blocks(wildcards.event, series_of(channel))
    ]
    series = [
        f"{one.name}/{block}" for one in PLAN.series(wildcards.event) for block in PLAN.blocks(wildcards.event, one)
    ]
    corrected = series if is_looked_up(wildcards) else []
    return {
        "metadata": [f"{folder}/metadata/{name}.csv" for name in series],
        "keywords": [f"{folder}/metadata/{name}.keywords.csv" for name in series],
        "records": [f"{folder}/records/{name}.csv" for name in blocks],
        "recordsets": [f"{folder}/records/{name}.recordset.txt" for name in blocks],
        "exports": [f"{folder}/export/{name}.json" for name in blocks],
        "corrections": [f"{folder}/corrections/{name}.csv" for name in corrected],
        "level1": [f"{folder}/level1/{name}.csv" for name in blocks],
        "level15": [f"{folder}/level1.5/{name}.csv" for name in blocks],
    }


@for_rules
def event_files(wildcards):
    """Every file of the job's event but its frames, by kind, as the paths that they have when all is done."""
    folder = f"{RESULTS}/{wildcards.event}"
    return lists_of_event(wildcards, folder) | {
        "audit": [f"{folder}/audit.csv", f"{folder}/audit.html"],
        "figures": [path.replace("<results>", RESULTS) for path in figure_files(wildcards)],
    }


@for_rules
def drawn_figures(wildcards):
    """One figure of each rule that draws the job's event."""
    drawn = ("sequence.png", "movie.mp4", "movie.gif", "viewer.html", "channels.png")
    return [path for path in figure_files(wildcards) if path.endswith(drawn)]


@for_rules
def audited_lists(wildcards):
    """The lists of the job's event that say what became of its records."""
    lists = lists_of_event(wildcards, f"<results>/{wildcards.event}")
    return {kind: paths for kind, paths in lists.items() if kind not in ("keywords", "corrections")}


@for_rules
def audited_event(wildcards):
    """What the audit of the job's event tells of the event itself."""
    event = PLAN.event(wildcards.event)
    return {
        "window": [iso(event.start), iso(event.end)],
        "channels": list(event.channels),
        "absent": event.absent,
        "where": event.options.get("where"),
        "remarks": out_of_sight(event.options.get("region")),
    }


@for_rules
def event_tables(wildcards):
    """Paths of the tables and point spread functions that the frames of the job's event were calibrated with."""
    found = set()
    for channel in event_channels(wildcards):
        for block in PLAN.blocks(wildcards.event, series_of(channel)):
            job = SimpleNamespace(event=wildcards.event, channel=channel, block=block)
            for tables in (calibration_tables(job) | correction_tables(job)).values():
                found |= {tables} if isinstance(tables, str) else set(tables)
    return [path.replace("<resources>", RESOURCES) for path in sorted(found)]


@for_rules
def config_as_used(wildcards):
    """The configuration of the job's event alone, with all defaults."""
    return event_config(PLAN.settings, wildcards.event)


def at_most():
    """What the whole configuration costs if every slot of its windows has a record that the conditions keep."""
    works = []
    for name, options in budget_events(None).items():
        slots = [
            (str(channel), block.last - block.first + 1, block.last - block.first + 1)
            for channel in PLAN.event(name).channels
            for block in PLAN.blocks(name, series_of(channel)).values()
        ]
        works.append(budget.estimate(name, options, slots, options["metadata_tables"], None))
    return budget.total(works)


def opening(progress):
    """What a run may cost, by the share of blocks that are still to be calibrated."""
    share = progress.planned["calibrate_level15"] / max(1, len(all_level15()) / 2)
    return ending.opening(at_most(), min(1.0, share), ARCHIVE)


def what_there_is(progress):
    """Write the page of results and say what there is, whatever way the run has ended."""
    page = Path(RESULTS, "index.html")
    logs = Path(workflow.pathvars.apply("<logs>"))
    if progress.planned and not progress.started or "summarise_budget" in progress.planned:
        return ""
    events = [overview.look(event, Path(RESULTS), logs) for event in PLAN.events.values()]
    resultspage.write(page, events, synthetic=ARCHIVE == "synthetic", version=__version__)
    return ending.summary(events, page.absolute())


# Snakemake's own lines end here, where the configuration is known to be good.
DISPLAY = install(workflow)
if DISPLAY is not None:
    DISPLAY.openings.append(opening)
    DISPLAY.endings.append(what_there_is)
