"""What the synthetic archive answers about series and records is what JSOC answers, to the letter."""

import json
import re
from urllib.parse import quote, urlencode
from urllib.request import urlopen

import drms
import hypothesis
import pytest
from hypothesis import strategies as st
from small_archive import SmallModel

from synthetic_jsoc.protocol import info, server

EUV = "aia.lev1_euv_12s"
FLARE = f"{EUV}[2021-07-03T14:25:00Z-2021-07-03T14:35:00Z]"
NOW = 1.7e9  # 2023-11-14


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    state = tmp_path_factory.mktemp("archive")
    with server.running(state, model=SmallModel(lambda: NOW), clock=lambda: NOW) as running:
        yield running


def ask(archive, endpoint, **parameters):
    with urlopen(f"{archive.url}cgi-bin/ajax/{endpoint}?{urlencode(parameters)}", timeout=60) as answer:
        assert answer.status == 200
        return json.loads(answer.read().decode("latin1"))


def rs_list(archive, ds, key="", **parameters):
    answer = ask(archive, "jsoc_info", op="rs_list", ds=ds, key=key, **parameters)
    answer.pop("runtime", None)
    return answer


def column(archive, ds, key, **parameters):
    return rs_list(archive, ds, key, **parameters)["keywords"][0]["values"]


def test_the_list_of_series_is_sorted_and_filtered_without_case(archive):
    names = ask(archive, "showextseries", dbhost="hmidb2")
    assert names["errMsg"] == ""
    assert names["seriesList"] == [
        "aia.lev1",
        "aia.lev1_euv_12s",
        "aia.lev1_nrt2",
        "aia.lev1_uv_24s",
        "aia.lev1_vis_1h",
        "aia.master_pointing3h",
        "aia.response",
    ]
    assert ask(archive, "showextseries", dbhost="hmidb2", filter="_UV")["seriesList"] == ["aia.lev1_uv_24s"]
    others = ask(archive, "showextseries", dbhost="hmidb2", filter="NOT lev1")["seriesList"]
    assert others == ["aia.master_pointing3h", "aia.response"]


def test_series_notes_say_that_the_data_are_synthetic(archive):
    described = ask(archive, "showextseries", dbhost="hmidb2", filter="euv", info="1")["seriesList"]
    assert described == [{EUV: {"description": "AIA Level 1, 12 second cadence (synthetic, no observation)"}}]
    assert "synthetic" in ask(archive, "jsoc_info", op="series_struct", ds="aia.response")["note"]


def test_a_missing_database_host_is_told_as_jsoc_tells_it(archive):
    answer = ask(archive, "showextseries")
    assert answer == {
        "errMsg": "Unable to parse arguments. Missing required argument 'dbhost'.",
        "seriesList": [],
    }


@pytest.mark.parametrize("pattern", ["(", "(a+)+$", "a" * 100])
def test_bad_or_endless_patterns_are_refused(archive, pattern):
    assert ask(archive, "showextseries", dbhost="x", filter=pattern)["errMsg"]
    assert ask(archive, "show_series", filter=pattern)["status"] == 1


def test_the_older_list_names_prime_keys(archive):
    answer = ask(archive, "show_series", filter="euv")
    assert (answer["status"], answer["n"]) == (0, 1)
    assert answer["names"][0] | {"note": ""} == {"name": EUV, "primekeys": "T_REC, WAVELNTH", "note": ""}


def test_series_struct_holds_every_field_of_the_real_one(archive):
    answer = ask(archive, "jsoc_info", op="series_struct", ds=EUV.upper())
    assert list(answer) == [
        "note", "retention", "stagingretention", "unitsize", "archive", "tapegroup", "primekeys", "primekeysinfo",
        "dbindex",
        "keywords", "segments", "links", "Interval", "runtime", "status",
    ]  # fmt: skip
    assert answer["primekeys"] == ["T_REC", "WAVELNTH"]
    assert answer["primekeysinfo"] == [
        {"name": "T_REC", "slotted": 1, "step": "12.000000"},
        {"name": "WAVELNTH", "slotted": 0},
    ]
    assert [segment["name"] for segment in answer["segments"]] == ["image", "spikes"]
    assert answer["segments"][0]["protocol"] == "link via lev1"
    assert answer["segments"][0]["dims"] is None
    assert answer["links"][0]["target"] == "aia.lev1"
    assert answer["Interval"]["FirstRecord"].startswith(f"{EUV}[2010-05-13T00:00:02Z][")
    assert answer["Interval"]["LastRecord"].startswith(f"{EUV}[2023-11-14T22:13:")
    assert answer["Interval"]["FirstRecnum"] < answer["Interval"]["LastRecnum"] == answer["Interval"]["MaxRecnum"]


def test_series_struct_tells_the_owner_when_asked_to(archive):
    told = ask(archive, "jsoc_info", op="series_struct", ds=EUV, o="1")
    assert told["owner"] == "production"
    assert told["Interval"]["HasShadow"] == 0


@pytest.mark.parametrize(
    "name", ["aia.lev1", EUV, "aia.lev1_uv_24s", "aia.lev1_vis_1h", "aia.master_pointing3h", "aia.response"]
)
def test_every_field_of_a_description_has_the_type_that_clients_read(archive, name):
    told = ask(archive, "jsoc_info", op="series_struct", ds=f"{name}[2021-07-03T14:25:00Z][? nonsense ?]")
    assert all(
        isinstance(told[key], int) for key in ("retention", "stagingretention", "unitsize", "archive", "tapegroup")
    )
    kinds = {"char", "short", "int", "longlong", "float", "longfloat", "double", "time", "string", "link"}
    scopes = {"variable", "constant", "index", "ts_eq", "slot", "enum", "carr", "ts_slot", "segment"}
    for keyword in told["keywords"]:
        assert {"name", "type", "recscope", "defval", "units", "note"} <= keyword.keys()
        assert keyword["type"] in kinds
        assert keyword["recscope"] in scopes
        assert isinstance(keyword["defval"], str)
        assert re.fullmatch(r"lev1->\w+", keyword.get("linkinfo", "lev1->X"))
    assert {key for segment in told["segments"] for key in segment} <= {
        "name",
        "type",
        "units",
        "protocol",
        "dims",
        "note",
    }
    assert [set(link) for link in told["links"]] in ([], [{"name", "target", "kind", "note"}])
    names = [keyword["name"] for keyword in told["keywords"]]
    assert set(told["primekeys"]) <= set(names)
    assert len(names) == len(set(names))
    for key in told["primekeysinfo"]:
        if key["slotted"]:
            assert {f"{key['name']}_{part}" for part in ("index", "step", "epoch")} <= set(names)
    for end in ("FirstRecord", "LastRecord"):
        assert ask(archive, "jsoc_info", op="rs_summary", ds=told["Interval"][end])["count"] > 0


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_client_lists_the_series_either_way(archive, wrapped):
    config = archive.drms_config()
    if not wrapped:
        values = {key: value for key, value in config.to_dict().items() if "wrapper" not in key}
        config = drms.ServerConfig(values)
    client = drms.Client(config)
    assert client.series("euv") == [EUV]
    listed = client.series("AIA", full=True)
    assert list(listed["name"]) == client.series()
    assert listed["note"].str.contains("synthetic").all()
    described = client.info(EUV)
    assert described.primekeys == ["T_REC", "WAVELNTH"]
    assert client.pkeys("aia.lev1") == ["T_REC", "FSN"]
    assert described.keywords.loc["EXPTIME", "units"] == "sec"


def test_filterable_keywords_are_the_series_own_and_the_others_are_links(archive):
    keywords = {k["name"]: k for k in ask(archive, "jsoc_info", op="series_struct", ds=EUV)["keywords"]}
    assert "linkinfo" not in keywords["EXPTIME"]
    assert "linkinfo" not in keywords["QUALITY"]
    assert keywords["DATAMEAN"]["linkinfo"] == "lev1->DATAMEAN"
    assert keywords["T_REC"] | {"note": ""} == {
        "name": "T_REC", "type": "time", "recscope": "ts_eq", "defval": "-4712-01-01T12:00:00Z", "units": "ISO",
        "note": "",
    }  # fmt: skip
    assert keywords["T_REC_step"]["defval"] == "12.000000"
    assert keywords["T_REC_epoch"]["defval"] == "1993.01.01_00:00:00_TAI"
    assert keywords["QUALITY"]["defval"] == "0x80000000"
    assert keywords["WAVELNTH"]["defval"] == "-2147483648"
    assert keywords["DATE__OBS"]["type"] == keywords["DATE-OBS"]["type"] == "time"


@pytest.mark.parametrize("series", ["aia.lev1", "aia.lev1_nrt2"])
def test_single_frames_are_slotted_by_the_second(archive, series):
    answer = ask(archive, "jsoc_info", op="series_struct", ds=series)
    keywords = {k["name"]: k for k in answer["keywords"]}
    assert answer["primekeys"] == ["T_REC", "FSN"]
    assert keywords["T_REC"]["recscope"] == "ts_slot"
    assert not any("linkinfo" in keyword for keyword in answer["keywords"])
    assert {"cparms_sg000", "image_lev1_bzero", "spikes_bscale"} <= keywords.keys()
    assert answer["segments"][0]["dims"] == "4096x4096"


@pytest.mark.parametrize(
    ("parameters", "status", "text"),
    [
        ({"op": "rs_list"}, 1, "Missing required argument 'ds'."),
        ({"op": "rs_list", "ds": "bob"}, 4, "Invalid series name."),
        ({"op": "rs_list", "ds": f"{EUV}[2021"}, 4, "Unable to parse specification."),
        ({"op": "rs_list", "ds": "aia.nope[]"}, 5, "Series aia.nope is not a valid series accessible from hmidb2."),
        ({"op": "rs_list", "ds": f"{EUV}[2021-07-03T14:25:00Z][? NOSUCH=1 ?]"}, 6, 'column "nosuch" does not exist'),
        (
            {"op": "rs_list", "ds": f"{EUV}[2021-07-03T14:25:00Z][? DATAMEAN>1 ?]"},
            6,
            'column "datamean" does not exist',
        ),
        ({"op": "rs_list", "ds": f"{EUV}[2021][98][97]"}, 6, "more filters than prime keys"),
        ({"op": "rs_list", "ds": f"{EUV}[#1],aia.response"}, 6, "must belong to a single data series"),
        ({"op": "nonsense", "ds": EUV}, 6, "nonsense"),
        ({"op": "rs_list", "ds": EUV}, 6, "exceeds 75000 records"),
        ({"op": "rs_list", "ds": f"{EUV}[2010-2023@1m]"}, 6, "exceeds 75000 records"),
    ],
)
def test_errors_are_answers_with_the_real_status(archive, parameters, status, text):
    answer = ask(archive, "jsoc_info", **parameters)
    assert answer["status"] == status
    assert text in answer["error"]


def test_the_worked_example_has_its_357_records_and_101_short_ones(archive):
    assert ask(archive, "jsoc_info", op="rs_summary", ds=FLARE)["count"] == 357
    assert ask(archive, "jsoc_info", op="rs_summary", ds=f"{FLARE}[? EXPTIME < 2.0 ?]")["count"] == 101
    assert (
        ask(archive, "jsoc_info", op="rs_summary", ds=f"{FLARE}[? EXPTIME<2.0 AND WAVELNTH=211 ?]{{image}}")["count"]
        == 20
    )


def test_records_come_by_slot_and_channel(archive):
    answer = rs_list(archive, FLARE, "T_REC,WAVELNTH")
    t_rec, wave = (entry["values"] for entry in answer["keywords"])
    assert wave == ["94", "131", "171", "193", "211", "304", "335"] * 51
    assert t_rec == sorted(t_rec)
    assert (t_rec[0], t_rec[-1]) == ("2021-07-03T14:24:59Z", "2021-07-03T14:34:59Z")


def test_values_are_text_in_the_format_of_their_keyword_and_record_numbers_are_numbers(archive):
    ds = f"{EUV}[2021-07-03T14:27:23Z][211]"
    answer = rs_list(archive, ds, "T_OBS,date__obs,DATE-OBS,EXPTIME,QUALITY,*recnum*,*sunum*,foo,T_REC_step")
    values = {entry["name"]: entry["values"][0] for entry in answer["keywords"]}
    assert values["T_OBS"] == "2021-07-03T14:27:25.09Z"
    assert values["date__obs"] == values["DATE-OBS"]
    assert values["EXPTIME"] == "0.578715"
    assert values["QUALITY"] == "0x00000000"
    assert isinstance(values["*recnum*"], int)
    assert isinstance(values["*sunum*"], int)
    assert values["foo"] == "Invalid KeyLink"
    assert values["T_REC_step"] == "12.000000"
    assert list(answer) == ["keywords", "segments", "links", "count", "status"]
    assert (answer["segments"], answer["links"]) == ([], [])


def test_all_keywords_come_in_the_series_order_with_their_aliases_and_without_implicit_ones(archive):
    answer = rs_list(archive, f"{EUV}[2021-07-03T14:27:23Z][211]", "**ALL**")
    names = [entry["name"] for entry in answer["keywords"]]
    assert names[names.index("DATE__OBS") + 1] == "DATE-OBS"
    assert "T_REC_index" not in names
    assert len(names) > 170
    assert rs_list(archive, f"{EUV}[2021-07-03T14:27:23Z][211]", "**NONE**")["keywords"] == []


def test_an_empty_answer_holds_a_count_and_nothing_else(archive):
    assert rs_list(archive, f"{FLARE}[? EXPTIME > 1000 ?]", "T_REC", seg="image") == {"count": 0, "status": 0}


def test_segments_are_paths_with_their_arrays(archive):
    answer = rs_list(archive, f"{EUV}[2021-07-03T14:27:23Z][211]", seg="image,nope")
    image, unknown = answer["segments"]
    assert image["values"][0].startswith("/SUM")
    assert image["values"][0].endswith("/S00000/image_lev1.fits")
    assert {key: image[key] for key in ("dims", "cparms", "bzeros", "bscales")} == {
        "dims": ["4096x4096"],
        "cparms": ["compress Rice"],
        "bzeros": ["0"],
        "bscales": ["1"],
    }
    assert (unknown["values"], unknown["dims"]) == (["InvalidSegName"], ["NA"])


def test_record_info_and_pseudo_keywords(archive):
    ds = f"{EUV}[2021-07-03T14:27:23Z][211]"
    answer = rs_list(
        archive, ds, "*spec*,*online*,*recdir*,*size*,*logdir*,*archive*", R="1", seg="image", link="lev1,x"
    )
    assert answer["recinfo"] == [{"name": f"{EUV}[2021-07-03T14:27:23Z][211]", "online": 1}]
    values = {entry["name"]: entry["values"][0] for entry in answer["keywords"]}
    assert values["*spec*"] == answer["recinfo"][0]["name"]
    assert answer["segments"][0]["values"][0] == f"{values['*recdir*']}/image_lev1.fits"
    assert (values["*online*"], values["*logdir*"], values["*archive*"]) == ("Y", "NO LOG", "N")
    lev1, unknown = answer["links"]
    (fsn,) = column(archive, ds, "FSN")
    assert lev1["values"] == [f"aia.lev1[2021-07-03T14:27:25Z][{fsn}]"]
    assert unknown["values"] == ["Invalid_Link"]
    assert rs_list(archive, ds, "T_REC", R="1")["recinfo"][0]["online"] == 0


def test_a_link_leads_to_a_record_with_the_same_values(archive):
    ds = f"{EUV}[2021-07-03T14:27:23Z][211]"
    (target,) = rs_list(archive, ds, link="**ALL**")["links"][0]["values"]
    keys = "T_OBS,EXPTIME,DATAMEAN,CRPIX1"
    own, linked = ([entry["values"] for entry in rs_list(archive, spec, keys)["keywords"]] for spec in (ds, target))
    assert own == linked
    asked = ((ds, "image"), (target, "image_lev1"))
    paths = [rs_list(archive, spec, seg=seg)["segments"][0]["values"] for spec, seg in asked]
    assert paths[0] == paths[1]


def test_requested_names_are_decoded_once_more(archive):
    assert rs_list(archive, f"{EUV}[2021-07-03T14:27:23Z][211]", quote("*recnum*,T_REC"))["keywords"][1]["values"]


@pytest.mark.parametrize(("n", "expected"), [(3, ["94", "131", "171"]), (-3, ["211", "304", "335"]), (0, None)])
def test_n_takes_the_first_or_last_records_in_ascending_order(archive, n, expected):
    waves = column(archive, FLARE, "WAVELNTH", n=n)
    assert waves == (expected or ["94", "131", "171", "193", "211", "304", "335"] * 51)
    assert ask(archive, "jsoc_info", op="rs_summary", ds=FLARE, n=n)["count"] == (abs(n) or 357)


def test_the_first_records_of_the_whole_mission_need_no_look_at_the_rest(archive):
    assert column(archive, EUV, "T_REC", n=2)[0] == "2010-05-13T00:00:02Z"
    assert column(archive, f"{EUV}[][171]", "WAVELNTH", n=-2) == ["171", "171"]


def test_steps_thin_out_slots_and_lists_join_them(archive):
    thinned = column(archive, f"{EUV}[2021-07-03T14:25:00Z/1m@24s][171]", "T_REC")
    assert thinned == ["2021-07-03T14:24:59Z", "2021-07-03T14:25:23Z", "2021-07-03T14:25:47Z"]
    joined = column(archive, f"{EUV}[2021.07.03_14:26_UTC,2021.07.03_14:25_UTC,2021.07.03_14:26_UTC][171]", "T_REC")
    assert joined == ["2021-07-03T14:24:59Z", "2021-07-03T14:25:59Z"]
    daily = column(archive, f"{EUV}[2021-07-01T12:00:00Z-2021-07-10T12:00:00Z@1d][171]", "T_REC")
    assert daily[:2] == ["2021-07-01T11:59:59Z", "2021-07-02T11:59:59Z"]


def test_sets_are_answered_one_after_the_other(archive):
    waves = column(archive, f"{EUV}[2021-07-03T14:26:00Z][335],{EUV}[2021-07-03T14:25:00Z][94]", "WAVELNTH")
    assert waves == ["335", "94"]


def test_first_and_last_narrow_what_earlier_keys_have_left(archive):
    assert column(archive, f"{EUV}[^][171]", "T_REC") == ["2010-05-13T00:00:02Z"]
    assert column(archive, f"{EUV}[$]", "T_REC")[0].startswith("2023-11-14T22:13:")
    assert column(archive, f"{EUV}[2021-07-03T14:25:00Z/1m][$]", "WAVELNTH") == ["335"] * 5
    assert column(archive, f"{EUV}[2021-07-03T14:25:00Z/1m][^][? EXPTIME > 0 ?]", "WAVELNTH") == ["94"] * 5


def test_records_are_found_by_their_number(archive):
    numbers = column(archive, f"{EUV}[2021-07-03T14:25:00Z/1m]", "*recnum*")
    assert column(archive, f"{EUV}[:#{numbers[3]}]", "*recnum*") == numbers[3:4]
    assert column(archive, f"{EUV}[:#{numbers[3]}-#{numbers[20]}]", "*recnum*") == numbers[3:21]
    assert column(archive, f"{EUV}[:#{numbers[3]},#{numbers[9]}/2]", "*recnum*") == [numbers[3], *numbers[9:11]]
    assert column(archive, f"{EUV}[:#^]", "T_REC") == ["2010-05-13T00:00:02Z"]
    (fsn,) = column(archive, f"{EUV}[2021-07-03T14:27:23Z][211]", "FSN")
    assert column(archive, f"aia.lev1[:#{fsn}]", "WAVELNTH") == ["211"]
    # By its number an older version is found, too.
    ds = "aia.response[2010-03-24T00:00:00Z][171_THIN][! 1=1 !]"
    for number, version in zip(column(archive, ds, "*recnum*"), column(archive, ds, "VER_NUM"), strict=True):
        assert column(archive, f"aia.response[:#{number}]", "VER_NUM") == [version]


def test_slots_are_found_by_their_number_in_every_form(archive):
    (index,) = column(archive, f"{EUV}[2021-07-03T14:25:00Z][171]", "T_REC_index")
    first = int(index)
    minute = column(archive, f"{EUV}[2021-07-03T14:25:00Z/1m][171]", "T_REC")
    assert len(minute) == 5
    for text in (
        f"[#{first}-#{first + 4}][171]",
        f"[#{first}/5][#171]",
        f"[T_REC=#{first}-#{first + 4}][WAVELNTH=171]",
        f"[t_rec_index=#{first}/5][][171]",
        f"[#{first},#{first + 1}-#{first + 4}][171]",
        f"[2021-07-03T14:00:00Z/1h][171][? T_REC_index BETWEEN {first} AND {first + 4} ?]",
    ):
        assert column(archive, f"{EUV}{text}", "T_REC") == minute
    assert column(archive, f"{EUV}[#{first}-#{first + 4}@2][171]", "T_REC") == minute[::2]
    assert column(archive, f"{EUV}[#^][171]", "T_REC") == ["2010-05-13T00:00:02Z"]


def test_several_conditions_must_all_hold_and_may_name_times(archive):
    both = column(archive, f"{FLARE}[211][? EXPTIME < 2.0 ?][? T_REC > $(2021-07-03T14:30:00Z) ?]", "T_REC")
    one = column(archive, f"{FLARE}[211][? EXPTIME < 2.0 ?]", "T_REC")
    assert both == [text for text in one if text > "2021-07-03T14:30:00Z"]
    assert 0 < len(both) < len(one)
    mixed = column(archive, f"{FLARE}[211][? EXPTIME < '2.0' ?][! QUALITY = 0 !]", "T_REC")
    assert mixed == one


def test_lists_ranges_and_zones_name_the_same_slots(archive):
    minute = column(archive, f"{EUV}[2021-07-03T14:25:00Z/1m][171,193]", "*recnum*")
    for text in (
        "[2021.07.03_14:25:37_TAI-2021.07.03_14:26:25_TAI][171,193]",
        "[2021.07.03_14:25_UTC/1m][171][? 1=1 ?]," + f"{EUV}[2021.07.03_14:25_UTC/1m][193]",
        "[2021-07-03T16:25:00+0200/60s][171,193]",
        "[20210703_14:25:00_UT/5u][193,171]",
    ):
        assert sorted(column(archive, EUV + text, "*recnum*")) == sorted(minute)


def test_a_bare_date_with_a_zone_is_one_slot(archive):
    assert column(archive, f"{EUV}[2021.07.03_TAI][171]", "T_REC") == ["2021-07-02T23:59:23Z"]
    assert len(column(archive, f"{EUV}[2021.07.03_TAI/1d@1h][171]", "T_REC")) == 24


def test_the_newest_version_of_a_record_hides_the_older_ones(archive):
    ds = "aia.response[2010-03-24T00:00:00Z][171_THIN]"
    assert column(archive, ds, "VER_NUM") == ["10"]
    assert column(archive, f"{ds}[! 1=1 !]", "VER_NUM") == ["3", "8", "10"]
    # The condition is on the newest version: an older one that would pass does not show.
    assert ask(archive, "jsoc_info", op="rs_summary", ds=f"{ds}[? VER_NUM < 10 ?]")["count"] == 0
    assert column(archive, f"{ds}[! VER_NUM < 10 !]", "VER_NUM") == ["3", "8"]


def test_text_keys_are_compared_as_text(archive):
    ranked = column(archive, "aia.response[][94_THIN,'1600'][! VER_NUM = '10' !]", "WAVE_STR")
    assert set(ranked) == {"94_THIN", "1600"}
    assert column(archive, "aia.response[WAVE_STR=4500]", "WAVELNTH")[0] == "4500"


def test_the_pointing_table_is_asked_by_slots_of_three_hours(archive):
    starts = column(archive, "aia.master_pointing3h[2020-12-31T21:00:00.000Z-2021-01-01T03:00:00.000Z]", "T_START")
    assert starts == ["2020-12-31T21:00:00Z", "2021-01-01T00:00:00Z", "2021-01-01T03:00:00Z"]


def test_records_without_image_are_listed_with_what_they_miss(archive):
    # Of a day's 50,000 images two or three are lost; the query shows their records, with QUALITY's sign bit set.
    lost = f"{EUV}[2019-03-01T00:00:00Z/1d][? QUALITY < 0 ?]"
    answer = rs_list(archive, lost, "QUALITY,T_OBS,EXPTIME,DATAMEAN", seg="image")
    quality, *others = (entry["values"][0] for entry in answer["keywords"])
    assert quality == "0x80000000"
    assert others == ["MISSING"] * 3
    assert answer["segments"][0]["values"][0] == "NoDataDirectory"


def test_an_address_is_checked_after_a_second_decoding(archive):
    answer = ask(archive, "checkAddress.sh", address=quote("demo@synthetic.example"), checkonly="1")
    assert answer["status"] == 2
    assert answer["msg"] == "Email address is valid and registered."
    assert isinstance(answer["user_id"], int)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("nobody@elsewhere.org", 4),
        ("nonsense", -2),
        ("a@b", -2),
        ("", -2),
        ("a b@c.org", -2),
        ("x@evil.example.org", 4),
    ],
)
def test_addresses_that_may_not_export(archive, address, status):
    assert ask(archive, "checkAddress.sh", address=quote(address), checkonly="1")["status"] == status


def test_a_registration_starts_without_checkonly_and_stays_pending(archive):
    assert ask(archive, "checkAddress.sh", address="new@elsewhere.org")["status"] == 1
    assert ask(archive, "checkAddress.sh", address="new@elsewhere.org", checkonly="1")["status"] == 3


def test_forms_are_answered_as_queries_are(archive):
    form = urlencode({"op": "rs_summary", "ds": FLARE}).encode()
    with urlopen(f"{archive.url}cgi-bin/ajax/jsoc_info", data=form, timeout=60) as answer:
        assert json.loads(answer.read())["count"] == 357


@pytest.mark.parametrize("strict", [False, True])
def test_strictly_what_jsoc_misreads_is_refused_by_the_server(tmp_path, strict):
    with server.running(tmp_path, model=SmallModel(lambda: NOW), clock=lambda: NOW, strict=strict) as running:
        answer = ask(running, "jsoc_info", op="rs_summary", ds=FLARE.replace("Z", ""))
        assert ("without a zone" in answer.get("error", "")) is strict
        assert answer.get("count", 357) == 357
        assert ask(running, "jsoc_info", op="rs_summary", ds=FLARE)["count"] == 357


def test_a_client_gets_records_under_their_names(archive):
    ds = f"{EUV}[2021-07-03T14:27:23Z/24s][211]"
    found, paths = drms.Client(archive.drms_config()).query(ds, key="T_OBS", seg="image", rec_index=True)
    names = [f"{EUV}[2021-07-03T14:27:{second}Z][211]" for second in (23, 35)]
    assert list(found.index) == list(paths.index) == names
    assert paths["image"].str.startswith("/SUM").all()


PARAMETERS = st.lists(
    st.sampled_from(
        ["T_REC", "**ALL**", "**NONE**", "*recnum*", "*spec*", "*size*", "*dirmtime*", "image", "spikes", "lev1", "foo",
         ",", "%2C", "%", "%00", "\0", "é", " ", "../", "'", '"', "-1", "1", "1e9", "9" * 30, "NOT ", "("]
    ),
    max_size=4,
).map("".join)  # fmt: skip


@hypothesis.settings(
    max_examples=500, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(
    st.sampled_from(["rs_list", "rs_summary", "series_struct", "nonsense"]),
    st.sampled_from([f"{EUV}[2021-07-03T14:27:23Z]", f"{FLARE}[? EXPTIME > 1000 ?]", "aia.response[]", "aia.nope[]"]),
    st.dictionaries(st.sampled_from(["key", "seg", "link", "n", "R", "o", "f", "userhandle"]), PARAMETERS),
)
def test_whatever_is_asked_of_records_is_answered(archive, op, ds, parameters):
    answer = info.jsoc_info(archive.service, parameters | {"op": op, "ds": ds})
    assert answer["status"] in (0, 4, 5, 6)
    for column in (*answer.get("keywords", []), *answer.get("segments", [])):
        assert op != "rs_list" or len(column["values"]) == answer["count"]
    json.dumps(answer, allow_nan=False)


def test_slashes_are_escaped_as_the_real_answers_have_them(archive):
    query = urlencode({"op": "rs_list", "ds": f"{EUV}[2021-07-03T14:27:23Z][211]", "seg": "image"})
    with urlopen(f"{archive.url}cgi-bin/ajax/jsoc_info?{query}", timeout=60) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        assert b"\\/SUM" in answer.read()
