"""Attacks that tests generate: how often each is tried, and what became of it.

`make test-hostile` tries every attack a hundred times as often as the suite does, and prints what was counted here.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TIMES = int(os.environ.get("AIA_HOSTILE", "1"))  # how many times as often as in the suite
TALLY = os.environ.get("AIA_HOSTILE_TALLY")  # file to which outcomes are appended, a line each


class Trial:
    """One try of an attack, by itself harmless: it is what was sent that may be refused or taken."""

    def __init__(self) -> None:
        self.refused = 0

    def refuse(self) -> None:
        """Take note that it was refused."""
        self.refused = 1


@contextmanager
def trial(attack: str) -> Iterator[Trial]:
    """Try an attack once. An exception that leaves the block is one that was wrongly taken."""
    one, wrong = Trial(), 1
    try:
        yield one
        wrong = 0
    finally:
        tally(attack, 1, one.refused, wrong)


def tally(attack: str, tried: int, refused: int, wrong: int) -> None:
    """Count tries of an attack, where somebody wants to know."""
    if TALLY:
        with Path(TALLY).open("a", encoding="utf-8") as file:
            file.write(json.dumps([attack, tried, refused, wrong]) + "\n")


def table(path: Path) -> str:
    """What was counted, as a table: attack, tried, refused, harmless, wrongly taken."""
    sums: dict[str, list[int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        attack, *counts = json.loads(line)
        sums[attack] = [a + b for a, b in zip(sums.get(attack, [0, 0, 0]), counts, strict=True)]
    width = max(map(len, ["attack", *sums]))
    lines = [f"{'attack':{width}} {'tried':>10} {'refused':>10} {'harmless':>10} {'wrongly taken':>14}"]
    for attack, (tried, refused, wrong) in sorted(sums.items()):
        lines.append(f"{attack:{width}} {tried:10,} {refused:10,} {tried - refused - wrong:10,} {wrong:14,}")
    return "\n".join(lines)
