"""The archive that stands in for JSOC shares no code with what is tested against it."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

import synthetic


def imports(path):
    """Modules that a file imports anywhere, by full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.fixture(scope="module")
def modules(root):
    """Imports of each module of the archive, by its full name."""
    folder = root / "scripts" / "synthetic"
    return {f"synthetic.{path.stem}": imports(path) for path in folder.rglob("*.py") if path.stem != "__init__"}


def test_the_archive_imports_nothing_of_the_library(modules):
    assert len(modules) > 30
    guilty = {name for name, found in modules.items() if any(one.partition(".")[0] == "aia" for one in found)}
    assert not guilty


def test_no_two_modules_of_the_archive_need_each_other(modules):
    """A sorter refuses a circle, and names it."""
    TopologicalSorter({name: found & modules.keys() for name, found in modules.items()}).prepare()


def test_the_library_reaches_the_archive_only_where_its_client_starts_it(root):
    using = {
        path.relative_to(root / "scripts").as_posix()
        for folder in ("aia", ".")
        for path in (root / "scripts" / folder).glob("**/*.py" if folder == "aia" else "*.py")
        if any(one.partition(".")[0] == "synthetic" for one in imports(path))
    }
    # The errors of the photometry are a table that the archive, like JSOC, does not serve.
    assert using == {"aia/archive.py", "fetch_errors.py"}


def test_the_archive_runs_where_the_library_is_absent(tmp_path):
    program = (
        "import sys; sys.modules['aia'] = None; import numpy as np\n"
        "from synthetic import model, catalogue, frames, truth, files, handler, faults, __main__\n"
        "print(len(catalogue.records('aia.lev1_vis_1h', 200000, 200002)))\n"
    )
    folder = synthetic.__path__[0] + "/.."
    answer = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": folder}, cwd=tmp_path, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip().isdigit()
