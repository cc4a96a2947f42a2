"""Export requests: taken up after a kill, split when too large, never for what the cache has."""

import json
import re
from dataclasses import replace

import pytest
from small_archive import SmallModel, flare_request, place, settings_of, small_archive

from aia_sequence.acquisition import steps
from aia_sequence.acquisition.arrival_checks import safe_name
from aia_sequence.acquisition.export import obtain
from aia_sequence.acquisition.journal import Journal, Request
from aia_sequence.acquisition.offline import refused
from aia_sequence.acquisition.queue import Limits
from aia_sequence.archive.retries import Patience, RefusedError
from aia_sequence.errors import ArchiveError
from aia_sequence.lists.exports import NotExported
from synthetic_jsoc.holdings.store import count_exports, count_fetches, read_log
from synthetic_jsoc.protocol.service import Limits as ArchiveLimits

QUICK = Patience(attempts=4, first=0.01, longest=0.02)


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


def some(wanted, *numbers):
    """A request, and the names of some of its records; without numbers, of all."""
    return wanted, [wanted.names[number] for number in numbers] or wanted.names


def requests_sent(state):
    """Export requests that reached the archive, whatever it answered."""
    return [entry for entry in read_log(state) if entry["op"] == "exp_request"]


def test_the_example_is_one_request_of_twenty_files(state, journal):
    with small_archive(state) as archive:
        delivery = obtain(archive, *some(flare_request(archive)), journal)
    assert len(delivery.files) == 20
    assert len(delivery.requests) == 1
    assert delivery.not_exported == []
    assert all(file.url.startswith("http://synthetic.invalid/SUM") for file in delivery.files)
    assert delivery.files == sorted(delivery.files, key=lambda file: file.record)


def test_the_id_is_on_disk_before_the_first_wait(state, journal):
    class Killed(BaseException):
        pass

    def die(_):
        raise Killed

    with small_archive(state, staging=5.0) as archive:
        wanted = flare_request(archive)
        with pytest.raises(Killed):
            obtain(replace(archive, polling=Patience(sleep=die)), *some(wanted), journal)
        (kept,) = journal.requests()
    assert re.fullmatch(r"JSOC_\d{8}_\d+", kept.id)
    assert kept.records == tuple(wanted.kept["record"])


def test_a_killed_job_takes_up_its_own_request(state, journal):
    with small_archive(state, staging=0.4) as archive:
        wanted = flare_request(archive)
        with pytest.raises(ArchiveError, match=r"JSOC_\d+_\d+ is not done after 0 s"):
            obtain(archive, *some(wanted), journal, Limits(timeout=0.0))
        delivery = obtain(archive, *some(wanted), journal)
    assert len(delivery.files) == 20
    assert len(requests_sent(state)) == 1


def test_a_job_killed_before_it_heard_the_id_gets_the_same_request(state, journal):
    with small_archive(state, staging=0.4) as archive:
        wanted = flare_request(archive)
        obtain(archive, *some(wanted), journal)
        (kept,) = journal.requests()
        journal.drop(kept)
        again = obtain(archive, *some(wanted), journal)
    assert [request.id for request in again.requests] == [kept.id]
    assert set(count_exports(state).values()) == {1}


@pytest.mark.parametrize("identity", [None, "", "VOID", "../../JSOC_20210703_001", "JSOC_20210703_001,x", 7])
def test_an_id_that_is_none_is_not_kept(state, journal, monkeypatch, identity):
    with small_archive(state) as archive:
        wanted = flare_request(archive)
        answer = {"status": 2, "requestid": identity, "method": "url", "protocol": "fits", "wait": 0}
        monkeypatch.setattr(archive.client._json, "exp_request", lambda *_, **__: answer)
        with pytest.raises(ArchiveError, match="which is no id of a request"):
            obtain(archive, *some(wanted), journal)
    assert journal.requests() == []


def test_while_an_address_has_a_request_pending_the_next_one_waits_for_it(state, journal, tmp_path):
    with small_archive(state, staging=0.5) as archive:
        wanted = flare_request(archive)
        with pytest.raises(ArchiveError, match="not done after"):
            obtain(archive, *some(wanted, 0, 1), journal, Limits(timeout=0.0))
        other = Journal(tmp_path / "other")
        delivery = obtain(archive, *some(wanted, 2, 3), other)
    assert len(delivery.files) == 2
    assert {file.record for file in delivery.files} == set(wanted.kept["record"].iloc[2:4])


def test_waiting_for_another_request_ends_with_its_name(state, journal, tmp_path, caplog):
    with small_archive(state, staging=60.0) as archive:
        wanted = flare_request(archive)
        with pytest.raises(ArchiveError, match="not done after"):
            obtain(archive, *some(wanted, 0), journal, Limits(timeout=0.0))
        (blocking,) = journal.requests()
        with pytest.raises(ArchiveError, match=blocking.id):
            obtain(archive, *some(wanted, 1), Journal(tmp_path / "other"), Limits(timeout=0.2))
    assert f"Waiting for {blocking.id}" in caplog.text


def test_a_request_for_part_of_the_records_takes_up_one_for_all(state, journal):
    with small_archive(state) as archive:
        wanted = flare_request(archive)
        whole = obtain(archive, *some(wanted), journal)
        part = obtain(archive, *some(wanted, 3, 7), journal)
    assert part.files == [whole.files[3], whole.files[7]]
    assert len(requests_sent(state)) == 1


def test_requests_of_another_kind_are_not_taken_up(state, journal):
    with small_archive(state) as archive:
        wanted = flare_request(archive)
        obtain(archive, *some(wanted), journal)
        with_spikes = replace(wanted, segments=("image", "spikes"))
        delivery = obtain(archive, *some(with_spikes), journal)
    assert len(delivery.files) == 40
    assert {file.segment for file in delivery.files} == {"image", "spikes"}


def test_a_request_that_the_archive_has_forgotten_is_sent_again(state, journal):
    with small_archive(state) as archive:
        wanted = flare_request(archive)
        names = tuple(wanted.kept["record"])
        journal.write(Request("a record set of last month", names, ("image",), {}, "JSOC_20210601_001"))
        delivery = obtain(archive, *some(wanted), journal)
    assert len(delivery.files) == 20
    assert "JSOC_20210601_001" not in {request.id for request in journal.requests()}


def test_an_export_that_is_too_large_is_asked_for_in_parts(state, journal):
    with small_archive(state, limits=ArchiveLimits(megabytes=70)) as archive:
        delivery = obtain(archive, *some(flare_request(archive)), journal)
    assert len(delivery.files) == 20
    assert [request.count for request in delivery.requests] == [5, 5, 5, 5]
    assert set(count_exports(state).values()) == {1}


def test_no_request_has_more_records_than_allowed(state, journal):
    with small_archive(state) as archive:
        delivery = obtain(archive, *some(flare_request(archive)), journal, Limits(most_records=8))
    assert [request.count for request in delivery.requests] == [8, 8, 4]


def test_only_what_the_cache_lacks_is_exported_and_nothing_is_fetched_twice(state, journal, tmp_path):
    settings = settings_of(tmp_path)
    with small_archive(state) as archive:
        archive = replace(archive, patience=QUICK)
        for where in ({"EXPTIME": "< 0.5", "QUALITY": 0}, {"EXPTIME": "< 2.0", "QUALITY": 0}):
            wanted = flare_request(archive, where=where)
            cached, delivery = steps.request(archive, wanted, settings)
            steps.download(archive, wanted, delivery, place(tmp_path), settings)
    assert len(cached) == 11
    assert len(delivery.files) == 9
    assert set(count_exports(state).values()) == {1}
    assert set(count_fetches(state).values()) == {1}
    assert len(list(place(tmp_path).frames.glob("*.fits"))) == 20


def test_a_journal_entry_that_cannot_be_read_is_ignored(state, journal, caplog):
    journal.folder.mkdir()
    (journal.folder / "one.json").write_text("{")
    (journal.folder / "two.json").write_text(json.dumps({"records": [1], "segments": [], "unknown": 1}))
    with small_archive(state) as archive:
        assert len(obtain(archive, *some(flare_request(archive), 0), journal).files) == 1
    assert caplog.text.count("is no request") >= 2


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.fits",
        "/etc/passwd.fits",
        "..fits",
        ".hidden.fits",
        "a/b.fits",
        "a\\b.fits",
        "a b.fits",
        "a\nb.fits",
        "a%2fb.fits",
        "frame.fits.sh",
        "frame..fits",
        "",
        "x" * 130 + ".fits",
        "-rf.fits",
    ],
)
def test_names_that_could_leave_the_folder_are_refused(name):
    with pytest.raises(ArchiveError, match="only plain names of FITS files are taken"):
        safe_name(name)


def test_the_archives_own_names_are_taken():
    name = "aia.lev1_euv_12s.2021-07-03T142725Z.211.image_lev1.fits"
    assert safe_name(name) == name


def test_a_delivery_of_other_records_is_refused(state, journal):
    class Swapped(SmallModel):
        pass

    with small_archive(state, model=Swapped(lambda: 1.7e9)) as archive:
        wanted = flare_request(archive)
        obtain(archive, *some(wanted, 0), journal)
        (kept,) = journal.requests()
        journal.write(replace(kept, records=(wanted.kept["record"].iloc[1],)))
        with pytest.raises(ArchiveError, match=r"delivered aia.lev1_euv_12s.*, which was not asked for"):
            obtain(archive, *some(wanted, 1), journal)


def test_records_on_tape_are_left_out_by_name_and_the_others_exported(state, journal):
    lost = "aia.lev1_euv_12s[2021-07-03T14:28:11Z][211]"
    with small_archive(state, [{"mode": "offline", "record": lost}]) as archive:
        wanted = flare_request(archive)
        delivery = obtain(archive, *some(wanted), journal)
    assert delivery.not_exported == [NotExported(lost, "the archive has no file of it on disk (NoDataDirectory)")]
    assert {file.record for file in delivery.files} == set(wanted.kept["record"]) - {lost}
    assert len(requests_sent(state)) == 2


def test_a_job_killed_before_it_heard_the_id_waits_for_the_pending_request_and_gets_it(state, journal, caplog):
    with small_archive(state, staging=0.5) as archive:
        wanted = flare_request(archive)
        with pytest.raises(ArchiveError, match="not done after"):
            obtain(archive, *some(wanted), journal, Limits(timeout=0.0))
        (kept,) = journal.requests()
        journal.drop(kept)
        delivery = obtain(archive, *some(wanted), journal)
    assert f"Waiting for {kept.id}" in caplog.text
    assert [request.id for request in delivery.requests] == [kept.id]
    assert set(count_exports(state).values()) == {1}


@pytest.mark.parametrize(
    ("text", "status", "offline"),
    [
        ("jsoc_fetch did not return a known status code (code 25) [status=4]", 4, True),
        ("One or more data files are offline; JSOC_20210703_001 [status=25]", 25, True),
        ("something else [status=25]", 25, True),
        ("One or more Storage Units are invalid. [status=4]", 4, True),
        ("jsoc_fetch did not return a known status code (code 24) [status=4]", 4, False),
        ("Bad record-set query 'aia.lev1[25]'. [status=4]", 4, False),
        ("Request exceeds max byte limit of 100000MB [status=3]", 3, False),
    ],
)
def test_a_refusal_because_of_files_on_tape_is_told_from_others(text, status, offline):
    assert refused(RefusedError(text, status)) is offline


def test_a_refusal_that_no_record_explains_is_passed_on(state, journal):
    text = "jsoc_fetch did not return a known status code (code 25)"
    with small_archive(state, [{"mode": "fail-4", "op": "exp_request", "text": text}]) as archive:
        wanted = flare_request(archive)
        with pytest.raises(RefusedError, match="code 25"):
            obtain(archive, *some(wanted), journal)
    assert len(requests_sent(state)) == 1
