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
    span = pointing_span(day)
    source = f"aia.master_pointing3h[{span[0].isot}Z-{span[1].isot}Z]"
    table = _asked(lambda: with_units(_of_archive(source), ("T_START", "T_STOP")), source, patience)
    table.sort("T_START")
    return table, source


def pointing_span(day: str) -> Time:
    """Begin and end of one UTC day (as 20210703), each with its margin."""
    begin = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), tzinfo=UTC)
    return Time([begin - POINTING_MARGIN, begin + timedelta(days=1) + POINTING_MARGIN])


def degradation(patience: Patience = PATIENCE) -> tuple[QTable, str]:
    """Fetch all versions of the degradation table; sorted so that aiapy finds each channel's first epoch first.

    Raises
    ------
    ArchiveError
        If the archive fails.
    """
    source = "aia.response[][!1=1!]"
    return _asked(lambda: degradation_of(_of_archive(source)), source, patience), source


def degradation_of(table: QTable) -> QTable:
    """The table of degradation that is made of a table of responses, whoever has published it."""
    table = with_units(table[list(DEGRADATION)], ("T_START", "T_STOP"))
    table.sort(["VER_NUM", "WAVE_STR", "T_START", "DATE"])
    return table


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
    return with_units(table, TIMES), "error table of the synthetic instrument"


def ssw_pointing(day: str, patience: Patience = PATIENCE) -> tuple[QTable, str]:
    """The pointing of one UTC day from the copy of JSOC's table that aiapy keeps to, at LMSAL's; see `pointing`."""
    from aiapy.calibrate.utils import get_pointing_table

    source = "LMSAL's copy of aia.master_pointing3h"
    with proxies_in_capitals():
        table = _asked(lambda: get_pointing_table("lmsal"), source, patience)
    begin, end = pointing_span(day)
    part = table[(table["T_STOP"] > begin) & (table["T_START"] < end)]
    if not len(part):
        raise ArchiveError(f"{source} has no row for {day}; `calibration: {{pointing: header}}` does without")
    part.sort("T_START")
    return part, source


def ssw_degradation(patience: Patience = PATIENCE) -> tuple[QTable, str]:
    """SolarSoft's table of effective areas, whose file aiapy knows by its hash; see `degradation`."""
    from aiapy.calibrate.utils import get_correction_table

    source = "SolarSoft's table of responses, version 10"
    with proxies_in_capitals():
        table = _asked(lambda: get_correction_table("SSW"), source, patience)
    return degradation_of(table), source


def _of_archive(source: str) -> QTable:
    """What JSOC's tables say of a record set, as `aiapy.calibrate.utils` makes it of the same answer.

    Its own import takes far longer than the question, since it brings all that aiapy can do with an image.
    """
    import drms

    answer = drms.Client().query(source, key="**ALL**")
    if not len(answer):
        raise RuntimeError(f"No data found for this query: {source}")
    return QTable.from_pandas(answer)


def with_units(table: QTable, times: Sequence[str]) -> QTable:
    """A table with times in place of texts, and units where it states none; missing numbers are NaN."""
    with warnings.catch_warnings():
        # The tables name times in 2030 and 2050, for which no leap seconds are known yet.
        warnings.simplefilter("ignore", ErfaWarning)
        for name in times:
            found = table[name]
            texts = found.utc.isot if isinstance(found, Time) else [str(text).removesuffix("Z") for text in found]
            table[name] = Time(texts, scale="utc")
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
            told: BaseException = error
        # aiapy wraps what it was told, and that alone tells whether it can pass.
        cause = told if passing(told) else told.__cause__ or told
        if passing(cause):
            raise cause
        raise ArchiveError(redact(f"{source}: the archive gave no table: {told}")) from told

    return persist(ask, source, patience)
