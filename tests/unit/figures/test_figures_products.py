"""All figures of a sequence from one job: the same files however many processes draw them."""

import pytest
from small_frames import write_sequence

from aia_sequence.config.figure import FigureOptions
from aia_sequence.errors import FrameError
from aia_sequence.figures import products
from aia_sequence.figures.measure import measure
from aia_sequence.figures.sequence import list_frames

REGION = {"x": [690, 990], "y": [240, 480]}
OPTIONS = FigureOptions(size="one-column", dpi=50, panels=2)
FILES = {
    "png": "sequence.png", "pdf": "sequence.pdf", "caption": "sequence.txt", "lightcurve_png": "lightcurve.png",
    "lightcurve_pdf": "lightcurve.pdf", "mp4": "movie.mp4", "html": "viewer.html",
}  # fmt: skip


@pytest.fixture(scope="module")
def sequence(tmp_path_factory):
    manifests, _ = write_sequence(tmp_path_factory.mktemp("frames"), 3)
    frames = list_frames(manifests)
    return frames, *measure(frames, REGION, OPTIONS)


def draw(sequence, folder, processes):
    """Draw a sequence into a folder; the content of each file."""
    folder.mkdir()
    files = {kind: folder / name for kind, name in FILES.items()}
    common = {"title": "flare", "channel": 211, "channels": [171, 211], "region": REGION, "options": OPTIONS}
    products.draw_products(*sequence, files, **common, processes=processes)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_do_not_depend_on_how_many_processes_draw_them(sequence, tmp_path):
    alone, beside = draw(sequence, tmp_path / "alone", 1), draw(sequence, tmp_path / "beside", 2)
    assert set(alone) == set(FILES.values())
    assert [name for name in alone if alone[name] != beside.get(name)] == []


def test_what_is_wrong_with_one_figure_is_told_and_the_others_are_whole(sequence, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise FrameError("ffmpeg could not write the movie: no such codec")

    whole = draw(sequence, tmp_path / "whole", 1)
    monkeypatch.setattr(products, "render_movie", refuse)
    with pytest.raises(FrameError, match="no such codec"):
        draw(sequence, tmp_path / "without", 2)
    left = {path.name: path.read_bytes() for path in (tmp_path / "without").iterdir()}
    assert left == {name: content for name, content in whole.items() if name != "movie.mp4"}
