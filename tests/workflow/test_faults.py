"""Every fault of the archive, at every stage that can meet it: what comes of it, and that the next run completes.

Run as a program, it writes the table of `docs/faults.md`; as a test, it checks that the table is true.
"""

import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from small_archive import SERIES, WHERE, place, settings_of, small_archive

from aia_sequence.acquisition import steps
from aia_sequence.acquisition.queue import Limits
from aia_sequence.acquisition.request import FrameRequest
from aia_sequence.acquisition.selection import prove
from aia_sequence.archive import metadata, recordsets
from aia_sequence.archive.retries import Patience
from aia_sequence.calibration import fetch, tables
from aia_sequence.config import conditions as filters
from aia_sequence.errors import AIAError
from aia_sequence.files import sha256
from aia_sequence.lists.manifests import LEVEL1

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
START, END, CHANNEL = "2021-07-03T14:27:11Z", "2021-07-03T14:28:35Z", 211
RECORDS = ("14:27:23", "14:27:47", "14:28:11", "14:28:35")
pytestmark = pytest.mark.slow

WIRE = {
    "html200": "an HTML page in place of the answer",
    "empty200": "an empty answer",
    "http500": "HTTP 500",
    "http503": "HTTP 503",
    "hang": "no answer",
    "reset": "the connection is reset",
    "truncated": "the answer ends early",
}
STAGES = {
    "rs_list": "query of records",
    "series_struct": "description of the series",
    "exp_request": "export request",
    "exp_status": "status of the request",
    "file": "transfer of files",
}
# The tables that calibration needs, by how a case asks for them: name of the stage, series, and what fetches them.
TABLES = {
    "pointing": (
        "pointing table",
        "aia.master_pointing3h",
        lambda patience: fetch.pointing("20210703", patience),
    ),
    "degradation": ("degradation table", "aia.response", fetch.degradation),
}
INTRODUCTION = """# What becomes of the archive's faults

Each line is a fault that users of JSOC have met, shown by the synthetic archive at one stage of acquisition.
*Recovered*: the run ends with the frames, or the table, of an undisturbed one. *Named*: it does, without records that
the archive has no frame of, and the metadata or the manifest says so. *Failed*: it stops with the message of the last
column. In no case is there a wrong or partial file among the results, and in every case the next run, without the
fault, completes with the frames of an undisturbed one.

`make test-faults` shows each of them, checks this table and prints it; `make faults` writes it again.

"""


@dataclass(frozen=True)
class Case:
    """A fault, where it strikes, and what is to come of it.

    Attributes
    ----------
    stage, fault, often
        In words, for the table.
    rules
        For the synthetic archive.
    outcome
        `recovered`, `named` or `failed`.
    says
        What the message, or the reason of a named record, must hold (a regular expression).
    method
        Export method, or which of `TABLES` is fetched.
    """

    stage: str
    fault: str
    often: str
    rules: tuple
    outcome: str
    says: str = ""
    method: str = "url"


@dataclass
class Outcome:
    """What came of a run: its frames' hashes by name, reasons of records without, the error, and the files left."""

    frames: dict = field(default_factory=dict)
    reasons: list = field(default_factory=list)
    error: str = ""
    left: dict = field(default_factory=dict)


def wire_cases():
    """Faults of the wire: passing, and lasting; of the questions for frames, and of those for tables."""
    messages = {
        "html200": "no JSON",
        "empty200": "empty page",
        "http500": "HTTP 500",
        "http503": "HTTP 503",
        "hang": "did not answer in time|not reached",
        "reset": "connection broke|not reached",
        "truncated": "no JSON|connection broke",
    }
    for op in ("rs_list", "series_struct", "exp_request", "exp_status"):
        for mode, words in WIRE.items():
            yield Case(STAGES[op], words, "twice", ({"mode": mode, "op": op, "calls": "1-2"},), "recovered")
            says = f"({messages[mode]}).*given up after 4 attempts"
            yield Case(STAGES[op], words, "always", ({"mode": mode, "op": op},), "failed", says)
    for table, (stage, series, _) in TABLES.items():
        for mode, words in WIRE.items():
            rule = {"mode": mode, "op": "rs_list", "series": series}
            yield Case(stage, words, "twice", (rule | {"calls": "1-2"},), "recovered", "", table)
            says = f"{series}.*({messages[mode]}).*given up after 4 attempts"
            yield Case(stage, words, "always", (rule,), "failed", says, table)


def file_cases():
    """Faults of files: passing (for every file), and lasting (for one)."""
    modes = {
        "http500": ("HTTP 500", "HTTP 500"),
        "http503": ("HTTP 503", "HTTP 503"),
        "hang": (WIRE["hang"], "the transfer stood still"),
        "reset": (WIRE["reset"], "the connection broke"),
        "empty200": ("an empty file", "no FITS file; it is empty"),
        "truncated": ("a file ends early", "the file ended early"),
        "html-as-fits": ("a web page under the file's name", "no FITS file; it is a web page"),
        "html-as-fits 403": ("HTTP 403", "HTTP 403"),
        "corrupt": ("one wrong bit", "damaged"),
        "404": ("the file is gone (an expired export)", "no longer"),
    }
    for mode, (words, says) in modes.items():
        mode, _, status = mode.partition(" ")
        settings = {"mode": mode, "op": "file"} | ({"status": int(status)} if status else {})
        passing = settings | {"each": True, "calls": 1}
        yield Case(STAGES["file"], words, "once per file", (passing,), "recovered")
        lasting = settings | {"file": "*2021-07-03T142749Z.211*"}
        yield Case(STAGES["file"], words, "always, one file", (lasting,), "failed", f"1 of 4 frames.*({says})")


CASES = [
    *wire_cases(),
    Case(
        "query of records",
        "prime keys without value (Invalid KeyLink)",
        "always",
        ({"mode": "invalid-keylink"},),
        "failed",
        "'Invalid KeyLink' for the prime key",
    ),
    Case(
        "query of records",
        "a record from outside the window",
        "always",
        ({"mode": "outside-window"},),
        "failed",
        "which was not asked for",
    ),
    Case(
        "query of records",
        "a record without an image (QUALITY bit 31)",
        "always",
        ({"mode": "missing", "record": "*[2021-07-03T14:27:47Z][211]"},),
        "named",
        "QUALITY bit 31",
    ),
    Case(
        "query of records",
        "a near-real-time record (QUALITY bit 30)",
        "always",
        ({"mode": "quality", "record": "*[2021-07-03T14:27:47Z][211]"},),
        "named",
        "QUALITY = 0",
    ),
    Case("query of records", "an older version of every record", "always", ({"mode": "duplicate"},), "recovered"),
    Case(
        "query of records",
        "paths that the archive does not have (NoDataDirectory)",
        "always",
        ({"mode": "NoDataDirectory"},),
        "recovered",
    ),
    *(
        Case(
            "query of records, direct",
            f"no file on disk ({mode})",
            "always, one record",
            ({"mode": mode, "rows": [1], "calls": "3-"},),
            "named",
            mode,
            "direct",
        )
        for mode in ("NoDataDirectory", "BadSegLink", "InvalidSegName")
    ),
    Case(
        "export request",
        "Cant save new export-request hash (status 4)",
        "twice",
        ({"mode": "fail-4", "op": "exp_request", "calls": "1-2"},),
        "recovered",
    ),
    Case(
        "export request",
        "Cant save new export-request hash (status 4)",
        "always",
        ({"mode": "fail-4", "op": "exp_request"},),
        "failed",
        "Cant save new export-request hash.*given up after 4 attempts",
    ),
    Case(
        "export request",
        "refused (status 4)",
        "always",
        ({"mode": "fail-4", "op": "exp_request", "text": "Bad record-set query."},),
        "failed",
        "the archive refused: Bad record-set query",
    ),
    Case(
        "export request",
        "the address is not registered",
        "always",
        ({"mode": "unregistered"},),
        "failed",
        "neither validated nor registered",
    ),
    Case(
        "export request",
        "another request of this address is pending (status 7)",
        "twice",
        ({"mode": "limit-7", "calls": "1-2"},),
        "recovered",
    ),
    Case(
        "export request",
        "another request of this address is pending (status 7)",
        "always",
        ({"mode": "limit-7"},),
        "failed",
        r"has 1 pending export requests \(JSOC_20210703_001\).*Waited 1 s",
    ),
    Case(
        "export request",
        "too large for one request (status 3)",
        "once",
        ({"mode": "too-large-3", "op": "exp_request", "calls": 1},),
        "recovered",
    ),
    Case(
        "export request",
        "too large for one request (status 3)",
        "always",
        ({"mode": "too-large-3", "op": "exp_request"},),
        "failed",
        "exceeds max byte limit",
    ),
    Case(
        "export request",
        "the file of one record is on tape (status 25)",
        "always, one record",
        ({"mode": "offline", "record": "*[2021-07-03T14:27:47Z][211]"},),
        "named",
        "no file of it on disk",
    ),
    Case(
        "export request",
        "no file of any record is on disk (status 25)",
        "always",
        ({"mode": "offline"},),
        "failed",
        "no file of it on disk.*a file for none of 4 records",
    ),
    Case(
        "export request",
        "the storage unit of one record is invalid",
        "always, one record",
        ({"mode": "invalid-unit", "record": "*[2021-07-03T14:27:47Z][211]"},),
        "named",
        "no file of it on disk",
    ),
    *(
        Case(
            "status of the request",
            "too large after all (status 3)",
            often,
            ({"mode": "too-large-3", "op": "exp_status"} | calls,),
            outcome,
            says,
        )
        for often, calls, outcome, says in (
            ("once", {"calls": 1}, "recovered", ""),
            ("always", {}, "failed", "Request too large"),
        )
    ),
    Case("status of the request", "slow staging", "always", ({"mode": "slow-staging", "seconds": 0.4},), "recovered"),
    Case(
        "status of the request",
        "pending (status 1)",
        "three times",
        ({"mode": "stuck-pending", "calls": "1-3"},),
        "recovered",
    ),
    Case(
        "status of the request",
        "pending (status 1)",
        "always",
        ({"mode": "stuck-pending"},),
        "failed",
        r"JSOC_\d+_\d+ is not done after 1 s. It is kept on disk",
    ),
    Case(
        "status of the request",
        "the id is not known yet (status 6)",
        "three times",
        ({"mode": "notfound-6", "calls": "1-3"},),
        "recovered",
    ),
    Case(
        "status of the request",
        "the id is not known yet (status 6)",
        "always",
        ({"mode": "notfound-6"},),
        "failed",
        "does not know this request",
    ),
    Case(
        "status of the request",
        "the request failed (status 4)",
        "always",
        ({"mode": "fail-4", "op": "exp_status", "text": "RecordSet specified does not exist"},),
        "failed",
        r"JSOC_\d+_\d+: RecordSet specified does not exist",
    ),
    Case(
        "status of the request",
        "the request has expired (status 5)",
        "once",
        ({"mode": "expired-5", "calls": 1},),
        "recovered",
    ),
    Case(
        "status of the request",
        "the request has expired (status 5)",
        "always",
        ({"mode": "expired-5"},),
        "failed",
        "7 day limit exceeded",
    ),
    *(
        Case(
            "status of the request",
            f"done, but without any file ({form})",
            "always",
            ({"mode": "status0-nothing", "form": form},),
            "failed",
            "exported no file for its 4 records",
        )
        for form in ("warning", "empty")
    ),
    Case(
        "status of the request",
        "no file of one record (NoDataFile)",
        "always",
        ({"mode": "NoDataFile", "rows": [1]},),
        "named",
        "NoDataFile",
    ),
    Case(
        "status of the request",
        "a record whose link leads nowhere",
        "always",
        ({"mode": "broken-link", "record": "*[2021-07-03T14:27:47Z][211]"},),
        "named",
        "exported no file",
    ),
    *file_cases(),
    Case(
        "all stages",
        "one connection in ten is reset",
        "at random",
        ({"mode": "reset", "probability": 0.1},),
        "recovered",
    ),
]


@contextmanager
def patience_for(rules: tuple | None, folder: Path) -> Iterator[None]:
    """Where the archive does not answer at all, stop waiting after half a second, or later on a busy machine."""
    if not rules or all(rule["mode"] != "hang" for rule in rules):
        yield
        return
    with small_archive(folder / "probe") as archive:
        begin = time.monotonic()
        archive.query(recordsets.block_set(SERIES, START, END))
        honest = time.monotonic() - begin
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(max(0.5, 12 * honest))
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def fetch_table(folder: Path, rules: tuple | None, name: str) -> Outcome:
    """Fetch and freeze a table of the calibration, and say what came of it."""
    outcome, path = Outcome(), folder / "tables" / f"{name}.ecsv"
    shutil.rmtree(path.parent, ignore_errors=True)
    with patience_for(rules, folder), small_archive(folder / "state", list(rules or ())) as archive, archive.as_jsoc():
        try:
            table, source = TABLES[name][2](Patience(attempts=4, first=0.01, longest=0.02))
            tables.freeze(path, table, archive.name, source)
            outcome.frames = {path.name: sha256(path)}
        except AIAError as error:
            outcome.error = str(error)
    outcome.left = {found.name: sha256(found) for found in path.parent.glob("*")}
    return outcome


def acquire(folder: Path, rules: tuple | None, method: str = "url") -> Outcome:
    """Run acquisition from query to manifest over a state folder, and say what came of it."""
    if method in TABLES:
        return fetch_table(folder, rules, method)
    outcome, block = Outcome(), place(folder)
    shutil.rmtree(block.frames.parent, ignore_errors=True)  # as Snakemake does with the outputs of a failed job
    conditions = filters.compile_where(WHERE)
    settings = settings_of(folder, limits=Limits(timeout=1.0))
    faults = None if rules is None else list(rules)
    with patience_for(rules, folder), small_archive(folder / "state", faults) as opened:
        archive = replace(
            opened,
            patience=Patience(attempts=4, first=0.01, longest=0.02),
            polling=Patience(first=0.01, longest=0.05),
        )
        try:
            table = archive.query(recordsets.block_set(SERIES, START, END), segments=["image"])
            archive.describe(SERIES)
            metadata.check_complete(table, SERIES, START, END)
            marked = table[table["WAVELNTH"] == CHANNEL].reset_index(drop=True)
            dropped = filters.dropped_by(marked, conditions)
            kept = marked[[not reason for reason in dropped]].reset_index(drop=True)
            text = recordsets.channel_set(SERIES, START, END, CHANNEL, conditions)
            prove(text, kept, archive.query(text))
            wanted = FrameRequest(SERIES, kept, conditions, method=method)
            _, delivery = steps.request(archive, wanted, settings)
            steps.download(archive, wanted, delivery, block, settings)
            manifest = LEVEL1.read(block.manifest)
            outcome.reasons = [*filter(None, dropped), *filter(None, (row["reason"] for row in manifest))]
        except AIAError as error:
            outcome.error = str(error)
    outcome.left = {path.name: sha256(path) for path in sorted(block.frames.glob("*"))}
    if block.manifest.exists():
        outcome.frames = {Path(row["file"]).name: row["sha256"] for row in manifest if not row["reason"]}
    return outcome


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return {method: acquire(tmp_path_factory.mktemp(method), None, method) for method in ("url", "direct", *TABLES)}


ROWS: dict[int, str] = {}


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{case.stage}-{case.fault}-{case.often}" for case in CASES])
def test_a_fault_has_the_right_outcome(number, undisturbed, tmp_path):
    case, expected = CASES[number], undisturbed[CASES[number].method]
    assert len(expected.frames) == (1 if case.method in TABLES else len(RECORDS))
    found = acquire(tmp_path, case.rules, case.method)
    ROWS[number] = line(case, found, tmp_path)
    assert set(found.left.items()) <= set(expected.left.items()), "a wrong or partial file among the results"
    said = found.error or "; ".join(found.reasons)
    assert re.search(case.says, said, re.DOTALL), said
    if case.outcome == "failed":
        assert found.error
        assert not found.frames
    elif case.outcome == "named":
        assert not found.error
        lost = {name for name in expected.frames if "142749Z" in name}
        assert found.frames == {name: digest for name, digest in expected.frames.items() if name not in lost}
    else:
        assert not found.error
        assert found.frames == expected.frames
    again = acquire(tmp_path, None, case.method)
    assert (again.error, again.frames) == ("", expected.frames)
    assert again.left == expected.left


def test_the_documented_table_is_true():
    if len(ROWS) < len(CASES):
        pytest.skip("only some of the faults were shown")
    assert DOCUMENT.read_text(encoding="utf-8") == document([ROWS[number] for number in range(len(CASES))])


def line(case: Case, found: Outcome, folder: Path) -> str:
    """A row of the table."""
    reason = found.error.splitlines()
    said = (
        " ".join(part.strip() for part in reason[:2])
        if reason
        else "; ".join(sorted(set(found.reasons) - {"EXPTIME < 2.0"}))
    )
    said = re.sub(r"127\.0\.0\.1:\d+", "…", said.replace(str(folder), "…"))
    said = re.sub(r"aia\.lev1_euv_12s\[[^ ]*?\]\[\? .*? \?\](\{image\})?", "aia.lev1_euv_12s[…]", said)
    said = re.sub(r"JSOC_\d{8}_\d{4,}", "JSOC_20210703_…", said)
    outcome = {"": "named" if case.outcome == "named" else "recovered"}.get(found.error, "failed")
    return f"| {case.stage} | {case.fault} | {case.often} | {outcome} | {said.replace('|', '/')} |"


def document(rows: list[str]) -> str:
    """The whole document."""
    head = "| stage | fault | how often | outcome | what is said |\n|---|---|---|---|---|\n"
    return INTRODUCTION + head + "\n".join(rows) + "\n"


def main() -> None:
    """Show every fault and write the document."""
    rows = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(line(case, acquire(Path(folder), case.rules, case.method), Path(folder)))
        print(rows[-1])
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
