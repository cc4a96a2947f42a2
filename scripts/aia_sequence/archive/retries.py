"""What is worth repeating, how often, and after which pause."""

import errno
import http.client
import json
import logging
import random
import re
import socket
import time
import urllib.error
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drms.exceptions import DrmsExportError, DrmsQueryError

from aia_sequence.archive.answers import UnknownFormError
from aia_sequence.archive.web import TooSlowError, UnreachableError
from aia_sequence.errors import ArchiveError
from aia_sequence.privacy import redact

logger = logging.getLogger(__name__)

STATUS = re.compile(r"\[status=(-?\d{1,9})\]", re.ASCII)

# The archive's own words for what passes by itself. Everything else with a status is an answer, and repeating the
# question does not change it.
PASSING = re.compile(
    r"cant save new export-request hash.*|cant create new export control record.*|out of memory.*"
    r"|.*problem with database query\.?|drms query failed\.?|drms export request failed\.?|",
    re.IGNORECASE | re.DOTALL,
)


INSUFFICIENT_STORAGE = 507  # nothing that passes by itself


class RefusedError(ArchiveError):
    """The archive's answer is no, and asking again does not change it; `status` is its number, if it gave one."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class AwayError(ArchiveError):
    """The archive is down, or answers with nothing that it would say if it were not; patience has ended."""


@dataclass(frozen=True)
class Patience:
    """How often something is tried, and how long the pauses are.

    Attributes
    ----------
    attempts
        Tries in all.
    first, longest
        Pause after the first failure and longest pause, seconds. Pauses double, and each is drawn between half and all
        of its length, so that clients that failed together do not come back together.
    nobody
        Longest time to try where nobody answers at the address, seconds. Whoever is busy still takes connections.
    sleep
        What waits.
    """

    attempts: int = 6
    first: float = 2.0
    longest: float = 60.0
    nobody: float = 20.0
    sleep: Callable[[float], None] = time.sleep

    def pauses(self) -> Iterator[float]:
        """Pauses between the attempts, seconds; there is one less than attempts."""
        for attempt in range(self.attempts - 1):
            yield min(self.longest, self.first * 2**attempt) * random.uniform(0.5, 1.0)


def status_of(error: Exception) -> int | None:
    """Status number in an error of the archive, if it names one."""
    found = STATUS.search(str(error))
    return int(found[1]) if found else None


def lasting(error: UnreachableError, waited: float, patience: Patience) -> bool:
    """Whether it is no use to go on asking where nobody answers.

    Without a network, or for a name that nobody knows, at once; otherwise (a server that is started again) when the
    patience for it ends.

    Parameters
    ----------
    error
        Of the last attempt.
    waited
        Seconds that all attempts, and the pauses until after the next one, have taken.
    patience
        Whose `nobody` counts.
    """
    cause = error.__cause__
    unknown = isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN
    return unknown or error.errno == errno.ENETUNREACH or waited > patience.nobody


def passing(error: BaseException) -> str | None:
    """Say why an error may not come back when the question is asked again; None if it is an answer.

    Returns
    -------
    str or None
        What happened, in words for the log.
    """
    if isinstance(error, urllib.error.HTTPError):
        known = (error.code >= 500 and error.code != INSUFFICIENT_STORAGE) or error.code in (408, 425, 429)
        return _http(error) if known else None
    if isinstance(error, json.JSONDecodeError):
        return (
            "the archive answered with an empty page" if not error.doc.strip() else "the archive answered with no JSON"
        )
    if isinstance(error, UnreachableError):
        return f"the archive was not reached ({error.strerror})"
    if isinstance(error, urllib.error.URLError):
        return f"the archive was not reached ({error.reason})"
    if isinstance(error, TimeoutError):
        detail = f" ({error})" if isinstance(error, TooSlowError) else ""
        return f"the archive did not answer in time{detail}"
    if isinstance(error, ConnectionError | http.client.HTTPException):
        return f"the connection broke ({type(error).__name__})"
    if isinstance(error, DrmsQueryError | DrmsExportError) and PASSING.fullmatch(STATUS.sub("", str(error)).strip()):
        return f"the archive answered: {error}"
    return None


def persist[Answer](call: Callable[[], Answer], what: str, patience: Patience) -> Answer:
    """Ask until there is an answer, or until it is clear that there will be none.

    Parameters
    ----------
    call
        Asks once.
    what
        What is asked for, as a message would name it.
    patience
        How often and how long.

    Raises
    ------
    ArchiveError
        If every attempt failed, or the archive refused: with the archive's own words, and no e-mail address.
    """
    pauses, waited = patience.pauses(), 0.0
    for attempt in range(1, patience.attempts + 1):
        begin = time.monotonic()
        try:
            return call()
        except UnknownFormError as error:
            raise UnknownFormError(redact(f"{what}: {error}")) from None
        except ArchiveError:
            raise
        except (OSError, http.client.HTTPException, ValueError, DrmsQueryError, DrmsExportError) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            reason = passing(error)
            if reason is None:
                raise refusal(what, error) from None
            pause = next(pauses, None)
            waited += time.monotonic() - begin + (pause or 0.0)
            if pause is None or (isinstance(error, UnreachableError) and lasting(error, waited, patience)):
                tried = "1 attempt" if attempt == 1 else f"{attempt} attempts"
                raise AwayError(redact(f"{what}: {reason}; given up after {tried}. {_advice(error)}")) from None
            logger.info(
                "%s: %s; attempt %d of %d, again in %.1f s", what, redact(reason), attempt, patience.attempts, pause
            )
            patience.sleep(pause)
    raise AssertionError("a patience without attempts")


def _advice(error: Exception) -> str:
    """What to do about an error that did not pass."""
    if isinstance(error, UnreachableError):
        return "Check the network and its proxies (http_proxy, https_proxy), or run it again later."
    return "Run it again later."


def refusal(what: str, error: Exception) -> RefusedError:
    """An error of the archive that repeating does not mend, in its own words."""
    if isinstance(error, urllib.error.HTTPError):
        return RefusedError(f"{what}: {_http(error)}")
    return RefusedError(redact(f"{what}: the archive refused: {error}"), status_of(error))


def _http(error: urllib.error.HTTPError) -> str:
    """An HTTP error in words; drms's own would show the whole URL, and in it the e-mail address."""
    if 300 <= error.code < 400:
        return f"the archive sent us from one address to the next, to no end (HTTP {error.code})"
    said = f"the archive answered with HTTP {error.code} {http.client.responses.get(error.code, '')}".rstrip()
    if error.code == http.client.NOT_FOUND:  # the question, after the ?, can hold the e-mail address
        said += f" at {str(error.url).partition('?')[0]}; is that address right?"
    return said
