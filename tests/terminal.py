"""A pseudo-terminal, or a pipe in its place: what a command shows there, and what is left of it."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def log_in() -> None:
    """Take the terminal, if it is one, and Ctrl-C as it is there: what runs in the background ignores it."""
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def in_terminal(
    command: Sequence[str],
    folder: Path | None = None,
    *,
    size: tuple[int, int] = (24, 80),
    interrupt_at: bytes | None = None,
    terminal: bool = True,
    variables: Mapping[str, str] | None = None,
) -> tuple[int, list[str], str]:
    """Run a command in a terminal of lines and columns, or a pipe; Ctrl-C as soon as something is shown.

    Returns
    -------
    tuple of (int, list of str, str)
        Status, final lines, and all that was ever shown.
    """
    master, slave = pty.openpty() if terminal else os.pipe()
    if terminal:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        command, cwd=folder, stdin=slave if terminal else subprocess.DEVNULL, stdout=slave, stderr=slave,
        start_new_session=True, env={**os.environ, "TERM": "xterm", **(variables or {})}, preexec_fn=log_in,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # the terminal's other end is closed
            break
        if not part:  # the pipe's is
            break
        shown += part
        if interrupt_at and interrupt_at in shown:
            os.killpg(process.pid, signal.SIGINT)
            interrupt_at = None
    os.close(master)
    return process.wait(), screen_of(shown.decode()), shown.decode()


def screen_of(text: str) -> list[str]:
    """What is left of it: `ESC [ n A` goes up, `ESC [ J` removes what is below."""
    lines = [""]
    for part in re.split(r"(\x1b\[\d+A|\x1b\[J|\n)", text.replace("\r", "")):
        if up := re.fullmatch(r"\x1b\[(\d+)A", part):
            lines[len(lines) - 1 - int(up[1]) :] = [""]
        elif part == "\n":
            lines.append("")
        elif part != "\x1b[J":
            lines[-1] += part
    return lines
