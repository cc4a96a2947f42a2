"""Frames are streamed: each product reads each once, its region alone, and holds one at a time."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from astropy.io import fits
from small_frames import as_table, header, write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import sequence
from aia_sequence.figures.measure import measure
from aia_sequence.figures.movie import render_movie
from aia_sequence.figures.panels import plot_sequence
from aia_sequence.figures.sequence import list_frames, read_picture
from aia_sequence.figures.viewer import build_viewer
from aia_sequence.frames import companions

OPTIONS = FigureOptions(size="one-column", dpi=80, panels=6)
FEW, MANY = 4, 24
SIZE = 400  # of a frame of 640 kB


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    """Frames, light curve and statistics of a short and a long sequence."""
    made = {}
    for count in (FEW, MANY):
        manifests, _ = write_sequence(tmp_path_factory.mktemp(str(count)), count, size=SIZE, cdelt=6.0)
        frames = list_frames(manifests)
        made[count] = frames, *measure(frames, None, OPTIONS)
    return made


def products(folder):
    """How each product is made of frames, points and statistics."""
    common = {"title": "flare", "channel": 211, "region": None, "options": OPTIONS}
    return {
        "measurement": lambda frames, points, statistics: measure(frames, None, OPTIONS),
        "figure": lambda *made: plot_sequence(*made, [folder / "sequence.png"], **common),
        "movie": lambda *made: render_movie(*made, folder / "movie.mp4", **common),
        "viewer": lambda *made: build_viewer(*made, folder / "viewer.html", **common),
    }


@pytest.mark.parametrize("product", ["measurement", "figure", "movie", "viewer"])
def test_one_pass_measures_and_one_draws(sequences, tmp_path, monkeypatch, product):
    frames, *_ = sequences[FEW]
    reads = Counter()
    read = sequence.open_level15

    def counting(path):
        reads[path] += 1
        return read(path)

    monkeypatch.setattr(sequence, "open_level15", counting)
    products(tmp_path)[product](*sequences[FEW])
    assert set(reads) == {frame.path for frame in frames}
    # The movie looks at the first frame before it begins: its size is that of the page.
    assert reads.total() == len(frames) + (product == "movie")


def peak(make):
    """Memory that a call takes at most beside what was there before, bytes."""
    tracemalloc.start()
    try:
        make()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("product", ["measurement", "movie", "viewer"])
def test_six_times_as_many_frames_take_no_more_memory(sequences, tmp_path, product):
    make = products(tmp_path)[product]
    make(*sequences[FEW])  # what is imported and remembered at the first time is of no account
    few, many = (peak(lambda made=sequences[count]: make(*made)) for count in (FEW, MANY))
    # Rows of the light curve and of the viewer's table stay for each frame, and headers until they are collected;
    # of the frames themselves not a fifth.
    assert many - few < (MANY - FEW) * 4 * SIZE**2 / 5


def test_a_region_is_read_without_the_rest_of_the_frame(tmp_path):
    size = 2000
    image = np.arange(size * size, dtype=np.float32).reshape(size, size)
    path = tmp_path / "frame.fits"
    primary = fits.PrimaryHDU(image, header(0, 0.5, size, 1.2, 211, True))
    fits.HDUList([primary, as_table(companions.flags_table(np.empty(0, companions.RUN)))]).writeto(path)
    region = {"x": [690, 750], "y": [240, 300]}
    read_picture(path, region)
    found = []
    taken = peak(lambda: found.append(read_picture(path, region)))
    assert found[0].data.shape == (50, 50)
    assert taken < image.nbytes / 20
