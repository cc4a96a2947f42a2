"""Which software made something: packages, this workflow's version and the state of its code."""

import hashlib
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from aia_sequence import __version__

LIBRARY = Path(__file__).parent
ROOT = LIBRARY.parents[1]  # the clone that the library lies in; where it is installed, there is none
NAME = "aia-sequence"

# What decides records, pixels or figures; everything else that is installed stands in the lock.
PACKAGES = (
    "aiapy",
    "astropy",
    "drms",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "rocrate",
    "scipy",
    "snakemake",
    "sunpy",
)


@dataclass(frozen=True)
class Workflow:
    """The state of this workflow's code.

    Attributes
    ----------
    name, version
        Of this workflow.
    commit
        Git commit, hexadecimal; empty where the code is no git checkout.
    dirty
        Whether tracked files differ from the commit; None without a commit.
    digest
        SHA-256 of the code itself (Snakefile, rules, scripts): it tells versions apart without git.
    """

    name: str
    version: str
    commit: str
    dirty: bool | None
    digest: str

    def __str__(self) -> str:
        state = {True: ", with uncommitted changes", False: "", None: ""}[self.dirty]
        commit = f"commit {self.commit}{state}" if self.commit else "not a git checkout"
        return f"{self.version} ({commit}; code sha256 {self.digest})"


def workflow(root: Path = ROOT) -> Workflow:
    """Describe the code of the workflow that lies at a path, or of the installed library where there is no clone."""
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no") if commit else None
    dirty = None if changed is None else bool(changed)
    return Workflow(NAME, __version__, commit or "", dirty, code_digest(root))


def code_files(root: Path = ROOT) -> list[Path]:
    """Files of the workflow's code, sorted: Snakefile, rules, scripts; of the library alone where it is installed."""
    found = [root / "Snakefile", *root.glob("rules/*.smk"), *root.glob("scripts/**/*")]
    if not found[0].is_file():
        found = list(LIBRARY.rglob("*"))
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def code_digest(root: Path = ROOT) -> str:
    """SHA-256 over names and contents of the workflow's code."""
    digest, files = hashlib.sha256(), code_files(root)
    base = root if (root / "Snakefile").is_file() else LIBRARY.parent
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content}  {path.relative_to(base).as_posix()}\n".encode())
    return digest.hexdigest()


def packages(names: tuple[str, ...] = PACKAGES, lock: Path = ROOT / "envs" / "requirements.txt") -> dict[str, str]:
    """
    Versions of the packages that matter, by name; with Python itself first.

    A step's own environment (``--sdm conda``) may hold only some of them. The others are then those of the lock, with
    which the environments of all steps agree.
    """
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    locked = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", text, re.MULTILINE))
    versions = {"Python": platform.python_version()}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            if name in locked:
                versions[name] = locked[name]
    return versions


def _git(root: Path, *arguments: str) -> str | None:
    """Ask git, without taking its locks; None where it cannot answer."""
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", str(root), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
