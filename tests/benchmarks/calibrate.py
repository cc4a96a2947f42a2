"""Calibration against the gallery's own loop: the same synthetic frames, in one run, on the same cores.

The gallery's loop is what the aiapy documentation shows: Map, update_pointing, register, correct_degradation, division
by the exposure time, save; one frame after another in one process, as a user would run it. Whoever has two cores could
start two such processes, each with half of the frames: that figure is given as well. Both sides are started as
processes of their own, so their imports count; a job of a run finds them done, which is given as well. Compiled kernels
come from their cache, as they do from the second block on. Times are wall-clock seconds, and beside them seconds of
CPU, which a busy machine disturbs less.

    python tests/benchmarks/calibrate.py [--frames 20] [--processes 2] [--repeat 3] [--growth 100] [--cutouts]
        [--folder …]
"""

import argparse
import csv
import json
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
START = datetime(2021, 7, 3, 14, 25, tzinfo=UTC)
CHANNEL = 211
SECONDS_TO_1993 = 504_921_600  # seconds
STAGES = ("decode", "prefilter", "resample", "statistics", "encode", "acceptance")


def make_frames(folder, number):
    """Write synthetic level-1 frames and tables, unless they are there; rows of the level-1 manifest."""
    from aia_sequence.archive.client import open_archive
    from aia_sequence.calibration import fetch, tables
    from aia_sequence.files import sha256
    from aia_sequence.instrument import series_of
    from aia_sequence.slots import slot_number
    from aia_sequence.times import tai_seconds
    from synthetic_jsoc.holdings import catalogue, frames

    (folder / "level1").mkdir(parents=True, exist_ok=True)
    series = series_of(CHANNEL)
    begin = slot_number(series, tai_seconds(START)) - SECONDS_TO_1993 // series.step  # the archive counts from 1993
    rows = []
    for record in catalogue.records(series.name, begin, begin + number - 1, [CHANNEL]):
        header = frames.header(record)
        path = folder / "level1" / f"frame{record['T_REC_index']}.image_lev1.fits"
        if not path.exists():
            frames.write_fits(record, path)
        rows.append({
            "file": path.name, "record": f"{series.name}[{header['T_REC']}][{CHANNEL}]", "T_REC": header["T_REC"],
            "T_OBS": header["T_OBS"], "WAVELNTH": CHANNEL, "EXPTIME": header["EXPTIME"], "QUALITY": 0,
            "bytes": path.stat().st_size, "sha256": sha256(path), "request": "", "reason": "",
        })  # fmt: skip
    if not (folder / "degradation.ecsv").exists():
        with open_archive("synthetic", folder / "archive") as archive, archive.as_jsoc():
            tables.freeze(folder / "pointing.ecsv", *pick(fetch.pointing(START.strftime("%Y%m%d"))))
            tables.freeze(folder / "degradation.ecsv", *pick(fetch.degradation()))
    return rows


def pick(fetched):
    table, source = fetched
    return table, "synthetic", source


def ours(folder, number, processes):
    """Calibrate a block; what `calibrate_level15` does."""
    from aia_sequence.calibration.block import calibrate_block
    from aia_sequence.calibration.job import CalibrationJob
    from aia_sequence.calibration.lookup import Tables
    from aia_sequence.calibration.stages import Stages
    from aia_sequence.config.calibration import CalibrationOptions
    from aia_sequence.lists.manifests import LEVEL1, LEVEL15

    stages, out = Stages(), folder / "ours"
    stages.seconds["start-up"] = time.perf_counter() - STARTED
    rows = LEVEL1.read(folder / "level1.csv")[:number]
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    tables = Tables.read([folder / "pointing.ecsv"], folder / "degradation.ecsv")
    job = CalibrationJob(folder / "level1", out, CalibrationOptions(), tables)
    LEVEL15.write(out.with_suffix(".csv"), calibrate_block(rows, job, processes, stages))
    return report(stages.seconds)


def ours_in_run(folder, number, processes):
    """The same as a job of a run: forked from a process that has imported what it needs (`aia_sequence.jobhost`)."""
    from aia_sequence.calibration import worker  # noqa: F401 - the block imports it

    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as host:
        began = time.perf_counter()
        told = host.submit(ours, folder, number, processes).result()
        return told | {"wall": time.perf_counter() - began}


def gallery(folder, first, number):
    """The loop of aiapy's documentation over some of the frames."""
    import sunpy.map
    from aiapy.calibrate import correct_degradation, register, update_pointing

    from aia_sequence.calibration.tables import thaw

    stages = {"start-up": time.perf_counter() - STARTED}
    pointing, degradation = thaw(folder / "pointing.ecsv"), thaw(folder / "degradation.ecsv")
    with open(folder / "level1.csv", encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file)][first : first + number]
    (folder / "gallery").mkdir(exist_ok=True)
    for name in names:
        smap = sunpy.map.Map(folder / "level1" / name)
        smap = update_pointing(smap, pointing_table=pointing)
        smap = register(smap)
        smap = correct_degradation(smap, correction_table=degradation)
        smap = smap / smap.exposure_time
        smap.save(folder / "gallery" / name, overwrite=True)
    return report(stages)


def report(stages):
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in (own, children))
    # A process inherits ru_maxrss from the one that started it; the peak of its own memory stands in /proc.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own_kb = int(status.split("VmHWM:")[1].split()[0])
    return {"stages": stages, "cpu": cpu, "mb": max(own_kb, children.ru_maxrss) / 1024}


def timed(*commands):
    """Run processes side by side; wall-clock seconds, CPU seconds, largest process (MB), what they report.

    What was written before is on the disk by then: it would be written at the cost of whoever waits for his own files.
    """
    os.sync()
    began = time.perf_counter()
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, *map(str, command)], stdout=subprocess.PIPE, text=True
        )
        for command in commands
    ]
    told = [json.loads(process.communicate()[0].splitlines()[-1]) for process in running]
    if any(process.returncode for process in running):
        raise SystemExit("a process of the benchmark failed")
    return {
        "wall": told[0].get("wall", time.perf_counter() - began),
        "cpu": sum(one["cpu"] for one in told),
        "mb": max(one["mb"] for one in told),
        "stages": told[0]["stages"],
    }


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def compare(folder, number, processes, repeat):
    """Both loops over the same frames; a table of medians and ratios."""
    timed(("ours", folder, 2, processes))  # compiles the kernels, once for this machine
    sides = {"gallery": [], "gallery-2": [], "ours": [], "ours-in-run": []}
    half = number // 2
    for _ in range(repeat):
        for side in ("ours", "ours-in-run"):
            sides[side].append(timed((side, folder, number, processes)))
        sides["gallery"].append(timed(("gallery", folder, 0, number)))
        sides["gallery-2"].append(timed(("gallery", folder, 0, half), ("gallery", folder, half, number - half)))
    labels = {
        "gallery": "gallery's loop, one process",
        "gallery-2": "gallery's loop, two processes",
        "ours": f"this workflow, {processes} processes",
        "ours-in-run": "the same as a job of a run, which finds imports done",
    }
    print(f"\n{number} full-disk frames, medians of {repeat} runs, start-up included; {machine()}\n")
    print("| | wall s | wall s per frame | CPU s per frame | largest process MB | ratio (wall) | ratio (CPU) |")
    print("|---|---|---|---|---|---|---|")
    base = {key: median(sides["ours"], key) for key in ("wall", "cpu")}
    for side, label in labels.items():
        wall, cpu = median(sides[side], "wall"), median(sides[side], "cpu")
        print(
            f"| {label} | {wall:.1f} | {wall / number:.2f} | {cpu / number:.2f} | {median(sides[side], 'mb'):.0f} "
            f"| {wall / base['wall']:.1f} | {cpu / base['cpu']:.1f} |"
        )
    stages = sides["ours"][0]["stages"]
    print("\nStages of this workflow, s per frame in one process:")
    print(", ".join(f"{stage} {stages.get(stage, 0.0) / number:.3f}" for stage in STAGES))
    print(f"Once per block: start-up {stages['start-up']:.1f} s, kernels {stages['kernels']:.1f} s")


def growth(folder, processes, counts):
    """Time and memory as a block grows."""
    print("\n| frames | wall s | wall s per frame | CPU s per frame | largest process MB |\n|---|---|---|---|---|")
    runs = [timed(("ours", folder, number, processes)) for number in counts]
    for number, run in zip(counts, runs, strict=True):
        per_frame = f"{run['wall'] / number:.2f} | {run['cpu'] / number:.2f}"
        print(f"| {number} | {run['wall']:.1f} | {per_frame} | {run['mb']:.0f} |")

    further = [(runs[-1][key] - runs[0][key]) / (counts[-1] - counts[0]) for key in ("wall", "cpu")]
    print(f"\nEach further frame: {further[0]:.2f} s, {further[1]:.2f} s of CPU")


def cutouts(folder, repeat):
    """Cut-out frames of two channels with uncertainties, from query to level 1.5: the first time ever, and later.

    The first time nothing is compiled but what the installation compiles, which is told of by itself: caches of modules
    and kernels are folders of their own here.
    """
    channels, place = (171, 211), folder / "cutouts"
    event = {
        "name": "flare", "start": "2021-07-03T14:27:00Z", "end": "2021-07-03T14:27:24Z", "channels": list(channels),
        "region": {"x": [650, 1050], "y": [150, 550]}, "cutout": True, "calibration": {"uncertainty": True},
    }  # fmt: skip
    caches = {"PYTHONPYCACHEPREFIX": str(folder / "modules"), "NUMBA_CACHE_DIR": str(folder / "kernels")}
    targets = [f"results/flare/level1.5/{channel}/20210703T1400.csv" for channel in channels]
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "2", "--quiet", "all"]
    environment = {**os.environ, **caches}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's modules are compiled once
    for path in caches.values():
        shutil.rmtree(path, ignore_errors=True)
    print(f"\n| {len(channels)} channels of 3 cut-out frames, to level 1.5 | wall s | CPU s |\n|---|---|---|")
    run = [*command, "--configfile", "config.json", "--", *targets]
    install = [sys.executable, ROOT / "envs" / "warm_up.py"]
    for label in ("the installation's part", "first", *["later"] * repeat):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        (place / "config.json").write_text(json.dumps({"events": [event]}), encoding="utf-8")
        began, used = time.perf_counter(), children_cpu()
        called = install if label == "the installation's part" else run
        subprocess.run(called, cwd=place, env=environment, check=True, stdout=subprocess.DEVNULL)
        print(f"| {label} | {time.perf_counter() - began:.1f} | {children_cpu() - used:.1f} |")


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, load {os.getloadavg()[0]:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--growth", type=int, default=0, help="also a block of 10 and one of this many frames")
    parser.add_argument("--cutouts", action="store_true", help="also cut-out frames through the whole workflow")
    parser.add_argument("--folder", type=Path, help="where frames are kept from run to run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        from aia_sequence.lists.manifests import LEVEL1

        folder.mkdir(parents=True, exist_ok=True)
        LEVEL1.write(folder / "level1.csv", make_frames(folder, max(options.frames, options.growth)))
        compare(folder, options.frames, options.processes, options.repeat)
        if options.growth:
            growth(folder, options.processes, (10, options.growth))
        if options.cutouts:
            cutouts(folder, options.repeat)


if __name__ == "__main__":
    STARTED = time.perf_counter()
    parts = {"ours": ours, "ours-in-run": ours_in_run, "gallery": gallery}
    if len(sys.argv) > 1 and sys.argv[1] in parts:
        place, *numbers = sys.argv[2:]
        print(json.dumps(parts[sys.argv[1]](Path(place), *map(int, numbers))))
    else:
        main()
