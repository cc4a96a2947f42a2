"""Light curves as a table: one row a frame, with units (ECSV)."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, get_type_hints

from aia_sequence.files import write_text


@dataclass(frozen=True)
class Point:
    """One frame's row of the light curve.

    `sum` (DN/s) and `mean` (DN/s per pixel) are over the measured pixels of the region, with their uncertainty (NaN
    where none was calculated); `missing` and `saturated` are fractions of the region's pixels; EXPTIME is in seconds.
    """

    T_OBS: str
    T_REC: str
    EXPTIME: float
    QUALITY: int
    sum: float
    sum_uncertainty: float
    mean: float
    mean_uncertainty: float
    pixels: int
    missing: float
    saturated: float
    record: str


KINDS: dict[str, type] = get_type_hints(Point)
COLUMNS = list(KINDS)
# Units and remarks stand in front of the table as astropy's ECSV has them; a reader of plain CSV leaves "#" lines out.
UNITS = {
    "EXPTIME": "s", "sum": "DN / s", "sum_uncertainty": "DN / s", "mean": "DN / (pix s)",
    "mean_uncertainty": "DN / (pix s)", "pixels": "pix",
}  # fmt: skip
TYPES = {str: "string", float: "float64", int: "int64"}
REMARK = (
    "Uncertainties are of photons, read noise and compression (one sigma), the correlation of resampled pixels "
    "included. The calibration error of the photometry is common to all pixels and frames, and not in them."
)


def write_points(points: Sequence[Point], path: Path) -> None:
    """Write a light curve as CSV with a header of units (ECSV); an unknown number is an empty cell."""
    about = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
    for name, kind in KINDS.items():
        unit = f", unit: {UNITS[name]}" if name in UNITS else ""
        about.append(f"- {{name: {name}{unit}, datatype: {TYPES[kind]}}}")
    about += ["meta: !!omap", f"- comments: ['{REMARK}']", "schema: astropy-2.0"]
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in about)
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows([_cell(value) for value in astuple(point)] for point in points)
    write_text(path, text.getvalue())


def _cell(value: float | int | str) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    return str(value)


def read_points(path: Path) -> list[Point]:
    """Read a light curve written by `write_points`."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        next(rows)
        return [Point(*(_value(kind, cell) for kind, cell in zip(KINDS.values(), row, strict=True))) for row in rows]


def _value(kind: type, cell: str) -> Any:
    return math.nan if kind is float and not cell else kind(cell)
