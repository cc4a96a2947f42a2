"""Calibration tables, frozen in files.

A frozen table is ECSV. Its metadata say from which archive and source it came, and the SHA-256 of its rows: equal rows
have equal hashes, whichever archive's name stands beside them.
"""

import warnings
from pathlib import Path

import numpy as np
from astropy.table import QTable
from astropy.time import Time
from erfa import ErfaWarning

from aia_sequence.errors import FrameError
from aia_sequence.files import replacing
from aia_sequence.lists import ecsv

TIMES = ("DATE", "T_START", "T_STOP")


def freeze(path: str | Path, table: QTable, archive: str, source: str) -> None:
    """Write a table as ECSV, with its archive, source and the SHA-256 of its rows."""
    plain = QTable(table, copy=True)
    with warnings.catch_warnings():
        # The tables name times in 2030 and 2050, for which no leap seconds are known yet.
        warnings.simplefilter("ignore", ErfaWarning)
        for name in TIMES:
            if name in plain.colnames:
                plain[name] = Time(plain[name]).utc.isot
    plain.meta = {"archive": archive, "source": source, "sha256": digest(plain)}
    with replacing(path) as part:
        plain.write(part, format="ascii.ecsv", delimiter=",", overwrite=True)


def thaw(path: str | Path) -> QTable:
    """Read a frozen table into the form in which aiapy had returned it; `meta` holds archive, source and sha256.

    Raises
    ------
    FrameError
        If its rows are not those that were frozen.
    """
    table = QTable.read(path, format="ascii.ecsv")
    found = digest(table)
    if found != table.meta.get("sha256"):
        raise FrameError(
            f"{path}: its rows have SHA-256 {found}, its header says {table.meta.get('sha256')}; delete it"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ErfaWarning)
        for name in TIMES:
            if name in table.colnames:
                table[name] = Time(table[name].tolist(), format="isot", scale="utc")
    return table


def digest(table: QTable) -> str:
    """SHA-256 of a table's rows and column names as plain text; numbers in their shortest exact form."""
    columns = [getattr(table[name], "value", table[name]) for name in table.colnames]
    return ecsv.digest(table.colnames, (np.asarray(column).tolist() for column in columns))
