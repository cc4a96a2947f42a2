"""Make the folder of an own project: a commented configuration, a Snakefile that takes the workflow, a README."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aia_sequence import __version__, software
from aia_sequence.errors import AIAError
from aia_sequence.files import write_text
from aia_sequence.templates import filled

TEMPLATES = Path(__file__).with_name("templates") / "project"
FILES = {
    "config.yaml": "config/config.yaml",
    "Snakefile": "Snakefile",
    "gitignore": ".gitignore",
    "README.md": "README.md",
}


def make(folder: Path, workflow: str) -> list[Path]:
    """Write the files of a project.

    Parameters
    ----------
    folder
        Is made; nothing in it is replaced.
    workflow
        Path of the workflow's Snakefile, from there.

    Raises
    ------
    AIAError
        If one of the files is there already.
    """
    made = [folder / name for name in FILES.values()]
    if taken := [str(path) for path in made if path.exists()]:
        raise AIAError(f"{', '.join(taken)} is there already; nothing was written")
    for (template, _), path in zip(FILES.items(), made, strict=True):
        text = filled(TEMPLATES / template, workflow=workflow, name=folder.resolve().name, version=__version__)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a project."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence new", description=__doc__, epilog="Example: aia-sequence new my-flares"
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--workflow", type=Path, help="a clone of the workflow, if the library is installed without one"
    )
    options = parser.parse_args(arguments)
    clone = options.workflow or software.ROOT
    if not (clone / "Snakefile").is_file():
        raise AIAError(f"{clone} holds no Snakefile; name a clone of the workflow: --workflow PATH")
    made = make(options.folder, os.path.relpath(clone.resolve() / "Snakefile", options.folder.resolve()))
    sys.stdout.write(
        f"Made {options.folder} with {', '.join(str(path.relative_to(options.folder)) for path in made)}.\n"
        f"Write your events into {made[0]}, then:\n  cd {options.folder}\n  aia-sequence check\n  aia-sequence run\n"
    )
    return 0
