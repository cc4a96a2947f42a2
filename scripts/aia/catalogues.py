"""Catalogues of events: a CSV or ECSV file whose rows are events, such as a GOES flare list.

A column is named as the configuration's key, with dots for the keys of a mapping (`where.EXPTIME`, `region.width`), or
as flare lists name it (`ALIASES`), in capitals or not. An empty cell says nothing: the default holds.
"""

import contextlib
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from aia.errors import ConfigError
from aia.schema import explain, resolved, schema
from aia.times import duration, iso, read_time, tai_seconds, utc_of

EVENT = {"$ref": "#/$defs/event"}

# How the lists that people have name these columns, in small letters and digits alone: NOAA's event reports, NCEI's
# flare summaries, the HEK, DONKI.
ALIASES = {
    **dict.fromkeys(("starttime", "begin", "begintime", "tstart", "eventstarttime"), "start"),
    **dict.fromkeys(("peaktime", "max", "maximum", "maxtime", "tpeak", "eventpeaktime"), "peak"),
    **dict.fromkeys(("endtime", "stop", "stoptime", "tend", "eventendtime"), "end"),
    **dict.fromkeys(("goesclass", "flareclass", "flgoescls", "classtype"), "class"),
    **dict.fromkeys(("goeslocation", "position", "sourcelocation", "flarelocation"), "location"),
    **dict.fromkeys(("hgsx", "hgslon"), "longitude"),
    **dict.fromkeys(("hgsy", "hgslat"), "latitude"),
}
# For the reader of the list.
DESCRIPTIVE = {"noaa", "ar", "noaaar", "activeregion", "arnoaanum", "activeregionnum", "comment", "source", "link"}
DATE = "date"  # of clock times
PLACE = ("longitude", "latitude")  # Stonyhurst, degrees: together a location
OTHERS = "others"  # in place of the columns to ignore: all that are not known
# What lists write where there is nothing; any number of slashes says it, too.
MISSING = {"nan", "na", "n/a", "-", "--", "---"}
TIMES = ("start", "peak", "end")
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Row:
    """An event of a catalogue.

    Attributes
    ----------
    origin
        Where it stands: `file, line 7 (name)`.
    entry
        Its keys as the configuration has them.
    reference
        Time (ISO, UTC) of the flare for which the list gives its location: the peak, or else the start; None where the
        list has neither.
    """

    origin: str
    entry: dict[str, Any]
    reference: str | None


def read_catalogue(path: str | Path, options: Mapping[str, Any]) -> list[Row]:
    """Read the events of a catalogue.

    Parameters
    ----------
    path
        CSV with a header line, or ECSV; lines that begin with `#` are comments.
    options
        The configuration's `catalogue` section, defaults filled in: which time of the flare the window goes from and
        to, the padding before and after, columns to ignore.

    Returns
    -------
    list of Row
        In the file's order. The window's `start` and `end` take the place of the flare's.

    Raises
    ------
    ConfigError
        With one line for every problem: file, line, column, value, and what is allowed.
    """
    path = Path(path)
    lines, delimiter = _lines(path)
    if not lines:
        raise ConfigError(f"{path}: no header line; its columns are named as the configuration's keys")
    reader = csv.reader((text for _, text in lines), delimiter=delimiter, skipinitialspace=True)
    columns, problems = _columns(next(reader), options, f"{path}, line {lines[0][0]}")
    if problems:
        raise ConfigError("\n".join(problems))
    padding = {key: _padding(key, options[key]) for key in ("before", "after")}
    validator = Draft202012Validator({**EVENT, "$defs": schema()["$defs"]})
    rows = []
    for cells in reader:
        origin = f"{path}, line {lines[reader.line_num - 1][0]}"
        if len(cells) != len(columns):
            problems.append(f"{origin}: {len(cells)} cells, but {len(columns)} columns")
            continue
        entry, reference, wrong = _entry(dict(zip(columns, map(_content, cells), strict=True)), options, padding)
        origin = f"{origin} ({entry['name']})" if "name" in entry else origin
        wrong = wrong or [line for error in validator.iter_errors(entry) for line in explain(error)]
        problems += [f"{origin}: {line}" for line in wrong]
        rows.append(Row(origin, entry, reference))
    if not rows and not problems:
        problems.append(f"{path}: no row below the header line")
    if problems:
        raise ConfigError("\n".join(problems))
    return rows


def _padding(key: str, text: str | int) -> float:
    try:
        return duration(text).total_seconds()
    except ValueError as error:
        raise ConfigError(f"catalogue.{key}: {error}") from None


def _lines(path: Path) -> tuple[list[tuple[int, str]], str]:
    """The file's lines that hold data, with their numbers, and what separates their cells."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"events: the catalogue {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"events: the catalogue {path} is not a text file in UTF-8") from None
    numbered = list(enumerate(text.splitlines(), start=1))
    delimiter = ","
    if text.startswith("# %ECSV"):
        stated = re.search(r"^# delimiter:\s*(['\"]?)(.)\1\s*$", text, re.MULTILINE)
        delimiter = stated[2] if stated else " "
    return [(number, line) for number, line in numbered if line.strip() and not line.startswith("#")], delimiter


def _content(cell: str) -> str:
    """What a cell says; nothing where the list has a mark for something missing."""
    cell = cell.strip()
    return "" if cell.lower() in MISSING or not cell.strip("/") else cell


def _plain(title: str) -> str:
    """A column's title in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", title.lower())


def _key(title: str) -> str | None:
    """The configuration's key that a column's title means, or None if it is not known."""
    candidates = (title, ALIASES.get(_plain(title), ""), re.sub(r"\W+", "_", title.lower()))
    return next((key for key in candidates if key and (key in (DATE, *PLACE) or _described(key) is not None)), None)


def _columns(header: list[str], options: Mapping[str, Any], origin: str) -> tuple[list[str | None], list[str]]:
    """The configuration's key of each column (None where the column is not read), and what is wrong with the header."""
    columns, problems, ignored = [], [], options["ignore"]
    for title in map(str.strip, header):
        key = _key(title)
        if title in ignored or _plain(title) in DESCRIPTIVE:
            key = None
        elif key is None and ignored != OTHERS:
            allowed = ", ".join(sorted(resolved(EVENT)["properties"]))
            problems.append(
                f"{origin}: unknown column {title!r}; allowed are {allowed}, date, those with a dot for the keys of a "
                "mapping (where.EXPTIME), and what catalogue.ignore lists (or all: ignore: others)"
            )
        elif key is not None and key in columns:
            problems.append(f"{origin}: column {title!r} gives {key} a second time")
        columns.append(key)
    needed = [options["from"], options["to"], *(() if "name" in columns else ("start",))]
    if not problems:
        problems = [f"{origin}: no column for {key}" for key in dict.fromkeys(needed) if key not in columns]
    return columns, problems


def _described(key: str) -> dict[str, Any] | None:
    """What the schema says of an event's key, of `where.EXPTIME` what it says of the conditions; None if nothing."""
    part: dict[str, Any] = resolved(EVENT)
    for name in key.split("."):
        further = part.get("additionalProperties")
        found = part.get("properties", {}).get(name, further if isinstance(further, dict) else None)
        if found is None:
            return None
        part = resolved(found)
    return part


def _entry(
    cells: Mapping[str | None, str], options: Mapping[str, Any], padding: Mapping[str, float]
) -> tuple[dict[str, Any], str | None, list[str]]:
    """The keys of one row, the time for which its location holds, and what is wrong with its cells."""
    entry: dict[str, Any] = {}
    problems = []
    moments: dict[str, float] = {}
    place: dict[str, float] = {}
    for key, cell in cells.items():
        if key in (None, DATE) or not cell:
            continue
        try:
            if key in TIMES:
                moments[key] = _moment(cell, cells.get(DATE, ""))
            elif key in PLACE:
                place[key] = _value(cell, {"type": "number"})
            else:
                _put(entry, key, _value(cell, _described(key) or {}))
        except ValueError as error:
            problems.append(f"{key}: {error}")
    _past_midnight(moments, cells)
    if place.keys() == set(PLACE):
        entry.setdefault("location", [place[axis] for axis in PLACE])
    if "name" not in entry and "start" in moments:
        # From what the list says of the flare alone: neither padding nor another row changes a name and its folder.
        label = re.sub(r"[^a-z0-9.]", "", entry.get("class", "").lower())
        entry["name"] = f"{label}-{iso(moments['start'])[:16].replace(':', '')}".lstrip("-")
    for key, end in (("start", "from"), ("end", "to")):
        wanted = options[end]
        if wanted in moments:
            moment = moments[wanted] + (padding["after"] if key == "end" else -padding["before"])
            entry[key] = iso(moment)
        elif not problems:
            problems.append(f"{wanted} missing, and the window's {key} is reckoned from it (catalogue.{end})")
    if "peak" in moments:
        entry["peak"] = iso(moments["peak"])
    reference = moments.get("peak", moments.get("start"))
    return entry, iso(reference) if reference else None, problems


def _moment(cell: str, date: str) -> float:
    """Time (TAI seconds) of a cell: ISO 8601, with slashes or without T too; or a clock (`14:18`, `1418`) and date."""
    text = cell.replace("/", "-")
    clock = re.fullmatch(r"(\d{2}):?(\d{2})(:\d{2})?", text)
    if clock and date:
        text = f"{date.replace('/', '-')}T{clock[1]}:{clock[2]}{clock[3] or ''}"
    try:
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text):
            raise ValueError(text)
        return read_time(text)
    except ValueError:
        known = f" of {date}" if date else ""
        raise ValueError(f"{cell!r}{known} is not a time; write it as 2021-07-03T14:25:00Z (UTC)") from None


def _past_midnight(moments: dict[str, float], cells: Mapping[str | None, str]) -> None:
    """A clock time before that of the start belongs to the next day: lists with a `date` column give the start's."""
    if cells.get(DATE) and "start" in moments:
        for key in ("peak", "end"):
            if key in moments and moments[key] < moments["start"]:
                moments[key] = tai_seconds(utc_of(moments[key]) + timedelta(days=1))


def _put(entry: dict[str, Any], key: str, value: Any) -> None:
    """Set `entry["region"]["width"]` for the key `region.width`."""
    *outer, last = key.split(".")
    for name in outer:
        entry = entry.setdefault(name, {})
    entry[last] = value


def _value(cell: str, described: Mapping[str, Any]) -> Any:
    """A cell as the type that the schema gives its key.

    Raises
    ------
    ValueError
        If the cell cannot be of that type.
    """
    types = described.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "enum" in described:
        # What is not among them is refused by the schema, and shown as the list has it.
        return next((value for value in described["enum"] if str(value) == cell), cell)
    for choice in described.get("oneOf", ()):
        # The first that it can be; what it cannot be at all is left for the schema to refuse.
        with contextlib.suppress(ValueError):
            found = _value(cell, resolved(choice))
            if Draft202012Validator(choice).is_valid(found):
                return found
    if "boolean" in types:
        try:
            return TRUTH[cell.lower()]
        except KeyError:
            raise ValueError(f"{cell!r} is neither true nor false") from None
    for name, number in (("integer", int), ("number", float)):
        if name in types:
            try:
                return int(cell) if re.fullmatch(r"[+-]?\d+", cell) else number(cell)
            except ValueError:
                if "string" not in types:
                    raise ValueError(f"{cell!r} is not of type {name}") from None
    if "array" in types and ("string" not in types or cell.startswith("[")):
        return [_value(part, resolved(described.get("items", {}))) for part in re.findall(r"[^\s,;\[\]]+", cell)]
    if "object" in types:
        raise ValueError(f"{cell!r} is not possible here; give each of its keys a column of its own, named with a dot")
    return cell
