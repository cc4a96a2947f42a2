"""The archive, whichever it is: one function hands every script its client.

`jsoc` is Stanford's. `synthetic` is the embedded one, started inside the job on a free port of the loopback interface,
in front of a state that outlives the job. Nothing else in the workflow knows which of the two it talks to, nor at which
address: files name an archive's own address, wherever it is reached today.
"""

import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import drms
import pandas as pd

from aia_sequence.archive import answers, metadata, servers
from aia_sequence.archive.recordsets import block_set
from aia_sequence.archive.retries import Patience, persist
from aia_sequence.archive.web import limited_web
from aia_sequence.config.archives import ServerOptions, loaded
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.instrument import SERIES
from aia_sequence.lists.records import DESCRIPTION, KEYWORDS, titles
from aia_sequence.privacy import VARIABLE

if TYPE_CHECKING:
    from synthetic_jsoc.protocol.server import Server

# By name, the address that files name and, where the configuration names no other, at which an archive is reached.
ADDRESSES = {"jsoc": "http://jsoc.stanford.edu/", "synthetic": "http://synthetic.invalid/"}
SYNTHETIC_EMAIL = "workflow@synthetic.example"


@dataclass(frozen=True)
class Archive:
    """An open archive.

    Attributes
    ----------
    name
        `synthetic`, `jsoc`, or a server's of the configuration.
    client
        Client of the archive, for what has no method here.
    base_url
        Where it is reached, with a slash at the end.
    patience
        How failures of single questions are repeated.
    polling
        Pauses between questions for the state of an export request.
    options
        How the configuration says that it is reached.
    """

    name: str
    client: drms.Client
    base_url: str
    patience: Patience = field(default_factory=Patience)
    polling: Patience = field(default_factory=lambda: Patience(first=5.0, longest=60.0))
    options: ServerOptions | None = None

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
        variable = self.options.email_variable if self.options else VARIABLE
        address = os.environ.get(variable, "").strip()
        if not address:
            raise ConfigError(
                f"archive: {self.name!r} needs a registered e-mail address; set {variable} in the environment"
            )
        return address

    def query(self, recordset: str, keywords: Sequence[str] = (), segments: Sequence[str] = ()) -> pd.DataFrame:
        """Typed metadata of a record set: see `aia_sequence.archive.metadata.typed`.

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
        series = recordset.partition("[")[0]
        names = list(dict.fromkeys([*titles(KEYWORDS), *SERIES[series].primekeys, *keywords]))
        raw = self.raw_query(recordset, ["*recnum*", *names], segments)
        if raw.empty:
            return metadata.empty(["recnum", *names, "record", *segments])
        return metadata.typed(series, raw)

    def block(self, series: str, start: str, end: str, keywords: Sequence[str] = ()) -> pd.DataFrame:
        """Typed metadata of a block, all channels: see `query`."""
        return self.query(block_set(series, start, end), keywords, segments=["image"])

    def raw_query(self, recordset: str, keywords: Sequence[str] | str, segments: Sequence[str] = ()) -> pd.DataFrame:
        """Keywords and segment paths of a record set, every value as the archive's text; no rows if none matches.

        Segments are `image` and `spikes`, whatever the series calls them.

        Raises
        ------
        ArchiveError
            If the archive refuses, or does not answer in spite of patience.
        """
        series = recordset.partition("[")[0]
        called = {SERIES[series].segments[name]: name for name in segments}

        def ask() -> pd.DataFrame:
            # drms turns what it cannot convert into NaN; unconverted, nothing is lost.
            answer = self.client.query(recordset, key=keywords, seg=list(called) or None, convert_numeric=False)
            if not isinstance(answer, tuple):
                return answer
            values, paths = answer
            return pd.concat([values, paths.rename(columns=called)], axis="columns")

        return persist(ask, f"query {recordset}", self.patience)

    def describe(self, series: str) -> pd.DataFrame:
        """The series' own description of its keywords: name, type, units, note, linkinfo; in its order."""
        info = persist(lambda: self.client.info(series), f"description of {series}", self.patience)
        return info.keywords.reset_index()[DESCRIPTION.names()].fillna("").astype("str")

    def local_url(self, url: str) -> str:
        """Where a file that `stable_url` named is served now.

        Raises
        ------
        ArchiveError
            If the URL is not one of this archive's.
        """
        return self._moved(url, ADDRESSES.get(self.name, self.base_url), self.base_url)

    def stable_url(self, url: str) -> str:
        """The URL of a file as it may be written down: it names no port of the day, and no other way to the archive.

        Raises
        ------
        ArchiveError
            If the URL is not one of this archive's.
        """
        return self._moved(url, self.base_url, ADDRESSES.get(self.name, self.base_url))

    def _moved(self, url: str, here: str, there: str) -> str:
        if not url.startswith(here) or ".." in urlsplit(url).path.split("/"):
            raise ArchiveError(f"{url} does not lie in the archive {self.name} ({here})")
        return there + url.removeprefix(here)

    @contextmanager
    def as_jsoc(self) -> Iterator[None]:
        """While the block runs, `drms.Client()` and whatever opens jsoc.stanford.edu with `urllib` reach this archive.

        For libraries that make their own client, as aiapy's table functions do.
        """
        instead = {ADDRESSES["jsoc"]: self.base_url}
        if self.options:  # such a client knows JSOC's programs, by their names there
            instead = servers.programs_instead(ADDRESSES["jsoc"], self.base_url, self.options) | instead
        with _web(self.name, self.base_url, self.options, instead=instead):
            yield


@contextmanager
def open_archive(
    name: str, state: str | Path | None = None, url: str | None = None, reached: str = ""
) -> Iterator[Archive]:
    """Open an archive.

    Parameters
    ----------
    name
        `synthetic`, `jsoc`, or a server's of the configuration.
    state
        Folder in which the synthetic archive keeps its state; several jobs may use it at once.
    url
        Where `jsoc` is reached, if not at its own address.
    reached
        How archives are reached, see `aia_sequence.config.archives.dumped`.

    Yields
    ------
    Archive

    Raises
    ------
    ConfigError
        If there is no such archive, or the synthetic one has no folder.
    """
    options = loaded(reached).get(name) or (ServerOptions(name, url or "") if name == "jsoc" else None)
    if options:
        address = (options.url or ADDRESSES["jsoc"]).rstrip("/") + "/"
        with _web(name, address, options):
            yield Archive(name, drms.Client(servers.drms_config(address, options)), address, options=options)
        return
    if name != "synthetic" or state is None:
        raise ConfigError(f"archive: {name!r} with state {state!r}; allowed are jsoc, and synthetic with a folder")
    from synthetic_jsoc.protocol import faults, server  # the real archive must not need the model of the Sun

    with ExitStack() as stack:
        try:
            running = stack.enter_context(server.running(state=Path(state)))
        except faults.FaultsError as error:
            raise ConfigError(str(error)) from None
        yield stack.enter_context(of_server(running))


@contextmanager
def of_server(server: "Server") -> Iterator[Archive]:
    """The archive behind a running server of the synthetic one; it answers at once, so nothing waits for long."""
    with _web("synthetic", server.url):
        yield Archive(
            "synthetic",
            drms.Client(server.drms_config()),
            server.url,
            patience=Patience(attempts=5, first=0.1, longest=2.0),
            polling=Patience(first=0.05, longest=0.5),
        )


def _web(name: str, address: str, options: ServerOptions | None = None, **how: Any) -> AbstractContextManager[None]:
    """What an archive may be asked, and how."""
    # A site's proxy cannot reach this machine's loopback interface.
    proxies: dict[str, str] | None = {} if name == "synthetic" else None
    options = options or ServerOptions(name)
    programs = servers.names_of(options)
    check = functools.partial(answers.check, programs=programs) if programs else answers.check
    return limited_web(proxies, hosts=servers.hosts(address, options), check=check, **how)
