"""A job imports what it uses: a catalogue starts thousands, and what they import was a third of its time."""

import subprocess
import sys

import pytest

HEAVY = {"astropy", "astropy.table", "asdf", "drms", "imageio_ffmpeg", "jinja2", "matplotlib", "numba", "pandas",
         "requests", "rocrate", "scipy", "sunpy"}  # fmt: skip

# What each may import of these.
USED = {
    "query_metadata": {"drms", "pandas"},
    "filter_records": {"drms", "pandas"},
    "download_level1": {"astropy", "drms", "pandas"},
    "read_headers": {"astropy", "pandas"},
    "summarise_budget": set(),
    "render_gif": {"imageio_ffmpeg"},
    "write_sets": {"astropy"},
    "plot_sequence": {"astropy", "imageio_ffmpeg", "jinja2", "matplotlib"},
    "write_audit": {"astropy", "jinja2", "pandas", "requests", "rocrate"},
}


def imported(program):
    """Modules, of the heavy ones, that a program has imported when it ends."""
    told = f"import sys\n{program}\nprint(*{HEAVY} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("script", USED)
def test_a_job_imports_what_it_uses(script):
    assert imported(f"import {script}") <= USED[script]


def test_metadata_of_the_embedded_archive_need_no_frames():
    """The model of the Sun and the camera, with their compiled loops, are for who asks for images."""
    program = (
        "from synthetic_jsoc.protocol import server\n"
        "from synthetic_jsoc.holdings import catalogue\n"
        "assert catalogue.records('aia.lev1_vis_1h', 200000, 200002)"
    )
    assert imported(program) == set()
