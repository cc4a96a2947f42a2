"""Errors whose text is meant for the person who runs the workflow.

Everything that a user can cause or mend is raised as one of these: which event, record or file; what was found; what is
allowed; what to do. They are shown without a traceback; any other exception is a defect of ours and shows one.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Any

# What a message says when an archive was asked in vain: whatever was asked for, the cause is the same.
GIVEN_UP = re.compile(
    r"[^\n]*?: (the (?:archive|connection) .+); given up after \d+ attempts?\. ", re.ASCII | re.DOTALL
)


class AIAError(Exception):
    """Something that the person who runs the workflow can act upon."""


class ConfigError(AIAError):
    """The configuration asks for something that is not allowed."""


class ArchiveError(AIAError):
    """The archive refused, failed, or answered something else than it was asked for."""


class ProductError(AIAError):
    """A product cannot be written, or is not what it must be: no frame is to blame, so none is left out for it."""


class FrameError(AIAError):
    """One frame cannot be used: the text names its record or file and says why."""


def nearest(name: Any, words: Iterable[str]) -> str:
    """The word that is closest to a name; empty if none is close."""
    by_small = {word.lower(): word for word in words}
    close = difflib.get_close_matches(str(name).lower()[:100], by_small, 1, 0.6)
    return by_small[close[0]] if close else ""


def suggestion(name: Any, allowed: Iterable[Any]) -> str:
    """What is allowed, after what is close to a name that is not."""
    words = list(map(str, allowed))
    if not words:
        return "there is none"
    close = nearest(name, words)
    return f"{f'did you mean {close}? A' if close else 'a'}llowed are {', '.join(words)}"
