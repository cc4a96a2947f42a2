"""The last lines of a run: what failed and why, and what there is now."""

import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from aia_sequence.overview.events import Event
from aia_sequence.planning.budget import Work
from aia_sequence.terminal.progress import Progress, elapsed

MANY = 20  # events of a catalogue that are named one by one
SHOWN = 4  # failures of one cause that are named one by one


def opening(work: Work, share: float, source: str) -> str:
    """What a run may cost, said before it starts.

    Parameters
    ----------
    work
        What the whole configuration costs if every slot has a record that its conditions keep.
    share
        The part of it that is still to be done.
    source
        Where frames come from, in words.
    """
    frames, gigabytes = round(work.kept * share), work.written_gb * share
    time = elapsed(max(10.0, 3600 * work.core_hours * share))
    if not frames:
        return ""
    return (
        f"At most {frames:,} frames from {source}, fewer if conditions drop some:\n"
        f"at most {size(gigabytes)} on disk and {time} of one core.\n"
    )


def size(gigabytes: float) -> str:
    """A size on disk as a person reads it."""
    return f"{gigabytes:.1f} GB" if gigabytes >= 0.95 else f"{max(1, 1000 * gigabytes):.0f} MB"


def failures(progress: Progress) -> str:
    """What failed, once per cause: the reason, the jobs, their logs, and what to type."""
    paragraphs = []
    for group in progress.causes():
        reason = group[0].reason or "its log has no reason; the process may have been killed, for lack of memory?"
        jobs = "1 step" if len(group) == 1 else f"{len(group)} steps"
        lines = [f"{jobs} failed: {reason}"]
        for failure in group[:SHOWN]:
            lines.append(f"  {failure.job.name}")
            lines += [f"    log: {path}" for path in failure.job.logs[:1]]
        if len(group) > SHOWN:
            lines.append(f"  and {len(group) - SHOWN} more")
        paragraphs.append("\n".join(lines))
    if paragraphs:
        paragraphs.append(f"What is done is kept. When this is mended, the same command goes on: {command()}")
    return "\n" + "\n\n".join(paragraphs) if paragraphs else ""


def by_our_command() -> bool:
    """Whether the run was started as `aia-sequence`, or `python -m aia_sequence`, and not as `snakemake`."""
    started = Path(sys.argv[0])
    return started.name == "aia-sequence" or started.parent.name == "aia_sequence"


def command() -> str:
    """The command that is running, as it can be typed."""
    words = ["snakemake", *sys.argv[1:]] if Path(sys.argv[0]).name in ("snakemake", "__main__.py") else sys.argv
    return shlex.join(words)


def status(event: Event, told: Collection[str]) -> str:
    """What there is of an event, in a line."""
    if event.problems and event.problems[0].reason in told:
        return f"not finished: {event.problems[0].rule} failed, see above"
    return event.status


def summary(events: Sequence[Event], page: Path, told: Collection[str] = ()) -> str:
    """What there is now: frames kept, dropped and failed of each event, what to do next, and the page of results.

    Reasons that have been `told` are not told again.
    """
    lines = []
    if len(events) > MANY:
        finished = sum(event.finished for event in events)
        lines.append(f"{finished:,} of {len(events):,} events finished")
    else:
        width = max((len(event.name) for event in events), default=0)
        lines += [f"{event.name:{width}}  {status(event, told)}" for event in events]
    if all(event.finished for event in events):
        lines.append("Next: open the page below, or add an event; `aia-sequence verify` checks all.")
    lines.append(f"Results: {page}")
    return "\n" + "\n".join(lines)
