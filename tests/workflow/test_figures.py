"""Figures through the whole workflow: a true light curve, the same bytes twice, and a report that can be sent."""

import shutil

import pytest
import warm
import yaml
from running import ROOT, Workflow, call_each, jobs_in
from true_sun import mean_brightness

from aia_sequence.lists.lightcurve import read_points

pytestmark = pytest.mark.slow

REGION = {"x": [820, 905], "y": [325, 400]}
# The flare's rise and peak, exposed for 2.9 and 0.24 s; neither is saturated.
TIMES = ["2021-07-03T14:22:23Z", "2021-07-03T14:29:23Z"]
SMALL = {"size": "one-column", "dpi": 72}  # what is drawn is the same, and faster
FIGURES = [
    f"results/flare/figures/211/{name}"
    for name in ("sequence.png", "sequence.pdf", "lightcurve.png", "movie.mp4", "movie.gif", "viewer.html")
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The figures of both frames, which are cut out."""
    event = {"name": "flare", "start": TIMES[0], "end": TIMES[1], "every": "7m", "channels": [211]}
    event |= {"region": REGION, "cutout": True}
    event |= {"calibration": {"uncertainty": True}, "figure": {"gif": True, **SMALL}}
    workflow = Workflow(tmp_path_factory.mktemp("figures"), {"archive": "synthetic", "events": [event]})
    run = workflow.run(*FIGURES)
    assert run.status == 0, run.output
    yield workflow
    shutil.rmtree(workflow.folder)


def test_the_light_curve_is_the_models_within_its_uncertainty_whatever_the_exposure(made):
    rise, peak = points = read_points(made.results / "figures" / "211" / "lightcurve.csv")
    assert [point.T_REC for point in points] == TIMES
    assert rise.EXPTIME > 10 * peak.EXPTIME
    known = [mean_brightness(211, REGION, point.T_OBS) for point in points]
    assert known[1] > 1.05 * known[0]
    for point, true in zip(points, known, strict=True):
        assert point.saturated == 0
        # Interpolation and whole counts leave a little beside the noise: two parts in ten thousand.
        assert abs(point.mean - true) < 3 * point.mean_uncertainty + 2e-4 * true, point


def test_figures_made_again_are_the_same_files(made):
    paths = [made.folder / name for name in FIGURES]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    again = made.run(*FIGURES, **warm.environment(1))
    assert again.status == 0, again.output
    assert [path.read_bytes() for path in paths] == before
    assert "calibrate_level15" not in again.jobs


def test_an_option_of_the_movie_draws_the_sequence_again_and_calibrates_nothing(made):
    config = yaml.safe_load(yaml.safe_dump(made.config))
    config["events"][0]["figure"]["fps"] = 3
    run = Workflow(made.folder, config).run("--dry-run", *FIGURES)
    assert run.status == 0, run.output
    assert set(run.jobs) == {"plot_sequence", "render_gif"}


def test_an_event_of_one_channel_needs_no_panel_of_channels_and_one_of_two_does(made):
    assert "plot_channels" not in made.run("--dry-run").jobs
    config = yaml.safe_load(yaml.safe_dump(made.config))
    config["events"][0]["channels"] = [193, 211]
    assert Workflow(made.folder, config).run("--dry-run").jobs["plot_channels"] == 1


def test_a_gif_is_made_on_request_alone_and_figures_do_not_wait_for_the_audit(tmp_path):
    plain, moving = Workflow.example(tmp_path / "plain"), Workflow.example(tmp_path / "moving")
    movie = f"results/{plain.event['name']}/figures/211/movie.mp4"
    calls = [plain.arguments("--dry-run"), plain.arguments("--dry-run", movie)]
    calls.append(moving.changed(figure={"gif": True}).arguments("--dry-run"))
    said = call_each(calls, tmp_path)
    assert [status for status, _ in said] == [0] * len(calls), said
    without, alone, with_gif = [jobs_in(text) for _, text in said]
    assert (without["render_gif"], with_gif["render_gif"]) == (0, 1)
    assert alone["plot_sequence"] == 1
    assert not set(alone) & {"render_gif", "write_audit"}


def test_the_report_shows_figures_captions_and_run_times(made):
    run = made.run("--report", "report.html", *FIGURES)
    assert run.status == 0, run.output
    text = (made.folder / "report.html").read_text(encoding="utf-8")
    for words in ("sequence figure", "light curve", "movie", "viewer", "level 1.5, all on one", "results/index.html"):
        assert words in text, words
    assert str(ROOT) not in text


def test_the_report_opens_in_a_browser_and_asks_for_nothing(made):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("no Chromium on this machine")
    address = (made.folder / "report.html").as_uri()
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        errors, requests = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        page.get_by_text("Results").first.click()
        page.get_by_text("flare", exact=True).first.click()
        page.get_by_text("sequence figure").first.wait_for()
        browser.close()
    assert errors == []
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
