"""The page of results: every event with what was made of it, and what is missing and why."""

from collections.abc import Sequence
from pathlib import Path

from aia_sequence.files import write_text
from aia_sequence.overview.events import Event
from aia_sequence.templates import filled

TEMPLATE = Path(__file__).with_name("templates") / "results.html"


def write(path: Path, events: Sequence[Event], *, synthetic: bool, version: str) -> None:
    """Write the page; a page that says the same stays as it is.

    Parameters
    ----------
    path
        Where it lies, beside the events' folders; its links are relative.
    events
        From `aia_sequence.overview.events.look`.
    synthetic
        Whether all frames come from the embedded archive; what is known of an event's frames is said in any case.
    version
        Of the workflow.
    """
    text = filled(TEMPLATE, events=events, synthetic=synthetic, version=version)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
