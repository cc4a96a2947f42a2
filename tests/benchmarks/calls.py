"""A call of the workflow, measured with all that it starts, as the shell would see it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# As a user's shell has it: without compiled modules, which some test machines forbid, every start takes seconds more.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Call:
    """What a call took: wall and processor time (s), and the largest of its processes (MB)."""

    wall: float
    cpu: float
    memory: float


def measured(command: Sequence[str], log: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Call:
    """Call a command in the folder of its log; where it fails, what the log says ends this process."""
    with log.open("w") as file:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=log.parent, stdout=file, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)  # wait4 has reaped it; Popen must know
    if process.returncode:
        sys.exit(log.read_text())
    return Call(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
