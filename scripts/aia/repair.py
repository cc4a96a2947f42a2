"""Remove what is wrong with a workflow's products, and have it made again without making anything else again."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aia import crate
from aia.errors import AIAError
from aia.files import sha256

STAGES = ("calibration", "psf", "metadata", "records", "export", "level1", "level1.5", "figures", "audit", "crate")
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


def repair(findings: Iterable[Finding]) -> list[Path]:
    """
    Remove what is wrong.

    Files that nobody recorded stay: they may be someone's own.

    Returns
    -------
    list of Path
        What a run must be asked for to have everything back, upstream first.
    """
    for path in sorted({path for finding in findings for path in finding.remove}):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    targets = {finding.target for finding in findings if finding.target}
    return sorted(targets, key=lambda target: (_stage(target), target))


def rebuild(findings: Iterable[Finding], results: Path, resources: Path, arguments: Sequence[str]) -> None:
    """
    Remove what is wrong and have it made again, and nothing else.

    One call of Snakemake for each stage, upstream first. A file that is as it was recorded is given the time that it
    had: what was made from it is still right, and no later run makes it again.

    Raises
    ------
    AIAError
        If Snakemake fails; it has said why.
    """
    recorded = _recorded(results, resources)
    times = {path: path.stat().st_mtime_ns for path in _all_files(results, resources)}
    newest = {
        folder: (folder / crate.SUMS).stat().st_mtime_ns
        for folder in results.iterdir()
        if (folder / crate.SUMS).is_file()
    }
    targets = repair(findings)
    for stage in range(len(STAGES)):
        wanted = [str(target) for target in targets if _stage(target) == stage]
        if not wanted:
            continue
        done = subprocess.run([sys.executable, "-m", "snakemake", *arguments, "--", *wanted], check=False)
        if done.returncode:
            raise AIAError(f"Snakemake could not make {', '.join(wanted)} again; what it said stands above")
        for path, before in times.items():
            if not path.is_file() or path.stat().st_mtime_ns == before:
                continue
            if path.name == TIMESTAMP or recorded.get(path) == sha256(path):
                limit = min((time for folder, time in newest.items() if folder in path.parents), default=before)
                os.utime(path, ns=(min(before, limit),) * 2)


def _all_files(results: Path, resources: Path) -> list[Path]:
    found = [path for path in results.rglob("*") if path.is_file()]
    return found + [
        path for name in ("calibration", "psf") for path in resources.glob(f"*/{name}/**/*") if path.is_file()
    ]


def _recorded(results: Path, resources: Path) -> dict[Path, str]:
    """Hashes that the crates of all events record, by path."""
    found: dict[Path, str] = {}
    for path in results.glob(f"*/{crate.NAME}"):
        try:
            files, tables = crate.read_hashes(path.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError):
            continue
        found |= {path.parent / name: digest for name, digest in files.items()}
        found |= {resources / name: digest for name, digest in tables.items()}
    return found


def _stage(target: Path) -> int:
    """How far downstream a product is."""
    parts = [part.removesuffix(".csv").removesuffix(".html") for part in target.parts]
    return next((number for number, name in enumerate(STAGES) if name in parts), len(STAGES) - 1)
