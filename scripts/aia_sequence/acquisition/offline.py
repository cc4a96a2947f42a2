"""Records of which the archive has no file at hand: how it says so, and which they are."""

import logging
import re
from collections.abc import Sequence

from aia_sequence.archive.client import Archive
from aia_sequence.archive.recordsets import record_of
from aia_sequence.archive.retries import RefusedError
from aia_sequence.instrument import SERIES
from aia_sequence.lists.exports import NotExported

logger = logging.getLogger(__name__)

OFFLINE = 25  # the export program's own number; the public server does not know it, and says so with number 4
REFUSED = re.compile(r"\(code 25\)|data files are offline|storage units are invalid", re.I)
ABSENT = {
    "NoDataDirectory": "the archive has no file of it on disk (NoDataDirectory)",
    "NoDataFile": "the archive has no file of it (NoDataFile)",
    "BadSegLink": "its link to the image leads nowhere (BadSegLink)",
    "InvalidSegName": "the archive knows no such segment (InvalidSegName)",
}


def reason(word: str) -> str:
    """Why a record has no file, from the archive's word in place of a path."""
    return ABSENT.get(word, f"the archive names no file of it ({word})")


def refused(error: RefusedError) -> bool:
    """Whether the archive refused a request because files of it are not on its disks."""
    return error.status == OFFLINE or bool(REFUSED.search(str(error)))


def without_file(archive: Archive, text: str, names: Sequence[str], segments: Sequence[str]) -> list[NotExported]:
    """Ask which records of a set have no file, and why.

    Parameters
    ----------
    archive
        The archive.
    text, names
        Record set, and the names of its records.
    segments
        Segments that are wanted of each.

    Returns
    -------
    list of NotExported
        In the order of `names`.

    Raises
    ------
    ArchiveError
        If the archive does not answer.
    """
    lost, series = {}, text.partition("[")[0]
    for row in archive.raw_query(text, SERIES[series].primekeys, segments).to_dict("records"):
        words = [row[segment] for segment in segments if not row[segment].startswith("/")]
        if words:
            name = record_of(series, row)
            lost[name] = reason(words[0])
            logger.warning("%s: %s", name, lost[name])
    return [NotExported(name, lost[name]) for name in names if name in lost]
