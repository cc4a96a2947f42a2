"""A block's level-1 frames: from the cache where it has them, else from the archive, verified, named in a manifest."""

import contextlib
import logging
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from aia_sequence.acquisition import direct
from aia_sequence.acquisition.arrival_checks import Identity, check_identity, check_structure
from aia_sequence.acquisition.cache import Cache, Entry, Key, place
from aia_sequence.acquisition.download import Item
from aia_sequence.acquisition.export import safe_name
from aia_sequence.errors import ArchiveError, FrameError
from aia_sequence.files import write_text

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """What the frames of a block are: archive, series, segments, and what the archive does to them (text)."""

    archive: str
    series: str
    segments: tuple[str, ...] = ("image",)
    processing: str = ""

    def key(self, row: Mapping[str, Any], segment: str) -> Key:
        """Address of a record's segment in the cache; `row` holds its metadata."""
        number = 0 if pd.isna(row["recnum"]) else int(row["recnum"])
        return Key(self.archive, self.series, row["T_REC"], int(row["WAVELNTH"]), number, segment, self.processing)

    def identity(self, row: Mapping[str, Any], segment: str) -> Identity:
        """What the header of a record's segment must say."""
        return Identity(
            series=self.series,
            t_rec=row["T_REC"],
            wavelnth=int(row["WAVELNTH"]),
            t_obs=row["T_OBS"],
            recnum=None if pd.isna(row["recnum"]) else int(row["recnum"]),
            segment=segment,
            processed=self.processing not in ("", direct.PROCESSING),
        )


def cached(cache: Cache, source: Source, kept: pd.DataFrame) -> list[str]:
    """Names of the kept records of which the cache holds every segment, intact."""
    rows = kept.to_dict("records")
    return [row["record"] for row in rows if all(_from_cache(cache, source, row, part) for part in source.segments)]


def _from_cache(cache: Cache, source: Source, row: Mapping[str, Any], segment: str) -> Entry | None:
    """What the cache holds of a record's segment, after the checks that a file passes when it arrives.

    An entry that leads to another record's file is removed.
    """
    key = source.key(row, segment)
    entry = cache.get(key)
    if entry is None:
        return None
    try:
        header = check_structure(cache.object(entry))
        check_identity(header, source.identity(row, segment), safe_name(entry.filename))
    except (FrameError, ArchiveError) as error:
        logger.warning("%s: what the cache holds is not used, and fetched again: %s", row["record"], error)
        cache.discard(key)
        return None
    return entry


class Block:
    """A block's folder while it is filled.

    Parameters
    ----------
    source, cache
        What the frames are, and where verified ones are kept.
    kept : pandas.DataFrame
        Metadata of the records whose frames are wanted.
    folder
        Where the files go.
    quarantine
        Where files go that stay wrong; emptied first.
    headers
        Keywords for files that come without.
    """

    def __init__(
        self,
        source: Source,
        cache: Cache,
        kept: pd.DataFrame,
        folder: Path,
        quarantine: Path,
        headers: direct.Headers | None = None,
    ) -> None:
        self.source, self.cache, self.folder, self.quarantine = source, cache, folder, quarantine
        self.headers = headers
        self.rows = {row["record"]: row for row in kept.to_dict("records")}
        self.staging = folder.with_name(f".{folder.name}.arriving")
        self.entries: dict[tuple[str, str], Entry] = {}
        self.reasons: dict[str, str] = {}
        self.expected: dict[Path, tuple[str, str, str]] = {}
        for fresh in (folder, quarantine):
            shutil.rmtree(fresh, ignore_errors=True)
        for made in (folder, self.staging):
            made.mkdir(parents=True, exist_ok=True)

    def take_cached(self) -> None:
        """Put every file into the folder that the cache holds intact."""
        found = {
            (record, segment): entry
            for record, row in self.rows.items()
            for segment in self.source.segments
            if (entry := _from_cache(self.cache, self.source, row, segment))
        }
        names = Counter(entry.filename for entry in found.values())
        for (record, segment), entry in found.items():
            if names[entry.filename] > 1:
                logger.warning("%s: the cache has its name %s twice; it is fetched again", record, entry.filename)
                self.cache.discard(self.source.key(self.rows[record], segment))
            else:
                self._keep(record, segment, entry, self.cache.object(entry))

    @property
    def missing(self) -> list[str]:
        """Records that still lack a file, without those that are known to have none."""
        return [
            record
            for record in self.rows
            if record not in self.reasons
            and not all((record, segment) in self.entries for segment in self.source.segments)
        ]

    def items(self, files: Iterable[Mapping[str, str]], url: Any) -> list[Item]:
        """Files to fetch of those that an export lists: what is missing, and wanted.

        Parameters
        ----------
        files
            Each with `record`, `segment`, `filename`, `url`, `request`.
        url
            Function of a listed URL to the one at which the file is served now.
        """
        missing, found = set(self.missing), []
        for file in files:
            key = file["record"], file["segment"]
            if file["record"] not in missing or key in self.entries:
                continue
            path = self.staging / safe_name(file["filename"])
            if self.expected.setdefault(path, (*key, file["request"]))[:2] != key:
                raise ArchiveError(f"the archive named two files {path.name}, of {self.expected[path][0]} and {key[0]}")
            self.expected[path] = (*key, file["request"])
            found.append(Item(url(file["url"]), path))
        return found

    def accept(self, item: Item) -> None:
        """Verify a fetched file, keep it in the cache and put it into the folder; `FrameError` if it is not right."""
        record, segment, request = self.expected[item.path]
        row = self.rows[record]
        header = check_structure(item.path)
        if self.headers:
            self.headers.complete(item.path, record, self.source.key(row, segment).recnum, segment)
            header = check_structure(item.path)
        check_identity(header, self.source.identity(row, segment), item.path.name)
        entry = self.cache.put(self.source.key(row, segment), item.path, item.path.name, request)
        self._keep(record, segment, entry, item.path)
        item.path.unlink()

    def reject(self, item: Item, reason: str) -> None:
        """Put a wrong file into quarantine, with the reason beside it."""
        self.quarantine.mkdir(parents=True, exist_ok=True)
        if item.path.exists():
            item.path.replace(self.quarantine / item.path.name)
        write_text(self.quarantine / f"{item.path.name}.reason.txt", f"{self.expected[item.path][0]}: {reason}\n")

    def note(self, reasons: Mapping[Path, str]) -> None:
        """Keep why files did not arrive; of one that arrived and was refused, say that it lies in quarantine."""
        for path, reason in reasons.items():
            refused = (self.quarantine / f"{path.name}.reason.txt").exists()
            self.reasons[self.expected[path][0]] = f"quarantined: {reason}" if refused else reason

    def close(self) -> None:
        """Remove what is left of the transfer, what is not whole, and from quarantine what came right later."""
        shutil.rmtree(self.staging, ignore_errors=True)
        for (record, segment), entry in list(self.entries.items()):
            if any((record, part) not in self.entries for part in self.source.segments):
                (self.folder / entry.filename).unlink()
                del self.entries[record, segment]
        for path, (record, segment, _) in self.expected.items():
            if (record, segment) in self.entries:
                for name in (path.name, f"{path.name}.reason.txt"):
                    (self.quarantine / name).unlink(missing_ok=True)
        for folder in (self.quarantine, self.quarantine.parent, self.quarantine.parent.parent):
            with contextlib.suppress(OSError):  # one that another job makes use of is not empty, and stays
                folder.rmdir()

    def manifest_rows(self) -> list[dict[str, Any]]:
        """One row per wanted record: its files, or the reason why it has none."""
        rows = []
        for record, row in self.rows.items():
            found = {segment: self.entries.get((record, segment)) for segment in self.source.segments}
            line = {name: row[name] for name in ("record", "T_REC", "T_OBS", "WAVELNTH", "EXPTIME", "QUALITY")}
            first = found[self.source.segments[0]]
            if all(found.values()) and first is not None:
                line |= {"file": self._name(first), "request": first.request, "reason": ""}
                line |= {"bytes": first.bytes, "sha256": first.sha256}
                for part, entry in found.items():
                    if entry and entry is not first:
                        line |= {part: self._name(entry), f"{part}_sha256": entry.sha256}
            else:
                line["reason"] = self.reasons.get(record) or "the archive did not deliver every segment of it"
            rows.append(line)
        return rows

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
