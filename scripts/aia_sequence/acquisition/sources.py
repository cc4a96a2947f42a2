"""Where records and frames come from, whichever it is: a server of the archive, or files at hand.

Rules, lists, conditions, proof, manifests, checks, audit and provenance are the same for all of them. What differs is
here: how a block's metadata are asked for, which records a selection brings, and how frames come into their folder.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from aia_sequence.archive.client import Archive, open_archive
from aia_sequence.archive.recordsets import Selection
from aia_sequence.archive.retries import AwayError
from aia_sequence.archive.servers import first_of
from aia_sequence.config.archives import BETWEEN
from aia_sequence.lists.exports import Delivery

if TYPE_CHECKING:  # frames are asked for by one job of four
    from aia_sequence.acquisition.request import AcquisitionSettings, FrameRequest, Place


class Source(Protocol):
    """What the workflow asks of an archive."""

    @property
    def name(self) -> str:
        """As files, audit and headers name it."""

    def block(self, series: str, start: str, end: str, keywords: Sequence[str] = ()) -> pd.DataFrame:
        """Typed metadata of all records between two slots, both included, see `archive.client.Archive.query`."""

    def selected(self, selection: Selection, keywords: Sequence[str] = ()) -> pd.DataFrame:
        """The same of what a selection brings now, which are its records if nothing has changed."""

    def describe(self, series: str) -> pd.DataFrame:
        """What each keyword means: name, type, units, note, linkinfo."""

    def request(self, wanted: "FrameRequest", settings: "AcquisitionSettings") -> tuple[list[str], Delivery]:
        """Make sure that the wanted frames can be fetched: the records that are at hand, and where the others are."""

    def download(
        self, wanted: "FrameRequest", delivery: Delivery, place: "Place", settings: "AcquisitionSettings"
    ) -> None:
        """Fill a block's folder with verified frames and write its manifest."""


@dataclass(frozen=True)
class Server:
    """An archive that answers questions, and exports frames."""

    archive: Archive

    @property
    def name(self) -> str:
        """The archive's."""
        return self.archive.name

    def block(self, series: str, start: str, end: str, keywords: Sequence[str] = ()) -> pd.DataFrame:
        """See `Source`; `image` is the path of the record's file in the archive."""
        return self.archive.block(series, start, end, keywords)

    def selected(self, selection: Selection, keywords: Sequence[str] = ()) -> pd.DataFrame:
        """See `Source`; without the paths of files: they change when the archive brings a record back from tape."""
        answers = [self.archive.query(text, keywords) for text in selection.texts]
        answer = pd.concat([one for one in answers if len(one)] or answers[:1])
        return answer.sort_values(["T_REC", "WAVELNTH"], kind="stable", ignore_index=True)

    def describe(self, series: str) -> pd.DataFrame:
        """See `Source`."""
        return self.archive.describe(series)

    def request(self, wanted: "FrameRequest", settings: "AcquisitionSettings") -> tuple[list[str], Delivery]:
        """See `Source`: an export of what the level-1 cache lacks."""
        from aia_sequence.acquisition import steps

        return steps.request(self.archive, wanted, settings)

    def download(
        self, wanted: "FrameRequest", delivery: Delivery, place: "Place", settings: "AcquisitionSettings"
    ) -> None:
        """See `Source`."""
        from aia_sequence.acquisition import steps

        steps.download(self.archive, wanted, delivery, place, settings)


@contextmanager
def open_source(name: str, state: Path, servers: str = "") -> Iterator[Source]:
    """Open a source of frames.

    Parameters
    ----------
    name
        `files`, or the name of an archive.
    state
        Folder of what is known of the files, or in which the synthetic archive keeps its state.
    servers
        How archives are reached, see `aia_sequence.config.archives.dumped`.

    Raises
    ------
    ConfigError
        If there is no such source.
    """
    if name == "files":
        from aia_sequence.acquisition.own_files import OwnFiles

        yield OwnFiles(state / "files.csv")
        return
    with open_archive(name, state, reached=servers) as archive:
        yield Server(archive)


def ask_first[Answer](names: str, state: Path, servers: str, ask: Callable[[Source], Answer]) -> Answer:
    """What the first of several sources says that is not down, see `aia_sequence.archive.servers.first_of`."""

    def asked(name: str) -> Answer:
        with open_source(name, state, servers) as source:
            return ask(source)

    return first_of(names, asked)


def names_of(rows: pd.DataFrame, names: str) -> str:
    """The one of several sources that a block's records come from; all of them where there are no records."""
    found = set(rows["archive"]) if "archive" in rows else set()
    return found.pop() if len(found) == 1 else names


@contextmanager
def source_of_block(rows: pd.DataFrame, names: str, state: Path, servers: str = "") -> Iterator[Source]:
    """Open the source that a block's records come from: what has begun with one archive ends with it.

    Raises
    ------
    AwayError
        If it is down: with what to do to have the block from the next one.
    """
    first = names_of(rows, names).split(BETWEEN)[0]
    try:
        with open_source(first, state, servers) as source:
            yield source
    except AwayError as error:
        if BETWEEN not in names:
            raise
        raise AwayError(
            f"{error}\nThe block's records are those of {first}, and frames of two archives are not mixed in a block. "
            "Run again when it is back; or, where it is down altogether, delete the block's table in metadata/, and "
            "run, to have it from the next one"
        ) from None
