"""A terminal whose last lines are drawn again and again, with everything else above them."""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from io import TextIOWrapper

HOLD = 0.5  # seconds for which a line of a job waits: after Ctrl-C it turns out to be of no interest


class Screen:
    """Where a run is shown: a terminal with lines that change, or a file or pipe with lines that stay.

    What jobs write to standard error goes through a pipe first. On a terminal it appears above the changing lines,
    which it would tear. And wherever it goes, what jobs still say when Ctrl-C has ended them can be dropped: Python
    shows a traceback of whatever it was importing.

    Parameters
    ----------
    live
        Whether lines may change; only on a terminal.
    captured
        Whether what jobs write goes through the pipe.
    """

    def __init__(self, *, live: bool, captured: bool) -> None:
        self.live, self.drawn, self.lock = live, 0, threading.RLock()
        self.out: TextIOWrapper = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8", errors="replace")
        self.held: list[tuple[float, str]] = []
        self.saved: int | None = None
        if captured:
            self._capture()

    def _capture(self) -> None:
        read, write = os.pipe()
        self.saved = os.dup(2)
        os.dup2(write, 2)
        os.close(write)
        self.reader = threading.Thread(target=self._read, args=(read,), daemon=True)
        self.reader.start()

    def _read(self, descriptor: int) -> None:
        with open(descriptor, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self.hold(line)

    def red(self, text: str) -> str:
        """A text whose first line is red, on a terminal whose user has not asked for none (https://no-color.org)."""
        first, *rest = text.split("\n", 1)
        return "\n".join([f"\x1b[31m{first}\x1b[0m", *rest]) if self.live and not os.environ.get("NO_COLOR") else text

    def hold(self, text: str) -> None:
        """Say something in a moment, unless it is dropped before."""
        with self.lock:
            self.held.append((time.monotonic(), text.rstrip()))

    def release(self, *, drop: bool = False, everything: bool = False) -> None:
        """Say what has been held for long enough, or all of it, or drop it."""
        with self.lock:
            now = time.monotonic()
            due = [text for since, text in self.held if everything or now - since > HOLD]
            del self.held[: len(due)]
            for text in due if not drop else ():
                self.say(text)

    def say(self, text: str) -> None:
        """Write lines that stay."""
        with self.lock:
            self.clear()
            self.out.write(text.rstrip() + "\n")
            self.out.flush()

    def draw(self, rows: Callable[[int, int], Sequence[str]]) -> None:
        """Draw the changing lines; `rows` is given the terminal's width and height."""
        with self.lock:
            size = os.get_terminal_size(self.out.fileno())
            lines = [line[: size.columns - 1] for line in rows(size.columns, size.lines)]
            self.clear()
            self.out.write("".join(f"{line}\n" for line in lines))
            self.out.flush()
            self.drawn = len(lines)

    def clear(self) -> None:
        """Remove the changing lines."""
        with self.lock:
            if self.drawn:
                self.out.write(f"\x1b[{self.drawn}A\x1b[J")
                self.drawn = 0

    def close(self, *, drop: bool) -> None:
        """Give standard error back, and say what is still held unless it is to be dropped."""
        if self.saved is not None:
            os.dup2(self.saved, 2)
            os.close(self.saved)
            self.saved = None
            self.reader.join(timeout=1)  # the pipe ends with its last writer, unless a job has left a process behind
        self.release(drop=drop, everything=True)
        self.clear()
        self.out.flush()
