"""One client for every script: typed answers, stable addresses, limits, patience, and no e-mail in any text."""

import base64
import errno
import http.client
import json
import socket
import time
import urllib.request
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import HTTPServer
from urllib.error import HTTPError, URLError
from urllib.parse import quote_plus

import drms
import loopback
import pytest
from drms.exceptions import DrmsExportError, DrmsQueryError
from small_archive import END, SERIES, START, small_archive

from aia_sequence.archive import web
from aia_sequence.archive.client import Archive, open_archive
from aia_sequence.archive.retries import Patience, RefusedError, passing, persist
from aia_sequence.archive.web import TooSlowError, limited_web
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.privacy import redact


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with small_archive(tmp_path_factory.mktemp("state")) as opened:
        yield opened


@contextmanager
def serving(answer):
    """A web server whose every answer is `answer(handler)`."""
    with loopback.running(HTTPServer(("127.0.0.1", 0), loopback.asking(answer))) as server:
        yield f"http://127.0.0.1:{server.server_port}/"


def test_the_worked_example_has_its_records(archive):
    records = archive.query(f"{SERIES}[{START}-{END}]", segments=["image"])
    assert len(records) == 357
    short = records[records["EXPTIME"] < 2.0]
    assert len(short) == 101
    assert len(short[short["WAVELNTH"] == 211]) == 20
    assert records["image"].str.startswith("/SUM").all()


def test_no_record_is_an_answer_with_the_same_columns(archive):
    some = archive.query(f"{SERIES}[{START}-{END}][211]", ["FSN"], ["image"])
    none = archive.query(f"{SERIES}[{START}-{END}][211][? EXPTIME < 0 ?]", ["FSN"], ["image"])
    assert none.empty
    assert list(none.columns) == ["recnum", "T_REC", *list(some.columns)[2:9], "FSN", "record", "image"]
    assert set(none.columns) == set(some.columns)


def test_a_refused_query_is_told_in_the_archives_words(archive):
    with pytest.raises(RefusedError, match=r"query .*nope.*Series aia.nope is not a valid series"):
        archive.raw_query("aia.nope[]", ["T_REC"])
    with pytest.raises(RefusedError, match='column "nope" does not exist'):
        archive.raw_query(f"{SERIES}[{START}][? NOPE = 1 ?]", ["T_REC"])


def test_the_series_describes_its_keywords(archive):
    described = archive.describe(SERIES).set_index("name")
    assert described.loc["QUALITY", "type"] == "int"
    assert described.loc["DATAMEAN", "linkinfo"] == "lev1->DATAMEAN"
    assert list(described.columns) == ["type", "units", "note", "linkinfo"]


def test_written_addresses_name_no_port(archive):
    url = f"{archive.base_url}SUM46/D1/S00000/image_lev1.fits"
    stable = archive.stable_url(url)
    assert stable == "http://synthetic.invalid/SUM46/D1/S00000/image_lev1.fits"
    assert archive.local_url(stable) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/SUM1/x.fits",
        "http://jsoc.stanford.edu.example.org/SUM1/x.fits",
        "file:///etc/passwd",
        "http://jsoc.stanford.edu/SUM1/../../x.fits",
    ],
)
def test_addresses_of_other_places_are_refused(url):
    jsoc = Archive("jsoc", drms.Client("jsoc"), "http://jsoc.stanford.edu/")
    with pytest.raises(ArchiveError, match="does not lie in the archive jsoc"):
        jsoc.local_url(url)


def test_libraries_that_make_their_own_client_reach_this_archive(archive):
    with archive.as_jsoc():
        found = drms.Client().query(f"{SERIES}[{START}][193]", key="T_REC, WAVELNTH")
        assert list(found["WAVELNTH"]) == [193]
        with urllib.request.urlopen("http://jsoc.stanford.edu/") as answer:
            assert answer.status == 200
        with pytest.raises(ArchiveError, match=r"example\.org is not the archive"):
            urllib.request.urlopen("http://example.org/")


def test_jsoc_is_reached_at_the_address_of_the_configuration_and_named_by_its_own(archive, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with open_archive("jsoc", url=archive.base_url.rstrip("/")) as jsoc:
        asked = jsoc.query(f"{SERIES}[{START}][193]", segments=["image"])
        assert len(asked) == 1
        served = f"{archive.base_url}{asked['image'][0].lstrip('/')}"
        assert jsoc.stable_url(served) == f"http://jsoc.stanford.edu{asked['image'][0]}"
        assert jsoc.local_url(jsoc.stable_url(served)) == served
        with jsoc.as_jsoc():
            assert list(drms.Client().query(f"{SERIES}[{START}][193]", key="WAVELNTH")["WAVELNTH"]) == [193]


def test_a_proxy_of_the_site_does_not_stand_between_the_job_and_its_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    with open_archive("synthetic", tmp_path) as opened:
        assert len(opened.query(f"{SERIES}[{START}][193]")) == 1
    assert urllib.request.getproxies()["http"] == "http://127.0.0.1:9/"


def test_only_known_archives_are_opened(tmp_path):
    for name, state in (("vso", tmp_path), ("synthetic", None)):
        with pytest.raises(ConfigError, match="allowed are jsoc"), open_archive(name, state):
            pass


def test_exports_from_jsoc_need_an_address(monkeypatch):
    monkeypatch.delenv("JSOC_EMAIL", raising=False)
    with open_archive("jsoc") as opened, pytest.raises(ConfigError, match="JSOC_EMAIL"):
        _ = opened.email


SPELLINGS = {
    "plain": str,
    "small letters": str.lower,
    "capitals": str.upper,
    "URL": quote_plus,
    "URL, twice": lambda text: quote_plus(quote_plus(text)),
    "URL, three times, small letters": lambda text: quote_plus(quote_plus(quote_plus(text))).lower(),
    "URL, every character": lambda text: "".join(f"%{ord(character):02X}" for character in text),
    "HTML": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML, hexadecimal": lambda text: text.replace("@", "&#x40;"),
    "JSON": lambda text: text.replace("@", r"\u0040").replace(".", r"\u002E"),
    "mail": lambda text: text.replace("@", "=40"),
    "hexadecimal": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs, of more": lambda text: base64.urlsafe_b64encode(f"x{text}:password".encode()).decode(),
    "base64, at the end of more": lambda text: base64.b64encode(f"to{text}".encode()).decode(),
    "base64, in small letters": lambda text: base64.b64encode(text.lower().encode()).decode(),
}


@pytest.mark.parametrize("address", ["Jane.Doe+aia@Uni-Example.edu", "a_b%c@x.org", "jd@io.net"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_address_is_taken_out_of_every_text(monkeypatch, address, spelling):
    monkeypatch.setenv("JSOC_EMAIL", address)
    spelled = SPELLINGS[spelling](address)
    clean = redact(f"GET /?notify={spelled}&x=1, and {spelled}")
    assert clean.count("<e-mail>") == 2
    assert len(clean) <= len("GET /?notify=<e-mail>&x=1, and <e-mail>") + 2 * (8 if "base64" not in spelling else 18)
    assert redact("jane@elsewhere.edu asked for 5 records") == "jane@elsewhere.edu asked for 5 records"


def test_redirects_to_another_host_are_refused():
    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", "http://localhost.example.org/")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with serving(redirect) as url, limited_web({}), pytest.raises(ArchiveError, match="another host"):
        urllib.request.urlopen(url)


def test_an_answer_without_end_is_refused():
    def flood(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 10000)
        except ConnectionError:
            pass

    with (
        serving(flood) as url,
        limited_web({}, longest=50000),
        urllib.request.urlopen(url) as answer,
        pytest.raises(ArchiveError, match="more than 50000 bytes"),
    ):
        answer.read()


def test_an_answer_that_ends_early_is_an_error():
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 100)

    with (
        serving(cut) as url,
        limited_web({}),
        urllib.request.urlopen(url) as answer,
        pytest.raises(http.client.IncompleteRead),
    ):
        answer.read()


def http_error(code):
    return HTTPError("http://jsoc.stanford.edu/?notify=x", code, "words", Message(), None)


@pytest.mark.parametrize(
    "error",
    [
        http_error(500),
        http_error(503),
        http_error(429),
        URLError(ConnectionRefusedError(111, "refused")),
        TimeoutError(),
        ConnectionResetError(104, "reset"),
        http.client.RemoteDisconnected("gone"),
        http.client.IncompleteRead(b"", 10),
        json.JSONDecodeError("x", "<html>", 0),
        json.JSONDecodeError("x", "", 0),
        DrmsQueryError("DRMS Query failed. [status=6]"),
        DrmsQueryError("problem with database query [status=1]"),
        DrmsExportError("Cant save new export-request hash. [status=4]"),
    ],
    ids=repr,
)
def test_what_passes_by_itself_is_repeated(error):
    waited, errors = [], [error, error]

    def call():
        if errors:
            raise errors.pop()
        return "answer"

    assert persist(call, "query", Patience(attempts=4, first=1.0, sleep=waited.append)) == "answer"
    assert len(waited) == 2
    assert 0.5 <= waited[0] <= 1.0 <= waited[1] <= 2.0


@pytest.mark.parametrize(
    "error",
    [
        http_error(400),
        http_error(403),
        http_error(404),
        DrmsQueryError("Series aia.nope is not a valid series [status=5]"),
        DrmsQueryError('column "nope" does not exist [status=6]'),
        DrmsExportError("Request exceeds max byte limit of 100000MB [status=3]"),
        DrmsExportError("User has 1 pending export requests (JSOC_20210703_001) [status=7]"),
        ValueError("Email address is invalid or not registered"),
    ],
    ids=repr,
)
def test_what_is_an_answer_is_not_asked_for_again(error):
    calls = []

    def call():
        calls.append(1)
        raise error

    with pytest.raises(RefusedError, match=r"^export: the archive"):
        persist(call, "export", Patience(sleep=lambda _: None))
    assert len(calls) == 1
    assert passing(error) is None


def test_patience_ends_with_what_happened_last():
    waited = []

    def call():
        raise TimeoutError

    with pytest.raises(ArchiveError, match="query: the archive did not answer in time; given up after 3 attempts"):
        persist(call, "query", Patience(attempts=3, sleep=waited.append))
    assert len(waited) == 2


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        OSError(errno.ENETUNREACH, "Network is unreachable"),
    ],
    ids=["no such name", "no network"],
)
def test_without_a_network_or_a_name_nothing_is_asked_again(monkeypatch, error):
    calls = []

    def refuse(*address, **_):
        calls.append(address)
        raise error

    monkeypatch.setattr(socket, "create_connection", refuse)
    with limited_web({}), pytest.raises(ArchiveError) as said:
        persist(lambda: urllib.request.urlopen("http://jsoc.example/"), "query", Patience())
    assert len(calls) == 1
    assert str(said.value) == (
        f"query: the archive was not reached (jsoc.example: {error.strerror}); given up after 1 attempt. "
        "Check the network and its proxies (http_proxy, https_proxy), or run it again later."
    )


@pytest.mark.parametrize(
    ("piece", "longest", "idle", "said"),
    [(b"x", 600.0, 0.2, "slower than 10 kB/s"), (b"x" * 20_000, 0.3, 60.0, "not complete after 0 s")],
    ids=["byte by byte", "for ever"],
)
def test_an_answer_that_comes_slowly_or_for_ever_is_given_up(monkeypatch, piece, longest, idle, said):
    monkeypatch.setattr(web, "LONGEST_TIME", longest)

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(piece)
                time.sleep(0.02)

    with (
        serving(drip) as url,
        limited_web({}),
        urllib.request.urlopen(url, timeout=idle) as answer,
        pytest.raises(TooSlowError, match=said),
    ):
        answer.read()


def test_pauses_grow_to_their_bound_and_differ():
    patience = Patience(attempts=12, first=2.0, longest=60.0)
    pauses = list(patience.pauses())
    assert all(low / 2 <= pause <= low for pause, low in zip(pauses, [2, 4, 8, 16, 32] + [60] * 6, strict=True))
    assert pauses != list(patience.pauses())


def test_the_address_stands_in_no_message_of_a_failure(monkeypatch):
    monkeypatch.setenv("JSOC_EMAIL", "jane.doe@uni-example.edu")

    def call():
        raise DrmsExportError("User jane.doe@uni-example.edu has 1 pending export requests [status=7]")

    with pytest.raises(RefusedError) as raised:
        persist(call, "export", Patience())
    assert "jane.doe" not in str(raised.value)
    assert raised.value.status == 7
    assert raised.value.__cause__ is None
