"""The worked example on a real Slurm: what runs where, the same products, and what happens when something dies."""

import contextlib
import hashlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from running import Workflow, account
from slurm import slurm_cluster

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
ON_NODES = {"calibrate_level15", "plot_sequence"}
AT_HOME = {
    "query_metadata",
    "filter_records",
    "download_level1",
    "fetch_pointing",
    "fetch_degradation",
}

# A test cannot wait as patiently as the profile does, and this cluster has no accounting. One process a job, two jobs
# at a time: the nodes share the cores of one machine.
HASTE = [
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3", "--slurm-no-account"),
    *("--jobs", "2", "--set-threads", "calibrate_level15=1", "plot_sequence=1"),
]


@pytest.fixture(scope="module")
def folder():
    path = Path(tempfile.mkdtemp(prefix="slurm-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def cluster(folder):
    (folder / "cluster").mkdir()
    with slurm_cluster(folder / "cluster", nodes=3, cpus=1) as running:
        yield running


def example(folder, cache):
    """The worked example in blocks of five minutes: several jobs for the nodes."""
    return Workflow.example(folder, block="5m", level1_cache=str(cache))


@pytest.fixture(scope="module")
def at_home(folder):
    """Products of a run on this machine."""
    workflow = example(folder / "home", folder / "cache")
    run = workflow.run(cores=2)
    assert run.status == 0, run.output
    found = products(workflow)
    shutil.rmtree(folder / "home")
    return found


@pytest.fixture(scope="module")
def submitted(folder, cluster, at_home):
    """The workflow after a run through the profile, Snakemake's account of it, and the jobs that Slurm saw."""
    workflow = example(folder / "slurm", folder / "cache")
    status, output = finish(start(workflow, cluster))
    assert status == 0, output
    return workflow, account(workflow.folder), cluster.jobs()


def start(workflow, cluster, *arguments):
    """Call Snakemake with the Slurm profile as it is committed."""
    workflow.command()  # writes the configuration
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--nocolor"]
    command += ["--directory", str(workflow.folder), "--configfile", str(workflow.folder / "config.yaml")]
    command += ["--workflow-profile", str(ROOT / "profiles" / "slurm"), *HASTE, *arguments]
    return subprocess.Popen(
        command,
        cwd=workflow.folder,
        env=cluster.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """Wait for Snakemake, and return its exit status and what it printed."""
    with ending(process):
        output, _ = process.communicate(timeout=800)
    return process.returncode, output


@contextlib.contextmanager
def ending(process):
    """End a process that a failed test leaves behind."""
    with process:
        try:
            yield
        finally:
            if process.poll() is None:
                process.kill()


def products(workflow):
    """Hash of every file under results/, but for exports, which list what the cache held, and what hashes those."""
    return {
        str(path.relative_to(workflow.results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(workflow.results.rglob("*"))
        if path.is_file()
        and "export" not in path.parts
        and path.name not in (".snakemake_timestamp", "SHA256SUMS", "ro-crate-metadata.json")
    }


def rules_of(jobs):
    return {re.match(r"rule_(\w+)_wildcards", job["comment"])[1] for job in jobs}


def calibrating(cluster, known=()):
    """Wait for a calibration job to run on a node, other than those known."""
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        for job in cluster.jobs("RUNNING"):
            if "calibrate_level15" in job["comment"] and job["id"] not in known:
                return job
        time.sleep(0.2)
    raise TimeoutError(f"no calibration job runs: {cluster.jobs()}")


def leave_what_was_downloaded(workflow):
    """The state of a first run that has come as far as level 1."""
    for path in workflow.results.iterdir():
        if path.name in {"metadata", "records", "export", "level1"}:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def test_calibration_and_figures_run_on_nodes_and_the_network_is_used_at_home_only(submitted, cluster):
    _, told, jobs = submitted
    assert {job["node"] for job in jobs} <= set(cluster.nodes)
    assert rules_of(jobs) >= ON_NODES
    assert not rules_of(jobs) & AT_HOME
    assert {job["state"] for job in jobs} == {"COMPLETED"}
    assert len({job["node"] for job in jobs}) > 1
    assert set(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", told)) >= AT_HOME | ON_NODES


def test_the_products_are_those_of_a_local_run_byte_for_byte(submitted, at_home):
    workflow, _, _ = submitted
    assert products(workflow) == at_home


def test_a_job_killed_on_its_node_and_a_controller_that_dies_are_survived(submitted, at_home, cluster):
    workflow, _, before = submitted
    process = start(workflow, cluster, "--forcerun", "calibrate_level15")
    with ending(process):
        victim = calibrating(cluster, {job["id"] for job in before})
        time.sleep(6)  # the controller saves what it knows every five seconds; younger jobs it would forget
        cluster.kill_job(victim["id"])
        cluster.kill("slurmctld")
        time.sleep(3)
        cluster.start_controller()
        status, output = finish(process)
    assert status == 0, output
    assert "Trying to restart job" in account(workflow.folder)
    after = [job for job in cluster.jobs() if job["id"] not in {old["id"] for old in before}]
    assert [job["state"] for job in after if job["id"] == victim["id"]] != ["COMPLETED"]
    assert sum(job["comment"] == victim["comment"] for job in after) == 2
    assert products(workflow) == at_home


def test_a_killed_snakemake_leaves_a_lock_and_its_repetition_completes(submitted, at_home, cluster):
    workflow, _, _ = submitted
    leave_what_was_downloaded(workflow)
    process = start(workflow, cluster)
    with ending(process):
        calibrating(cluster, {job["id"] for job in cluster.jobs()})
        process.send_signal(signal.SIGKILL)
        process.wait()
    status, output = finish(start(workflow, cluster))
    assert status != 0
    assert "--unlock" in output
    cluster.run("scancel", "--user=root", check=False)
    status, output = finish(start(workflow, cluster, "--unlock"))
    assert status == 0, output
    status, output = finish(start(workflow, cluster))
    assert status == 0, output
    assert products(workflow) == at_home
