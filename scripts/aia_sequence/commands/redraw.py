"""The figures of an archive, drawn again: by the workflow that is installed here, from what the archive holds.

An archive comes from somebody else. Of its files only configuration, tables, lists and figures are unpacked, by their
names, into a new folder; the workflow that it also holds is compared with this one, and not run.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from aia_sequence import software
from aia_sequence.commands import bundle, zips
from aia_sequence.config.settings import TABLES
from aia_sequence.errors import AIAError
from aia_sequence.files import sha256
from aia_sequence.lists.manifests import LEVEL1
from aia_sequence.provenance import crate

CODE = (
    *("Snakefile", "Makefile", "CITATION.cff", "LICENSE", "pyproject.toml", ".python-version"),
    *("config/README.md", "config/config.schema.yaml", "captions", "envs", "profiles", "rules", "scripts"),
)
ARCHIVED = "archived"
# What is unpacked. Snakemake takes modules, profiles and environments out of the folder in which it works: nothing gets
# there that could be any of these, and no name that begins with a dot.
PART = zips.PART
CONTENT = re.compile(
    rf"README\.md|config/config\.yaml|config/records/{PART}\.csv|resources/{bundle.TABLE.pattern}"
    rf"|{ARCHIVED}/{PART}/(?:{crate.SUMS}|(?:{PART}/)*{PART}\.(?:bib|csv|fits|gif|html|json|md|mp4|nc|pdf|png|txt|yaml))"
)
FIGURE = re.compile(rf"{ARCHIVED}/(?P<figure>{PART}/figures/(?:{PART}/)*{PART})")
# What an archive holds besides: the workflow itself.
CODE_FILE = re.compile(
    rf"(?:captions|envs|profiles|rules|scripts)(?:/[A-Za-z0-9_][\w.+-]*)+|{ARCHIVED}/{PART}/{crate.WORKFLOW_FILE}",
    re.ASCII,
)
UNPACKED_FROM = ".archive-sha256"
AT_HAND = "level1"  # folder for the frames of events that were made from files at hand
# Options that name a file or folder; the configuration of an archive has its events in itself.
PATHS = ("events", "level1_cache", "files", "tables")
INSIDE = re.compile(rf"{PART}(?:/{PART})*")
FROM_FILES = "files"  # name of the source, in place of an archive's
MOST_CONFIG = 1_000_000
OPENING, CLOSING = {"[", "{", "<block mapping start>", "<block sequence start>"}, {"]", "}", "<block end>"}
MOST_DEPTH = 50
# What a rebuilt figure starts from, where the archive has it: every record and frame is then known beforehand.
SEEDS = ("metadata", "records")
SEEDS_WITH_FRAMES = ("metadata", "records", "export", "level1", "level1.5")


def opened(archive: Path, into: Path | None, most: int) -> Path:
    """Unpack an archive and give its folder, by default named as the zip; the own folder of the workflow as it is."""
    if not archive.is_dir():
        folder = into or archive.with_suffix("")
        unpack(archive, folder, most=most)
        return folder
    if archive.resolve() != software.ROOT:
        raise AIAError(f"{archive} is a folder; name the zip file, whose contents are checked while it is unpacked")
    return archive


def unpack(archive: Path, folder: Path, *, most: int = zips.MOST_BYTES) -> None:
    """
    Unpack what is rebuilt from: configuration, tables, lists and figures, into a new folder, and no code.

    A folder into which this very archive was unpacked before is used as it is: a rebuild that was stopped goes on.

    Parameters
    ----------
    archive
        The zip file.
    folder
        The folder to be made.
    most
        Largest size of what is unpacked, bytes.

    Raises
    ------
    AIAError
        If the archive is damaged or holds what no archive holds, or if something else is in the folder.
    """
    if not archive.is_file():
        raise AIAError(f"{archive} is not there; name the zip file of an archive")
    mark, digest = folder / UNPACKED_FROM, sha256(archive)
    if mark.is_file() and mark.read_text(encoding="utf-8") == digest:
        return
    zips.unpack(archive, folder, what="archive of events", wanted=is_content, left=is_code, most=most)
    mark.write_text(digest, encoding="utf-8")


def other_code(folder: Path) -> list[str]:
    """Names of the workflow's files that an unpacked archive was made with, and that are others here or not there."""
    sums = crate.read_checksums(text_of(folder / crate.SUMS))
    return sorted(
        name
        for name, digest in sums.items()
        if is_code(name) and not name.startswith(ARCHIVED) and not is_file_of(software.ROOT / name, digest)
    )


def rebuild(folder: Path, arguments: Sequence[str]) -> list[tuple[str, bool]]:
    """
    Rebuild the figures of an archive, with the workflow that this module belongs to.

    Parameters
    ----------
    folder
        The unpacked archive, see `unpack`; or the workflow's own folder, if that is one.
    arguments
        Further arguments of Snakemake.

    Returns
    -------
    list of (str, bool)
        Each figure, and whether it is the archived one, byte for byte.

    Raises
    ------
    AIAError
        If the archive was changed, its configuration leads out of its folder, or the run fails.
    """
    sums = {
        name: digest for name, digest in crate.read_checksums(text_of(folder / crate.SUMS)).items() if is_content(name)
    }
    if changed := sorted(name for name, digest in sums.items() if not is_file_of(folder / name, digest)):
        raise AIAError(f"{folder}: not as it was archived: {', '.join(changed[:5])}; unpack it again")
    config = check_config(folder / "config" / "config.yaml")
    if config.get("archive") == FROM_FILES:
        check_at_hand(folder)
    figures = {found["figure"]: sums[found[0]] for found in map(FIGURE.fullmatch, sums) if found}
    moment = time.time_ns()
    for event in sorted({name.partition("/")[0] for name in figures}):
        seed(folder / ARCHIVED / event, folder / "results" / event, moment, config.get("archive") == FROM_FILES)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(software.ROOT / "Snakefile")]
    command += ["--directory", str(folder), *arguments, "--", *(f"results/{name}" for name in sorted(figures))]
    if subprocess.run(command, check=False).returncode:
        raise AIAError("Snakemake could not make the figures; what it said stands above")
    return [(name, is_file_of(folder / "results" / name, digest)) for name, digest in sorted(figures.items())]


def own_paths(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with the places that files and tables at hand have in an archive, and not on somebody's disk."""
    own = dict(config)
    if config["archive"] == FROM_FILES:
        own["files"] = [AT_HAND]
    if config.get("tables", "archive") not in TABLES:
        own["tables"] = "resources/own"
    return own


def check_at_hand(folder: Path) -> None:
    """
    Make sure that the level-1 files that an archive does not hold are where they are looked for, whatever their names.

    Raises
    ------
    AIAError
        Saying which are not there, and where they belong.
    """
    wanted = {
        row["sha256"]: row["file"]
        for event in sorted((folder / ARCHIVED).iterdir())
        if not any(event.glob("level1.5/*/*/*.fits"))
        for manifest in sorted(event.glob("level1/*/*.csv"))
        for row in LEVEL1.read(manifest)
        if row["file"]
    }
    there = {sha256(path) for path in (folder / AT_HAND).rglob("*") if path.is_file()} if wanted else set()
    if missing := [name for digest, name in wanted.items() if digest not in there]:
        raise AIAError(
            f"The archive was made from {len(wanted)} level-1 files at hand, which it does not hold; {len(missing)} "
            f"of them are not in {folder / AT_HAND}: put those there whose names and SHA-256 stand in "
            f"{folder / ARCHIVED}/*/level1/*/*.csv, such as {Path(missing[0]).name}, and run again"
        )


def check_config(path: Path) -> dict[str, Any]:
    """
    Read the configuration of an archive, which names nothing outside of its folder, and no address of its own.

    Raises
    ------
    AIAError
        If it does, or if it is none.
    """
    text = text_of(path)
    try:
        if len(text) > MOST_CONFIG or not _is_plain(text):
            raise AIAError(f"{path} is longer or deeper than any archive's, or has aliases; it is not used")
        config = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise AIAError(f"{path} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise AIAError(f"{path} is no configuration")
    if not isinstance(config.get("archive", ""), str):
        raise AIAError(
            f"{path}: archive: no request is sent to an address that came with the files; give the name alone"
        )
    for key in PATHS:
        named = config.get(key)
        for value in named if isinstance(named, list) else [named]:
            if isinstance(value, str) and not INSIDE.fullmatch(value):
                raise AIAError(f"{path}: {key}: {value!r} leads out of the archive's folder; it is not used")
    return config


def _is_plain(text: str) -> bool:
    """Whether YAML has no aliases, which can repeat a line a million times, and no depth that readers take ages for."""
    depth = 0
    for token in yaml.scan(text):
        depth += (token.id in OPENING) - (token.id in CLOSING)
        if depth > MOST_DEPTH or isinstance(token, yaml.AliasToken):
            return False
    return True


def seed(archived: Path, results: Path, moment: int, at_hand: bool = False) -> None:
    """
    Begin an event's results with what its archive knows, so that nothing is asked for again.

    All files get the same time (ns): none looks newer than what was made from it, and no table looks newer than them.
    What files at hand say is read anew where they are needed: they lie elsewhere than when the archive was made.
    """
    frames = any(archived.glob("level1.5/*/*/*.fits"))
    for part in SEEDS_WITH_FRAMES if frames else () if at_hand else SEEDS:
        for path in sorted((archived / part).rglob("*")):
            target = results / path.relative_to(archived)
            if path.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                os.utime(target, ns=(moment, moment))


def is_code(name: str) -> bool:
    """Whether a name in an archive is one of the workflow's own files, which are hashed and never unpacked."""
    return name in CODE or bool(CODE_FILE.fullmatch(name))


def is_content(name: str) -> bool:
    """Whether a name in an archive is one of what a rebuild starts from or is compared with."""
    return bool(CONTENT.fullmatch(name))


def text_of(path: Path) -> str:
    """Read a file that every finished event and every unpacked archive has."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AIAError(f"{path.parent} has no {path.name}: it is no finished event, and no unpacked archive") from None


def is_file_of(path: Path, digest: str) -> bool:
    """Whether a file is there and has a hash."""
    return path.is_file() and sha256(path) == digest


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild the figures of an archive; the status is 0 if they are the archived ones."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence rebuild", description=__doc__, epilog="Example: aia-sequence rebuild paper.zip"
    )
    parser.add_argument(
        "archive",
        type=Path,
        nargs="?",
        default=Path("." if Path(ARCHIVED).is_dir() else "archive.zip"),
        help="the zip file (archive.zip), or `.` in the folder into which somebody unpacked it: the default there",
    )
    parser.add_argument("--into", type=Path, help="folder to work in; by default named as the zip file")
    parser.add_argument("--gb", type=float, default=zips.MOST_BYTES / 1e9, help="largest size of what is unpacked, GB")
    parser.add_argument("--cores", default="all", help="cores that Snakemake may use")
    options = parser.parse_args(arguments)
    try:
        folder = opened(options.archive, options.into, round(options.gb * 1e9))
        if other := other_code(folder):
            print(
                f"{options.archive} was made by another state of the workflow; this one is {software.workflow()}, and "
                f"{len(other)} files differ: {', '.join(other[:5])}. The code of this one is used; figures may differ.",
                file=sys.stderr,
            )
        figures = rebuild(folder, ["--cores", options.cores])
    except AIAError as error:
        print(error, file=sys.stderr)
        return 1
    for name, same in figures:
        print(f"{'same' if same else 'DIFFERENT':9} {folder / 'results' / name}")
    return 0 if all(same for _, same in figures) else 1
