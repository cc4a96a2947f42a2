"""Light curves: what is measured, and which times are marked."""

import csv
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from images import assert_looks_like
from small_frames import PEAK, brightness, scene, write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import FrameError
from aia_sequence.figures import lightcurve
from aia_sequence.figures.flares import find_flare
from aia_sequence.figures.gaps import gaps
from aia_sequence.figures.lightcurve import draw_curve, plot_lightcurve
from aia_sequence.figures.measure import Histogram, Statistics, measure
from aia_sequence.figures.sequence import list_frames
from aia_sequence.figures.style import RC, new_figure
from aia_sequence.lists.lightcurve import COLUMNS, read_points, write_points
from aia_sequence.times import read_time

REGION = {"x": [690, 990], "y": [240, 480]}


def truth(number):
    """Mean of the noise-free scene over the region, DN/s."""
    axis = (np.arange(400) - 199.5) * 6
    columns, rows = (axis >= 690) & (axis <= 990), (axis >= 240) & (axis <= 480)
    return scene(number, 400, 6.0)[np.ix_(rows, columns)].mean()


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    manifests, _ = write_sequence(tmp_path_factory.mktemp("noisy"), 12, noise=1.0, uncertainty=True)
    frames = list_frames(manifests)
    return frames, *measure(frames, REGION, FigureOptions())


def test_the_light_curve_is_the_flares_although_exposures_change_by_a_factor_of_ten(measured):
    frames, points, _ = measured
    assert max(frame.EXPTIME for frame in frames) > 7 * min(frame.EXPTIME for frame in frames)
    pulls = [(point.mean - truth(number)) / point.mean_uncertainty for number, point in enumerate(points)]
    assert np.max(np.abs(pulls)) < 4
    assert 0.4 < np.std(pulls) < 1.7


def test_sum_mean_and_pixels_agree(measured):
    _, points, statistics = measured
    for point in points:
        assert point.sum == pytest.approx(point.mean * point.pixels)
        assert point.pixels == statistics.shape[0] * statistics.shape[1]
        assert point.missing == 0


def test_missing_pixels_are_left_out_and_counted(tmp_path):
    manifests, _ = write_sequence(tmp_path, 1)
    (point,), _ = measure(list_frames(manifests), {"x": [-60, 60], "y": [-1200, -1170]}, FigureOptions())
    # The southernmost three of five rows are missing.
    assert point.missing == pytest.approx(3 / 5)
    assert point.pixels == 2 * 20


def test_a_light_curve_survives_its_file(measured, tmp_path):
    _, points, _ = measured
    write_points(points, tmp_path / "lightcurve.csv")
    with (tmp_path / "lightcurve.csv").open(encoding="utf-8") as file:
        assert next(line for line in file if not line.startswith("#")) == ",".join(COLUMNS) + "\n"
    table = QTable.read(tmp_path / "lightcurve.csv", format="ascii.ecsv")
    assert (table["sum"].unit, table["mean"].unit) == (u.Unit("DN / s"), u.Unit("DN / (pix s)"))
    np.testing.assert_allclose(table["mean"].value, [point.mean for point in points], rtol=1e-8)
    assert "common to all pixels" in table.meta["comments"][0]
    found = read_points(tmp_path / "lightcurve.csv")
    assert [point.record for point in found] == [point.record for point in points]
    np.testing.assert_allclose([point.mean for point in found], [point.mean for point in points], rtol=1e-8)


def test_without_uncertainties_their_cells_are_empty(tmp_path):
    manifests, _ = write_sequence(tmp_path, 1)
    points, _ = measure(list_frames(manifests), REGION, FigureOptions())
    write_points(points, tmp_path / "lightcurve.csv")
    with (tmp_path / "lightcurve.csv").open(encoding="utf-8") as file:
        row = next(csv.DictReader(line for line in file if not line.startswith("#")))
    assert row["mean_uncertainty"] == row["sum_uncertainty"] == ""
    assert np.isnan(read_points(tmp_path / "lightcurve.csv")[0].sum_uncertainty)


def test_limits_are_percentiles_of_all_frames_together():
    random = np.random.default_rng(3)
    frames = [random.lognormal(4, 2, 20_000).astype(np.float32) for _ in range(3)]
    histogram = Histogram()
    for frame in frames:
        histogram.add(np.append(frame, np.nan))
    for percent in (0.5, 50, 99.9):
        assert histogram.percentile(percent) == pytest.approx(np.percentile(frames, percent), rel=5e-3)


def test_given_limits_win_over_percentiles(tmp_path):
    manifests, _ = write_sequence(tmp_path, 1)
    _, statistics = measure(list_frames(manifests), REGION, FigureOptions(limits=(10, 5000)))
    assert statistics.limits == (10, 5000)


def test_statistics_survive_their_file(measured, tmp_path):
    *_, statistics = measured
    statistics.write(tmp_path / "statistics.json")
    assert Statistics.read(tmp_path / "statistics.json") == statistics
    assert statistics.synthetic is True


def test_frames_of_different_size_are_not_compared(tmp_path):
    (one,), _ = write_sequence(tmp_path / "one", 1, size=400)
    (other,), _ = write_sequence(tmp_path / "other", 1, size=200)
    with pytest.raises(FrameError, match="cannot be compared"):
        measure(list_frames([one, other]), None, FigureOptions())


def times_of(seconds):
    return read_time("2021-07-03T14:00:00Z") + np.array(seconds, dtype=float)


def test_the_peak_and_its_half_maximum_times_are_found():
    seconds = np.arange(0, 1200, 12)
    mean = 100 + 300 * np.exp(-0.5 * ((seconds - 400) / 80.0) ** 2)
    flare = find_flare(times_of(seconds), mean)
    half = 80 * np.sqrt(2 * np.log(2))
    middle, start = times_of([400, 0])
    assert abs(times_of(seconds)[flare.peak] - middle) <= 6
    assert flare.rise - start == pytest.approx(400 - half, abs=1.5)
    assert flare.decay - start == pytest.approx(400 + half, abs=1.5)


def test_a_quiet_sequence_has_no_flare():
    assert find_flare(times_of([0, 12, 24, 36]), np.array([100.0, 104, 101, 99])) is None


def test_one_missing_frame_is_no_gap_and_two_are():
    assert gaps(times_of([0, 12, 24, 48, 60, 96, 108])).tolist() == [4]


def test_the_model_flare_peaks_where_it_should(measured):
    frames, points, _ = measured
    times = np.array([frame.time for frame in frames])
    assert find_flare(times, np.array([point.mean for point in points])).peak == PEAK
    assert brightness(PEAK) == max(brightness(number) for number in range(12))


def drawn_axes(points, monkeypatch, **options):
    """Axes of the light curve's figure, with the labels of their ticks as numbers."""
    figures = []
    monkeypatch.setattr(lightcurve, "save", lambda figure, path, dpi: figures.append(figure))
    plot_lightcurve(points, ["unused"], title="flare", synthetic=True, options=FigureOptions(**options))
    figures[0].canvas.draw()
    for axes in figures[0].axes:
        low, high = axes.get_ylim()
        labels = axes.get_yticklabels()
        shown = [label.get_text() for label in labels if low <= label.get_position()[1] <= high]
        yield axes, [float(text.replace("\u2009", "")) for text in shown]


@pytest.mark.parametrize(("mean", "step"), [(172.8, 1e-3), (123456.7, 0.01), (0.002, 1e-5), (250.0, 0.0), (0.0, 0.0)])
def test_a_curve_that_hardly_changes_is_labelled_with_whole_values_that_differ(measured, monkeypatch, mean, step):
    points = [replace(point, mean=mean + number * step) for number, point in enumerate(measured[1])]
    curve, labels = next(drawn_axes(points, monkeypatch))
    low, high = curve.get_ylim()
    assert len(set(labels)) == len(labels) >= 2
    assert all(low <= value <= high for value in labels)
    assert curve.yaxis.get_offset_text().get_text() == ""


@pytest.mark.parametrize("left", [12.5, 16.0])
@pytest.mark.parametrize(("mean", "step"), [(172.8, 1e-3), (167.5, 0.1), (123456.7, 0.01), (9100.0, 5.0), (2e-5, 1e-7)])
def test_the_label_of_the_axis_lies_on_the_page_and_beside_those_of_its_ticks(measured, left, mean, step):
    points = [replace(point, mean=mean + number * step) for number, point in enumerate(measured[1])]
    with matplotlib.rc_context(RC):
        figure = new_figure(180, 30)
        axes = figure.add_axes((left / 180, 0.2, 1 - (left + 17) / 180, 0.7))
        draw_curve(axes, points, {})
        figure.canvas.draw()
        label = axes.yaxis.label.get_window_extent()
        low, high = axes.get_ylim()
        ticks = [tick for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        nearest = min(tick.label1.get_window_extent().x0 for tick in ticks)
    assert label.x0 >= 0
    assert label.x1 <= nearest


@pytest.mark.parametrize("exposures", [(2.901164, 2.901167), (2.9, 2.9), (0.17, 1.2), (0.02, 2.9), (1.01, 4.9)])
def test_exposure_times_have_round_labels_that_differ(measured, monkeypatch, exposures):
    points = [replace(point, EXPTIME=exposures[number % 2]) for number, point in enumerate(measured[1])]
    _, (axes, labels), _ = drawn_axes(points, monkeypatch)
    assert len(set(labels)) == len(labels) >= 2
    assert {f"{value:e}"[0] for value in labels} <= set("125")
    low, high = axes.get_ylim()
    assert low < min(exposures)
    assert max(exposures) < high


@pytest.mark.parametrize("label", ["$x_{$", "$$", r"\frac{1}{2}", "100 % & more", "^_~#"])
def test_a_label_is_text_and_no_formula(measured, monkeypatch, label):
    curve, _ = next(drawn_axes(measured[1], monkeypatch, marks={label: "2021-07-03T14:29:00Z"}))
    assert f"{label} 14:29:00" in [text.get_text() for text in curve.texts]


def test_the_light_curve_figure_looks_as_it_did(measured, tmp_path):
    _, points, _ = measured
    options = FigureOptions(size="one-column", dpi=100, marks={"GOES peak": "2021-07-03T14:29:00Z"})
    path = tmp_path / "lightcurve.png"
    plot_lightcurve(points, [path], title="flare   SDO/AIA 211 Å", synthetic=True, options=options)
    assert_looks_like(path, "lightcurve")
