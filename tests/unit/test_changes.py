"""Differences in Python: lazily, with the propagated noise, missing where one of the two frames is."""

import numpy as np
import pytest
from small_frames import write_sequence

import aia_sequence
from aia_sequence.errors import AIAError


@pytest.fixture(scope="module")
def channel(tmp_path_factory):
    """Frames long after the flare: a Sun that does not change, with noise."""
    folder = tmp_path_factory.mktemp("changes") / "quiet"
    write_sequence(folder, numbers=[40, 41, 42, 46, 47], noise=1.0, uncertainty=True, cdelt=4.0)
    write_sequence(folder, numbers=[40, 41], channel=171)
    return aia_sequence.open(folder)["211"]


@pytest.mark.parametrize(("kind", "count"), [("running", 3), ("base", 4), ("ratio", 4)])
def test_of_a_sun_that_does_not_change_the_difference_is_the_propagated_noise(channel, kind, count):
    made = channel.difference(kind)
    assert made["data"].shape[0] == count
    assert made["data"].chunks, "nothing is read yet"
    off = (made["data"] - (1 if kind == "ratio" else 0)) / made["uncertainty"]
    # Where a base is bright, a ratio's noise is Gaussian, too.
    bright = channel.cube()["data"][0] > 150
    assert float(off.where(bright).std()) == pytest.approx(1, rel=0.05)


def test_each_difference_names_its_frames_and_lacks_what_one_of_them_lacks(channel):
    made, cube = channel.difference("running", lag="48s"), channel.cube()
    np.testing.assert_array_equal(made["time"], cube["time"][[1, 2, 4]])
    np.testing.assert_array_equal(made["reference"], cube["time"][[0, 0, 3]])
    made, cube = channel.difference("base", base="2021-07-03T14:45:49Z"), channel.cube().load()
    cube["mask"][2, 100, 100] = 1
    np.testing.assert_array_equal(made["reference"], cube["time"][[3] * 4])
    np.testing.assert_array_equal(made["data"][0], cube["data"][0].data - cube["data"][3].data)
    assert np.isnan(made["data"][:, :3]).all()
    assert (made["mask"][:, :3] == 4).all()


def test_a_difference_has_the_unit_of_the_frames_and_a_ratio_has_none(channel):
    assert channel.difference("base")["data"].attrs["units"] == "DN / s"
    assert channel.difference("ratio")["uncertainty"].attrs["units"] == "1"


def test_frames_without_uncertainties_have_differences_without(channel):
    other = aia_sequence.open(channel.folder)["171"].difference()
    assert "uncertainty" not in other
    assert other["data"].shape[0] == 1


def test_what_cannot_be_compared_is_said(channel):
    with pytest.raises(AIAError, match=r"no difference 'run'; .*llowed are running, base, ratio"):
        channel.difference("run")
    with pytest.raises(AIAError, match="takes two frames"):
        channel.difference("running", lag="1d")
