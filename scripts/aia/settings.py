"""The configuration: checked before the first job, with one line for each thing that is wrong.

The schema (`config/config.schema.yaml`) says what is allowed and what the defaults are; what a schema cannot say (the
end after the start, names used once, conditions that compile) is checked here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from aia import filters
from aia.blocks import MISSION_START, block_length, iso
from aia.errors import ConfigError

SCHEMA = Path(__file__).parents[2] / "config" / "config.schema.yaml"


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


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Read the schema of the configuration."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


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
    problems = [line for error in validator.iter_errors(config) for line in _explain(error)]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    filled = _with_defaults(config, schema())
    events, problems = {}, _block_problems(filled["block"])
    for number, entry in enumerate(filled["events"]):
        where = f"events[{number}] ({entry['name']})"
        if entry["name"] in events:
            problems.append(f"{where}: name: {entry['name']!r} is taken by an earlier event; names must differ")
            continue
        merged = _with_defaults(_merged(filled["defaults"], entry), {"$ref": "#/$defs/event"})
        event, wrong = _event(merged, now or datetime.now(UTC))
        problems += [f"{where}: {line}" for line in wrong]
        events[entry["name"]] = event
    if problems:
        raise ConfigError("\n".join(problems))
    named = {key: filled.pop(key) for key in ("archive", "block", "level1_cache")}
    options = {key: value for key, value in filled.items() if key not in ("events", "defaults")}
    return Settings(**named, events=events, options=options)


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


def _explain(error: Any) -> Iterator[str]:
    """Put a schema error into one line: the key, the value, what is allowed."""
    if error.validator == "oneOf" and error.context:
        wanted = "array" if isinstance(error.instance, list) else "string"
        branch = [sub for sub in error.context if error.validator_value[sub.schema_path[0]].get("type") == wanted]
        if branch:
            for sub in branch:
                yield from _explain(sub)
            return
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    prefix = f"{key}: " if key else ""
    match error.validator:
        case "additionalProperties" | "unevaluatedProperties":
            allowed = sorted(_properties(error.schema))
            for name in sorted(set(error.instance) - set(allowed)):
                yield f"{prefix}unknown key {name!r}; allowed are {', '.join(allowed)}"
        case "enum":
            yield f"{prefix}{error.instance!r} is not allowed; allowed are {', '.join(map(str, error.validator_value))}"
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield f"{prefix}{', '.join(missing)} missing"
        case "type":
            yield f"{prefix}{error.instance!r} is not of type {_types(error.validator_value)}"
        case "pattern":
            yield f"{prefix}{error.instance!r} is not a valid name; allowed are letters, digits and . _ + -"
        case _:
            yield f"{prefix}{error.message}"


def _types(types: str | list[str]) -> str:
    return " or ".join([types] if isinstance(types, str) else types)


def _resolved(part: Mapping[str, Any]) -> dict[str, Any]:
    """A schema part with its reference, if it has one, merged in."""
    if "$ref" not in part:
        return dict(part)
    target: Any = schema()
    for step in part["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    target = _resolved(target)
    return {**target, **part, "properties": {**target.get("properties", {}), **part.get("properties", {})}}


def _properties(part: Mapping[str, Any]) -> dict[str, Any]:
    return _resolved(part).get("properties", {})


def _with_defaults(value: Any, part: Mapping[str, Any]) -> Any:
    """Fill the schema's defaults into a valid value."""
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, described in _properties(part).items():
        described = _resolved(described)
        if name not in filled and "default" in described:
            filled[name] = described["default"]
        if name in filled:
            filled[name] = _with_defaults(filled[name], described)
    return filled


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


def _event(entry: dict[str, Any], now: datetime) -> tuple[Event | None, list[str]]:
    """Make an event of its options, or say what is wrong with them."""
    problems, times = [], {}
    for key in ("start", "end"):
        try:
            times[key] = _time(entry[key])
        except ValueError:
            problems.append(f"{key}: {entry[key]!r} is not a time; write it as 2021-07-03T14:25:00Z (UTC)")
    if len(times) == 2:
        problems += _window_problems(times["start"], times["end"], now)
    if not entry.get("channels"):
        problems.append("channels missing; list wavelengths in angstrom, here or under defaults")
    try:
        filters.compile_where(entry.get("where", {}))
    except ConfigError as error:
        problems += str(error).splitlines()
    for axis, (low, high) in (entry.get("region") or {}).items():
        if low >= high:
            problems.append(f"region.{axis}: [{low}, {high}] is empty; the lower bound comes first")
    if problems:
        return None, problems
    options = {key: value for key, value in entry.items() if key not in ("name", "start", "end", "channels")}
    return Event(entry["name"], times["start"], times["end"], tuple(sorted(entry["channels"])), options), []


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
