"""A catalogue's rows become events, and what is wrong with one is said with file, line and column."""

import os
import string
from datetime import datetime, timedelta

import pytest
import yaml
from astropy.table import Table
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from aia_sequence.config.catalogues import read_catalogue
from aia_sequence.config.region import parse_location, resolve_region
from aia_sequence.config.schema import schema, with_defaults
from aia_sequence.config.settings import load
from aia_sequence.errors import ConfigError
from aia_sequence.times import clock, iso, tai_seconds

NOW = tai_seconds(datetime(2026, 1, 1))
GOES = "class,start,peak,end,location\nX1.5,2021-07-03T14:18Z,2021-07-03T14:29Z,2021-07-03T14:34Z,N23W80\n"


@pytest.fixture
def events(tmp_path):
    """Events of a catalogue's text."""

    def of(text, defaults=None, **catalogue):
        path = tmp_path / "flares.csv"
        path.write_text(text, encoding="utf-8")
        config = {"events": str(path), "defaults": {"channels": [171], **(defaults or {})}, "catalogue": catalogue}
        return load(config, NOW).events

    return of


@pytest.fixture
def refusal(events):
    def of(text, defaults=None, **catalogue):
        with pytest.raises(ConfigError) as refused:
            events(text, defaults, **catalogue)
        return str(refused.value)

    return of


def rows(path, **catalogue):
    return read_catalogue(path, with_defaults({"catalogue": catalogue}, schema())["catalogue"])


def test_a_flare_list_as_people_have_it_is_a_catalogue(events):
    (event,) = events(GOES).values()
    assert event.name == "x1.5-2021-07-03T1418"
    assert (event.start, event.end) == (
        tai_seconds(datetime(2021, 7, 3, 14, 18)),
        tai_seconds(datetime(2021, 7, 3, 14, 34)),
    )
    assert event.options["location"] == "N23W80"
    assert event.options["class"] == "X1.5"


def test_other_lists_name_their_columns_otherwise_and_mean_the_same(events):
    hek = "fl_goescls,event_starttime,event_peaktime,event_endtime,goes_location,ar_noaanum\n" + GOES.split("\n")[1]
    assert events(hek.strip() + ",12838\n") == events(GOES)
    noaa = "date,begin,max,end,class,location\n2021/07/03,1418,1429,1434,X1.5,N23W80\n"
    assert events(noaa) == events(GOES)


@pytest.mark.parametrize(
    ("header", "row", "ignore"),
    [
        ("Class,Start,Peak,End,Location", "X1.5,2021-07-03T14:18Z,2021-07-03T14:29Z,2021-07-03T14:34Z,N23W80", []),
        (
            "Start Time,Peak Time,End Time,GOES Class,Position",
            "2021-07-03 14:18,2021-07-03 14:29,2021-07-03 14:34,X1.5,N23W80",
            [],
        ),
        # DONKI's flares, as its service answers
        (
            "flrID,beginTime,peakTime,endTime,classType,sourceLocation,activeRegionNum,link",
            "2021-07-03T14:18:00-FLR-001,2021-07-03T14:18Z,2021-07-03T14:29Z,2021-07-03T14:34Z,X1.5,N23W80,12838,https://x",
            ["flrID"],
        ),
        # The HEK: some of its hundred columns
        (
            "gs_thumburl,ar_noaanum,event_starttime,event_peaktime,event_endtime,fl_goescls,hgs_x,hgs_y,hpc_x,frm_name",
            ",12838,2021-07-03T14:18:00,2021-07-03T14:29:00,2021-07-03T14:34:00,X1.5,80,23,930.1,SWPC",
            "others",
        ),
    ],
)
def test_lists_as_they_are_downloaded_are_catalogues(events, header, row, ignore):
    region = {"region": {"width": 10, "height": 10}}
    (known,), (event,) = events(GOES, region).values(), events(f"{header}\n{row}\n", region, ignore=ignore).values()
    for options in (known.options, event.options):
        options.pop("location")
    assert event == known


def test_what_a_list_does_not_know_is_marked_in_many_ways(events):
    for mark in ("", "nan", "N/A", "-", "////", "--"):
        (event,) = events(GOES.replace("N23W80", mark).replace("2021-07-03T14:29Z", mark)).values()
        assert not {"location", "peak"} & event.options.keys()


def test_only_those_times_must_be_there_that_the_window_and_the_name_are_made_of(events, refusal):
    text = "name,peak\na,2021-07-03T14:29Z\n"
    (event,) = events(text, **{"from": "peak", "before": "1m", "to": "peak", "after": "1m"}).values()
    assert event.end - event.start == 120
    assert "no column for start" in refusal("peak\n2021-07-03T14:29Z\n", **{"from": "peak", "to": "peak"})


def test_where_the_peak_is_not_known_the_place_is_that_of_the_flares_start_whatever_the_padding(events):
    text = GOES.replace("2021-07-03T14:29Z", "")
    for before in ("0s", "6h"):
        (event,) = events(text, {"region": {"width": 10, "height": 10}}, before=before).values()
        assert event.options["region"]["at"] == "2021-07-03T14:18:00Z"


def test_cells_have_the_type_that_their_key_wants(events):
    text = GOES.replace("location\n", "location,where.QUALITY,where.EXPTIME,figure.panels\n").replace(
        "N23W80\n", "N23W80,0,2.5,{}\n"
    )
    for panels in (12, "all"):
        (event,) = events(text.format(panels)).values()
        assert event.options["where"] == {"QUALITY": 0, "EXPTIME": 2.5}
        assert isinstance(event.options["where"]["QUALITY"], int)
        assert event.options["figure"]["panels"] == panels


def test_a_table_that_astropy_wrote_is_a_catalogue(events, tmp_path):
    table = Table.read(GOES, format="ascii.csv")
    table["start"] = Time([text.removesuffix("Z") for text in table["start"]])
    for delimiter in (" ", ","):
        table.write(tmp_path / "flares.ecsv", delimiter=delimiter, overwrite=True)
        assert events((tmp_path / "flares.ecsv").read_text(encoding="utf-8")) == events(GOES)


def test_ecsv_and_csv_say_the_same(events):
    header = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: class, datatype: string}\n# schema: astropy-2.0\n"
    assert events(header + GOES.replace(",", " ")) == events(GOES)
    assert events(header.replace("# schema", "# delimiter: ','\n# schema") + GOES) == events(GOES)


def test_a_clock_time_before_the_start_is_of_the_next_day(events):
    (event,) = events("date,start,peak,end\n2013-05-13,23:50,00:05,00:20\n").values()
    assert event.end - event.start == 1800
    assert event.options["peak"] == "2013-05-14T00:05:00Z"


@pytest.mark.parametrize(
    ("catalogue", "window"),
    [
        ({}, ("14:18:00", "14:34:00")),
        ({"before": "5m", "after": "90s"}, ("14:13:00", "14:35:30")),
        ({"from": "peak", "before": "1m", "to": "peak", "after": "1m"}, ("14:28:00", "14:30:00")),
        ({"from": "peak", "to": "end"}, ("14:29:00", "14:34:00")),
    ],
)
def test_the_window_is_padded_around_start_peak_or_end(events, catalogue, window):
    (event,) = events(GOES, **catalogue).values()
    assert (clock(event.start), clock(event.end)) == window
    assert event.name == "x1.5-2021-07-03T1418", "the name is the flare's, whatever the window"


def test_columns_reach_into_mappings_and_win_over_defaults_key_by_key(events):
    text = "name,start,end,channels,where.EXPTIME,region.width\na,2021-07-03T14:00Z,2021-07-03T14:01Z,171 193,< 2,300\n"
    defaults = {
        "channels": [94],
        "where": {"QUALITY": "= 0"},
        "region": {"follow": [80, 23], "width": 100, "height": 200},
    }
    (event,) = events(text, defaults).values()
    assert event.channels == (171, 193)
    assert event.options["where"] == {"QUALITY": "= 0", "EXPTIME": "< 2"}
    assert event.options["region"] == {"follow": [80, 23], "at": "2021-07-03T14:00:00Z", "width": 300, "height": 200}


def test_an_empty_cell_leaves_the_default(events):
    text = (
        "name,start,end,channels\na,2021-07-03T14:00Z,2021-07-03T14:01Z,\nb,2021-07-03T14:00Z,2021-07-03T14:01Z,304\n"
    )
    assert {name: event.channels for name, event in events(text).items()} == {"a": (171,), "b": (304,)}


@pytest.mark.parametrize("channels", ["171 193", '"171,193"', "171;193", '"[171, 193]"'])
def test_channels_may_be_separated_as_one_likes(events, channels):
    (event,) = events(f"name,start,end,channels\na,2021-07-03T14:00Z,2021-07-03T14:01Z,{channels}\n").values()
    assert event.channels == (171, 193)


@pytest.mark.parametrize(
    ("text", "catalogue", "expected"),
    [
        (
            GOES + "M1,2021-07-04,,2021-07-04T01:00Z,\n",
            {},
            ["line 3", "start: '2021-07-04' is not a time; write it as"],
        ),
        (GOES + "M1\n", {}, ["line 3", "1 cells, but 5 columns"]),
        (GOES + "M1,2021-07-04T02:00Z,,2021-07-04T01:00Z,\n", {}, ["line 3 (m1-2021-07-04T0200)", "lies before start"]),
        (
            GOES.replace("X1.5", "Y3"),
            {},
            ["line 2", "class: 'Y3'", "is not possible; wanted is: GOES class of the flare, such as X1.5."],
        ),
        (
            GOES + GOES.split("\n")[1].replace("N23W80", "N24W79") + "\n",
            {},
            ["line 3 (x1.5-2021-07-03T1418): the same name as on line 2 ", "in a column `name`"],
        ),
        (GOES.replace(",14:29Z", ",").replace("2021-07-03T14:29Z", ""), {"from": "peak"}, ["line 2", "peak missing"]),
        (GOES.replace("location", "hight"), {}, ["line 1", "unknown column 'hight'; allowed are", "catalogue.ignore"]),
        (GOES.replace("end", "fin"), {"ignore": ["fin"]}, ["line 1", "no column for end"]),
        (GOES, {"before": "a while"}, ["catalogue.before: 'a while' is not a length of time; write 90s, 5m, 1h or 1d"]),
        ("# nothing\n", {}, ["no header line"]),
        ("name,start,end\n", {}, ["no row below the header line"]),
        (
            "name,start,end,channels\na,2021-07-03T14:00Z,2021-07-03T14:01Z,170\n",
            {},
            ["line 2 (a)", "channels[0]: '170' is not allowed; did you mean 1700? Allowed are 94, 131"],
        ),
        (
            "name,start,end,channels\na,2021-07-03T14:00Z,2021-07-03T14:01Z,iron\n",
            {},
            ["line 2 (a)", "channels[0]: 'iron' is not allowed; allowed are 94, 131"],
        ),
        (
            "name,start,end,where\na,2021-07-03T14:00Z,2021-07-03T14:01Z,EXPTIME < 2\n",
            {},
            ["line 2", "where: 'EXPTIME < 2' is not possible here; give each of its keys a column"],
        ),
        (
            "name,start,end,region.width\na,2021-07-03T14:00Z,2021-07-03T14:01Z,wide\n",
            {},
            ["line 2", "region.width: 'wide' is not a number"],
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_column(refusal, text, catalogue, expected):
    said = refusal(text, **catalogue)
    assert [part for part in expected if part not in said] == []
    assert "flares.csv" in said or "catalogue." in said


def test_every_wrong_row_is_named_at_once(refusal):
    said = refusal(GOES + "X1,x,,x,\n" + GOES.split("\n")[1].replace("X1.5", "Q") + "\n")
    assert "line 3" in said
    assert "line 4" in said


def test_a_catalogue_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"nowhere\.csv cannot be read: No such file"):
        load({"events": "nowhere.csv"}, NOW)


def test_a_list_of_events_takes_no_catalogue_section():
    event = {"name": "a", "start": "2021-07-03T14:00Z", "end": "2021-07-03T14:01Z", "channels": [171]}
    with pytest.raises(ConfigError, match="catalogue: belongs to a catalogue, but events is a list"):
        load({"events": [event], "catalogue": {"before": "1m"}}, NOW)


def test_the_example_is_fifty_flares_that_can_be_planned(root, monkeypatch):
    monkeypatch.chdir(root)
    flares = load(yaml.safe_load((root / "config" / "flares.yaml").read_text(encoding="utf-8")), NOW).events
    assert len(flares) == 50
    for event in flares.values():
        assert event.end - event.start == 120
        assert event.options["region"]["at"] == event.options["peak"]
    assert flares["x1.5-2021-07-03T1418"].options["region"]["follow"] == [80, 23]


@pytest.mark.parametrize(
    ("text", "place"),
    [("N23W80", (80, 23)), ("s05e12", (-12, -5)), ("N 23.5 W 80.25", (80.25, 23.5)), ([80, 23], (80, 23))],
)
def test_places_are_written_as_flare_lists_or_as_numbers(text, place):
    assert parse_location(text) == place


@pytest.mark.parametrize("text", ["W80N23", "N23", "", "N95W10", "N10W181", [200, 0], [0, -91]])
def test_what_is_no_place_on_the_sun_is_refused(text):
    with pytest.raises(ValueError, match="is not a place on the Sun; allowed is N23W80"):
        parse_location(text)


@given(st.integers(-90, 90), st.integers(-180, 180))
def test_writing_a_place_and_reading_it_gives_the_place(latitude, longitude):
    text = f"{'NS'[latitude < 0]}{abs(latitude):02d}{'WE'[longitude < 0]}{abs(longitude):02d}"
    assert parse_location(text) == (longitude, latitude)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ({"width": 3}, ["region.height missing (arcsec)", "region.follow missing, and the event has no location"]),
        ({"x": [0, 1], "width": 3}, ["region: x and width exclude each other"]),
        ({"x": [1, 0], "y": [0, 1]}, ["region.x: [1, 0] is empty"]),
        ({"width": 3, "height": 3, "follow": "here"}, ["region.follow: 'here' is not a place on the Sun"]),
        ({}, ["region.x missing", "region.y missing"]),
    ],
)
def test_a_region_that_cannot_be_is_refused(region, expected):
    _, problems = resolve_region({"region": region}, "2021-07-03T14:00:00Z")
    assert [part for part in expected if not any(line.startswith(part) for line in problems)] == []


MOMENTS = st.datetimes(datetime(2011, 1, 1), datetime(2024, 1, 1)).map(
    lambda time: time.replace(second=0, microsecond=0)
)
FLARE = st.tuples(
    MOMENTS,
    st.integers(0, 90),
    st.integers(0, 90),
    st.sampled_from("CMX"),
    st.integers(-89, 89),
    st.integers(-90, 90),
    st.sets(st.sampled_from([94, 131, 171, 193, 211, 304, 335, 1600]), min_size=1),
    st.text(string.ascii_letters + " ,'", max_size=10),
)


@settings(max_examples=50, deadline=None)
@given(flares=st.lists(FLARE, min_size=1, max_size=8, unique_by=lambda flare: flare[0]), before=st.integers(0, 30))
def test_whatever_a_list_holds_is_found_in_its_events(tmp_path_factory, flares, before):
    path = tmp_path_factory.mktemp("catalogue") / "flares.csv"
    lines = ["class,start,peak,end,location,channels,comment"]
    for start, rise, decay, letter, latitude, longitude, channels, comment in flares:
        peak, end = start + timedelta(minutes=rise), start + timedelta(minutes=rise + decay)
        place = f"{'NS'[latitude < 0]}{abs(latitude):02d}{'WE'[longitude < 0]}{abs(longitude):02d}"
        channels = " ".join(map(str, sorted(channels)))
        lines.append(f'{letter}1.0,{start},{peak},{end},{place},{channels},"{comment}"')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = {
        "events": str(path),
        "catalogue": {"before": f"{before}m"},
        "defaults": {"region": {"width": 5, "height": 5}},
    }
    found = list(load(config, NOW).events.values())
    assert len(found) == len(flares)
    for event, (start, rise, decay, _, latitude, longitude, channels, _) in zip(found, flares, strict=True):
        assert event.start == tai_seconds(start) - 60 * before
        assert event.end == tai_seconds(start + timedelta(minutes=rise + decay))
        assert event.channels == tuple(sorted(channels))
        assert event.options["region"]["follow"] == [longitude, latitude]


def test_lines_are_counted_as_an_editor_does(tmp_path):
    path = tmp_path / "flares.csv"
    path.write_text("# a comment\n\n" + GOES.replace("\n", "\n# another\n", 1), encoding="utf-8")
    assert rows(path)[0].origin == f"{path}, line 5 (x1.5-2021-07-03T1418)"


def test_a_cutout_follows_the_flare(events, refusal):
    (event,) = events(GOES, {"cutout": True, "region": {"width": 400, "height": 300}}).values()
    assert event.options["region"] == {
        "follow": [80.0, 23.0],
        "at": "2021-07-03T14:29:00Z",
        "width": 400,
        "height": 300,
    }
    assert "cutout: the archive needs to know what to cut out" in refusal(GOES, {"cutout": True})


LISTS = {
    "DONKI": (
        "flrID,catalog,instruments,beginTime,peakTime,endTime,classType,sourceLocation,activeRegionNum,note,"
        "submissionTime,versionId,link,linkedEvents,sentNotifications\n"
        "2021-07-03T14:18:00-FLR-001,M2M_CATALOG,GOES-P: EXIS 1.0-8.0,2021-07-03T14:18Z,2021-07-03T14:29Z,"
        "2021-07-03T14:34Z,X1.5,N23W80,12838,,2021-07-03T15:02Z,1,,,\n"
    ),
    "the HEK": (
        "event_starttime,event_peaktime,event_endtime,fl_goescls,hgs_x,hgs_y,ar_noaanum,frm_name,obs_observatory,"
        "hpc_bbox,boundbox_c1ll,event_coordunit,kb_archivid,intensmax,active,SOL_standard,refs\n"
        "2021-07-03T14:18:00,2021-07-03T14:29:00,2021-07-03T14:34:00,X1.5,80,23,12838,SWPC,GOES,"
        '"POLYGON((0 0,1 1))",0,degrees,ivo://x,,true,SOL2021-07-03T14:18:00,\n'
    ),
    "sunpy": (
        "event_date,start_time,peak_time,end_time,goes_class,goes_location,noaa_active_region\n"
        '2021-07-03,2021-07-03 14:18:00.000,2021-07-03 14:29:00.000,2021-07-03 14:34:00.000,X1.5,"(80.0, 23.0)",12838\n'
    ),
    "SWPC": (
        "Start Time,Peak,End Time,GOES Class,Loc,NOAA,Comments,flux\n"
        "2021-07-03 14:18,2021-07-03 14:29,2021-07-03 14:34,X1.5,N23W80,12838,halo CME,1.5e-4\n"
    ),
}


@pytest.mark.parametrize("origin", LISTS)
def test_the_columns_of_the_lists_that_people_have_are_read_or_not_needed(events, origin):
    ((name, event),) = events(LISTS[origin], {"region": {"width": 200, "height": 200}}).items()
    assert name == "x1.5-2021-07-03T1418"
    assert (event.end - event.start) / 60 == pytest.approx(16)
    assert parse_location(event.options["location"]) == (80, 23)
    assert event.options["region"]["follow"] == [80, 23]


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_cells_are_separated_as_the_header_says(events, delimiter):
    text = "# windows\nname;start;end;channels\n  # none\na;2021-07-03T14:25:00Z;2021-07-03T14:26:00Z;171 211\n"
    (event,) = events(text.replace(";", delimiter)).values()
    assert event.channels == (171, 211)


PADDED = {"from": "peak", "before": "1m", "to": "peak", "after": "1m"}


@pytest.fixture
def settings_of(tmp_path):
    """The whole configuration of a list, warnings among it."""

    def of(text, defaults=None, **catalogue):
        path = tmp_path / "windows.csv"
        path.write_text(text, encoding="utf-8")
        config = {"events": str(path), "defaults": {"channels": [171], **(defaults or {})}, "catalogue": catalogue}
        return load(config, NOW)

    return of


@pytest.mark.parametrize("ends", [("peak", "peak"), ("start", "peak"), ("peak", "end")])
@pytest.mark.parametrize("titles", ["name,start,end", "Start Time,End Time", "class,begin,stop", "date,start,end,name"])
def test_a_list_with_start_and_end_and_no_peak_is_one_of_windows(settings_of, titles, ends):
    cells = {"name": "a", "class": "X1.5", "date": "2021-07-03"}
    cells |= dict.fromkeys(("start", "Start Time", "begin"), "2021-07-03T14:25:00Z")
    cells |= dict.fromkeys(("end", "End Time", "stop"), "2021-07-03T14:26:00Z")
    text = f"{titles}\n{','.join(cells[title] for title in titles.split(','))}\n"
    settings = settings_of(text, **{**PADDED, "from": ends[0], "to": ends[1]})
    (event,) = settings.events.values()
    assert (clock(event.start), clock(event.end)) == ("14:25:00", "14:26:00")
    (said,) = settings.warnings
    assert "windows.csv, line 2" in said
    assert "start and end and no peak, so its rows are windows" in said


def test_windows_are_padded_where_that_was_asked_and_nothing_is_said(settings_of):
    settings = settings_of("name,start,end\na,2021-07-03T14:25Z,2021-07-03T14:26Z\n", before="5m", after="90s")
    (event,) = settings.events.values()
    assert (clock(event.start), clock(event.end)) == ("14:20:00", "14:27:30")
    assert settings.warnings == ()


def test_a_flare_whose_peak_is_not_known_is_no_window(refusal):
    assert "line 3 (x1.5-2021-07-03T1418): peak missing" in refusal(
        GOES + GOES.split("\n")[1].replace("2021-07-03T14:29Z", "") + "\n", **PADDED
    )
    assert "no column for peak" in refusal("name,start\na,2021-07-03T14:25Z\n", **PADDED)


def test_the_region_around_a_flare_is_the_full_disk_in_a_list_of_windows_without_places(settings_of):
    size = {"region": {"width": 200, "height": 200}}
    text = "name,start,end{}\na,2021-07-03T14:25Z,2021-07-03T14:26Z{}\n"
    settings = settings_of(text.format("", ""), size)
    assert "region" not in settings.events["a"].options
    assert "so the full disk is taken" in settings.warnings[0]
    for column, cell in [("location", "N23W80"), ("region.follow", "N23W80"), ("hgs_x,hgs_y", "80,23")]:
        settings = settings_of(text.format(f",{column}", f",{cell}"), size)
        assert settings.events["a"].options["region"]["follow"] == [80, 23]
        assert settings.warnings == ()
    settings = settings_of(text.format("", ""), {"region": {"x": [0, 60], "y": [0, 60]}})
    assert settings.events["a"].options["region"] == {"x": [0, 60], "y": [0, 60]}
    with pytest.raises(ConfigError, match="the event has no location"):
        settings_of(GOES.replace(",location", "").replace(",N23W80", ""), size)
    with pytest.raises(ConfigError, match="cutout: the archive needs to know what to cut out"):
        settings_of(text.format("", ""), {**size, "cutout": True})


# What each list of the cases says: names and windows of its events, and where their regions lie.
CASES = {
    "donki": {"x1.5-2021-07-03T1418": ("2021-07-03T14:28:00Z", "2021-07-03T14:30:00Z", [80, 23])},
    "hek": {
        "x9.3-2017-09-06T1153": ("2017-09-06T12:01:00Z", "2017-09-06T12:03:00Z", [34, -9]),
        "x1.5-2021-07-03T1418": ("2021-07-03T14:28:00Z", "2021-07-03T14:30:00Z", [80, 23]),
    },
    "semicolon": {"a": ("2021-07-03T14:25:00Z", "2021-07-03T14:26:00Z", None)},
    "sunpy-goes-events": {"x2.2-2011-02-15T0144": ("2011-02-15T01:55:00Z", "2011-02-15T01:57:00Z", [-20, 12])},
    "swpc-comments": {
        "x9.3-2017-09-06T1153": ("2017-09-06T12:01:00Z", "2017-09-06T12:03:00Z", [34, -9]),
        "x1.5-2021-07-03T1418": ("2021-07-03T14:28:00Z", "2021-07-03T14:30:00Z", [80, 23]),
    },
}


BROUGHT = {
    "donki": (
        "flrID,beginTime,peakTime,endTime,classType,sourceLocation,activeRegionNum,link\n"
        "2021-07-03T14:18:00-FLR-001,2021-07-03T14:18Z,2021-07-03T14:29Z,2021-07-03T14:34Z,X1.5,N23W80,12838,\n"
    ),
    "hek": (
        "event_starttime,event_peaktime,event_endtime,fl_goescls,hgs_x,hgs_y,ar_noaanum,frm_name,obs_observatory\n"
        "2017-09-06T11:53:00,2017-09-06T12:02:00,2017-09-06T12:10:00,X9.3,34,-9,12673,SWPC,GOES\n"
        "2021-07-03T14:18:00,2021-07-03T14:29:00,2021-07-03T14:34:00,X1.5,80,23,12838,SWPC,GOES\n"
    ),
    "semicolon": ("name;start;end;channels\na;2021-07-03T14:25:00Z;2021-07-03T14:26:00Z;171 211\n"),
    "sunpy-goes-events": (
        "event_date,start_time,peak_time,end_time,goes_class,goes_location,noaa_active_region\n"
        '2011-02-15,2011-02-15 01:44:00.000,2011-02-15 01:56:00.000,2011-02-15 02:06:00.000,X2.2,"(-20.0, 12.0)",11158\n'  # noqa: E501
    ),
    "swpc-comments": (
        "Start Time,Peak,End Time,GOES Class,Loc,NOAA,Comments,flux\n"
        "2017-09-06 11:53,2017-09-06 12:02,2017-09-06 12:10,X9.3,S09W34,12673,halo CME,9.3e-4\n"
        "2021-07-03 14:18,2021-07-03 14:29,2021-07-03 14:34,X1.5,N23W80,12838,,1.5e-4\n"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_lists_that_people_have_brought_are_read(tmp_path, name):
    (tmp_path / "list.csv").write_text(BROUGHT[name], encoding="utf-8")
    config = {
        "events": str(tmp_path / "list.csv"),
        "catalogue": {"from": "peak", "before": "1m", "to": "peak", "after": "1m"},
        "defaults": {"channels": [171], "region": {"width": 200, "height": 200}},
    }
    events = load(config, NOW).events
    found = {
        name: (iso(event.start), iso(event.end), event.options.get("region", {}).get("follow"))
        for name, event in events.items()
    }
    assert found == CASES[name]
    channels = (171, 211) if name == "semicolon" else (171,)
    assert {event.channels for event in events.values()} == {channels}


@pytest.mark.parametrize("zero", ["0,0", "0.0,0.0", "-0.0,0"])
def test_a_place_at_zero_in_the_hek_is_an_unknown_one(events, refusal, zero):
    text = (
        "event_starttime,event_peaktime,event_endtime,fl_goescls,hgs_x,hgs_y\n"
        f"2011-03-07T05:00:00,2011-03-07T05:13:00,2011-03-07T05:19:00,M1.2,{zero}\n"
    )
    (event,) = events(text).values()
    assert "location" not in event.options
    assert "the event has no location" in refusal(text, {"region": {"width": 120, "height": 120}})
    (event,) = events(text.replace(f"M1.2,{zero}", "M1.2,0,12")).values()
    assert event.options["location"] == [0, 12]


def test_the_same_flare_twice_is_one_event_and_two_flares_of_one_name_are_told(events, refusal):
    row = "2014-01-04T18:47:00,2014-01-04T19:46:00,2014-01-04T20:23:00,M4.0\n"
    header = "event_starttime,event_peaktime,event_endtime,fl_goescls\n"
    assert list(events(header + row + row)) == ["m4.0-2014-01-04T1847"]
    said = refusal(header + row + row.replace("19:46", "19:47"))
    assert "line 3 (m4.0-2014-01-04T1847): the same name as on line 2 (m4.0-2014-01-04T1847), for another event" in said
    assert "a column `name`" in said


def test_only_a_regular_file_is_a_catalogue(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ConfigError, match=r"pipe\.csv cannot be read: it is a pipe or a device"):
        rows(tmp_path / "pipe.csv")


def test_a_column_that_is_misspelt_is_named(refusal):
    said = refusal(GOES.replace("location", "locatoin"))
    assert "unknown column 'locatoin'; did you mean location? Allowed are" in said
