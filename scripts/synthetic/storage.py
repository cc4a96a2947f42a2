"""The archive's files: where they seem to lie, and the spool of those that were made because somebody asked."""

import fcntl
import os
import re
import threading
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

_UNIT_PATH = re.compile(r"/SUM\d{1,3}/D(\d{1,18})/S00000/([A-Za-z0-9_.+:-]{1,127})", re.A)
_EXPORTS = 10**12  # export directories are numbered from here on, beyond all storage units
_LOCKS = 64
_ABANDONED = 3600  # seconds after which an unfinished file of a killed server is removed
# A frame takes some hundred MB to make.
_MAKING = threading.Semaphore(2)


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
                with self._lock(name), _MAKING:
                    if not path.exists():
                        self._make(path, make)
            else:
                os.utime(path) if path.exists() else None
                return file

    def _make(self, path, make):
        unfinished = path.with_name(f".{os.getpid()}-{threading.get_ident()}-{path.name}")
        try:
            make(unfinished)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
        self._evict(path)

    def _evict(self, newest):
        entries = []
        for entry in os.scandir(self.folder):
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            if entry.name.startswith("."):
                if not entry.name.startswith(".lock") and time.time() - status.st_mtime > _ABANDONED:
                    Path(entry.path).unlink(missing_ok=True)
            elif entry.path != str(newest):
                entries.append((status.st_mtime, entry.path, status.st_size))
        excess = sum(size for *_, size in entries) + newest.stat().st_size - self.limit
        for _, path, size in sorted(entries):
            if excess <= 0:
                return
            Path(path).unlink(missing_ok=True)
            excess -= size

    @contextmanager
    def _lock(self, name):
        """Exclusive among threads and processes; a killed owner leaves it free."""
        with (self.folder / f".lock{zlib.crc32(name.encode()) % _LOCKS}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
