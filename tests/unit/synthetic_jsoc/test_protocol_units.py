"""Storage units: what the archive answers about them, and what becomes of records whose files are not on disk."""

import json
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml
from small_archive import SmallModel

from synthetic_jsoc.protocol import server
from synthetic_jsoc.protocol.units import MAX_UNITS

EUV = "aia.lev1_euv_12s"
ONE = f"{EUV}[2021-07-03T14:27:23Z][211]"
TWO = f"{EUV}[2021-07-03T14:27:23Z/24s][211]"
LOST = f"{EUV}[2019-03-01T00:00:00Z/1d][? QUALITY < 0 ?]"
USER = "demo@synthetic.example"
NOW = 1.7e9


@pytest.fixture
def run(tmp_path):
    """Start an archive, with faults if any are given."""
    running = []

    def start(*rules):
        path = tmp_path / "faults.yaml"
        path.write_text(yaml.safe_dump({"faults": list(rules)}))
        context = server.running(tmp_path / "state", faults=path, model=SmallModel(lambda: NOW), clock=lambda: NOW)
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


def ask(archive, endpoint, **parameters):
    with urlopen(f"{archive.url}cgi-bin/ajax/{endpoint}?{urlencode(parameters)}", timeout=60) as answer:
        return json.loads(answer.read())


def column(archive, ds, key):
    return ask(archive, "jsoc_info", op="rs_list", ds=ds, key=key)["keywords"][0]["values"]


def units(archive, numbers, **parameters):
    return ask(archive, "jsoc_fetch", op="exp_su", sunum=",".join(map(str, numbers)), **parameters)


def order(archive, ds=f"{TWO}{{image}}", **parameters):
    settings = {"notify": USER, "method": "url", "protocol": "fits"} | parameters
    return ask(archive, "jsoc_fetch", op="exp_request", ds=ds, **settings)


def test_a_unit_is_told_with_its_folder_and_size(run):
    archive = run()
    (number,), (folder,) = column(archive, ONE, "*sunum*"), column(archive, ONE, "*recdir*")
    answer = units(archive, [number])
    assert answer["data"] == [
        {"sunum": str(number), "series": "aia.lev1", "path": folder, "sustatus": "Y", "susize": "13000000"}
    ]
    assert {key: answer[key] for key in ("status", "rcount", "count", "size", "wait", "requestid")} == {
        "status": 0,
        "rcount": 1,
        "count": 1,
        "size": 13,
        "wait": 0,
        "requestid": "",
    }


def test_units_that_are_gone_or_never_were_are_told_beside_the_others(run):
    archive = run()
    (good,), lost = column(archive, ONE, "*sunum*"), column(archive, LOST, "*sunum*")[0]
    rows = units(archive, [7, good, lost, 10**17])["data"]
    assert [row["sustatus"] for row in rows] == ["I", "Y", "X", "I"]
    assert [row["path"] != "NA" for row in rows] == [False, True, False, False]


def test_a_unit_on_tape_is_told_to_those_who_do_not_wait_and_refused_to_others(run):
    archive = run({"mode": "offline", "record": ONE})
    (number,) = column(archive, ONE, "*sunum*")
    (row,) = units(archive, [number], requestid="NOASYNCREQUEST")["data"]
    assert (row["sustatus"], row["path"], row["susize"]) == ("N", "NA", "0")
    refused = units(archive, [number])
    assert (refused["status"], refused["error"]) == (
        4,
        "jsoc_fetch did not return a known status code (code 25)",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Missing required argument 'sunum'."),
        ("x", "Bad list"),
        ("1,,2", "Bad list"),
        ("-1", "Bad list"),
        ("../1", "Bad list"),
        ("9" * 40, "Bad list"),
        (",".join(["1"] * (MAX_UNITS + 1)), "Bad list"),
    ],
)
def test_a_list_of_units_that_cannot_be_read_is_refused(run, text, words):
    answer = ask(run(), "jsoc_fetch", op="exp_su", sunum=text)
    assert answer["status"] == 4
    assert words in answer["error"]


def test_records_on_tape_are_listed_without_a_path(run):
    archive = run({"mode": "offline", "record": ONE})
    keys = "*online*,*recdir*,*size*,*retain*,*archive*,*dirmtime*,T_REC,EXPTIME"
    answer = ask(archive, "jsoc_info", op="rs_list", ds=TWO, key=keys, seg="image", R="1")
    offline, online = ({entry["name"]: entry["values"][i] for entry in answer["keywords"]} for i in range(2))
    assert answer["segments"][0]["values"][0] == "NoDataDirectory"
    assert answer["segments"][0]["values"][1].startswith("/SUM")
    assert [offline[f"*{name}*"] for name in ("online", "recdir", "size", "retain", "archive", "dirmtime")] == [
        "N", "NoDataDirectory", "NA", "N/A", "Y", "NA",
    ]  # fmt: skip
    assert (offline["T_REC"], offline["EXPTIME"]) == ("2021-07-03T14:27:23Z", "0.578715")
    assert [online[f"*{name}*"] for name in ("online", "size", "retain", "archive")] == [
        "Y", "12999999", "2099.12.31", "N",
    ]  # fmt: skip
    assert online["*dirmtime*"].endswith("_UTC")


@pytest.mark.parametrize("settings", [{}, {"method": "url_quick", "protocol": "as-is"}, {"protocol": "as-is"}])
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("offline", "jsoc_fetch did not return a known status code (code 25)"),
        ("invalid-unit", "One or more Storage Units are invalid"),
    ],
)
def test_an_export_of_records_that_are_not_on_disk_is_refused(run, mode, words, settings):
    archive = run({"mode": mode, "record": ONE})
    answer = order(archive, **settings)
    assert answer["status"] == 4
    assert answer["error"].startswith(words)
    assert order(archive, f"{EUV}[2021-07-03T14:27:35Z][211]{{image}}", **settings)["status"] in (0, 2)


def test_the_stored_file_of_a_record_on_tape_is_not_there(run):
    path = ask(run(), "jsoc_info", op="rs_list", ds=ONE, seg="image")["segments"][0]["values"][0]
    archive = run({"mode": "offline", "record": ONE})
    with pytest.raises(OSError, match="404"):
        urlopen(archive.url.rstrip("/") + path, timeout=60)


def test_records_without_an_image_do_not_stand_in_the_way_of_the_others(run):
    archive = run({"mode": "missing", "record": ONE})
    assert order(archive, method="url_quick", protocol="as-is")["count"] == 1
    assert order(archive, f"{ONE}[? QUALITY < 0 ?]{{image}}", method="url_quick", protocol="as-is")["error"] == (
        "There are no files in this RecordSet"
    )
