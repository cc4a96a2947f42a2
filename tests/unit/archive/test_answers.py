"""Answers of the archive that are wrong in form are refused: none is taken, none ends in a traceback.

Real answers, of the embedded archive, are changed at random places and sent to the real client.
"""

import copy
import json
import random
from http.server import HTTPServer
from itertools import count
from urllib.parse import parse_qsl, urlsplit

import loopback
import pandas as pd
import pytest
from hostile import TIMES, trial
from small_archive import END, SERIES, WHERE, small_archive

from aia_sequence.acquisition.export import obtain
from aia_sequence.acquisition.journal import Journal
from aia_sequence.acquisition.queue import Limits
from aia_sequence.acquisition.request import FrameRequest
from aia_sequence.archive import answers
from aia_sequence.archive.answers import UnknownFormError, check
from aia_sequence.archive.client import open_archive
from aia_sequence.archive.retries import Patience
from aia_sequence.calibration import fetch, tables
from aia_sequence.config import conditions
from aia_sequence.errors import AIAError

START = "2021-07-03T14:34:00Z"
TRIES = 25 * TIMES
RECORDSET = f"{SERIES}[{START}-{END}]"
FORMS = [None, True, 5, -1, 2.5, 10**30, float("nan"), float("inf"), [], {}, [[]], ["x"], {"a": "b"}]
# No time, number or word that the archive prints.
TEXTS = ["x", "193x", "1٩3", "9" * 30, "0x1FFFFFFFFF", "1e1000", "1_000", "0b1", "2021-07-03", "${HOME}", "null"]
EXACT = {"*recnum*", "T_REC", "T_OBS", "DATE__OBS", "WAVELNTH", "QUALITY", "NSATPIX"}


def reply(handler):
    """Send what the server's function makes of a question's parameters."""
    body = handler.server.answer(dict(parse_qsl(urlsplit(handler.path).query)))
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture(scope="module")
def server():
    """JSOC, as far as this machine can see."""
    with loopback.running(HTTPServer(("127.0.0.1", 0), loopback.asking(reply))) as found:
        yield found


@pytest.fixture
def jsoc(server, monkeypatch):
    monkeypatch.setenv("JSOC_EMAIL", "someone@institute.edu")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with open_archive("jsoc", url=f"http://127.0.0.1:{server.server_port}/") as opened:
        quick = Patience(attempts=2, first=0.0, longest=0.0)
        object.__setattr__(opened, "patience", quick)
        object.__setattr__(opened, "polling", quick)
        yield opened


def query(jsoc, _):
    return jsoc.query(RECORDSET, segments=["image"])


def describe(jsoc, _):
    jsoc.client._info_cache.clear()
    return jsoc.describe(SERIES)


def export(jsoc, folder):
    records = [f"{SERIES}[2021-07-03T14:3{time}Z][211]" for time in ("4:11", "4:35", "4:59")]
    wanted = FrameRequest(SERIES, pd.DataFrame({"record": records}), conditions.compile_where(WHERE))
    return obtain(jsoc, wanted, records, Journal(folder), Limits(timeout=5.0, clock=count().__next__))


def pointing(jsoc, _):
    with jsoc.as_jsoc():
        return tables.digest(fetch.pointing("20210703", jsoc.patience)[0])


QUESTIONS = {
    "rs_list": query,
    "series_struct": describe,
    "exp_request": export,
    "exp_status": export,
    "tables": pointing,
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """Answers of an honest archive, by question and operation."""
    folder, kept = tmp_path_factory.mktemp("honest"), {}

    def record(url, body):
        kept[name][dict(parse_qsl(urlsplit(url).query))["op"]] = json.loads(body)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "check", record)
        with small_archive(folder / "state") as archive:
            for name, ask in QUESTIONS.items():
                kept[name] = {}
                archive.client._info_cache.clear()
                ask(archive, folder / name)
    return kept


def places(value, path=()):
    """Every place in an answer, as the keys and positions that lead there."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def means_something(question, path):
    """Whether a client could tell that what stands at a place is wrong, and has a use for it."""
    names = [key for key in path if isinstance(key, str)]
    if question == "series_struct":  # how many keywords there are is said nowhere, and many have no unit or note
        return names[:1] in (["primekeys"], ["status"]) or names[-1:] in (["name"], ["type"]) or len(path) <= 1
    return names[-1:] != ["size"]


def changed(answer, question, choose):
    """An answer with one thing wrong in it."""
    answer = {"": copy.deepcopy(answer)}
    path = choose.choice([path for path in places(answer[""]) if means_something(question, path)])
    holder = answer
    for key in ("", *path)[:-1]:
        holder = holder[key]
    last = ("", *path)[-1]
    old = holder[last]
    if isinstance(old, str) and question == "rs_list" and path[0] == "keywords" and choose.random() < 0.5:
        name = answer[""]["keywords"][path[1]]["name"]
        holder[last] = choose.choice(TEXTS) if name in EXACT else choose.choice(FORMS)
    elif isinstance(old, list) and old and choose.random() < 0.7 and question != "series_struct":
        kind = choose.choice(["shorter", "longer", "empty"])
        holder[last] = {"shorter": old[:-1], "longer": [*old, old[0]], "empty": []}[kind]
    elif isinstance(holder, dict) and path and choose.random() < 0.3 and question != "series_struct":
        del holder[last]
    else:
        number = path[:1] == ("keywords",) and isinstance(old, int)  # of a record: each may be the right one
        holder[last] = choose.choice([form for form in FORMS if form != old and not (number and form == 5)])
    return answer[""], f"{path} was {str(old)[:60]!r}"


@pytest.mark.hostile
@pytest.mark.timeout(0)
@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_with_something_wrong_in_it_is_refused_or_does_no_harm(question, honest, jsoc, server, tmp_path):
    kept, ask = honest[question], QUESTIONS[question]
    operation = "rs_list" if question == "tables" else question
    server.answer = lambda parameters: json.dumps(kept[parameters["op"]]).encode()
    expected = ask(jsoc, tmp_path / "honest")
    refused = 0
    for seed in range(TRIES):
        wrong, what = changed(kept[operation], question, random.Random(f"{question} {seed}"))
        sent = kept | {operation: wrong}
        server.answer = lambda parameters, sent=sent: json.dumps(sent[parameters["op"]]).encode()
        with trial(f"changed answer: {question}") as attack:
            try:
                found = ask(jsoc, tmp_path / str(seed))
            except AIAError:
                attack.refuse()
            else:
                same = found.equals(expected) if isinstance(found, pd.DataFrame) else found == expected
                assert same, f"taken: {what}"
        refused += attack.refused
    assert refused > TRIES / 3


@pytest.mark.parametrize("question", [name for name in QUESTIONS if name != "exp_request"])
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"5",
        b'"x"',
        b"null",
        b"[" * 200_000,
        b"{" + b'"a":{' * 50_000,
        b'{"status": 0}',
        b'{"status": NaN}',
        b'{"status": 0, "count": ' + b"9" * 5000 + b"}",
        b'{"status": "\xb2"}',
        b"\xff\xfe{}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_an_answer_of_another_form_is_refused_with_its_first_words(question, body, honest, jsoc, server, tmp_path):
    operation = "rs_list" if question == "tables" else question
    sent = {name: json.dumps(answer).encode() for name, answer in honest[question].items()} | {operation: body}
    server.answer = lambda parameters: sent[parameters["op"]]
    with pytest.raises(AIAError, match=r"unknown form.*It begins with|answered with no JSON"):
        QUESTIONS[question](jsoc, tmp_path)


@pytest.mark.parametrize("key", [{"a": "b"}, [], 5, True, "T_REX"])
def test_a_prime_key_that_is_no_keyword_is_an_unknown_form(key):
    answer = {"status": 0, "keywords": [{"name": "T_REC", "type": "time"}], "segments": [], "links": []}
    url = "http://x/cgi-bin/ajax/jsoc_info?op=series_struct&ds=a"
    check(url, json.dumps({**answer, "primekeys": ["T_REC"]}).encode())
    with pytest.raises(UnknownFormError, match="is none of its keywords"):
        check(url, json.dumps({**answer, "primekeys": ["T_REC", key]}).encode())


@pytest.mark.parametrize("folder", [{}, {"dir": ""}, {"dir": "a b"}, {"dir": 5}])
def test_exported_files_lie_in_a_folder(folder):
    url = "http://x/cgi-bin/ajax/jsoc_fetch?op=exp_status&requestid=JSOC_1"
    answer = {"status": "0", "requestid": "JSOC_1", "count": "1", "dir": "/SUM1/D2/S00000"}
    answer["data"] = [{"record": "aia.lev1_euv_12s[2021-07-03T14:24:59Z][211]", "filename": "a.fits"}]
    check(url, json.dumps(answer).encode())
    del answer["dir"]
    with pytest.raises(UnknownFormError, match="dir is no path"):
        check(url, json.dumps(answer | folder).encode())


def test_what_the_archive_refuses_in_its_own_words_is_no_unknown_form():
    check("http://x/cgi-bin/ajax/jsoc_info?op=rs_list&ds=a&key=b", b'{"status": 5, "error": "no such series"}')
    check("http://x/cgi-bin/ajax/jsoc_fetch?op=exp_status&requestid=a", b'{"status": "4", "error": "no such request"}')
    check("http://x/cgi-bin/ajax/jsoc_info?op=rs_list&ds=a&key=b", b'{"count": 0, "runtime": 0.1, "status": 0}')
    with pytest.raises(UnknownFormError, match="error is 5"):
        check("http://x/cgi-bin/ajax/jsoc_info?op=rs_list&ds=a&key=b", b'{"status": 5, "error": 5}')
