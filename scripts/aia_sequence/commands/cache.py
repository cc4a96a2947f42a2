"""What a level-1 cache holds, and which events of a results folder use it."""

import argparse
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from aia_sequence.lists.manifests import listed


@dataclass(frozen=True)
class Holding:
    """One line of a report: files of a kind, their bytes, their first and last day, and the events that use them."""

    archive: str
    series: str
    channel: int
    segment: str
    files: int
    bytes: int
    first: str
    last: str
    events: tuple[str, ...]


def users(results: str | Path) -> dict[str, set[str]]:
    """Events whose level-1 manifests name a file, by the file's SHA-256."""
    found = defaultdict(set)
    for path in Path(results).glob("*/level1/*/*.csv"):
        for frame in listed(path):
            found[frame.sha256].add(path.parents[2].name)
    return found


def holdings(root: str | Path, results: str | Path) -> list[Holding]:
    """What a cache holds by archive, series, channel and segment; entries without their file are left out.

    Parameters
    ----------
    root
        The cache.
    results
        Folder with one subfolder per event.
    """
    groups, events = defaultdict(list), users(results)
    for path in sorted(Path(root, "records").rglob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            key, digest = content["key"], content["sha256"]
            if (Path(root) / "objects" / digest[:2] / f"{digest}.fits").is_file():
                kind = key["archive"], key["series"], key["wavelnth"], key["segment"] + _suffix(key["processing"])
                groups[kind].append((key["t_rec"], content["bytes"], events.get(digest, set())))
        except (ValueError, KeyError, TypeError):
            continue
    return [
        Holding(
            *kind,
            files=len(found),
            bytes=sum(size for _, size, _ in found),
            first=min(time for time, *_ in found)[:10],
            last=max(time for time, *_ in found)[:10],
            events=tuple(sorted(set().union(*(names for *_, names in found)))),
        )
        for kind, found in sorted(groups.items())
    ]


def report(root: str | Path, results: str | Path) -> str:
    """The report as text, for a terminal."""
    found = holdings(root, results)
    if not found:
        return f"The level-1 cache {root} is empty.\n"
    head = ("archive", "series", "channel", "segment", "files", "MB", "from", "to", "events here")
    rows = [
        (
            h.archive,
            h.series,
            h.channel,
            h.segment,
            h.files,
            f"{h.bytes / 1e6:,.1f}",
            h.first,
            h.last,
            _listed(h.events),
        )
        for h in found
    ]
    sides = ("left", "left", "right", "left", "right", "right", "left", "left", "left")
    table = tabulate(rows, head, colalign=sides, disable_numparse=True)
    use = Counter(event for holding in found for event in holding.events)
    total = f"{sum(h.files for h in found):,} files, {sum(h.bytes for h in found) / 1e9:,.2f} GB in {root}"
    return "\n".join([table, "", f"{total}; {len(use)} events under {results} use it.", ""])


def _suffix(processing: str) -> str:
    """The processing of a file in a word."""
    return f" ({processing.partition(',')[0]})" if processing else ""


def _listed(events: tuple[str, ...]) -> str:
    shown = ", ".join(events[:3])
    return f"{shown} and {len(events) - 3} more" if len(events) > 3 else shown or "-"


def main(arguments: list[str] | None = None) -> None:
    """Say on the terminal what a cache holds."""
    parser = argparse.ArgumentParser(
        prog="aia-sequence cache", description=__doc__, epilog="Example: aia-sequence cache --cache /group/level1"
    )
    parser.add_argument("--cache", default="resources/level1", help="folder of the cache (%(default)s)")
    parser.add_argument("--results", default="results", help="folder of the events (%(default)s)")
    given = parser.parse_args(arguments)
    sys.stdout.write(report(given.cache, given.results))
