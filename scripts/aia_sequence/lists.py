"""Lists that one stage of the workflow writes and another reads: their one reader and their columns."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from aia_sequence.errors import AIAError

MANIFEST = ["file", "record", "T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "QUALITY", "bytes", "sha256", "reason"]


def read_lists(paths: Iterable[Path | str]) -> pd.DataFrame:
    """
    Read CSV files of one kind and put them below each other.

    Every cell stays the text that the file holds (an empty cell stays empty): an audit repeats values, it does not
    reinterpret them.

    Raises
    ------
    AIAError
        If a record occurs twice: neighbouring blocks share none.
    """
    parts = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=MANIFEST, dtype=str)
    twice = sorted(set(table.loc[table["record"].duplicated(), "record"]))
    if twice:
        raise AIAError(f"{some(twice)} listed more than once in {_names(paths)}; delete these files and run again")
    return table


def some(records: Iterable[str], most: int = 5) -> str:
    """Name records, but not hundreds of them."""
    names = list(records)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ("record " if len(names) == 1 else "records ") + ", ".join(names[:most]) + more


def _names(paths: Iterable[Path | str]) -> str:
    return ", ".join(sorted(Path(path).name for path in paths))
