"""Tables with units in front, as astropy reads them (ECSV); readers of plain CSV leave out lines with a "#"."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from aia_sequence.files import write_text
from aia_sequence.lists.table import TIME, Column

TYPES = {str: "string", float: "float64", int: "int64"}
PYTHON = {name: kind for kind, name in TYPES.items()}


def write(path: str | Path, columns: Sequence[Column], rows: Iterable[Iterable[Any]], remark: str) -> None:
    """Write a table in one move; an unknown number (NaN or None) is an empty cell.

    Parameters
    ----------
    path
        The file.
    columns
        Its columns, in order, with units as astropy spells them.
    rows
        A value for each column.
    remark
        What a reader has to know, in words.
    """
    about = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
    for column in columns:
        unit = f", unit: {column.unit}" if column.unit and column.unit != TIME else ""
        about.append(f"- {{name: {column.name}{unit}, datatype: {TYPES[column.kind]}}}")
    about += ["meta: !!omap", f"- comments: ['{remark}']", "schema: astropy-2.0"]
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in about)
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(column.name for column in columns)
    lines.writerows([_cell(value) for value in row] for row in rows)
    write_text(path, text.getvalue())


def meta(path: str | Path) -> dict[str, Any]:
    """What a table's header says beside its columns; no row is read, and nothing of astropy imported."""
    with open(path, encoding="utf-8") as file:
        return dict(_header(file)["meta"])


def read(path: str | Path) -> tuple[dict[str, list[Any]] | None, dict[str, Any]]:
    """A table's columns, in their order, and what its header says beside them, without astropy.

    There are no columns where a cell is empty or quoted, which means more than it says, or is of another type.
    """
    with open(path, encoding="utf-8", newline="") as file:
        lines = list(file)
    header = _header(lines)
    about, text = dict(header.get("meta") or {}), [line for line in lines if not line.startswith("#")]
    kinds = {column["name"]: PYTHON.get(column["datatype"]) for column in header["datatype"] if "subtype" not in column}
    names, *rows = csv.reader(text, delimiter=header.get("delimiter", " "))
    plain = not any('"' in line for line in text) and names == list(kinds) and None not in kinds.values()
    if not plain or any(len(row) != len(names) or "" in row for row in rows):
        return None, about
    try:
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        values = [list(map(kind, cells)) for kind, cells in zip(kinds.values(), columns, strict=True) if kind]
    except ValueError:
        return None, about
    return dict(zip(names, values, strict=True)), about


def digest(names: Iterable[str], columns: Iterable[Sequence[Any]]) -> str:
    """SHA-256 of a table's rows and column names as plain text; numbers in their shortest exact form."""
    rows = [list(names), *zip(*columns, strict=True)]
    return hashlib.sha256("\n".join(",".join(map(str, row)) for row in rows).encode()).hexdigest()


def _header(lines: Iterable[str]) -> dict[str, Any]:
    header = [line[2:] for line in takewhile(lambda line: line.startswith("#"), lines)]
    return yaml.load("".join(header[1:]), _Plain)


class _Plain(yaml.SafeLoader):
    """Reads what astropy says of its own types as nothing: only `meta` is asked for."""


_Plain.add_multi_constructor("!astropy", lambda loader, suffix, node: None)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)
