"""Whether an answer of the archive is one: about what was asked, and in agreement with itself.

Looked at where answers come in, so before drms, or aiapy through it, makes a table of them. What the archive refuses in
its own words is an answer, and a page that is no JSON is not: both pass, for `aia_sequence.archive.retries` to judge.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aia_sequence.errors import ArchiveError

ALL, NONE = "**ALL**", "**NONE**"
NUMBERS = ("*recnum*", "*sunum*")  # everything else arrives as text
LARGEST = 2**63
NO_FILE = ("NoDataFile", "NoDataDirectory", "BadSegLink", "InvalidSegName")
PENDING, NOT_FOUND = (1, 2), 6
FIRST_WORDS = 80  # characters


class UnknownFormError(ArchiveError):
    """The archive answered in a form that is none of its protocol's."""


class _WrongError(Exception):
    """What is wrong with an answer."""


def check(url: str, body: bytes, programs: Mapping[str, str] | None = None) -> None:
    """Make sure that an answer to a question of the protocol is complete and agrees with itself.

    Parameters
    ----------
    url
        The address that was asked; answers of other endpoints are not looked at.
    body
        The whole answer.
    programs
        Names that the protocol has for programs that are called otherwise.

    Raises
    ------
    UnknownFormError
        Saying what is wrong, with the first words of the answer.
    """
    address = urlsplit(url)
    asked = dict(parse_qsl(address.query, keep_blank_values=True))
    program = address.path.rpartition("/")[2]
    rules = _RULES.get(((programs or {}).get(program, program), asked.get("op", "")))
    if rules is None:
        return
    text = body.decode("latin1")  # as drms reads it
    try:
        answer = json.loads(text, parse_constant=_no_number)
        _require(isinstance(answer, dict), "it is no JSON object")
        rules(asked, answer)
    except json.JSONDecodeError:
        return
    except (_WrongError, RecursionError, ValueError) as error:
        why = error if isinstance(error, _WrongError) else "it cannot be read"
        words = re.sub(r"[^\x20-\x7e]+", " ", text[:FIRST_WORDS]).strip()
        raise UnknownFormError(f"the archive answered in an unknown form: {why}. It begins with {words!r}") from None


def _no_number(text: str) -> None:
    raise _WrongError(f"it holds {text}")


def _require(condition: bool, why: str) -> None:
    if not condition:
        raise _WrongError(why)


def _whole(value: Any, name: str, text: bool = False) -> int:
    """A whole number, as text where the protocol prints it so."""
    if text and isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST
    # A status can be negative, and so is the number of a storage unit that there is not.
    _require(fits and (value >= 0 or name in ("status", "*sunum*")), f"{name} is {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)[:40]


def _refused(answer: Mapping[str, Any], status: int) -> bool:
    """Whether the archive refuses, in words."""
    _require(isinstance(answer.get("error", ""), str | None), f"error is {_shown(answer.get('error'))}")
    return status != 0


def _rows(value: Any, name: str, *texts: str) -> list[dict[str, Any]]:
    """A list of objects in each of which some entries are text."""
    _require(isinstance(value, list) and all(isinstance(row, dict) for row in value), f"{name} is no list of objects")
    for row in value:
        for text in texts:
            _require(isinstance(row.get(text), str), f"{text} in {name} is {_shown(row.get(text))}")
    return value


def _records(asked: Mapping[str, str], answer: Mapping[str, Any]) -> None:
    """rs_list: each keyword, segment and link that was asked for, with as many values as there are records."""
    if _refused(answer, _whole(answer.get("status"), "status")):
        return
    count = _whole(answer.get("count"), "count")
    for kind, parameter in (("keywords", "key"), ("segments", "seg"), ("links", "link")):
        names = [name for name in asked.get(parameter, "").split(",") if name and name != NONE]
        columns = _rows(answer.get(kind, []), kind, "name")
        found = [column["name"] for column in columns]
        _require(len(set(found)) == len(found), f"a name stands twice in {kind}")
        if count and ALL in names:
            _require(bool(found), f"{kind} are missing")
        elif count or found:
            missing, other = sorted(set(names) - set(found)), sorted(set(found) - set(names))
            _require(not missing, f"{', '.join(missing)[:80]} was asked for and is missing")
            _require(not other, f"{', '.join(other)[:80]} was not asked for")
        for column in columns:
            _values(column["name"], column.get("values"), count)


def _values(name: str, values: Any, count: int) -> None:
    _require(isinstance(values, list), f"{name} has no list of values")
    _require(len(values) == count, f"count is {count}, and there are {len(values)} values of {name}")
    for value in values:
        if name.lower() in NUMBERS:
            _whole(value, name)
        else:
            _require(isinstance(value, str), f"{name} is {_shown(value)}")


def _summary(asked: Mapping[str, str], answer: Mapping[str, Any]) -> None:
    """rs_summary: a number of records."""
    if not _refused(answer, _whole(answer.get("status"), "status")):
        _whole(answer.get("count"), "count")


def _series(asked: Mapping[str, str], answer: Mapping[str, Any]) -> None:
    """series_struct: names and types of keywords; prime keys that are among them."""
    if _refused(answer, _whole(answer.get("status"), "status")):
        return
    keywords = _rows(answer.get("keywords"), "keywords", "name", "type")
    for part in (
        keywords,
        _rows(answer.get("segments"), "segments", "name"),
        _rows(answer.get("links"), "links", "name"),
    ):
        for row in part:
            wrong = [name for name, value in row.items() if not isinstance(value, str | int | float | None)]
            _require(not wrong, f"{', '.join(wrong)[:80]} of {row['name'][:40]} is no text")
    for name in ("units", "note", "linkinfo"):
        _require(all(isinstance(row.get(name), str | None) for row in keywords), f"{name} of a keyword is no text")
    keys: Any = answer.get("primekeys")
    _require(isinstance(keys, list), "primekeys are missing")
    names = [row["name"] for row in keywords]  # a list: what is no text can be looked for in it, too
    unknown = [key for key in keys if key is not None and key not in names]
    _require(not unknown, f"prime key {_shown(unknown[0]) if unknown else ''} is none of its keywords")


def _export(asked: Mapping[str, str], answer: Mapping[str, Any]) -> None:
    """exp_request and exp_status: the request that was asked about; when it is done, as many files as it counts."""
    status = _whole(answer.get("status"), "status", text=True)
    identity = answer.get("requestid", answer.get("reqid"))
    _require(isinstance(identity, str | None), f"requestid is {_shown(identity)}")
    if status in (0, *PENDING, NOT_FOUND):
        known = asked.get("requestid", identity)
        _require(identity in (known, None), f"it is about the request {_shown(identity)}")
        _require(status == 0 or bool(known), "requestid is missing")
    if _refused(answer, status):
        return
    count = _whole(answer.get("count"), "count", text=True)
    rows = _rows(answer.get("data"), "data", "record", "filename")
    files = [row for row in rows if not row["record"].startswith(("warning", "movie"))]
    present = [row for row in files if row["filename"] not in NO_FILE]
    _require(count in (len(files), len(present)), f"count is {count}, and there are {len(files)} files")
    if answer.get("size") is not None:
        _whole(answer["size"], "size", text=True)
    # Files that are taken from where they are kept have whole paths, and exported ones lie in a folder.
    folder, bare = answer.get("dir", ""), any("/" not in row["filename"] for row in present)
    form = r"[\w./-]+" if bare else r"[\w./-]*"
    _require(isinstance(folder, str) and (not files or bool(re.fullmatch(form, folder, re.ASCII))), "dir is no path")


_RULES: dict[tuple[str, str], Callable[[Mapping[str, str], Mapping[str, Any]], None]] = {
    ("jsoc_info", "rs_list"): _records,
    ("jsoc_info", "rs_summary"): _summary,
    ("jsoc_info", "series_struct"): _series,
    ("jsoc_fetch", "exp_request"): _export,
    ("jsoc_fetch", "exp_status"): _export,
}
