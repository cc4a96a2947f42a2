"""Verified level-1 files, kept by record, so that nothing is fetched twice.

Files lie under `objects/`, named by their SHA-256; under `records/` one small file per record names the object, its
size and the request that brought it. An object never changes, and an entry changes in one move, so any number of
workflows may use a cache at once. A file is taken only after its bytes have been hashed again: neither a name nor a
date is trusted. A folder that cannot be written to is read all the same.
"""

import errno
import json
import logging
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from aia_sequence.files import beside, opened, sha256, write_json

logger = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)  # what the next file meets as well; else a file is used and not kept
LARGEST, LARGEST_ENTRY = 1 << 28, 1 << 16  # bytes of a file, and of what describes it; a level-1 frame has 5 to 34 MB
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Key:
    """What a cached file is: a segment of a record of an archive, and what the archive did to it.

    A record that was processed again has another `recnum` and so another place. `processing` is empty for a file as it
    is kept in the archive; `fsn` is None but where FSN is a prime key.
    """

    archive: str
    series: str
    t_rec: str
    wavelnth: int
    recnum: int
    segment: str = "image"
    processing: str = ""
    fsn: int | None = None

    @property
    def path(self) -> Path:
        """Place of the entry under `records/`."""
        day, clock = re.sub(r"[-:]", "", self.t_rec).split("T")
        frame = "" if self.fsn is None else f"{self.fsn}."
        name = f"{clock}.{self.wavelnth}.{frame}{self.recnum}.{self.segment}"
        if self.processing:
            name += "." + re.sub(r"[^A-Za-z0-9.,=+-]", "_", self.processing)
        return Path("records", self.archive, self.series, day, f"{name}.json")

    @property
    def described(self) -> dict[str, str | int]:
        """The key as its entry holds it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Entry:
    """A cached file: the name the archive gave it, the request that brought it, its size and hash."""

    filename: str
    request: str
    bytes: int
    sha256: str


class Cache:
    """A folder of verified level-1 files.

    Parameters
    ----------
    root
        The folder; it is made when the first file comes in.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def object(self, entry: Entry) -> Path:
        """Path of an entry's file."""
        return self.root / "objects" / entry.sha256[:2] / f"{entry.sha256}.fits"

    def get(self, key: Key) -> Entry | None:
        """Return the entry of a key, after its file has been hashed again; None if there is none, or it is damaged."""
        entry = self._entry(key)
        if entry is None:
            return None
        path = self.object(entry)
        try:
            intact = path.stat().st_size == entry.bytes <= LARGEST and sha256(path) == entry.sha256
        except PermissionError:
            logger.warning("%s: the cached file %s may not be read; it is fetched again", key.path.stem, path)
            return None
        except OSError:  # it is not there, or no file
            intact = False
        if intact:
            return entry
        logger.warning("%s: the cached file %s is missing or damaged; it is fetched again", key.path.stem, path)
        self.discard(key, path)
        return None

    def discard(self, key: Key, *others: Path) -> None:
        """Remove an entry, and other files."""
        for wrong in (*others, self.root / key.path):
            try:
                wrong.unlink(missing_ok=True)
            except OSError:
                logger.warning("%s cannot be removed", wrong)

    def put(self, key: Key, file: str | Path, filename: str, request: str) -> Entry:
        """Take in a verified file; it stays where it is, and may afterwards share its bytes with the cache.

        Returns
        -------
        Entry
            Of the file, whether or not the cache could be written to.
        """
        file = Path(file)
        entry = Entry(filename, request, file.stat().st_size, sha256(file))
        target = self.object(entry)
        try:
            if not target.is_file() or sha256(target) != entry.sha256:
                place(file, target)
            write_json(self.root / key.path, {"key": key.described, **asdict(entry)})
        except OSError as error:
            if error.errno in FULL:
                raise
            logger.warning("the cache %s cannot be written to (%s); the file is used and not kept", self.root, error)
        return entry

    def _entry(self, key: Key) -> Entry | None:
        """What the file of an entry says; whatever is wrong with it, then there is none."""
        path = self.root / key.path
        try:
            with opened(path, LARGEST_ENTRY) as file:
                content = json.loads(file.read())
            if content.pop("key") == key.described and HASH.fullmatch(content["sha256"]):
                entry = Entry(**content)
                if [type(value) for value in asdict(entry).values()] == [str, str, int, str]:
                    return entry
        except FileNotFoundError:
            return None
        except PermissionError:
            logger.warning("%s may not be read; it is ignored", path)
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass
        logger.warning("%s is no entry of the cache; it is ignored", path)
        return None


def place(source: str | Path, target: str | Path) -> None:
    """Give a file a second place, read-only, in one move: as a hard link where the file system can, else as a copy."""
    source, target = Path(source), Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = beside(target)
    try:
        try:
            os.link(source, part)
            if part.stat().st_mode & 0o222:
                part.chmod(0o444)
        except OSError:  # another file system, or another's file
            part.unlink(missing_ok=True)
            shutil.copyfile(source, part)
            part.chmod(0o444)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
