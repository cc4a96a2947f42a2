"""Files that are written whole or not at all."""

import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Spreadsheets calculate what begins with one of these; some of them with the wide forms, too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give the path of a temporary file in the same folder; it takes the name of `path` when the block ends well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def settle(path: str | Path) -> None:
    """Put a file's bytes on the disk."""
    with open(path, "rb") as file:
        getattr(os, "fdatasync", os.fsync)(file.fileno())  # macOS has no fdatasync


def forget(path: str | Path) -> None:
    """Give back the memory in which the system keeps a settled file for whoever reads it next.

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


def sha256(path: str | Path) -> str:
    """Hash of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
