"""Files that are written whole or not at all."""

import csv
import errno
import hashlib
import io
import json
import os
import platform
import re
import secrets
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

LEFT = re.compile(r"\..*\.(?P<machine>[A-Za-z0-9-]+)\.(?P<process>[0-9]+)\.[0-9a-f]{8}\.part", re.DOTALL)
# Of a disk, not of a file: what to do about it is the same wherever a job meets it.
NOT_WRITABLE = {
    errno.ENOSPC: "there is no space left on the disk; make room and run again",
    errno.EDQUOT: "the disk quota is used up; make room and run again",
    errno.EROFS: "the file system is mounted read-only; mount it writable or choose another folder, and run again",
}
STALE = 86_400  # seconds since a file was written to last, after which nobody is writing it

# Spreadsheets calculate what begins with one of these; some of them with the wide forms, too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def of_disk(error: BaseException | None) -> OSError | None:
    """The error of a disk that cannot be written to, where an exception came of one; libraries hide it."""
    seen: set[int] = set()  # an exception may come of one that came of it: raised again while the other was handled
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    """An error of the disk names the file: the system names none where writing fails, and disks may be several."""
    try:
        yield
    except Exception as error:
        if (disk := of_disk(error)) is not None and disk.filename is None:
            disk.filename = str(path)
        raise


@contextmanager
def written(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file to write to."""
    with _named(path), open(path, "wb") as file:
        yield file


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give the path of a temporary file in the same folder; it takes the name of `path` when the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = beside(path)
    part.touch(exist_ok=False)
    try:
        with _named(path):
            yield part
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """A hidden name in a file's folder that nobody has, and that says who has it now: machine and process.

    What killed processes have left in the folder is removed, once for each process that writes there.
    """
    _sweep_once(path.parent)
    return path.with_name(f".{path.name[:40]}.{_machine()}.{os.getpid()}.{secrets.token_hex(4)}.part")


def sweep(folder: Path) -> None:
    """Remove what processes have left that no longer run: on this machine at once, of another after a day."""
    with suppress(OSError):  # another one sweeps as well, or nobody may look
        for entry in os.scandir(folder):
            found = LEFT.fullmatch(entry.name)
            # Not when it was written to: a link is as old as its file.
            if found and _is_left(found["machine"], int(found["process"]), os.lstat(entry.path).st_ctime):
                os.unlink(entry.path)


_sweep_once = cache(sweep)


@cache
def _machine() -> str:
    """The machine and, where there are such, its space of process numbers."""
    space = os.path.realpath("/proc/self/ns/pid").rpartition("[")[2] if os.path.exists("/proc/self/ns/pid") else ""
    return re.sub(r"[^A-Za-z0-9-]", "", f"{platform.node()[:40]}-{space}")


def _is_left(machine: str, process: int, changed: float) -> bool:
    if time.time() - changed > STALE:
        return True
    if machine != _machine():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False


def flush_to_disk(path: str | Path) -> None:
    """Put a file's bytes on the disk."""
    with open(path, "rb") as file:
        getattr(os, "fdatasync", os.fsync)(file.fileno())  # macOS has no fdatasync


def drop_from_cache(path: str | Path) -> None:
    """Give back the memory in which the system keeps a file that is on the disk for whoever reads it next.

    A block writes more than most memories hold. Left to itself the system keeps all of it, and on virtual machines,
    where memory is expensive to come by, finding room for a frame takes longer than making it.
    """
    if hasattr(os, "posix_fadvise"):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in one move."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON that a person can read, in one move."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table in one move; None becomes an empty cell, a number its shortest exact form."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows([inert(value) for value in row] for row in rows)
    write_text(path, text.getvalue())


def inert(value: Any) -> Any:
    """A cell of a table that no spreadsheet takes for a formula; numbers, negative ones too, stay as they are.

    Text comes from the archive, and whoever opens the table does so with rights of his own. Spreadsheets show text that
    begins with an apostrophe without it.
    """
    if not isinstance(value, str) or not value.startswith(FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def opened(path: str | Path, limit: int | None = None) -> io.BufferedReader:
    """Open a regular file to read it; what would make its reader wait, or read for ever, is not opened.

    Raises
    ------
    OSError
        If it is none, or larger than `limit` bytes.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # else a pipe is waited for
    found = os.fstat(number)
    if stat.S_ISREG(found.st_mode) and (limit is None or found.st_size <= limit):
        return os.fdopen(number, "rb")
    os.close(number)
    raise OSError(errno.EINVAL, "not a regular file, or too large", str(path))


def sha256(path: str | Path) -> str:
    """Hash of a file's bytes."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
