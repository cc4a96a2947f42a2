"""The configuration: checked before the first job, with one line for each thing that is wrong.

The schema (`config/config.schema.yaml`) says what is allowed and what the defaults are; what a schema cannot say (the
end after the start, names used once, conditions that compile) is checked here.
"""

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jsonschema import Draft202012Validator

from aia_sequence.config import archives
from aia_sequence.config.archives import ServerOptions
from aia_sequence.config.catalogues import Row, read_catalogue
from aia_sequence.config.event_checks import Event, check_event
from aia_sequence.config.file import check_values
from aia_sequence.config.region import placeless
from aia_sequence.config.schema import explain, schema, typed, unusable, with_defaults
from aia_sequence.errors import ConfigError
from aia_sequence.times import duration, iso, tai_seconds

TABLES = ("archive", "ssw", "jsoc", "synthetic")  # what is no path of tables at hand
FULL_DISK = "region: it has a size, and the list no column for a place (location, say), so the full disk is taken"


@dataclass(frozen=True)
class Settings:
    """The whole configuration, checked, with defaults filled in.

    Attributes
    ----------
    archive
        Name of the archive, or names.
    block, level1_cache
        As in the configuration.
    events
        By name, in the configuration's order.
    options
        Every other option that is common to all events.
    archives
        Which archives are asked, the first one first, and how they are reached.
    tables
        Where calibration tables come from: `archive`, `ssw`, the name of an archive, or a path.
    warnings
        What is allowed and yet hardly what was meant, a line each; said once, before the first job.
    """

    archive: str
    block: str
    level1_cache: str
    events: dict[str, Event]
    options: dict[str, Any] = field(default_factory=dict)
    archives: tuple[ServerOptions, ...] = ()
    tables: str = "archive"
    warnings: tuple[str, ...] = ()

    @property
    def servers(self) -> str:
        """How archives are reached, as jobs are told. It decides no product."""
        return archives.dumped(self.archives)

    @property
    def tables_name(self) -> str:
        """Name of the folder in which frozen tables lie: of an archive, `ssw`, or `own` for tables at hand."""
        return {"archive": self.archive}.get(self.tables, self.tables if self.tables in TABLES else "own")


def load(config: Mapping[str, Any], now: float | None = None) -> Settings:
    """Check a configuration and fill in its defaults.

    Parameters
    ----------
    config
        The configuration as Snakemake read it; it is not changed.
    now
        Now (TAI seconds); a window must lie before it.

    Returns
    -------
    Settings

    Raises
    ------
    ConfigError
        With one line for every problem: the key, the value, and what is allowed.
    """
    check_values(config)
    config = typed(_plain(config), schema())
    validator = Draft202012Validator(schema())
    problems = list(unusable(config)) or [line for error in validator.iter_errors(config) for line in explain(error)]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    if "catalogue" in config and not isinstance(config["events"], str):
        raise ConfigError("catalogue: belongs to a catalogue, but events is a list; name its file there")
    filled = with_defaults(config, schema())
    for key in ("level1_cache", "events", "tables"):
        if isinstance(filled[key], str):
            filled[key] = _home(key, filled[key])
    if isinstance(filled.get("files"), str):
        filled["files"] = [filled["files"]]
    events: dict[str, Event] = {}
    asked = archives.named(filled["archive"])
    problems = _block_problems(filled["block"]) + archives.problems(asked) + _file_problems(filled)
    warnings: defaultdict[str, list[str]] = defaultdict(list)
    taken: dict[str, str] = {}
    for row in _entries(filled):
        where, entry = row.origin, row.entry
        earlier = taken.setdefault(entry["name"].lower(), where)
        if earlier != where:
            problems.append(
                f"{where}: name: {entry['name']!r} is taken by {earlier}; names must differ, and in more than case"
            )
            continue
        merged = with_defaults(_merged(filled["defaults"], entry), {"$ref": "#/$defs/event"})
        remarks = row.remarks
        if not row.located and placeless(merged):
            del merged["region"]
            remarks += (FULL_DISK,)
        reference = row.reference or entry["start"]
        checked = check_event(merged, reference, now or tai_seconds(datetime.now(UTC)), filled["max_records"])
        problems += [f"{where}: {line}" for line in checked.problems]
        for line in (*remarks, *checked.warnings):
            warnings[line].append(where)
        if checked.event:
            events[entry["name"]] = checked.event
    problems += _series_problems(filled, events.values()) + _table_problems(filled, events.values())
    if problems:
        raise ConfigError("\n".join(problems))
    for event in events.values():
        _choose_compression(event, block_length(filled["block"]))
    filled.pop("archive")
    named: dict[str, Any] = {"archive": archives.BETWEEN.join(one.name for one in asked), "archives": asked}
    named |= {key: filled.pop(key) for key in ("block", "level1_cache", "tables")}
    options = {key: value for key, value in filled.items() if key not in ("events", "defaults", "catalogue")}
    return Settings(**named, events=events, options=options, warnings=tuple(map(_warning, warnings, warnings.values())))


def _choose_compression(event: Event, block: timedelta) -> None:
    """Put what `auto` means in its place.

    A long event is packed, since that is where disks fill up. Its measure is a block, and not a number of frames: a
    shorter event has no whole block, so a window that is widened beyond it makes none again that would otherwise stay.
    Slots are rounded, by half a minute at most, so an event that is shorter by a minute can have all slots of a block.
    """
    calibration = event.options["calibration"]
    if calibration["compression"] == "auto":
        is_long = event.end - event.start >= block.total_seconds() - 60
        event.options["calibration"] = calibration | {"compression": "rice" if is_long else "none"}


def _warning(line: str, places: list[str]) -> str:
    """A warning with where it holds, once for all events of a catalogue."""
    first, *others = places
    return f"{first}{f' and {len(others)} more' if others else ''}: {line}"


def _entries(config: Mapping[str, Any]) -> list[Row]:
    """The events as they are written, wherever that is."""
    if isinstance(config["events"], str):
        return read_catalogue(config["events"], config["catalogue"])
    return [
        Row(f"events[{number}] ({entry['name']})", entry, entry.get("peak"))
        for number, entry in enumerate(config["events"])
    ]


def _plain(value: Any) -> Any:
    """Copy a configuration; times that YAML read as such, because they were not quoted, become text again."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        with contextlib.suppress(OverflowError):  # in the first hours of the year 1
            return iso(tai_seconds(value))
    return str(value) if isinstance(value, date) else value


def _home(key: str, path: str) -> str:
    """A path whose `~` or `~name` is replaced by the home folder that it means."""
    found = os.path.expanduser(path)
    if found.startswith("~"):
        raise ConfigError(f"{key}: {path!r}: there is no home folder {found.split('/')[0]}; write ./{path} for a file")
    return found


def _merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """An event's options over the common ones: mappings merge key by key, `null` removes a default."""
    merged = dict(defaults)
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return {key: value for key, value in merged.items() if value is not None}


def _block_problems(length: str) -> list[str]:
    try:
        block_length(length)
    except ConfigError as error:
        return [str(error)]
    return []


def _file_problems(config: Mapping[str, Any]) -> list[str]:
    """Whether files are named where they are used, and nowhere else."""
    if config["archive"] == "files" and "files" not in config:
        return ["archive: 'files' needs the files: write files: [a path, a folder, a pattern]"]
    if config["archive"] != "files" and "files" in config:
        return ["files: belongs to archive: files; leave it out, or write archive: files"]
    return []


def _series_problems(config: Mapping[str, Any], events: Iterable[Event]) -> list[str]:
    """Why events cannot have the series that they name: files are listed by the slots of their channels."""
    named = [event for event in events if "series" in event.options]
    if config["archive"] != "files" or not named:
        return []
    return [
        f"series: {named[0].options['series']!r} of {named[0].name} is asked of an archive; files at hand are of any "
        "and belong to the slots of their channels. Leave it out"
    ]


def _table_problems(config: Mapping[str, Any], events: Iterable[Event]) -> list[str]:
    """Whether somebody has the calibration tables that events need: files have none."""
    if config["archive"] != "files" or config["tables"] != "archive":
        return []
    wanted = {
        name: value
        for event in events
        for name, value in event.options["calibration"].items()
        if name in ("pointing", "degradation", "uncertainty") and value not in (False, "header")
    }
    if not wanted:
        return []
    return [
        f"tables: files have none, and calibration asks for {', '.join(wanted)}; write tables: ssw (from SolarSoft), "
        "jsoc, or the path of tables at hand, or do without: calibration: {pointing: header, degradation: false}"
    ]


def block_length(text: str) -> timedelta:
    """Length of a block from text such as `1h`, `30m` or `1d`.

    Raises
    ------
    ConfigError
        If the text is not a whole number of minutes, or lies outside 1 minute to 1 day.
    """
    wrong = ConfigError(f"block: {text!r} is not a block length; allowed are 1m to 1d, such as 30m, 1h, 6h")
    try:
        length = duration(text)
    except ValueError:
        raise wrong from None
    if length % timedelta(minutes=1) or not timedelta(minutes=1) <= length <= timedelta(days=1):
        raise wrong
    return length
