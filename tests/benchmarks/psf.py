"""Point spread function and deconvolution of one full-disk frame, by this workflow and by aiapy, beside each other.

Each part runs in a process of its own, one after another: seconds of CPU, wall-clock seconds, largest memory, and how
far the result is from aiapy's.

    python tests/benchmarks/psf.py [--iterations 25] [--folder …]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

CHANNEL, ACCELERATED = 211, 12  # 12 accelerated iterations do what 25 do without
SHAPE = (4096, 4096)
PARTS = ("aiapy-psf", "psf", "aiapy-deconvolve", "deconvolve", "accelerate")
LABELS = {
    "aiapy-psf": "`aiapy.psf.calculate_psf`",
    "psf": "`calculate_psf`",
    "aiapy-deconvolve": "`aiapy.psf.deconvolve`, {iterations} iterations",
    "deconvolve": "deconvolution, {iterations} iterations",
    "accelerate": "accelerated, {accelerated} iterations",
}


def frame():
    """Counts of a quiet Sun with a flare on it."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32) - 2047.5
    sun = np.where(np.hypot(x, y) < 1600, 150 + 50 * np.cos(x / 17) * np.sin(y / 23), 30)
    sun += 9000 * np.exp(-((x - 900) ** 2 + (y - 500) ** 2) / 200)
    return np.random.default_rng(1).poisson(sun).astype(np.int16)


def run(part, folder, iterations):
    """One part: the result is kept in the folder, and what it took is printed."""
    image = frame() if "psf" not in part else None
    if part == "aiapy-psf":
        import astropy.units as u
        from aiapy.psf import calculate_psf

        begin = now()
        result = calculate_psf(CHANNEL * u.angstrom)
        result = getattr(result, "value", result)
    elif part == "psf":
        import aiapy.psf  # noqa: F401 - its import is counted on neither side

        from aia_sequence.calibration import psf

        begin = now()
        result = psf.calculate(CHANNEL)
        psf.write(folder / "psf.fits", result, CHANNEL)
    elif part == "aiapy-deconvolve":
        import sunpy.map
        from aiapy.psf import deconvolve

        header = {"telescop": "SDO/AIA", "instrume": "AIA_2", "wavelnth": CHANNEL, "waveunit": "angstrom"}
        header |= {"date-obs": "2021-07-03T14:30:00", "cunit1": "arcsec", "cunit2": "arcsec", "lvl_num": 1.0}
        header |= {"ctype1": "HPLN-TAN", "ctype2": "HPLT-TAN", "cdelt1": 0.6, "cdelt2": 0.6, "crpix1": 2048.5}
        header |= {"crpix2": 2048.5, "crval1": 0, "crval2": 0, "exptime": 2.0, "hgln_obs": 0, "hglt_obs": 0}
        smap = sunpy.map.Map(image.astype(float), header | {"dsun_obs": 1.5e11})
        kernel = np.load(folder / "psf.npy")
        begin = now()
        result = deconvolve(smap, psf=kernel, iterations=iterations).data
    else:
        from aia_sequence.calibration.psf import Deconvolution

        begin = now()
        accelerated = part == "accelerate"
        result = Deconvolution(folder / "psf.fits", ACCELERATED if accelerated else iterations, accelerated)(
            image, None
        )
    wall, cpu = (after - before for after, before in zip(now(), begin, strict=True))
    np.save(folder / f"{part}.npy", result)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": cpu, "wall": wall, "mb": megabytes}))


def now():
    """Wall-clock and CPU seconds."""
    return time.perf_counter(), time.process_time()


def distance(part, folder):
    """How far a result is from aiapy's, in words."""
    if part.startswith("aiapy"):
        return ""
    ours, theirs = (
        np.load(folder / f"{name}.npy") for name in (part, f"aiapy-{part.replace('accelerate', 'deconvolve')}")
    )
    if part == "psf":
        return f"{np.abs(ours - theirs).max() / theirs.max():.1e} of the peak"
    scale = np.maximum(np.abs(theirs), np.percentile(theirs, 99))
    apart = np.abs(ours - theirs)
    return f"{(apart / scale).max():.1e} of the 99th percentile or the pixel, rms {np.sqrt((apart**2).mean()):.3f} DN"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=25)
    parser.add_argument("--folder", type=Path, help="where results are kept")
    options = parser.parse_args()
    print("| | CPU s | wall s | MB | from aiapy's |\n| --- | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            command = [sys.executable, __file__, part, folder, str(options.iterations)]
            said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            took = json.loads(said.splitlines()[-1])
            label = LABELS[part].format(iterations=options.iterations, accelerated=ACCELERATED)
            print(
                f"| {label} | {took['cpu']:.1f} | {took['wall']:.1f} | {took['mb']:.0f} | {distance(part, folder)} |",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in PARTS:
        warnings.simplefilter("ignore")
        run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
