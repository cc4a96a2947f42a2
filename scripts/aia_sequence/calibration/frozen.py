"""Frozen tables as calibration asks them: plain columns, without astropy, whose tables are slow to import.

`aia_sequence.calibration.tables` writes them, and reads them as aiapy has them.
"""

import hashlib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aia_sequence.errors import FrameError
from aia_sequence.lists import ecsv


@dataclass(frozen=True)
class Frozen:
    """A table: its columns by name, times as text (ISO 8601, UTC), and its metadata: archive, source and sha256."""

    columns: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]

    @classmethod
    def of(cls, table: Any) -> "Frozen":
        """The columns of a `QTable` as `tables.thaw` returns it, in the units of `aia_sequence.calibration.fetch`."""
        if isinstance(table, cls):
            return table
        with warnings.catch_warnings():
            # The tables name times in 2030 and 2050, for which no leap seconds are known yet.
            warnings.filterwarnings("ignore", "ERFA function", UserWarning)
            columns = [getattr(table[name], "isot", table[name]) for name in table.colnames]
        plain = (np.asarray(getattr(column, "value", column)) for column in columns)
        return cls(dict(zip(table.colnames, plain, strict=True)), table.meta)


def read(path: str | Path) -> Frozen:
    """Read a frozen table.

    Raises
    ------
    FrameError
        If its rows are not those that were frozen, or it is no table.
    """
    try:
        columns, meta = ecsv.read(path)
        if columns is None or ecsv.digest(columns, columns.values()) != meta.get("sha256"):
            from aia_sequence.calibration import tables  # for what is not plain, and to say what is wrong

            return Frozen.of(tables.thaw(path))
        return Frozen({name: np.array(values) for name, values in columns.items()}, meta)
    except (FrameError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - YAML's readers and astropy's have no error in common
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FrameError(f"{path}: it is no frozen table, or a damaged one ({reason}); delete it") from None


def join(tables: Iterable[Frozen]) -> Frozen:
    """Put the pointing tables of a block's days together: rows once, sorted by T_START; `meta` of all."""
    tables = list(tables)
    names = [name for name in tables[0].columns if all(name in table.columns for table in tables)]
    columns = {name: np.concatenate([table.columns[name] for table in tables]) for name in names}
    rows = np.unique(columns["T_START"], return_index=True)[1]
    digests = sorted({table.meta["sha256"] for table in tables})
    about = {
        "archive": tables[0].meta["archive"],
        "source": "; ".join(table.meta["source"] for table in tables),
        "sha256": digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest(),
    }
    return Frozen({name: column[rows] for name, column in columns.items()}, about)
