"""Requests that people know, as configurations: each loads without a warning and ends as what its script shows."""

from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import yaml
from astropy import units as u
from astropy.coordinates import SkyCoord
from PIL import Image
from small_archive import place, settings_of, small_archive
from sunpy.coordinates import HeliographicStonyhurst, propagate_with_solar_surface

import aia_sequence
from aia_sequence.acquisition.request import FrameRequest
from aia_sequence.acquisition.selection import select_records
from aia_sequence.acquisition.sources import Server
from aia_sequence.archive.client import of_server
from aia_sequence.calibration import fetch, tables
from aia_sequence.calibration.block import calibrate_block
from aia_sequence.calibration.job import CalibrationJob
from aia_sequence.calibration.lookup import Tables
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.settings import load
from aia_sequence.figures.channels import plot_channels
from aia_sequence.figures.encoding import render_gif
from aia_sequence.figures.measure import measure
from aia_sequence.figures.movie import render_movie
from aia_sequence.figures.sequence import require_frames
from aia_sequence.instrument import EUV
from aia_sequence.lists.lightcurve import write_points
from aia_sequence.lists.manifests import LEVEL1, LEVEL15
from aia_sequence.lists.records import RECORDS
from aia_sequence.planning.jobs import Job
from aia_sequence.planning.plan import Plan
from synthetic_jsoc.protocol import server

FOLDER = Path(__file__).parents[2] / "examples" / "configs"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("state")) as running, of_server(running) as found:
        yield found


def plan(name, **defaults):
    asked = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return Plan(load(asked | {"defaults": defaults} if defaults else asked))


def frames(archive, plan, folder):
    """Level-1 manifests of the example, by channel: queried, selected, proved, exported, verified."""
    ((event, window),) = plan.events.items()
    found = {}
    for channel in window.channels:
        for label in plan.blocks(event, Job(plan, event, channel).series):
            job, source = Job(plan, event, channel, block=label), Server(archive)
            wanted = job.frames_wanted
            marked, _ = select_records(
                source, source.block(job.series_name, *job.span, job.extra_keywords), series=job.series_name,
                channel=channel, span=job.span, where=wanted["where"], segments=wanted["segments"],
                steps=wanted.get("steps"),
            )  # fmt: skip
            here = folder / f"{channel}-{label}"
            RECORDS.write_frame(here / "records.csv", marked)
            request = FrameRequest.of(here / "records.csv", wanted, "url")
            _, delivery = source.request(request, settings_of(folder))
            source.download(request, delivery, place(here), settings_of(folder))
            found.setdefault(channel, []).append((job, place(here).manifest))
    return found


def made(archive, name, folder, **defaults):
    """The example's event as it is when all is done: level 1.5, light curve, and what it is asked for."""
    asked = plan(name, **defaults)
    ((event, window),) = asked.events.items()
    region, options = window.options.get("region"), FigureOptions.of(window.options["figure"])
    results, curves, measured = folder / "results" / event, {}, {}
    pointing, degradation = tables_of(archive, asked, folder)
    for channel, blocks in frames(archive, asked, folder / "level1").items():
        records = [manifest.parents[1] / "records.csv" for _, manifest in blocks]
        for job, level1 in blocks:
            level15 = results / "level1.5" / str(channel) / f"{job.label}.csv"
            level15.with_suffix("").mkdir(parents=True)
            given = CalibrationJob(level1.parent, level15.with_suffix(""), CalibrationOptions(**job.calibration),
                                   Tables.read(pointing, degradation))  # fmt: skip
            LEVEL15.write(level15, calibrate_block(LEVEL1.read(level1), given, 1))
        shown = require_frames(event, channel, sorted((results / "level1.5" / str(channel)).glob("*.csv")), records)
        drawn = results / "figures" / str(channel)
        drawn.mkdir(parents=True)
        curves[channel], measured[channel] = measure(shown, region, options)
        write_points(curves[channel], drawn / "lightcurve.csv")
        if len(window.channels) == 1:
            about = {"title": event, "channel": channel, "region": region, "options": options}
            render_movie(shown, curves[channel], measured[channel], drawn / "movie.mp4", **about)
        if window.options["figure"].get("gif"):
            render_gif(drawn / "movie.mp4", drawn / "movie.gif")
    finished = aia_sequence.open(results)
    if len(finished) > 1:
        shown = {channel: one.frames for channel, one in finished.items()}
        about = {"title": event, "region": region, "options": options}
        plot_channels(shown, curves, measured, [results / "figures" / "channels.png"], **about)
    return finished


def tables_of(archive, plan, folder):
    """Pointing and degradation of the archive, frozen."""
    ((event, window),) = plan.events.items()
    jobs = [Job(plan, event, window.channels[0], block=one) for one in plan.blocks(event, EUV)]
    days = sorted({day for job in jobs for day in job.days})
    pointing = [folder / "pointing" / f"{day}.ecsv" for day in days]
    degradation = folder / "degradation.ecsv"
    pointing[0].parent.mkdir(parents=True)
    with archive.as_jsoc():
        for day, path in zip(days, pointing, strict=True):
            tables.freeze(path, *frozen(fetch.pointing(day)))
        tables.freeze(degradation, *frozen(fetch.degradation()))
    return pointing, degradation


def frozen(answer):
    table, source = answer
    return table, "synthetic", source


def images(path):
    """How many images a movie or GIF shows."""
    return imageio_ffmpeg.count_frames_and_secs(str(path))[0]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_a_configuration_that_its_readme_names(name):
    # The gallery's region goes on where no detector is.
    expected = ["reaches beyond the detector"] if name == "short-exposures-gallery" else []
    warnings = plan(name).settings.warnings
    assert len(warnings) == len(expected)
    assert all(said in line for said, line in zip(expected, warnings, strict=True))
    assert f"`{name}.yaml`" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["short-exposures", "short-exposures-gallery"])
def test_short_exposures_are_those_of_the_flare(archive, tmp_path, name):
    """Below two seconds and up to two are the same frames here, as in sunpy's gallery."""
    with small_archive(tmp_path / "small") as small:
        ((_, manifest),) = frames(small, plan(name), tmp_path)[211]
    rows = LEVEL1.read(manifest)
    assert len(rows) == 20
    assert all(row["EXPTIME"] < 2 and row["QUALITY"] == 0 and not row["reason"] for row in rows)


@pytest.mark.slow
def test_the_gallerys_flare_ends_as_an_animation_of_its_region(archive, tmp_path):
    """Cut out here: the worked example has the same frames of the full disk."""
    channel = made(archive, "short-exposures-gallery", tmp_path, cutout=True)[211]
    assert len(channel) == 20
    assert images(channel.folder / "figures" / "211" / "movie.mp4") == 20
    with Image.open(channel.folder / "figures" / "211" / "movie.gif") as gif:
        assert gif.n_frames == 20
    curve = channel.lightcurve()
    assert (curve["EXPTIME"] < 2 * u.s).all()
    # 1000 x 600 arcsec, of which the detector sees the part west of 1228.8.
    assert curve["pixels"][0].value == pytest.approx((1228.8 - 500) * 600 / 0.36, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cutouts-every-2h", "following-every-2h"])
def test_twelve_hours_by_two_are_seven_cut_outs_of_one_place(archive, tmp_path, name):
    channel = made(archive, name, tmp_path)[171]
    elapsed = (channel.times - channel.times[0]).to_value("min")
    assert elapsed == pytest.approx([120 * number for number in range(7)], abs=0.2)
    assert images(channel.folder / "figures" / "171" / "movie.mp4") == 7
    window = yaml.safe_load((FOLDER / "cutouts-every-2h.yaml").read_text(encoding="utf-8"))["events"][0]
    wanted = [[*window["region"][axis]] for axis in "xy"]
    middles = []
    for one in channel.maps():
        assert one.data.shape == pytest.approx((1083, 1083), abs=2)  # 650 arcsec
        low, high = one.bottom_left_coord, one.top_right_coord
        edges = [[low.Tx, high.Tx], [low.Ty, high.Ty]]
        middles.append([np.mean([end.to_value("arcsec") for end in ends]) for ends in edges])
        if name == "cutouts-every-2h":
            seen = [[end.to_value("arcsec") for end in ends] for ends in edges]
            assert np.ravel(seen) == pytest.approx(np.ravel(wanted), abs=1)
    if name == "following-every-2h":
        # sunpy turns the middle of the first cut-out to the times of the others.
        maps = list(channel.maps())
        first = SkyCoord(*middles[0] * u.arcsec, frame=maps[0].coordinate_frame)
        for middle, one in zip(middles, maps, strict=True):
            with propagate_with_solar_surface():
                there = first.transform_to(one.coordinate_frame)
            assert middle == pytest.approx([there.Tx.to_value("arcsec"), there.Ty.to_value("arcsec")], abs=1.2)


@pytest.mark.slow
def test_a_minute_is_five_or_six_frames_cut_out_where_drms_cuts(archive, tmp_path):
    channel = made(archive, "cutout-drms", tmp_path)[171]
    assert len(channel) in (5, 6)
    assert images(channel.folder / "figures" / "171" / "movie.mp4") == len(channel)
    for one in channel.maps():
        assert one.data.shape == (576, 576)  # 345.6 arcsec
        middle = [one.center.Tx.to_value("arcsec"), one.center.Ty.to_value("arcsec")]
        assert middle == pytest.approx([-517.2, -246], abs=0.6)


@pytest.mark.slow
def test_six_channels_are_a_frame_of_each_side_by_side(archive, tmp_path):
    """Of a part of the disk here: full-disk frames side by side are the worked example's of several channels."""
    event = made(archive, "six-channels", tmp_path, cutout=True, region={"x": [-300, 300], "y": [100, 600]})
    assert {channel: len(one) for channel, one in event.items()} == dict.fromkeys((94, 131, 171, 193, 211, 335), 1)
    (together,) = event.sets(within=12)
    assert together.largest_offset < 12
    with Image.open(event.folder / "figures" / "channels.png") as picture:
        assert min(picture.size) > 1000


def test_the_followed_place_is_the_middle_of_the_cut_outs():
    """As sunpy sees it from the Earth, within the grid's rounding to a tenth of a degree."""

    region, fixed = (
        next(iter(plan(name).events.values())).options["region"] for name in ("following-every-2h", "cutouts-every-2h")
    )
    middle = [sum(fixed[axis]) / 2 for axis in "xy"]
    given = yaml.safe_load((FOLDER / "following-every-2h.yaml").read_text(encoding="utf-8"))["events"][0]["region"]
    seen = SkyCoord(*middle * u.arcsec, frame="helioprojective", observer="earth", obstime=given["at"].rstrip("Z"))
    place_there = seen.transform_to(HeliographicStonyhurst)
    assert [place_there.lon.deg, place_there.lat.deg] == pytest.approx(given["follow"], abs=0.06)
    assert region["width"] == fixed["x"][1] - fixed["x"][0]
