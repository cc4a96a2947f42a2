"""A job imports what it uses: a catalogue starts thousands, and what they import was a third of its time."""

import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from level1_frames import freeze_tables

HEAVY = {"astropy", "astropy.table", "asdf", "drms", "imageio_ffmpeg", "jinja2", "matplotlib", "numba", "pandas",
         "requests", "rocrate", "scipy", "sunpy"}  # fmt: skip

# What each may import of these.
USED = {
    "query_metadata": {"drms", "pandas"},
    "filter_records": {"drms", "pandas"},
    "download_level1": {"drms", "pandas"},
    "read_headers": {"astropy", "pandas"},
    "calibrate_level15": set(),
    "summarise_budget": set(),
    "render_gif": {"imageio_ffmpeg"},
    "write_sets": {"astropy"},
    "plot_sequence": {"astropy", "imageio_ffmpeg", "jinja2", "matplotlib"},
    "write_audit": {"jinja2", "pandas", "requests", "rocrate"},
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


def test_a_block_is_calibrated_without_the_tables_of_astropy(tmp_path):
    """They and its coordinates, which they bring, are slower to import than ten frames are calibrated."""
    paths = freeze_tables(tmp_path)
    program = (
        "from pathlib import Path\n"
        "from aia_sequence.calibration import frozen, lookup, worker\n"
        f"lookup.Tables.read([Path({str(paths['pointing'])!r})], Path({str(paths['degradation'])!r}))\n"
        f"lookup.sigma_of_counts(211, frozen.read({str(paths['errors'])!r}))"
    )
    assert not imported(program) & {"astropy.table", "pandas"}


def test_plain_headers_are_read_without_astropy(tmp_path):
    """As are all that the archive writes: of frames that come, and of those that an audit tells of."""
    pixels = np.arange(5000, dtype=np.int16).reshape(50, 100)
    hdu = fits.CompImageHDU(pixels, fits.Header({"T_OBS": "2021-07-03T14:27:23.00Z", "BLANK": -32768}))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "a.fits", checksum=True)
    program = (
        "from aia_sequence.acquisition.arrival_checks import check_structure\n"
        "from aia_sequence.frames.hdus import image_header\n"
        f"for read in (check_structure, image_header): assert read({str(tmp_path / 'a.fits')!r})['NAXIS'] == 2\n"
    )
    assert "astropy" not in imported(program)


def test_metadata_of_the_embedded_archive_need_no_frames():
    """The model of the Sun and the camera, with their compiled loops, are for who asks for images."""
    program = (
        "from synthetic_jsoc.protocol import server\n"
        "from synthetic_jsoc.holdings import catalogue\n"
        "assert catalogue.records('aia.lev1_vis_1h', 200000, 200002)"
    )
    assert imported(program) == set()
