"""What follows for a job of the workflow from the configuration: which frames it is about, what is done, what it takes.

Pure functions of the plan and of the names that a job is about, so that the plan needs no network and no earlier file.
"""

from typing import Any

from aia_sequence import versions
from aia_sequence.config import conditions
from aia_sequence.config.cutouts import im_patch, whole_bins
from aia_sequence.config.event import event_config
from aia_sequence.config.region import out_of_sight
from aia_sequence.instrument import EUV, SERIES, Series
from aia_sequence.planning import costs
from aia_sequence.planning.blocks import Block
from aia_sequence.planning.plan import Plan
from aia_sequence.planning.products import AUDITED, CHANNEL_FIGURES, CHANNEL_PANEL, DIFFERENCE, DRAWN, LISTS, SLIT
from aia_sequence.times import duration, iso, read_time


class Job:
    """A job, by what it is about: an event, and as far as it has them a channel or series, and a block.

    Parameters
    ----------
    plan
        The plan that the job belongs to.
    event
        Name of the event.
    channel
        Wavelength in angstrom; None for a job about a series, or about all channels.
    series
        Name of the series, for a job about all channels of one.
    block
        Label of the block; None for a job about all of the window.

    Raises
    ------
    ConfigError
        If the configuration has no such event, or AIA no such channel.
    """

    def __init__(
        self,
        plan: Plan,
        event: str,
        channel: str | int | None = None,
        series: str | None = None,
        block: str | None = None,
    ) -> None:
        self.plan, self.event, self.label = plan, plan.event(event), block or ""
        self.channel = None if channel is None else int(channel)
        self._series = series

    @property
    def series(self) -> Series:
        """The series that holds the job's channel, or that it is about."""
        return SERIES[self._series] if self._series else self.event.series(self.channel or 0)

    @property
    def series_name(self) -> str:
        """Name of that series."""
        return self.series.name

    @property
    def channels(self) -> list[int]:
        """Channels of the job's event, ascending."""
        return list(self.event.channels)

    @property
    def block(self) -> Block:
        """The block that the job is about."""
        return self.plan.block(self.event.name, self.series.name, self.label)

    @property
    def span(self) -> list[str]:
        """T_REC of the block's first and of its last slot."""
        return [self.block.start, self.block.end]

    @property
    def days(self) -> list[str]:
        """UTC days (YYYYMMDD) of the block's slots: it needs the pointing tables of these."""
        return self.plan.days(self.event.name, self.series.name, self.label)

    @property
    def frames(self) -> int:
        """How many frames the job can have: one for each slot or step of its block, or of all its blocks."""
        if self.label:
            return self.block.frames(self.channel or self.series.channels[0])
        channels = self.channels if self.channel is None else [self.channel]
        return sum(
            block.frames(channel)
            for channel in channels
            for block in self.plan.blocks(self.event.name, self.event.series(channel)).values()
        )

    @property
    def threads(self) -> int:
        """How many frames of the block are calibrated at once: four, if it can have as many."""
        return min(4, self.frames)

    @property
    def extra_keywords(self) -> list[str]:
        """Keywords that the conditions of the event need besides those of every block's metadata."""
        return conditions.extra_keywords(conditions.compile_where(self.event.options.get("where")))

    @property
    def frames_wanted(self) -> dict[str, Any]:
        """Which frames the block consists of: series, conditions, segments, and what the archive does to them.

        Nothing of it depends on where the window begins or ends, or a wider one would fetch all blocks again. It is one
        parameter instead of several, because Snakemake calls each function of a rule for every job that it plans.
        """
        options = self.event.options
        steps = self.block.steps
        respike = (options.get("calibration") or {}).get("respike", False)
        return {
            "series": self.series.name,
            "where": options.get("where"),
            "segments": ["image", "spikes"] if respike else ["image"],
            "processing": self._patch if options.get("cutout") else {},
            **({"steps": {"length": steps.length, "phase": steps.phase}} if steps else {}),
        }

    @property
    def _patch(self) -> dict[str, dict[str, str]]:
        """What the archive cuts out of the block's frames. Nothing of it depends on where the window begins or ends."""
        block, around = self.block, 0.0
        if block.steps:  # a frame that stands in for another may lie half a step outside
            around = block.steps.length * block.series.step / 2
        begin = read_time(block.cut) - around
        return im_patch(whole_bins(self.event.options), begin, self.plan.length.total_seconds() + 2 * around)

    @property
    def calibration(self) -> dict[str, Any]:
        """How the frames of the event and channel are calibrated; a cutout's grid is its region's.

        Point spread functions are known of EUV channels alone.
        """
        options = dict(self.event.options["calibration"])
        options["pointing"] = options["pointing"] is True  # `header` is a word for not updating it
        options["psf"] = options["psf"] and self.channel in EUV.channels
        return options | {"region": self.event.options["region"]} if self.event.options.get("cutout") else options

    @property
    def calibration_version(self) -> str | list[str]:
        """Version of the block's level-1.5 frames; that of a step which few frames need is theirs alone."""
        accelerated = self.calibration["psf"] and self.calibration["psf_acceleration"]
        return [versions.LEVEL15, versions.ACCELERATED] if accelerated else versions.LEVEL15

    def calibrate_mb(self, threads: int, attempt: int) -> int:
        """Memory of calibrating the block, MB: by its processes, half as much again with each attempt."""
        return costs.calibrate_mb(threads, self.calibration, attempt)

    def calibrate_minutes(self, threads: int, attempt: int) -> int:
        """Run time of calibrating the block, minutes: by its slots, so known before any record is, and the attempt."""
        return costs.calibrate_minutes(self.frames, threads, self.calibration, attempt)

    def figure_minutes(self, attempt: int) -> int:
        """Run time of the figures of a sequence, minutes: by its slots and by the attempt."""
        return costs.figure_minutes(self.frames, attempt)

    def figure_mb(self, attempt: int) -> int:
        """Memory of the figures of a sequence, MB: the same for any length, half as much again with each attempt."""
        return costs.figure_mb(attempt)

    # Files, as rules name them: below <results> and <resources>, wherever these are.

    @property
    def metadata_table(self) -> str:
        """The metadata of the block: one file per series, all channels in it."""
        return f"<results>/{self.event.name}/metadata/{self.series.name}/{self.label}.csv"

    @property
    def calibration_tables(self) -> dict[str, str | list[str]]:
        """The frozen tables and the point spread function that the options of the block ask for, by name."""
        settings, options = self.plan.settings, self.calibration
        folder = f"<resources>/{settings.tables_name}"
        tables: dict[str, str | list[str]] = {}
        if options["pointing"]:
            tables["pointing"] = [f"{folder}/calibration/pointing/{day}.ecsv" for day in self.days]
        if options["degradation"]:
            tables["degradation"] = f"{folder}/calibration/degradation.ecsv"
        if options["uncertainty"]:
            tables["errors"] = f"{folder}/calibration/errors.ecsv"
        if options["psf"]:
            tables["psf"] = f"<resources>/{settings.archive}/psf/{self.channel}.fits"
        return tables

    @property
    def figures(self) -> list[str]:
        """Every figure of the event that the configuration asks for."""
        options = self.event.options.get("figure", {})
        names = [*CHANNEL_FIGURES, *(["movie.gif"] if options.get("gif") else [])]
        names += [f"slits/{slit}.{suffix}" for slit in self.event.options.get("slits", ()) for suffix in SLIT]
        names += [f"difference-{kind}.{suffix}" for kind in options.get("difference", ()) for suffix in DIFFERENCE]
        panel = CHANNEL_PANEL if len(self.channels) > 1 else ()
        folder = f"<results>/{self.event.name}/figures"
        of_channels = [f"{folder}/{channel}/{name}" for channel in self.channels for name in names]
        return of_channels + [f"{folder}/{name}" for name in panel]

    @property
    def drawn_figures(self) -> list[str]:
        """One figure of each rule that draws the event."""
        slits = [path for path in self.figures if "/slits/" in path and path.endswith(".nc")]
        return [path for path in self.figures if path.endswith(DRAWN)] + slits + self.cubes + self.sets

    @property
    def cubes(self) -> list[str]:
        """The cube of each channel, if the event asks for them."""
        if self.event.options.get("cube", "none") == "none":
            return []
        return [f"<results>/{self.event.name}/cubes/{channel}.nc" for channel in self.channels]

    @property
    def sets(self) -> list[str]:
        """The list of co-temporal frames, if the event asks for one, or for cubes of several channels."""
        asked = self.event.options.get("sets") is not None or self.cubes
        return [f"<results>/{self.event.name}/cubes/sets.csv"] if asked and len(self.channels) > 1 else []

    @property
    def sets_within(self) -> float:
        """How far apart (s) frames of several channels may be to belong together."""
        asked = self.event.options.get("sets")
        return EUV.step if asked is None else duration(asked).total_seconds()

    @property
    def cube_sources(self) -> dict[str, list[str] | str]:
        """What the channel's cube is made of: manifests of level 1.5, or of level 1 with tables."""
        name, level = self.event.name, "level15" if self.event.options["cube"] == "seen" else "level1"
        manifests = self.plan.paths(f"<results>/{{event}}/{LISTS[level]}", name, self.channel)
        found: dict[str, str | list[str]] = {level: manifests}
        if level == "level1":
            blocks = [Job(self.plan, name, self.channel, block=block) for block in self.plan.blocks(name, self.series)]
            for tables in (block.calibration_tables for block in blocks):
                found |= {kind: tables[kind] for kind in ("degradation", "errors") if kind in tables}
                if "pointing" in tables:
                    found["pointing"] = sorted({*found.get("pointing", []), *tables["pointing"]})
        return found

    @property
    def cube(self) -> dict[str, Any]:
        """How the cube of the channel is made."""
        options = self.event.options
        middle = iso((self.event.start + self.event.end) / 2)
        return {
            "kind": options["cube"],
            "region": options.get("region"),
            "time": options.get("cube_time", middle),
            "rotation": options.get("cube_rotation", "howard"),
            "calibration": self.calibration,
        }

    @property
    def audited_lists(self) -> dict[str, list[str]]:
        """The lists of the event that say what became of its records."""
        return {kind: self._lists(kind) for kind in AUDITED}

    @property
    def files(self) -> dict[str, list[str]]:
        """Every file of the event but its frames, by kind."""
        folder = f"<results>/{self.event.name}"
        lists = {kind: self._lists(kind) for kind in LISTS}
        return lists | {
            "audit": [f"{folder}/audit.csv", f"{folder}/audit.html"],
            "figures": self.figures,
            "cubes": self.cubes,
            "sets": self.sets,
        }

    @property
    def tables(self) -> list[str]:
        """The tables and point spread functions that the frames of the event were calibrated with."""
        found = set()
        for place in self.plan.paths("{channel}/{block}", self.event.name):
            channel, block = place.split("/")
            one = Job(self.plan, self.event.name, channel, block=block)
            for tables in one.calibration_tables.values():
                found |= {tables} if isinstance(tables, str) else set(tables)
        return sorted(found)

    def _lists(self, kind: str) -> list[str]:
        return self.plan.paths(f"<results>/{{event}}/{LISTS[kind]}", self.event.name)

    @property
    def about_event(self) -> dict[str, Any]:
        """What an audit tells of the event itself."""
        event = self.event
        return {
            "window": [iso(event.start), iso(event.end)],
            "channels": self.channels,
            "absent": event.absent,
            "where": event.options.get("where"),
            "remarks": out_of_sight(event.options.get("region")),
        }

    @property
    def config_as_used(self) -> dict[str, Any]:
        """The configuration of the event alone, with all defaults."""
        return event_config(self.plan.settings, self.event.name)
