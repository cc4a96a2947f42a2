"""What a user deletes is made again, with all that depends on it, and nothing else is."""

import shutil
from collections import Counter

import pytest
from running import Workflow

pytestmark = pytest.mark.slow

CHANNELS = [193, 211]
# What is measured of a sequence is made together with what is drawn of it, and other figures depend on it.
DRAWN = ["plot_sequence", "plot_difference", "plot_channels"]
ANALYSED = ["trace_slit", "write_cube", "write_sets"]
FOLDER = "figures/211"
BLOCK = "level1.5/211/20110101T0300"
# Of each product, the rules that have to run when it is gone.
RULES = {
    f"{FOLDER}/lightcurve.csv": DRAWN,
    f"{FOLDER}/statistics.json": DRAWN,
    f"{FOLDER}/lightcurve.png": DRAWN,
    f"{FOLDER}/lightcurve.pdf": DRAWN,
    f"{FOLDER}/sequence.png": DRAWN,
    f"{FOLDER}/sequence.pdf": DRAWN,
    f"{FOLDER}/sequence.txt": DRAWN,
    f"{FOLDER}/movie.mp4": DRAWN,
    f"{FOLDER}/difference-running.png": ["plot_difference"],
    f"{FOLDER}/difference-running.pdf": ["plot_difference"],
    f"{FOLDER}/difference-running.txt": ["plot_difference"],
    f"{FOLDER}/difference-running.mp4": ["plot_difference"],
    f"{FOLDER}/slits/loop.nc": ["trace_slit"],
    f"{FOLDER}/slits/loop.png": ["trace_slit"],
    f"{FOLDER}/slits/loop.pdf": ["trace_slit"],
    f"{FOLDER}/slits/loop.txt": ["trace_slit"],
    f"{FOLDER}/viewer.html": DRAWN,
    "figures/channels.png": ["plot_channels"],
    "figures/channels.pdf": ["plot_channels"],
    "figures/channels.txt": ["plot_channels"],
    BLOCK: ["calibrate_level15", *DRAWN, *ANALYSED],
    f"{BLOCK}.csv": ["calibrate_level15", *DRAWN, *ANALYSED],
    "cubes/211.nc": ["write_cube"],
    "cubes/sets.csv": ["write_sets"],
    "audit.html": [],
    "ro-crate-metadata.json": [],
}


def test_every_product_that_is_gone_is_made_again_with_what_depends_on_it(tmp_path):
    # One event for each product, all of the same hour.
    window = {"start": "2011-01-01T03:05:00Z", "end": "2011-01-01T03:06:00Z", "channels": CHANNELS}
    window |= {"cube": "seen", "figure": {"difference": ["running"]}, "slits": {"loop": {"points": [[0, 0], [90, 9]]}}}
    config = {"events": [{"name": f"event-{number}", **window} for number in range(len(RULES))]}
    workflow = Workflow.finished(tmp_path, config)

    for number, product in enumerate(RULES):
        path = tmp_path / "results" / f"event-{number}" / product
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    run = workflow.run("--dry-run")
    assert run.status == 0, run.output
    assert run.jobs == Counter([rule for rules in RULES.values() for rule in [*rules, "write_audit"]])
