"""A run that is killed or stopped at any moment and repeated ends in the same bytes, and asks for nothing twice."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import warm
from running import Workflow

from aia_sequence.acquisition.cache import Cache
from aia_sequence.config.settings import load
from aia_sequence.files import sha256
from aia_sequence.instrument import series_of
from aia_sequence.planning.plan import Plan
from synthetic_jsoc.holdings.store import count_exports, read_log

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("AIA_KILLS", "3"))
SEED = int(os.environ.get("AIA_KILL_SEED", "1"))
# A minute of the worked example, three cut-out frames in two blocks; `make test-kill` takes all of it.
SHORT = {"start": "2021-07-03T14:27:20Z", "end": "2021-07-03T14:28:15Z", "cutout": True}
FEW = 10


def targets(workflow: Workflow) -> list[str]:
    """Manifests of level 1.5: with them stand all files of level 1 and 1.5."""
    event = workflow.event["name"]
    blocks = Plan(load(workflow.config)).blocks(event, series_of(211))
    return [f"results/{event}/level1.5/211/{label}.csv" for label in blocks]


def products(workflow: Workflow) -> dict[str, str]:
    """Hash of every file of levels 1 and 1.5 and of every manifest, by path."""
    found = {}
    for level in ("level1", "level1.5"):
        folder = workflow.results / level
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != ".snakemake_timestamp":
                found[str(path.relative_to(workflow.results))] = sha256(path)
    return found


def start(workflow: Workflow, **environment: str) -> subprocess.Popen:
    """Start a run in a process group of its own, by our command, which answers Ctrl-C from its first moment."""
    command = [sys.executable, "-m", "aia_sequence", "run", *workflow.arguments("--nolock", *targets(workflow))]
    with (workflow.folder / "run.log").open("w") as log:
        return subprocess.Popen(
            command, cwd=workflow.folder, env=os.environ | environment,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            # What was started in the background ignores Ctrl-C, and so would the run.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip


def members(group: int) -> list[int]:
    """Processes of a group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def kill(run: subprocess.Popen) -> None:
    """End a run and all its jobs at once, as a power cut would."""
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    while members(run.pid):
        time.sleep(0.01)


def interrupt(run: subprocess.Popen, log: Path) -> None:
    """Ctrl-C, which the terminal sends to the run and to all its jobs; it ends soon, with a sentence."""
    os.killpg(run.pid, signal.SIGINT)
    run.wait(timeout=120)
    text = log.read_text(encoding="utf-8")
    assert "Traceback" not in text
    assert run.returncode == 0 or "Stopped; what is done is kept; run again to go on." in text, text


def verified(workflow: Workflow) -> set[str]:
    """Records whose image the cache holds intact."""
    cache = Cache(workflow.folder / "resources" / "level1")
    return {path.name.removesuffix(".json") for path in (cache.root / "records").rglob("*.json")}


def cached_name(record: str) -> str:
    """The beginning of a record's name in the cache: clock and channel."""
    time_text, channel = record.partition("{")[0].split("[")[1:3]  # a cut-out one names its request too
    return f"{time_text.partition('T')[2].rstrip(']').replace(':', '')}.{channel.rstrip(']')}."


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The worked example, never interrupted, and its seconds, with libraries that are imported before."""
    workflow = Workflow.example(tmp_path_factory.mktemp("undisturbed"), block="1m" if KILLS <= FEW else "3m")
    if KILLS <= FEW:
        workflow = workflow.changed(**SHORT)
    begin = time.monotonic()
    run = start(workflow, **warm.environment())
    assert run.wait() == 0, (workflow.folder / "run.log").read_text()
    yield workflow, time.monotonic() - begin
    shutil.rmtree(workflow.folder)


def test_a_run_killed_at_random_moments_ends_like_one_that_was_not(undisturbed, tmp_path):
    """Kills are counted, and not runs: when one comes to its end between two of them, all begins anew."""
    whole, seconds = undisturbed
    moments, killed = random.Random(SEED), 0
    while killed < KILLS:
        workflow = Workflow(tmp_path / str(killed), whole.config)
        state = workflow.folder / "resources" / "synthetic" / "archive"
        known, seen, twice, ended = set(), 0, [], False
        while not ended:
            run = start(workflow)
            try:
                # When all kills are done, the last run is left in peace.
                run.wait(timeout=moments.uniform(0.5, max(8.0, 0.6 * seconds)) if killed < KILLS else None)
                ended = True
            except subprocess.TimeoutExpired:
                if killed % 2:
                    interrupt(run, workflow.folder / "run.log")
                else:
                    kill(run)
                killed += 1
            log = read_log(state)
            twice += again(log[seen:], known)
            known, seen = verified(workflow), len(log)
        assert run.returncode == 0, (workflow.folder / "run.log").read_text()
        assert products(workflow) == products(whole)
        assert twice == []
        assert set(count_exports(state).values()) == {1}
        assert not list(workflow.results.rglob("*.part")) + list(workflow.results.rglob(".*.arriving"))
        shutil.rmtree(workflow.folder)


def again(log: list[dict], known: set[str]) -> list[str]:
    """Files in a stretch of the archive's log whose records had been verified before it began."""
    asked = [entry["record"] for entry in log if entry["op"] == "file" and entry["record"]]
    return [record for record in asked if any(name.startswith(cached_name(record)) for name in known)]
