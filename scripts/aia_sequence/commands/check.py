"""Say what is wrong with a configuration, a line each with file and line; or what it asks for. Nothing is fetched."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from tabulate import tabulate

from aia_sequence.config.file import Lines, check_file
from aia_sequence.config.settings import Settings, check_email, load
from aia_sequence.errors import ConfigError
from aia_sequence.planning import budget
from aia_sequence.planning.estimates import (
    at_most,
)
from aia_sequence.planning.plan import Plan
from aia_sequence.terminal.progress import elapsed
from aia_sequence.times import iso


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a configuration; the status is 0 if it can be run."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence check", description=__doc__, epilog="Example: aia-sequence check my.yaml"
    )
    parser.add_argument("config", type=Path, nargs="?", default=Path("config/config.yaml"), help="(%(default)s)")
    path = parser.parse_args(arguments).config
    lines = Lines([path])
    try:
        check_file(path)
        settings = load(yaml.safe_load(path.read_text(encoding="utf-8-sig")))
        check_email(settings.archive, os.environ)
    except ConfigError as error:
        for line in map(lines.located, str(error).splitlines()):
            sys.stderr.write(f"{line}\n" if line.startswith(" ") else f"error: {line}\n")
        return 1
    for line in settings.warnings:
        sys.stderr.write(f"warning: {lines.located(line)}\n")
    sys.stdout.write(asked(settings, path))
    return 0


def asked(settings: Settings, path: Path) -> str:
    """What a configuration asks for: each event's window, channels, and how much it can be at most."""
    works = at_most(Plan(settings))
    rows = [
        (
            event.name,
            iso(event.start),
            iso(event.end),
            ", ".join(map(str, event.channels)),
            work.records,
            f"{work.download_gb:.1f}",
            f"{work.written_gb:.1f}",
        )
        for event, work in zip(settings.events.values(), works, strict=True)
    ]
    total = budget.total(works)
    table = tabulate(
        rows,
        headers=["event", "from", "to", "channels (Å)", "records at most", "GB to fetch", "GB on disk"],
        colalign=("left", "left", "left", "left", "right", "right", "right"),
        disable_numparse=True,
    )
    time = elapsed(3600 * total.core_hours)
    return (
        f"{path} can be run. It asks the {settings.archive} archive for:\n\n{table}\n\n"
        f"{total.records:,} records at most, {total.written_gb:.1f} GB on disk, computing {time} of one core. "
        f"Nothing was asked yet; `aia-sequence budget {path}` counts what the archive has.\n"
    )
