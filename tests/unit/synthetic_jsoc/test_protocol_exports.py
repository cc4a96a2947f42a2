"""Exports of the synthetic archive live, are refused and expire as JSOC's do."""

import io
import json
import os
import re
import tarfile
import threading
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
import pytest
import yaml
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from small_archive import SmallModel

from synthetic_jsoc.holdings import store
from synthetic_jsoc.protocol import exports, server, staging
from synthetic_jsoc.protocol.service import Limits

EUV = "aia.lev1_euv_12s"
ONE = f"{EUV}[2021-07-03T14:27:23Z][211]{{image}}"
MINUTE = f"{EUV}[2021-07-03T14:27:23Z/1m][211]{{image}}"
TEMPLATE = "aia.lev1_euv_12s.{T_REC:A}.{WAVELNTH}.{segment}"
USER = "demo@synthetic.example"


class Clock:
    """A clock that stands until it is set forward."""

    def __init__(self):
        self.now = 1.7e9

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def archive(tmp_path, clock):
    with server.running(tmp_path, model=SmallModel(clock), clock=clock) as running:
        yield running


@pytest.fixture
def slow_archive(tmp_path, clock):
    with server.running(tmp_path, model=SmallModel(clock), clock=clock, staging=60) as running:
        yield running


def fetch(archive, **parameters):
    with urlopen(f"{archive.url}cgi-bin/ajax/jsoc_fetch?{urlencode(parameters)}", timeout=60) as answer:
        return json.loads(answer.read())


def request(archive, ds=ONE, process="0", **parameters):
    settings = {"notify": USER, "method": "url", "protocol": "fits", "filenamefmt": TEMPLATE, "process=n": process}
    return fetch(archive, op="exp_request", format="json", ds=ds, **settings | parameters)


def status(archive, identity):
    return fetch(archive, op="exp_status", requestid=identity)


def get(archive, path):
    with urlopen(archive.url.rstrip("/") + path, timeout=60) as answer:
        return answer.read()


def test_a_request_is_queued_then_pending_then_done(slow_archive, clock):
    queued = request(slow_archive, MINUTE)
    assert queued == {
        "status": 2,
        "requestid": queued["requestid"],
        "method": "url",
        "protocol": "fits",
        "wait": 60,
        "rcount": 5,
        "size": 60,
    }
    assert re.fullmatch(r"JSOC_20210703_\d{3,}", queued["requestid"])
    clock.now += 20
    pending = status(slow_archive, queued["requestid"])
    assert (pending["status"], pending["wait"], pending["rcount"]) == (1, 40, 0)
    clock.now += 40
    assert status(slow_archive, queued["requestid"])["status"] == "0"


class HeldModel(SmallModel):
    """An archive that makes no file before it is told to, and counts those that it makes."""

    version = "held"

    def __init__(self, now):
        super().__init__(now)
        self.released, self.made = threading.Event(), []

    def write(self, record, segment, path, as_is):
        self.released.wait(60)
        self.made.append((record["recnum"], segment))
        super().write(record, segment, path, as_is)


def test_a_request_is_pending_until_its_files_are_made(tmp_path, clock, monkeypatch):
    """So no client waits for a first byte: whoever learns of a file gets it at once, from another server too."""
    monkeypatch.setattr(staging, "PATIENCE_S", 0.05)
    model = HeldModel(clock)
    with server.running(tmp_path, model=model, clock=clock) as running:
        identity = request(running, MINUTE)["requestid"]
        assert [status(running, identity)["status"] for _ in range(3)] == [1, 1, 1]
        model.released.set()
        while (index := status(running, identity))["status"] == 1:
            pass
    assert len(index["data"]) == len(model.made) == len({*model.made}) == 5
    with server.running(tmp_path, model=model, clock=clock) as running:
        for row in index["data"]:
            assert get(running, f"{index['dir']}/{row['filename']}").startswith(b"SIMPLE")
    assert len(model.made) == 5


def test_a_server_that_ends_makes_no_further_files(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(staging, "PATIENCE_S", 0.05)
    model = HeldModel(clock)
    with server.running(tmp_path, model=model, clock=clock) as running:
        identity = request(running)["requestid"]
        count = status(running, identity)["rcount"]
        threading.Timer(0.3, model.released.set).start()
    assert count == 0
    assert len(model.made) <= (os.cpu_count() or 1)


def test_the_index_of_a_finished_request_is_text_in_every_scalar(archive, clock):
    index = status(archive, request(archive, MINUTE)["requestid"])
    assert list(index) == [
        "version", "requestid", "method", "protocol", "count", "size", "exptime", "dir", "status", "keywords", "data",
    ]  # fmt: skip
    assert all(isinstance(value, str) for key, value in index.items() if key != "data")
    assert (index["count"], index["status"], index["keywords"]) == ("5", "0", "**IN FITS FILES**")
    assert index["exptime"] == "2023.11.21_22:13:20_UT"
    assert index["data"][0] == {
        "record": f"{EUV}[2021-07-03T14:27:23Z][211]",
        "filename": f"{EUV}.2021-07-03T142725Z.211.image_lev1.fits",
    }


def test_exported_files_carry_all_keywords_and_as_is_files_none(archive):
    index = status(archive, request(archive)["requestid"])
    header = fits.open(io.BytesIO(get(archive, f"{index['dir']}/{index['data'][0]['filename']}")))[1].header
    assert header["T_REC"] == "2021-07-03T14:27:23Z"
    assert header["PRIMARYK"] == "T_REC, WAVELNTH"
    assert header["SYNTH"] is True
    quick = request(archive, method="url_quick", protocol="as-is")
    bare = fits.open(io.BytesIO(get(archive, quick["data"][0]["filename"])))[1].header
    assert "T_OBS" not in bare
    assert "CRPIX1" not in bare


def test_url_quick_answers_at_once_with_paths_of_stored_files(archive):
    answer = request(archive, f"{EUV}[2021-07-03T14:27:23Z/24s][211]", method="url_quick", protocol="as-is")
    assert {key: answer[key] for key in ("rcount", "count", "dir", "requestid", "wait", "status")} == {
        "rcount": 2,
        "count": 4,
        "dir": "",
        "requestid": "",
        "wait": 0,
        "status": 0,
    }
    assert [row["record"] for row in answer["data"][:2]] == [
        f"{EUV}[2021-07-03T14:27:23Z][211]{{image}}",
        f"{EUV}[2021-07-03T14:27:23Z][211]{{spikes}}",
    ]
    assert re.fullmatch(r"/SUM\d+/D\d+/S00000/image_lev1\.fits", answer["data"][0]["filename"])


def test_url_quick_in_fits_goes_through_the_queue(archive):
    assert request(archive, method="url_quick")["status"] == 2


def test_without_braces_every_segment_is_exported_under_the_same_record(archive):
    index = status(archive, request(archive, f"{EUV}[2021-07-03T14:27:23Z][211]")["requestid"])
    assert index["count"] == "2"
    assert len({row["record"] for row in index["data"]}) == 1
    assert [row["filename"].rsplit(".", 2)[1] for row in index["data"]] == ["image_lev1", "spikes"]


def test_an_as_is_request_in_the_queue_names_segments_and_a_list_of_keywords(archive):
    index = status(archive, request(archive, protocol="as-is")["requestid"])
    assert index["wait"] == "0"
    assert index["keywords"] == f"{index['dir']}/{index['requestid']}.keywords.txt"
    assert index["data"][0]["record"] == ONE
    assert get(archive, index["keywords"])


def test_a_tar_export_is_one_file_with_all_the_others(archive):
    index = status(archive, request(archive, MINUTE, method="url-tar")["requestid"])
    assert index["tarfile"] == f"{index['dir']}/{index['requestid']}.tar"
    content = get(archive, index["tarfile"])
    assert content == get(archive, index["tarfile"])
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == [*(row["filename"] for row in index["data"]), "index.html", "index.json", "index.txt"]
        single = tar.extractfile(index["data"][2]["filename"]).read()
    assert single == get(archive, f"{index['dir']}/{index['data'][2]['filename']}")


@pytest.mark.parametrize("protocol", ["fits", "as-is", "jpg,CT=grey.sao,scaling=LOG,size=1"])
@pytest.mark.parametrize("name", ["index.json", "index.txt", "index.html", "", "/"])
def test_the_directory_of_an_export_holds_its_lists(archive, name, protocol):
    index = status(archive, request(archive, protocol=protocol)["requestid"])
    page = get(archive, f"{index['dir']}/{name}" if name.strip("/") else index["dir"] + name)
    assert index["data"][0]["filename"].encode() in page


def test_records_without_image_have_no_file_and_are_left_out_unless_the_request_names_quality(archive):
    hours = f"{EUV}[2019-03-01T00:00:00Z/1d][? QUALITY < 0 ?]{{image}}"
    quick = request(archive, hours, method="url_quick", protocol="as-is")
    assert (quick["status"], quick["error"]) == (4, "There are no files in this RecordSet")
    named = request(archive, hours)
    assert named["rcount"] >= 1
    index = status(archive, named["requestid"])
    assert index["count"] == "0"
    assert index["data"][0]["record"].startswith("warning=No FITS files were exported.")
    as_is = status(archive, request(archive, hours, protocol="as-is")["requestid"])
    assert {row["filename"] for row in as_is["data"]} == {"NoDataFile"}
    with pytest.raises(HTTPError, match="404"):
        get(archive, f"{as_is['dir']}/NoDataFile")


def test_a_gate_on_quality_makes_exports_smaller_than_queries(archive):
    query = urlencode({"op": "rs_list", "ds": f"{EUV}[2019-03-01T00:00:00Z/1d][? QUALITY < 0 ?]", "key": "*recnum*"})
    numbers = json.loads(get(archive, f"/cgi-bin/ajax/jsoc_info?{query}"))["keywords"][0]["values"]
    assert request(archive, f"{EUV}[:#{numbers[0]}]{{image}}")["rcount"] == 0


def test_no_records_at_all_is_a_finished_request_without_files(archive):
    nothing = f"{EUV}[2021-07-03T14:27:23Z][? EXPTIME > 1000 ?]"
    index = status(archive, request(archive, nothing, protocol="as-is")["requestid"])
    assert (index["count"], index["size"], index["data"]) == ("0", "0", [])
    assert "dir" not in index


@pytest.mark.parametrize(
    ("changes", "number", "text"),
    [
        ({"notify": ""}, 4, "Email address for notification was not specfied. It is required."),
        ({"notify": "a@b.org"}, 4,
        "Cannot process your request. email address has been neither validated nor registered"),
        ({"ds": f"{EUV}[2021"}, 4, f"Bad record-set query '{EUV}[2021'."),
        ({"ds": f"{EUV}[2021]{{nope}}"}, 4, "Bad record-set query"),
        ({"ds": "aia.nope[1]"}, 4, "Cannot export series 'aia.nope' - it does not exist."),
        ({"ds": f"{EUV}[#1],aia.lev1[#1]"}, 4, "Cannot specify subsets of records from different series."),
        ({"ds": EUV}, 4, f"Can not open RecordSet {EUV} is too many records in one request."),
        ({"ds": f"{EUV}[x]"}, 4, f"Can not open RecordSet, bad query or too many records: {EUV}[x]"),
        ({"ds": f"{EUV}[? X=1 ?]"}, 4, "Can not open RecordSet, bad query or too many records"),
        ({"ds": ONE, "seg": "image"}, 4, "Bad record-set query"),
        ({"op": "exp_repeat"}, 4, "Re-Export requests temporarily disabled."),
        ({"op": "exp_history"}, 4, "not supported"),
    ],
)  # fmt: skip
def test_requests_are_refused_with_the_real_words(archive, changes, number, text):
    parameters = {"op": "exp_request", "ds": ONE, "notify": USER, "method": "url", "protocol": "fits"} | changes
    answer = fetch(archive, **parameters)
    assert answer["status"] == number
    assert text in answer["error"]


def test_a_request_above_the_size_limit_is_void(tmp_path, clock):
    with server.running(tmp_path, model=SmallModel(clock), clock=clock, limits=Limits(megabytes=50)) as archive:
        answer = request(archive, MINUTE)
        assert (answer["status"], answer["requestid"], answer["wait"]) == (3, "VOID", 0)
        assert answer["error"] == "Request exceeds max byte limit of 50MB"
        assert (answer["count"], answer["size"]) == (5, 60)


def test_one_address_has_one_pending_request_and_the_refusal_names_it(slow_archive, clock):
    first = request(slow_archive)["requestid"]
    refused = request(slow_archive, MINUTE)
    assert refused["status"] == 7
    assert refused["error"] == (
        f"User {USER} has 1 pending export requests ({first}); please wait until at least one request has completed "
        "before submitting a new one."
    )
    # The check on load comes before that on duplicates: even the same request is refused.
    assert request(slow_archive)["status"] == 7
    assert request(slow_archive, MINUTE, notify="other@synthetic.example")["status"] == 2
    clock.now += 60
    assert request(slow_archive, MINUTE)["status"] == 2


def test_the_check_of_the_address_comes_before_all_others(slow_archive):
    request(slow_archive)
    assert "Email" in request(slow_archive, "nonsense[", notify="")["error"]
    assert request(slow_archive, "nonsense[")["status"] == 7


def test_a_pending_request_can_be_cancelled(slow_archive):
    identity = request(slow_archive)["requestid"]
    manage = f"/cgi-bin/ajax/manage-request?{urlencode({'address': USER, 'operation': 'check'})}"
    assert json.loads(get(slow_archive, manage))["status"] == "2"
    assert identity in json.loads(get(slow_archive, manage.replace("check", "cancel")))["msg"]
    assert json.loads(get(slow_archive, manage))["status"] == "1"
    assert status(slow_archive, identity)["status"] == 4


@pytest.mark.parametrize(
    ("ds", "changes", "text"),
    [
        ("nonsense[", {"notify": ""}, "Email address for notification was not specfied."),
        ("nonsense[", {"notify": "a@b.org"}, "Cannot process your request."),
        ("aia.nope[", {}, "Bad record-set query"),
        ("aia.nope[x],aia.lev1[x]", {}, "Cannot export series 'aia.nope' - it does not exist."),
        (f"{EUV}[x],aia.lev1[x]", {}, "Cannot specify subsets of records from different series."),
        (f"{EUV}[x]{{image}}", {}, "Can not open RecordSet"),
        (MINUTE, {}, "Request exceeds max byte limit of 12MB"),
        (ONE.replace("23Z", "35Z"), {"method": "url_quick", "protocol": "as-is"}, "There are no files in this"),
        (ONE, {"method": "url_quick", "protocol": "as-is"}, "jsoc_fetch did not return a known status code"),
    ],
)
def test_of_several_reasons_to_refuse_the_first_in_the_servers_order_is_told(tmp_path, clock, ds, changes, text):
    """Each request could be refused for the reason of its line and, but for the last two, for some that come later."""
    rules = [
        {"mode": "offline", "record": f"{EUV}*"},
        {"mode": "broken-link", "record": "*[2021-07-03T14:27:35Z][211]"},
    ]
    path = tmp_path / "faults.yaml"
    path.write_text(yaml.safe_dump({"faults": rules}))
    with server.running(
        tmp_path, faults=path, model=SmallModel(clock), clock=clock, limits=Limits(megabytes=12)
    ) as archive:
        assert request(archive, ds, **changes)["error"].startswith(text)


def test_an_existing_request_is_named_before_its_size_is_looked_at(tmp_path, clock):
    with server.running(tmp_path, model=SmallModel(clock), clock=clock) as archive:
        first = request(archive, MINUTE)["requestid"]
    with server.running(tmp_path, model=SmallModel(clock), clock=clock, limits=Limits(megabytes=12)) as archive:
        assert request(archive, MINUTE)["requestid"] == first
        assert request(archive, MINUTE.replace("[211]", "[171]"))["status"] == 3


@pytest.mark.parametrize(("protocol", "limit"), [("FITS,**NONE**", 5), ("fits", 59), ("FITS,compress Rice", 590)])
def test_the_limit_depends_on_whether_files_are_packed_on_the_way(tmp_path, clock, protocol, limit):
    with server.running(tmp_path, model=SmallModel(clock), clock=clock, limits=Limits(megabytes=59)) as archive:
        answer = request(archive, MINUTE, protocol=protocol)
        if limit < 60:
            assert answer["error"] == f"Request exceeds max byte limit of {limit}MB"
        else:
            assert (answer["status"], answer["protocol"]) == (2, protocol)


def test_a_request_for_unpacked_files_gets_them_with_the_same_pixels_and_keywords(archive):
    files = []
    for protocol in ("FITS,**NONE**", "fits,compress Rice", "fits"):
        index = status(archive, request(archive, protocol=protocol)["requestid"])
        path = f"{index['dir']}/{index['data'][0]['filename']}"
        files.append(fits.open(io.BytesIO(get(archive, path)), do_not_scale_image_data=True))
    plain, packed, usual = files
    assert (len(plain), len(packed)) == (1, 2)
    np.testing.assert_array_equal(plain[0].data, usual[1].data)
    ours, theirs = plain[0].header, usual[1].header
    assert [key for key in theirs if key not in ours and key not in ("PCOUNT", "GCOUNT", "XTENSION")] == []
    assert {key for key in theirs if key in ours and ours[key] != theirs[key]} <= {"CHECKSUM", "DATASUM"}


def test_one_host_has_a_bounded_number_of_requests_pending(tmp_path, clock):
    limits = Limits(pending_per_client=2)
    with server.running(tmp_path, model=SmallModel(clock), clock=clock, staging=60, limits=limits) as archive:
        sets = [MINUTE.replace("[211]", f"[{channel}]") for channel in (94, 131, 171, 193)]
        answers = [request(archive, ds, notify=f"{i}@synthetic.example") for i, ds in enumerate(sets)]
    assert [answer["status"] for answer in answers] == [2, 2, 2, 7]
    assert answers[-1]["error"] == (
        "There are too many requests from 3@synthetic.example; please wait until one or more requests have completed "
        "before submitting a new one."
    )


def test_a_request_that_is_pending_for_an_hour_counts_no_more(tmp_path, clock):
    with server.running(tmp_path, model=SmallModel(clock), clock=clock, staging=7200) as archive:
        request(archive)
        clock.now += 3599
        assert request(archive, MINUTE)["status"] == 7
        clock.now += 2
        assert request(archive, MINUTE)["status"] == 2


def test_a_registration_that_nobody_confirms_ends_after_a_quarter_of_an_hour(archive, clock):
    def answer(checkonly):
        query = urlencode({"address": "new@elsewhere.org", "checkonly": checkonly})
        return json.loads(get(archive, f"/cgi-bin/ajax/checkAddress.sh?{query}"))["status"]

    assert [answer(1), answer(0), answer(1), answer(0)] == [4, 1, 3, 3]
    clock.now += 901
    assert [answer(1), answer(0), answer(1)] == [4, 1, 3]


@pytest.mark.parametrize("method", ["url", "url-tar", "ftp", "ftp-tar", "url_direct", "carrier-pigeon"])
def test_methods_are_kept_as_they_are_asked_for(archive, method):
    order = request(archive, method=method, requester="someone", sizeratio="1", userhandle="x", formatvar="data")
    index = status(archive, order["requestid"])
    assert order["method"] == index["method"] == method
    assert ("tarfile" in index) == method.endswith("-tar")


@pytest.mark.parametrize(
    "changes",
    [
        {"process": "1"},
        {"process": "0|im_patch,x=1"},
        {"protocol": "as-is"},
        {"method": "url-tar"},
        {"filenamefmt": "{recnum:%lld}.{segment}"},
        {"ds": ONE.replace("image", "spikes")},
        {"ds": ONE.replace("211", "171")},
    ],
)
def test_a_request_for_something_else_is_another_one(archive, changes):
    other = request(archive, **changes)["requestid"] != request(archive)["requestid"]
    # One record is the first of one record, so that the archive has it already.
    assert other is (changes != {"process": "1"})


def test_a_request_for_the_same_records_in_other_words_is_the_same(archive):
    first = request(archive, MINUTE)["requestid"]
    for words in ("[2021.07.03_14:28:00_TAI-2021.07.03_14:28:48_TAI][WAVELNTH=211]", "[2021-07-03T14:27:20Z/5u][211]"):
        assert request(archive, f"{EUV.upper()}{words}{{image}}", notify="b@synthetic.example")["requestid"] == first


def test_the_same_request_within_a_day_gets_the_existing_id(archive, clock, tmp_path):
    first = request(archive)
    clock.now += 3600
    assert request(archive) == first
    assert sum(store.count_exports(tmp_path).values()) == 1
    assert request(archive, filenamefmt="{recnum:%lld}.{segment}")["requestid"] != first["requestid"]
    clock.now += 86400
    assert request(archive)["requestid"] == first["requestid"]
    assert store.count_exports(tmp_path) == {(f"{EUV}[2021-07-03T14:27:23Z][211]", "image"): 3}


def test_ids_depend_on_what_is_asked_for_and_not_on_when_or_by_whom(tmp_path, clock):
    identities = []
    for run in ("one", "two"):
        with server.running(tmp_path / run, model=SmallModel(clock), clock=clock) as archive:
            identities.append(request(archive, MINUTE, notify=f"{run}@synthetic.example")["requestid"])
        clock.now += 1e6
    assert identities[0] == identities[1]


def test_files_go_after_seven_days(archive, clock):
    identity = request(archive)["requestid"]
    index = status(archive, identity)
    path = f"{index['dir']}/{index['data'][0]['filename']}"
    get(archive, path)
    clock.now += 7 * 86400
    expired = status(archive, identity)
    assert (expired["status"], expired["wait"]) == (5, 999999)
    assert expired["error"] == "Request was completed but is now deleted, 7 day limit exceeded"
    assert expired["contact"] == "jsoc_help@jsoc.stanford.edu"
    for gone in (path, f"{index['dir']}/index.json"):
        with pytest.raises(HTTPError, match="404"):
            get(archive, gone)


def test_files_are_not_there_before_the_request_is_done(slow_archive, clock):
    identity = request(slow_archive)["requestid"]
    clock.now += 60
    index = status(slow_archive, identity)
    clock.now -= 30
    with pytest.raises(HTTPError, match="404"):
        get(slow_archive, f"{index['dir']}/{index['data'][0]['filename']}")


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        ("", "Missing required argument 'requestid'."),
        ("JSOC_2021_1", "is not an acceptable ID for the external export system"),
        ("../../etc/passwd", "is not an acceptable ID"),
        ("JSOC_20210703_999", "invalid export DRMS record for ID `%s`JSOC_20210703_999"),
    ],
)
def test_unknown_ids_are_refused(archive, identity, text):
    answer = status(archive, identity)
    assert answer["status"] == 4
    assert text in answer["error"]


def test_the_state_survives_a_restart(tmp_path, clock):
    with server.running(tmp_path, model=SmallModel(clock), clock=clock, staging=60) as archive:
        identity = request(archive)["requestid"]
    with server.running(tmp_path, model=SmallModel(clock), clock=clock, staging=60) as archive:
        assert status(archive, identity)["status"] == 1
        assert request(archive)["status"] == 7
        clock.now += 60
        index = status(archive, identity)
        assert get(archive, f"{index['dir']}/{index['data'][0]['filename']}")


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (None, f"{EUV}.2205107971.image_lev1.fits"),
        ("{seriesname}.{T_REC:A}.{segment}", f"{EUV}.2021-07-03T142725Z.image_lev1.fits"),
        ("x.{T_REC:A2}.{WAVELNTH:%04d}.{segment}", "x.2021-07-03T14272500Z.0211.image_lev1.fits"),
        ("x.{T_REC:A,TAI}.{segment}", "x.20210703_142802_TAI.image_lev1.fits"),
        ("x.{T_REC:D,UTC}.{segment}", "x.2021.07.03_14:27:25_UTC.image_lev1.fits"),
        ("x.{T_REC}.{segment}", "x.2021-07-03T142723Z.image_lev1.fits"),
        ("{exptime:%.1f}.{#:%03d}.{recnum}.{segment}", "0.6.000.2205107971.image_lev1.fits"),
        ("{CAMERA}", "2.fits"),
    ],
)
def test_names_come_from_the_template_and_times_from_the_linked_record(archive, template, name):
    parameters = {"filenamefmt": template} if template else {"filenamefmt": ""}
    index = status(archive, request(archive, **parameters)["requestid"])
    assert [row["filename"] for row in index["data"]] == [name]


@pytest.mark.parametrize(
    "template",
    ["{NOSUCH}.fits", "../{segment}", "/etc/{segment}", ".{segment}", "{T_REC:X}",
     "{WAVELNTH:%999999999d}",
     "a" * 200, "{segment}\0", "{WAVELNTH.__class__}", "{T_REC:A,NOPE}"],
)  # fmt: skip
def test_a_template_that_cannot_be_filled_delivers_nothing(archive, template):
    index = status(archive, request(archive, filenamefmt=template)["requestid"])
    assert index["count"] == "0"


def test_n_limits_an_export_from_either_end(archive):
    names = {}
    for n in ("2", "-2", "0|no_op"):
        index = status(archive, request(archive, MINUTE, process=n)["requestid"])
        names[n] = [row["record"][18:36] for row in index["data"]]
    assert names["2"] == names["0|no_op"][:2]
    assert names["-2"] == names["0|no_op"][-2:]
    assert len(names["0|no_op"]) == 5


def test_the_plain_parameter_process_is_read_as_well(archive):
    settings = {"notify": USER, "method": "url", "protocol": "fits", "process": "n=2|no_op"}
    assert fetch(archive, op="exp_request", ds=MINUTE, **settings)["rcount"] == 2


def cutout(archive, ds=ONE, **changes):
    arguments = {"t_ref": "2021-07-03T14:27:25.000", "t": 1, "r": 0, "c": 0, "locunits": "arcsec", "boxunits": "arcsec"}
    arguments |= {"x": 0, "y": 0, "width": 12, "height": 6} | changes
    process = "0|im_patch," + ",".join(f"{key}={value}" for key, value in arguments.items())
    index = status(archive, request(archive, ds, process=process)["requestid"])
    return index, fits.open(io.BytesIO(get(archive, f"{index['dir']}/{index['data'][0]['filename']}")))[1]


@pytest.fixture
def ramp_archive(tmp_path, clock):
    with server.running(tmp_path, model=RampModel(clock), clock=clock) as running:
        yield running


class RampModel(SmallModel):
    """An archive whose pixels tell where they are: the column plus a hundred times the row, both from 0."""

    version = "ramp"

    def write(self, record, segment, path, as_is):
        from synthetic_jsoc.holdings import frames

        header = frames.header(record)
        header["CRPIX1"], header["CRPIX2"], header["CROTA2"], header["CDELT1"], header["CDELT2"] = 50, 50, 0, 1.0, 1.0
        header["RSUN_OBS"], header["R_SUN"], header["CRLT_OBS"] = 40.0, 40.0, 0.0
        row, column = np.indices((100, 100))
        hdu = fits.CompImageHDU((column + 100 * row).astype(np.int16), header=header, compression_type="RICE_1")
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, checksum=True)


def test_a_cutout_is_a_part_of_the_image_around_the_place_asked_for(ramp_archive):
    index, hdu = cutout(ramp_archive, x=10, y=-5, width=11, height=5)
    assert hdu.data.shape == (5, 11)
    # Pixel (60, 45), counted from 1, is in the middle.
    assert hdu.data[2, 5] == 59 + 100 * 44
    assert (hdu.header["CRPIX1"], hdu.header["CRPIX2"]) == (50 - 54, 50 - 42)
    assert hdu.header["DATAVALS"] == 55
    assert hdu.header["DATAMAX"] == hdu.data.max()
    assert index["data"][0]["record"] == f"{EUV}_mod[2021-07-03T14:27:23Z][211][{index['requestid']}]"
    assert index["data"][0]["filename"] == f"{EUV}.2021-07-03T142723Z.211.image.fits"
    assert hdu.header["DRMS_ID"].startswith(f"{EUV}_mod:")
    assert hdu.header["PRIMARYK"] == "T_REC, WAVELNTH, RequestID"
    assert hdu.header["SYNTH"] is True


def test_a_cutout_in_pixels_and_beyond_the_image_is_blank_there(ramp_archive):
    _, hdu = cutout(ramp_archive, locunits="pixels", boxunits="pixels", x=1, y=50, width=5, height=3)
    assert np.isnan(hdu.data[:, :2]).all()
    assert hdu.data[1, 2] == 100 * 49
    assert hdu.header["DATAVALS"] == 9


def test_a_tracked_cutout_turns_with_the_sun(ramp_archive):
    # At the centre of the disc 40 arcsec in radius, a day of 13.2 degrees is 9 arcsec.
    _, still = cutout(ramp_archive, t=1, t_ref="2021-07-02T14:27:25", width=5, height=5)
    _, moved = cutout(ramp_archive, t=0, t_ref="2021-07-02T14:27:25", width=5, height=5)
    assert still.header["CRPIX1"] - moved.header["CRPIX1"] == round(40 * np.sin(np.radians(360 / 27.2753)))
    assert still.header["CRPIX2"] == moved.header["CRPIX2"]


def test_a_registered_cutout_has_the_place_in_its_middle_to_a_part_of_a_pixel(ramp_archive):
    _, hdu = cutout(ramp_archive, r=1, x=0.3, y=0, width=5, height=5)
    assert hdu.header["CRPIX1"] == pytest.approx(2.7)
    # The ramp has this value there, rounded to a whole number.
    assert hdu.data[2, 2] == round(49.3 + 100 * 49)


def test_a_cropped_cutout_has_nothing_beyond_the_limb(ramp_archive):
    _, hdu = cutout(ramp_archive, c=1, x=40, y=0, width=11, height=5)
    assert np.isnan(hdu.data[2, 10])
    assert np.isfinite(hdu.data[2, 0])


def test_arguments_that_are_not_understood_leave_the_image_whole(ramp_archive):
    _, hdu = cutout(ramp_archive, x="nonsense")
    assert hdu.data.shape == (100, 100)


def test_a_processing_step_that_the_archive_does_not_have_fails_the_request(archive):
    failed = status(archive, request(archive, process="0|resize,scale_to=2")["requestid"])
    assert (failed["status"], failed["wait"]) == (4, 999999)
    assert failed["error"] == "Processing step resize is not available in this archive, which has im_patch alone"
    assert failed["contact"] == "jsoc_help@jsoc.stanford.edu"


def test_a_processing_step_that_nobody_knows_is_called_unknown(archive):
    failed = status(archive, request(archive, process="0|sharpen,by=2")["requestid"])
    assert failed["status"] == 4
    assert failed["error"].startswith("Unknown processing step 'sharpen'; JSOC's are HmiB2ptr, ")


def test_no_address_is_kept_readable(archive, tmp_path):
    request(archive, notify="personal.name@synthetic.example")
    get(archive, "/cgi-bin/ajax/checkAddress.sh?address=personal.name@synthetic.example&checkonly=1")
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"personal.name" not in kept


@pytest.mark.parametrize("series", ["aia.lev1", "aia.lev1_nrt2"])
@pytest.mark.parametrize("cut", [{}, {"process": "0|im_patch,x=0,y=0,width=60,height=60"}])
def test_single_frames_are_exported_under_their_own_keys(archive, series, cut):
    """What real ones say: segment image_lev1, T_REC to the second, and in near real time bit 30 of QUALITY."""
    order = request(archive, f"{series}[2021-07-03T14:27:25Z]{{image_lev1}}", filenamefmt="", **cut)
    index = status(archive, order["requestid"])
    header = fits.open(io.BytesIO(get(archive, f"{index['dir']}/{index['data'][0]['filename']}")))[1].header
    assert header["PRIMARYK"] == "T_REC, FSN" + (", RequestID" if cut else "")
    assert header["T_REC"] == "2021-07-03T14:27:25Z"
    name, number, segment = header["DRMS_ID"].split(":")
    assert (name, segment) == (series + ("_mod" if cut else ""), "image_lev1")
    assert number == str(header["RECNUM"])
    assert header["QUALITY"] == (1 << 30 if series == "aia.lev1_nrt2" else 0)


def test_pictures_are_delivered_under_their_own_kind_of_id(archive):
    order = request(archive, MINUTE, protocol="jpg,CT=grey.sao,scaling=LOG,size=2")
    index = status(archive, order["requestid"])
    assert index["reqid"] == order["requestid"]
    assert "requestid" not in index
    assert index["data"][0]["filename"].endswith(".image_lev1.jpg")
    picture = Image.open(io.BytesIO(get(archive, f"{index['dir']}/{index['data'][0]['filename']}")))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "L", (48, 48))


@pytest.mark.parametrize(("kind", "magic"), [("mp4", b"ftyp"), ("mpg", b"\x00\x00\x01\xba")])
def test_a_movie_comes_before_the_records_that_it_is_made_of(archive, kind, magic):
    order = request(archive, MINUTE, protocol=f"{kind},CT=grey.sao,scaling=SQRT,size=1,min=0,max=4000")
    index = status(archive, order["requestid"])
    assert index["data"][0] == {"record": "movie of the following data", "filename": f"{index['reqid']}.{kind}"}
    assert len(index["data"]) == 6
    assert magic in get(archive, f"{index['dir']}/{index['data'][0]['filename']}")[:12]


def test_two_equal_requests_at_once_are_one(slow_archive, tmp_path):
    answers = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(request(slow_archive, notify=f"{n}@synthetic.example")))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["requestid"] for answer in answers}) == 1
    assert store.count_exports(tmp_path).total() == 1


def test_one_address_cannot_slip_in_two_requests_at_once(slow_archive):
    answers = []
    sets = [f"{EUV}[2021-07-03T14:{minute}:23Z][211]{{image}}" for minute in range(10, 16)]
    threads = [
        threading.Thread(target=lambda ds=ds: answers.append(request(slow_archive, ds)["status"])) for ds in sets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [2, 7, 7, 7, 7, 7]


WORDS = st.sampled_from(
    [ONE, MINUTE, "aia.response[]", EUV, f"{EUV}[$]{{image}}", "n=1", "0", "|", ",", "=", "im_patch", "x=1",
     "width=9e9", "t=0", "url",
     "url_quick", "url-tar", "fits", "as-is", "jpg", "mp4,size=9", "{T_REC:A}", "{segment}", "{#:%0999d}", "{", "}",
     "%", "../", "\0", "é",
     "nan", "-1", USER, "JSOC_20210703_1", "[", "]", "?", "'", '"', ";", " ", "\n", "**ALL**", "1e308"]
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=5).map("".join)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {
            "ds": st.one_of(st.just(ONE), TEXTS),
            "process": TEXTS,
            "method": TEXTS,
            "protocol": TEXTS,
            "filenamefmt": TEXTS,
        },
        optional={"seg": TEXTS, "requestid": TEXTS},
    )
)
def test_whatever_is_asked_for_is_answered(archive, parameters):
    for operation in ("exp_request", "exp_status"):
        answer = exports.jsoc_fetch(archive.service, parameters | {"op": operation, "notify": USER}, "127.0.0.1")
        assert int(answer["status"]) in (0, 2, 3, 4, 7)
        if answer.get("requestid") and int(answer["status"]) == 2:
            index = exports.jsoc_fetch(
                archive.service, {"op": "exp_status", "requestid": answer["requestid"]}, "127.0.0.1"
            )
            for row in index.get("data", []):
                assert "/" not in row["filename"]
