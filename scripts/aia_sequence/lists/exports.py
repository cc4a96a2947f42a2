"""What the archive exported of a block and channel, as JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from aia_sequence.files import write_json
from aia_sequence.lists.table import ListError


@dataclass(frozen=True)
class ExportedFile:
    """A file that can be fetched: whose it is, its name and URL, and the request that brought it (empty for none)."""

    record: str
    segment: str
    filename: str
    url: str
    request: str


@dataclass(frozen=True)
class NotExported:
    """A record of which the archive has no file, and why."""

    record: str
    reason: str


@dataclass(frozen=True)
class ExportedRequest:
    """What one request asked for and brought.

    Attributes
    ----------
    id
        The archive's name for it; empty where files are fetched without one.
    method, protocol
        How it was asked.
    processing
        What the archive did to the frames: arguments by process.
    recordset
        The record set.
    count
        Number of files.
    size_mb
        Their size as the archive states it, in MB; None if it does not.
    """

    id: str
    method: str
    protocol: str
    processing: dict[str, dict[str, str]]
    recordset: str
    count: int
    size_mb: int | None


@dataclass
class Delivery:
    """What requests brought: the requests, the files, and the records without one."""

    requests: list[ExportedRequest] = field(default_factory=list)
    files: list[ExportedFile] = field(default_factory=list)
    not_exported: list[NotExported] = field(default_factory=list)


@dataclass(frozen=True)
class Export:
    """A block's export: what it is of, what requests brought, and the records that lay in the cache."""

    archive: str
    series: str
    channel: int
    block: str
    recordset: str
    delivery: Delivery
    cached: list[str]

    def write(self, path: Path) -> None:
        """Write the export as JSON."""
        content = asdict(self)
        cached = content.pop("cached")
        write_json(path, content | content.pop("delivery") | {"cached": cached})

    @classmethod
    def read(cls, path: Path) -> "Export":
        """Read an export.

        Raises
        ------
        ListError
            If the file is none.
        """
        try:
            content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
            delivery = Delivery(
                [ExportedRequest(**request) for request in content.pop("requests")],
                [ExportedFile(**file) for file in content.pop("files")],
                [NotExported(**lost) for lost in content.pop("not_exported")],
            )
            return cls(**content, delivery=delivery)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ListError(f"{path} is no export of the archive; delete it and run again") from None
