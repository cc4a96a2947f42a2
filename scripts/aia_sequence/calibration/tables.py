"""Calibration tables: fetched once through aiapy, and frozen in files.

A frozen table is ECSV. Its metadata say from which archive and source it came, and the SHA-256 of its rows: equal rows
have equal hashes, whichever archive's name stands beside them.
"""

import hashlib
import tempfile
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from aiapy.calibrate.utils import get_correction_table, get_error_table, get_pointing_table
from astropy.table import QTable, vstack
from astropy.time import Time
from erfa import ErfaWarning

from aia_sequence.archive.retries import Patience, passing, persist
from aia_sequence.archive.web import proxies_in_capitals
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.files import replacing
from aia_sequence.privacy import redact

POINTING_MARGIN = timedelta(hours=6)  # the newest row provisionally spans that long, so a day's first frame may need it
PATIENCE = Patience()
TIMES = ("DATE", "T_START", "T_STOP")


def fetch_pointing(day: str, patience: Patience = PATIENCE) -> tuple[QTable, str]:
    """Fetch the 3-hourly pointing of one UTC day and six hours on both sides.

    Parameters
    ----------
    day
        As `20210703`.
    patience
        How failures that can pass are repeated.

    Returns
    -------
    table : astropy.table.QTable
        As `aiapy.calibrate.utils.get_pointing_table` returns it, sorted by T_START.
    source : str
        The record set.

    Raises
    ------
    ArchiveError
        If the archive fails or has no row.
    """
    begin = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), tzinfo=UTC)
    span = Time([begin - POINTING_MARGIN, begin + timedelta(days=1) + POINTING_MARGIN])
    source = f"aia.master_pointing3h[{span[0].isot}Z-{span[1].isot}Z]"
    table = _asked(lambda: get_pointing_table("jsoc", time_range=span), source, patience)
    table.sort("T_START")
    return table, source


def fetch_degradation(patience: Patience = PATIENCE) -> tuple[QTable, str]:
    """Fetch all versions of the degradation table; sorted so that aiapy finds each channel's first epoch first.

    Raises
    ------
    ArchiveError
        If the archive fails.
    """
    source = "aia.response[][!1=1!]"
    table = _asked(lambda: get_correction_table("jsoc"), source, patience)
    table.sort(["VER_NUM", "WAVE_STR", "T_START", "DATE"])
    return table, source


def fetch_errors(text: str | None = None, patience: Patience = PATIENCE) -> tuple[QTable, str]:
    """Fetch the photometric error table: from SolarSoft, whose file aiapy knows by its hash, or from a text.

    Parameters
    ----------
    text
        A table in SolarSoft's format, as the synthetic instrument states its errors.

    Raises
    ------
    ArchiveError
        If SolarSoft's mirrors fail.
    """
    if text is None:
        source = "SolarSoft's table of photometric errors, version 3"
        with proxies_in_capitals():
            return _asked(get_error_table, source, patience), source
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "errors.txt")
        path.write_text(text, encoding="utf-8")
        return get_error_table(path), "error table of the synthetic instrument"


def _asked(question: Callable[[], QTable], source: str, patience: Patience) -> QTable:
    """Ask an archive through aiapy; again, if what went wrong can pass."""

    def ask() -> QTable:
        try:
            return question()
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            # aiapy wraps what drms raised, and that alone tells whether it can pass.
            cause = error.__cause__ or error
            if passing(cause):
                raise cause from None
            raise ArchiveError(redact(f"{source}: the archive gave no table: {error}")) from error

    return persist(ask, source, patience)


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
    rows = [table.colnames, *zip(*(np.asarray(column).tolist() for column in columns), strict=True)]
    return hashlib.sha256("\n".join(",".join(map(str, row)) for row in rows).encode()).hexdigest()


def join(tables: Iterable[QTable]) -> QTable:
    """Put the pointing tables of a block's days together: rows once, sorted by T_START; `meta` of all."""
    tables = list(tables)
    joined = vstack(tables, metadata_conflicts="silent")
    joined.sort("T_START")
    joined = joined[np.unique(joined["T_START"].isot, return_index=True)[1]]
    digests = sorted({table.meta["sha256"] for table in tables})
    joined.meta = {
        "archive": tables[0].meta["archive"],
        "source": "; ".join(table.meta["source"] for table in tables),
        "sha256": digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest(),
    }
    return joined
