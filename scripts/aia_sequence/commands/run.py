"""Run the workflow: what a configuration asks for, in the folder where one stands.

`aia-sequence run my.yaml` takes a configuration that stands alone; `aia-sequence run` the Snakefile of the folder, as
`aia-sequence new` writes one, or the workflow's own. Whatever Snakemake understands may follow: `-n` shows the plan,
`--cores 4` leaves the other cores free, the name of a file makes that file.

Events that were finished and of which nothing has changed since are not planned again. Of the others 500 are planned at
once, or as many as `--batch 200` says, and so on to the last one.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from aia_sequence import software
from aia_sequence.errors import AIAError
from aia_sequence.terminal import STOPPED, batches

YAML = (".yaml", ".yml", ".json")
SNAKEFILES = ("Snakefile", "workflow/Snakefile")


class Quiet:
    """Standard error without Snakemake's first line, which names the profile that every call has."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.dropping = stream, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write what is not that line; a print ends it in a second call."""
        if text.startswith("Using workflow specific profile"):
            self.dropping = not text.endswith("\n")
            return len(text)
        if self.dropping and text == "\n":
            self.dropping = False
            return 1
        return self.stream.write(text)


def call(target: str, arguments: Sequence[str], folder: Path) -> list[str]:
    """Arguments of Snakemake.

    Parameters
    ----------
    target
        `all` or `budget`.
    arguments
        Of the caller: perhaps a configuration first, then Snakemake's.
    folder
        Where the call is made.

    Raises
    ------
    AIAError
        If there is no workflow to run, or no such configuration.
    """
    given, rest = list(arguments[:1]), list(arguments[1:])
    configured = bool(given) and given[0].endswith(YAML) and not given[0].startswith("-")
    configured = configured and Path(given[0]).name != "ro-crate-metadata.json"  # an event's last file, as a target
    if not configured:
        given, rest = [], [*given, *rest]
    elif not (folder / given[0]).is_file():
        raise AIAError(f"{given[0]}: there is no such file")
    own = own_snakefile(rest, folder)
    snakefile = software.ROOT / "Snakefile"
    if own is None and not snakefile.is_file():
        raise AIAError(
            f"{folder} has no Snakefile, and the library is installed without the workflow's rules; "
            "`aia-sequence new FOLDER --workflow PATH` makes a folder that has one"
        )
    if own is None and not configured and folder.resolve() != software.ROOT:
        raise AIAError(
            f"{folder} has no Snakefile; name a configuration, or make a folder with `aia-sequence new FOLDER`"
        )
    words = [] if own else ["--snakefile", str(snakefile)]
    profile = software.ROOT / "profiles" / "default"
    if own and profile.is_dir() and not (folder / own).with_name("profiles").is_dir():
        words += ["--workflow-profile", str(profile)]  # the caller's own comes later, and wins
    words += [f"--configfile={given[0]}"] if configured else []
    return [*words, *rest, *(["budget"] if target == "budget" else [])]


def batch_size(words: Sequence[str]) -> tuple[int, list[str]]:
    """How many events are planned at once, and the words without this; `--batch all=1/3` is Snakemake's own.

    Raises
    ------
    AIAError
        If it is no number of events.
    """
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        taken = 1 if equals else 2
        value = value if equals else "".join(words[at + 1 : at + 2])
        if name == "--batch" and re.fullmatch(r"-?\d+", value, re.ASCII):
            if int(value) < 1:
                raise AIAError(f"--batch {value}: a batch has at least one event; left out, it has {batches.SIZE}")
            return int(value), [*words[:at], *words[at + taken :]]
    return batches.SIZE, list(words)


def own_snakefile(words: Sequence[str], folder: Path) -> str | None:
    """The Snakefile that the caller names, or that of the folder; None if there is neither."""
    for word, following in zip(words, [*words, ""][1:], strict=True):
        name, _, value = word.partition("=")
        if name in ("-s", "--snakefile"):
            return value or following
    return next((name for name in SNAKEFILES if (folder / name).is_file()), None)


def main(arguments: Sequence[str]) -> int:
    """Run Snakemake; its status."""
    target, *rest = arguments
    if rest[:1] in (["-h"], ["--help"]):
        parser = argparse.ArgumentParser(
            prog=f"aia-sequence {'run' if target == 'all' else target}",
            description=__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog=f"Example: aia-sequence {'run' if target == 'all' else target} my.yaml -n",
        )
        parser.add_argument("config", nargs="?", help="configuration; by default that of the Snakefile")
        parser.add_argument("arguments", nargs="*", help="whatever Snakemake takes, see snakemake --help")
        parser.print_help()
        return 0
    size, rest = batch_size(rest)
    words, sys.stderr, status = call(target, rest, Path.cwd()), Quiet(sys.stderr), 0
    reports = any(word.startswith("--report") for word in rest)  # they are about all events
    run = batches.CURRENT = None if target != "all" or reports else batches.received() or batches.Run(size)
    try:
        from snakemake.cli import main as snakemake

        snakemake(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:  # while Snakemake is imported, or plans: no job has begun
        sys.stderr.write(f"{STOPPED}\n")
        return 130
    if run is None:
        return status
    if run.goes_on:
        run.following(status).hand_over()
    return max(run.status, status)
