"""The sequence figure and the channel panel: which frames, how large, and how they look."""

import re
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from astropy.io import fits
from images import assert_looks_like, pixels
from small_frames import PEAK, as_table, write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import FrameError
from aia_sequence.figures.channels import moment, nearest, plot_channels
from aia_sequence.figures.layout import Layout, lay_out, select
from aia_sequence.figures.lightcurve import draw_curve
from aia_sequence.figures.measure import measure
from aia_sequence.figures.panels import plot_sequence
from aia_sequence.figures.sequence import list_frames
from aia_sequence.figures.style import MISSING, RC, new_figure
from aia_sequence.frames import companions

REGION = {"x": [690, 990], "y": [240, 480]}
OPTIONS = FigureOptions(size="one-column", dpi=100, panels=6, grid=15, marks={"GOES peak": "2021-07-03T14:29:00Z"})


@pytest.fixture(scope="module")
def sequence(tmp_path_factory):
    manifests, _ = write_sequence(tmp_path_factory.mktemp("sequence"), 10, noise=0.5)
    frames = list_frames(manifests)
    with fits.open(frames[2].path) as hdus:
        hdus[0].data[253:259, 330:334] = np.nan
        hdus[0].data[255:258, 338:341] = 1.7e4
        saturated = [(row, 339, 341, companions.SATURATED) for row in (256, 257, 258)]
        hdus[1] = as_table(companions.flags_table(np.array(saturated, companions.RUN)))
        hdus.writeto(frames[2].path, overwrite=True)
    return frames, *measure(frames, REGION, OPTIONS)


def draw(sequence, path, options=OPTIONS):
    return plot_sequence(*sequence, [path], title="flare", channel=211, region=REGION, options=options)


@pytest.fixture(scope="module")
def drawn(sequence, tmp_path_factory):
    """The figure as PNG, and its caption."""
    path = tmp_path_factory.mktemp("drawn") / "sequence.png"
    return path, draw(sequence, path)


def test_all_frames_are_shown_if_they_fit():
    assert select(8, 3, FigureOptions(panels=12)) == (list(range(8)), "all 8 frames")
    assert select(1, 0, FigureOptions()) == ([0], "the only frame")
    assert select(2, 0, FigureOptions()) == ([0, 1], "both frames")


def test_evenly_chosen_frames_include_the_first_and_last():
    chosen, words = select(100, 3, FigureOptions(panels=5))
    assert chosen == [0, 25, 50, 74, 99]
    assert words == "5 of 100 frames, evenly chosen"


@pytest.mark.parametrize(("peak", "first"), [(50, 47), (1, 0), (99, 94)])
def test_frames_around_the_peak_stay_inside_the_sequence(peak, first):
    chosen, words = select(100, peak, FigureOptions(panels=6, select="peak"))
    assert chosen == list(range(first, first + 6))
    assert words == "6 of 100 frames around the peak"


def test_all_frames_are_shown_on_request():
    assert select(70, 0, FigureOptions(panels="all")) == (list(range(70)), "all 70 frames")


def test_more_frames_than_a_page_holds_are_refused():
    with pytest.raises(FrameError, match=r"500 frames do not fit on a page.*figure\.panels"):
        lay_out(500, 1.0, "two-columns")


@pytest.mark.parametrize("size", ["one-column", "two-columns"])
@pytest.mark.parametrize("number", [1, 2, 5, 9, 20, 30])
@pytest.mark.parametrize("aspect", [0.5, 1.0, 1.8])
def test_panels_have_the_shape_of_the_region_and_stay_on_a_journal_page(size, number, aspect):
    layout = lay_out(number, aspect, size)
    assert layout.width == {"one-column": 88, "two-columns": 180}[size]
    assert layout.height < 240
    assert layout.panel[1] == pytest.approx(aspect * layout.panel[0])
    assert layout.columns * layout.rows >= number > layout.columns * (layout.rows - 1)
    right = Layout.left + layout.columns * layout.panel[0] + (layout.columns - 1) * Layout.gap
    assert right <= layout.width - Layout.right + 1e-6


def test_the_figure_looks_as_it_did(drawn):
    assert_looks_like(drawn[0], "sequence")


def test_the_figure_is_the_same_file_every_time(sequence, drawn, tmp_path):
    draw(sequence, tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == drawn[0].read_bytes()


def test_the_figure_has_the_width_of_a_journal_column(sequence, drawn, tmp_path):
    assert pixels(drawn[0]).shape[1] == int(88 / 25.4 * 100)
    draw(sequence, tmp_path / "sequence.pdf")
    content = (tmp_path / "sequence.pdf").read_bytes()
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
    assert float(box[1]) == pytest.approx(88 / 25.4 * 72, abs=0.01)
    assert b"/FontFile2" in content


def test_the_caption_says_what_is_shown(drawn):
    for words in (
        "flare: SDO/AIA 211 Å",
        "6 of 10 frames, evenly chosen",
        "2021-07-03 14:27:25 to 14:31:01 UTC",
        "x = 690 to 990",
        "asinh stretch",
        "percentiles 0.5 and 99.9",
        "No half rise and half decay are marked: the background of the flare was not observed.",
        "Saturated pixels are outlined in cyan: their brightness is a lower limit.",
        "Heliographic grid: every 15°.",
        "not an observation of the Sun",
    ):
        assert words in drawn[1]


def test_a_single_frame_is_a_sequence_too(tmp_path):
    manifests, _ = write_sequence(tmp_path, 1)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, OPTIONS)
    text = draw((frames, points, statistics), tmp_path / "sequence.png")
    assert "the only frame, at 2021-07-03 14:27:25 UTC, of" in text


def test_real_data_are_not_called_synthetic(tmp_path):
    manifests, _ = write_sequence(tmp_path, 2, synthetic=False)
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, OPTIONS)
    assert statistics.synthetic is False
    caption = draw((frames, points, statistics), tmp_path / "sequence.png")
    assert "ynthetic" not in caption


def test_exposure_times_do_not_show(tmp_path):
    """A scene exposed for ten times as long has a panel of the same colours, if level 1.5 is still in DN, too."""
    manifests, _ = write_sequence(tmp_path, numbers=[PEAK])
    frame = list_frames(manifests)[0]
    points, statistics = measure([frame], REGION, OPTIONS)
    with fits.open(frame.path) as hdus:
        hdus[0].header.update(BUNIT="DN", EXPTIME=10 * frame.EXPTIME)
        hdus[0].data *= np.float32(hdus[0].header["EXPTIME"])
        hdus.writeto(tmp_path / "long.fits")
    long = replace(frame, path=tmp_path / "long.fits", EXPTIME=10 * frame.EXPTIME)
    images = []
    for each in (frame, long):
        draw(([each], points, statistics), tmp_path / "sequence.png")
        images.append(pixels(tmp_path / "sequence.png"))
    layout = lay_out(1, statistics.shape[0] / statistics.shape[1], "one-column")
    below = round((layout.top + 5) * 100 / 25.4)  # the labels with the exposure times are above
    assert np.abs(images[0] - images[1])[below:].max() <= 2
    assert np.abs(images[0] - images[1])[:below].max() > 100


def test_the_panel_of_channels_looks_as_it_did(tmp_path):
    frames, points, statistics = {}, {}, {}
    options = replace(OPTIONS, rgb=(211, 193, 131))
    for channel, numbers in ((131, [4, 5, 6]), (193, [3, 5]), (211, [2, 6])):
        manifests, _ = write_sequence(tmp_path, channel=channel, numbers=numbers, noise=0.5)
        frames[channel] = list_frames(manifests)
        points[channel], statistics[channel] = measure(frames[channel], REGION, options)
    path = tmp_path / "channels.png"
    caption = plot_channels(frames, points, statistics, [path], title="flare", region=REGION, options=options)
    assert_looks_like(path, "channels")
    assert "211, 193, 131 Å as red, green and blue" in caption
    assert moment(points) == frames[211][1].time
    assert nearest(frames[193], moment(points)) == frames[193][1]


def test_a_composite_is_grey_where_channels_have_risen_alike_and_coloured_where_one_has_risen_more(tmp_path):
    """Each channel is in units of its median, whatever its sensitivity, and all have one logarithmic scale."""
    options = replace(OPTIONS, rgb=(211, 193, 131), percentiles=(0, 100), limb=False, grid=None)
    frames, points, statistics = {}, {}, {}
    for channel, median, risen in ((131, 20, 2), (193, 600, 6), (211, 90, 10)):
        manifests, _ = write_sequence(tmp_path, 1, channel=channel)
        frames[channel] = list_frames(manifests)
        with fits.open(frames[channel][0].path, mode="update") as hdus:
            hdus[0].data[:] = median
            hdus[0].data[:250] = risen * median  # the south
            hdus[0].data[262:, :322] = 0  # the north-east
            if channel == 193:
                hdus[0].data[:, 350:] = np.nan  # the west
        points[channel], statistics[channel] = measure(frames[channel], REGION, options)
    path = tmp_path / "channels.png"
    caption = plot_channels(frames, points, statistics, [path], title="flare", region=REGION, options=options)
    assert "each in units of its median over the region (90.0, 600, 20.0 DN/s)" in caption
    assert "on one logarithmic scale from 0 to 10.0" in caption
    composite = pixels(path)[-260:-80, 180:]
    usual, *risen = 255 * np.log1p(1000 * np.array([0.1, 1.0, 0.6, 0.2])) / np.log(1001)
    for colour in ([usual] * 3, risen, [0, 0, 0], 255 * np.array(MISSING)):
        same = np.abs(composite - np.round(colour)).max(axis=-1) <= 1
        assert same.sum() > 500, colour


@pytest.mark.parametrize("size", ["one-column", "two-columns"])
@pytest.mark.parametrize(("mean", "step"), [(925, 5), (1158, 1), (135.2, 0.01), (172.8, 1e-3), (123456.7, 0.01)])
def test_below_the_frames_a_light_curve_stays_on_the_page_with_its_error_bars(sequence, tmp_path, mean, step, size):
    """Its labels are long where it hardly changes, and its error bars are then longer than its changes."""
    points = [
        replace(point, mean=mean + number * step, mean_uncertainty=3 * step) for number, point in enumerate(sequence[1])
    ]
    layout = lay_out(6, 0.8, size)
    with matplotlib.rc_context(RC):
        figure = new_figure(layout.width, layout.height, dpi=100)
        wide = layout.width - layout.left - layout.right
        axes = figure.add_axes(
            layout.place(layout.left, layout.height - layout.foot - layout.strip, wide, layout.strip)
        )
        draw_curve(axes, points, {})
        figure.canvas.draw()
        assert axes.yaxis.label.get_window_extent().x0 > 0
        low, high = axes.get_ylim()
        shown = [text.get_window_extent() for text in axes.get_yticklabels() if low <= text.get_position()[1] <= high]
        assert axes.yaxis.label.get_window_extent().x1 < min(box.x0 for box in shown)
    assert low < mean - 3 * step
    assert high > mean + 12 * step
