"""What catalogues of 1, 10 and 100 events cost: ten minutes of cut-outs in one channel each, from query to provenance.

The embedded archive runs as a process of its own, beside the workflow, and its processor time stands apart. It makes
one image of the Sun and gives it to every record, with the record's own header, so that frames cost next to nothing;
queries, exports, cut-outs, transfers and checks are what they always are. A first event, which is not counted, has the
kernels compiled. Processor time is that of the run and of all its jobs; files and bytes are those of results, logs and
tables, what Snakemake keeps included, linked files once.

    make bench-scale EVENTS="1 10"
"""

import argparse
import functools
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import calls
import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

WINDOW = timedelta(minutes=10)
CHANNEL = 171
FIRST = datetime(2011, 1, 1, 3, 5)
VARIABLE, ADDRESS = "BENCH_EMAIL", "bench@archive.test"
ENVIRONMENT = {**calls.ENVIRONMENT, VARIABLE: ADDRESS}


def serve(state: Path) -> None:
    """Run the archive until the process is told to end; its address is printed."""
    from synthetic_jsoc.camera import fitsfile
    from synthetic_jsoc.holdings import frames, model
    from synthetic_jsoc.protocol import server

    @functools.cache
    def pixels(channel):
        (record,) = holdings.records(series, slot, slot, [channel])
        return frames.image(record)

    class Copies(model.Archive):
        version = "one image"

        def write(self, record, segment, path, as_is, **_):
            fitsfile.write(path, *self.image(record, segment))

        def image(self, record, segment, full=None):
            return pixels(record["WAVELNTH"]), frames.described(record, segment)

    holdings = Copies(time.time)
    series = model.SERIES["aia.lev1_euv_12s"]
    slot = holdings.span(series)[0] + 1_000_000
    pixels(CHANNEL)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_utime, flush=True)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with server.running(state, model=holdings, registered={ADDRESS}) as running:
        print(running.url, flush=True)
        ended.wait()


def write_config(folder: Path, events: int, url: str) -> None:
    """Write a catalogue of events on different days, and its configuration."""
    lines = ["name,start,end"]
    for number in range(events):
        start = FIRST + number * timedelta(hours=21)
        lines.append(f"event-{number:05d},{start.isoformat()}Z,{(start + WINDOW).isoformat()}Z")
    folder.mkdir()
    (folder / "events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = {
        "archive": {"name": "local", "url": url, "email_variable": VARIABLE},
        "events": "events.csv",
        "max_records": 100,
        "defaults": {"channels": [CHANNEL], "cutout": True, "region": {"x": [0, 400], "y": [0, 400]}},
    }
    (folder / "scale.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def run(folder: Path) -> calls.Call:
    """Call the workflow as a user does, and measure it with all that it starts."""
    command = [sys.executable, "-m", "aia_sequence", "run", "scale.yaml"]
    return calls.measured(command, folder / "run.log", ENVIRONMENT)


def kept(folder: Path) -> tuple[int, float]:
    """How many files there are, and how many MB; files that are linked count once."""
    found = [path.lstat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    files = {(status.st_dev, status.st_ino): status.st_size for status in found}
    return len(found), sum(files.values()) / 1e6


def archive(folder: Path):
    """Start the archive; its process and address."""
    command = [sys.executable, __file__, "--serve", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    made = float(process.stdout.readline())
    return process, process.stdout.readline().strip(), made


def measure(folder: Path, events: int) -> str:
    """The line of the table for a number of events."""
    process, url, made = archive(folder / "archive")
    try:
        write_config(folder / "events", events, url)
        first = run(folder / "events")
        files, megabytes = kept(folder / "events")
        again = run(folder / "events")
    finally:
        process.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    served = usage.ru_utime + usage.ru_stime - made
    parts = (
        *(f"{events:7,}", f"{first.wall:8,.0f}", f"{first.cpu / events:9.1f}", f"{served / events:9.1f}"),
        *(f"{files / events:9.0f}", f"{megabytes / events:8.1f}", f"{first.memory:8.0f}", f"{again.wall:8.1f}"),
        f"{again.cpu:9.1f}",
    )
    return " ".join(parts)


def main() -> None:
    """Measure, and print a line for each number of events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--folder", type=Path, help="where it works; by default a folder for temporary files")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory(prefix="scale-", dir=arguments.folder) as folder:
        warmed = Path(folder, "warm")
        warmed.mkdir()
        measure(warmed, 1)
        print(f"{'':16} {'per event':^39} {'largest':>8} {'nothing to do':>18}")
        titles = ("events", 7), ("wall s", 8), ("CPU s", 9), ("archive s", 9), ("files", 9), ("MB", 8), ("MB RAM", 8)
        print(" ".join(f"{title:>{width}}" for title, width in (*titles, ("s", 8), ("CPU s", 9))))
        for events in arguments.events:
            place = Path(folder, str(events))
            place.mkdir()
            print(measure(place, events), flush=True)


if __name__ == "__main__":
    main()
