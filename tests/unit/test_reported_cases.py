"""Configurations and files as people have reported them, kept outside the project beside the real data."""

import shutil

import pytest

from aia_sequence.commands.check import main as check
from aia_sequence.errors import FrameError
from aia_sequence.frames.level1file import read_level1


@pytest.fixture
def case(shared_data, tmp_path, monkeypatch):
    """A copy of a case's folder in which one stands."""

    def enter(name):
        shutil.copytree(shared_data.parent / "cases" / name, tmp_path / name)
        monkeypatch.chdir(tmp_path / name)
        return tmp_path / name

    return enter


REFUSED = {
    "01-indent": ("line 7: not YAML", "the indentation does not fit the lines above"),
    "02-indent-tab": ("line 7: not YAML", "a tab; indent with blanks"),
    "04-unknown-key2": ("line 11: ", "unknown key 'regions'; did you mean region? Allowed are calibration, channels"),
    "07-channel-scalar": ("line 7: ", "channels: 211 is not a list; write a list, such as [211]"),
    "23-region-offdisk": ("line 12: ", "region.x: [2000, 2400] lies off the detector, which sees -1228.8 to 1228.8"),
    "37-region-outside": ("line 11: ", "region: [650, 1050, 150, 550] is not a mapping; its keys are at, follow"),
    "40-figure-typo": (
        "line 11: ",
        "unknown key 'strech'; did you mean stretch? Allowed are base, difference, dpi",
    ),
    "43-yes": ("line 11: ", "cutout: 'yes' is not true or false; write true or false, without quotes"),
    "44-dash-missing": ("line 3: ", "wanted is a list or text. Begin each item with a dash: `- name: …`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_configuration_is_refused_in_two_lines_with_file_line_and_what_is_allowed(case, capsys, name):
    case("configs")
    assert check([f"{name}.yaml"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {name}.yaml, line ")
    assert len(said.splitlines()) <= 2
    assert all(part in said for part in REFUSED[name]), said


def test_a_date_without_a_clock_time_is_taken_with_a_warning(case, capsys):
    case("configs")
    assert check(["13-date-only.yaml"]) == 0
    assert "start: 2021-07-03 is a date alone and means 2021-07-03T00:00:00Z" in capsys.readouterr().err


def test_an_image_every_two_hours_over_half_a_day_is_seven_records(case, capsys):
    case("cadence")
    assert check(["sample2h.yaml"]) == 0
    assert "7 records: " in capsys.readouterr().out


FAR = "N14E126 cannot be seen at 2014-09-01T11:11:00Z, it lies 33 degrees behind the east limb"
PLACELESS = (
    "region.follow missing, and the event has no location; allowed is N23W80, or [longitude, latitude] in degrees"
)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("far-side-region", FAR),
        # (0, 0) is where the HEK has a flare whose place it does not know; of two equal rows one is left to tell of.
        ("hek-unknown-location", PLACELESS),
        ("hek-duplicates", PLACELESS),
        ("window-4500", "the nearest are 2021-07-03T13:59:23Z and 2021-07-03T14:59:23Z. Write start: "),
    ],
)
def test_what_cannot_be_observed_is_refused_while_the_configuration_is_read(case, capsys, name, said):
    case(name)
    assert check(["config.yaml"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("name", "file", "said"),
    [
        ("pc-matrix", "28_CROTA2_and_PC_differ.fits", r"PC1_1 is 0\.0 and CROTA2 is 0\.0191973317"),
        ("nonsquare", "43_nonsquare.fits", r"CDELT1 is 0\.6 and CDELT2 is 0\.61"),
        ("level15-reason", "AIA20140101_0000_0094.fits", r"LVL_NUM is 1\.5; only level 1\.0 can be calibrated"),
    ],
)
def test_a_file_is_refused_for_what_is_wrong_with_it(case, name, file, said):
    with pytest.raises(FrameError, match=said):
        read_level1(case(name) / file)


def test_a_gzipped_file_is_read(case):
    image, header = read_level1(case("gz") / "12_gz.fits.gz")
    assert (image.shape, header["LVL_NUM"]) == ((200, 240), 1.0)
