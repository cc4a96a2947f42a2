"""Jobs that are forked from one process are jobs as ever: each its own process, place, environment and end."""

import csv
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
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
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # however the tests were started
        )  # fmt: skip

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


@pytest.mark.parametrize("line", ['shell.prefix("export HOME=elsewhere; ")', 'shell.executable("./elsewhere")'])
def test_a_shell_of_the_workflow_runs_the_job(call, tmp_path, line):
    shell = tmp_path / "elsewhere"
    shell.write_text('#!/bin/sh\nexport HOME=elsewhere\nexec bash "$@"\n')
    shell.chmod(0o755)
    snakefile = tmp_path / "Snakefile"
    snakefile.write_text(line.replace("./", f"{tmp_path}/") + "\n" + snakefile.read_text())
    run = call("first", "second")
    status, said = ended(run)
    assert status == 0, said
    assert told(tmp_path, "first")["HOME"] == "elsewhere"
    assert len(imports(tmp_path)) == 2


def test_modules_of_another_folder_of_scripts_are_not_mixed_up(call, tmp_path):
    shutil.copytree(tmp_path / "scripts", tmp_path / "others")
    other = tmp_path / "others" / "library.py"
    other.write_text(other.read_text().replace("JOBS = []", "JOBS = ['another library']"))
    rules = 'wildcard_constraints:\n    name="[a-z]+",\n\n' + SNAKEFILE
    (tmp_path / "another.smk").write_text(rules.replace('"scripts', '"others').replace('"{name}', '"another-{name}'))
    more = 'module another:\n    snakefile: "another.smk"\n    config: config\n\nuse rule * from another as another_*\n'
    rules = rules.replace('expand("{name}.json"', 'expand(["{name}.json", "another-{name}.json"]')
    (tmp_path / "Snakefile").write_text(f"{rules}\n{more}")
    run = call("first", "second")
    status, said = ended(run)
    assert status == 0, said
    assert [told(tmp_path, name)["before"] for name in ("first", "second")] == [[], []]
    assert [told(tmp_path, f"another-{name}")["before"] for name in ("first", "second")] == [["another library"]] * 2
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


# What a script does, and how. Each is run as a job and by a Python of its own.
SCRIPTS = {
    "leaves a file open": """
        def unused(): pass
        file = open("made", "w")
        file.write("whole")
    """,
    "leaves a compressed file open": """
        import gzip
        def unused(): pass
        file = gzip.GzipFile("made", "wb", mtime=0)
        file.write(b"whole")
    """,
    "leaves a file open in a circle of objects": """
        class Holder: pass
        holder = Holder()
        holder.itself, holder.file = holder, open("made", "w")
        holder.file.write("whole")
    """,
    "fails with a file open": """
        def work():
            file = open("made", "w")
            file.write("whole")
            raise ValueError("a defect")
        work()
    """,
    "ends with a file open": """
        import sys
        def work():
            file = open("made", "w")
            file.write("whole")
            sys.exit(3)
        work()
    """,
    "leaves a process at work": """
        import multiprocessing, time
        def work():
            time.sleep(0.2)
            open("made", "w").write("by another")
        multiprocessing.get_context("fork").Process(target=work).start()
    """,
    "starts processes that import it": """
        import multiprocessing
        def work(number):
            return number + 1
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(work, [1, 2]))
    """,
    "leaves a thread at work": """
        import threading, time
        def work():
            time.sleep(0.2)
            open("made", "w").write("by another")
        threading.Thread(target=work).start()
    """,
    "leaves a temporary folder": """
        import tempfile
        folder = tempfile.TemporaryDirectory(dir=".")
    """,
    "leaves messages that are to be written": """
        import logging.handlers
        logging.root.addHandler(logging.handlers.MemoryHandler(9, target=logging.FileHandler("made")))
        logging.warning("whole")
    """,
    "has something to do in the end": """
        import atexit, pickle
        class Thing: pass
        atexit.register(lambda: print(type(pickle.loads(pickle.dumps(Thing())))))
    """,
    "prints elsewhere after a while": """
        import sys
        print("here")
        sys.stdout = open("made", "w")
        print("there")
    """,
    "prints into its log": """
        import sys
        with open("made", "w") as file:
            sys.stdout = sys.stderr = file
            print("here")
    """,
    "prints no more": """
        import sys
        sys.stdout.close()
    """,
    "does not ask whether it is run": """
        print("begun")
        with open("made", "a") as file:
            file.write("once")
    """,
    "ends unless it is run": """
        import sys
        if __name__ != "__main__":
            sys.exit("run me")
    """,
    "knows its place": """
        import sys
        print(__file__, __name__, __spec__, sys.argv, sys.modules["__main__"].__file__, sys.path[0])
    """,
    "lets itself be interrupted": """
        import os, signal
        print(signal.getsignal(signal.SIGINT))
    """,
} | {f"ends with {code}": f"raise SystemExit({code})" for code in ("None", "3", "-1", "256", "2**40", "'why'", "1.5")}


class Hosted:
    """A host, and what its jobs print."""

    def __init__(self, folder):
        self.host = jobhost.Host()
        self.streams = [folder / name for name in ("printed", "errors")]
        ours = [os.dup(number) for number in (1, 2)]
        try:
            for number, path in enumerate(self.streams, 1):
                with path.open("a") as stream:
                    os.dup2(stream.fileno(), number)
            self.run(folder, "import numpy.random")  # the host starts
        finally:
            for number, one in enumerate(ours, 1):
                os.dup2(one, number)
                os.close(one)

    def run(self, folder, text, **environment):
        """The exit status of a script, what it printed, and its errors."""
        known = [len(path.read_text()) for path in self.streams]
        (folder / "script.py").write_text(textwrap.dedent(text))
        path, places = str(folder / "script.py"), {"folder": str(folder), "environment": dict(os.environ) | environment}
        _, answers = self.host.begin({"script": path, "file": path} | places)
        with answers:
            status = int.from_bytes(answers.recv(4, socket.MSG_WAITALL))
        return status, *(path.read_text()[length:] for path, length in zip(self.streams, known, strict=True))


@pytest.fixture
def own_host(tmp_path):
    """A host that is started in this very environment."""
    one = Hosted(tmp_path)
    yield one
    one.host.end()


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONUNBUFFERED", raising=False)
        one = Hosted(tmp_path_factory.mktemp("host"))
        yield one
        one.host.end()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_job_does_and_leaves_what_its_script_does_in_a_python_of_its_own(hosted, tmp_path, name):
    found, folder = [], tmp_path / "here"
    for alone in (False, True):
        folder.mkdir()
        if alone:
            (folder / "script.py").write_text(textwrap.dedent(SCRIPTS[name]))
            run = subprocess.run([sys.executable, folder / "script.py"], cwd=folder, capture_output=True, text=True)
            status, printed, errors = run.returncode % 256, run.stdout, run.stderr
        else:
            status, printed, errors = hosted.run(folder, SCRIPTS[name])
        left = {path.name: path.read_bytes() for path in folder.iterdir()}
        found.append((status, printed, errors.splitlines()[-1:], left))
        shutil.rmtree(folder)
    assert found[0] == found[1]


def test_what_a_script_sets_at_its_begin_is_not_set_for_another(hosted, tmp_path):
    assert hosted.run(tmp_path, "import warnings\nwarnings.simplefilter('error')\n")[0] == 0
    (tmp_path / "other").mkdir()
    text = "import warnings\nwarnings.warn('an older way')\nprint('goes on')\n"
    assert hosted.run(tmp_path / "other", text)[1] == "goes on\n"


def test_jobs_draw_random_numbers_of_their_own(hosted, tmp_path):
    text = "import numpy, random, sys\nprint('numpy.random' in sys.modules, random.random(), numpy.random.rand())\n"
    first, second = (hosted.run(tmp_path, text)[1].splitlines()[-1].split() for _ in range(2))
    assert first[0] == "True", "numpy's are imported in the host"
    assert first[1] != second[1]
    assert first[2] != second[2]


def test_temporary_files_lie_where_those_of_the_job_do(hosted, tmp_path):
    (tmp_path / "asks.py").write_text("import tempfile\nwhere = tempfile.gettempdir()\n")
    (tmp_path / "mine").mkdir()
    text = "import asks, tempfile\nprint(tempfile.gettempdir())\n"
    assert hosted.run(tmp_path, text, TMPDIR=str(tmp_path / "mine"))[1] == f"{tmp_path}/mine\n"


def test_a_run_that_ctrl_c_does_not_stop_has_jobs_that_it_does_not_stop(tmp_path):
    """A shell has it ignored by what it starts with `&`, but sends it to all processes."""
    text = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nprint('goes on')\n"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        one = Hosted(tmp_path)
        os.kill(one.host._process.pid, signal.SIGINT)
        found = one.run(tmp_path, text)
        one.host.end()
    finally:
        signal.signal(signal.SIGINT, before)
    assert found == (0, "goes on\n", "")


def test_modules_of_pythonpath_are_found_where_a_script_is_no_place_of_modules(tmp_path, monkeypatch, request):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"module_{name}.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}/one:{tmp_path}/two")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    found = request.getfixturevalue("own_host").run(tmp_path, "import module_two, module_one\nprint('found')\n")
    assert found == (0, "found\n", "")


def test_a_job_runs_where_its_process_cannot_be_named(tmp_path, monkeypatch, request):
    text = """
        import pathlib
        def write_text(self, text):
            raise PermissionError(13, "Permission denied", str(self))
        pathlib.Path.write_text = write_text
    """
    (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(text))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert request.getfixturevalue("own_host").run(tmp_path, "print('goes on')\n") == (0, "goes on\n", "")


def test_a_run_without_a_place_to_print_to_has_a_host(tmp_path):
    (tmp_path / "script.py").write_text("import os\nopen('made', 'w').write(str(os.getppid()))\n")
    text = f"""
        import os
        from aia_sequence import jobhost
        place, host = {str(tmp_path)!r}, jobhost.Host()
        job = dict(script=place + "/script.py", file=place + "/script.py", folder=place, environment=dict(os.environ))
        _, answers = host.begin(job)
        assert answers.recv(4) == bytes(4)
        answers.close()
        host.end()
    """
    command = ["sh", "-c", 'exec "$@" <&- >&-', "sh", sys.executable, "-c", textwrap.dedent(text)]
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "made").exists()
