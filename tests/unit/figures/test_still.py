"""A frame for a talk: the frame nearest in time, its region in the right shape, a scale bar of the length it states."""

import numpy as np
import pytest
from images import pixels
from small_frames import write_sequence

import aia_sequence
from aia_sequence.errors import ConfigError
from aia_sequence.figures.still import bar_length


@pytest.fixture(scope="module")
def channel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("still") / "flare"
    write_sequence(folder, 6)
    return aia_sequence.open(folder)["211"]


def test_it_has_the_size_that_was_asked_for_and_the_regions_shape(channel, tmp_path):
    path = channel.still("2021-07-03T14:29:00", tmp_path / "a.png", size=600, region={"x": [0, 1197], "y": [0, 597]})
    assert pixels(path).shape[:2] == (300, 600)
    again = channel.still("2021-07-03T14:29:00", tmp_path / "b.png", size=600, region={"x": [0, 1197], "y": [0, 597]})
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("a.jpg", 600, r"a\.jpg: a still is written as \.png or \.pdf"),
        ("a", 600, "written as"),
        ("a.png", 0, "size: 0 pixels are not allowed; allowed are 64 to 16384"),
        ("a.png", -5, "size: -5"),
        ("a.png", 10**6, "size: 1000000"),
    ],
)
def test_what_cannot_be_a_picture_is_refused(channel, tmp_path, name, size, words):
    with pytest.raises(ConfigError, match=words):
        channel.still("2021-07-03T14:29:00", tmp_path / name, size=size)
    assert list(tmp_path.iterdir()) == []


def test_the_scale_bar_is_as_long_as_it_says(channel, tmp_path):
    """A quarter of 1200 arcsec at most: 200."""
    given = {"limits": [1e5, 2e5], "limb": False, "region": {"x": [0, 1197], "y": [0, 597]}}
    image = pixels(channel.still("2021-07-03T14:29:00", tmp_path / "bar.png", size=1200, **given))
    white = (image[-40:, :600] > 200).all(axis=-1)
    longest = max(white.sum(axis=1))
    assert bar_length(1200) == 200
    assert longest == pytest.approx(200, abs=3)


def test_it_shows_the_frame_nearest_to_the_time(channel, tmp_path):
    """The flare is brightest in the last of the frames."""
    middle = {}
    for time in ("14:27:00", "14:29:25"):
        path = channel.still(f"2021-07-03T{time}", tmp_path / "x.png", size=400, limits=[0, 20000], region=None)
        rows, columns = 200 - 345 / 6, 200 + 840 / 6
        middle[time] = float(np.mean(pixels(path)[int(rows) - 1 : int(rows) + 2, int(columns) - 1 : int(columns) + 2]))
    assert middle["14:29:25"] > middle["14:27:00"] + 40
