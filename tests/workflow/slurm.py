"""A Slurm cluster of several nodes on this machine: munge, slurmctld and slurmd on the loopback interface.

For tests alone. It wants root and Debian's packages `slurm-wlm` and `munge`, whose slurmd can be started several times
on one host. There is no accounting: job states come from squeue.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

# The executor plugin removes SLURM_* from a job's environment: the job's srun finds its configuration here or nowhere.
SYSTEM_CONF = Path("/etc/slurm/slurm.conf")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
TERMINATE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)

CONF = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
MinJobAge=3600
KillWait=5
SlurmctldTimeout=30
SlurmdTimeout=30
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=2
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/spool/%n
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdLogFile={folder}/slurmd.%n.log
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=60 State=UP
"""


class Cluster:
    """A running cluster; `slurm_cluster` makes and ends it.

    Attributes
    ----------
    nodes
        Names of its nodes.
    environment
        Environment for programs that talk to it.
    """

    def __init__(self, folder: Path, nodes: int, cpus: int, memory_mb: int) -> None:
        self.folder = folder
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._processes: dict[str, subprocess.Popen] = {}
        host = socket.gethostname().split(".")[0]
        port, *ports = _free_ports(1 + nodes)
        described = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={memory_mb}"
            for name, port in zip(self.nodes, ports, strict=True)
        )
        (folder / "slurm.conf").write_text(CONF.format(host=host, port=port, folder=folder, nodes=described))

    def start(self) -> None:
        """Start all daemons and wait until every node is idle."""
        folder = self.folder
        (folder / "state").mkdir()
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        files = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
        self._spawn("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *files)
        _wait(lambda: (folder / "munge.socket").exists(), 20, "munged makes no socket")
        self.start_controller()
        for name in self.nodes:
            self.start_node(name)
        _wait(lambda: set(self.states()) == {"idle"}, 60, lambda: f"nodes do not become idle: {self.states()}")

    def start_controller(self) -> None:
        """Start slurmctld, which takes up the state of an earlier one."""
        self._spawn("slurmctld", "-D", "-f", self.environment["SLURM_CONF"])
        _wait(lambda: "UP" in self.run("scontrol", "ping", check=False), 30, "slurmctld does not answer")

    def start_node(self, name: str) -> None:
        """Start the slurmd of a node."""
        (self.folder / "spool" / name).mkdir(parents=True, exist_ok=True)
        self._spawn("slurmd", "-D", "-N", name, "-f", self.environment["SLURM_CONF"], title=name)

    def kill(self, title: str) -> None:
        """Kill a daemon (`slurmctld`, or a node's slurmd by the node's name) without a warning."""
        process = self._processes.pop(title)
        process.kill()
        process.wait()

    def kill_job(self, job: str) -> None:
        """Kill all processes of a running job on its node, as the kernel does when memory is short."""
        for pid in _descendants(self._steps(job)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def run(self, *command: str, check: bool = True) -> str:
        """Run a Slurm command and return what it prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=check)
        return done.stdout + done.stderr

    def states(self) -> list[str]:
        """State of each node."""
        return self.run("sinfo", "-h", "-N", "-o", "%t").split()

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """Jobs, ended ones too: id, name, state, node, and the comment, in which Snakemake puts rule and wildcards."""
        listed = self.run("squeue", "-h", "-t", states, "-o", "%i|%j|%T|%N|%k", check=False).splitlines()
        names = ("id", "name", "state", "node", "comment")
        return [dict(zip(names, line.split("|"), strict=True)) for line in listed if line.count("|") == 4]

    def stop(self) -> None:
        """End all jobs and daemons."""
        if "slurmctld" in self._processes:
            self.run("scancel", "--state=PENDING", "--state=RUNNING", "--user=root", check=False)
            with contextlib.suppress(TimeoutError):
                _wait(lambda: not self.jobs("RUNNING,COMPLETING"), 15, "")
        # A job that a restarted controller has forgotten is not cancelled by it.
        steps = self._steps()
        left = steps + _descendants(steps)
        for process in reversed(list(self._processes.values())):
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _spawn(self, program: str, *arguments: str, title: str | None = None) -> None:
        title = title or program
        with (self.folder / f"{title}.out").open("ab") as out:
            self._processes[title] = subprocess.Popen(
                [shutil.which(program) or f"/usr/sbin/{program}", *arguments],
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the test, which then ends them in order
                preexec_fn=_end_with_parent,
            )

    def _steps(self, job: str = "") -> list[int]:
        """The slurmstepd processes of this cluster, by the configuration in their environment; of a job or of all."""
        ours = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                title = (folder / "cmdline").read_text()
                if (
                    title.startswith(f"slurmstepd: [{job}." if job else "slurmstepd: [")
                    and ours in (folder / "environ").read_bytes()
                ):
                    found.append(int(folder.name))
        return found


@contextlib.contextmanager
def slurm_cluster(folder: Path, nodes: int = 3, cpus: int = 2, memory_mb: int = 6000) -> Iterator[Cluster]:
    """Run a Slurm cluster on this machine; it ends with the block, or with the process, whatever happens.

    Parameters
    ----------
    folder
        Folder for its configuration, state and logs; short, because a socket's path is limited to 108 characters.
    nodes, cpus, memory_mb
        How many nodes there are, and the size of each.

    Raises
    ------
    RuntimeError
        If the programs are missing, the user is not root, or the machine belongs to another cluster.
    """
    missing = [program for program in PROGRAMS if not (shutil.which(program) or Path(f"/usr/sbin/{program}").exists())]
    if missing:
        raise RuntimeError(f"{', '.join(missing)} missing: apt-get install --no-install-recommends slurm-wlm munge")
    if os.geteuid() != 0:
        raise RuntimeError("starting Slurm daemons needs root")
    if SYSTEM_CONF.exists():
        raise RuntimeError(f"{SYSTEM_CONF} exists: this machine belongs to a Slurm cluster, or a test is running")
    SYSTEM_CONF.unlink(missing_ok=True)  # dangling: left by a test that was killed
    SYSTEM_CONF.parent.mkdir(exist_ok=True)
    cluster = Cluster(folder, nodes, cpus, memory_mb)
    SYSTEM_CONF.symlink_to(folder / "slurm.conf")
    try:
        cluster.start()
        yield cluster
    finally:
        try:
            cluster.stop()
        finally:
            SYSTEM_CONF.unlink()


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(TERMINATE_WITH_PARENT, signal.SIGTERM)


def _descendants(parents: list[int]) -> list[int]:
    """Children of processes, their children, and so on."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found = [child for parent in parents for child in children.get(parent, [])]
    return found + _descendants(found) if found else []


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait(condition, seconds: float, otherwise) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise() if callable(otherwise) else otherwise)
        time.sleep(0.2)
