"""The archive, whichever it is: one function hands every script its client.

`jsoc` is Stanford's. `synthetic` is the embedded one, started inside the job on a free port of the loopback interface,
in front of a state that outlives the job. Nothing else in the workflow knows which of the two it talks to.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import drms
import pandas as pd

from aia import metadata
from aia.errors import ArchiveError, ConfigError
from aia.privacy import VARIABLE
from aia.retries import Patience, persist
from aia.web import limited_web

if TYPE_CHECKING:
    from synthetic.server import Server

STABLE_URL = "http://synthetic.invalid/"  # files must not name a port that changes with every job
SYNTHETIC_EMAIL = "workflow@synthetic.example"
PROXY_VARIABLES = ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY")


@dataclass(frozen=True)
class Archive:
    """An open archive.

    Attributes
    ----------
    name
        `synthetic` or `jsoc`.
    client
        Client of the archive, for what has no method here.
    base_url
        Where its files lie, with a slash at the end.
    patience
        How failures of single questions are repeated.
    polling
        Pauses between questions for the state of an export request.
    """

    name: str
    client: drms.Client
    base_url: str
    patience: Patience = field(default_factory=Patience)
    polling: Patience = field(default_factory=lambda: Patience(first=5.0, longest=60.0))

    @property
    def email(self) -> str:
        """The address that export requests carry.

        Raises
        ------
        ConfigError
            If the archive needs one and the environment has none.
        """
        if self.name == "synthetic":
            return SYNTHETIC_EMAIL
        address = os.environ.get(VARIABLE, "").strip()
        if not address:
            raise ConfigError(f"archive: 'jsoc' needs a registered e-mail address; set {VARIABLE} in the environment")
        return address

    def query(self, recordset: str, keywords: Sequence[str] = (), segments: Sequence[str] = ()) -> pd.DataFrame:
        """Typed metadata of a record set: see `aia.metadata.typed`.

        Parameters
        ----------
        recordset
            Record set, of one of the level-1 series.
        keywords
            Keywords besides those that every block's metadata holds.
        segments
            Segments whose paths are asked for; each becomes a column.

        Returns
        -------
        pandas.DataFrame
            `recnum`, the keywords, `record`, the segments; sorted by slot and channel; no row if no record matches.
        """
        names = [*metadata.KEYWORDS, *keywords]
        series = recordset.partition("[")[0]
        raw = self.raw_query(recordset, ["*recnum*", *names], segments)
        if raw.empty:
            return metadata.empty(["recnum", *names, "record", *segments])
        return metadata.typed(series, raw)

    def raw_query(self, recordset: str, keywords: Sequence[str] | str, segments: Sequence[str] = ()) -> pd.DataFrame:
        """Keywords and segment paths of a record set, every value as the archive's text; no rows if none matches.

        Raises
        ------
        ArchiveError
            If the archive refuses, or does not answer in spite of patience.
        """

        def ask() -> pd.DataFrame:
            # drms turns what it cannot convert into NaN; unconverted, nothing is lost.
            answer = self.client.query(recordset, key=keywords, seg=list(segments) or None, convert_numeric=False)
            return pd.concat(answer, axis="columns") if isinstance(answer, tuple) else answer

        return persist(ask, f"query {recordset}", self.patience)

    def describe(self, series: str) -> pd.DataFrame:
        """The series' own description of its keywords: name, type, units, note, linkinfo; in its order."""
        info = persist(lambda: self.client.info(series), f"description of {series}", self.patience)
        return info.keywords.reset_index()[["name", "type", "units", "note", "linkinfo"]].fillna("").astype("str")

    def local_url(self, url: str) -> str:
        """Where a file that `stable_url` named is served now.

        Raises
        ------
        ArchiveError
            If the URL is not one of this archive's.
        """
        if self.name == "synthetic" and url.startswith(STABLE_URL):
            return self.base_url + url.removeprefix(STABLE_URL)
        self._check_host(url)
        return url

    def stable_url(self, url: str) -> str:
        """The URL of a file as it may be written down: for the synthetic archive, without the port of the day.

        Raises
        ------
        ArchiveError
            If the URL is not one of this archive's.
        """
        self._check_host(url)
        return STABLE_URL + url.removeprefix(self.base_url) if self.name == "synthetic" else url

    def _check_host(self, url: str) -> None:
        if not url.startswith(self.base_url) or ".." in urlsplit(url).path.split("/"):
            raise ArchiveError(f"{url} does not lie in the archive {self.name} ({self.base_url})")

    @contextmanager
    def as_jsoc(self) -> Iterator[None]:
        """While the block runs, `drms.Client()` and downloads from jsoc.stanford.edu reach this archive.

        For libraries that make their own client, as aiapy's table functions do.
        """
        if self.name == "jsoc":
            yield
            return
        proxy = self.base_url.rstrip("/")
        with _environment(http_proxy=proxy, HTTP_PROXY=proxy), limited_web({"http": proxy}):
            yield


@contextmanager
def open_archive(name: str, state: str | Path | None = None) -> Iterator[Archive]:
    """Open an archive.

    Parameters
    ----------
    name
        `synthetic` or `jsoc`.
    state
        Folder in which the synthetic archive keeps its state; several jobs may use it at once.

    Yields
    ------
    Archive

    Raises
    ------
    ConfigError
        If there is no such archive, or the synthetic one has no folder.
    """
    if name == "jsoc":
        with limited_web():
            yield Archive("jsoc", drms.Client("jsoc"), "http://jsoc.stanford.edu/")
        return
    if name != "synthetic" or state is None:
        raise ConfigError(f"archive: {name!r} with state {state!r}; allowed are jsoc, and synthetic with a folder")
    from synthetic import server  # the real archive must not need the model of the Sun

    with server.running(state=Path(state)) as running, of_server(running) as archive:
        yield archive


@contextmanager
def of_server(server: "Server") -> Iterator[Archive]:
    """The archive behind a running server of the synthetic one; it answers at once, so nothing waits for long."""
    # A site's proxy cannot reach this machine's loopback interface.
    with _environment(), limited_web({}):
        yield Archive(
            "synthetic",
            drms.Client(server.drms_config()),
            server.url,
            patience=Patience(attempts=5, first=0.1, longest=2.0),
            polling=Patience(first=0.05, longest=0.5),
        )


@contextmanager
def _environment(**proxies: str) -> Iterator[None]:
    """Have these proxies and no others in the environment while the block runs."""
    before = {name: os.environ.pop(name) for name in PROXY_VARIABLES if name in os.environ}
    os.environ.update(proxies)
    try:
        yield
    finally:
        for name in proxies:
            os.environ.pop(name, None)
        os.environ.update(before)
