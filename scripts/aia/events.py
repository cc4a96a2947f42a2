"""One event of the configuration: what is wrong with it, what is worth a warning, and its options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aia import filters
from aia.blocks import EUV, MISSION_START, iso
from aia.errors import ConfigError
from aia.figures.options import check_figure
from aia.location import fixed_region, resolve_region

DATE_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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
class Checked:
    """An event as it was checked.

    Attributes
    ----------
    event
        The event; None if there are problems.
    problems
        What is wrong with it, a line each: the key, the value, what is allowed.
    warnings
        What is allowed and yet hardly what was meant, a line each.
    """

    event: Event | None
    problems: list[str]
    warnings: list[str]


def check_event(entry: Mapping[str, Any], reference: str, now: datetime) -> Checked:
    """Make an event of its options, or say what is wrong with them.

    Parameters
    ----------
    entry
        The event's options, valid by the schema, defaults filled in.
    reference
        Time (ISO, UTC) for which the event's location is given.
    now
        The present (aware); a window must lie before it.
    """
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
        conditions = filters.compile_where(entry.get("where", {}))
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
        return Checked(None, problems, [])
    options = {key: value for key, value in entry.items() if key not in ("name", "start", "end", "channels")}
    if region:
        # The archive cuts the same rectangle out of every frame of an event.
        options["region"] = fixed_region(region) if entry.get("cutout") and "follow" in region else region
    event = Event(entry["name"], times["start"], times["end"], tuple(sorted(entry["channels"])), options)
    return Checked(event, [], [*_window_warnings(entry, event), *filters.warnings(conditions)])


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


def _window_warnings(entry: Mapping[str, Any], event: Event) -> list[str]:
    """What is odd about a window: a date without a clock time, no length, days of frames."""
    found = [
        f"{key}: {entry[key]} is a date alone and means {iso(time)}"
        for key, time in (("start", event.start), ("end", event.end))
        if DATE_ALONE.fullmatch(entry[key])
    ]
    if event.start == event.end:
        found.append(f"end: {iso(event.end)} is also the start; such a window holds one record of each channel")
    if event.end - event.start > timedelta(days=1) and "every" not in event.options:
        found.append(f"the window is {(event.end - event.start).total_seconds() / 86400:.3g} days long")
    return found
