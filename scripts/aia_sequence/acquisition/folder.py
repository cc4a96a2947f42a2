"""A block's level-1 frames: from the cache where it has them, else from the archive, verified, named in a manifest."""

import contextlib
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from aia_sequence.acquisition.arrival_checks import check_identity, check_structure, safe_name
from aia_sequence.acquisition.cache import Cache, Entry, Key, place
from aia_sequence.acquisition.download import Item
from aia_sequence.acquisition.request import FrameRequest, Place
from aia_sequence.archive.client import Archive
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.files import write_text
from aia_sequence.lists.exports import ExportedFile, NotExported
from aia_sequence.lists.manifests import FRAME, QUARANTINED

logger = logging.getLogger(__name__)

PARTIAL = "the archive did not deliver every segment of it"


def cached(archive: Archive, cache: Cache, wanted: FrameRequest) -> list[str]:
    """Names of the wanted records of which the cache holds every segment, intact."""
    rows = wanted.kept.to_dict("records")
    return [
        row["record"] for row in rows if all(_from_cache(archive, cache, wanted, row, part) for part in wanted.segments)
    ]


def _from_cache(
    archive: Archive, cache: Cache, wanted: FrameRequest, row: Mapping[str, Any], segment: str
) -> Entry | None:
    """What the cache holds of a record's segment, after the checks that a file passes when it arrives.

    An entry that leads to another record's file is removed.
    """
    key = wanted.key(archive.name, row, segment)
    entry = cache.get(key)
    if entry is None:
        return None
    try:
        header = check_structure(cache.object(entry))
        check_identity(header, wanted.identity(row, segment), safe_name(entry.filename))
    except (FrameError, ArchiveError) as error:
        logger.warning("%s: what the cache holds is not used, and fetched again: %s", row["record"], error)
        cache.discard(key)
        return None
    return entry


class Block:
    """A block's folder while it is filled.

    Parameters
    ----------
    archive
        Where the frames come from.
    wanted
        The frames.
    cache
        Where verified ones are kept.
    place
        Where the files go, and those that stay wrong; both folders are emptied first.
    complete
        Writes the keywords of a record into a file that comes without: function of path, record, number and segment.
    """

    def __init__(
        self,
        archive: Archive,
        wanted: FrameRequest,
        cache: Cache,
        place: Place,
        complete: Callable[[Path, str, int, str], None] | None = None,
    ) -> None:
        self.archive, self.wanted, self.cache, self.complete = archive, wanted, cache, complete
        self.folder, self.quarantine = place.frames, place.quarantine
        self.rows = {row["record"]: row for row in wanted.kept.to_dict("records")}
        self.staging = self.folder.with_name(f".{self.folder.name}.arriving")
        self.entries: dict[tuple[str, str], Entry] = {}
        self.reasons: dict[str, str] = {}
        self.expected: dict[Path, ExportedFile] = {}
        for fresh in (self.folder, self.quarantine):
            shutil.rmtree(fresh, ignore_errors=True)
        for made in (self.folder, self.staging):
            made.mkdir(parents=True, exist_ok=True)

    def take_cached(self) -> None:
        """Put every file into the folder that the cache holds intact."""
        found = {
            (record, segment): entry
            for record, row in self.rows.items()
            for segment in self.wanted.segments
            if (entry := _from_cache(self.archive, self.cache, self.wanted, row, segment))
        }
        names = Counter(entry.filename for entry in found.values())
        for (record, segment), entry in found.items():
            if names[entry.filename] > 1:
                logger.warning("%s: the cache has its name %s twice; it is fetched again", record, entry.filename)
                self.cache.discard(self._key(self.rows[record], segment))
            else:
                self._keep(record, segment, entry, self.cache.object(entry))

    @property
    def missing(self) -> list[str]:
        """Records that still lack a file, without those that are known to have none."""
        return [
            record
            for record in self.rows
            if record not in self.reasons
            and not all((record, segment) in self.entries for segment in self.wanted.segments)
        ]

    def lose(self, lost: Iterable[NotExported]) -> None:
        """Keep why the archive has no file of some records."""
        self.reasons.update({one.record: one.reason for one in lost})

    def items(self, files: Iterable[ExportedFile]) -> list[Item]:
        """Files to fetch of those that an export lists: what is missing, and wanted."""
        missing, found = set(self.missing), []
        for file in files:
            if file.record not in missing or (file.record, file.segment) in self.entries:
                continue
            path = self.staging / safe_name(file.filename)
            other = self.expected.get(path, file)
            if (other.record, other.segment) != (file.record, file.segment):
                raise ArchiveError(f"the archive named two files {path.name}, of {other.record} and {file.record}")
            self.expected[path] = file
            found.append(Item(self.archive.local_url(file.url), path))
        return found

    def accept(self, item: Item) -> None:
        """Verify a fetched file, keep it in the cache and put it into the folder; `FrameError` if it is not right."""
        file = self.expected[item.path]
        row = self.rows[file.record]
        key = self._key(row, file.segment)
        header = check_structure(item.path)
        if self.complete:
            self.complete(item.path, file.record, key.recnum, file.segment)
            header = check_structure(item.path)
        check_identity(header, self.wanted.identity(row, file.segment), item.path.name)
        entry = self.cache.put(key, item.path, item.path.name, file.request)
        self._keep(file.record, file.segment, entry, item.path)
        item.path.unlink()

    def reject(self, item: Item, reason: str) -> None:
        """Put a wrong file into quarantine, with the reason beside it."""
        self.quarantine.mkdir(parents=True, exist_ok=True)
        if item.path.exists():
            item.path.replace(self.quarantine / item.path.name)
        write_text(self.quarantine / f"{item.path.name}.reason.txt", f"{self.expected[item.path].record}: {reason}\n")

    def note(self, reasons: Mapping[Path, str]) -> None:
        """Keep why files did not arrive; of one that arrived and was refused, say that it lies in quarantine."""
        for path, reason in reasons.items():
            refused = (self.quarantine / f"{path.name}.reason.txt").exists()
            self.reasons[self.expected[path].record] = f"{QUARANTINED}{reason}" if refused else reason

    def close(self) -> None:
        """Remove what is left of the transfer, what is not whole, and from quarantine what came right later."""
        shutil.rmtree(self.staging, ignore_errors=True)
        for (record, segment), entry in list(self.entries.items()):
            if any((record, part) not in self.entries for part in self.wanted.segments):
                (self.folder / entry.filename).unlink()
                del self.entries[record, segment]
        for path, file in self.expected.items():
            if (file.record, file.segment) in self.entries:
                for name in (path.name, f"{path.name}.reason.txt"):
                    (self.quarantine / name).unlink(missing_ok=True)
        for folder in (self.quarantine, self.quarantine.parent, self.quarantine.parent.parent):
            with contextlib.suppress(OSError):  # one that another job makes use of is not empty, and stays
                folder.rmdir()

    def manifest_rows(self) -> list[dict[str, Any]]:
        """One row per wanted record: its files, or the reason why it has none."""
        rows = []
        for record, row in self.rows.items():
            found = {segment: self.entries.get((record, segment)) for segment in self.wanted.segments}
            line = {**{column.name: row[column.name] for column in FRAME}, "archive": self.archive.name}
            first = found[self.wanted.segments[0]]
            if all(found.values()) and first is not None:
                line |= {"file": self._name(first), "request": first.request, "reason": ""}
                line |= {"bytes": first.bytes, "sha256": first.sha256}
                for part, entry in found.items():
                    if entry and entry is not first:
                        line |= {part: self._name(entry), f"{part}_sha256": entry.sha256}
            else:
                line["reason"] = self.reasons.get(record) or PARTIAL
            rows.append(line)
        return rows

    def _key(self, row: Mapping[str, Any], segment: str) -> Key:
        return self.wanted.key(self.archive.name, row, segment)

    def _name(self, entry: Entry) -> str:
        return f"{self.folder.name}/{entry.filename}"

    def _keep(self, record: str, segment: str, entry: Entry, file: Path) -> None:
        """Put a verified file into the folder under the archive's own name."""
        target = self.folder / safe_name(entry.filename)
        taken = {other.filename: key for key, other in self.entries.items()}
        if taken.get(entry.filename, (record, segment)) != (record, segment):
            raise FrameError(f"{record}: its file {entry.filename} is already that of {taken[entry.filename][0]}")
        place(file, target)
        self.entries[record, segment] = entry
