"""`aia-sequence`: everything that is called by hand, under one name."""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from aia_sequence import __version__
from aia_sequence.errors import AIAError, suggestion

EXTRA = 'pip install "aia_sequence[snakemake]"'


@dataclass(frozen=True)
class Command:
    """A subcommand: what it is for, one call of it, and the module whose `main` takes its arguments.

    `given` are arguments that stand before those of the caller; `snakemake` says whether it runs the workflow.
    """

    purpose: str
    example: str
    module: str
    given: tuple[str, ...] = ()
    snakemake: bool = False


COMMANDS = {
    "new": Command("the folder of an own project", "new my-flares", "new"),
    "flares": Command("a catalogue of flares, of the HEK", "flares --from 2021-01-01", "flares"),
    "check": Command("what is wrong with it, or what it asks for", "check my.yaml", "check"),
    "budget": Command("what it will cost, from metadata alone", "budget my.yaml", "run", ("budget",), True),
    "run": Command("make all that it asks for; -n tells what", "run my.yaml", "run", ("all",), True),
    "verify": Command("hash all files again, and compare", "verify", "verify"),
    "repair": Command("make again what is wrong, and nothing else", "repair", "verify", ("--rebuild",), True),
    "compare": Command("why two results differ", "compare results ../other/results", "compare"),
    "freeze": Command("write the record list of a finished event", "freeze x1.5-2021-07-03", "freeze"),
    "bundle": Command("export or import calibration tables", "bundle export tables.zip", "bundle"),
    "archive": Command("pack finished events, for Zenodo", "archive paper.zip", "archive"),
    "rebuild": Command("draw an archive's figures again, and compare", "rebuild paper.zip", "redraw", snakemake=True),
    "cache": Command("what the level-1 cache holds", "cache", "cache"),
    "serve": Command("the embedded archive, for any JSOC client", "serve --port 8080", "serve"),
}


def usage() -> str:
    """All subcommands, each by an example and what it is for; a screen of 80 columns and 24 lines holds it."""
    width = max(len(command.example) for command in COMMANDS.values())
    lines = [f"  {command.example:{width}}  {command.purpose}" for command in COMMANDS.values()]
    return "\n".join(
        [
            "usage: aia-sequence COMMAND [ARGUMENTS]",
            "",
            "Sequences of SDO/AIA images: event windows in; level 1.5, figures, audit out.",
            "",
            *lines,
            "",
            "`aia-sequence COMMAND --help` tells its arguments.",
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; its status, 1 for what a user can mend and 2 for a call that is none."""
    name, *rest = list(sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("", "-h", "--help", "help"):
        sys.stdout.write(usage())
        return 0 if name else 2
    if name in ("-V", "--version"):
        sys.stdout.write(f"aia-sequence {__version__}\n")
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"aia-sequence: {name!r} is no command; {suggestion(name, list(COMMANDS))}\n")
        return 2
    command = COMMANDS[name]
    if command.snakemake and not {"-h", "--help"} & set(rest) and find_spec("snakemake") is None:
        sys.stderr.write(f"error: `aia-sequence {name}` runs Snakemake, which is not installed: {EXTRA}\n")
        return 1
    try:
        module = importlib.import_module(f"aia_sequence.commands.{command.module}")
        return module.main([*command.given, *rest]) or 0
    except AIAError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return 130
