"""The page of results tells what there is of every event, and why something is missing."""

import json
from html.parser import HTMLParser

import pytest

from aia_sequence import joblog
from aia_sequence.config.settings import Event
from aia_sequence.errors import ArchiveError
from aia_sequence.overview import events as overview
from aia_sequence.overview import page
from aia_sequence.times import read_time

WINDOW = read_time("2021-07-03T14:25:00Z"), read_time("2021-07-03T14:35:00Z")


def event(name, *channels):
    return Event(name, *WINDOW, channels)


@pytest.fixture
def folders(tmp_path):
    """Results and logs of a finished event and of one whose export failed."""
    results, logs = tmp_path / "results", tmp_path / "logs"
    for name in (
        "sequence.png", "lightcurve.png", "movie.mp4", "difference-base.mp4", "viewer.html", "slits/loop.png",
    ):  # fmt: skip
        path = results / "done" / "figures" / "211" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (results / "done" / "cubes").mkdir()
    for name in ("211.nc", "sets.csv"):
        (results / "done" / "cubes" / name).touch()
    outcomes = ["calibrated"] * 20 + ["filtered"] * 31 + ["quarantined"]
    rows = ["record,WAVELNTH,outcome", *(f"r{n},211,{outcome}" for n, outcome in enumerate(outcomes))]
    (results / "done" / "audit.csv").write_text("\n".join([*rows, "r99,171,other channel"]) + "\n", encoding="utf-8")
    with pytest.raises(SystemExit), joblog.job_log(logs / "lost" / "download_level1" / "211" / "20210703T1400.log"):
        raise ArchiveError("JSOC refused <the> request")
    (results / "done" / "ro-crate-metadata.json").touch()
    return results, logs


def test_a_finished_event_tells_its_counts_and_its_products(folders):
    found = overview.look(event("done", 211), *folders)
    assert found.finished
    assert found.status == "20 frames kept, 31 dropped, 1 failed"
    assert list(found.products[211]) == [
        "viewer.html", "movie.mp4", "difference-base.mp4", "sequence.png", "lightcurve.png", "slits/loop.png",
        "../../cubes/211.nc",
    ]  # fmt: skip
    assert found.sets
    assert found.products[211]["slits/loop.png"] == "slit loop"


def test_an_event_that_failed_tells_the_step_and_the_reason(folders):
    found = overview.look(event("lost", 211), *folders)
    assert not found.finished
    assert found.status == "not finished: download_level1 failed, JSOC refused <the> request"


def test_an_event_that_was_never_run_is_not_finished(folders):
    assert overview.look(event("new", 171), *folders).status == "not finished"


def test_a_failure_that_was_mended_is_no_longer_told(folders):
    results, logs = folders
    (results / "lost").mkdir()
    (results / "lost" / "ro-crate-metadata.json").touch()
    assert overview.look(event("lost", 211), results, logs).finished


class Links(HTMLParser):
    """Everything that a page points to."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for key, value in attrs if key in ("href", "src")]


def test_the_page_names_every_event_and_points_to_files_that_are_there(folders):
    results, logs = folders
    events = [overview.look(event(name, 211), results, logs) for name in ("done", "lost", "new")]
    page.write(results / "index.html", events, synthetic=True, version="1.0")
    text = (results / "index.html").read_text(encoding="utf-8")
    assert "3 events, 1 finished" in text
    assert "2021-07-03 14:25:00 to 14:35:00 UTC" in text
    assert "Synthetic data: not observations of the Sun." in text
    assert "JSOC refused &lt;the&gt; request" in text
    figures = [link for link in Links(text).found if "/figures/" in link]
    assert {link.partition("/211/")[2] for link in figures} == set(events[0].products[211])
    assert all((results / link).is_file() for link in figures)
    assert "done/cubes/sets.csv" in Links(text).found
    assert "lost/cubes/sets.csv" not in Links(text).found


def test_an_event_of_several_channels_shows_them_side_by_side(folders):
    results, logs = folders
    found = overview.look(event("done", 171, 211), results, logs)
    page.write(results / "index.html", [found], synthetic=True, version="1.0")
    assert "done/figures/channels.png" in Links((results / "index.html").read_text(encoding="utf-8")).found


def test_a_page_of_real_frames_does_not_call_them_synthetic(folders, tmp_path):
    page.write(tmp_path / "index.html", [], synthetic=False, version="1.0")
    assert "not observations" not in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("synthetic", [("done",), ("done", "lost")])
def test_synthetic_frames_are_told_wherever_they_were_taken_from(folders, synthetic):
    results, logs = folders
    for name in ("done", "lost"):
        statistics = results / name / "figures" / "211" / "statistics.json"
        statistics.parent.mkdir(parents=True, exist_ok=True)
        statistics.write_text(json.dumps({"synthetic": name in synthetic}), encoding="utf-8")
    events = [overview.look(event(name, 211), results, logs) for name in ("done", "lost")]
    page.write(results / "index.html", events, synthetic=False, version="1.0")
    text = (results / "index.html").read_text(encoding="utf-8")
    assert text.count("not observations of the Sun") == 1
    told, section = text.index("not observations of the Sun"), text.index("<section")
    assert (told < section) == (len(synthetic) == 2)


def test_a_page_that_says_the_same_is_not_written_again(tmp_path):
    path = tmp_path / "index.html"
    page.write(path, [], synthetic=True, version="1.0")
    before = path.stat().st_mtime_ns
    page.write(path, [], synthetic=True, version="1.0")
    assert path.stat().st_mtime_ns == before
