"""Hash everything again and compare it with what was recorded: `aia-sequence verify results resources`.

Where hashes are kept: a frame's in its block's manifest; that of every file of an event, manifests and frames included,
in the event's crate and in its checksum list, which also holds the crate's own; a calibration table's in the crates of
the events that used it; a file of the level-1 cache is named by its hash. The crate and the checksum list are compared
with each other, so a change in either shows. Logs, benchmarks and quarantined files are no products and have none.

With `--repair`, what is wrong is removed, and the crates of its events, so that the next run makes it again. With
`--rebuild`, it is made again at once, by name, upstream first: a file that comes back as it was recorded gets its old
time again, so nothing that was made from it is made again. Everything after `--` goes to Snakemake.
"""

import argparse
import re
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aia_sequence.commands.repair import TIMESTAMP, Finding, Folders, rebuild, repair, withdraw
from aia_sequence.errors import AIAError
from aia_sequence.files import sha256
from aia_sequence.lists.manifests import listed
from aia_sequence.provenance import crate

BLOCK_FILE = re.compile(r"(level1(?:\.5)?/\d+/\d{8}T\d{4})(/.*|\.csv)", re.ASCII)
NO_PRODUCTS = {"quarantine"}
DESCRIPTIONS = {
    "verify": "Hash everything again and compare it with what was recorded.",
    "repair": "Hash everything again, and make again what is not as it was recorded, and nothing else.",
}
EXAMPLES = {
    "verify": "aia-sequence verify results resources",
    "repair": "aia-sequence repair -- --cores 4; what follows -- is for Snakemake.",
}


@dataclass
class Report:
    """What a verification found."""

    files: int = 0
    bytes: int = 0
    events: int = 0
    unfinished: list[Path] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def check(self, path: Path, accepted: Container[str]) -> str:
        """Hash a file; say what is wrong with it, or nothing."""
        if not path.is_file():
            return "missing"
        self.files += 1
        self.bytes += path.stat().st_size
        return "" if sha256(path) in accepted else "changed"

    def __str__(self) -> str:
        lines = [str(finding) for finding in self.findings]
        lines += [f"{folder}: no record of a finished run; only its manifests were used" for folder in self.unfinished]
        size = f"{self.bytes / 1e9:.2f} GB"
        lines.append(f"{self.files:,} files ({size}) of {self.events} event folders hashed: {self.summary()}")
        return "\n".join(lines)

    def summary(self) -> str:
        """How many findings of each kind."""
        kinds = ("missing", "changed", "foreign", "outdated")
        counts = {kind: sum(finding.what == kind for finding in self.findings) for kind in kinds}
        return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "all as recorded"


def verify(results: Path, resources: Path, cache: Path | None = None) -> Report:
    """
    Hash everything below two folders again.

    Parameters
    ----------
    results, resources
        The folders of the workflow's products and of what its events share.
    cache
        The level-1 cache; by default the one below the resources.

    Returns
    -------
    Report
        Findings sorted by path.

    Raises
    ------
    AIAError
        If there are no results.
    """
    if not results.is_dir():
        raise AIAError(f"{results} is no folder; run the workflow first")
    report = Report()
    claims: dict[str, dict[str, str]] = {}
    for folder in sorted(path for path in results.iterdir() if path.is_dir()):
        report.events += 1
        if (folder / crate.SUMS).is_file() or (folder / crate.NAME).is_file():
            claims[folder.name] = _finished(report, folder)
        else:
            report.unfinished.append(folder)
            for manifest in sorted(folder.glob("level1*/*/*.csv")):
                _frames(report, folder, manifest)
    _tables(report, resources, claims)
    _cache(report, cache or resources / "level1")
    report.findings.sort(key=lambda finding: finding.path)
    return report


def _finished(report: Report, folder: Path) -> dict[str, str]:
    """Verify an event that has a crate; return what it says of the tables."""
    both = (folder / crate.NAME, folder / crate.SUMS)
    described, tables = _readable(both[0], crate.read_hashes) or ({}, _readable(both[0], crate.salvage_tables) or {})
    sums = _readable(both[1], crate.read_checksums) or {}
    own = sums.pop(crate.NAME, "")
    if wrong := report.check(both[0], {own}) or ("changed" if described != sums else ""):
        detail = f"{both[0].name} and {both[1].name} do not agree"
        report.findings.append(Finding(both[0], wrong, detail, both, both[0]))
    for name in sorted(described.keys() | sums.keys()):
        # Where the two disagree, the file itself says which of them was changed.
        said = {claims[name] for claims in (described, sums) if name in claims}
        wrong = report.check(folder / name, said)
        if wrong == "changed" or (wrong and (name in described) == (name in sums)):
            report.findings.append(_finding(folder, name, wrong, f"recorded sha256 {' or '.join(sorted(said))}"))
    known = described.keys() | sums.keys()
    for path in sorted(set(_files(folder)) - set(both)):
        if path.relative_to(folder).as_posix() not in known:
            report.findings.append(Finding(path, "foreign", "recorded nowhere"))
    return tables


def _readable[T](path: Path, read: Callable[[str], T]) -> T | None:
    """What a file says, or None if it is too damaged to be read."""
    try:
        return read(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _frames(report: Report, folder: Path, manifest: Path) -> None:
    """Verify the frames of a manifest; for an event that has no crate yet."""
    try:
        frames = list(listed(manifest))
    except AIAError as error:
        name = manifest.relative_to(folder).as_posix()
        report.findings.append(_finding(folder, name, "changed", f"cannot be read: {error}"))
        return
    for path, digest in ((frame.path, frame.sha256) for frame in frames):
        if wrong := report.check(path, {digest}):
            name = path.relative_to(folder).as_posix()
            report.findings.append(_finding(folder, name, wrong, f"{manifest.name} says sha256 {digest}"))
    named = {path for frame in frames for path in (frame.path, frame.spikes)}
    for path in sorted(set(_files(manifest.with_suffix(""))) - named):
        report.findings.append(Finding(path, "foreign", f"not listed in {manifest.name}"))


def _finding(folder: Path, name: str, what: str, detail: str) -> Finding:
    """What must go, and what must be asked for, so that a file of an event is made again."""
    if found := BLOCK_FILE.fullmatch(name):
        block, manifest = folder / found[1], folder / f"{found[1]}.csv"
        return Finding(folder / name, what, detail, (block, manifest), manifest)
    return Finding(folder / name, what, detail, (folder / name,), folder / name)


def _tables(report: Report, resources: Path, claims: dict[str, dict[str, str]]) -> None:
    """Verify the calibration tables that the events' crates name."""
    by_table: dict[str, dict[str, str]] = {}
    for event, tables in claims.items():
        for name, digest in tables.items():
            by_table.setdefault(name, {})[event] = digest
    for name, wanted in sorted(by_table.items()):
        path = resources / name
        wrong = {event: what for event, digest in wanted.items() if (what := report.check(path, {digest}))}
        if not wrong:
            continue
        if len(wrong) < len(wanted):
            detail = f"is not the one that {', '.join(sorted(wrong))} was made with; run the workflow again"
            report.findings.append(Finding(path, "outdated", detail))
            continue
        detail = f"recorded by {', '.join(sorted(wrong))}"
        report.findings.append(Finding(path, next(iter(wrong.values())), detail, (path,), path))


def _cache(report: Report, cache: Path) -> None:
    """Verify the level-1 cache, whose files are named by their hashes; one that is removed is fetched when needed."""
    for path in sorted(cache.glob("objects/*/*.fits")):
        if report.check(path, {path.stem}):
            report.findings.append(Finding(path, "changed", "its name is the sha256 that it should have", (path,)))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder).parts
        if path.is_file() and path.name != TIMESTAMP and relative[0] not in NO_PRODUCTS:
            yield path


def main(arguments: Iterable[str] | None = None) -> int:
    """Verify, and repair or rebuild if asked to; the status is 0 if nothing wrong is left."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    at = arguments.index("--") if "--" in arguments else len(arguments)
    own, further = arguments[:at], arguments[at + 1 :]
    name = "repair" if "--rebuild" in own else "verify"
    parser = argparse.ArgumentParser(
        prog=f"aia-sequence {name}", description=DESCRIPTIONS[name], epilog=f"Example: {EXAMPLES[name]}"
    )
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"), help="folder of the products")
    parser.add_argument(
        "resources", type=Path, nargs="?", default=Path("resources"), help="folder of what events share"
    )
    parser.add_argument("--cache", type=Path, help="level-1 cache, if it does not lie below the resources")
    helps = ["remove what is wrong", "remove it and make it again, and nothing else: aia-sequence repair"]
    for option, text in zip(("--repair", "--rebuild"), helps, strict=True):
        text = argparse.SUPPRESS if name == "repair" else text
        parser.add_argument(option, action="store_true", help=text)
    options = parser.parse_args(own)
    folders = Folders(options.results, options.resources)
    try:
        report = verify(options.results, options.resources, options.cache)
        print(report)
        if options.rebuild and report.findings:
            rebuild(report.findings, folders, further or ["--cores", "all"])
            report = verify(options.results, options.resources, options.cache)
            print(report)
        elif options.repair and report.findings:
            targets = repair(report.findings, folders)
            withdraw(targets, folders)
            print("Removed. The next run makes it again, and what follows from it; to make it alone:")
            print("  snakemake --cores all --", *targets)
            return 0
    except AIAError as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if report.findings else 0
