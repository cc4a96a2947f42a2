"""What a run would do: its steps, and why they would be made again."""

from aia_sequence.columns import columns
from aia_sequence.terminal.progress import Progress


def outlook(progress: Progress) -> str:
    """The steps that would be made, a line for each rule, with their number and why; empty if there are none."""
    planned = progress.planned + progress.earlier
    if not planned.total():
        return "Nothing would run: all that was asked for is there, and nothing has changed."
    rows = [
        [rule, f"{times:,}", ", ".join(word for word, _ in progress.reasons[rule].most_common() if word)]
        for rule, times in planned.items()
    ]
    events = sorted(progress.subjects)
    about = f" for {len(events):,} events" if len(events) > 3 else f" for {', '.join(events)}" if events else ""
    steps = "1 step" if planned.total() == 1 else f"{planned.total():,} steps"
    table = columns(["step", "times", "because"], rows, "lrl")
    return f"{steps} would run{about}; nothing has been started.\n\n{table}\n"
