"""Compile what the first jobs import, and their kernels, once and before they start; the Makefile calls it.

They would do it one beside the other, each for itself. It is kept beside the modules; who installs the library in
another way does without.
"""

import runpy
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"
FIRST = ("fetch_pointing", "fetch_degradation", "query_metadata", "filter_records", "download_level1")
FIRST += ("calibrate_level15", "plot_sequence", "write_audit")


def main() -> None:
    """Import what Snakemake and the worked example's jobs import, and call each kernel on next to nothing."""
    import matplotlib.font_manager  # noqa: F401 - makes the list of fonts
    import numpy as np
    import snakemake.cli  # noqa: F401

    from aia_sequence.calibration import block, worker  # noqa: F401
    from aia_sequence.config.calibration import CalibrationOptions
    from synthetic_jsoc.camera import detector, rice
    from synthetic_jsoc.protocol import server  # noqa: F401
    from synthetic_jsoc.sun.scene import Scene

    for name in FIRST:
        runpy.run_path(str(SCRIPTS / f"{name}.py"))
    worker.load_kernels(CalibrationOptions(compression="rice"))
    image = Scene(211, 1404224720.0).on([2000, 2000, 1, 0, 0, 1], (32, 32))
    counts = detector.expose(image, 1.0, (1.0, 1.0, 1.0), 1)
    rice.compress(counts)
    assert np.isfinite(image).all()


if __name__ == "__main__":
    main()
