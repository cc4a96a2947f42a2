"""Time and memory of the figures as a sequence grows: `make bench-figures`.

Small synthetic frames suffice for the count; each product runs in a process of its own, as a job of the workflow does.
The largest resident size may not grow by more than a tenth from the shortest sequence to the longest.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

COUNTS = (20, 200, 1000)
PRODUCTS = ("measure_sequence", "plot_sequence", "render_movie", "build_viewer")
REGION = {"x": [690, 990], "y": [240, 480]}
ROOM = 1.10


def run(product: str, folder: Path) -> None:
    """Make one product of a sequence, and print how much memory and time that took."""
    import importlib

    from aia_sequence.config.figure import FigureOptions

    start = time.perf_counter()
    inputs = {"lightcurve": folder / "lightcurve.csv", "statistics": folder / "statistics.json"}
    frames = {
        "manifests": sorted(folder.glob("level1.5/211/*.csv")),
        "region": REGION,
    }
    arguments = {
        "measure_sequence": {**frames, **inputs, "records": sorted(folder.glob("records/211/*.csv"))},
        "plot_sequence": {**frames, **inputs, **{kind: folder / f"sequence.{kind}" for kind in ("png", "pdf")}}
        | {"caption": folder / "sequence.txt"}
        | {f"lightcurve_{kind}": folder / f"lightcurve.{kind}" for kind in ("png", "pdf")},
        "render_movie": {**frames, **inputs, "mp4": folder / "movie.mp4"},
        "build_viewer": {**frames, **inputs, "channels": [211], "html": folder / "viewer.html"},
    }[product]
    importlib.import_module(product).main(event="bench", channel=211, options=FigureOptions(), **arguments)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{memory:.1f} {time.perf_counter() - start:.2f}")


def main() -> int:
    """Measure all products and sequence lengths; the status says whether memory stayed flat."""
    from small_frames import write_sequence

    measured: dict[tuple[str, int], tuple[float, float]] = {}
    for count in COUNTS:
        folder = Path(tempfile.mkdtemp(prefix="bench-figures-"))
        try:
            write_sequence(folder, count)
            for product in PRODUCTS:
                command = [sys.executable, __file__, product, str(folder)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                memory, seconds = map(float, done.stdout.split())
                measured[product, count] = memory, seconds
                print(f"{product} of {count} frames: {memory:.0f} MB, {seconds:.1f} s", file=sys.stderr, flush=True)
        finally:
            shutil.rmtree(folder)
    print(f"{'':18}" + "".join(f"{count:>10} frames    " for count in COUNTS) + "   growth")
    flat = True
    for product in PRODUCTS:
        row = [measured[product, count] for count in COUNTS]
        growth = row[-1][0] / row[0][0]
        flat &= growth <= ROOM
        cells = "".join(f"{memory:9.0f} MB {seconds:6.1f} s " for memory, seconds in row)
        print(f"{product:18}{cells}{growth:9.3f}")
    print("memory is flat" if flat else f"memory grows by more than {ROOM - 1:.0%}")
    return 0 if flat else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(main())
