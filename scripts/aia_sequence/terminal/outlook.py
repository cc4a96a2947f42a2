"""What a run would do: its steps, and why they would be made again."""

import re
from collections import Counter

from aia_sequence.columns import columns
from aia_sequence.terminal.progress import Progress

# Snakemake's reasons, in a word or two; the first of each group of steps are those that matter most.
REASONS = {
    "forced": r"Forced execution",
    "not made yet": r"Missing output files",
    "interrupted": r"Incomplete output files",
    "options changed": r"Params have changed",
    "code changed": r"Code has changed",
    "environment changed": r"Software environment",
    "other inputs": r"Set of input files",
    "newer inputs": r"Updated input files: \S",
    "what it needs is made again": r"Input files updated by another job",
}


def outlook(progress: Progress) -> str:
    """The steps that would be made, a line for each rule, with their number and why; empty if there are none."""
    if not progress.total:
        return "Nothing would run: all that was asked for is there, and nothing has changed."
    why: dict[str, Counter] = {rule: Counter() for rule in progress.planned}
    for job in progress.known.values():
        if job.rule in why:
            why[job.rule].update([reason(job.reason)])
    rows = [
        [rule, f"{progress.planned[rule]:,}", ", ".join(word for word, _ in words.most_common() if word)]
        for rule, words in why.items()
    ]
    events = sorted({job.wildcards["event"] for job in progress.known.values() if "event" in job.wildcards})
    about = f" for {len(events):,} events" if len(events) > 3 else f" for {', '.join(events)}" if events else ""
    steps = "1 step" if progress.total == 1 else f"{progress.total:,} steps"
    table = columns(["step", "times", "because"], rows, "lrl")
    return f"{steps} would run{about}; nothing has been started.\n\n{table}\n"


def reason(text: str) -> str:
    """The main reason of a step, in a word or two."""
    return next((word for word, pattern in REASONS.items() if re.search(pattern, text)), "")
