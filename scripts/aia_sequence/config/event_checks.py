"""One event of the configuration: what is wrong with it, what is worth a warning, and its options."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aia_sequence.config import conditions as filters
from aia_sequence.config.cadence import every_problems, stride
from aia_sequence.config.cutouts import level1_bytes
from aia_sequence.config.ephemeris import law_of
from aia_sequence.config.figure import check_figure
from aia_sequence.config.region import region_problems, region_warnings, resolve_region, within_sight
from aia_sequence.config.series import haste_problems, series_problems
from aia_sequence.config.slits import slit_problems
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import EUV, MISSION_START, Series, series_of
from aia_sequence.slots import no_slot, window_slots
from aia_sequence.times import duration, iso, read_time, tai_seconds

DATE_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True)
class Event:
    """An event window and what is to be made of it.

    Attributes
    ----------
    name
        Name of the event and of its folder.
    start, end
        The window (TAI seconds since 1977, see `aia_sequence.times`).
    channels
        Wavelengths in angstrom, ascending, of which there are slots in the window.
    absent
        The other channels that were asked for, and why there are none of them.
    options
        Every other option of the event, defaults filled in: `where`, `region`, `calibration`, `figure`, …
    """

    name: str
    start: float
    end: float
    channels: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    absent: dict[int, str] = field(default_factory=dict)

    def series(self, channel: int) -> Series:
        """The series that a channel's frames are taken from."""
        return series_of(channel, self.options.get("series"))


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


def check_event(entry: Mapping[str, Any], reference: str, now: float, most_records: int) -> Checked:
    """Make an event of its options, or say what is wrong with them.

    Parameters
    ----------
    entry
        The event's options, valid by the schema, defaults filled in.
    reference
        Time (ISO, UTC) for which the event's location is given.
    now
        Now (TAI seconds); a window must lie before it.
    most_records
        Largest number of records that an event may hold.
    """
    problems, times, absent = [], {}, {}
    for key in ("start", "end", "peak"):
        if key not in entry:
            continue
        try:
            times[key] = read_time(entry[key])
        except ValueError as error:
            problems.append(f"{key}: {error}")
    if times.keys() >= {"start", "end"}:
        problems += _window_problems(times["start"], times["end"], now)
        absent = _absent(entry, times["start"], times["end"])
    problems += series_problems(entry)
    problems += every_problems(entry.get("every"), entry.get("channels", ()))
    channels = sorted(set(entry.get("channels", ())) - absent.keys())
    if absent and not channels:
        problems += [f"channels: {channel}: {reason}" for channel, reason in absent.items()]
    if not entry.get("channels"):
        problems.append("channels missing; list wavelengths in angstrom, here or under defaults")
    try:
        conditions = filters.compile_where(entry.get("where", {}))
        problems += haste_problems(entry.get("series"), conditions)
    except ConfigError as error:
        problems += str(error).splitlines()
    try:
        check_figure(entry.get("figure"), channels or entry.get("channels", ()))
    except ConfigError as error:
        problems.append(str(error))
    region, wrong = resolve_region(entry, reference)
    problems += wrong
    if region and "at" in region:
        try:
            region["at"] = iso(read_time(region["at"]))
        except ValueError as error:
            problems.append(f"region.at: {error}")
    if region and not problems:
        problems += region_problems(region)
    if entry.get("calibration", {}).get("psf"):
        problems += _psf_problems(entry)
    if entry.get("calibration", {}).get("respike") and entry.get("cutout"):
        problems.append("calibration.respike: the archive cuts out images without their spikes; leave out either")
    if entry.get("cube", "none") == "derotated":
        problems += _cube_problems(entry, region)
    problems += _sets_problems(entry)
    problems += slit_problems(entry)
    if entry.get("cutout") and region is None and not wrong:
        problems.append("cutout: the archive needs to know what to cut out; give the event a region")
    if problems:
        return Checked(None, problems, [])
    options = {key: value for key, value in entry.items() if key not in ("name", "start", "end", "channels")}
    if region and "follow" in region:
        region = within_sight(region, times["start"], times["end"])
    if region:
        options["region"] = region
    event = Event(entry["name"], times["start"], times["end"], tuple(channels), options, absent)
    records = slots(event)
    if records > most_records:
        return Checked(None, [_too_many(event, records, most_records)], [])
    warnings = _window_warnings(entry, event)
    warnings += [f"channels: {channel} is left out: {reason}" for channel, reason in absent.items()]
    return Checked(event, [], [*warnings, *region_warnings(region), *filters.warnings(conditions)])


def _absent(entry: Mapping[str, Any], start: float, end: float) -> dict[int, str]:
    """Channels of which there is no slot in a window, and what to do about it."""
    if series_problems(entry):
        return {}
    series = {channel: series_of(channel, entry.get("series")) for channel in sorted(entry.get("channels", ()))}
    reasons = {channel: no_slot(one, start, end) for channel, one in series.items()}
    return {channel: reason for channel, reason in reasons.items() if reason and start <= end}


def slots(event: Event) -> int:
    """How many records are wanted of an event at most: one for each slot, or step, and channel."""
    count = 0
    for channel in event.channels:
        series = event.series(channel)
        seconds = max(series.cadence(channel), stride(event.options, series) * series.step)
        count += math.ceil(len(window_slots(series, event.start, event.end)) * series.step / seconds)
    return count


def _size(event: Event, records: int) -> str:
    """How much an event is, in words: its length, its records, and their level 1."""
    days, level1 = (event.end - event.start) / 86400, records * level1_bytes(event.options) / 1e9
    channels = f"{len(event.channels)} channel{'s' if len(event.channels) > 1 else ''}"
    return f"the window is {days:,.5g} days long: {records:,} records in {channels}, {level1:,.0f} GB of level 1"


def _too_many(event: Event, records: int, most: int) -> str:
    return (
        f"end: {iso(event.end)}: {_size(event, records)}, and {most:,} are allowed. "
        f"If that is meant: max_records: {records}"
    )


def _psf_problems(entry: Mapping[str, Any]) -> list[str]:
    """Why the frames of an event that asks for deconvolution cannot be deconvolved."""
    if entry.get("cutout"):
        return ["calibration.psf: a cutout lacks the light that was spread into it; leave out either psf or cutout"]
    if not set(EUV.channels) & set(entry.get("channels", EUV.channels)):
        return [f"calibration.psf: aiapy has point spread functions of {', '.join(map(str, EUV.channels))} Å alone"]
    return []


def _cube_problems(entry: Mapping[str, Any], region: Mapping[str, Any] | None) -> list[str]:
    """Why the frames of an event cannot be derotated."""
    problems = []
    if region is None:
        problems.append("cube: derotated frames are of a region; give the event one")
    calibration = entry.get("calibration", {})
    if calibration.get("bin", 1) > 1:
        problems.append("cube: derotated has pixels of 0.6 arcsec; leave out calibration.bin, or write cube: seen")
    for key in ("psf", "respike"):
        if calibration.get(key):
            problems.append(
                f"cube: derotated is made of level 1 as it is; leave out calibration.{key}, or write cube: seen"
            )
    if calibration.get("interpolation", "cubic-spline") != "cubic-spline":
        problems.append("cube: derotated is interpolated by the cubic spline; leave out calibration.interpolation")
    if "cube_rotation" in entry:
        try:
            law_of(entry["cube_rotation"])
        except ValueError as error:
            problems.append(f"cube_rotation: {error}")
    if "cube_time" in entry:
        try:
            read_time(entry["cube_time"])
        except ValueError as error:
            problems.append(f"cube_time: {error}")
    return problems


def _sets_problems(entry: Mapping[str, Any]) -> list[str]:
    """Why the frames of an event's channels cannot be put together in time."""
    if entry.get("sets") is None:
        return []
    if len(entry.get("channels", ())) < 2:
        return ["sets: they are of several channels, and the event has one; leave sets out"]
    try:
        duration(entry["sets"])
    except ValueError as error:
        return [f"sets: {error}"]
    return []


def _window_problems(start: float, end: float, now: float) -> list[str]:
    problems, first = [], tai_seconds(MISSION_START)
    if end < start:
        problems.append(f"end: {iso(end)} lies before start {iso(start)}")
    if start < first:
        problems.append(f"start: {iso(start)} lies before the mission's first day, {iso(first)}")
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
    if event.end - event.start > 86400 and "every" not in event.options:
        found.append(_size(event, slots(event)))
    return found
