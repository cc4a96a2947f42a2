"""Differences: which frames are compared, their noise, what is masked, and a scale on which noise stays pale."""

import numpy as np
import pytest
from astropy.io import fits
from small_frames import write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import ConfigError, FrameError
from aia_sequence.figures.differences import changes, compare, pairs, plot_difference
from aia_sequence.figures.diverging import Diverging
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames

REGION = {"x": [690, 990], "y": [240, 480]}
OPTIONS = FigureOptions(size="one-column", dpi=60, fps=2)


@pytest.fixture(scope="module")
def event(tmp_path_factory):
    """Six frames, of which two are missing after the third."""
    folder = tmp_path_factory.mktemp("changes") / "flare"
    write_sequence(folder, numbers=[0, 1, 2, 5, 6, 7], noise=1.0, uncertainty=True)
    return folder


def frames_of(folder):
    return list_frames(sorted(folder.glob("level1.5/211/*.csv")))


def made(folder, kind, options=OPTIONS):
    return changes(kind, frames_of(folder), channel=211, region=REGION, options=options)


TIMES = np.array([0, 12, 24, 36, 96, 108.0])


def test_a_running_difference_is_to_the_frame_before_and_does_not_cross_a_gap():
    assert pairs(TIMES, "running") == [(1, 0), (2, 1), (3, 2), (5, 4)]


def test_a_lag_takes_the_nearest_frame_within_half_of_it():
    assert pairs(TIMES, "running", lag=24) == [(1, 0), (2, 0), (3, 1), (5, 4)]
    assert pairs(TIMES, "running", lag=60) == [(3, 0), (4, 3), (5, 3)]


def test_a_base_is_the_first_frame_or_the_one_nearest_to_a_time():
    assert pairs(TIMES, "base") == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)]
    assert pairs(TIMES, "ratio", base=99.0) == [(0, 4), (1, 4), (2, 4), (3, 4), (5, 4)]


@pytest.mark.parametrize("kind", ["running", "ratio"])
def test_the_noise_is_that_of_many_noisy_pairs(kind):
    random = np.random.default_rng(3)
    truth, sigma = np.array([900.0, 400.0]), np.array([12.0, 9.0])
    later, earlier = (
        value + error * random.standard_normal(200_000) for value, error in zip(truth, sigma, strict=True)
    )
    values, _ = compare(kind, later, earlier)
    assert compare(kind, *truth, *sigma)[1] == pytest.approx(values.std(), rel=0.01)


def test_what_was_not_measured_in_one_of_the_two_has_no_difference():
    later, earlier = np.array([1, np.nan, 3, 4.0]), np.array([1, 2, np.nan, -1.0])
    assert np.isnan(compare("base", later, earlier)[0]).tolist() == [False, True, True, False]
    assert np.isnan(compare("ratio", later, earlier)[0]).tolist() == [False, True, True, True], "no ratio to darkness"


def test_a_frames_change_is_that_of_its_file_and_its_reference(event):
    drawn, frames = made(event, "running"), frames_of(event)
    assert [frame.record for frame in drawn.frames] == [frames[number].record for number in (1, 2, 4, 5)]
    picture = drawn.picture(2)
    axis = (np.arange(400) - 199.5) * 6
    rows, columns = ((axis >= low) & (axis <= high) for low, high in (REGION["y"], REGION["x"]))
    images = [fits.getdata(frames[number].path)[np.ix_(rows, columns)] for number in (3, 4)]
    np.testing.assert_array_equal(picture.data, images[1] - images[0])
    assert "24 s" in drawn.beside(2, short=True)
    assert drawn.beside(2, short=False) == "minus the frame of 14:29:25"


def test_of_a_sun_that_does_not_change_the_scale_shows_noise_pale(tmp_path):
    write_sequence(tmp_path, numbers=[40, 41, 42], noise=1.0, uncertainty=True)  # long after the flare
    drawn = made(tmp_path, "running")
    pictures = [drawn.picture(number) for number in range(2)]
    spread = np.concatenate([(one.data / one.uncertainty).ravel() for one in pictures])
    assert spread.std() == pytest.approx(1, rel=0.05)
    assert drawn.scale.limit == pytest.approx(10 * drawn.scale.sigma, rel=0.01)
    assert drawn.scale.sigma == pytest.approx(np.median([one.uncertainty for one in pictures]), rel=0.02)
    shades = drawn.scale.forward(np.array([-1, 0, 1, 3, 1e9]) * drawn.scale.sigma)
    np.testing.assert_allclose(shades, [0.41, 0.5, 0.59, 0.73, 1], atol=0.02)


@pytest.mark.parametrize("scale", [Diverging(2500, 1.3), Diverging(8.4, 0.05, ratio=True), Diverging(1.2, 0.02, True)])
def test_a_scale_is_symmetric_and_its_ticks_are_too(scale):
    values = np.geomspace(1.01, scale.limit, 20) if scale.ratio else np.linspace(0, scale.limit, 20)
    opposite = 1 / values if scale.ratio else -values
    np.testing.assert_allclose(scale.forward(values) + scale.forward(opposite), 1)
    np.testing.assert_allclose(scale.inverse(scale.forward(values)), values, rtol=1e-6, atol=1e-9)
    ticks = scale.ticks(0.09)
    assert len(ticks) >= 3
    assert (1 if scale.ratio else 0) in ticks
    assert scale.ratio or ticks == [-tick for tick in ticks[::-1]]
    assert np.diff(scale.forward(np.array(ticks))).min() >= 0.09


def plotted(event, kind, *paths):
    """Caption of the differences of an event, drawn into files of which the last is the movie."""
    frames = frames_of(event)
    points, statistics = measure(frames, REGION, OPTIONS)
    return plot_difference(
        frames, points, statistics, paths[:-1], paths[-1], kind=kind, title="flare", channel=211, region=REGION,
        options=OPTIONS,
    )  # fmt: skip


def test_drawn_twice_they_are_the_same_files(event, tmp_path):
    names, drawn = ("x.png", "x.pdf", "x.mp4"), []
    for folder in (tmp_path / "once", tmp_path / "again"):
        folder.mkdir()
        plotted(event, "running", *(folder / name for name in names))
        drawn.append([(folder / name).read_bytes() for name in names])
    assert drawn[0] == drawn[1]
    assert all(drawn[0])


@pytest.mark.parametrize("kind", ["running", "base", "ratio"])
def test_figure_movie_and_caption_say_what_was_done(event, tmp_path, kind):
    paths = [tmp_path / "x.png", tmp_path / "x.mp4"]
    caption = plotted(event, kind, *paths)
    assert all(path.stat().st_size for path in paths)
    words = {"running": "minus the one before it", "base": "minus that of", "ratio": "divided by that of"}[kind]
    assert words in caption
    assert "propagated from the frames’ uncertainties" in caption
    assert "Synthetic data" in caption


def test_without_uncertainties_the_noise_is_estimated_and_the_caption_says_so(tmp_path):
    write_sequence(tmp_path, 3)
    frames = frames_of(tmp_path)
    points, statistics = measure(frames, REGION, OPTIONS)
    caption = plot_difference(
        frames, points, statistics, [tmp_path / "x.png"], tmp_path / "x.mp4", kind="base", title="flare", channel=211,
        region=REGION, options=OPTIONS,
    )  # fmt: skip
    assert "estimated from photon and read noise" in caption


def test_one_frame_has_nothing_to_be_compared_with(tmp_path):
    write_sequence(tmp_path, 1)
    with pytest.raises(FrameError, match=r"takes two frames.*leave running out of figure\.difference"):
        made(tmp_path, "running")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lag": "0s"}, "longer than nothing"),
        ({"lag": "x"}, "length of time"),
        ({"difference": ["running", "bace"]}, "not one of running, base, ratio"),
        ({"base": "noon"}, r"figure\.base"),
    ],
)
def test_options_of_differences_are_checked(wrong, words):
    assert FigureOptions(lag="2m").lag == 120
    with pytest.raises(ConfigError, match=words):
        FigureOptions.of(wrong)
