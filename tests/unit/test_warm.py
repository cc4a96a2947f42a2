"""A process that is handed over to a server behaves as one that Python was started for."""

import os
import signal
import subprocess
import sys

import pytest
import warm

pytestmark = pytest.mark.slow

PROGRAM = """
import os, sys
print(sys.argv, sys.path[0], os.getcwd(), os.environ["MINE"])
print(sys.stdin.read(), file=sys.stderr)
print(os.read(int(sys.argv[-1]), 9), __name__, flush=True)
{end}
"""
ENDS = {
    "well": "",
    "with a status": "sys.exit(3)",
    "with a word": "sys.exit('no')",
    "killed": "os.kill(os.getpid(), 15)",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", ["-m", "-c", "a script"])
def test_it_has_its_arguments_folder_variables_streams_and_end(tmp_path, kind, end):
    program = PROGRAM.format(end=ENDS[end])
    package = tmp_path / "program" / "__main__.py"
    package.parent.mkdir()
    package.write_text(program)
    what = {"-m": ["-m", "program"], "-c": ["-c", program], "a script": [str(package)]}[kind]
    seen = []
    for server in ({}, warm.environment()):
        reading, writing = os.pipe()
        os.write(writing, b"inherited")
        os.close(writing)
        done = subprocess.run(
            [sys.executable, *what, "a b", str(reading)], cwd=tmp_path, env=os.environ | server | {"MINE": "x"},
            input="said", pass_fds=[reading], capture_output=True, text=True, check=False,
        )  # fmt: skip
        os.close(reading)
        seen.append((done.returncode, done.stdout.replace(str(reading), "N"), done.stderr))
    assert seen[0] == seen[1]
    assert seen[0][0] == {"well": 0, "with a status": 3, "with a word": 1, "killed": -signal.SIGTERM}[end]
    assert "inherited" in seen[0][1]


def test_what_stops_it_stops_what_was_handed_over(tmp_path):
    """And the project's own modules are imported by each process itself."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys, time\nprint(os.getpid(), 'aia_sequence' in sys.modules, flush=True)\ntime.sleep(60)"
    )
    command, environment = [sys.executable, script], os.environ | warm.environment()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as run:
        process, imported = run.stdout.readline().split()
        run.terminate()
        assert run.wait() == -signal.SIGTERM
    assert imported == "False"
    assert int(process) != run.pid
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)
