"""Faults on demand: what users of the real archive have met, shown for chosen calls.

A YAML or JSON file holds a list ``faults`` and, for probabilities, a number ``seed``::

    seed: 7
    faults:
      - {mode: http503, op: rs_list, calls: 1-2}
      - {mode: truncated, file: "*.211.image_lev1.fits", each: true, calls: 1, bytes: 1000}
      - {mode: stuck-pending, calls: 1-3}
      - {mode: missing, record: "*[2021-07-03T14:29:23Z][211]"}
      - {mode: reset, probability: 0.05}

Which calls a rule applies to:

``op``
    ``showextseries``, ``show_series``, ``series_struct``, ``rs_summary``, ``rs_list``, ``exp_request``, ``exp_status``,
    ``exp_su``, ``checkAddress.sh`` or ``file``, or a list of them; by default all that the mode fits.
``series``, ``file``, ``record``
    Pattern of the series' name, of the file's name or whole path, of the record's specification (of a file, or for the
    modes on records). Patterns are those of the shell, in which ``[`` stands for itself.
``calls``
    Which of the matching calls: ``2``, ``[1, 4]``, ``1-3``, ``3-`` (from the third on); by default all.
``each``
    true counts the calls of each file, request id or record set by itself.
``probability``
    Of each matching call or record, drawn with the file's ``seed``.

Counters persist in the state folder. The first rule that applies decides. The modes, and what they may be given
besides:

    html200              an HTML page in place of the answer
    empty200             an empty answer
    http500, http503     that status
    hang                 no answer for ``seconds`` (3600), then the connection ends
    reset                the connection is reset, before the answer or after ``bytes`` of its body
    truncated            the connection ends after ``bytes`` (by default half) of the body that was announced
    corrupt              one bit is wrong near the end of the file, or at ``bytes``
    html-as-fits         an HTML page under the file's name, with ``status`` (200)
    404                  the file does not exist
    stuck-pending        exp_status 1
    notfound-6           exp_status 6
    fail-4               status 4 with ``text``, of exp_request or exp_status
    limit-7              exp_request is refused because of pending requests ``ids``
    too-large-3          status 3
    expired-5            exp_status 5
    unregistered         the address is not registered
    slow-staging         a new request takes ``seconds`` (10) longer
    status0-nothing      a finished request without files; ``form`` is ``warning`` or ``empty``
    NoDataFile           in place of file names (exp_status, immediate exp_request) at ``rows``
    NoDataDirectory, BadSegLink, InvalidSegName
                         in place of segment paths (rs_list) at ``rows``
    invalid-keylink      in place of the values of ``keys`` (T_REC, WAVELNTH) at ``rows`` (rs_list)
    outside-window       the first row lies ``seconds`` (12) before its time (rs_list)
    missing              records without an image: QUALITY ``quality`` (0x80000000), times and statistics MISSING
    quality              records with QUALITY ``quality`` (0x40000000)
    broken-link          records whose link to aia.lev1 leads nowhere
    duplicate            records of which an older version exists
    offline              records whose files lie on tape: no path, and no export
    invalid-unit         records whose storage unit does not exist

``rows`` are positions in the answer, all by default. The last six modes change what the archive holds, for queries
and exports alike, and know no ``calls``. Three effects need no rule: the nearest slot outside a window, the existing
id for a repeated request, and the versions of aia.response.
"""

import fnmatch
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

QUERIES = ("showextseries", "show_series", "series_struct", "rs_summary", "rs_list")
_ALL = (*QUERIES, "exp_request", "exp_status", "exp_su", "checkAddress.sh", "file")
_WITHOUT_SERIES = {"showextseries", "show_series", "exp_su", "checkAddress.sh"}
# Operations that a mode fits, and its own settings with their defaults.
MODES = {
    "html200": (_ALL, {}),
    "empty200": (_ALL, {}),
    "http500": (_ALL, {}),
    "http503": (_ALL, {}),
    "hang": (_ALL, {"seconds": 3600.0}),
    "reset": (_ALL, {"bytes": None}),
    "truncated": (_ALL, {"bytes": None}),
    "corrupt": (("file",), {"bytes": None}),
    "html-as-fits": (("file",), {"status": 200}),
    "404": (("file",), {}),
    "stuck-pending": (("exp_status",), {}),
    "notfound-6": (("exp_status",), {}),
    "fail-4": (("exp_request", "exp_status"), {"text": "Cant save new export-request hash."}),
    "limit-7": (("exp_request",), {"ids": ["JSOC_20210703_001"]}),
    "too-large-3": (("exp_request", "exp_status"), {}),
    "expired-5": (("exp_status",), {}),
    "unregistered": (("checkAddress.sh", "exp_request"), {}),
    "slow-staging": (("exp_request",), {"seconds": 10.0}),
    "status0-nothing": (("exp_status",), {"form": "warning"}),
    "NoDataFile": (("exp_status", "exp_request"), {"rows": None}),
    "NoDataDirectory": (("rs_list",), {"rows": None}),
    "BadSegLink": (("rs_list",), {"rows": None}),
    "InvalidSegName": (("rs_list",), {"rows": None}),
    "invalid-keylink": (("rs_list",), {"rows": None, "keys": ["T_REC", "WAVELNTH"]}),
    "outside-window": (("rs_list",), {"seconds": 12.0}),
    "missing": ((), {"quality": 0x80000000}),
    "quality": ((), {"quality": 0x40000000}),
    "broken-link": ((), {}),
    "duplicate": ((), {}),
    "offline": ((), {}),
    "invalid-unit": ((), {}),
}
_SELECTORS = {"mode", "op", "series", "file", "record", "calls", "each", "probability"}


class FaultsError(Exception):
    """A file of faults cannot be used: the text names the file and the fault, and says what is allowed."""


@dataclass(frozen=True)
class Rule:
    """One entry of the list of faults."""

    name: str
    mode: str
    ops: tuple = ()
    series: str | None = None
    file: str | None = None
    record: str | None = None
    calls: tuple = ()
    each: bool = False
    probability: float | None = None
    settings: dict = field(default_factory=dict)

    def __getitem__(self, setting):
        return self.settings[setting]

    def fits(self, op, series, path, record):
        """Whether a call is one of those that the rule counts."""
        record = record or ""
        if op not in self.ops or not _match(self.series, series):
            return False
        if not _match(self.record, record) and not _match(self.record, record.partition("{")[0]):
            return False
        return self.file is None or _match(self.file, path) or _match(self.file, path.rsplit("/", 1)[-1])

    def strikes(self, number):
        """Whether the n-th counted call is a chosen one."""
        return not self.calls or any(first <= number <= last for first, last in self.calls)


class Faults:
    """The rules of one file, with their counters in the archive's memory.

    Parameters
    ----------
    rules : list of Rule
    seed : int
    """

    def __init__(self, rules=(), seed=0):
        self.rules = [rule for rule in rules if rule.ops]
        self.record_rules = [rule for rule in rules if not rule.ops]
        self.seed = seed

    def choose(self, store, op, series="", path="", record=None, subject=""):
        """The rule that this call is to meet, or None.

        Parameters
        ----------
        store : synthetic_jsoc.holdings.store.Store
        op : str
            The operation, see the module's table.
        series, path, record : str
            What is asked for, as far as it is known.
        subject : str
            What the calls are counted by under ``each``.
        """
        chosen = None
        for rule in self.rules:
            if rule.fits(op, series, path, record):
                number = store.count_call(f"{rule.name} {subject}" if rule.each else rule.name)
                if (
                    chosen is None
                    and rule.strikes(number)
                    and self.drawn(rule, f"{number} {subject if rule.each else ''}")
                ):
                    chosen = rule
        return chosen

    def drawn(self, rule, subject):
        """Whether the rule's probability falls on a subject; the same for the same seed."""
        if rule.probability is None:
            return True
        digest = hashlib.sha256(f"{self.seed} {rule.name} {subject}".encode()).digest()
        return int.from_bytes(digest[:6]) < rule.probability * 2**48

    def of_record(self, name):
        """Rules of the modes on records that a record specification meets."""
        return [
            r
            for r in self.record_rules
            if _match(r.record, name) and _match(r.series, name.partition("[")[0]) and self.drawn(r, name)
        ]


def read_faults(path):
    """Read a file of faults.

    Raises
    ------
    FaultsError
        If the file cannot be read, or holds what no rule has.
    """
    try:
        content = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FaultsError(f"faults file {path} cannot be read: {error}") from None
    if (
        not isinstance(content, dict)
        or not isinstance(content.get("faults"), list)
        or content.keys() - {"seed", "faults"}
    ):
        raise FaultsError(f"faults file {path}: expected a list 'faults' and, if wanted, a number 'seed'")
    seed = content.get("seed", 0)
    if not isinstance(seed, int):
        raise FaultsError(f"faults file {path}: 'seed' is {seed!r}, expected an integer")
    return Faults([_rule(path, number, entry) for number, entry in enumerate(content["faults"], start=1)], seed)


def _rule(path, number, entry):
    where = f"faults file {path}, fault {number}"
    if not isinstance(entry, dict) or str(entry.get("mode")) not in MODES:
        mode = entry.get("mode") if isinstance(entry, dict) else entry
        raise FaultsError(f"{where}: no mode {mode!r}; there are {', '.join(MODES)}")
    mode = str(entry["mode"])
    fitting, settings = MODES[mode]
    if unknown := entry.keys() - _SELECTORS - settings.keys():
        allowed = ", ".join(sorted(_SELECTORS | settings.keys()))
        raise FaultsError(f"{where}: mode {mode} has no '{min(unknown)}'; allowed are {allowed}")
    ops = entry.get("op", fitting)
    ops = (ops,) if isinstance(ops, str) else tuple(ops)
    if wrong := [op for op in ops if op not in fitting]:
        raise FaultsError(
            f"{where}: mode {mode} does not fit op {wrong[0]!r}; it fits {', '.join(fitting) or 'records only'}"
        )
    for selector, needed in (("file", {"file"}), ("record", {"file"}), ("series", {*_ALL} - _WITHOUT_SERIES)):
        if selector in entry and ops and not needed & {*ops}:
            raise FaultsError(f"{where}: {', '.join(ops)} cannot be chosen by '{selector}', which it does not name")
    probability = entry.get("probability")
    if probability is not None and not (isinstance(probability, int | float) and 0 <= probability <= 1):
        raise FaultsError(f"{where}: 'probability' is {probability!r}, expected a number from 0 to 1")
    if not fitting and {"calls", "each", "file"} & entry.keys():
        raise FaultsError(f"{where}: mode {mode} changes records; choose them by 'series', 'record' and 'probability'")
    return Rule(
        name=f"{number} {json.dumps(entry, sort_keys=True)}",
        mode=mode,
        ops=ops,
        series=entry.get("series"),
        file=entry.get("file"),
        record=entry.get("record"),
        calls=_calls(where, entry.get("calls")),
        each=bool(entry.get("each", False)),
        probability=probability,
        settings=settings | {key: entry[key] for key in settings if key in entry},
    )


def _calls(where, value):
    """Ranges (first, last) of call numbers."""
    if value is None:
        return ()
    found = []
    for item in value if isinstance(value, list) else [value]:
        match = re.fullmatch(r"(\d+)(-(\d*))?", str(item))
        if not match or int(match[1]) < 1:
            raise FaultsError(
                f"{where}: 'calls' is {value!r}; write a number, a range like 1-3 or 3-, or a list of them"
            )
        last = int(match[3]) if match[3] else float("inf") if match[2] else int(match[1])
        found.append((int(match[1]), last))
    return tuple(found)


def _match(pattern, text):
    """Match a pattern of the shell in which brackets stand for themselves: record specifications are full of them."""
    return pattern is None or fnmatch.fnmatch(text, pattern.replace("[", "[[]"))
