"""Jobs that are forked from one process are jobs as ever: each its own process, place, environment and end."""

import csv
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aia_sequence import jobhost

ROOT = Path(__file__).parents[2]
SNAKEFILE = """
from pathlib import Path
from aia_sequence import jobhost

jobhost.install(workflow, Path("scripts"))

rule all:
    input:
        expand("{name}.json", name=config["names"]),

rule told:
    input:
        lambda wildcards: "kills.json" if wildcards.name == "afterwards" else [],
    output:
        "{name}.json",
    benchmark:
        "{name}.tsv"
    threads: 2
    resources:
        tmpdir="mine",
    script:
        "scripts/told.py"
"""
SCRIPT = """
import json, os, signal, sys, time
import library

if "snakemake" in globals():
    import on_the_way

if __name__ == "__main__":
    name, found = snakemake.wildcards.name, {"process": os.getpid(), "parent": os.getppid(), "before": library.JOBS[:]}
    library.JOBS.append(name)
    found["shown"] = open("/proc/self/comm").read().strip()
    found |= {"folder": os.getcwd(), "file": __file__, "arguments": len(sys.argv)}
    found |= {key: os.environ.get(key) for key in ("OMP_NUM_THREADS", "TMPDIR", "HOME")}
    if name == "busy":
        while time.process_time() < 1.5:
            pass
    if name == "waits":
        print("waits", flush=True)
        time.sleep(60)
    if name == "fails":
        sys.exit("it cannot be done")
    if name == "breaks":
        raise ValueError("a defect")
    if name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "kills":  # what it was forked from, two processes above
        with open(f"/proc/{os.getppid()}/stat") as file:
            os.kill(int(file.read().rpartition(")")[2].split()[1]), signal.SIGKILL)
        time.sleep(0.2)
    with open(snakemake.output[0], "w") as file:
        json.dump(found, file)
"""
LIBRARY = """
import os
from pathlib import Path

JOBS = []
with open(Path(__file__).with_suffix(".txt").name, "a") as file:
    print(os.getpid(), file=file)
"""


@pytest.fixture
def call(tmp_path):
    """Starts a run of jobs of these names, which do what their name says; the process, whose streams are read."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "scripts" / "told.py").write_text(SCRIPT)
    for name in ("library", "on_the_way"):
        (tmp_path / "scripts" / f"{name}.py").write_text(LIBRARY)

    def start(*names, cores=1):
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--keep-going", "--nolock"]
        command += ["--config", f"names={json.dumps(names)}"]
        return subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    return start


def ended(run):
    """The exit status of a run, and what it said."""
    with run:
        _, said = run.communicate(timeout=120)
    return run.returncode, said


def told(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


def imports(folder, name="library"):
    """Which processes have imported a library."""
    return (folder / f"{name}.txt").read_text().split()


def time_of_children():
    """Processor time of processes that have ended and were waited for, seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def gone(process):
    """Whether a process has ended; it has some time for that."""
    for _ in range(100):
        if not Path(f"/proc/{process}").exists():
            return True
        time.sleep(0.05)
    return False


def test_jobs_are_processes_of_their_own_that_import_nothing_anew(call, tmp_path):
    run = call("first", "second", "busy", cores=2)
    status, said = ended(run)
    assert status == 0, said
    found = [told(tmp_path, name) for name in ("first", "second", "busy")]
    (host,) = imports(tmp_path)
    assert len({one["process"] for one in found} | {int(host)}) == 4
    assert [one["before"] for one in found] == [[], [], []], "nothing of a job is left for the next"
    for one in found:
        assert one["shown"] == "told"
        assert one["folder"] == str(tmp_path)
        assert one["file"] == str(tmp_path / "scripts" / "told.py")
        assert (one["arguments"], one["OMP_NUM_THREADS"], one["TMPDIR"]) == (1, "2", "mine")
        assert one["HOME"] == os.environ.get("HOME")
    assert gone(host)
    with (tmp_path / "busy.tsv").open() as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    assert float(row["max_rss"]) > 5
    assert float(row["cpu_time"]) > 0.5


def test_what_jobs_take_counts_as_their_runs(tmp_path):
    (tmp_path / "busy.py").write_text("import time\nwhile time.process_time() < 3:\n    pass\n")
    job = {"script": str(tmp_path / "none.py"), "file": str(tmp_path / "busy.py"), "folder": str(tmp_path)}
    before, host = time_of_children(), jobhost.Host()
    _, answers = host.begin(job | {"environment": dict(os.environ)})
    with answers:
        assert answers.recv(4, socket.MSG_WAITALL) == bytes(4)
    host.end()
    assert time_of_children() - before > 3


@pytest.mark.parametrize("name", ["fails", "breaks", "killed"])
def test_a_job_that_fails_fails_alone(call, tmp_path, name):
    run = call(name, "other")
    status, text = ended(run)
    assert status == 1
    assert {"fails": "it cannot be done", "breaks": "a defect", "killed": "exit status 137"}[name] in text
    assert not (tmp_path / f"{name}.json").exists()
    assert len(imports(tmp_path)) == 1
    assert told(tmp_path, "other")["process"]


def test_a_script_that_cannot_be_read_says_so_itself(call, tmp_path):
    script = tmp_path / "scripts" / "told.py"
    script.write_text(script.read_text().replace("import library", "import not_there"))
    run = call("first")
    status, said = ended(run)
    assert status == 1
    assert "No module named 'not_there'" in said


def test_what_a_job_imports_on_its_way_the_next_need_not_import(call, tmp_path):
    run = call("first", "second", "third")
    status, said = ended(run)
    assert status == 0, said
    assert len(imports(tmp_path, "on_the_way")) == 2  # the first job, and then the host
    assert imports(tmp_path, "on_the_way")[1:] == imports(tmp_path)


def test_jobs_go_on_without_the_host(call, tmp_path):
    run = call("kills", "afterwards")
    status, said = ended(run)
    assert status == 0, said
    assert len(imports(tmp_path)) == 2
    assert str(told(tmp_path, "afterwards")["process"]) == imports(tmp_path)[1]


def test_a_shell_with_a_prefix_of_its_own_runs_the_job(call, tmp_path):
    snakefile = tmp_path / "Snakefile"
    snakefile.write_text('shell.prefix("export HOME=elsewhere; ")\n' + snakefile.read_text())
    run = call("first", "second")
    status, said = ended(run)
    assert status == 0, said
    assert told(tmp_path, "first")["HOME"] == "elsewhere"
    assert len(imports(tmp_path)) == 2


def test_ctrl_c_stops_the_job_and_leaves_no_process(call, tmp_path):
    run = call("waits")
    assert run.stdout.readline() == "waits\n"
    os.killpg(run.pid, signal.SIGINT)
    assert ended(run)[0] != 0
    (host,) = imports(tmp_path)
    assert gone(host)
    assert not (tmp_path / "waits.json").exists()


def test_a_killed_run_leaves_no_host(call, tmp_path):
    run = call("waits")
    assert run.stdout.readline() == "waits\n"
    run.kill()
    (host,) = imports(tmp_path)
    jobs = Path(f"/proc/{host}/task/{host}/children").read_text().split()
    for watcher in jobs:
        for job in Path(f"/proc/{watcher}/task/{watcher}/children").read_text().split():
            os.kill(int(job), signal.SIGTERM)
    ended(run)
    assert gone(host)
