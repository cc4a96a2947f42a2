"""HTTP with limits, the same for questions and for files.

No answer without end, in bytes or in time; none that is packed, cut short, or sent from another host; one rule for
proxies. Connections are kept for the next question of the same thread, which saves the long way to the archive.
"""

import functools
import http.client
import io
import os
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from aia_sequence.errors import ArchiveError

LONGEST_ANSWER = 256 * 2**20  # bytes; 75,000 records with all their keywords stay below it
LONGEST_TIME = 600.0  # seconds in which an answer that is read whole must be complete
TIMEOUT = 60.0  # seconds without a byte, as in drms; may be spent twice before the least rate is asked for
CONNECT_TIMEOUT = 10.0  # seconds; whoever is there takes a connection at once, however busy
LEAST_RATE = 10_000.0  # bytes a second; a full-disk frame would take 20 minutes
USER_AGENT = "aia-sequence"

_openers: list[urllib.request.OpenerDirector] = []  # of the contexts that are open, the innermost last


class UnreachableError(OSError):
    """Nobody answers at an address: no network, no such name, no route, or nothing that listens there."""


class TooSlowError(TimeoutError):
    """An answer comes, and too slowly; the text says what is asked for at least."""


class PackedError(ArchiveError):
    """An answer is encoded, which was not asked for."""


class _Paced(io.RawIOBase):
    """What a socket brings, as long as it brings it fast enough."""

    def __init__(self, sock, idle: float) -> None:
        self.sock, self.file, self.idle = sock, sock.makefile("rb", buffering=0), idle
        self.begun, self.bytes, self.in_head = time.monotonic(), 0, True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int | None:
        left = self.begun + 2 * self.idle + self.bytes / LEAST_RATE - time.monotonic()
        self.sock.settimeout(max(min(self.idle, left), 0.001))
        try:
            count = self.file.readinto(buffer)
        except TimeoutError:
            if left < self.idle:
                raise TooSlowError(f"slower than {LEAST_RATE / 1000:.0f} kB/s") from None
            raise
        if not self.in_head:  # headers without end earn no time
            self.bytes += count or 0
        return count

    def close(self) -> None:
        self.file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock, *args, idle: float, **options) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.pace = _Paced(sock, idle)
        self.fp = io.BufferedReader(self.pace)

    def begin(self) -> None:
        super().begin()
        self.pace.in_head = False


class _Keeping(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens connections, and keeps those whose last answer was read to its end."""

    certified: ssl.SSLContext | None = None

    def __init__(self) -> None:
        urllib.request.AbstractHTTPHandler.__init__(self)  # that of HTTPSHandler reads all certificates, for 30 ms
        self.kept: dict[tuple, tuple[http.client.HTTPConnection, http.client.HTTPResponse]] = {}

    def http_open(self, request):
        return self._ask(http.client.HTTPConnection, request)

    def https_open(self, request):
        self.certified = self.certified or ssl.create_default_context()
        return self._ask(functools.partial(http.client.HTTPSConnection, context=self.certified), request)

    def close(self) -> None:
        while self.kept:
            _, (connection, response) = self.kept.popitem()
            response.close()
            connection.close()

    def _ask(self, kind, request):
        headers = {name.title(): value for name, value in {**request.headers, **request.unredirected_hdrs}.items()}
        tunnel = request._tunnel_host and (request._tunnel_host, headers.pop("Proxy-Authorization", None))
        place = threading.get_ident(), request.type, request.host, tunnel
        connection, last = self.kept.pop(place, (None, None))
        if connection and last and (last.length != 0 or connection.sock is None):
            last.close()
            connection.close()
            connection = None
        if connection:
            try:
                return self._answer(connection, request, headers, place)
            except (ConnectionError, http.client.BadStatusLine):
                pass  # the server had closed it meanwhile
        return self._answer(_connected(kind, request, tunnel), request, headers, place)

    def _answer(self, connection, request, headers, place):
        try:
            connection.request(request.get_method(), request.selector, request.data, headers)
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        response.url, response.msg = request.full_url, response.reason
        self.kept[place] = connection, response
        return response


def _connected(kind, request, tunnel) -> http.client.HTTPConnection:
    """A new connection to a request's host, or to the proxy on the way to it."""
    idle = request.timeout if isinstance(request.timeout, int | float) else TIMEOUT
    connection = kind(request.host, timeout=min(CONNECT_TIMEOUT, idle))
    connection.response_class = functools.partial(_Response, idle=idle)
    if tunnel:
        connection.set_tunnel(tunnel[0], headers={"Proxy-Authorization": tunnel[1]} if tunnel[1] else {})
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise ArchiveError(f"{request.host}: its certificate is not accepted: {error.verify_message}") from None
    except OSError as error:
        connection.close()
        raise UnreachableError(error.errno, f"{request.host}: {error.strerror or error}") from error
    connection.sock.settimeout(idle)
    return connection


class _KnownHosts(urllib.request.HTTPRedirectHandler):
    """Follows redirects within a host or to hosts that are meant, also from http to https, and no others."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self.hosts = hosts

    def redirect_request(self, request, file, code, message, headers, target):
        here, there = urlsplit(request.full_url), urlsplit(target)
        allowed = ("https",) if here.scheme == "https" else ("http", "https")
        if there.scheme not in allowed or there.hostname not in {here.hostname, *self.hosts}:
            file.close()
            target = there.hostname if there.hostname != here.hostname else f"{there.scheme}://{there.hostname}"
            raise ArchiveError(
                f"{here.hostname} sent us to another host, {target}; not followed. "
                "If it is one of the archive's own, name it under `archive.hosts`"
            )
        following: Any = super().redirect_request(request, file, code, message, headers, target)
        if following:
            following.asked = asked(request)
        return following


def asked(request: urllib.request.Request) -> str:
    """The address that was asked for, whatever redirects came after it."""
    return getattr(request, "asked", request.full_url)


class _Aimed(urllib.request.BaseHandler):
    """Asks another address than the one that a library has built in, and nobody but the hosts that are meant."""

    handler_order = 100  # before anything is made of the address

    def __init__(self, hosts: Collection[str] | None, instead: Mapping[str, str]) -> None:
        self.hosts, self.instead = hosts, instead

    def http_request(self, request):
        for there, here in self.instead.items():
            if request.full_url.startswith(there):
                request.full_url = here + request.full_url.removeprefix(there)
        host = urlsplit(request.full_url).hostname
        if self.hosts is not None and host not in self.hosts:
            raise ArchiveError(f"{host} is not the archive ({', '.join(self.hosts)}); it is not asked")
        return request

    https_request = http_request


class _Limited(urllib.request.BaseHandler):
    """Answers are as they were sent; those that are read at once are complete, in bounds, and looked at."""

    def __init__(self, longest: int, check: Callable[[str, bytes], None] | None) -> None:
        self.longest, self.check = longest, check

    def http_request(self, request):
        request.add_unredirected_header("Accept-encoding", "identity")
        return request

    https_request = http_request

    def http_response(self, request, response):
        host, read = urlsplit(request.full_url).hostname, response.read
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            response.close()
            raise PackedError(f"{host} packs its answer ({response.headers['Content-Encoding'][:20]!r}) unasked")
        end = time.monotonic() + LONGEST_TIME

        def limited(amount=None):
            if amount is not None:
                return read(amount)
            parts, size = [], 0
            try:
                while part := read(min(2**16, self.longest + 1 - size)):
                    parts.append(part)
                    size += len(part)
                    if size > self.longest:
                        raise ArchiveError(f"{host} answered with more than {self.longest} bytes")
                    if time.monotonic() > end:
                        raise TooSlowError(f"not complete after {LONGEST_TIME:.0f} s")
                left = response.length
            finally:
                response.close()
            # With a limit, the standard library takes a body that ends early for the whole of it.
            if left:
                raise http.client.IncompleteRead(b"".join(parts), left)
            data = b"".join(parts)
            if self.check and response.status == http.client.OK:
                self.check(asked(request), data)
            return data

        response.read = limited
        return response

    https_response = http_response


@contextmanager
def limited_web(
    proxies: dict[str, str] | None = None,
    longest: int = LONGEST_ANSWER,
    hosts: Collection[str] | None = None,
    instead: Mapping[str, str] | None = None,
    check: Callable[[str, bytes], None] | None = None,
) -> Iterator[None]:
    """While the block runs, let everything that this process opens with `urllib` keep the limits.

    Parameters
    ----------
    proxies
        Proxy by scheme; None takes those of the environment: ``http_proxy``, ``https_proxy``, ``no_proxy``, in small
        letters or capitals.
    longest
        Longest answer, bytes.
    hosts
        Those that may be asked, and to which redirects may lead; None allows all, and redirects within a host.
    instead
        Addresses to ask in place of others, by the beginnings of both.
    check
        Looks at whole answers, with the address that was asked; raises what is wrong with them.
    """
    keeping = _Keeping()
    handlers = [keeping, _KnownHosts(hosts or ()), _Limited(longest, check), urllib.request.ProxyHandler(proxies)]
    opener = urllib.request.build_opener(*handlers, _Aimed(hosts, instead or {}))
    opener.addheaders = [("User-agent", USER_AGENT)]
    _openers.append(opener)
    urllib.request.install_opener(opener)
    try:
        yield
    finally:
        _openers.pop()
        urllib.request.install_opener(_openers[-1] if _openers else None)
        keeping.close()


@contextmanager
def proxies_in_capitals() -> Iterator[None]:
    """While the block runs, the environment names its proxies in capitals, too.

    For aiapy's downloads, which parfive carries: it reads no other names.
    """
    named = {f"{scheme.upper()}_PROXY": url for scheme, url in urllib.request.getproxies().items()}
    capitals = ["HTTP_PROXY", "HTTPS_PROXY"]
    added = {name: named[name] for name in capitals if name in named and name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
