"""What follows for a job from the configuration: frames, options, files, memory, time."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence import versions
from aia_sequence.config.settings import load
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import series_of
from aia_sequence.planning.estimates import (
    at_most,
    budget_events,
)
from aia_sequence.planning.jobs import (
    Job,
)
from aia_sequence.planning.plan import Plan
from aia_sequence.planning.products import (
    AUDITED,
)
from aia_sequence.times import iso, tai_seconds

EVENT = {
    "name": "flare",
    "start": "2021-07-03T14:25:00Z",
    "end": "2021-07-03T15:05:00Z",
    "channels": [211, 1600],
    "region": {"x": [650, 1050], "y": [150, 550]},
}

BEGIN = datetime(2021, 7, 3, 12, tzinfo=UTC)


def plan(**options):
    return Plan(load({"events": [EVENT | options]}))


@pytest.mark.parametrize(("start", "end", "threads"), [("14:25:00", "14:25:00", 1), ("14:25:00", "14:25:24", 3)])
def test_a_block_takes_no_more_processes_than_it_can_have_frames(start, end, threads):
    short = plan(start=f"2021-07-03T{start}Z", end=f"2021-07-03T{end}Z", channels=[211])
    assert Job(short, "flare", 211, block="20210703T1400").threads == threads
    assert Job(plan(), "flare", 211, block="20210703T1400").threads == 4


def test_frames_of_several_channels_are_listed_beside_cubes_or_where_it_is_asked_for():
    listed = ["<results>/flare/cubes/sets.csv"]
    assert Job(plan(), "flare").sets == []
    assert Job(plan(cube="seen"), "flare").sets == listed
    assert Job(plan(cube="seen", channels=[211]), "flare").sets == []
    asked = Job(plan(sets="1m"), "flare")
    assert (asked.sets, asked.sets_within, asked.cubes) == (listed, 60, [])
    assert Job(plan(cube="seen"), "flare").sets_within == 12
    assert set(Job(plan(cube="seen"), "flare").drawn_figures) >= {*listed, "<results>/flare/cubes/211.nc"}


@pytest.mark.parametrize(("options", "said"), [({"channels": [211]}, "the event has one"), ({"sets": "soon"}, "90s")])
def test_what_cannot_be_put_together_is_refused(options, said):
    with pytest.raises(ConfigError, match=f"sets: .*{said}"):
        plan(**{"sets": "12s"} | options)


def test_the_frames_of_a_window_are_those_of_its_blocks():
    """40 minutes of slots: one every 12 s at 211 Å, every 24 s at 1600 Å, both ends included."""
    of_blocks = [Job(plan(), "flare", 211, block=f"20210703T1{hour}00").frames for hour in (4, 5)]
    assert sum(of_blocks) == Job(plan(), "flare", 211).frames == 201
    assert Job(plan(), "flare", "1600").frames == 101
    assert Job(plan(), "flare").frames == 302


def test_a_job_of_a_series_is_about_all_of_its_channels():
    job = Job(plan(), "flare", series="aia.lev1_uv_24s", block="20210703T1400")
    assert job.metadata_table == "<results>/flare/metadata/aia.lev1_uv_24s/20210703T1400.csv"
    assert job.days == ["20210703"]


def test_tables_follow_from_the_options():
    plain = plan(calibration={"pointing": False, "degradation": False})
    job = Job(plain, "flare", 211, block="20210703T1400")
    assert job.calibration_tables == {}
    asked = plan(calibration={"pointing": False, "degradation": False, "psf": True, "uncertainty": True})
    euv, uv = (Job(asked, "flare", channel, block="20210703T1400") for channel in (211, 1600))
    folder = "<resources>/synthetic"
    assert euv.calibration_tables == {"errors": f"{folder}/calibration/errors.ecsv", "psf": f"{folder}/psf/211.fits"}
    assert uv.calibration_tables == {"errors": f"{folder}/calibration/errors.ecsv"}, "aiapy has none of UV channels"
    usual = [f"{folder}/calibration/{name}.ecsv" for name in ("degradation", "pointing/20210703")]
    assert Job(plan(), "flare", 211, block="20210703T1400").calibration_tables == {
        "pointing": usual[1:], "degradation": usual[0]
    }  # fmt: skip
    assert Job(plan(), "flare").tables == usual


def test_a_new_version_of_the_acceleration_repeats_accelerated_blocks_alone(monkeypatch):
    def version(channel, **calibration):
        return Job(plan(calibration=calibration), "flare", channel, block="20210703T1400").calibration_version

    others = [(211, {}), (211, {"psf": True}), (1600, {"psf": True, "psf_acceleration": True})]
    before = [version(channel, **asked) for channel, asked in others]
    accelerated = version(211, psf=True, psf_acceleration=True)
    monkeypatch.setattr(versions, "ACCELERATED", "next")
    assert [version(channel, **asked) for channel, asked in others] == before
    assert version(211, psf=True, psf_acceleration=True) != accelerated


def test_a_cutout_is_calibrated_on_its_regions_grid_and_asked_for_by_its_block_alone():
    narrow, wide = (plan(cutout=True, start=f"2021-07-03T14:{minute}:00Z") for minute in (25, 10))
    jobs = [Job(one, "flare", 211, block="20210703T1400") for one in (narrow, wide)]
    assert jobs[0].calibration["region"] == EVENT["region"]
    assert jobs[0].frames_wanted == jobs[1].frames_wanted
    assert "region" not in Job(plan(), "flare", 211, block="20210703T1400").calibration


def test_every_list_and_figure_of_an_event_is_among_its_files():
    job = Job(plan(figure={"gif": True}), "flare")
    assert set(job.audited_lists) == set(AUDITED)
    for kind, paths in job.audited_lists.items():
        assert paths == job.files[kind]
    assert len(job.files["level15"]) == 4  # two channels, two blocks
    assert "<results>/flare/figures/1600/movie.gif" in job.drawn_figures
    assert set(job.drawn_figures) < set(job.figures) == set(job.files["figures"])


def test_more_memory_and_time_are_asked_for_with_each_attempt_and_with_more_work():
    job = Job(plan(), "flare", 211, block="20210703T1400")
    deconvolved = Job(plan(calibration={"psf": True}), "flare", 211, block="20210703T1400")
    assert job.calibrate_mb(4, 1) < job.calibrate_mb(4, 2)
    assert job.calibrate_minutes(4, 1) < job.calibrate_minutes(4, 2)
    assert deconvolved.calibrate_mb(4, 1) > job.calibrate_mb(4, 1)
    assert deconvolved.calibrate_minutes(1, 1) > job.calibrate_minutes(1, 1)
    assert job.figure_mb(1) < job.figure_mb(2)


def test_the_most_that_an_event_can_cost_is_all_of_its_slots():
    (work,) = at_most(plan())
    assert (work.records, work.kept) == (302, 302)
    assert budget_events(plan())["flare"]["metadata_tables"] == 4


@pytest.mark.parametrize(("block", "end", "chosen"), [
    ("1h", "15:23:59", "none"), ("1h", "15:25:00", "rice"), ("1h", "19:25:00", "rice"),
    ("30m", "14:53:00", "none"), ("30m", "15:24:59", "rice"),
])  # fmt: skip
def test_frames_of_long_events_are_packed_and_those_of_short_ones_are_not(block, end, chosen):
    window = EVENT | {"end": f"2021-07-03T{end}Z"}
    own = window | {"name": "own", "calibration": {"compression": "gzip"}}
    found = load({"block": block, "events": [window, own]}).events
    assert found["flare"].options["calibration"]["compression"] == chosen
    assert found["own"].options["calibration"]["compression"] == "gzip"


@given(*[st.integers(0, 7200)] * 4, st.sampled_from([211, 1600]))
def test_a_window_that_is_widened_packs_no_whole_block_in_another_way(start, length, before, after, channel):
    """A block that is calibrated in another way is calibrated again."""

    def whole(first, last):
        """How each block is calibrated that the window has all slots of."""
        window = {name: iso(tai_seconds(BEGIN) + at) for name, at in (("start", first), ("end", last))}
        made = Plan(load({"block": "30m", "events": [EVENT | window | {"channels": [channel]}]}))
        jobs = [Job(made, "flare", channel, block=label) for label in made.blocks("flare", series_of(channel))]
        return {job.label: job.calibration for job in jobs if job.frames == 1800 // job.series.step}

    narrow, wide = whole(start, start + length), whole(start - before, start + length + after)
    assert narrow.items() <= wide.items()
