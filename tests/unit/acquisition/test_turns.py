"""Of the jobs of a run, one at a time has an export request on its way."""

import subprocess
import sys
import time

import pytest

WAITING = (
    "import pathlib, sys, time\n"
    "from aia_sequence.acquisition.queue import turn\n"
    "lock, name, other, seconds = sys.argv[1:]\n"
    "print('asks', flush=True)\n"
    "with turn(pathlib.Path(lock)):\n"
    "    with open(other, 'a') as file:\n"
    "        print(name, 'begins', file=file, flush=True)\n"
    "        time.sleep(float(seconds))\n"
    "        print(name, 'ends', file=file, flush=True)\n"
)


def in_turn(folder, name, seconds):
    command = [sys.executable, "-c", WAITING, str(folder / "requests" / "lock"), name, str(folder / "said"), seconds]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_jobs_of_a_run_have_one_request_on_its_way_at_a_time(tmp_path):
    jobs = [in_turn(tmp_path, name, "0.3") for name in "abc"]
    for job in jobs:
        job.communicate()
    assert [job.returncode for job in jobs] == [0, 0, 0]
    lines = (tmp_path / "said").read_text(encoding="utf-8").splitlines()
    assert sorted(lines[::2]) == ["a begins", "b begins", "c begins"]
    assert [line.split()[0] for line in lines[::2]] == [line.split()[0] for line in lines[1::2]]


def test_a_job_that_was_killed_keeps_nobody_waiting(tmp_path):
    killed = in_turn(tmp_path, "killed", "600")
    while not (tmp_path / "said").exists() or not (tmp_path / "said").read_text(encoding="utf-8"):
        time.sleep(0.02)
    waiting = in_turn(tmp_path, "waiting", "0")
    assert waiting.stdout.readline() == b"asks\n"
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=0.5)
    killed.kill()
    waiting.communicate()
    assert waiting.returncode == 0
    assert (tmp_path / "said").read_text(encoding="utf-8").split("\n")[1:3] == ["waiting begins", "waiting ends"]
    killed.communicate()
