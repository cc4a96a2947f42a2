"""Fork the jobs of a run from one process that has imported what they need.

Each job of a workflow is a Python of its own: half of the processor time of a short event is its start and imports, the
same ones again and again. Here a process beside Snakemake's, the host, imports what a script imports when its first job
comes, and is forked for every job; what a job has imported on its way, the host imports before the next. A job has a
process of its own as ever, with its folder, environment and exit status; the host keeps nothing else of it. Jobs that
want another environment (conda, a container, environment modules, a shadow folder, a shell or a debugger of their own)
and scripts of others are started as Snakemake starts them, and so is every job where processes are not forked (macOS),
on the nodes of a cluster, and when the host has been killed.
"""

import ast
import atexit
import contextlib
import functools
import gc
import importlib
import json
import logging
import multiprocessing.util
import os
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

# Of libraries for linear algebra, as Snakemake sets them; they count when a library is imported.
LIBRARIES = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")
THREADS = (*(f"{name}_NUM_THREADS" for name in LIBRARIES), "VECLIB_MAXIMUM_THREADS")
TEMPORARY = ("TMPDIR", "TMP", "TEMPDIR", "TEMP")
LONGEST = 1 << 20  # bytes of a list of modules
NUMBER = struct.Struct("!i")
HOSTS: dict[Path, "Host"] = {}  # by the folder of their scripts: those of another have modules of their own
KILLED = 128 + signal.SIGKILL  # as the shell has it
STOPPED: list[bool] = []  # by Ctrl-C, of which a job hears that was about to begin
MAIN = ModuleType("__main__")  # a job's script
STATUS = [1]  # that this process ends with, once it is a job's: the last one counts


class Host:
    """The process that is forked for jobs of a workflow; it is started with the first of them."""

    def __init__(self, workflow: Any = None) -> None:
        self.workflow = workflow
        self._lock = threading.Lock()
        self._door: socket.socket | None = None

    def begin(self, job: Mapping[str, Any]) -> tuple[int, socket.socket]:
        """Have a job begin: the number of its process, and where its exit status will come.

        Parameters
        ----------
        job
            `script`, whose imports are its own, `file` that is run, `folder`, `environment`.

        Raises
        ------
        OSError
            If there is no host any more; the job has not begun.
        """
        answers, theirs = socket.socketpair()
        with self._lock, theirs:
            door = self._door = self._door or self._start()
            text = json.dumps(job).encode()
            socket.send_fds(door, [NUMBER.pack(len(text))], [theirs.fileno()])
            door.sendall(text)
        process = _number(answers)
        if process is None:
            raise ConnectionError("the host has ended")
        return process, answers

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        environment = os.environ | dict.fromkeys(THREADS, "1")
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        atexit.register(self.end)
        return ours

    def end(self) -> None:
        """Have the host end, when its last job has; what they took counts as this process's."""
        if self._door is not None:
            self._door.close()
            with contextlib.suppress(KeyboardInterrupt):
                self._process.wait()


def _number(answers: socket.socket) -> int | None:
    """The next number of an answer; None if the other side has ended."""
    read = answers.recv(NUMBER.size, socket.MSG_WAITALL)
    return NUMBER.unpack(read)[0] if len(read) == NUMBER.size else None


def install(workflow: Any, scripts: Path) -> None:
    """Have jobs forked, of a run of this process, whose scripts lie in a folder.

    Private parts of Snakemake are used: `PythonScript.execute_script`, what such a script knows of its job, and the
    name, prefix and suffix of its shell; the tests of this module fail when they change.
    """
    if sys.platform != "linux" or not workflow.is_main_process:
        return
    from snakemake.script import PythonScript

    if not HOSTS:
        PythonScript.execute_script = _hosted(PythonScript.execute_script)
    HOSTS[scripts.resolve()] = Host(workflow)


def _hosted(alone: Callable[..., None]) -> Callable[..., None]:
    """What Snakemake calls to run a script, in place of what it calls otherwise."""
    from snakemake.benchmark import benchmarked

    @functools.wraps(alone)
    def execute_script(self: Any, fname: str, edit: bool = False) -> None:
        script = _script(self)
        host = HOSTS.get(script.parent) if script else None
        if host is None or edit or host.workflow.execution_settings.debug:
            return alone(self, fname, edit)
        job = {"script": str(script), "file": fname, "folder": os.getcwd(), "environment": _environment(self)}
        try:
            process, answers = host.begin(job)
        except OSError:
            return alone(self, fname, edit)
        with answers, benchmarked(process if self.bench_record is not None else False, self.bench_record):
            status = _number(answers)
        if status != 0:
            raise subprocess.CalledProcessError(status or KILLED, shlex.join([sys.executable, fname]))
        return None

    return execute_script


def _script(job: Any) -> Path | None:
    """The script of a job that wants nothing but Python."""
    from snakemake.shell import shell

    special = (job.conda_env, job.container_img, job.env_modules, job.shadow_dir, job.resources.get("shell_exec"))
    wrapped = shell._process_prefix or shell._process_suffix or shell._get_executable_name() not in ("bash", "sh")
    if any(special) or wrapped or not job.is_local:
        return None
    return Path(job.path.get_path_or_uri(secret_free=True)).resolve()


def _environment(job: Any) -> dict[str, str]:
    """Variables of a job, as Snakemake gives them to its shell."""
    temporary = job.resources.get("tmpdir")
    places = dict.fromkeys(TEMPORARY, str(temporary)) if temporary else {}
    return os.environ | dict.fromkeys(THREADS, str(job.threads)) | places


def serve(door: socket.socket) -> tuple[dict[str, Any], socket.socket]:
    """Be the host, until Snakemake's process ends; returns in each process that is forked for a job.

    With it come the job, and where it tells what it has imported.
    """
    on_interrupt(lambda *_: STOPPED.append(True))  # the host ends when Snakemake does
    gc.disable()  # imports leave nothing to collect, and looking for it is a tenth of their time
    import snakemake.script  # noqa: F401 - each job does

    ready: set[str] = set()
    news, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    while True:
        header, handed, _, _ = socket.recv_fds(door, NUMBER.size, 1)
        if not handed:
            break
        (size,) = NUMBER.unpack(header)
        job: dict[str, Any] = json.loads(door.recv(size, socket.MSG_WAITALL))
        learn(news)
        if job["script"] not in ready:
            ready.add(job["script"])
            prepare(job["script"])
        flush()  # what a library has printed, once
        gc.freeze()  # collecting it in each job would copy its pages
        if os.fork() == 0:
            for one in (door, news):
                one.close()
            begin(job, socket.socket(fileno=handed[0]))
            return job, told
        os.close(handed[0])
        collect(os.WNOHANG)
    collect(0)
    sys.exit()


def collect(options: int) -> None:
    """Take note of processes that have ended, so that their time counts as the host's; `options` of `os.waitpid`."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def prepare(script: str) -> None:
    """Import what a script imports; its job tells what is wrong with it, if anything."""
    folder = os.path.dirname(script)
    if folder not in sys.path:
        sys.path.append(folder)  # where Snakemake has it
    with contextlib.suppress(Exception, SystemExit):
        tree = ast.parse(Path(script).read_bytes())
        tree.body = [line for line in tree.body if isinstance(line, ast.Import | ast.ImportFrom)]
        exec(compile(tree, script, "exec"), {})


def learn(news: socket.socket) -> None:
    """Import what jobs have imported since."""
    with contextlib.suppress(BlockingIOError):
        while True:
            for name in json.loads(news.recv(LONGEST, socket.MSG_DONTWAIT)):
                with contextlib.suppress(Exception, SystemExit):
                    importlib.import_module(name)


def begin(job: dict[str, Any], answers: socket.socket) -> None:
    """Fork the job, from a process that stays to tell of its end; returns in the job."""
    process = os.fork()
    if process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with contextlib.suppress(OSError), answers:  # nobody may be there any more, but the job goes on
            answers.sendall(NUMBER.pack(process))
            ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
            assert ended
            status = ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status
            answers.sendall(NUMBER.pack(status))
            answers.recv(1)  # the number is no other process's while somebody watches it
        os.waitpid(process, 0)
        os._exit(0)
    answers.close()
    gc.enable()
    finalize, processes = cast("Any", weakref.finalize), cast("Any", multiprocessing.util)
    finalize._registry.clear()  # of things of the host
    for end in (leave, logging.shutdown, finalize._exitfunc, processes._exit_function):
        atexit.register(end)  # the last one first; then the job is at its end, and what the host has to do is not done
    on_interrupt(signal.default_int_handler)
    with contextlib.suppress(OSError):  # some containers keep that to themselves
        Path("/proc/self/comm").write_text(Path(job["script"]).stem)  # top shows what it is; the first 15 letters
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    logging.root.handlers.clear()  # of libraries that others import
    tempfile.tempdir = None  # where the host's would lie
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # numbers of its own, as of Python's `random` after a fork
    if STOPPED:
        raise KeyboardInterrupt


def on_interrupt(handler: Callable[..., Any]) -> None:
    """Handle Ctrl-C, unless whoever started Snakemake has it ignored, as a shell does for what it starts with `&`."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def flush() -> None:
    """Write what was printed, wherever that can be."""
    for stream in cast("Any", (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)):
        with contextlib.suppress(AttributeError, ValueError):  # there may be none, or it was closed
            stream.flush()


def leave() -> None:
    """End here, after all else that was to be done: tidying up would copy every page that the host has filled."""
    vars(sys).update(last_exc=None, last_value=None, last_traceback=None)  # which hold what a function had at hand
    gc.collect()  # as Python does, before and after: files in circles of objects are closed from the outside
    while vars(MAIN):
        vars(MAIN).popitem()  # what is left open is closed, and so a file is whole
    gc.collect()
    flush()
    os._exit(STATUS[-1])


def main(descriptor: str) -> None:
    """Be the host, or one of its jobs, which runs its script as Python does."""
    if not sys.flags.safe_path:
        sys.path.pop(0)  # of the library's own modules, whose names are others' as well
    job, told = serve(socket.socket(fileno=int(descriptor)))
    file, known = job["file"], set(sys.modules)
    if not sys.flags.safe_path:
        sys.path.insert(0, os.path.dirname(file))
    sys.argv, sys.modules["__main__"], MAIN.__file__ = [file], MAIN, file
    try:
        exec(compile(Path(file).read_bytes(), file, "exec"), vars(MAIN))
    except SystemExit as end:
        STATUS.append(end.code & 255 if isinstance(end.code, int) else int(end.code is not None))
        raise
    STATUS.append(0)
    with contextlib.suppress(OSError):
        told.send(json.dumps([name for name in sys.modules if name not in known]).encode(), socket.MSG_DONTWAIT)


if __name__ == "__main__":
    main(sys.argv[1])
