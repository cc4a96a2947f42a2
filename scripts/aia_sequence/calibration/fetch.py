"""Calibration tables: fetched once, as aiapy fetches them; `aia_sequence.calibration.tables` freezes them."""

import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from astropy.table import QTable
from astropy.time import Time
from astropy.units import Quantity
from erfa import ErfaWarning

from aia_sequence.archive.retries import Patience, passing, persist
from aia_sequence.archive.web import proxies_in_capitals
from aia_sequence.calibration.tables import TIMES
from aia_sequence.errors import ArchiveError
from aia_sequence.privacy import redact

POINTING_MARGIN = timedelta(hours=6)  # the newest row provisionally spans that long, so a day's first frame may need it
PATIENCE = Patience()
# Units of the columns that the archive states without, by how their names end.
UNITS = {
    "_X0": "pix", "_Y0": "pix", "_IMSCALE": "arcsec / pix", "_INSTROT": "deg", "WAVELNTH": "Angstrom",
    "EFF_WVLN": "Angstrom", "EFF_AREA": "cm2", "DNPERPHT": "DN / photon",
}  # fmt: skip
DEGRADATION = (
    "DATE", "VER_NUM", "WAVE_STR", "WAVELNTH", "T_START", "T_STOP", "EFFA_P1", "EFFA_P2", "EFFA_P3", "EFF_AREA",
    "EFF_WVLN",
)  # fmt: skip


def pointing(day: str, patience: Patience = PATIENCE) -> tuple[QTable, str]:
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
    table = _asked(lambda: _of_archive(source), source, patience)
    table.sort("T_START")
    return table, source


def degradation(patience: Patience = PATIENCE) -> tuple[QTable, str]:
    """Fetch all versions of the degradation table; sorted so that aiapy finds each channel's first epoch first.

    Raises
    ------
    ArchiveError
        If the archive fails.
    """
    source = "aia.response[][!1=1!]"
    table = _asked(lambda: _of_archive(source, DEGRADATION), source, patience)
    table.sort(["VER_NUM", "WAVE_STR", "T_START", "DATE"])
    return table, source


def errors(text: str | None = None, patience: Patience = PATIENCE) -> tuple[QTable, str]:
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
        from aiapy.calibrate.utils import get_error_table  # slow to import, and asked for once and for all

        with proxies_in_capitals():
            return _asked(get_error_table, source, patience), source
    table = QTable.read(text.splitlines(), format="ascii")
    return _with_units(table, TIMES), "error table of the synthetic instrument"


def _of_archive(source: str, columns: Sequence[str] | None = None) -> QTable:
    """What JSOC's tables say of a record set, as `aiapy.calibrate.utils` makes it of the same answer.

    Its own import takes far longer than the question, since it brings all that aiapy can do with an image.
    """
    import drms

    answer = drms.Client().query(source, key="**ALL**")
    if not len(answer):
        raise RuntimeError(f"No data found for this query: {source}")
    table = QTable.from_pandas(answer)
    return _with_units(table[list(columns)] if columns else table, ("T_START", "T_STOP"))


def _with_units(table: QTable, times: Sequence[str]) -> QTable:
    with warnings.catch_warnings():
        # The tables name times in 2030 and 2050, for which no leap seconds are known yet.
        warnings.simplefilter("ignore", ErfaWarning)
        for name in times:
            table[name] = Time([text.removesuffix("Z") for text in table[name]], scale="utc")
    for name in table.colnames:
        unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), None)
        if unit:
            values = table[name].filled(np.nan) if hasattr(table[name], "filled") else table[name]
            table[name] = Quantity(values, unit)
    return table


def _asked(question: Callable[[], QTable], source: str, patience: Patience) -> QTable:
    """Ask an archive; again, if what went wrong can pass."""

    def ask() -> QTable:
        try:
            return question()
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            # aiapy wraps what it was told, and that alone tells whether it can pass.
            cause = error.__cause__ or error
            if passing(cause):
                raise cause from None
            raise ArchiveError(redact(f"{source}: the archive gave no table: {error}")) from error

    return persist(ask, source, patience)
