"""Fetching many files at a time: complete, in bounds, repeated where repeating helps.

The transfer is parfive's. A file counts when `accept` has seen it; it is called as soon as the file is complete, while
others are still on their way. What a broken transfer, or a killed one, had of a file is continued (`aia.parts`).
"""

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from parfive import Downloader, SessionConfig
from parfive.utils import FailedDownload

from aia.errors import FrameError
from aia.parts import Parts
from aia.privacy import redact
from aia.retries import Patience

logger = logging.getLogger(__name__)

CHUNK = 2**20  # bytes read at a time; parfive's own 1 kB keeps a core busy with one fast connection
TIMEOUT = 60.0  # seconds without a byte, as in drms
GONE = (404, 410)
NO_SUCH_RANGE = 416


@dataclass(frozen=True)
class Item:
    """A file to fetch: where from, and its path on disk."""

    url: str
    path: Path


@dataclass
class Outcome:
    """What did not arrive, by path, with the reason: `gone` is not there any more, `failed` never came right."""

    gone: dict[Path, str] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)


def fetch(
    items: Iterable[Item],
    accept: Callable[[Item], None],
    reject: Callable[[Item, str], None],
    connections: int = 2,
    patience: Patience | None = None,
) -> Outcome:
    """Fetch files, several at a time.

    Parameters
    ----------
    items
        The files; their paths must differ. A file that is there already is offered to `accept` first and fetched only
        if it is refused.
    accept
        Called in another thread with each complete file. Raises `FrameError` if the file is not what it should be: it
        is then fetched again.
    reject
        Called with a refused file, and why, before it is fetched again or given up; it must move or delete the file.
    connections
        How many files at a time.
    patience
        How often a file is tried, and the pauses.

    Returns
    -------
    Outcome
        Of the files that were not accepted.
    """
    patience = patience or Patience(attempts=4)
    transfer = _Transfer(list(items), accept, reject, connections)
    pauses = patience.pauses()
    with ThreadPoolExecutor(max_workers=1) as pool:
        transfer.take_up(pool)
        while transfer.open:
            transfer.round(pool)
            pause = next(pauses, None)
            if not transfer.open or pause is None:
                break
            logger.warning("%d files did not arrive; again in %.1f s", len(transfer.open), pause)
            patience.sleep(pause)
    for item in transfer.open:
        transfer.outcome.failed[item.path] = f"{transfer.reasons[item]} ({patience.attempts} attempts)"
    return transfer.outcome


class _Transfer:
    """The state of a transfer: which files are still open, and why."""

    def __init__(self, items, accept, reject, connections) -> None:
        self.open, self.accept, self.reject, self.connections = items, accept, reject, connections
        self.total, self.done, self.bytes = len(items), 0, 0
        self.reasons: dict[Item, str] = {}
        self.parts = {item: Parts(item.path, item.url) for item in items}
        self.outcome = Outcome()
        self.lock = threading.Lock()

    def take_up(self, pool: ThreadPoolExecutor) -> None:
        """Offer what an earlier, interrupted transfer left."""
        for parts in self.parts.values():
            parts.complete()
        left = [item for item in self.open if item.path.exists()]
        self.open = [item for item, good in zip(left, pool.map(self._offer, left), strict=True) if not good] + [
            item for item in self.open if item not in left
        ]

    def round(self, pool: ThreadPoolExecutor) -> None:
        """Try every open file once."""
        by_url = {item.url: item for item in self.open}
        answers = {}

        def arrived(path, url, error):
            if error is None:
                answers[by_url[url]] = pool.submit(self._offer, by_url[url], self.parts[by_url[url]])

        errors = asyncio.run(self._download(by_url, arrived))
        for item, error in errors.items():
            self._note(item, error)
        accepted = {item for item, answer in answers.items() if answer.result()}
        self.open = [item for item in self.open if item not in accepted and item.path not in self.outcome.gone]

    async def _download(self, by_url, arrived) -> dict[Item, object]:
        """Let parfive fetch all files once; return what went wrong, by file."""
        timeout = socket.getdefaulttimeout() or TIMEOUT
        downloader = Downloader(
            max_conn=self.connections,
            max_splits=0,  # one plain request a file: pieces of a file save nothing and hide a cut one
            progress=sys.stderr.isatty(),
            overwrite=True,
            config=SessionConfig(
                file_progress=False,
                notebook=False,
                timeouts=aiohttp.ClientTimeout(total=0, sock_connect=timeout, sock_read=timeout),
                done_callbacks=[arrived],
                aiohttp_session_generator=_session,
            ),
        )
        for url, item in by_url.items():
            self.parts[item].wait()
            downloader.enqueue_file(
                url,
                path=item.path.parent,
                filename=_begun(self.parts[item]),
                chunksize=CHUNK,
                allow_redirects=False,
                trace_request_ctx=self.parts[item],
            )
        results = await downloader.run_download()
        return {by_url[error.url]: error.exception for error in results.errors}

    def _offer(self, item: Item, parts: Parts | None = None) -> bool:
        """Show a complete file to `accept`; True if it is taken."""
        try:
            if parts:
                parts.finish()
            found = item.path.stat().st_size
            self.accept(item)
        except FrameError as error:
            self.reasons[item] = str(error)
            logger.warning("%s", error)
            self.reject(item, str(error))
            return False
        with self.lock:
            self.done, self.bytes = self.done + 1, self.bytes + found
            step = max(1, self.total // 10)
            if self.done % step == 0 or self.done == self.total:
                logger.info("%d of %d files, %.1f MB", self.done, self.total, self.bytes / 1e6)
        return True

    def _note(self, item: Item, error: object) -> None:
        """Keep why a file did not arrive."""
        while isinstance(error, FailedDownload):  # parfive wraps its own errors again
            error = error.exception
        response = getattr(error, "response", error)
        code = getattr(response, "status", None)
        if code in GONE:
            self.outcome.gone[item.path] = f"the archive has it no more (HTTP {code})"
        elif code is not None:
            if code == NO_SUCH_RANGE:
                self.parts[item].drop()
            where = " to another address, not followed" if 300 <= code < 400 else ""
            self.reasons[item] = f"the archive answered with HTTP {code}{where}"
        else:
            self.reasons[item] = _broken(error)
        logger.warning("%s: %s", item.path.name, self.outcome.gone.get(item.path) or self.reasons.get(item))


def _broken(error: object) -> str:
    """Why a transfer broke, in words."""
    if isinstance(error, FrameError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "the transfer stood still"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the file ended early"
    if isinstance(error, ConnectionError | aiohttp.ClientConnectionError):
        return "the connection broke"
    return redact(f"the transfer broke ({type(error).__name__} {error})")


def _begun(parts: Parts) -> Callable:
    """Let the file be written where we want it, whatever the server says of its name."""

    def name(response, url):
        return parts.begin(response.headers)

    return name


def _session(config: SessionConfig) -> aiohttp.ClientSession:
    """A session as parfive makes it, in which questions for the rest of a file say so, and answers are looked at."""

    async def ask(session, context, params):
        if context.trace_request_ctx and params.method == "GET":
            params.headers.update(context.trace_request_ctx.asked)

    async def answered(session, context, params):
        parts = context.trace_request_ctx
        if parts and parts.begun and params.method == "GET" and params.response.ok:
            parts.check(params.response.status, params.response.headers)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(ask)
    trace.on_request_end.append(answered)
    return aiohttp.ClientSession(headers=config.headers, requote_redirect_url=False, trace_configs=[trace])
