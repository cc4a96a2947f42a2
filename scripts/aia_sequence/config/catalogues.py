"""Catalogues of events: a CSV or ECSV file whose rows are events, such as a GOES flare list.

A column is named as the configuration's key, with dots for the keys of a mapping (`where.EXPTIME`, `region.width`), or
as flare lists name it (`config.columns`), in capitals or not. An empty cell says nothing: the default holds.
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

from aia_sequence.config.columns import DATE, PLACE, PLACES, are_windows, described, keys_of, validator_schema
from aia_sequence.config.file import read_text
from aia_sequence.config.schema import explain, from_text, resolved, types_of
from aia_sequence.errors import ConfigError
from aia_sequence.times import duration, iso, read_time, tai_seconds, utc_of

# What lists write where there is nothing; any number of slashes says it, too.
MISSING = {"nan", "na", "n/a", "-", "--", "---"}
TIMES = ("start", "peak", "end")
WINDOWS = {"from": "start", "before": 0, "to": "end", "after": 0}  # options of a list of windows
AS_THEY_ARE = (
    "the list has start and end and no peak, so its rows are windows and taken as they are, "
    "whatever catalogue.from, before, to and after say"
)
DELIMITERS = ",;\t"
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
    located
        Whether a place belongs to it: to every flare, to a window where the list has a column for it.
    remarks
        What is worth a warning, a line each.
    """

    origin: str
    entry: dict[str, Any]
    reference: str | None
    located: bool = True
    remarks: tuple[str, ...] = ()


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
        In the file's order. The window's `start` and `end` take the place of the flare's; a list that has start and end
        and no peak, from which the windows should be reckoned, is one of windows, which are taken as they are.

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
    columns, problems = keys_of(next(reader), options, f"{path}, line {lines[0][0]}")
    if problems:
        raise ConfigError("\n".join(problems))
    windows = are_windows(columns)
    remarks: tuple[str, ...] = ()
    located = not windows or not set(PLACES).isdisjoint(columns)
    if windows and "peak" in (options["from"], options["to"]):
        options, remarks = {**options, **WINDOWS}, (AS_THEY_ARE,)
    padding = {key: _padding(key, options[key]) for key in ("before", "after")}
    validator = Draft202012Validator(validator_schema())
    rows: dict[str, Row] = {}
    for cells in reader:
        origin = f"{path}, line {lines[reader.line_num - 1][0]}"
        if len(cells) != len(columns):
            problems.append(f"{origin}: {len(cells)} cells, but {len(columns)} columns")
            continue
        entry, reference, wrong = _entry(dict(zip(columns, map(_content, cells), strict=True)), options, padding)
        origin = f"{origin} ({entry['name']})" if "name" in entry else origin
        wrong = wrong or [line for error in validator.iter_errors(entry) for line in explain(error)]
        problems += [f"{origin}: {line}" for line in wrong]
        row = Row(origin, entry, reference, located, remarks)
        earlier = rows.setdefault(entry.get("name", origin), row)
        # The HEK has the same flare from several searches: equal rows are one event.
        if earlier is not row and (earlier.entry, earlier.reference) != (entry, reference):
            problems.append(
                f"{origin}: the same name as on {earlier.origin.removeprefix(f'{path}, ')}, for another event; "
                "delete one of the lines, or give the rows names in a column `name`"
            )
    if not rows and not problems:
        problems.append(f"{path}: no row below the header line")
    if problems:
        raise ConfigError("\n".join(problems))
    return list(rows.values())


def _padding(key: str, text: str | int) -> float:
    try:
        return duration(text).total_seconds()
    except ValueError as error:
        raise ConfigError(f"catalogue.{key}: {error}") from None


def _lines(path: Path) -> tuple[list[tuple[int, str]], str]:
    """The file's lines that hold data, with their numbers, and what separates their cells."""
    text = read_text(path, f"events: the catalogue {path}")
    numbered = list(enumerate(text.splitlines(), start=1))
    held = [(number, line) for number, line in numbered if line.strip() and not line.lstrip().startswith("#")]
    if text.startswith("# %ECSV"):
        stated = re.search(r"^# delimiter:\s*(['\"]?)(.)\1\s*$", text, re.MULTILINE | re.ASCII)
        return held, stated[2] if stated else " "
    header = re.sub(r'"[^"]*"', "", held[0][1]) if held else ""
    return held, max(DELIMITERS, key=header.count)


def _content(cell: str) -> str:
    """What a cell says; nothing where the list has a mark for something missing."""
    cell = cell.strip()
    return "" if cell.lower() in MISSING or not cell.strip("/") else cell


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
                place[key] = _number(cell)
            else:
                _put(entry, key, _value(cell, described(key) or {}))
        except ValueError as error:
            problems.append(f"{key}: {error}")
    _past_midnight(moments, cells)
    if place.keys() == set(PLACE):
        entry.setdefault("location", [place[axis] for axis in PLACE])
    if entry.get("location") == [0, 0]:
        del entry["location"]  # what the HEK, and sunpy after it, have for a place that is not known
    if "name" not in entry and "start" in moments:
        # From what the list says of the flare alone: neither padding nor another row changes a name and its folder.
        label = re.sub(r"[^a-z0-9.]", "", entry.get("class", "").lower())
        entry["name"] = f"{label}-{iso(moments['start'])[:16].replace(':', '')}".lstrip("-")
    for key, end in (("start", "from"), ("end", "to")):
        wanted = options[end]
        if wanted in moments:
            moment = moments[wanted] + (padding["after"] if key == "end" else -padding["before"])
            try:
                entry[key] = iso(moment)
            except OverflowError:
                problems.append(f"{wanted}: no year has the window's {key} (catalogue.{end})")
        elif not problems:
            problems.append(f"{wanted} missing, and the window's {key} is reckoned from it (catalogue.{end})")
    if "peak" in moments:
        entry["peak"] = iso(moments["peak"])
    reference = moments.get("peak", moments.get("start"))
    return entry, iso(reference) if reference else None, problems


def _moment(cell: str, date: str) -> float:
    """Time (TAI seconds) of a cell: ISO 8601, with slashes or without T too; or a clock (`14:18`, `1418`) and date."""
    text = cell.replace("/", "-")
    clock = re.fullmatch(r"(\d{2}):?(\d{2})(:\d{2})?", text, re.ASCII)
    if clock and date:
        text = f"{date.replace('/', '-')}T{clock[1]}:{clock[2]}{clock[3] or ''}"
    try:
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text, re.ASCII):
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


def _value(cell: str, part: Mapping[str, Any]) -> Any:
    """A cell as the type that the schema gives its key.

    Raises
    ------
    ValueError
        If the cell cannot be of that type.
    """
    types = types_of(part)
    for choice in part.get("oneOf", ()):
        # The first that it can be; what it cannot be at all is left for the schema to refuse.
        with contextlib.suppress(ValueError):
            found = _value(cell, resolved(choice))
            if Draft202012Validator(choice).is_valid(found):
                return found
    if "boolean" in types and cell.lower() in TRUTH:
        return TRUTH[cell.lower()]
    if "array" in types and ("string" not in types or cell[0] in "[("):
        items = part.get("items", {})
        return [from_text(one, items) for one in re.findall(r"[^\s,;\[\]()]+", cell)]
    if "object" in types:
        raise ValueError(f"{cell!r} is not possible here; give each of its keys a column of its own, named with a dot")
    return from_text(cell, {**part, "type": "number"} if {"number", "string"} <= set(types) else part)


def _number(cell: str) -> float:
    found = from_text(cell, {"type": "number"})
    if isinstance(found, str):
        raise ValueError(f"{cell!r} is not a number")
    return found
