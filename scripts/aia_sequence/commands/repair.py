"""Remove what is wrong with a workflow's products, and have it made again without making anything else again."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aia_sequence.errors import AIAError
from aia_sequence.files import sha256
from aia_sequence.provenance import crate

# How far downstream the files of a folder are; those of one stage do not depend on each other.
STAGES = {
    "calibration": 0,
    "psf": 0,
    "metadata": 0,
    "records": 1,
    "export": 2,
    "level1": 3,
    "level1.5": 4,
    "figures": 5,
    "cubes": 5,
    "audit": 5,
}
LAST = 6  # the crate, and what is made with it
# What an export lists depends on what the cache held by then. Made again, it may read differently and be as right.
NARRATIVE = STAGES["export"]
TIMESTAMP = ".snakemake_timestamp"  # by this file in it, Snakemake knows how old a folder is


@dataclass(frozen=True)
class Finding:
    """Something wrong.

    Attributes
    ----------
    path
        The file.
    what
        ``missing``, ``changed``, ``foreign`` (recorded nowhere) or ``outdated`` (made with another table).
    detail
        What was found and what was expected.
    remove
        What must go so that a run makes it again.
    target
        What that run must be asked for; None where nothing needs to be made.
    """

    path: Path
    what: str
    detail: str
    remove: tuple[Path, ...] = ()
    target: Path | None = None

    def __str__(self) -> str:
        return f"{self.what:8} {self.path}  {self.detail}"


@dataclass(frozen=True)
class Folders:
    """Where products and shared resources lie, and how far downstream a file in them is."""

    results: Path
    resources: Path

    def stage(self, path: Path) -> int:
        """How far downstream a file is."""
        if self.results in path.parents:
            name = path.relative_to(self.results).parts[1]
            name = "audit" if name in ("audit.csv", "audit.html") else name
        else:
            name = path.relative_to(self.resources).parts[1]
        return STAGES.get(name, LAST)

    def files(self) -> list[Path]:
        """Every product, and every table that events share."""
        shared = [path for name in ("calibration", "psf") for path in self.resources.glob(f"*/{name}/**/*")]
        found = [path for path in (*self.results.glob("*/**/*"), *shared) if path.is_file()]
        return [path for path in found if "quarantine" not in path.parts]

    def recorded(self) -> dict[Path, str]:
        """Hashes that checksum lists and crates of all events record, by path; one of the two may be damaged."""
        found: dict[Path, str] = {}
        for path in self.results.glob(f"*/{crate.SUMS}"):
            try:
                sums = crate.read_checksums(path.read_text(encoding="utf-8"))
            except ValueError:
                continue
            found |= {path.parent / name: digest for name, digest in sums.items()}
        for path in self.results.glob(f"*/{crate.NAME}"):
            try:
                files, tables = crate.read_hashes(path.read_text(encoding="utf-8"))
            except (ValueError, KeyError, TypeError):
                continue
            found |= {path.parent / name: digest for name, digest in files.items()}
            found |= {self.resources / name: digest for name, digest in tables.items()}
        return found


def repair(findings: Iterable[Finding], folders: Folders) -> list[Path]:
    """
    Remove what is wrong.

    Files that nobody recorded stay: they may be someone's own.

    Returns
    -------
    list of Path
        What a run must be asked for to have everything back, upstream first.
    """
    findings = list(findings)
    for path in sorted({path for finding in findings for path in finding.remove}):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    targets = {finding.target for finding in findings if finding.target}
    return sorted(targets, key=lambda target: (folders.stage(target), target))


def withdraw(paths: Iterable[Path], folders: Folders) -> list[Path]:
    """
    Remove the crates of the events to which products belong; of all events for a table that they share.

    A run makes a missing intermediate product again only if something that needs it is missing, too.

    Returns
    -------
    list of Path
        What a run must be asked for to have the crates back.
    """
    events = {_root(path, folders) for path in paths}
    if folders.resources in events:
        events = {path.parent for path in folders.results.glob(f"*/{crate.NAME}")}
    for event in events:
        for name in (crate.NAME, crate.SUMS):
            (event / name).unlink(missing_ok=True)
    return sorted(event / crate.NAME for event in events)


def rebuild(findings: Iterable[Finding], folders: Folders, arguments: Sequence[str]) -> None:
    """
    Remove what is wrong and have it made again, and nothing else.

    One call of Snakemake for each stage, upstream first. A file that is as it was recorded is given the time that it
    had: what was made from it is still right, and no later run makes it again. So is an export, which says how files
    came: the files themselves have been verified. If it reads differently now, the crate is written again.

    Parameters
    ----------
    findings
        What is wrong.
    folders
        Where everything lies.
    arguments
        Of Snakemake, without targets.

    Raises
    ------
    AIAError
        If Snakemake fails; it has said why.
    """
    recorded, found = folders.recorded(), {path: path.stat().st_mtime_ns for path in folders.files()}
    times = _times(found, folders)
    targets = repair(findings, folders)
    for stage in range(LAST + 1):
        wanted = sorted({str(target) for target in targets if folders.stage(target) == stage})
        if not wanted:
            continue
        done = subprocess.run([sys.executable, "-m", "snakemake", *arguments, "--", *wanted], check=False)
        if done.returncode:
            raise AIAError(f"Snakemake could not make {', '.join(wanted)} again; what it said stands above")
        for path, time in times.items():
            if not path.is_file() or path.stat().st_mtime_ns in (time, found[path]):
                continue
            same = path.name == TIMESTAMP or recorded.get(path) == sha256(path)
            if same or folders.stage(path) == NARRATIVE:
                os.utime(path, ns=(time, time))
            if not same and folders.stage(path) == NARRATIVE:
                targets += withdraw([path], folders)


def _times(found: Mapping[Path, int], folders: Folders) -> dict[Path, int]:
    """
    Times that files should have: those found, but none later than that of anything further downstream.

    Whatever changed a file may have changed its time, too, and anything downstream of it was made later than it.
    """
    limits: dict[Path, list[int]] = {}
    for path, time in found.items():
        for root in {_root(path, folders), folders.resources}:
            earliest = limits.setdefault(root, [sys.maxsize] * (LAST + 1))
            for stage in range(folders.stage(path)):
                earliest[stage] = min(earliest[stage], time)
    return {path: min(time, limits[_root(path, folders)][folders.stage(path)]) for path, time in found.items()}


def _root(path: Path, folders: Folders) -> Path:
    """Folder of the event that a product belongs to; that of all resources for a shared file."""
    if folders.results in path.parents:
        return folders.results / path.relative_to(folders.results).parts[0]
    return folders.resources
