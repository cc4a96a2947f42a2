"""Files at hand, found and listed: the header of each is read once, until the file changes."""

import glob
import logging
import os
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import batched
from pathlib import Path
from typing import Any

from aia_sequence.acquisition.file_rows import row_of
from aia_sequence.errors import ConfigError
from aia_sequence.files import FORMULA
from aia_sequence.joblog import Counter
from aia_sequence.lists.own_files import FILES
from aia_sequence.lists.table import ListError, Row

logger = logging.getLogger(__name__)

ENDINGS = tuple(f".{name}{packed}" for name in ("fits", "fit", "fts") for packed in ("", ".gz", ".fz"))
AT_ONCE = 100  # headers that a process reads for one answer
EXAMPLES = 3


def find(places: Iterable[str]) -> list[str]:
    """The files that paths, patterns (`*`, `**`, `?`) and folders lead to.

    Of a folder, with those below it, all files whose names end as FITS files' do, in capitals too; what is named by its
    path or by a pattern is taken whatever its name.

    Returns
    -------
    list of str
        Sorted, each once.

    Raises
    ------
    ConfigError
        For each place that leads to none.
    """
    found, problems = set(), []
    for place in places:
        path = os.path.expanduser(place)
        named = [path] if os.path.lexists(path) else sorted(glob.glob(path, recursive=True))
        files = {file for one in named for file in (_below(one) if os.path.isdir(one) else [one])}
        if not files:
            problems.append(f"files: {place}: {_nothing(path, named)}")
        found |= files
    if problems:
        raise ConfigError("\n".join(problems))
    return sorted({_plain(file) for file in found})


def _plain(path: str) -> str:
    """A path in its shortest spelling, which a list can hold: none that a spreadsheet would calculate."""
    short = os.path.normpath(path)
    return f"./{short}" if short.startswith(FORMULA) else short


def _below(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (
            os.path.join(parent, name) for name in names if name.lower().endswith(ENDINGS) and not name.startswith(".")
        )


def _nothing(path: str, named: Sequence[str]) -> str:
    """Why a place leads to no file."""
    if not named:
        return "there is nothing of that name" if not glob.has_magic(path) else "nothing fits the pattern"
    others = sorted(name for folder in named if os.path.isdir(folder) for name in os.listdir(folder))
    shown = ", ".join(others[:EXAMPLES]) + (" …" if len(others) > EXAMPLES else "")
    return (
        f"the folder holds no FITS file (…{', …'.join(ENDINGS[:3])}, also with .gz or .fz); it has {shown or 'nothing'}"
    )


def listed(places: Iterable[str], known: Path, processes: int = 1) -> list[dict[str, Any]]:
    """List the files that places lead to, with what their headers say.

    Parameters
    ----------
    places
        As for `find`.
    known
        A list of an earlier run, if there is one: what it says of a file holds as long as size and time of the file's
        last change are the same.
    processes
        How many read headers at the same time.

    Returns
    -------
    list of dict
        Rows of `aia_sequence.lists.own_files.FILES`, by path.

    Raises
    ------
    ConfigError
        If a place leads to no file, or none of the files can be used: with the reasons.
    """
    files, rows = find(places), {}
    earlier = _earlier(known)
    for file in files:
        row = earlier.get(file)
        if row and _unchanged(row):
            rows[file] = row
    unread = [file for file in files if file not in rows]
    logger.info("%d files, of which %d are new or have changed", len(files), len(unread))
    if unread:
        counter = Counter("read", len(unread), "headers")
        for row in _read(unread, processes):
            rows[row["file"]] = row
            counter.step()
    told = Tally(row["reason"] for row in rows.values() if row["reason"])
    for reason, count in told.most_common():
        example = next(file for file in files if rows[file]["reason"] == reason)
        logger.warning("%d of %d files not used, such as %s: %s", count, len(files), example, reason)
    if sum(told.values()) == len(files):
        reasons = "\n".join(f"  {count} × {reason}" for reason, count in told.most_common(5))
        raise ConfigError(f"files: none of {len(files)} files can be used:\n{reasons}")
    return [rows[file] for file in files]


def _earlier(known: Path) -> dict[str, dict[str, Any]]:
    try:
        return {row["file"]: row for row in FILES.read(known)} if known.is_file() else {}
    except ListError as error:
        logger.warning("%s; all headers are read again", error)
        return {}


def _unchanged(row: Row) -> bool:
    """Whether a file has the size and time of its last change that a list has of it."""
    try:
        status = os.stat(row["file"])
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (row["bytes"], row["changed"])


def current(row: Row) -> Row:
    """A row of a list, read again if its file has changed since."""
    return row if _unchanged(row) else row_of(row["file"])


def _read(files: Sequence[str], processes: int) -> Iterator[dict[str, Any]]:
    if processes < 2 or len(files) <= AT_ONCE:
        yield from map(row_of, files)
        return
    with ProcessPoolExecutor(processes) as pool:
        for rows in pool.map(_rows, batched(files, AT_ONCE)):
            yield from rows


def _rows(files: Sequence[str]) -> list[dict[str, Any]]:
    return [row_of(file) for file in files]
