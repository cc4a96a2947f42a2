"""Run the many short processes of a workflow with the libraries imported that each of them would import for itself.

Most of the time of a job on a cut-out is the import of NumPy, pandas, Astropy, numba, Matplotlib and Snakemake. This
process imports them once and is forked for every job and every call of Snakemake: each has its own arguments, folder,
environment, streams and exit status, and imports the project's own modules itself. Python finds `sitecustomize.py` in
`handing_over` by PYTHONPATH, and that hands the process over. Whatever is about processes themselves, as what a signal
or a kill leaves behind, is tested without it, and so is the worked example, as its user runs it.
"""

import atexit
import fcntl
import functools
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

# Without drms, and what imports it: it gives Python's logging a handler for the whole process.
LIBRARIES = """
    numpy pandas numba.np.arraymath scipy.ndimage scipy.spatial erfa
    astropy.coordinates astropy.io.fits astropy.table astropy.time astropy.timeseries astropy.visualization astropy.wcs
    matplotlib.backends.backend_agg matplotlib.backends.backend_pdf matplotlib.figure imageio_ffmpeg
    h5netcdf jinja2 jsonschema rocrate.rocrate xarray yaml snakemake.cli snakemake.script
"""


@functools.cache
def environment(number: int = 0) -> dict[str, str]:
    """Variables with which Python processes are handed over to a server, which is started.

    Servers of different numbers order sets differently, as processes do that were started one by one: what is to be
    the same bytes whatever process makes it is made by two of them.
    """
    address = Path(tempfile.mkdtemp(prefix="aia-warm-")) / "socket"
    started = subprocess.Popen(
        [sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONHASHSEED": str(number + 1), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    atexit.register(started.communicate)
    assert started.stdout.readline() == "ready\n"
    return {"AIA_WARM": str(address), "PYTHONPATH": str(Path(__file__).parent / "handing_over")}


def serve(address: str) -> list[str]:
    """Wait for processes that are handed over; returns in each process that is forked for one, with its arguments.

    It ends with the tests, whose end of its standard input is closed then, however they end.
    """
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(64)
        gc.freeze()
        print("ready", flush=True)
        running: list[int] = []
        while True:
            ready, _, _ = select.select([door, sys.stdin], [], [])
            if sys.stdin in ready:
                shutil.rmtree(Path(address).parent)
                sys.exit()
            client, _ = door.accept()
            with client:
                running.append(os.fork())
                if running[-1] == 0:
                    door.close()
                    return adopt(client)
            running = [process for process in running if os.waitpid(process, os.WNOHANG) == (0, 0)]


def adopt(client: socket.socket) -> list[str]:
    """Become what a client is; another process stays behind, to tell the client how this one ends."""
    header, received, _, _ = socket.recv_fds(client, 4, 64)
    text = client.recv(struct.unpack("!I", header)[0], socket.MSG_WAITALL)
    process = os.fork()
    if process:
        client.sendall(struct.pack("!i", process))
        _, status = os.waitpid(process, 0)
        client.sendall(struct.pack("!i", status))
        os._exit(0)
    client.close()
    what = json.loads(text)
    moved = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 1000) for number in received]  # where none of theirs is
    os.closerange(3, 1000)
    for number, wanted in zip(moved, what["opened"], strict=True):
        os.dup2(number, wanted)
        os.close(number)
    os.chdir(what["folder"])
    os.environ.clear()
    os.environ.update(what["environment"])
    sys.orig_argv[:] = what["argv"]
    return what["argv"][1:]


def run(arguments: list[str]) -> None:
    """What Python does with these arguments."""
    sys.path[:1] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    option, name = arguments[0], arguments[1] if len(arguments) > 1 else ""
    if option in ("-m", "-c"):
        sys.path.insert(0, os.getcwd() if option == "-m" else "")
        sys.argv = [option, *arguments[2:]]
    else:
        sys.path.insert(0, os.path.dirname(os.path.realpath(option)))
        sys.argv = arguments
    if option == "-m":
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif option == "-c":
        exec(compile(name, "<string>", "exec"), vars(sys.modules["__main__"]))
    else:
        runpy.run_path(option, run_name="__main__")


def status_of(end: BaseException) -> int:
    """The status that Python ends with."""
    code = getattr(end, "code", 1)
    return code if isinstance(code, int) else int(code is not None)


def leave() -> None:
    """End here, after all else that was to be done: tidying up would copy every page that the server has filled."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(STATUS[-1] & 0xFF)


def collect_plugins() -> None:
    """Have Snakemake look for its plugins, which each of its processes would do anew; not for loggers: one is ours."""
    for kind in ("executor", "storage", "report", "scheduler"):
        registry = importlib.import_module(f"snakemake_interface_{kind}_plugins.registry")
        getattr(registry, f"{kind.title()}PluginRegistry")()


STATUS = [1]

if __name__ == "__main__":
    atexit.register(leave)  # what is registered first is called last
    for library in LIBRARIES.split():
        importlib.import_module(library)
    collect_plugins()
    try:
        run(serve(sys.argv[1]))
    except BaseException as end:
        STATUS.append(status_of(end))
        raise
    STATUS.append(0)
