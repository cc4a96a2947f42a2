"""Say what is wrong with a configuration, a line each with file and line; or what it asks for. Nothing is fetched."""

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import yaml

from aia_sequence.acquisition.places import find
from aia_sequence.columns import columns
from aia_sequence.config.archives import check_email, spoken
from aia_sequence.config.file import Lines, check_file, report
from aia_sequence.config.settings import Settings, load
from aia_sequence.errors import ConfigError
from aia_sequence.planning import budget
from aia_sequence.planning.estimates import at_most
from aia_sequence.planning.plan import Plan
from aia_sequence.terminal.ending import size
from aia_sequence.terminal.progress import elapsed
from aia_sequence.times import clock, day

DEFAULT = Path("config/config.yaml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a configuration; the status is 0 if it can be run."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence check", description=__doc__, epilog="Example: aia-sequence check my.yaml"
    )
    parser.add_argument("config", type=Path, nargs="?", default=DEFAULT, help="(%(default)s)")
    path = parser.parse_args(arguments).config
    lines = Lines([path])
    try:
        check_file(path)
        settings = load(yaml.safe_load(path.read_text(encoding="utf-8-sig")))
        check_email(settings.archives, os.environ)
        own = find(settings.options["files"]) if settings.archive == "files" else []
    except ConfigError as error:
        report("\n".join(map(lines.located, str(error).splitlines())))
        return 1
    for line in settings.warnings:
        sys.stderr.write(f"warning: {lines.located(line)}\n")
    sys.stdout.write(asked(settings, path, len(own)))
    return 0


def asked(settings: Settings, path: Path, own: int = 0) -> str:
    """What a configuration asks for: each event's window, channels, and how much it can be at most.

    Parameters
    ----------
    settings
        Of the configuration.
    path
        Of its file.
    own
        How many files are at hand.
    """
    works = at_most(Plan(settings))
    rows = [
        (
            event.name,
            window(event.start, event.end),
            # As many to a line as leave room for the other columns.
            textwrap.fill(" ".join(map(str, event.channels)), 12),
            f"{work.records:,}",
            size(work.written_gb),
        )
        for event, work in zip(settings.events.values(), works, strict=True)
    ]
    total, named = budget.total(works), "" if path == DEFAULT else f" {path}"
    time = elapsed(3600 * total.core_hours)
    if own:
        asked = f"takes of {own:,} file{'s' if own > 1 else ''} at hand"
        holds, read, fetched = "their headers say", "No header was read yet", ""
    else:
        asked = f"asks {spoken(settings.archive)} for"
        holds, read, fetched = "the archive has", "Nothing was asked yet", f"{size(total.download_gb)} to fetch, "
    return (
        f"{path} can be run. It {asked}, at most:\n\n"
        f"{columns(['event', 'window (UTC)', 'channels (Å)', 'records', 'on disk'], rows, 'lllrr')}\n\n"
        f"{total.records:,} records: {fetched}{size(total.written_gb)} on disk, {time} of "
        f"one core.\n{read}. Next: `aia-sequence budget{named}` counts what {holds},\n"
        f"`aia-sequence run{named}` makes it all.\n"
    )


def window(start: float, end: float) -> str:
    """A window (TAI seconds) as UTC: the day once if it is one, seconds only where there are any."""
    times = [(day(time), clock(time)) for time in (start, end)]
    if all(time.endswith(":00") for _, time in times):
        times = [(date, time.removesuffix(":00")) for date, time in times]
    (first, begin), (last, stop) = times
    return f"{first} {begin} to {stop}" if first == last else f"{first} {begin} to\n{last} {stop}"
