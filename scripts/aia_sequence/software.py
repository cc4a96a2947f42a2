"""Which software made something: packages, this workflow's version and the state of its code."""

import hashlib
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

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
        As its CITATION.cff says.
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
    """Describe the code of the workflow that lies at a path."""
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no") if commit else None
    dirty = None if changed is None else bool(changed)
    return Workflow(citation["title"].split(":")[0], citation["version"], commit or "", dirty, code_digest(root))


def code_files(root: Path = ROOT) -> list[Path]:
    """Files of the workflow's code, sorted."""
    found = [root / "Snakefile", *root.glob("rules/*.smk"), *root.glob("scripts/**/*")]
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def code_digest(root: Path = ROOT) -> str:
    """SHA-256 over names and contents of the workflow's code."""
    digest = hashlib.sha256()
    for path in code_files(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content}  {path.relative_to(root).as_posix()}\n".encode())
    return digest.hexdigest()


def packages(names: tuple[str, ...] = PACKAGES, lock: Path = ROOT / "envs" / "requirements.txt") -> dict[str, str]:
    """
    Versions of the packages that matter, by name; with Python itself first.

    A step's own environment (``--sdm conda``) may hold only some of them. The others are then those of the lock, with
    which the environments of all steps agree.
    """
    locked = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
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
