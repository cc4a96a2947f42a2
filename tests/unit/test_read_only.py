"""The library and the embedded archive work where they are installed for reading alone, also without a home."""

import os
import shutil
import subprocess
import sys

import pytest

KERNEL = """
import numpy as np
from aia_sequence.frames.words import sum_of_words
print(sum_of_words(np.array([1, 2**32 - 1], np.uint32), 0, False))
"""
TILE = """
import sys
import numpy as np
from synthetic_jsoc.camera import rice
from synthetic_jsoc.sun import textures
def make():
    print("made")
    return np.arange(3)
print(textures._kept("test", make).sum())
"""


@pytest.fixture
def installed(tmp_path, root):
    """A function that runs a program with the library in a folder where nothing can be kept.

    A file stands where Python and numba want the folder `__pycache__`: that stops root, too.
    """
    for name in ("aia_sequence", "synthetic_jsoc"):
        shutil.copytree(root / "scripts" / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in {path.parent for path in tmp_path.rglob("*.py")}:
        (folder / "__pycache__").touch()

    def run(program, **variables):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_", "PYTHON"))}
        environment = kept | {"PYTHONPATH": str(tmp_path), "HOME": "/dev/null"} | variables
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


def test_kernels_are_compiled_where_they_cannot_be_kept(installed):
    assert installed(KERNEL) == ["1"]  # the sum's carry comes round


def test_the_archives_tiles_are_made_where_they_cannot_be_kept(installed):
    assert installed(TILE) == ["made", "3"]


def test_the_archives_tiles_are_kept_in_the_users_cache_where_the_package_cannot_be_written_to(installed, tmp_path):
    cache = str(tmp_path / "cache")
    assert installed(TILE, XDG_CACHE_HOME=cache) == ["made", "3"]
    assert installed(TILE, XDG_CACHE_HOME=cache) == ["3"]
