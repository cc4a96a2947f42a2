"""The configuration: checked before the first job, with one line for each thing that is wrong.

The schema (`config/config.schema.yaml`) says what is allowed and what the defaults are; what a schema cannot say (the
end after the start, names used once, conditions that compile) is checked here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from jsonschema import Draft202012Validator

from aia import filters
from aia.blocks import EUV, MISSION_START, block_length, iso
from aia.catalogues import read_catalogue
from aia.errors import ConfigError
from aia.figures.options import check_figure
from aia.location import fixed_region, resolve_region
from aia.schema import explain, schema, with_defaults


@dataclass(frozen=True)
class Event:
    """An event window and what is to be made of it.

    Attributes
    ----------
    name
        Name of the event and of its folder.
    start, end
        The window (aware datetimes, UTC).
    channels
        Wavelengths in angstrom, ascending.
    options
        Every other option of the event, defaults filled in: `where`, `region`, `calibration`, `figure`, …
    """

    name: str
    start: datetime
    end: datetime
    channels: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """The whole configuration, checked, with defaults filled in; `events` by name, in the config's order."""

    archive: str
    block: str
    level1_cache: str
    events: dict[str, Event]
    options: dict[str, Any] = field(default_factory=dict)


def load(config: Mapping[str, Any], now: datetime | None = None) -> Settings:
    """Check a configuration and fill in its defaults.

    Parameters
    ----------
    config
        The configuration as Snakemake read it; it is not changed.
    now
        The present (aware); a window must lie before it.

    Returns
    -------
    Settings

    Raises
    ------
    ConfigError
        With one line for every problem: the key, the value, and what is allowed.
    """
    config = _plain(config)
    validator = Draft202012Validator(schema())
    problems = [line for error in validator.iter_errors(config) for line in explain(error)]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    if "catalogue" in config and not isinstance(config["events"], str):
        raise ConfigError("catalogue: belongs to a catalogue, but events is a list; name its file there")
    filled = with_defaults(config, schema())
    events, problems = {}, _block_problems(filled["block"])
    for where, entry, reference in _entries(filled):
        if entry["name"] in events:
            problems.append(f"{where}: name: {entry['name']!r} is taken by an earlier event; names must differ")
            continue
        merged = with_defaults(_merged(filled["defaults"], entry), {"$ref": "#/$defs/event"})
        event, wrong = _event(merged, reference, now or datetime.now(UTC))
        problems += [f"{where}: {line}" for line in wrong]
        events[entry["name"]] = event
    if problems:
        raise ConfigError("\n".join(problems))
    named = {key: filled.pop(key) for key in ("archive", "block", "level1_cache")}
    options = {key: value for key, value in filled.items() if key not in ("events", "defaults", "catalogue")}
    return Settings(**named, events=events, options=options)


def _entries(config: Mapping[str, Any]) -> list[tuple[str, dict[str, Any], str]]:
    """The events as they are written, with the words that say where each stands, and when its location holds."""
    if isinstance(config["events"], str):
        rows = read_catalogue(config["events"], config["catalogue"])
        return [(row.origin, row.entry, row.reference or row.entry["start"]) for row in rows]
    return [
        (f"events[{number}] ({entry['name']})", entry, entry.get("peak", entry["start"]))
        for number, entry in enumerate(config["events"])
    ]


def check_email(archive: str, environment: Mapping[str, str]) -> None:
    """Make sure that the real archive can be asked: it wants to know a registered address.

    Raises
    ------
    ConfigError
        If `archive` is `jsoc` and JSOC_EMAIL is not set, or is no address. The address itself is never shown.
    """
    if archive != "jsoc":
        return
    address = environment.get("JSOC_EMAIL", "")
    if not re.fullmatch(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,6}", address):
        found = "is not an e-mail address" if address else "is not set"
        raise ConfigError(
            f"archive: 'jsoc' needs an e-mail address that is registered there, and JSOC_EMAIL {found}. "
            "Register at http://jsoc.stanford.edu/ajax/register_email.html, then: export JSOC_EMAIL=you@your.institute"
        )


def _plain(value: Any) -> Any:
    """Copy a configuration; times that YAML read as such, because they were not quoted, become text again."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return iso(value.replace(tzinfo=value.tzinfo or UTC))
    return value.isoformat() if isinstance(value, date) else value


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


def _event(entry: dict[str, Any], reference: str, now: datetime) -> tuple[Event | None, list[str]]:
    """Make an event of its options, or say what is wrong with them; `reference` is when its location holds."""
    problems, times = [], {}
    for key in ("start", "end", "peak"):
        if key not in entry:
            continue
        try:
            times[key] = _time(entry[key])
        except ValueError:
            problems.append(f"{key}: {entry[key]!r} is not a time; write it as 2021-07-03T14:25:00Z (UTC)")
    if times.keys() >= {"start", "end"}:
        problems += _window_problems(times["start"], times["end"], now)
    if not entry.get("channels"):
        problems.append("channels missing; list wavelengths in angstrom, here or under defaults")
    try:
        filters.compile_where(entry.get("where", {}))
    except ConfigError as error:
        problems += str(error).splitlines()
    try:
        check_figure(entry.get("figure"), entry.get("channels", ()))
    except ConfigError as error:
        problems.append(str(error))
    region, wrong = resolve_region(entry, reference)
    problems += wrong
    if "at" in (region or {}):
        try:
            region["at"] = iso(_time(region["at"]))
        except ValueError:
            problems.append(f"region.at: {region['at']!r} is not a time; write it as 2021-07-03T14:25:00Z (UTC)")
    if entry.get("calibration", {}).get("psf"):
        problems += _psf_problems(entry)
    if entry.get("cutout") and region is None:
        problems.append("cutout: the archive needs to know what to cut out; give the event a region")
    if problems:
        return None, problems
    options = {key: value for key, value in entry.items() if key not in ("name", "start", "end", "channels")}
    if region:
        # The archive cuts the same rectangle out of every frame of an event.
        options["region"] = fixed_region(region) if entry.get("cutout") and "follow" in region else region
    return Event(entry["name"], times["start"], times["end"], tuple(sorted(entry["channels"])), options), []


def _psf_problems(entry: Mapping[str, Any]) -> list[str]:
    """Why the frames of an event that asks for deconvolution cannot be deconvolved."""
    if entry.get("cutout"):
        return ["calibration.psf: a cutout lacks the light that was spread into it; leave out either psf or cutout"]
    if not set(EUV.channels) & set(entry.get("channels", EUV.channels)):
        return [f"calibration.psf: aiapy has point spread functions of {', '.join(map(str, EUV.channels))} Å alone"]
    return []


def _time(text: str) -> datetime:
    """UTC of an ISO 8601 text; without a zone it is meant in UTC."""
    if not re.match(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _window_problems(start: datetime, end: datetime, now: datetime) -> list[str]:
    problems = []
    if end < start:
        problems.append(f"end: {iso(end)} lies before start {iso(start)}")
    if start < MISSION_START:
        problems.append(f"start: {iso(start)} lies before the mission's first day, {iso(MISSION_START)}")
    if end > now:
        problems.append(f"end: {iso(end)} lies in the future; now it is {iso(now)}")
    return problems
