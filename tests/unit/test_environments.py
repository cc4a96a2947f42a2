"""Each rule's conda environment holds what its script imports, in the versions of the lock."""

import ast
import re
import sys
from functools import cache

import pytest
import yaml

CONDA_NAMES = {"matplotlib-base": "matplotlib"}  # conda-forge's name: the lock's
PACKAGES = {"erfa": "pyerfa", "yaml": "pyyaml", "PIL": "pillow"}  # of modules that are not named as their package
OURS = ("aia_sequence", "synthetic_jsoc")
RULE = re.compile(r"^rule (\w+):$(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def locked(root):
    text = (root / "envs" / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def rules(root):
    """Of each rule the file of its environment and of its script."""
    found = {}
    for path in sorted((root / "rules").glob("*.smk")):
        for name, body in RULE.findall(path.read_text(encoding="utf-8")):
            files = re.findall(r'"\.\./((?:envs|scripts)/[\w.]+)"', body)
            found[name] = {file.split("/")[0]: root / file for file in files}
    return found


def environment(path):
    """Packages of a conda environment with their versions, by the lock's names."""
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert listed["channels"] == ["conda-forge", "nodefaults"]
    assert len(set(listed["dependencies"])) == len(listed["dependencies"]), path.name
    pins = dict(re.fullmatch(r"([\w-]+) =([\w.]+)", line).groups() for line in listed["dependencies"])
    return {CONDA_NAMES.get(name, name): version for name, version in pins.items()}


@cache
def imported(path):
    """Packages that a Python file imports, and the files of ours that it imports itself."""
    scripts = next(folder for folder in path.parents if folder.name == "scripts")
    needed = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for module in modules:
            top = module.split(".")[0]
            if top in OURS:
                file = scripts.joinpath(*module.split("."))
                needed |= {found for found in (file.with_suffix(".py"), file / "__init__.py") if found.exists()}
            elif top not in sys.stdlib_module_names:
                needed.add(PACKAGES.get(top, top.replace("_", "-")))
    return needed


def packages_of(script):
    """Packages that a script needs, with those of our own modules that it imports."""
    needed, waiting, seen = set(), [script], set()
    while waiting:
        file = waiting.pop()
        seen.add(file)
        for item in imported(file):
            if isinstance(item, str):
                needed.add(item)
            elif item not in seen:
                waiting.append(item)
    return needed


def test_every_rule_has_an_environment_and_every_environment_a_rule(root, rules):
    missing = [name for name, files in rules.items() if files.keys() == {"scripts"}]
    assert missing == []
    used = {files["envs"] for files in rules.values() if "envs" in files}
    assert used == set((root / "envs").glob("*.yaml"))


def test_environments_have_the_versions_of_the_lock(root, locked):
    python = (root / ".python-version").read_text(encoding="utf-8").strip()
    for path in sorted((root / "envs").glob("*.yaml")):
        pins = environment(path)
        assert pins.pop("python") == python
        assert pins == {name: locked[name] for name in pins}, path.name


def test_environments_hold_what_their_scripts_import(rules):
    for name, files in rules.items():
        if "scripts" in files:
            lacking = packages_of(files["scripts"]) - environment(files["envs"]).keys()
            assert lacking == set(), f"{name}: {files['envs'].name} lacks {sorted(lacking)}"


def test_nothing_in_the_image_runs_as_root(root):
    users = re.findall(r"^USER (\S+)$", (root / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert users
    assert users[-1] not in ("root", "0")
