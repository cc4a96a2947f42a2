"""Where code lies, and what may use what: imports run downwards, and the archive shares nothing with what it tests."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import aia_sequence
import synthetic_jsoc

GROUND = {"lists"}  # packages of the ground floor
# What a package may import besides itself and the ground floor: DESIGN of the library, docs/architecture.md.
ROOMS = {
    "aia_sequence": {
        "lists": set(),
        "config": set(),
        "planning": {"config"},
        "frames": set(),
        "archive": {"config"},
        "acquisition": {"archive", "config", "frames"},
        "calibration": {"archive", "config", "frames"},
        "figures": {"calibration", "config", "frames"},
        "analysis": {"calibration", "config", "figures", "frames"},
        "audit": {"config", "frames"},
        "provenance": {"frames"},
        "overview": {"config"},
        "terminal": {"overview", "planning"},
        "commands": {"acquisition", "archive", "audit", "config", "frames", "planning", "provenance", "terminal"},
    },
    "synthetic_jsoc": {
        "sun": set(),
        "camera": {"sun"},
        "holdings": {"camera", "sun"},
        "protocol": {"camera", "holdings", "sun"},
    },
}


def imports(path):
    """Modules that a file imports anywhere, by full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules_of(package):
    """Modules of a distribution, with what each imports of it."""
    folder = Path(package.__path__[0])
    names = {".".join(path.relative_to(folder.parent).with_suffix("").parts): path for path in folder.rglob("*.py")}
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    return {name: imports(path) for name, path in names.items()}


@pytest.fixture(scope="module", params=[aia_sequence, synthetic_jsoc], ids=list(ROOMS))
def distribution(request):
    return request.param.__name__, modules_of(request.param)


def test_imports_run_downwards(distribution):
    name, modules = distribution
    rooms = ROOMS[name]
    upwards = []
    for module, found in modules.items():
        room = module.split(".")[1] if module.count(".") > 1 else ""
        allowed = rooms[room] | {room} if room else set()
        if module in {name, f"{name}.__main__"}:
            continue
        for other in found & modules.keys():
            target = other.split(".")[1] if other.count(".") > 1 or other.removeprefix(f"{name}.") in rooms else ""
            if target and target not in allowed and target not in GROUND:
                upwards.append(f"{module} imports {other}")
    assert upwards == []


def test_every_package_is_on_the_plan(distribution):
    name, modules = distribution
    assert {module.split(".")[1] for module in modules if module.count(".") > 1} == ROOMS[name].keys()


def test_no_two_modules_need_each_other(distribution):
    """A sorter refuses a circle, and names it."""
    face, modules = distribution  # the face of a package imports what it shows where it is called
    TopologicalSorter({name: found & modules.keys() for name, found in modules.items() if name != face}).prepare()


def test_the_archive_imports_nothing_of_the_library():
    guilty = {
        name
        for name, found in modules_of(synthetic_jsoc).items()
        if any(one.partition(".")[0] == "aia_sequence" for one in found)
    }
    assert not guilty


def test_the_library_reaches_the_archive_only_where_its_client_or_a_person_starts_it(root):
    scripts = root / "scripts"
    using = {
        path.relative_to(scripts).as_posix()
        for path in [*scripts.glob("*.py"), *scripts.glob("aia_sequence/**/*.py")]
        if any(one.partition(".")[0] == "synthetic_jsoc" for one in imports(path))
    }
    # The errors of the photometry are a table that the archive, like JSOC, does not serve.
    assert using == {"aia_sequence/archive/client.py", "aia_sequence/commands/serve.py", "fetch_errors.py"}


def test_the_archive_runs_where_the_library_is_absent(tmp_path):
    program = (
        "import sys; sys.modules['aia_sequence'] = None; import numpy as np\n"
        "from synthetic_jsoc.holdings import catalogue, frames, model\n"
        "from synthetic_jsoc.protocol import faults, files, handler\n"
        "from synthetic_jsoc.sun import truth\n"
        "from synthetic_jsoc import __main__\n"
        "print(len(catalogue.records('aia.lev1_vis_1h', 200000, 200002)))\n"
    )
    folder = synthetic_jsoc.__path__[0] + "/.."
    answer = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": folder}, cwd=tmp_path, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip().isdigit()


def test_the_page_of_the_architecture_lists_every_package_and_names_files_that_exist(root):
    text = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == ROOMS["aia_sequence"].keys() - GROUND
    ground = re.search(r"^\| \(ground\) \| (.*?) \|", text, re.MULTILINE)[1]
    library = Path(aia_sequence.__path__[0])
    assert set(re.findall(r"`(\w+)`", ground)) == GROUND | {path.stem for path in library.glob("[!_]*.py")}
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)`", text)
    missing = [
        name for name in named if not any((folder / name).exists() for folder in (root, library, root / "scripts"))
    ]
    assert len(named) > 10
    assert missing == []


def test_modules_and_scripts_stay_readable(root):
    """A module fits a head, a script a screen."""
    long = [
        f"{path.relative_to(root)}: {lines}"
        for path in (root / "scripts").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > (60 if path.parent.name == "scripts" else 300)
    ]
    assert long == []


def test_every_file_that_the_architecture_names_is_there(root):
    text = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    links = [root / "docs" / link for link in re.findall(r"\]\(([^)#:]+)\)", text)]
    named = re.findall(r"`((?:[\w.]+/)+[\w.]+\.(?:py|pyi|smk|md|rst))`", text)
    homes = (root, root / "scripts", root / "scripts" / "aia_sequence")
    assert len(links) > 10
    assert len(named) > 20
    assert [str(link) for link in links if not link.exists()] == []
    assert [name for name in named if not any((home / name).exists() for home in homes)] == []
