"""Tables with units in front, as astropy reads them (ECSV); readers of plain CSV leave out lines with a "#"."""

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from aia_sequence.files import write_text
from aia_sequence.lists.table import TIME, Column

TYPES = {str: "string", float: "float64", int: "int64"}


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
        header = [line[2:] for line in takewhile(lambda line: line.startswith("#"), file)]
    return dict(yaml.load("".join(header[1:]), _Plain)["meta"])


class _Plain(yaml.SafeLoader):
    """Reads what astropy says of its own types as nothing: only `meta` is asked for."""


_Plain.add_multi_constructor("!astropy", lambda loader, suffix, node: None)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)
