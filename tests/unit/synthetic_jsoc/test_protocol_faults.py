"""The synthetic archive fails on demand, in the ways that users of the real one have met."""

import http.client
import json
import urllib.error
from contextlib import closing
from urllib.parse import urlencode
from urllib.request import urlopen

import drms
import pytest
import yaml
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from small_archive import SmallModel

from synthetic_jsoc.holdings import store
from synthetic_jsoc.protocol import faults, server

EUV = "aia.lev1_euv_12s"
MINUTE = f"{EUV}[2021-07-03T14:27:23Z/1m][211]"
USER = "demo@synthetic.example"
NOW = 1.7e9


@pytest.fixture
def run(tmp_path):
    """Start the archive with some faults; the same state at each start."""

    def start(*rules, seed=0, **options):
        path = tmp_path / "faults.yaml"
        path.write_text(yaml.safe_dump({"seed": seed, "faults": list(rules)}))
        options = {"model": SmallModel(lambda: NOW), "clock": lambda: NOW} | options
        return server.running(tmp_path / "state", faults=path, **options)

    return start


def client(archive):
    return drms.Client(archive.drms_config())


def query(archive, keys="T_REC", ds=MINUTE, **parameters):
    return client(archive).query(ds, key=keys, **parameters)


def export(archive, ds=f"{MINUTE}{{image}}", **settings):
    settings = {"method": "url", "protocol": "fits", "email": USER} | settings
    return client(archive).export(ds, **settings)


@pytest.mark.parametrize("mode", ["html200", "empty200"])
def test_answers_that_are_no_json(run, mode):
    with run({"mode": mode, "op": "rs_list"}) as archive, pytest.raises(json.JSONDecodeError):
        query(archive)


@pytest.mark.parametrize(("mode", "status"), [("http500", 500), ("http503", 503)])
def test_answers_with_an_error_status(run, mode, status):
    with run({"mode": mode, "op": "rs_list"}) as archive, pytest.raises(urllib.error.HTTPError) as caught:
        query(archive)
    assert caught.value.code == status
    caught.value.close()


def test_an_answer_that_never_comes(run):
    with run({"mode": "hang", "op": "rs_list"}) as archive, pytest.raises((TimeoutError, urllib.error.URLError)):
        urlopen(f"{archive.url}cgi-bin/ajax/jsoc_info?op=rs_list&ds={EUV}", timeout=0.2)
        # Ending the server ends the silence too.


def test_a_pause_ends_the_connection(run):
    with run({"mode": "hang", "seconds": 0.01}) as archive, pytest.raises(http.client.RemoteDisconnected):
        query(archive)


@pytest.mark.parametrize("settings", [{}, {"bytes": 10}])
def test_a_connection_that_is_reset(run, settings):
    with run({"mode": "reset", "op": "rs_list", **settings}) as archive, pytest.raises(ConnectionResetError):
        query(archive)


def test_a_truncated_answer_is_shorter_than_it_says(run):
    with run({"mode": "truncated", "op": "rs_list", "bytes": 20}) as archive:
        address = f"{archive.url}cgi-bin/ajax/jsoc_info?{urlencode({'op': 'rs_list', 'ds': MINUTE, 'key': 'T_REC'})}"
        with pytest.raises(http.client.IncompleteRead) as caught, urlopen(address, timeout=60) as answer:
            answer.read()
        assert len(caught.value.partial) == 20


def test_a_truncated_file_is_accepted_by_drms_in_silence(run, tmp_path):
    with run({"mode": "truncated", "file": "*.211.image_lev1.fits", "calls": 2}) as archive:
        request = export(archive)
        request.wait(sleep=0)
        sizes = [path.stat().st_size for path in request.download(tmp_path)["download"]]
    assert sizes[1] == sizes[0] // 2
    assert len(set(sizes[2:])) == 1
    assert store.count_fetches(tmp_path / "state").total() == 4


def test_a_corrupt_file_has_the_right_size_and_a_wrong_checksum(run, tmp_path):
    with run({"mode": "corrupt", "op": "file", "calls": "1-"}) as archive:
        request = export(archive)
        request.wait(sleep=0)
        bad = request.download(tmp_path, index=0)["download"].iloc[0]
    (tmp_path / "good").mkdir()
    with run() as archive:
        good = export(archive).download(tmp_path / "good", index=0)["download"].iloc[0]
    assert bad.stat().st_size == good.stat().st_size
    with pytest.warns(AstropyUserWarning, match="verification failed"), fits.open(bad, checksum=True) as hdus:
        assert len(hdus) == 2
    different = [a ^ b for a, b in zip(bad.read_bytes(), good.read_bytes(), strict=True) if a != b]
    assert different == [1]


@pytest.mark.parametrize("status", [200, 403])
def test_a_page_under_the_name_of_a_file(run, tmp_path, status):
    with run({"mode": "html-as-fits", "status": status}) as archive:
        request = export(archive)
        request.wait(sleep=0)
        path = request.download(tmp_path, index=0)["download"].iloc[0]
    if status == 200:
        assert path.read_bytes().startswith(b"<!doctype html>")
    else:
        assert path is None


def test_a_file_that_is_gone(run, tmp_path):
    with run({"mode": "404", "record": "*14:27:35Z*"}) as archive:
        request = export(archive)
        request.wait(sleep=0)
        assert [path is None for path in request.download(tmp_path)["download"]] == [False, True, False, False, False]


def test_a_request_that_stays_pending(run):
    with run({"mode": "stuck-pending"}) as archive:
        request = export(archive)
        assert request.wait(sleep=0, timeout=0) is False
        assert request.status in (1, 2)


def test_a_request_that_is_not_found_at_first(run):
    with run({"mode": "notfound-6", "calls": "1-3"}) as archive:
        assert export(archive).wait(sleep=0)
    with run({"mode": "notfound-6"}) as archive, pytest.raises(drms.DrmsExportError, match="status=6"):
        export(archive).wait(sleep=0)


def test_a_request_that_fails_at_once_or_later(run):
    with (
        run({"mode": "fail-4", "op": "exp_request", "calls": 1}) as archive,
        pytest.raises(drms.DrmsExportError, match=r"Cant save new export-request hash\. \[status=4\]"),
    ):
        export(archive).wait(sleep=0)
    later = {"mode": "stuck-pending", "calls": "1-2"}, {"mode": "fail-4", "op": "exp_status", "text": "Out of memory."}
    with run(*later) as archive, pytest.raises(drms.DrmsExportError, match="Out of memory"):
        export(archive).wait(sleep=0)


def test_a_limit_on_pending_requests_names_their_ids(run):
    with run({"mode": "limit-7", "ids": ["JSOC_20210703_1", "JSOC_20210703_2"]}) as archive:
        request = export(archive)
        with pytest.raises(drms.DrmsExportError, match=r"JSOC_20210703_1,JSOC_20210703_2.*status=7"):
            request.wait(sleep=0)


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ({"mode": "too-large-3", "op": "exp_request"}, 3),
        ({"mode": "too-large-3", "op": "exp_status"}, 3),
        ({"mode": "expired-5"}, 5),
        ({"mode": "unregistered", "op": "exp_request"}, 4),
    ],
)
def test_a_request_that_is_refused_or_gone(run, rule, number):
    with run(rule) as archive, pytest.raises(drms.DrmsExportError, match=f"status={number}"):
        export(archive).wait(sleep=0)


def test_an_address_that_is_not_registered(run):
    with run({"mode": "unregistered"}) as archive, pytest.raises(ValueError, match="not registered"):
        drms.Client(archive.drms_config(), email=USER)


def test_staging_that_takes_its_time(run):
    with run({"mode": "slow-staging", "seconds": 30}) as archive:
        request = export(archive)
        assert request.status == 2
        assert request.has_finished() is False
        assert request._d["wait"] == 30


@pytest.mark.parametrize(("form", "rows"), [("warning", 1), ("empty", 0)])
def test_a_finished_request_without_files(run, form, rows):
    with run({"mode": "status0-nothing", "form": form}) as archive:
        request = export(archive)
        request.wait(sleep=0)
        assert len(request.data) == rows


def test_names_of_files_that_do_not_exist(run):
    with run({"mode": "NoDataFile", "rows": [1, -1]}) as archive:
        request = export(archive, method="url_quick", protocol="as-is")
        assert list(request.data["filename"] == "NoDataFile") == [False, True, False, False, True]
        assert len(request.urls) == 3


@pytest.mark.parametrize("mode", ["NoDataDirectory", "BadSegLink", "InvalidSegName"])
def test_words_in_place_of_paths(run, mode):
    with run({"mode": mode, "rows": [0]}) as archive:
        _, segments = query(archive, seg="image")
        assert segments["image"][0] == mode
        assert segments["image"][1].startswith("/SUM")


def test_links_that_cannot_be_followed_in_prime_keys(run):
    with run({"mode": "invalid-keylink", "rows": [2]}) as archive:
        answer = query(archive, "T_REC,WAVELNTH,EXPTIME")
        assert answer["T_REC"][2] == "Invalid KeyLink"
        assert answer["WAVELNTH"].isna().tolist() == [False, False, True, False, False]
        assert answer["EXPTIME"].notna().all()


def test_a_row_outside_of_the_window(run):
    with run({"mode": "outside-window"}) as archive:
        assert query(archive, "T_REC,T_OBS")["T_REC"][0] == "2021-07-03T14:27:11Z"


def test_records_without_image_are_queried_and_not_exported(run):
    rule = {"mode": "missing", "record": f"{EUV}[2021-07-03T14:27:35Z][211]", "quality": 0xC0000000}
    with run(rule) as archive:
        answer, segments = query(archive, "T_REC,QUALITY,T_OBS,EXPTIME,DATAMEAN", seg="image")
        assert answer["QUALITY"].tolist() == [0, 0xC0000000, 0, 0, 0]
        assert answer["T_OBS"][1] == "MISSING"
        assert answer[["EXPTIME", "DATAMEAN"]].loc[1].isna().all()
        assert segments["image"][1] == "NoDataDirectory"
        assert len(query(archive, ds=f"{MINUTE}[? QUALITY < 0 ?]")) == 1
        request = export(archive)
        request.wait(sleep=0)
        assert len(request.data) == 4


def test_records_of_another_quality_fail_the_condition_on_it(run):
    with run({"mode": "quality", "record": "*[211]", "quality": 0x40000004}) as archive:
        assert query(archive, "QUALITY")["QUALITY"].tolist() == [0x40000004] * 5
        assert len(query(archive, ds=f"{MINUTE}[? QUALITY = 0 ?]")) == 0


def test_records_whose_link_leads_nowhere(run):
    with run({"mode": "broken-link", "record": "*14:27:35Z*"}) as archive:
        answer, segments, links = query(archive, "T_REC,EXPTIME,DATAMEAN,FSN", seg="image", link="lev1")
        assert answer["DATAMEAN"].isna().tolist() == [False, True, False, False, False]
        assert answer["EXPTIME"].notna().all()
        assert segments["image"][1] == "BadSegLink"
        assert links["lev1"][1] == "Invalid_Link"
        raw = query(archive, "DATAMEAN", convert_numeric=False)
        assert raw["DATAMEAN"][1] == "Invalid KeyLink"


def test_older_versions_show_only_when_asked_for(run):
    with run({"mode": "duplicate", "record": "*14:27:35Z*"}) as archive:
        assert len(query(archive)) == 5
        assert len(query(archive, ds=f"{MINUTE}[! 1=1 !]")) == 6


def test_calls_are_counted_in_the_state_folder_over_restarts(run):
    rule = {"mode": "http503", "op": "rs_list", "calls": [1, 3]}
    outcomes = []
    for _ in range(4):
        with run(rule) as archive:
            try:
                query(archive)
            except urllib.error.HTTPError as error:
                error.close()
                outcomes.append(error.code)
            else:
                outcomes.append(200)
    assert outcomes == [503, 200, 503, 200]


def test_calls_can_be_counted_for_each_file(run, tmp_path):
    with run({"mode": "404", "each": True, "calls": 1}) as archive:
        request = export(archive)
        request.wait(sleep=0)
        assert [path is None for path in request.download(tmp_path)["download"]] == [True] * 5
        assert [path is None for path in request.download(tmp_path)["download"]] == [False] * 5


def test_a_probability_strikes_the_same_calls_for_the_same_seed(tmp_path, run):
    def struck(seed, folder):
        rules = faults.read_faults(_file(tmp_path, {"seed": seed, "faults": [{"mode": "reset", "probability": 0.3}]}))
        memory = store.Store(tmp_path / folder)
        found = [rules.choose(memory, "rs_list") is not None for _ in range(200)]
        memory.close()
        return found

    first = struck(7, "a")
    assert first == struck(7, "b")
    assert first != struck(8, "c")
    assert 30 < sum(first) < 90


def test_rules_choose_by_series_and_operation(run):
    with run({"mode": "http500", "series": "aia.resp*", "op": ["rs_list", "rs_summary"]}) as archive:
        query(archive)
        with pytest.raises(urllib.error.HTTPError) as caught:
            query(archive, "DATE", ds="aia.response")
        caught.value.close()


@pytest.mark.parametrize(("mode", "op"), [(mode, op) for mode, (ops, _) in faults.MODES.items() for op in ops])
def test_every_mode_of_calls_is_chosen_by_call_series_file_and_chance(tmp_path, mode, op):
    def struck(**selectors):
        """Which of four calls meet the rule."""
        path = "/SUM1/D1/S00000/x.211.fits" if op == "file" else ""
        rules = faults.read_faults(_file(tmp_path, {"seed": 3, "faults": [{"mode": mode, "op": op} | selectors]}))
        with closing(store.Store(tmp_path / f"state{len(list(tmp_path.iterdir()))}")) as memory:
            found = [rules.choose(memory, op, EUV, path, subject=str(turn % 2)) for turn in range(4)]
        assert {rule.mode for rule in found if rule} <= {mode}
        return [rule is not None for rule in found]

    assert struck(calls=2) == [False, True, False, False]
    assert struck(calls=2, each=True) == [False, False, True, True]
    assert struck(probability=0) == [False] * 4
    assert struck(probability=1) == [True] * 4
    if op not in ("showextseries", "show_series", "exp_su", "checkAddress.sh"):
        assert struck(series="*euv*") == [True] * 4
        assert struck(series="*uv_24s") == [False] * 4
    if op == "file":
        assert struck(file="*.211.*") == [True] * 4
        assert struck(file="/SUM1/*") == [True] * 4
        assert struck(file="*.171.*") == [False] * 4


@pytest.mark.parametrize("mode", [mode for mode, (ops, _) in faults.MODES.items() if not ops])
def test_every_mode_of_records_is_chosen_by_series_record_and_chance(tmp_path, mode):
    def struck(**selectors):
        rules = faults.read_faults(_file(tmp_path, {"seed": 3, "faults": [{"mode": mode} | selectors]}))
        times = [f"2021-07-03T14:27:{second:02d}Z" for second in range(3, 60, 12)]
        return [bool(rules.of_record(f"{EUV}[{time}][211]")) for time in times]

    assert struck() == struck(series=EUV) == struck(probability=1) == [True] * 5
    assert struck(record="*T14:27:15Z][211]") == [False, True, False, False, False]
    assert struck(series="aia.response") == struck(probability=0) == [False] * 5
    assert 0 < sum(struck(probability=0.5)) < 5


def test_a_request_belongs_to_a_series_when_its_state_and_its_lists_are_asked_for(run):
    stuck, gone = {"mode": "stuck-pending"}, {"mode": "404", "file": "index.json"}
    for series, pending in (("*euv_12s", True), ("*uv_24s", False)):
        with run(stuck | {"series": series}, gone | {"series": series}) as archive:
            order = export(archive)
            assert order.has_finished() is not pending
            directory = archive.service.store.request(order.id)["directory"]
            connection = http.client.HTTPConnection("127.0.0.1", archive.port, timeout=60)
            connection.request("GET", f"{directory}/index.json")
            assert connection.getresponse().status == (404 if pending else 200)
            connection.close()


def test_the_environment_names_the_faults_of_servers_that_others_start(tmp_path, monkeypatch):
    path = _file(tmp_path, {"faults": [{"mode": "http500", "op": "rs_list"}]})
    monkeypatch.setenv("AIA_SYNTHETIC_FAULTS", str(path))
    with (
        server.running(tmp_path / "state", model=SmallModel(lambda: NOW)) as archive,
        pytest.raises(urllib.error.HTTPError) as caught,
    ):
        query(archive)
    caught.value.close()


def test_the_log_tells_what_was_a_fault(run, tmp_path):
    with run({"mode": "http503", "op": "rs_list", "calls": 1}) as archive:
        for _ in range(2):
            try:
                query(archive)
            except urllib.error.HTTPError as error:
                error.close()
    told = [
        (entry["fault"], entry["status"]) for entry in store.read_log(tmp_path / "state") if entry["op"] == "rs_list"
    ]
    assert told == [("http503", 503), (None, 200)]


def _file(folder, content):
    path = folder / "faults.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([], "expected a list 'faults'"),
        ({"faults": [], "fault": 1}, "expected a list 'faults'"),
        ({"faults": [], "seed": "x"}, "'seed' is 'x'"),
        ({"faults": ["reset"]}, "fault 1: no mode 'reset'"),
        ({"faults": [{"mode": "boom"}]}, "no mode 'boom'; there are html200"),
        ({"faults": [{"mode": "404", "op": "rs_list"}]}, "does not fit op 'rs_list'; it fits file"),
        ({"faults": [{"mode": "404", "colour": 1}]}, "has no 'colour'; allowed are"),
        ({"faults": [{"mode": "404", "calls": "x"}]}, "'calls' is 'x'"),
        ({"faults": [{"mode": "404", "calls": 0}]}, "'calls' is 0"),
        ({"faults": [{"mode": "404", "probability": 2}]}, "'probability' is 2"),
        ({"faults": [{"mode": "missing", "calls": 1}]}, "changes records"),
        ({"faults": [{"mode": "offline", "each": True}]}, "changes records"),
        ({"faults": [{"mode": "stuck-pending", "file": "x"}]}, "exp_status cannot be chosen by 'file'"),
        ({"faults": [{"mode": "http500", "op": "rs_list", "record": "x"}]}, "rs_list cannot be chosen by 'record'"),
        ({"faults": [{"mode": "reset", "op": "show_series", "series": "x"}]}, "cannot be chosen by 'series'"),
    ],
)
def test_a_file_of_faults_that_is_wrong_says_where(tmp_path, content, text):
    with pytest.raises(faults.FaultsError, match=text.replace("(", r"\(")):
        faults.read_faults(_file(tmp_path, content))


def test_every_mode_is_documented():
    for mode in faults.MODES:
        assert mode in faults.__doc__
