"""Other NetDRMS servers: with programs of other names, that move to https or to another host, that stand in for one."""

import functools
import http.client
import shutil
import ssl
import subprocess
from contextlib import ExitStack
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

import loopback
import pytest
from small_archive import END, SERIES, START, flare_request, place, settings_of, small_archive
from stages import Event

from aia_sequence.acquisition.cache import Key
from aia_sequence.acquisition.sources import ask_first, open_source, source_of_block
from aia_sequence.archive import client, servers
from aia_sequence.archive.client import open_archive
from aia_sequence.archive.retries import AwayError, Patience, RefusedError
from aia_sequence.calibration import fetch
from aia_sequence.config.archives import BETWEEN, ServerOptions, check_email, dumped, loaded, named, plain
from aia_sequence.config.settings import load
from aia_sequence.errors import ArchiveError, ConfigError
from aia_sequence.lists.exports import Export
from aia_sequence.lists.manifests import LEVEL1
from aia_sequence.lists.records import METADATA
from aia_sequence.privacy import redact

ADDRESS = "workflow@synthetic.example"
MAIL = "someone@institute.edu"
QUICK = Patience(attempts=2, first=0.0, longest=0.0)
# As a site may have them, whose server is no JSOC.
PROGRAMS = {
    "base": "netdrms/run", "show_series": "list", "jsoc_info": "info.py", "jsoc_fetch": "export.py",
    "check_address": "mail",
}  # fmt: skip
THERE = {
    "/netdrms/run/info.py": "/cgi-bin/ajax/jsoc_info",
    "/netdrms/run/export.py": "/cgi-bin/ajax/jsoc_fetch",
    "/netdrms/run/mail": "/cgi-bin/ajax/checkAddress.sh",
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with small_archive(tmp_path_factory.mktemp("state")) as found:
        yield found


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("ROB_EMAIL", ADDRESS)
    monkeypatch.setenv("JSOC_EMAIL", ADDRESS)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    # Nobody is waited for.
    monkeypatch.setattr(client, "Archive", functools.partial(client.Archive, patience=QUICK, polling=QUICK))


def relay(handler, backend, paths):
    """Answer as the archive does, at other paths; what it says of paths of its own stays as it is."""
    path, _, query = handler.path.partition("?")
    at = urlsplit(backend)
    connection = http.client.HTTPConnection(at.hostname, at.port)
    connection.request("GET", f"{paths.get(path, path)}?{query}" if query else paths.get(path, path))
    answer = connection.getresponse()
    body = answer.read()
    handler.server.asked.append(path)
    handler.send_response(answer.status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
    connection.close()


@pytest.fixture
def site(archive):
    """Starts servers: of a function that answers, or in front of the archive, with other paths or encrypted."""
    with ExitStack() as stack:

        def start(answer=None, paths=None, certificate=None):
            answer = answer or functools.partial(relay, backend=archive.base_url, paths=paths or {})
            server = ThreadingHTTPServer(("127.0.0.1", 0), loopback.asking(answer))
            server.asked = []
            if certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                server.socket = context.wrap_socket(server.socket, server_side=True)
            return stack.enter_context(loopback.running(server))

        yield start


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate of this machine's names, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes a certificate for the loopback interface, is absent")
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + path.with_name("both.pem.crt").read_bytes())
    return path


@pytest.fixture
def trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    return certificate


def rob(server, **options):
    """How a server is reached."""
    return dumped([ServerOptions("rob", f"http://127.0.0.1:{server.server_port}/", "ROB_EMAIL", **options)])


def moved(to):
    """A server that has moved."""

    return lambda handler: send_on(handler, 301, to)


def send_on(handler, status, to):
    """Answer that what is asked for is at another server."""
    handler.send_response(status)
    handler.send_header("Location", f"{to}{handler.path}")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def exported(folder, name, reached):
    """Frames of the worked example's first records, from query to verified files."""
    with open_source(name, folder, reached) as source:
        wanted = flare_request(source.archive, where={"EXPTIME": "< 0.6"})
        settings = settings_of(folder)
        _, delivery = source.request(wanted, settings)
        source.download(wanted, delivery, place(folder), settings)
    return LEVEL1.read(place(folder).manifest)


# Programs of other names


def test_a_server_whose_programs_have_other_names_is_asked_by_them(archive, site, tmp_path):
    server = site(paths=THERE)
    rows = exported(tmp_path, "rob", rob(server, programs=PROGRAMS))
    assert len(rows) > 0
    assert all(row["archive"] == "rob" and row["reason"] == "" for row in rows)
    assert {"/netdrms/run/info.py", "/netdrms/run/export.py"} <= set(server.asked)
    assert not any("cgi-bin" in path for path in server.asked)


def test_libraries_that_know_jsoc_alone_find_its_tables_there(site, tmp_path):
    server = site(paths=THERE)
    with open_archive("rob", reached=rob(server, programs=PROGRAMS)) as opened, opened.as_jsoc():
        table, _ = fetch.pointing("20210703")
    assert len(table) > 8
    assert set(server.asked) <= {"/netdrms/run/info.py"}


def test_answers_of_programs_of_other_names_are_looked_at_as_well(site, tmp_path):
    def odd(handler):
        body = b'{"status": 0, "count": 2, "keywords": []}'
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with (
        open_archive("rob", reached=rob(site(odd), programs=PROGRAMS)) as opened,
        pytest.raises(ArchiveError, match=r"in an unknown form: .* was asked for and is missing"),
    ):
        opened.query(f"{SERIES}[{START}][211]")


def test_a_program_that_is_not_there_is_named_by_its_address_without_the_question(site):
    server = site(lambda handler: handler.send_error(404))
    with (
        open_archive("rob", reached=rob(server, programs={"base": "drms", "jsoc_info": "info"})) as opened,
        pytest.raises(
            RefusedError, match=r"HTTP 404 Not Found at http://127\.0\.0\.1:\d+/drms/info; is that address right"
        ),
    ):
        opened.query(f"{SERIES}[{START}][211]")


# Servers that move


def test_redirects_without_end_are_called_so(site):
    def round_and_round(handler):
        send_on(handler, 302, f"http://127.0.0.1:{handler.server.server_port}")

    with (
        open_archive("rob", reached=rob(site(round_and_round))) as opened,
        pytest.raises(RefusedError, match=r"from one address to the next, to no end \(HTTP 302\)"),
    ):
        opened.query(f"{SERIES}[{START}][211]")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_that_moves_to_https_or_to_its_second_host_is_followed(site, trusted, tmp_path, host):
    there = site(certificate=trusted)
    server = site(moved(f"https://{host}:{there.server_port}"))
    hosts = () if host == "127.0.0.1" else (host,)
    rows = exported(tmp_path, "rob", rob(server, hosts=hosts))
    assert len(rows) > 0
    assert all(row["reason"] == "" for row in rows)
    assert any(path.endswith(".fits") for path in there.asked)


def test_it_is_not_followed_to_a_host_that_the_configuration_does_not_name(site, trusted, tmp_path):
    there = site(certificate=trusted)
    server = site(moved(f"https://localhost:{there.server_port}"))
    with (
        open_archive("rob", reached=rob(server)) as opened,
        pytest.raises(ArchiveError, match="another host, localhost"),
    ):
        opened.query(f"{SERIES}[{START}][211]")
    assert there.asked == []


def test_a_certificate_that_nobody_has_signed_is_refused_in_a_sentence(site, certificate, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    server = site(certificate=certificate)
    address = f"https://127.0.0.1:{server.server_port}/"
    reached = dumped([ServerOptions("rob", address, "ROB_EMAIL")])
    with (
        open_archive("rob", reached=reached) as opened,
        pytest.raises(ArchiveError, match="certificate"),
    ):
        opened.query(f"{SERIES}[{START}][211]")


# Servers that stand in for each other


def away():
    """How a server is reached that is down: nothing listens there."""
    return ServerOptions("gone", "http://127.0.0.1:9/", "ROB_EMAIL")


def both(server):
    return dumped([away(), *loaded(rob(server)).values()])


def test_the_next_archive_is_asked_when_one_is_down(site, tmp_path):
    rows = ask_first("gone+rob", tmp_path, both(site()), lambda source: source.block(SERIES, START, END))
    assert len(rows) == 357


def test_an_answer_that_is_no_is_an_answer(site, tmp_path):
    """Who refuses is not down: the next one is not asked."""
    server, other = site(), site()
    reached = dumped([
        ServerOptions("rob", f"http://127.0.0.1:{server.server_port}/", "ROB_EMAIL"),
        ServerOptions("gsfc", f"http://127.0.0.1:{other.server_port}/", "ROB_EMAIL"),
    ])  # fmt: skip
    with pytest.raises(RefusedError):
        ask_first("rob+gsfc", tmp_path, reached, lambda source: source.describe("aia.nothing"))
    assert other.asked == []


def test_when_all_are_down_each_is_named(tmp_path):
    reached = dumped([away(), ServerOptions("also", "http://127.0.0.1:9/", "ROB_EMAIL")])
    with pytest.raises(AwayError, match=r"no archive answers:\n  gone: .*not reached.*\n  also: .*not reached"):
        ask_first("gone+also", tmp_path, reached, lambda source: source.block(SERIES, START, END))


def test_what_began_with_one_archive_ends_with_it_or_says_how_to_begin_again(site, tmp_path):
    reached = both(site())
    rows = ask_first("gone+rob", tmp_path, reached, lambda s: s.block(SERIES, START, END).assign(archive="gone"))
    with (
        pytest.raises(AwayError, match=r"records are those of gone.*not mixed in a block"),
        source_of_block(rows, "gone+rob", tmp_path, reached) as source,
    ):
        source.block(SERIES, START, END)
    with source_of_block(rows.assign(archive="rob"), "gone+rob", tmp_path, reached) as source:
        assert source.name == "rob"


def test_the_workflow_takes_a_block_from_the_archive_that_answers_and_says_which(root, site, tmp_path):
    server = site()
    mirror = {"name": "rob", "url": f"http://127.0.0.1:{server.server_port}/", "email_variable": "ROB_EMAIL"}
    gone = {"name": "gone", "url": "http://127.0.0.1:9/", "email_variable": "ROB_EMAIL"}
    entry = {
        "name": "e", "start": "2021-07-03T14:27:20Z", "end": "2021-07-03T14:28:00Z", "channels": [211],
        "where": {"EXPTIME": "< 2.0"},
    }  # fmt: skip
    event = Event(root, tmp_path, entry, archive=[gone, mirror])
    event.tables()
    ((label, block),) = event.plan.blocks("e", next(iter(event.plan.series("e")))).items()
    event.block(label, block, calibrated=False)
    assert set(METADATA.frame(event.lists["metadata"][0])["archive"]) == {"rob"}
    assert Export.read(event.lists["exports"][0]).archive == "rob"
    rows = LEVEL1.read(event.lists["level1"][0])
    assert [row["archive"] for row in rows] == ["rob"] * len(rows)
    assert len(rows) > 0
    assert "archive: rob" in event.lists["pointing"][0].read_text(encoding="utf-8")


def test_two_servers_share_no_address_in_the_cache():
    keys = [Key(name, SERIES, START, 211, 5).path for name in ("jsoc", "rob")]
    assert keys[0] != keys[1]


# The configuration

EVENT = {"name": "e", "start": "2021-07-03T14:25:00Z", "end": "2021-07-03T14:35:00Z", "channels": [211]}
ROB = {"name": "rob", "url": "https://drms.example/", "email_variable": "ROB_EMAIL", "hosts": ["files.example"]}


def test_a_list_of_archives_is_kept_apart_from_each_of_them():
    settings = load({"archive": ["jsoc", ROB], "events": [EVENT]})
    assert settings.archive == settings.tables_name == "jsoc+rob"
    assert loaded(settings.servers) == {"rob": settings.archives[1]}
    assert load({"archive": plain(settings.archives), "events": [EVENT]}).archives == settings.archives


def test_each_archive_wants_to_know_its_own_address():
    archives = named(["jsoc", ROB])
    with pytest.raises(ConfigError, match=r"'rob' needs an e-mail address .* ROB_EMAIL is not set"):
        check_email(archives, {"JSOC_EMAIL": MAIL})
    check_email(archives, {"JSOC_EMAIL": MAIL, "ROB_EMAIL": MAIL})


def test_an_address_of_any_server_enters_no_text(monkeypatch):
    monkeypatch.setenv("ROB_EMAIL", "someone@rob.example")
    assert "someone" not in redact("sent for someone%40rob.example")


def test_of_the_last_archive_that_is_down_the_error_alone_tells(caplog):
    def away(name):
        raise AwayError(f"{name} was not reached")

    with pytest.raises(AwayError, match=r"^one was not reached$"):
        servers.first_of("one", away)
    assert not caplog.records
    with pytest.raises(AwayError, match="no archive answers"):
        servers.first_of(BETWEEN.join(["one", "two"]), away)
    assert [record.getMessage() for record in caplog.records] == ["one is down: one was not reached"]


ODD = {
    "name": ("Rob", "small letters"),
    "email_variable": ("MAILBOX", "ending in `_EMAIL`"),
    "hosts": (["https://files.example.org/"], "Name of a host alone"),
    "programs": ({"jsoc_info": "https://drms.example.org/info"}, "Path below the address"),
}


@pytest.mark.parametrize("key", ODD)
def test_what_is_wrong_with_a_server_is_said_in_words_and_no_pattern(key):
    value, said = ODD[key]
    server = {"name": "rob", "url": "https://drms.example.org/", key: value}
    with pytest.raises(ConfigError) as caught:
        load({"archive": server, "events": [EVENT]})
    assert str(caught.value).startswith(f"archive.{key}")
    assert said in str(caught.value)
    assert "^" not in str(caught.value)


def test_an_address_of_a_long_domain_is_one_except_for_jsoc_which_takes_none():
    check_email([ServerOptions("rob", "https://drms.example.org/", "ROB_EMAIL")], {"ROB_EMAIL": "me@sun.institute"})
    with pytest.raises(ConfigError, match="is not an e-mail address"):
        check_email([ServerOptions("jsoc")], {"JSOC_EMAIL": "me@sun.institute"})
