"""Calibration tables at hand: a bundle of frozen ones, or the text files that are published.

What a file holds is told by its columns, whatever its name: SolarSoft's tables of responses and of errors, a pointing
table as aiapy writes it, tables that this workflow froze.
"""

import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from astropy.io import ascii as texts
from astropy.table import QTable
from astropy.utils.exceptions import AstropyWarning

from aia_sequence.calibration import fetch, tables
from aia_sequence.errors import ConfigError, FrameError
from aia_sequence.files import sha256

ENDINGS = (".ecsv", ".txt", ".csv", ".dat")
LARGEST = 64 * 2**20  # bytes of a table; the pointing of fifteen years has 17 MB
FROZEN = re.compile(r"[\w.+-]+/calibration/(?:pointing/)?\w+\.ecsv", re.ASCII)  # in a zip file of `aia-sequence bundle`
KINDS = {  # by columns that no other table has
    "pointing": ("T_START", "T_STOP", "A_171_X0", "A_171_INSTROT"),
    "degradation": ("VER_NUM", "WAVE_STR", "EFFA_P1", "EFF_AREA"),
    "errors": ("WAVELNTH", "DNPERPHT", "COMPRESS"),
}
OTHERWISE = {
    "pointing": "`calibration: {pointing: header}` takes what the headers of the frames say",
    "degradation": "`calibration: {degradation: false}` leaves the correction out",
    "errors": "`calibration: {uncertainty: false}` needs none",
}


def pointing(place: Path, day: str) -> tuple[QTable, str, str]:
    """The pointing of one UTC day (as 20210703), and six hours on both sides.

    Returns
    -------
    table : astropy.table.QTable
        As `aia_sequence.calibration.fetch.pointing` returns it.
    source, archive : str
        Where it comes from: as a frozen table says, else the file's name and hash, and `own`.

    Raises
    ------
    ConfigError
        If there is none.
    """
    found = list(_found(place, "pointing"))
    of_day = [one for path, *one in found if path.stem == day and one[2] != "own"]
    if of_day:
        return tuple(of_day[0])
    begin, end = fetch.pointing_span(day)
    for _, table, source, archive in found:
        part = table[(table["T_STOP"] > begin) & (table["T_START"] < end)]
        if len(part):
            part.sort("T_START")
            return part, source, archive
    raise _none(place, "pointing", f"the pointing of {day}")


def degradation(place: Path) -> tuple[QTable, str, str]:
    """The table of effective areas; see `pointing`."""
    return _first(place, "degradation")


def errors(place: Path) -> tuple[QTable, str, str]:
    """The table of photometric errors; see `pointing`."""
    return _first(place, "errors")


def _first(place: Path, kind: str) -> tuple[QTable, str, str]:
    for _, *found in _found(place, kind):
        return tuple(found)
    raise _none(place, kind, f"a table of the {kind}")


def _none(place: Path, kind: str, what: str) -> ConfigError:
    return ConfigError(f"tables: {place}: {what} is not there; {OTHERWISE[kind]}")


def _found(place: Path, kind: str) -> Iterator[tuple[Path, QTable, str, str]]:
    """Tables of a kind, each with its file, its source and its archive; frozen ones first."""
    with _files(place) as files:
        for path in sorted(files, key=lambda path: (path.suffix != ".ecsv", path)):
            table = _table(path)
            if table is None or not set(KINDS[kind]) <= set(table.colnames):
                continue
            if "sha256" in table.meta and "archive" in table.meta:
                try:
                    frozen = tables.thaw(path)
                except FrameError as error:
                    raise ConfigError(f"tables: {error}") from None
                yield path, frozen, frozen.meta["source"], frozen.meta["archive"]
            else:
                yield path, _published(table, kind), f"{path.name}, SHA-256 {sha256(path)[:16]}…", "own"


def _published(table: QTable, kind: str) -> QTable:
    if kind == "degradation":
        return fetch.degradation_of(table)
    return fetch.with_units(table, tables.TIMES if kind == "errors" else ("T_START", "T_STOP"))


def _table(path: Path) -> QTable | None:
    """A file's table; None if it holds none."""
    if path.stat().st_size > LARGEST:
        raise ConfigError(f"tables: {path} has more than {LARGEST} bytes, which no table has")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            if path.suffix == ".ecsv":
                return QTable(texts.read(path, format="ecsv"))
            return QTable(texts.read(path, guess=True))
    except Exception:  # noqa: BLE001 - the readers that are tried have no error in common
        return None


@contextmanager
def _files(place: Path) -> Iterator[list[Path]]:
    """The files that may be tables: one, those of a folder and below, or of a zip file."""
    if place.is_dir():
        yield [path for path in place.rglob("*") if path.suffix in ENDINGS and path.is_file()]
    elif zipfile.is_zipfile(place):
        with TemporaryDirectory() as folder, zipfile.ZipFile(place) as bundle:
            names = [one for one in bundle.infolist() if FROZEN.fullmatch(one.filename) and one.file_size <= LARGEST]
            yield [Path(bundle.extract(one, folder)) for one in names]
    elif place.is_file():
        yield [place]
    else:
        raise ConfigError(f"tables: {place}: there is no such file or folder; allowed are archive, ssw, or its path")
