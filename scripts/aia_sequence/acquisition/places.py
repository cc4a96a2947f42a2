"""Where files at hand lie, and whether they are the ones that were there: by the lists of folders alone."""

import glob
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from aia_sequence.errors import ConfigError
from aia_sequence.files import FORMULA

KINDS = ("fits", "fit", "fts")
ENDINGS = tuple(f".{name}{packed}" for name in KINDS for packed in ("", ".gz", ".fz"))
EXAMPLES = 3


def listing(places: Iterable[str]) -> str:
    """Digest of the files that places lead to: names, sizes, times of their last changes; empty if there are none."""
    digest = hashlib.sha256()
    try:
        for file in find(places):
            try:
                status = os.stat(file)
                state = f"{status.st_size} {status.st_mtime_ns}"
            except OSError:  # a link that leads nowhere, say
                state = ""
            digest.update(f"{file}\0{state}\n".encode(errors="surrogateescape"))
    except ConfigError:  # whoever needs the files says so
        return ""
    return digest.hexdigest()


def find(places: Iterable[str], told: Callable[[OSError], None] | None = None) -> list[str]:
    """The files that paths, patterns (`*`, `**`, `?`, `[0-9]`) and folders lead to.

    Of a folder, with those below it and those that links in it lead to, all files whose names end as FITS files' do, in
    capitals too; what is named by its path or by a pattern is taken whatever its name. Brackets of a pattern can also
    be those of a name.

    Parameters
    ----------
    places
        As the configuration names them.
    told
        Called with what keeps a folder below from being listed.

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
        named = [path] if os.path.lexists(path) else _fitting(path)
        files = {file for one in named for file in (_below(one, told) if os.path.isdir(one) else [one])}
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


def _fitting(pattern: str) -> list[str]:
    """What fits a pattern, with brackets as the shell knows them, or as a part of names."""
    patterns = {pattern, pattern.replace("[", "[[]")}
    return sorted({path for one in patterns for path in glob.glob(one, recursive=True)})


def _below(folder: str, told: Callable[[OSError], None] | None = None) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()  # links can lead to a folder above, or twice to one
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=told):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            os.path.join(parent, name) for name in names if name.lower().endswith(ENDINGS) and not name.startswith(".")
        )


def _nothing(path: str, named: Sequence[str]) -> str:
    """Why a place leads to no file."""
    if not named:
        return "there is nothing of that name" if not glob.has_magic(path) else "nothing fits the pattern"
    others = sorted(name for folder in named if os.path.isdir(folder) for name in os.listdir(folder))
    shown = ", ".join(others[:EXAMPLES]) + (" …" if len(others) > EXAMPLES else "")
    kinds = ", ".join(f".{kind}" for kind in KINDS)
    return f"the folder holds no FITS file ({kinds}, also with .gz or .fz); it has {shown or 'nothing'}"
