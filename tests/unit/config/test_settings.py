"""A configuration that cannot be used is refused before the first job, with one line for each thing that is wrong."""

import copy
import re
from datetime import UTC, date, datetime, timedelta

import pytest
import yaml
from jsonschema import Draft202012Validator

from aia_sequence.config.archives import check_email, named
from aia_sequence.config.event_checks import slots
from aia_sequence.config.settings import block_length, load, schema
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import EUV, SERIES, series_of
from aia_sequence.planning.plan import Plan
from aia_sequence.times import duration, tai_seconds

NOW = tai_seconds(datetime(2024, 1, 1))


@pytest.fixture
def config(root):
    return yaml.safe_load((root / "config" / "config.yaml").read_text(encoding="utf-8"))


def refusal(config, now=NOW):
    with pytest.raises(ConfigError) as refused:
        load(config, now)
    return str(refused.value)


def test_the_schema_is_a_schema_and_describes_every_option():
    Draft202012Validator.check_schema(schema())
    for part in (schema(), *schema()["$defs"].values()):
        for name, option in part.get("properties", {}).items():
            assert "description" in option or "$ref" in option, name


def test_the_committed_configuration_is_the_worked_example(config):
    settings = load(config, NOW)
    event = settings.events["x1.5-2021-07-03"]
    assert settings.archive == "synthetic"
    assert event.start == tai_seconds(datetime(2021, 7, 3, 14, 25))
    assert event.end == tai_seconds(datetime(2021, 7, 3, 14, 35))
    assert event.channels == (211,)
    assert event.options["where"] == {"EXPTIME": "< 2.0", "QUALITY": "= 0"}


def test_every_counts_steps_from_the_windows_start(config):
    """A frame every two hours over half a day, as sunpy's gallery asks for it."""
    event = {"start": "2012-09-24T08:56:03Z", "end": "2012-09-24T20:56:03Z", "channels": [171], "every": "2h"}
    config["events"] = [{"name": "half-a-day", **event}]
    plan = Plan(load(config, NOW))
    found = plan.blocks("half-a-day", EUV).values()
    assert sum(block.frames(171) for block in found) == 7
    assert [block.frames(171) for block in found] == [1] * 7
    first, *_, last = found
    assert (first.start, last.end) == ("2012-09-24T08:56:01Z", "2012-09-24T20:56:01Z")


@pytest.mark.parametrize(
    ("every", "channels", "problem"),
    [
        ("30s", [171], r"every: '30s' is no multiple of the 12 s at which aia.lev1_euv_12s .* 171\); write 24s or 36s"),
        (
            "36s",
            [171, 1600],
            r"every: '36s' is no multiple of the 24 s at which aia.lev1_uv_24s .* 1600\); write 24s or",
        ),
        ("2d", [171], r"every: '2d' is not a cadence; allowed are .* up to 1d"),
        ("0s", [171], "every: '0s' is not a cadence"),
        ("often", [171], "every: 'often' is not a length of time; write 90s, 5m, 1h or 1d"),
    ],
)
def test_a_cadence_that_a_series_has_not_is_refused(config, every, channels, problem):
    config["events"][0] |= {"every": every, "channels": channels}
    assert re.search(problem, refusal(config))


def test_a_channel_whose_cadence_is_longer_has_all_its_frames(config):
    config["events"][0] |= {"every": "12m", "channels": [171, 4500], "end": "2021-07-03T18:25:00Z"}
    plan = Plan(load(config, NOW))
    assert sum(block.frames(4500) for block in plan.blocks("x1.5-2021-07-03", series_of(4500)).values()) == 4
    assert sum(block.frames(171) for block in plan.blocks("x1.5-2021-07-03", series_of(171)).values()) == 21


def test_the_largest_number_of_records_counts_steps(config):
    config["events"][0] |= {"end": "2021-07-13T14:25:00Z", "where": {}}
    assert "max_records" in refusal(config | {"max_records": 1000})
    config["events"][0]["every"] = "1h"
    load(config | {"max_records": 241}, NOW)


def test_loading_leaves_the_configuration_alone(config):
    before = copy.deepcopy(config)
    load(config, NOW)
    assert config == before


def test_times_that_yaml_read_as_times_mean_the_same_as_quoted_ones(config):
    quoted = load(config, NOW)
    config["events"][0]["start"] = datetime(2021, 7, 3, 14, 25)
    config["events"][0]["end"] = datetime(2021, 7, 3, 14, 35, tzinfo=UTC)
    assert load(config, NOW) == quoted
    config["events"][0]["start"] = date(2021, 7, 3)
    assert load(config, NOW).events["x1.5-2021-07-03"].start == tai_seconds(datetime(2021, 7, 3))


def test_an_event_inherits_defaults_key_by_key_and_null_removes_one(config):
    config["defaults"] = {"channels": [171], "where": {"QUALITY": "= 0", "EXPTIME": "> 0.1"}}
    event = config["events"][0]
    del event["channels"]
    event["where"] = {"EXPTIME": None}
    loaded = load(config, NOW).events[event["name"]]
    assert loaded.channels == (171,)
    assert loaded.options["where"] == {"QUALITY": "= 0"}


@pytest.mark.parametrize(
    ("path", "said"), [("", "'' is empty"), ("a\nb", r"'a\\nb' is not possible; wanted is one line of text")]
)
def test_a_path_that_can_be_none_is_refused_in_one_line_without_a_pattern(config, path, said):
    config |= {"archive": "files", "files": [path], "tables": "ssw"}
    assert re.fullmatch(r"files\[0\]: " + said, refusal(config))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"end": "2021-07-03T14:20:00Z"}, r"end: 2021-07-03T14:20:00Z lies before start 2021-07-03T14:25:00Z"),
        (
            {"start": "2009-12-31T00:00:00Z"},
            r"start: 2009-12-31T00:00:00Z lies before the mission's first day, 2010-05-13",
        ),
        ({"end": "2031-01-01T00:00:00Z"}, r"end: 2031-01-01T00:00:00Z lies in the future; now it is 2024-01-01"),
        ({"start": "3 July"}, r"start: '3 July' is not a time; write it as 2021-07-03T14:25:00Z"),
        ({"region": {"x": [900, 700], "y": [0, 100]}}, r"region\.x: \[900, 700\] is empty"),
        ({"where": {"EXPTIM": "< 2"}}, r"EXPTIM\b.*did you mean EXPTIME\?"),
        (
            {"where": {"EXPTIME": "~ 2"}},
            r"EXPTIME: '~ 2' is not a value of EXPTIME.* takes \"< 1.5\" \(or = != <= > >=\)",
        ),
    ],
)
def test_what_is_wrong_with_an_event_is_said_with_its_name(config, change, expected):
    config["events"][0].update(change)
    message = refusal(config)
    assert message.startswith("events[0] (x1.5-2021-07-03): ")
    assert re.search(expected, message), message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"channels": [211, 195]},
            "events[0].channels[1]: 195 is not allowed; did you mean 193? Allowed are 94, 131, 171",
        ),
        ({"name": "../elsewhere"}, "events[0].name: '../elsewhere' is not a valid name"),
        (
            {"chanels": [211]},
            "events[0]: unknown key 'chanels'; did you mean channels? Allowed are calibration",
        ),
        (
            {"region": {"x": [1, 2]}},
            "events[0] (x1.5-2021-07-03): region.y missing; a region has x and y, or width and height",
        ),
    ],
)
def test_what_the_schema_refuses_is_said_with_its_key(config, change, expected):
    config["events"][0].update(change)
    assert expected in refusal(config)


def test_unknown_keys_and_archives_are_refused(config):
    config["archiv"] = config.pop("archive")
    assert "unknown key 'archiv'; did you mean archive? Allowed are archive, block" in refusal(config)
    del config["archiv"]
    config["archive"] = "vso"
    assert refusal(config) == "archive: 'vso' is not allowed; allowed are synthetic, jsoc, files"


def test_two_events_of_one_name_are_refused(config):
    config["events"].append(copy.deepcopy(config["events"][0]))
    assert refusal(config) == (
        "events[1] (x1.5-2021-07-03): name: 'x1.5-2021-07-03' is taken by events[0] (x1.5-2021-07-03); "
        "names must differ, and in more than case"
    )
    config["events"][1]["name"] = "X1.5-2021-07-03"
    assert "name: 'X1.5-2021-07-03' is taken by events[0]" in refusal(config)


def test_everything_that_is_wrong_is_said_at_once(config):
    config["block"] = "2d"
    config["events"][0].update(end="2021-07-03T14:20:00Z", start="2009-12-31T00:00:00Z")
    assert len(refusal(config).splitlines()) == 2
    config["events"][0]["end"] = "2009-12-30T00:00:00Z"
    assert len(refusal(config).splitlines()) == 3


def test_jsoc_wants_an_address_and_the_message_never_shows_it():
    with pytest.raises(ConfigError, match="JSOC_EMAIL is not set"):
        check_email(named("jsoc"), {})
    with pytest.raises(ConfigError) as refused:
        check_email(named("jsoc"), {"JSOC_EMAIL": "someone.at.home"})
    assert "is not an e-mail address" in str(refused.value)
    assert "someone" not in str(refused.value)
    check_email(named("jsoc"), {"JSOC_EMAIL": "someone@example.org"})
    check_email(named("synthetic"), {})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"channels": [1600, 1700]}, "calibration.psf: aiapy has point spread functions of 94, 131, 171"),
        (
            {"cutout": True, "region": {"x": [0, 60], "y": [0, 60]}},
            "calibration.psf: a cutout lacks the light that was spread into it; leave out either psf or cutout",
        ),
    ],
)
def test_deconvolution_that_cannot_be_is_refused_before_anything_is_fetched(config, options, said):
    config["events"][0] |= {"calibration": {"psf": True}}
    load(config, NOW)
    load(config | {"events": [config["events"][0] | {"channels": [171, 1600]}]}, NOW)
    config["events"][0] |= options
    assert said in refusal(config)


def test_spikes_of_a_cutout_are_refused_before_anything_is_fetched(config):
    config["events"][0] |= {"calibration": {"respike": True}, "region": {"x": [0, 60], "y": [0, 60]}}
    load(config, NOW)
    config["events"][0]["cutout"] = True
    assert "calibration.respike: the archive cuts out images without their spikes; leave out either" in refusal(config)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"where": {"EXPTIME": 2}}, r"where\.EXPTIME: 'EXPTIME = 2.0' .* 2\.000166 .* \"1\.8 \.\. 2\.2\""),
        ({"where": {"EXPTIME": "in 2.0, 2.9"}}, r"where\.EXPTIME: "),
        ({"start": "2021-07-03"}, r"start: 2021-07-03 is a date alone and means 2021-07-03T00:00:00Z"),
        ({"start": date(2021, 7, 3)}, r"start: 2021-07-03 is a date alone"),
        ({"end": "2021-07-03T14:25:00Z"}, r"end: 2021-07-03T14:25:00Z is also the start"),
        ({"end": "2021-07-13T14:25:00Z"}, r"the window is 10 days long"),
    ],
)
def test_what_is_allowed_and_hardly_meant_is_a_warning_with_the_event(config, change, said):
    assert load(config, NOW).warnings == ()
    config["events"][0].update(change)
    (warning,) = load(config, NOW).warnings
    assert re.match(rf"events\[0\] \(x1\.5-2021-07-03\): {said}", warning), warning


def test_a_warning_that_holds_for_many_events_is_given_once(config):
    config["defaults"] = {"where": {"EXPTIME": "= 2"}}
    event = config["events"][0] | {"where": {}}
    config["events"] = [event | {"name": f"flare-{n}"} for n in range(3)]
    (warning,) = load(config, NOW).warnings
    assert warning.startswith("events[0] (flare-0) and 2 more: where.EXPTIME: ")


@pytest.mark.parametrize("hour", ["1h", "60m", "60min", "3600s", "3600", "1 h", " 01h ", "00003600", 3600])
def test_a_length_of_time_is_written_the_same_way_everywhere(config, tmp_path, hour):
    path = tmp_path / "flares.csv"
    path.write_text("name,start,end\nflare,2021-07-03T14:18Z,2021-07-03T14:34Z\n", encoding="utf-8")
    config |= {"block": hour, "export": {"timeout": hour}, "events": str(path), "catalogue": {"before": hour}}
    settings = load(config | {"defaults": {"channels": [171]}}, NOW)
    assert block_length(settings.block) == duration(settings.options["export"]["timeout"]) == timedelta(hours=1)
    assert settings.events["flare"].start == tai_seconds(datetime(2021, 7, 3, 13, 18))


@pytest.mark.parametrize(
    ("key", "text"),
    [("block", "an hour"), ("timeout", "an hour"), ("timeout", 0), ("timeout", "0s"), ("timeout", "00 h")],
)
def test_what_is_no_length_of_time_is_refused_with_its_key(config, key, text):
    config |= {"block": text} if key == "block" else {"export": {"timeout": text}}
    assert f"{key}: {text!r}" in refusal(config) or f"{key}: {text} is less than the minimum of 1" in refusal(config)


NEAREST = r"aia\.lev1_vis_1h has no slot in the window, .* nearest are 2021-07-03T13:59:23Z and 2021-07-03T14:59:23Z"


def test_a_channel_without_a_slot_in_the_window_is_left_out_with_a_warning(config):
    config["events"][0] |= {"channels": [211, 4500]}
    settings = load(config, NOW)
    (event,) = settings.events.values()
    assert event.channels == (211,)
    assert Plan(settings).series(event.name) == [EUV]
    (warning,) = settings.warnings
    assert re.search(rf"channels: 4500 is left out: {NEAREST}\. Write start: 2021-07-03T13:59:23Z or end: ", warning)
    for change in ({"start": "2021-07-03T13:59:23Z"}, {"end": "2021-07-03T14:59:23Z"}):
        config["events"][0] |= change
        settings = load(config, NOW)
        assert settings.warnings == ()
        assert settings.events[event.name].channels == (211, 4500)


def test_an_event_without_any_slot_is_refused_and_so_is_a_composite_of_what_is_left_out(config):
    config["events"][0] |= {"channels": [4500]}
    assert re.search(rf"\(x1\.5-2021-07-03\): channels: 4500: {NEAREST}", refusal(config))
    config["events"][0] |= {"channels": [94, 211, 4500], "figure": {"rgb": [94, 211, 4500]}}
    assert "figure.rgb: 4500 is not among the channels of the event, which are 94, 211" in refusal(config)


def test_the_address_of_an_archive_is_no_part_of_its_name(config):
    given = load(config | {"archive": {"name": "jsoc", "url": "https://mirror.example:8443/"}}, NOW)
    plain = load(config | {"archive": "jsoc"}, NOW)
    assert (given.archive, given.archives[0].url) == ("jsoc", "https://mirror.example:8443/")
    assert (plain.archive, plain.servers) == ("jsoc", "")
    assert given.options == plain.options


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        ("rob", "archive: 'rob' is not allowed; allowed are synthetic, jsoc, files"),
        ({"name": "files", "url": "https://x.org/"}, "'files' means something else here"),
        (["jsoc", "files"], "'files' stands in for no other archive"),
        (["jsoc", "jsoc"], "'jsoc' is named twice"),
        ({"name": "rob", "url": "https://x.org/", "email_variable": "HOME"}, "'HOME' is not possible"),
        ({"name": "jsoc"}, "archive: url missing"),
        (
            {"name": "jsoc", "url": "ftp://jsoc.stanford.edu/"},
            "'ftp://jsoc.stanford.edu/' is not possible",
        ),
        ({"name": "jsoc", "url": "https://me:secret@jsoc.stanford.edu/"}, "is not possible; wanted is: Address"),
        ({"name": "jsoc", "url": "https://x.org/", "port": 1}, "archive: unknown key 'port'"),
    ],
)
def test_an_archive_that_cannot_be_is_refused_in_a_line(config, archive, said):
    told = refusal(config | {"archive": archive})
    assert said in told
    assert "\n" not in told


@pytest.mark.parametrize("series", ["aia.lev1", "aia.lev1_nrt2"])
def test_frames_of_a_series_without_slots_are_counted_by_their_cadence(config, series):
    """A block of an hour has a frame every 12 s of 171 A, one every 24 s of 1600 A, and one of 4500 A."""
    config["events"][0] |= {"series": series, "channels": [171, 1600, 4500], "where": {}}
    config["events"][0] |= {"start": "2021-07-03T14:00:00Z", "end": "2021-07-03T16:00:00Z"}
    plan = Plan(load(config, NOW))
    event = plan.event("x1.5-2021-07-03")
    assert {event.series(channel).name for channel in event.channels} == {series}
    assert [one.name for one in plan.series(event.name)] == [series]
    first, second, _ = plan.blocks(event.name, event.series(171)).values()
    assert (first.start, first.end) == ("2021-07-03T14:00:00Z", "2021-07-03T14:59:59Z")
    assert [second.frames(channel) for channel in event.channels] == [300, 150, 1]
    assert slots(event) == 601 + 301 + 3
    files = plan.paths("{series}/{block}", event.name)
    assert files[0] == f"{series}/20210703T1400"


def test_a_frame_every_so_often_of_a_series_without_slots(config):
    config["events"][0] |= {"series": "aia.lev1", "every": "10m", "channels": [171], "where": {}}
    config["events"][0] |= {"start": "2021-07-03T14:05:00Z", "end": "2021-07-03T16:05:00Z"}
    plan = Plan(load(config, NOW))
    blocks = plan.blocks("x1.5-2021-07-03", plan.event("x1.5-2021-07-03").series(171)).values()
    assert [block.frames(171) for block in blocks] == [6, 6, 1]
    config["events"][0]["every"] = "12s"
    plan = Plan(load(config, NOW))
    assert all(block.steps is None for block in plan.blocks("x1.5-2021-07-03", SERIES["aia.lev1"]).values())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"series": "aia.lev1_uv_24s", "channels": [171, 1600]},
            "series: aia.lev1_uv_24s has no frames of 171 Å, but of",
        ),
        ({"series": "aia.lev1_nrt"}, "did you mean aia.lev1_nrt2?"),
        ({"series": "aia.lev1_nrt2", "where": {"QUALITY": "= 0"}}, 'near real time); write "ignore bits 30"'),
        ({"series": "aia.lev1_nrt2", "where": {"QUALITY": "ignore bits 0-4"}}, 'write "ignore bits 30"'),
        ({"series": "aia.lev1_nrt2", "where": {"QUALITY": "reject bits 30"}}, 'write "ignore bits 30"'),
        ({"series": "aia.lev1", "every": "18s"}, "every: '18s' is no multiple of the 12 s"),
    ],
)
def test_a_series_that_an_event_cannot_have_is_refused_with_what_to_write(config, changes, said):
    config["events"][0] |= changes
    assert said in refusal(config)


@pytest.mark.parametrize("quality", ["ignore bits 0-4, 8, 30", "reject bits 9", "= 1073741824", "!= 0"])
def test_conditions_that_frames_of_near_real_time_can_fulfil_are_taken(config, quality):
    config["events"][0] |= {"series": "aia.lev1_nrt2", "where": {"QUALITY": quality}}
    assert load(config, NOW).events["x1.5-2021-07-03"].options["series"] == "aia.lev1_nrt2"


def test_files_at_hand_have_no_series_to_be_named(config):
    config["events"][0] |= {"series": "aia.lev1"}
    config |= {"archive": "files", "files": ["here"], "tables": "ssw"}
    assert "series: 'aia.lev1' of x1.5-2021-07-03 is asked of an archive" in refusal(config)


def test_the_schema_names_the_series_of_the_instrument():
    assert schema()["$defs"]["options"]["properties"]["series"]["enum"] == list(SERIES)
