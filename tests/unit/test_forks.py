"""Parts of a job in processes of their own: all are done, and what is wrong in one is told as the job's own error."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from aia_sequence.errors import AIAError, FrameError
from aia_sequence.forks import side_by_side

BOTH = pytest.mark.parametrize("processes", [1, 2, 5])


def write(path, text="done"):
    return lambda: path.write_text(text, encoding="utf-8")


def fail(error):
    def task():
        raise error

    return task


@BOTH
def test_all_that_is_to_be_done_is_done(tmp_path, processes):
    paths = [tmp_path / name for name in "abcd"]
    side_by_side({path.name: write(path, path.name) for path in paths}, processes)
    assert [path.read_text(encoding="utf-8") for path in paths] == list("abcd")


def test_as_many_are_at_work_at_once_as_were_asked_for(tmp_path):
    """Two that wait for each other come to an end only if both are at work."""

    def meet(own, other):
        def task():
            (tmp_path / own).touch()
            while not (tmp_path / other).exists():
                time.sleep(0.01)

        return task

    side_by_side({"one": meet("one", "other"), "other": meet("other", "one")}, 2)


@BOTH
@pytest.mark.parametrize(
    "error",
    [FrameError("frame 3 has no EXPTIME"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "movie.mp4")],
    ids=["frame", "disk"],
)
def test_an_error_of_one_part_is_that_of_the_job(processes, error):
    with pytest.raises(type(error)) as raised:
        side_by_side({"figure": lambda: None, "movie": fail(error)}, processes)
    assert str(raised.value) == str(error)
    assert getattr(raised.value, "filename", None) == getattr(error, "filename", None)


def test_of_several_errors_the_first_parts_is_told_whichever_was_first_and_the_others_are_done(tmp_path):
    def late():
        time.sleep(0.2)
        raise FrameError("of the figure")

    tasks = {"figure": late, "movie": fail(FrameError("of the movie")), "viewer": write(tmp_path / "viewer")}
    with pytest.raises(FrameError, match="of the figure"):
        side_by_side(tasks, 3)
    assert (tmp_path / "viewer").exists()


def test_of_a_defect_the_log_gets_the_traceback_of_where_it_was():
    with pytest.raises(RuntimeError, match=r"(?s)in task.*ZeroDivisionError: by nothing"):
        side_by_side({"figure": fail(ZeroDivisionError("by nothing")), "movie": lambda: None}, 2)


def test_a_process_that_was_killed_is_named_with_what_to_do():
    tasks = {"movie": lambda: os.kill(os.getpid(), signal.SIGKILL), "figure": lambda: None}
    with pytest.raises(AIAError, match=r"^movie: the process for it was killed; .* run again with more$"):
        side_by_side(tasks, 2)


def test_nothing_goes_on_writing_for_a_job_that_was_killed(tmp_path):
    script = (
        "import os, pathlib, signal, sys, time\n"
        "from aia_sequence.forks import side_by_side\n"
        "def write():\n"
        "    for number in range(1000):\n"
        "        pathlib.Path(sys.argv[1]).write_text(str(number))\n"
        "        time.sleep(0.05)\n"
        "def kill():\n"
        "    while not os.path.exists(sys.argv[1]):\n"
        "        time.sleep(0.01)\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "side_by_side({'write': write, 'kill': kill}, 2)\n"
    )
    path = tmp_path / "count"
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    for _ in range(100):
        before = path.read_text(encoding="utf-8")
        time.sleep(0.2)
        if path.read_text(encoding="utf-8") == before:
            return
    pytest.fail("it is still written to")
