"""The installation compiles all that the first events call: jobs side by side would each compile it for themselves."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A kernel that is compiled, or loaded from what was compiled, has a signature of the types that it was called with.
PROGRAM = """
import gc, json, pathlib, runpy, sys
from numba.core.dispatcher import Dispatcher

def kernels():
    return {
        f"{one.py_func.__module__}.{one.py_func.__qualname__}{signature}"
        for one in gc.get_objects() if isinstance(one, Dispatcher) for signature in one.signatures
    }

root, folder = map(pathlib.Path, sys.argv[1:3])
sys.path[:0] = [str(root / "tests"), str(root / "scripts")]
runpy.run_path(root / "envs" / "warm_up.py")["main"]()
warmed = kernels()
from stages import Event
imported = set(sys.modules)
for entry in json.loads(sys.argv[3]):
    event = Event(root, folder, entry)
    event.make() if event.options["uncertainty"] else event.level15()  # which light curves sum up
    assert list(folder.glob(f"{entry['name']}/level1.5/131/*/*.fits"))
print(json.dumps([sorted(kernels() - warmed), sorted(set(sys.modules) - imported)]))
"""
WINDOW = {"start": "2021-07-03T14:29:00Z", "end": "2021-07-03T14:29:12Z", "channels": [131]}  # a flare's peak
REGION = {"x": [810, 870], "y": [315, 375]}
EVENTS = [
    {"name": "a-cut-out", "cutout": True},
    {"name": "its-uncertainty", "cutout": True, "calibration": {"uncertainty": True}},
    {"name": "the-full-disk"},
]


def test_the_first_events_compile_nothing(tmp_path):
    events = json.dumps([event | WINDOW | {"region": REGION} for event in EVENTS])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ROOT, tmp_path, events], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    compiled, imported = json.loads(done.stdout.splitlines()[-1])
    assert compiled == []
    assert len(imported) < 10, imported  # of three thousand; each would be compiled by whichever jobs import it first
