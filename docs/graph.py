"""Bring the rule graph in docs/architecture.md up to date; `make rule-graph` calls it."""

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("architecture.md")
BLOCK = re.compile(r"(```mermaid\n).*?(```)", re.DOTALL)
# All rules of which an event's products can be made.
EVENT = {
    "name": "all",
    "start": "2021-07-03T14:25:00Z",
    "end": "2021-07-03T14:26:00Z",
    "channels": [171, 211],
    "calibration": {"uncertainty": True, "psf": True},
    "figure": {"gif": True, "difference": ["running"]},
    "cube": "seen",
    "slits": {"loop": {"points": [[800, 300], [950, 480]]}},
}


def graph() -> str:
    """The rules and what each waits for, in Mermaid's words, without colours."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--forceall"]
    command += ["--config", f"events={json.dumps([EVENT])}"]
    done = subprocess.run(command, cwd=PAGE.parents[1], capture_output=True, text=True, check=True)
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", done.stdout))
    edges = sorted((names[one], names[two]) for one, two in re.findall(r"(id\d+) --> (id\d+)", done.stdout))
    return "flowchart TB\n" + "".join(f"    {one} --> {two}\n" for one, two in edges if two != "all")


def main() -> None:
    """Write the page."""
    PAGE.write_text(BLOCK.sub(rf"\g<1>{graph()}\g<2>", PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
