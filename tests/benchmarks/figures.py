"""Time and memory of the figures as a sequence grows: `make bench-figures`.

Small synthetic frames suffice for the count; each sequence is drawn in a process of its own, as a job of the workflow
does, or in two more beside it.
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
PROCESSES = (1, 2)
REGION = {"x": [690, 990], "y": [240, 480]}
ROOM = 1.10


def run(processes: int, folder: Path) -> None:
    """Draw a sequence, and print how much memory and time that took."""
    import plot_sequence

    from aia_sequence.config.figure import FigureOptions

    start = time.perf_counter()
    files = {"lightcurve": "lightcurve.csv", "statistics": "statistics.json", "caption": "sequence.txt"}
    files |= {"png": "sequence.png", "pdf": "sequence.pdf", "mp4": "movie.mp4", "html": "viewer.html"}
    files |= {"lightcurve_png": "lightcurve.png", "lightcurve_pdf": "lightcurve.pdf"}
    plot_sequence.main(
        event="bench",
        channel=211,
        channels=[211],
        manifests=sorted(folder.glob("level1.5/211/*.csv")),
        records=sorted(folder.glob("records/211/*.csv")),
        region=REGION,
        options=FigureOptions(),
        threads=processes,
        files={kind: folder / name for kind, name in files.items()},
    )
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"{largest / 1024:.1f} {time.perf_counter() - start:.2f}")


def main() -> int:
    """Measure sequences of all lengths; the status says whether memory stayed flat."""
    from small_frames import write_sequence

    measured: dict[tuple[int, int], tuple[float, float]] = {}
    for count in COUNTS:
        folder = Path(tempfile.mkdtemp(prefix="bench-figures-"))
        try:
            write_sequence(folder, count)
            for processes in PROCESSES:
                command = [sys.executable, __file__, str(processes), str(folder)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                memory, seconds = map(float, done.stdout.split())
                measured[processes, count] = memory, seconds
                print(
                    f"{count} frames, {processes} at work: {memory:.0f} MB, {seconds:.1f} s",
                    file=sys.stderr,
                    flush=True,
                )
        finally:
            shutil.rmtree(folder)
    print(f"{'':18}" + "".join(f"{count:>10} frames    " for count in COUNTS) + "   growth")
    flat = True
    for processes in PROCESSES:
        row = [measured[processes, count] for count in COUNTS]
        growth = row[-1][0] / row[0][0]
        flat &= growth <= ROOM
        cells = "".join(f"{memory:9.0f} MB {seconds:6.1f} s " for memory, seconds in row)
        print(f"{f'{processes} at work':18}{cells}{growth:9.3f}")
    print("memory is flat" if flat else f"memory grows by more than {ROOM - 1:.0%}")
    return 0 if flat else 1


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        sys.exit(main())
