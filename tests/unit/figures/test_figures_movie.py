"""The movie: a real time axis, frames that are right when decoded, and the same file every time."""

import re
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image
from small_frames import scene, write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import FrameError
from aia_sequence.figures import encoding
from aia_sequence.figures.measure import measure
from aia_sequence.figures.movie import LEFT, TOP, render_movie, time_axis
from aia_sequence.figures.sequence import Frame, list_frames
from aia_sequence.figures.style import MISSING, Stretch, colour_map
from aia_sequence.instrument import series_of
from aia_sequence.times import iso, read_time

REGION = {"x": [690, 990], "y": [240, 480]}
OPTIONS = FigureOptions(fps=4, limb=False)


def slots(*seconds):
    """Frames at these seconds after a slot of the 12 s series."""
    start = read_time("2021-07-03T14:27:23Z")
    return [
        Frame(
            "",
            str(number),
            iso(start + second),
            "2021-07-03T14:27:25Z",
            211,
            1,
            0,
            "",
        )
        for number, second in enumerate(seconds)
    ]


def shown(frames):
    return [tick.frame for tick in time_axis(frames, series_of(211))]


def test_frames_at_equal_distances_are_shown_once_each():
    assert shown(slots(0, 24, 48, 72)) == [0, 1, 2, 3]


def test_a_missing_frame_prolongs_the_one_before():
    assert shown(slots(0, 12, 24, 48, 60)) == [0, 1, 2, 2, 3, 4]


def test_a_gap_stays_a_gap():
    assert shown(slots(0, 12, 24, 60, 72)) == [0, 1, 2, None, None, 3, 4]


@pytest.mark.parametrize("odd", [0, 7, 29])
def test_a_frame_that_stands_in_for_its_step_takes_its_place_and_costs_no_other_step(odd):
    """A frame every six minutes but one, from before an eclipse of five steps, that is 108 s early."""
    steps = [step for step in range(35) if not 8 <= step < 13]
    seconds = [360 * step - (108 if number == odd else 0) for number, step in enumerate(steps)]
    assert shown(slots(*seconds)) == [steps.index(step) if step in steps else None for step in range(35)]


def test_a_single_frame_is_a_movie_of_one_step():
    assert shown(slots(0)) == [0]


def test_a_leap_second_does_not_break_the_time_axis():
    times = ["2016-12-31T23:59:36Z", "2016-12-31T23:59:48Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:11Z"]
    frames = [Frame("", "", time, time, 211, 1, 0, "") for time in times]
    ticks = time_axis(frames, series_of(211))
    assert [(tick.frame, iso(tick.time)) for tick in ticks] == list(enumerate(times))


def test_sparse_frames_at_odd_distances_do_not_make_an_endless_movie():
    ticks = time_axis(slots(0, 3600, 7212, 10800), series_of(211))
    assert len(ticks) < 30
    assert {tick.frame for tick in ticks} == {0, 1, 2, 3}


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    folder = tmp_path_factory.mktemp("movie")
    manifests, _ = write_sequence(folder, numbers=[0, 1, 2, 6, 7])
    frames = list_frames(manifests)
    points, statistics = measure(frames, REGION, OPTIONS)
    for name in ("movie.mp4", "again.mp4"):
        steps = render_movie(
            frames, points, statistics, folder / name, title="flare", channel=211, region=REGION, options=OPTIONS
        )
    return folder / "movie.mp4", steps, statistics


def decoded(path):
    """What ffmpeg says about a movie, and its images, RGB."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    about = done.stderr.decode()
    width, height = map(int, re.search(r"Video: h264 .*?, (\d+)x(\d+)", about).groups())
    return about, np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)


def test_the_movie_has_the_right_number_of_frames_size_and_duration(movie):
    path, steps, _ = movie
    about, images = decoded(path)
    assert steps == len(images) == 8
    assert "Duration: 00:00:06.00" in about
    assert re.search(r"Video: h264 \(High\).*yuv420p\(tv, bt709.*1.33 fps", about)
    assert [side % 2 for side in images.shape[1:3]] == [0, 0]


def inside(image, statistics):
    """The image of the region, without the words at its edges."""
    rows, columns = statistics.shape
    high, wide = round(720 * rows / max(rows, columns)), round(720 * columns / max(rows, columns))
    return image[TOP + 60 : TOP + high - 60, LEFT + 20 : LEFT + wide - 20].astype(float)


def test_the_first_and_last_frame_show_their_scene_and_the_gap_is_grey(movie):
    path, _, statistics = movie
    _, images = decoded(path)
    first, last, gap = (inside(images[number], statistics) for number in (0, 7, 4))
    stretch = Stretch("asinh", *statistics.limits)
    for number, image in ((0, first), (7, last)):
        # The flare kernel is near the middle of the region: its colour is the model's at that time.

        truth = stretch.forward(scene(number, 400, 6.0)[257, 339])
        colour = 255 * np.array(colour_map(211)(float(truth))[:3])
        middle = image[
            image.shape[0] // 2 - 40 : image.shape[0] // 2 + 60, image.shape[1] // 2 - 60 : image.shape[1] // 2 + 60
        ]
        assert np.abs(middle - colour).sum(axis=-1).min() < 25
    assert np.abs(gap - 255 * np.array(MISSING)).max() < 8


def test_rendered_twice_it_is_the_same_file(movie):
    path, *_ = movie
    assert path.read_bytes() == path.with_name("again.mp4").read_bytes()


def test_a_browser_can_start_before_it_has_all(movie):
    content = movie[0].read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_gif_has_the_movies_frames(movie):
    path, *_ = movie
    for name in ("one.gif", "two.gif"):
        encoding.render_gif(path, path.with_name(name), width=320)
    with Image.open(path.with_name("one.gif")) as gif:
        # Equal images in a row are one frame of a longer duration.
        assert gif.size[0] == 320
        durations = []
        for number in range(gif.n_frames):
            gif.seek(number)
            durations.append(gif.info["duration"])
    assert sum(durations) == pytest.approx(6000, abs=60)
    assert path.with_name("one.gif").read_bytes() == path.with_name("two.gif").read_bytes()
    assert not list(path.parent.glob("*.palette"))


def test_what_ffmpeg_cannot_do_is_said_in_its_own_words(tmp_path):
    (tmp_path / "movie.mp4").write_bytes(b"no movie")
    with pytest.raises(FrameError, match=r"(?s)ffmpeg could not write the movie: .+"):
        encoding.render_gif(tmp_path / "movie.mp4", tmp_path / "movie.gif")


def test_the_movie_of_unreadable_frames_leaves_no_process_and_no_file(tmp_path, monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args, **options: started.append(popen(*args, **options)) or started[-1]
    )

    def images():
        yield np.zeros((64, 64, 3), np.uint8)
        raise FrameError("frame.fits: truncated")

    with pytest.raises(FrameError, match="truncated"):
        encoding.encode(images(), tmp_path / "movie.mp4", (64, 64), 4)
    assert [process.poll() is None for process in started] == [False]


def test_the_limb_moves_through_a_region_that_turns_with_the_sun(tmp_path):
    manifests, _ = write_sequence(tmp_path, numbers=[0, 600], size=512, cdelt=4.8)
    region = {"follow": [60.0, 20.0], "at": "2021-07-03T14:27:00Z", "width": 360.0, "height": 360.0}
    frames = list_frames(manifests)
    options = FigureOptions(fps=2, stretch="power")
    points, statistics = measure(frames, region, options)
    about = {"title": "flare", "channel": 211, "region": region, "options": options}
    assert render_movie(frames, points, statistics, tmp_path / "movie.mp4", **about) == 2
    _, (first, last) = decoded(tmp_path / "movie.mp4")
    # Four hours later the place is nearer to the limb, and the dark corona beyond it fills more of the region.
    assert inside(last, statistics).mean() < inside(first, statistics).mean() - 2
