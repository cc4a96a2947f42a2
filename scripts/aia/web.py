"""Plain HTTP with limits: no redirect to another host, no endless answer, no answer cut short without an error."""

import http.client
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from aia.errors import ArchiveError

LONGEST_ANSWER = 256 * 2**20  # bytes; 75,000 records with all their keywords stay below it

_openers: list[urllib.request.OpenerDirector] = []  # of the contexts that are open, the innermost last


class _SameHost(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, file, code, message, headers, target):
        here, there = urlsplit(request.full_url), urlsplit(target)
        if there.scheme not in ("http", "https") or there.hostname != here.hostname:
            file.close()
            raise ArchiveError(f"{here.hostname} sent us to another host, {there.hostname}; not followed")
        return super().redirect_request(request, file, code, message, headers, target)


class _Limited(urllib.request.BaseHandler):
    def __init__(self, longest: int) -> None:
        self.longest = longest

    def http_response(self, request, response):
        read = response.read

        def limited(amount=None):
            if amount is not None:
                return read(amount)
            try:
                data = read(self.longest + 1)
                left = response.length
            finally:
                response.close()
            if len(data) > self.longest:
                raise ArchiveError(
                    f"{urlsplit(request.full_url).hostname} answered with more than {self.longest} bytes"
                )
            # With a limit, the standard library takes a body that ends early for the whole of it.
            if left:
                raise http.client.IncompleteRead(data, left)
            return data

        response.read = limited
        return response

    https_response = http_response


@contextmanager
def limited_web(proxies: dict[str, str] | None = None, longest: int = LONGEST_ANSWER) -> Iterator[None]:
    """While the block runs, let everything that this process opens with `urllib` keep the limits.

    Parameters
    ----------
    proxies
        Proxy by scheme; None takes those of the environment.
    longest
        Longest answer, bytes.
    """
    handlers = [_SameHost(), _Limited(longest), urllib.request.ProxyHandler(proxies)]
    _openers.append(urllib.request.build_opener(*handlers))
    urllib.request.install_opener(_openers[-1])
    try:
        yield
    finally:
        _openers.pop()
        urllib.request.install_opener(_openers[-1] if _openers else None)
