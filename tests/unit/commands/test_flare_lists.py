"""Catalogues of flares from the HEK: one line a flare, unknown places named, and the plan reads what was asked."""

import json
import socket
from http.server import HTTPServer
from urllib.parse import parse_qs, urlsplit

import loopback
import pytest

from aia_sequence.archive import hek
from aia_sequence.archive.retries import AwayError, Patience
from aia_sequence.commands.flares import longitudes, main
from aia_sequence.config.settings import load
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.times import iso, read_time

QUICK = Patience(attempts=3, first=0.0, longest=0.0)


def entry(goes, start, peak, end, x=0, y=0, noaa=0, reporter="SWPC", **more):
    """A row as the HEK has it: every value as it is in its JSON."""
    return {
        "fl_goescls": goes, "event_starttime": start, "event_peaktime": peak, "event_endtime": end, "hgs_x": x,
        "hgs_y": y, "ar_noaanum": noaa, "frm_name": reporter, "obs_observatory": "GOES", "event_type": "FL",
        "event_coordsys": "UTC-HGS-TOPO", "event_coordunit": "degrees", "event_coord1": x, "event_coord2": y,
        "event_coord3": None, **more,
    }  # fmt: skip


X15 = entry("X1.5", "2021-07-03T14:18:00", "2021-07-03T14:29:00", "2021-07-03T14:34:00", 80, 23, 12838)
HALLOWEEN = entry("X1.0", "2021-10-28T15:17:00", "2021-10-28T15:35:00", "2021-10-28T15:48:00")
SSW = {"frm_name": "SSW Latest Events"}
ENTRIES = [
    X15,
    {**X15, "hgs_x": 78, "hgs_y": 24, **SSW},
    HALLOWEEN,
    {**HALLOWEEN, "event_peaktime": "2021-10-28T15:35:30", "hgs_x": 1, "hgs_y": -26, "ar_noaanum": 12887, **SSW},
    entry("M4.0", "2021-08-28T05:39:00", "2021-08-28T06:11:00", "2021-08-28T06:30:00", -20, -20, 12860),
    entry("M1.2", "2021-11-01T00:57:00", "2021-11-01T01:45:00", "2021-11-01T02:36:00"),
    entry("C9.9", "2021-08-26T23:14:00", "2021-08-26T23:18:00", "2021-08-26T23:22:00", 5, 5),
]  # fmt: skip
JULY = (read_time("2021-07-01"), read_time("2021-07-20"))
YEAR = (read_time("2021-01-01"), read_time("2022-01-01"))


@pytest.fixture
def knowledgebase(monkeypatch):
    """A server that answers in the HEK's form, page by page; what it answers can be changed."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def page(server, asked):
        span = [read_time(asked[f"event_{name}time"][0] + "Z") for name in ("start", "end")]
        rows = [
            row for row in server.rows
            if read_time(row["event_starttime"] + "Z") < span[1] and read_time(row["event_endtime"] + "Z") >= span[0]
            and row["fl_goescls"] >= asked["value0"][0]
        ]  # fmt: skip
        number = int(asked["page"][0])
        part = rows[(number - 1) * server.size : number * server.size]
        return json.dumps({"result": part, "overmax": len(rows) > number * server.size}).encode()

    def answer(handler):
        server, asked = handler.server, parse_qs(urlsplit(handler.path).query)
        server.asked.append(asked)
        status, body = server.fault.pop(0) if server.fault else (200, server.page(server, asked))
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    server = HTTPServer(("127.0.0.1", 0), loopback.asking(answer))
    server.rows, server.size, server.page, server.fault, server.asked = ENTRIES, 100, page, [], []
    with loopback.running(server) as found:
        found.url = f"http://127.0.0.1:{found.server_port}/hek/her?"
        yield found


def answer_of(*rows):
    """The HEK's only page."""
    return json.dumps({"result": rows, "overmax": False}).encode()


def asked(knowledgebase, lowest="M1", span=YEAR):
    return hek.flares(*span, lowest, url=knowledgebase.url, patience=QUICK)


def test_a_flare_that_several_have_reported_is_one_with_noaas_entry_preferred(knowledgebase):
    found = asked(knowledgebase)
    assert [one.goes for one in found] == ["X1.5", "M4.0", "X1.0", "M1.2"]
    first, _, halloween, last = found
    assert (first.place, first.noaa, first.reporter) == ((80, 23), 12838, "SWPC")
    assert first.comment == "SWPC; merged with SSW Latest Events X1.5"
    # NOAA's entry has no place, so the other's is taken, and said.
    assert (iso(halloween.peak), halloween.place, halloween.noaa) == ("2021-10-28T15:35:00Z", (1, -26), 12887)
    assert halloween.comment.endswith("location of SSW Latest Events")
    assert (last.place, last.comment) == (None, "location unknown")


@pytest.mark.parametrize(
    ("lowest", "classes"), [("X1", ["X1.5", "X1.0"]), ("X1.2", ["X1.5"]), ("M4", ["X1.5", "M4.0", "X1.0"])]
)
def test_classes_are_compared_as_numbers_and_not_as_texts(knowledgebase, lowest, classes):
    assert [one.goes for one in asked(knowledgebase, lowest)] == classes


def test_an_x_10_is_larger_than_an_x_9():
    assert hek.flux("X10") > hek.flux("X9.9") > hek.flux("X") > hek.flux("M9.9")
    with pytest.raises(ConfigError, match="no class of a flare"):
        hek.flux("Y1")


def test_pages_and_chunks_give_what_one_answer_gives(knowledgebase):
    whole = asked(knowledgebase)
    knowledgebase.size = 1
    assert asked(knowledgebase) == whole
    assert len({(one["event_starttime"][0]) for one in knowledgebase.asked}) == 13  # chunks of 30 days


def test_two_flares_at_one_time_stay_two_where_their_regions_differ():
    one = hek.Flare(0.0, 100.0, 200.0, "M1.0", (1, 1), 11111, "SWPC")
    other = hek.Flare(0.0, 120.0, 200.0, "M1.1", (60, 1), 22222, "SWPC")
    assert len(hek.merged([one, other])) == 2


FAULTS = {
    "an error that passes": ([(503, b"busy")], None),
    "a page of HTML": ([(200, b"<html>down</html>")], None),
    "an error that stays": ([(503, b"")] * 9, "HTTP 503 Service Unavailable; given up after 3 attempts"),
    "no such page": ([(404, b"")], "HTTP 404"),
    "another form": ([(200, b'{"rows": []}')], "the HEK answered in an unknown form"),
    "rows that are none": ([(200, b'{"result": [1, 2], "overmax": false}')], "the HEK answered in an unknown form"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_of_the_knowledgebase_are_waited_for_or_told_in_a_sentence(knowledgebase, kind):
    knowledgebase.fault, said = list(FAULTS[kind][0]), FAULTS[kind][1]
    if said is None:
        assert [one.goes for one in asked(knowledgebase, span=JULY)] == ["X1.5"]
        return
    with pytest.raises(ArchiveError, match=said):
        asked(knowledgebase, span=JULY)


def test_an_answer_without_end_is_left(knowledgebase, monkeypatch):
    monkeypatch.setattr(hek, "MOST_PAGES", 5)
    knowledgebase.page = lambda *_: json.dumps({"result": [X15], "overmax": True}).encode()
    with pytest.raises(ArchiveError, match="more than 5 pages"):
        asked(knowledgebase)


def test_entries_without_class_or_time_or_with_times_in_no_order_are_left_out(knowledgebase, caplog):
    changes = [
        {},
        {"event_peaktime": ""},
        {"event_peaktime": "2021-07-03T20:00:00"},
        {"fl_goescls": "X?"},
        {"fl_goescls": None},
    ]
    knowledgebase.page = lambda *_: answer_of(*({**X15, **change} for change in changes))
    assert len(asked(knowledgebase, span=JULY)) == 1
    assert caplog.text.count("an entry of the HEK is left out (class, start, peak, end: ") == 4
    assert "2021-07-03T20:00:00, 2021-07-03T14:34:00): its times are not in their order" in caplog.text


PLACES = {
    (80, 23): "N23W80",
    (95, 20): "N20W95",
    (340, 20): "N20E20",
    (-200, 20): "",
    (170, 20): "",
    (0, 0): "",
    (0, 12): "N12W00",
    (None, None): "",
    ("E23", "N10"): "",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_where_no_flare_can_have_been_seen_is_unknown(knowledgebase, place):
    knowledgebase.page = lambda *_: answer_of({**X15, "hgs_x": place[0], "hgs_y": place[1]})
    (flare,) = asked(knowledgebase)
    _, _, _, _, location, _, comment = flare.row()
    assert (location, "location unknown" in comment) == (PLACES[place], not PLACES[place])


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # by sunpy's table
@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300, -5, None])
def test_a_number_that_no_region_has_is_unknown(knowledgebase, value):
    knowledgebase.page = lambda *_: answer_of({**X15, "ar_noaanum": value})
    assert [one.noaa for one in asked(knowledgebase)] == [0]


def test_who_reports_is_one_line_that_no_spreadsheet_calculates(knowledgebase):
    later = {**X15, "event_peaktime": "2021-07-03T14:30:00"}
    knowledgebase.page = lambda *_: answer_of({**later, "frm_name": "=1+1\nX"}, {**later, "frm_name": "@b"})
    (flare,) = asked(knowledgebase)
    assert flare.row()[-1] == "1+1 X; merged with b X1.5"


def test_where_nobody_answers_that_is_what_is_said(knowledgebase):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(AwayError, match=r"the archive was not reached \(127\.0\.0\.1:\d+: Connection refused\)"):
            hek.flares(*YEAR, "M1", url=f"http://127.0.0.1:{taken.getsockname()[1]}/her?", patience=QUICK)


def call(knowledgebase, *arguments):
    return main(["--from", "2021-01-01", "--to", "2022-01-01", "--url", knowledgebase.url, *arguments])


def test_what_is_printed_is_a_catalogue_that_the_plan_reads(knowledgebase, capsys, tmp_path):
    assert call(knowledgebase, "--class", ">= X1") == 0
    told = capsys.readouterr()
    assert "2 flares" in told.err
    assert "Made by aia-sequence flares" in told.out
    (tmp_path / "flares.csv").write_text(told.out, encoding="utf-8")
    settings = load(
        {
            "events": str(tmp_path / "flares.csv"),
            "defaults": {"channels": [171], "region": {"width": 200, "height": 200}},
        }
    )
    assert [event.options["class"] for event in settings.events.values()] == ["X1.5", "X1.0"]
    assert settings.warnings == ()


def test_a_catalogue_takes_the_place_of_one_only_if_it_is_whole(knowledgebase, capsys, tmp_path):
    path = tmp_path / "config" / "flares.csv"
    call(knowledgebase, "--class", "X1")
    printed = capsys.readouterr().out
    call(knowledgebase, "--class", "X1", "--output", str(path))
    assert capsys.readouterr().out == ""
    assert path.read_text(encoding="utf-8") == printed
    with pytest.raises(ConfigError, match="no flare of X9"):
        call(knowledgebase, "--class", "X9", "--output", str(path))
    assert path.read_text(encoding="utf-8") == printed


def test_an_address_need_not_end_with_a_question_mark(knowledgebase):
    wanted = asked(knowledgebase)
    knowledgebase.url = knowledgebase.url.removesuffix("?")
    assert asked(knowledgebase) == wanted


def test_what_is_tried_again_is_told_in_a_plain_line(knowledgebase, capsys, monkeypatch):
    monkeypatch.setattr(hek, "Patience", lambda: QUICK)
    knowledgebase.fault = [(503, b"busy")]
    call(knowledgebase, "--class", "X1")
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("HEK, flares from 2021-01-01T00:00:00Z to ")
    assert "HTTP 503" in first
    assert rest == ["2 flares; 0 of 2 without a location"]


def test_flares_are_chosen_by_longitude(knowledgebase, capsys):
    call(knowledgebase, "--class", "M1", "--region", "E45..W45")
    rows = [line for line in capsys.readouterr().out.splitlines() if line[0] in "XM"]
    assert [row.split(",")[4] for row in rows] == ["S20E20", "S26W01"]
    assert longitudes("w10 .. e20") == (-20.0, 10.0)


WRONG = {
    "no such class": (["--class", "Z"], "no class of a flare"),
    "longitudes": (["--class", "X1", "--region", "45"], "write E45..W45"),
    "the end before the start": (["--class", "X1", "--to", "2020-01-01"], "is not after --from"),
    "a time that is none": (["--class", "X1", "--from", "soon"], "--from: 'soon' is not a time"),
    "a day before the mission": (["--from", "1990-01-01"], "before the mission's first day, 2010-05-13"),
    "an address that is none": (["--url", "hek"], "--url: 'hek' is no address"),
    "nothing there": (["--class", "X9"], "no flare of X9 or more"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_asked_is_told_in_a_line(knowledgebase, kind):
    arguments, said = WRONG[kind]
    with pytest.raises(ConfigError, match=said) as caught:
        call(knowledgebase, *arguments)
    assert "\n" not in str(caught.value)
