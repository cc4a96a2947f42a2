"""Export requests on disk: what was asked for, and the archive's id for it, from the moment that it gives one.

A job that was killed finds its request here and takes it up again, instead of asking for the same frames twice.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aia_sequence.files import write_json

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """An export request.

    Attributes
    ----------
    recordset
        What was asked for.
    records
        Names of the records that it selects.
    segments
        Segments that it names.
    processing
        What the archive is to do to the frames: arguments by process, empty for nothing.
    id
        The archive's name for it.
    """

    recordset: str
    records: tuple[str, ...]
    segments: tuple[str, ...]
    processing: dict[str, dict[str, str]]
    id: str


class Journal:
    """The requests of one block and channel.

    Parameters
    ----------
    folder
        Where they are kept: below those of an archive, by channel and block.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @property
    def lock(self) -> Path:
        """A file that the journals of all blocks and channels of an archive share."""
        return self.folder.parents[1] / "lock"

    def write(self, request: Request) -> None:
        """Keep a request; one of the same content is replaced."""
        write_json(self._path(request), asdict(request))

    def drop(self, request: Request) -> None:
        """Keep a request no longer, because the archive does not either."""
        self._path(request).unlink(missing_ok=True)

    def requests(self) -> list[Request]:
        """All requests, in the order of their records."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                content |= {key: tuple(content[key]) for key in ("records", "segments")}
                found.append(Request(**content))
            except (ValueError, KeyError, TypeError):
                logger.warning("%s is no request; it is ignored", path)
        return sorted(found, key=lambda request: (request.records, request.id))

    def drop_all(self, ids: Iterable[str]) -> None:
        """Drop the requests of these ids."""
        ids = set(ids)
        for request in self.requests():
            if request.id in ids:
                self.drop(request)

    def exported(self, *wanted: Any) -> Path:
        """Where it is kept what was exported, by what is wanted.

        A job that was stopped, or is repeated, goes on from there: it asks for nothing again that is in the cache or
        still to be had, and says how the frames came.
        """
        return self.folder / f"{_digest(wanted)}.export"

    def _path(self, request: Request) -> Path:
        return self.folder / f"{_digest([request.recordset, request.segments, request.processing])}.json"


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
