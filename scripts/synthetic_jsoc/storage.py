"""The archive's files: where they seem to lie, and the spool of those that were made because somebody asked."""

import errno
import fcntl
import os
import re
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path

_UNIT_PATH = re.compile(r"/SUM\d{1,3}/D(\d{1,18})/S00000/([A-Za-z0-9_.+:-]{1,127})", re.A)
_EXPORTS = 10**12  # export directories are numbered from here on, beyond all storage units
_OF_SQLITE = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EROFS,
}
_ABANDONED = 3600  # seconds after which an unfinished file of a killed server is removed


def storage_fault(error):
    """Number (`errno`) of the fault if an error says that the state folder's disk cannot be written to, else None."""
    if isinstance(error, sqlite3.OperationalError):
        return _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    number = getattr(error, "errno", None)
    return number if number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS) else None


def unit_directory(unit):
    """Directory of a storage unit, as the archive's paths show it."""
    return f"/SUM{unit % 60 + 40}/D{unit}/S00000"


def export_directory(number):
    """Directory of an export request's files, by the number of the request."""
    return unit_directory(_EXPORTS + number)


def read_unit_path(path):
    """(storage unit, file name) of a path, or None if it is none of the archive's."""
    match = _UNIT_PATH.fullmatch(path)
    return (int(match[1]), match[2]) if match else None


class Spool:
    """Files that exist only because they were asked for, the least recently used removed beyond a bound.

    Parameters
    ----------
    folder : Path
    limit : int
        Bytes to keep; the newest file always stays.
    """

    def __init__(self, folder, limit):
        self.folder = Path(folder)
        self.limit = limit
        self.folder.mkdir(parents=True, exist_ok=True)

    def open(self, name, make):
        """Open a file of the spool for reading, made first by ``make(path)`` if it is not there.

        Of several threads and processes that ask for the same file one makes it and the others wait. An open file stays
        readable when it is removed from the spool.
        """
        path = self.folder / name
        while True:
            try:
                file = path.open("rb")
            except FileNotFoundError:
                with exclusive(self.folder / f".lock-{name}"):
                    if not path.exists():
                        self._make(path, make)
            else:
                os.utime(file.fileno())
                return file

    def _make(self, path, make):
        with replacing(path) as unfinished:
            make(unfinished)
        self._evict(path)

    def _evict(self, newest):
        """Remove the least recently used files beyond the bound, and what killed servers left unfinished."""
        entries, total = [], 0
        for entry in os.scandir(self.folder):
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            if entry.name.startswith("."):
                if time.time() - status.st_mtime > _ABANDONED:
                    Path(entry.path).unlink(missing_ok=True)
                continue
            total += status.st_size
            if entry.name != newest.name:
                entries.append((status.st_mtime, entry.path, status.st_size))
        for _, path, size in sorted(entries):
            if total <= self.limit:
                return
            Path(path).unlink(missing_ok=True)
            total -= size


@contextmanager
def replacing(path):
    """Give the path of an unfinished file in the same folder; it takes the name of `path` when the block ends well."""
    unfinished = path.with_name(f".{os.getpid()}-{threading.get_ident()}-{path.name}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def exclusive(path):
    """Exclusive among threads and processes; a killed owner leaves it free. The file is removed at the end."""
    while True:
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_still(path, lock):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return


def _is_still(path, file):
    """Whether a path still names an open file: its last owner may have removed it while we waited."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
