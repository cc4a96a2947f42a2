"""What a job says when it fails: one message with what to do, and a traceback only for a defect of ours."""

import errno
import os
import subprocess
import sys

import pytest

from aia_sequence.joblog import job_log


@pytest.mark.parametrize(
    ("code", "advice"), [(errno.ENOSPC, "make room"), (errno.EDQUOT, "make room"), (errno.EROFS, "mounted read-only")]
)
def test_a_disk_that_cannot_be_written_to_is_one_message(tmp_path, capsys, code, advice):
    with pytest.raises(SystemExit) as ended, job_log(tmp_path / "job.log"):
        raise OSError(code, os.strerror(code), "results/x.fits")
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("ERROR: results/x.fits: ")
    assert advice in said
    assert said.count("\n") == 1
    assert "Traceback" not in (tmp_path / "job.log").read_text()


def test_a_full_disk_is_told_also_where_a_library_hides_it_behind_an_error_of_its_own(tmp_path, capsys):
    """As matplotlib does, whose PDF is closed without having been begun, and astropy, which counts the bytes."""

    def write_and_close():
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "figures/x.pdf")
        finally:
            None.close()

    with pytest.raises(SystemExit), job_log(tmp_path / "job.log"):
        write_and_close()
    said = capsys.readouterr().err
    assert said == "ERROR: figures/x.pdf: there is no space left on the disk; make room and run again\n"
    assert "Traceback" not in (tmp_path / "job.log").read_text()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
def test_a_log_on_a_full_disk_does_not_hide_the_reason(tmp_path, capsys):
    (tmp_path / "job.log").symlink_to("/dev/full")
    with pytest.raises(SystemExit) as ended, job_log(tmp_path / "job.log"):
        raise OSError(errno.ENOSPC, "No space left on device", "results/x.fits")
    assert ended.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_job_that_ends_leaves_nothing_for_python_to_look_through(tmp_path):
    program = (
        "import atexit, gc, sys; atexit.register(lambda: print(len(gc.get_objects()), gc.get_freeze_count()))\n"
        "from aia_sequence.joblog import job_log\n"
        "with job_log(sys.argv[1]): import argparse\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "job.log")], capture_output=True, text=True, check=True
    )
    looked_through, frozen = map(int, done.stdout.split())
    assert looked_through < 10 < 1000 < frozen
