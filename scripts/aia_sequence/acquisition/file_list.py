"""Files at hand, found and listed: the header of each is read once, until the file changes."""

import logging
import os
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import batched
from pathlib import Path
from typing import Any

from aia_sequence.acquisition.file_rows import row_of
from aia_sequence.acquisition.places import find
from aia_sequence.errors import ConfigError
from aia_sequence.joblog import Counter
from aia_sequence.lists.own_files import FILES
from aia_sequence.lists.table import ListError, Row

logger = logging.getLogger(__name__)

AT_ONCE = 100  # headers that a process reads for one answer


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
    files, rows = find(places, told=lambda error: logger.warning("a folder is left out: %s", error)), {}
    known_rows = earlier(known)
    for file in files:
        row = known_rows.get(file)
        if row and _unchanged(row):
            rows[file] = row
    unread = [file for file in files if file not in rows]
    logger.info("%d files, of which %d are new or have changed", len(files), len(unread))
    if unread:
        counter = Counter("read", len(unread), "headers")
        for file, row in zip(unread, _read(unread, processes), strict=True):
            rows[file] = row
            counter.step()
    told = Tally(row["reason"] for row in rows.values() if row["reason"])
    for reason, count in told.most_common():
        example = next(rows[file]["file"] for file in files if rows[file]["reason"] == reason)
        logger.warning("%d of %d files not used, such as %s: %s", count, len(files), example, reason)
    if sum(told.values()) == len(files):
        reasons = "\n".join(f"  {count} × {reason}" for reason, count in told.most_common(5))
        raise ConfigError(f"files: none of {len(files)} files can be used:\n{reasons}")
    return [rows[file] for file in files]


def marked(before: Iterable[Row], now: Iterable[Row], blocks: Sequence[Sequence[str]]) -> list[str]:
    """Names of the blocks (name, series, first and last T_REC) whose frames' files differ in two lists; see `Plan`.

    Without an earlier list none was made of other files.
    """
    before, now = ({row["file"]: row for row in rows} for rows in (before, now))
    if not before:
        return []
    differing = [name for name in {*before, *now} if before.get(name) != now.get(name)]
    rows = [row for name in differing for row in (before.get(name), now.get(name)) if row and not row["reason"]]
    frames = {(row["series"], row["T_REC"]) for row in rows}
    found = [name for name, series, start, end in blocks if any(s == series and start <= t <= end for s, t in frames)]
    if found:
        logger.info("%d files differ: blocks of the next run are %s", len(differing), ", ".join(found))
    return found


def earlier(known: Path) -> dict[str, dict[str, Any]]:
    """Rows of an earlier list by file; none if it cannot be read."""
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
