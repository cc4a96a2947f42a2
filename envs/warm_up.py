"""Compile what the first jobs import, and their kernels, once and before they start; the Makefile calls it.

They would do it one beside the other, each for itself. It is kept beside the modules; who installs the library in
another way does without.
"""

import importlib
import logging
import runpy
import tempfile
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"
FIRST = ("fetch_pointing", "fetch_degradation", "query_metadata", "filter_records", "download_level1")
FIRST += ("calibrate_level15", "plot_sequence", "write_audit")
# What these import when they are at work.
LATER = ("aia_sequence.acquisition.steps", "astropy.io.ascii.ecsv", "astropy.io.misc.yaml", "drms")
LATER += ("synthetic_jsoc.holdings.patch", "synthetic_jsoc.protocol.server")


def main() -> None:
    """Import what Snakemake and the worked example's jobs import, and call each kernel that they call."""
    import matplotlib.font_manager  # noqa: F401 - makes the list of fonts
    import snakemake.cli  # noqa: F401

    logging.disable(
        logging.INFO
    )  # what libraries tell of their work, where one of them gives Python's logging a handler
    for name in FIRST:
        runpy.run_path(str(SCRIPTS / f"{name}.py"))
    for name in LATER:
        importlib.import_module(name)
    calibrate()
    draw()
    print_text()


def calibrate() -> None:
    """Call the kernels of calibration, and of the uncertainty of a light curve."""
    import numpy as np

    from aia_sequence.calibration import sums, worker
    from aia_sequence.config.calibration import CalibrationOptions

    worker.load_kernels(CalibrationOptions(uncertainty=True, compression="rice"))
    header = {"CRPIX1": 4.5, "CRPIX2": 4.5, "REG_X": 4.5, "REG_Y": 4.5, "REG_SCL": 0.6, "REG_ROT": 0.0, "REGMETH": ""}
    sums.sum_uncertainty(np.ones((8, 8), np.float32), header)


def draw() -> None:
    """Have the embedded archive draw a frame of a flare, whose brightest pixels are saturated, and a part of it."""
    from synthetic_jsoc import times
    from synthetic_jsoc.camera import rice
    from synthetic_jsoc.holdings import catalogue, frames, model

    series = model.SERIES["aia.lev1_euv_12s"]
    slot = series.slots.index(times.parse_time("2021-07-03T14:29:11Z"))
    brightest = max(catalogue.records(series.name, slot, slot), key=lambda record: record["DATAMAX"])
    rice.compress(frames.image(brightest))
    frames.image(brightest, part=(slice(2300, 2400), slice(3100, 3200)))


def print_text() -> None:
    """Print a text to a PDF, for which matplotlib has a font cut to its letters."""
    import matplotlib

    from aia_sequence.figures.style import RC, new_figure, save

    with matplotlib.rc_context(RC), tempfile.TemporaryDirectory() as folder:
        figure = new_figure(20, 20)
        figure.text(0, 0, "DN s$^{-1}$")
        for kind in ("pdf", "png"):
            save(figure, Path(folder, f"text.{kind}"), 100)


if __name__ == "__main__":
    main()
