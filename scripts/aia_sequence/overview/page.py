"""The page of results: every event with what was made of it, and what is missing and why."""

from collections.abc import Sequence
from pathlib import Path

import jinja2

from aia_sequence.files import write_text
from aia_sequence.overview.events import PRODUCTS, Event

TEMPLATES = Path(__file__).with_name("templates")


def write(path: Path, events: Sequence[Event], *, synthetic: bool, version: str) -> None:
    """Write the page; a page that says the same stays as it is.

    Parameters
    ----------
    path
        Where it lies, beside the events' folders; its links are relative.
    events
        From `aia_sequence.overview.events.look`.
    synthetic
        Whether it must say that the frames come from the embedded archive.
    version
        Of the workflow.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    text = environment.get_template("results.html").render(
        events=events, synthetic=synthetic, version=version, words=PRODUCTS
    )
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
