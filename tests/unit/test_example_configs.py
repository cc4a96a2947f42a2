"""Requests that people know, as configurations: each loads without a warning and brings the frames that it is about."""

from pathlib import Path

import pytest
import yaml
from small_archive import SmallModel, place, settings_of, small_archive

from aia_sequence.acquisition.request import FrameRequest
from aia_sequence.acquisition.selection import select_records
from aia_sequence.acquisition.sources import Server
from aia_sequence.config.settings import load
from aia_sequence.lists.manifests import LEVEL1
from aia_sequence.lists.records import RECORDS
from aia_sequence.planning.jobs import Job
from aia_sequence.planning.plan import Plan
from aia_sequence.times import read_time

FOLDER = Path(__file__).parents[2] / "examples" / "configs"
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


class Uncut(SmallModel):
    """The small archive, which has nothing to cut out of 96 x 96 pixels."""

    def write(self, record, segment, path, as_is, **_):
        super().write(record, segment, path, as_is)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with small_archive(tmp_path_factory.mktemp("state"), model=Uncut(lambda: 1.7e9)) as found:
        yield found


def plan(name):
    return Plan(load(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))))


def frames(archive, plan, folder):
    """Level-1 rows of the example, by channel: queried, selected, proved, exported, verified; nothing is cut out."""
    ((event, window),) = plan.events.items()
    found = {}
    for channel in window.channels:
        for label in plan.blocks(event, Job(plan, event, channel).series):
            job, source = Job(plan, event, channel, block=label), Server(archive)
            wanted = {**job.frames_wanted, "processing": {}}
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
            found.setdefault(channel, []).extend(LEVEL1.read(place(here).manifest))
    return found


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
    rows = frames(archive, plan(name), tmp_path)[211]
    assert len(rows) == 20
    assert all(row["EXPTIME"] < 2 and row["QUALITY"] == 0 and not row["reason"] for row in rows)


@pytest.mark.parametrize("name", ["cutouts-every-2h", "following-every-2h"])
def test_twelve_hours_by_two_are_seven_frames(archive, tmp_path, name):
    rows = frames(archive, plan(name), tmp_path)[171]
    times = [read_time(row["T_OBS"]) for row in rows]
    assert [round(time - times[0]) // 60 for time in times] == pytest.approx(
        [120 * number for number in range(7)], abs=1
    )


def test_the_followed_place_is_the_middle_of_the_cut_outs():
    """As sunpy sees it from the Earth, within the grid's rounding to a tenth of a degree."""
    import astropy.units as u
    from astropy.coordinates import SkyCoord
    from sunpy.coordinates import HeliographicStonyhurst

    region, fixed = (
        next(iter(plan(name).events.values())).options["region"] for name in ("following-every-2h", "cutouts-every-2h")
    )
    middle = [sum(fixed[axis]) / 2 for axis in "xy"]
    given = yaml.safe_load((FOLDER / "following-every-2h.yaml").read_text(encoding="utf-8"))["events"][0]["region"]
    seen = SkyCoord(*middle * u.arcsec, frame="helioprojective", observer="earth", obstime=given["at"].rstrip("Z"))
    place_there = seen.transform_to(HeliographicStonyhurst)
    assert [place_there.lon.deg, place_there.lat.deg] == pytest.approx(given["follow"], abs=0.06)
    assert region["width"] == fixed["x"][1] - fixed["x"][0]


def test_a_minute_is_five_or_six_frames_cut_out_where_drms_cuts(archive, tmp_path):
    asked = plan("cutout-drms")
    assert len(frames(archive, asked, tmp_path)[171]) in (5, 6)
    ((event, _),) = asked.events.items()
    (label,) = asked.blocks(event, Job(asked, event, 171).series)
    patch = Job(asked, event, 171, block=label).frames_wanted["processing"]["im_patch"]
    assert [float(patch[key]) for key in ("x", "y")] == pytest.approx([-517.2, -246.0], abs=0.1)


def test_six_channels_are_a_frame_of_each(archive, tmp_path):
    found = frames(archive, plan("six-channels"), tmp_path)
    assert {channel: len(rows) for channel, rows in found.items()} == dict.fromkeys((94, 131, 171, 193, 211, 335), 1)
