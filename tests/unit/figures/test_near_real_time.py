"""Frames of near real time are provisional, and every figure of them says so."""

import re
from dataclasses import replace

import pytest
from small_frames import write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.figures import channels, differences, movie, panels, viewer
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames

OPTIONS = FigureOptions(size="one-column", dpi=50)
HASTY = 1 << 30
REGION = {"x": [650.0, 1000.0], "y": [150.0, 500.0]}


@pytest.fixture(scope="module")
def sequence(tmp_path_factory):
    """Frames, light curve and statistics, with a function that makes all, some or none of the frames hasty ones."""
    manifests, _ = write_sequence(tmp_path_factory.mktemp("hasty"), numbers=[0, 1, 2], noise=0.5)
    final = list_frames(manifests)

    def of(words):
        frames = [replace(frame, QUALITY=word) for frame, word in zip(final, words, strict=True)]
        return frames, *measure(frames, REGION, OPTIONS)

    return of


CASES = [
    ([0, 0, 0x4], ""),
    ([HASTY, HASTY | 0x4, HASTY], ", near real time"),
    ([0, HASTY, 0], ", partly near real time"),
]


@pytest.mark.parametrize(("words", "said"), CASES)
def test_headings_captions_and_pages_say_that_frames_are_of_near_real_time(
    sequence, tmp_path, monkeypatch, words, said
):
    frames, points, statistics = sequence(words)
    headings = []

    def heading(figure, left, text, *, synthetic):
        headings.append(text)

    for module in (panels, movie, differences, channels):
        if hasattr(module, "write_heading"):
            monkeypatch.setattr(module, "write_heading", heading)
    common = {"title": "flare", "region": REGION, "options": OPTIONS}
    captions = [
        panels.plot_sequence(frames, points, statistics, [tmp_path / "sequence.png"], channel=211, **common),
        differences.plot_difference(
            frames, points, statistics, [tmp_path / "d.png"], tmp_path / "d.mp4", kind="running", channel=211, **common
        ),
    ]
    if "partly" not in said:  # of a channel it shows one frame alone
        of_all = {211: frames}, {211: points}, {211: statistics}
        captions.append(channels.plot_channels(*of_all, [tmp_path / "all.png"], **common))
    movie.render_movie(frames, points, statistics, tmp_path / "movie.mp4", channel=211, **common)
    page = tmp_path / "viewer.html"
    viewer.build_viewer(frames, points, statistics, page, channel=211, channels=[211], **common)
    assert len(headings) >= 4 - ("partly" in said)
    pages = re.findall(r'<title>(.*?)</title>|class="instrument">(.*?)</span>', page.read_text(encoding="utf-8"))
    for text in [*headings, *captions, *("".join(found) for found in pages)]:
        assert ("near real time" in text) == bool(said), text
        assert said in text
    assert len(pages) == 2
