"""The wheel in an environment of its own, without Snakemake and away from the clone."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import level1_frames
import pytest

import aia_sequence
from aia_sequence.commands.main import COMMANDS

pytestmark = pytest.mark.slow

ABSENT = ("snakemake", "aia_sequence", "_aia_sequence", "_editable_impl", "__editable__", "__pycache__")


@pytest.fixture(scope="module")
def installed(tmp_path_factory, root):
    """A function that runs a command where the wheel is installed with what it needs, and without Snakemake.

    The locked packages are linked, not copied; numba compiles nothing, which is tried elsewhere and takes long.
    """
    folder = tmp_path_factory.mktemp("installed")
    uv = Path(sys.executable).with_name("uv")
    build = [uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder]
    subprocess.run([*build, root], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    packages = folder / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(ABSENT):
            (packages / entry.name).symlink_to(entry)
    (wheel,) = folder.glob("*.whl")
    python = folder / "venv" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel], check=True)
    (site,) = folder.glob("venv/lib/*/site-packages")
    (site / "locked.pth").write_text(f"{packages}\n")

    def run(*command, status=0):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {"NUMBA_DISABLE_JIT": "1", "PATH": f"{python.parent}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def python(installed, program):
    return installed("python", "-c", program)


def test_the_library_of_the_wheel_is_imported_and_has_its_version(installed):
    said = python(installed, "import aia_sequence; print(aia_sequence.__version__, aia_sequence.__file__)")
    version, file = said.split()
    assert version == aia_sequence.__version__
    assert "site-packages" in file
    installed("python", "-c", "import snakemake", status=1)


def test_what_lies_beside_modules_is_in_the_wheel(installed, root):
    program = """
import pathlib, aia_sequence, synthetic_jsoc
for package in (aia_sequence, synthetic_jsoc):
    home = pathlib.Path(package.__path__[0])
    print(*(path.relative_to(home.parent) for path in home.rglob("*")), sep="\\n")
"""
    there = set(python(installed, program).split("\n"))
    wanted = [path for name in ("aia_sequence", "synthetic_jsoc") for path in (root / "scripts" / name).rglob("*.*")]
    names = {path.relative_to(root / "scripts").as_posix() for path in wanted if "__pycache__" not in path.parts}
    assert len(names) > 150
    assert names - there == set()


def test_every_subcommand_tells_its_arguments_without_snakemake(installed):
    assert "check my.yaml" in installed("aia-sequence", "--help")
    program = """
from aia_sequence.commands.main import COMMANDS, main
for name in COMMANDS:
    try:
        main([name, "--help"])
    except SystemExit as end:
        assert not end.code
"""
    assert python(installed, program).count("usage: ") == len(COMMANDS)


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.snakemake])
def test_a_subcommand_that_runs_snakemake_says_that_it_is_not_installed(installed, name):
    said = installed("aia-sequence", name, status=1)
    assert said == (
        f'error: `aia-sequence {name}` runs Snakemake, which is not installed: pip install "aia_sequence[snakemake]"\n'
    )


def test_a_level_1_file_is_calibrated_and_a_level_15_file_opened(installed, tmp_path):
    path = tmp_path / "aia.lev1_euv_12s.2021-07-03T142725Z.211.image_lev1.fits"
    # Not compressed: what unpacks it wants a machine instruction, and numba.
    level1_frames.write(path, level1_frames.counts((40, 50)), level1_frames.header(), compressed=False)
    frozen = level1_frames.freeze_tables(tmp_path / "calibration")
    (tmp_path / "calibration" / "pointing").mkdir()
    frozen["pointing"].rename(tmp_path / "calibration" / "pointing" / "20210703.ecsv")
    program = f"""
import sys, aia_sequence
path = aia_sequence.calibrate({str(path)!r}, "level1.5", tables={str(tmp_path)!r})
image, header = aia_sequence.read_level15(path)
print(path.name, image.dtype, image.shape == (header["NAXIS2"], header["NAXIS1"]), header["LVL_NUM"], header["BUNIT"])
"""
    name = path.name.replace("lev1.fits", "lev1.5.fits")
    assert f"{name} float32 True 1.5 DN / s\n" in python(installed, program)


def test_the_embedded_archive_comes_with_it(installed):
    assert "usage: python -m synthetic_jsoc" in installed("python", "-m", "synthetic_jsoc", "--help")
