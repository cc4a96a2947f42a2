"""A list as CSV: its columns with type and unit, its one reader, its one writer."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aia_sequence.errors import AIAError
from aia_sequence.files import write_csv

if TYPE_CHECKING:
    import pandas as pd

TIME = "UTC"  # in place of a unit: the column holds times, as the archive prints them

type Row = Mapping[str, Any]  # a value for each column


class ListError(AIAError):
    """A file is not the list that a stage writes."""


@dataclass(frozen=True)
class Column:
    """A column of a list.

    Attributes
    ----------
    name
        Its title.
    kind
        What its values are: `str`, `int`, `float` or `bool`.
    unit
        Unit of its numbers, or `TIME`.
    optional
        Whether rows may have no value, which is read as None. Text that is not optional is empty then; a float is NaN
        in a table of pandas, and other numbers must be there.
    """

    name: str
    kind: type = str
    unit: str = ""
    optional: bool = False

    @property
    def dtype(self) -> str:
        """The type of pandas that holds the values."""
        if self.optional and self.kind in (int, bool):
            return {int: "Int64", bool: "boolean"}[self.kind]
        return {str: "str", int: "int64", float: "float64", bool: "bool"}[self.kind]

    def cell(self, value: Any) -> Any:
        """What is written for a value; None for one that is missing. A text is written as it stands."""
        if value is None or value != value:  # NaN
            return None
        return value if isinstance(value, str) else self.kind(value)

    def value(self, text: str) -> Any:
        """What a cell says; ValueError if it is not of the column's type."""
        if not text:
            return "" if self.kind is str and not self.optional else None
        if self.kind is bool:
            if text not in ("True", "False"):
                raise ValueError(text)
            return text == "True"
        return self.kind(text)


@dataclass(frozen=True)
class Table:
    """A kind of list.

    Attributes
    ----------
    what
        What it is called in messages.
    columns
        Its columns, in order.
    further
        Columns that may stand behind them.
    last
        Columns behind all others.
    needed
        Without these columns a file is no such list; all of `columns` and `last` if it is empty.
    order
        By which columns its rows are sorted when they are written.
    remedy
        What to do about a file that is no such list.
    """

    what: str
    columns: tuple[Column, ...]
    further: tuple[Column, ...] = ()
    last: tuple[Column, ...] = ()
    needed: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    remedy: str = "delete it and run again"

    @property
    def known(self) -> dict[str, Column]:
        """All columns that such a list can have, by name."""
        return {column.name: column for column in (*self.columns, *self.further, *self.last)}

    def names(self, further: Iterable[str] = ()) -> list[str]:
        """Titles of the columns, in order, with those of `further` that a list has."""
        return [*(column.name for column in self.columns), *further, *(column.name for column in self.last)]

    def write(self, path: str | Path, rows: Iterable[Row], further: Sequence[str] = ()) -> None:
        """Write a list in one move; the same rows give the same bytes, and no row gives a header line.

        Parameters
        ----------
        path
            The CSV file.
        rows
            One mapping per row; a column that it lacks stays empty, as one whose value is None or NaN.
        further
            Which of the further columns the list has.
        """
        known, names = self.known, self.names(further)
        rows = sorted(rows, key=lambda row: [row[name] for name in self.order])
        if strange := {*names, *(name for row in rows for name in row)} - (set(names) & known.keys()):
            raise ValueError(f"a {self.what} has no column {', '.join(sorted(strange))}")
        write_csv(path, names, ([known[name].cell(row.get(name)) for name in names] for row in rows))

    def write_frame(self, path: str | Path, frame: "pd.DataFrame") -> None:
        """Write a table of pandas, whatever the order of its columns."""
        further = [name for name in frame.columns if name not in self.names()]
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        self.write(path, rows, further)

    def lines(self, path: str | Path) -> list[dict[str, str]]:
        """Read a list's rows, every cell as its text.

        Raises
        ------
        ListError
            If the file is no such list, or damaged.
        """
        names, rows = self._cells(path)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def read(self, path: str | Path) -> list[dict[str, Any]]:
        """Read a list's rows, every cell as its column's type; of a column that no such list has, as text.

        Raises
        ------
        ListError
            If the file is no such list, or damaged.
        """
        names, rows = self._cells(path)
        columns = [self.known.get(name, Column(name)) for name in names]
        return [dict(zip(names, self._values(path, columns, row), strict=True)) for row in rows]

    def frame(self, path: str | Path) -> "pd.DataFrame":
        """Read a list as a table of pandas, with its columns' types; times stay text.

        Raises
        ------
        ListError
            If the file is no such list, or damaged.
        """
        import pandas as pd

        names, rows = self._cells(path)
        columns = [self.known.get(name, Column(name)) for name in names]
        typed = [self._values(path, columns, row) for row in rows]
        try:
            return pd.DataFrame(
                {
                    column.name: pd.Series([row[place] for row in typed], dtype=column.dtype)
                    for place, column in enumerate(columns)
                }
            )
        except (TypeError, ValueError):
            raise ListError(f"{path} is damaged: a number is missing; {self.remedy}") from None

    def texts(self, paths: Iterable[str | Path]) -> "pd.DataFrame":
        """Read lists of one kind and put them below each other, every cell as its text.

        An audit repeats values, it does not reinterpret them.

        Raises
        ------
        ListError
            If a record occurs twice: neighbouring blocks share none.
        """
        import pandas as pd

        sources = [Path(path) for path in paths]
        rows = [row for path in sources for row in self.lines(path)]
        names = list(dict.fromkeys([*self.names(), *(name for row in rows for name in row)]))
        table = pd.DataFrame({name: pd.Series([row.get(name, "") for row in rows], dtype="str") for name in names})
        twice = sorted(set(table.loc[table["record"].duplicated(), "record"]))
        if twice:
            files = ", ".join(sorted(path.name for path in sources))
            raise ListError(f"{some(twice)} listed more than once in {files}; delete these files and run again")
        return table

    def _cells(self, path: str | Path) -> tuple[list[str], list[list[str]]]:
        """Titles of a file's columns, and the texts of its rows."""
        try:
            with open(path, encoding="utf-8", newline="") as file:
                cells = csv.reader(file)
                names, rows = next(cells, []), [row for row in cells if row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ListError(f"{path} is damaged: {error}; {self.remedy}") from None
        if lacking := [name for name in self.needed or self.names() if name not in names]:
            raise ListError(f"{path} is no {self.what}: it lacks {', '.join(lacking)}; {self.remedy}")
        for number, row in enumerate(rows, 1):
            if len(row) != len(names):
                said = f"row {number} has {len(row)} cells, its header {len(names)}"
                raise ListError(f"{path} is damaged: {said}; {self.remedy}")
        return names, rows

    def _values(self, path: str | Path, columns: Sequence[Column], row: Sequence[str]) -> list[Any]:
        """The values of a row's cells."""
        values = []
        for column, text in zip(columns, row, strict=True):
            try:
                values.append(column.value(text))
            except ValueError:
                raise ListError(f"{path} is damaged: {text!r} is no {column.name}; {self.remedy}") from None
        return values


def some(records: Iterable[str], most: int = 5) -> str:
    """Name records, but not hundreds of them."""
    names = list(records)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ("record " if len(names) == 1 else "records ") + ", ".join(names[:most]) + more
