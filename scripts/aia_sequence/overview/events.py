"""What there is of the configured events, by the files that lie there: finished or not, and why not.

It is read when a run ends, whatever way it ended, so it asks nobody but the disk.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aia_sequence import times
from aia_sequence.config import settings
from aia_sequence.joblog import reason_in
from aia_sequence.lists.audit import AUDIT, DROPPED, Outcome
from aia_sequence.lists.table import ListError

PRODUCTS = {
    "viewer.html": "viewer",
    "movie.mp4": "movie",
    "movie.gif": "GIF",
    "difference-running.mp4": "running difference",
    "difference-base.mp4": "base difference",
    "difference-ratio.mp4": "base ratio",
    "sequence.png": "sequence figure",
    "sequence.pdf": "PDF",
    "lightcurve.png": "light curve",
    "lightcurve.csv": "light curve as a table",
}


SETS = "cubes/sets.csv"


@dataclass(frozen=True)
class Problem:
    """A step that failed: its rule, the reason that its log gives, and the log."""

    rule: str
    reason: str
    log: Path


@dataclass(frozen=True)
class Event:
    """An event as it lies on disk.

    Attributes
    ----------
    name, window, channels
        As configured; the window as two texts (UTC).
    finished
        Whether everything was made.
    synthetic
        Whether frames of it are a model's, wherever they were taken from.
    kept, dropped, failed
        Records by what became of them, of the channels asked for; zero where there is no audit yet.
    products
        Of each channel the files that are there, seen from the folder of its figures, with what each is.
    sets
        Whether there is a list of which frames of the channels belong together.
    problems
        Steps that failed since the event was last finished.
    """

    name: str
    window: tuple[str, str]
    channels: tuple[int, ...]
    finished: bool = False
    synthetic: bool = False
    kept: int = 0
    dropped: int = 0
    failed: int = 0
    products: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    sets: bool = False
    problems: Sequence[Problem] = ()

    @property
    def status(self) -> str:
        """What there is, in a line."""
        if self.problems:
            first = self.problems[0]
            return f"not finished: {first.rule} failed, {first.reason.splitlines()[0]}"
        if not self.finished:
            return "not finished"
        frames = "frame" if self.kept == 1 else "frames"
        return f"{self.kept:,} {frames} kept, {self.dropped:,} dropped, {self.failed:,} failed"


def look(event: settings.Event, results: Path, logs: Path) -> Event:
    """See what there is of a configured event below the folders `results` and `logs`, in which every event has one."""
    name, channels, folder = event.name, event.channels, results / event.name
    start, end = (f"{times.day(time)} {times.clock(time)}" for time in (event.start, event.end))
    last = folder / "ro-crate-metadata.json"
    made = last.stat().st_mtime_ns if last.is_file() else None
    problems = _problems(logs / name, made or 0)
    counts = _outcomes(folder / "audit.csv", channels)
    kept, dropped = counts[Outcome.CALIBRATED], sum(counts[outcome] for outcome in (*DROPPED, Outcome.OTHER_CHANNEL))
    figures = folder / "figures"
    return Event(
        name, (start, end), channels,
        finished=made is not None and not problems,
        synthetic=any(_synthetic(figures / str(channel) / "statistics.json") for channel in channels),
        kept=kept,
        dropped=dropped,
        failed=counts.total() - kept - dropped,
        products={channel: _made(folder, channel) for channel in channels},
        sets=(folder / SETS).is_file(),
        problems=problems,
    )  # fmt: skip


def _made(folder: Path, channel: int) -> dict[str, str]:
    """What there is of a channel, by file, seen from the folder of its figures, with what each is."""
    figures, cube = folder / "figures" / str(channel), f"../../cubes/{channel}.nc"
    found = {file: words for file, words in PRODUCTS.items() if (figures / file).is_file()}
    found |= {f"slits/{path.name}": f"slit {path.stem}" for path in sorted(figures.glob("slits/*.png"))}
    return found | ({cube: "cube (netCDF)"} if (figures / cube).is_file() else {})


def _synthetic(statistics: Path) -> bool:
    """Whether the frames that were measured are synthetic; not, where none was measured yet."""
    try:
        return bool(json.loads(statistics.read_text(encoding="utf-8"))["synthetic"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _problems(logs: Path, since: int) -> list[Problem]:
    """Steps whose log ends in an error and is younger than what was last finished."""
    found = []
    for path in sorted(logs.rglob("*.log")):
        if path.stat().st_mtime_ns > since and (reason := reason_in(path)):
            found.append(Problem(path.relative_to(logs).parts[0].removesuffix(".log"), reason, path))
    return found


def _outcomes(audit: Path, channels: Sequence[int]) -> Counter:
    """How many records of the channels asked for came to what."""
    asked = set(map(str, channels))
    try:
        return Counter(row["outcome"] for row in AUDIT.lines(audit) if row["WAVELNTH"] in asked)
    except (OSError, ListError):
        return Counter()
