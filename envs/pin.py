"""Bring the versions in envs/*.yaml to those of requirements.txt; `make lock` calls it."""

import re
from pathlib import Path

HERE = Path(__file__).parent
CONDA_NAMES = {"matplotlib-base": "matplotlib"}  # conda-forge's name: the lock's


def main() -> None:
    """Rewrite each pinned version that the lock has, in place."""
    lock = (HERE / "requirements.txt").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", lock, re.MULTILINE))
    locked["python"] = (HERE.parent / ".python-version").read_text(encoding="utf-8").strip()
    for path in sorted(HERE.glob("*.yaml")):
        text = re.sub(
            r"^  - ([\w-]+) =\S+$",
            lambda line: f"  - {line[1]} ={locked[CONDA_NAMES.get(line[1], line[1])]}",
            path.read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
