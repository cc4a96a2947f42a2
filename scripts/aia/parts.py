"""What has arrived of a file whose transfer was broken off, so that the next one asks for the rest alone.

Parts never carry the file's name: it is given to a file of the announced length, and that is verified like any other.
A part is continued only if the archive says that its file is still the same one (ETag or Last-Modified, length, and
its answer to ``If-Range``).
"""

import contextlib
import glob
import json
import logging
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aia.errors import FrameError

logger = logging.getLogger(__name__)

LONGEST_FILE = 256 * 2**20  # bytes; a full-disk frame has 8 to 34 MB
WHOLE, PARTIAL = 200, 206
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.A)


class Parts:
    """The parts of one file: pieces by the place of their first byte, and a note of the file that they are of.

    Parameters
    ----------
    path
        Path of the whole file; its parts lie beside it.
    url
        Where it is fetched from.
    """

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.source = path, urlsplit(url).path
        self.note = path.with_name(f"{path.name}.part.json")
        self.asked: dict[str, str] = {}
        self.begun = False
        self.total = self.first = 0
        found = path.parent.glob(f"{glob.escape(path.name)}.*.part")
        self.pieces = {int(piece.name.split(".")[-2]) for piece in found}

    def wait(self) -> None:
        """Forget what was announced: the next answer is to a question that has yet to be asked."""
        self.begun, self.asked = False, {}

    def begin(self, headers: Mapping[str, str]) -> Path:
        """Make ready for the file, or for the rest of it, by what the archive tells of it beforehand.

        Afterwards `asked` holds the headers by which the rest is asked for; it is empty if all is.

        Returns
        -------
        Path
            Where the answer is to be written. If the transfer breaks off, that file may be removed: what was written to
            it stays under a second name.

        Raises
        ------
        FrameError
            If the archive announces too much, or not how much.
        """
        announced = headers.get("Content-Length")
        if not announced or not announced.isdigit() or int(announced) > LONGEST_FILE:
            self.drop()
            raise FrameError(f"{self.path.name} announces {announced} bytes; allowed are up to {LONGEST_FILE}")
        self.total, validator = int(announced), _validator(headers)
        about = {"source": self.source, "validator": validator, "bytes": self.total}
        size = self._join()
        if validator and 0 < size < self.total and self._about() == about:
            self.first, self.asked = size, {"Range": f"bytes={size}-", "If-Range": validator}
            logger.info("%s: %d of %d bytes are there; the rest is asked for", self.path.name, size, self.total)
        else:
            self.drop()
            if validator:
                self.note.write_text(json.dumps(about), encoding="utf-8")  # one that is cut short is worth nothing
        self.begun = True
        piece, arriving = self._piece(self.first), self._arriving
        self.pieces.add(self.first)
        piece.write_bytes(b"")
        arriving.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # without a second name, an unfinished file is fetched anew
            os.link(piece, arriving)
        return arriving

    def check(self, status: int, headers: Mapping[str, str]) -> None:
        """Make sure that an answer is as long as was announced, or the rest that was asked for, before it is written.

        Raises
        ------
        FrameError
            If it is not; the parts are gone then, and the next question is for the whole file.
        """
        announced = headers.get("Content-Length", "")
        expected = [PARTIAL if self.asked else WHOLE, str(self.total - self.first), self.first, self.total]
        found = _RANGE.fullmatch(headers.get("Content-Range", "")) if status == PARTIAL else None
        place = [int(found[1]), int(found[3])] if found else [0, self.total]
        if [status, announced, *place] != expected:
            self.drop()
            raise FrameError(
                f"{self.path.name} is not sent as announced ({announced or 'unknown'} bytes with HTTP {status}); it is "
                "fetched anew"
            )

    def finish(self) -> None:
        """Give the file its name after a transfer that ended well.

        Raises
        ------
        FrameError
            If its length is not the announced one.
        """
        os.replace(self._arriving, self._piece(self.first))
        self._arriving.unlink(missing_ok=True)  # two names of one file are left as they are by a replacement
        size = self._join()
        if size != self.total:
            self.drop()
            raise FrameError(f"{self.path.name} has {size} bytes, the archive announced {self.total}")
        self._name()

    def complete(self) -> None:
        """Give the file its name if a job that was killed had all of it."""
        about = self._about()
        if isinstance(about, dict) and (about.get("source"), about.get("bytes")) == (self.source, self._join()):
            self._name()

    def drop(self) -> None:
        """Remove all parts."""
        for first in self.pieces:
            self._piece(first).unlink(missing_ok=True)
        for path in (self.note, self._arriving):
            path.unlink(missing_ok=True)
        self.pieces, self.first, self.asked = set(), 0, {}

    def _name(self) -> None:
        os.replace(self._piece(0), self.path)
        self.drop()

    def _join(self) -> int:
        """Put pieces that follow each other together; the length of what begins with the first byte."""
        if 0 not in self.pieces:
            return 0
        whole = self._piece(0)
        size = whole.stat().st_size
        for first in sorted(self.pieces - {0}):
            piece = self._piece(first)
            if first == size:
                with whole.open("ab") as target, piece.open("rb") as source:
                    shutil.copyfileobj(source, target)
                size = whole.stat().st_size
            piece.unlink()
        self.pieces = {0}
        return size

    def _about(self) -> Any:
        """The note of these parts: the file that they are of."""
        try:
            return json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    @property
    def _arriving(self) -> Path:
        return self.path.with_name(f"{self.path.name}.arriving")

    def _piece(self, first: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{first}.part")


def _validator(headers: Mapping[str, str]) -> str | None:
    """By what the archive would recognise the file; None if by nothing, or if it sends the file packed."""
    tag = headers.get("ETag", "")
    if "Content-Encoding" in headers:
        return None
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")
