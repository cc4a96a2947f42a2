"""The comparison names what differs between two runs, from configuration to pixels, and nothing else."""

import shutil

import numpy as np
import pytest
from astropy.io import fits
from test_crate import write

from aia_sequence import software
from aia_sequence.commands.compare import compare, main
from aia_sequence.lists.manifests import LEVEL15
from aia_sequence.provenance import crate


def frame(path, image, **keywords):
    header = fits.Header([("LVL_NUM", 1.5), ("DEGCORR", 0.62), ("EXPNORM", 0.58), ("L15VERS", "1"), ("T_OBS", "14:27")])
    header.update(keywords)
    fits.PrimaryHDU(np.asarray(image, np.float32), header).writeto(path)
    return path


@pytest.fixture
def image():
    return np.random.default_rng(3).uniform(10, 1000, (40, 50))


def test_a_frame_does_not_differ_from_itself(tmp_path, image, capsys):
    one = frame(tmp_path / "a.fits", image)
    two = frame(tmp_path / "b.fits", image)
    assert main([str(one), str(two)]) == 0
    assert capsys.readouterr().out == "no difference\n"


def test_the_largest_difference_of_the_data_is_told_with_its_place(tmp_path, image):
    other = image.copy()
    other[7, 21] += 100
    (line,) = compare(frame(tmp_path / "a.fits", image), frame(tmp_path / "b.fits", other))
    assert line.startswith(
        "data: 1 of 2,000 pixels differ; largest 100 at (21, 7), 0.1 of the second's 99th percentile;"
    )
    assert "50 % 0," in line


def test_percentiles_describe_a_difference_everywhere(tmp_path, image):
    (line,) = compare(frame(tmp_path / "a.fits", image), frame(tmp_path / "b.fits", image + 2))
    assert line.startswith("data: 2,000 of 2,000 pixels differ")
    assert line.endswith("50 % 2, 90 % 2, 99 % 2, 99.9 % 2")


def test_pixels_missing_in_one_frame_are_counted(tmp_path, image):
    other = image.copy()
    other[:2] = np.nan
    assert compare(frame(tmp_path / "a.fits", image), frame(tmp_path / "b.fits", other)) == [
        "data: 100 pixels have a value in only one of the two"
    ]


def test_corrections_and_versions_come_before_other_keywords(tmp_path, image):
    one = frame(tmp_path / "a.fits", image)
    two = frame(tmp_path / "b.fits", image, DEGCORR=0.7, L15VERS="2", T_OBS="14:28", CROTA2=0.0)
    assert compare(one, two) == [
        "correction: DEGCORR: 0.62 | 0.7",
        "correction: L15VERS: 1 | 2",
        "keyword: CROTA2: none | 0.0",
        "keyword: T_OBS: 14:27 | 14:28",
    ]


def test_images_of_different_shape_are_told_so(tmp_path, image):
    assert compare(frame(tmp_path / "a.fits", image), frame(tmp_path / "b.fits", image[:-1])) == [
        "keyword: NAXIS2: 40 | 39",
        "data: 50 x 40 pixels | 50 x 39",
    ]


@pytest.fixture
def runs(tmp_path, root, monkeypatch):
    workflow = software.workflow()
    monkeypatch.setattr(software, "workflow", lambda: workflow)
    return [write(tmp_path / name, root) for name in ("one", "two")]


def test_two_runs_of_one_configuration_in_different_folders_do_not_differ(runs):
    assert compare(*runs) == []
    assert compare(*(folder.parent for folder in runs)) == []


def test_what_differs_between_two_runs_is_named_from_configuration_to_figure(runs):
    one, two = runs
    path = two / crate.CONFIG_FILE
    path.write_text(path.read_text().replace("< 2.0", "< 3.0"))
    path = two / crate.NAME
    path.write_text(path.read_text().replace('"softwareVersion": "8.0.1"', '"softwareVersion": "8.0.2"'))
    records = next((two / "records" / "211").glob("*.csv"))
    records.write_text(records.read_text().replace("True", "False", 1))
    sums = two / crate.SUMS
    lines = [line if "sequence.png" not in line else "0" * 64 + line[64:] for line in sums.read_text().splitlines()]
    lines = [line if "211.nc" not in line else "1" * 64 + line[64:] for line in lines]
    sums.write_text("\n".join(lines))
    told = compare(one, two)
    assert told[0] == "configuration: events[0].where.EXPTIME: < 2.0 | < 3.0"
    assert "software: sunpy: 8.0.1 | 8.0.2" in told
    assert "record: aia.lev1_euv_12s[2021-07-03T14:24:59Z][211] only in the first" in told
    assert told[-2].startswith("figure: figures/211/sequence.png: ")
    assert told[-2].endswith(" | 000000000000…")
    assert told[-1].startswith("cube: cubes/211.nc: ")
    assert told[-1].endswith(" | 111111111111…")


def test_frames_that_differ_are_compared(tmp_path, image):
    for name, values in (("one", np.floor(image)), ("two", np.floor(image) + 1)):
        folder = tmp_path / name / "event" / "level1.5" / "211"
        folder.mkdir(parents=True)
        frame(folder / "a.fits", values)
        row = {"file": "a.fits", "record": "r[2021][211]", "T_REC": "2021", "WAVELNTH": 211, "sha256": name}
        LEVEL15.write(folder / "20210703T1400.csv", [row])
    told = compare(tmp_path / "one", tmp_path / "two")
    assert told[0] == "event: data: 1 of 1 common level-1.5 frames differ"
    assert told[1].startswith("event: r[2021][211]: data: 2,000 of 2,000 pixels differ; largest 1 ")


def test_what_an_unfinished_run_has_not_recorded_is_not_compared(runs):
    for name in (crate.NAME, crate.SUMS, crate.CONFIG_FILE):
        (runs[1] / name).unlink()
    assert compare(*runs) == [
        f"{what}: known only of the first" for what in ("configuration", "software", "table", "figure", "cube")
    ]


def test_a_frame_that_only_one_run_has_is_named(runs):
    manifest = next((runs[1] / "level1.5" / "211").glob("*.csv"))
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    assert "level-1.5 frame: aia.lev1_euv_12s[2021-07-03T14:24:59Z][211] only in the first" in compare(*runs)


def test_two_things_that_cannot_be_compared_are_told_so(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert main([str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert "is the folder of an event" in capsys.readouterr().err
