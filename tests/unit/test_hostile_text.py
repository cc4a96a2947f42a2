"""Text from outside stays text: in spreadsheets, in the viewer's page, in a bibliography. Its digits are ASCII's."""

import ast
import csv
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from folders import EventFolder
from hypothesis import given
from hypothesis import strategies as st
from test_auditpage import audited

from aia_sequence import software
from aia_sequence.config import conditions
from aia_sequence.errors import ConfigError
from aia_sequence.figures import viewer
from aia_sequence.files import FORMULA, inert, write_csv
from aia_sequence.lists.table import Column, Table
from aia_sequence.provenance import citations, crate

FORMULAS = st.tuples(st.sampled_from(FORMULA), st.text(max_size=20)).map("".join)
ANY = st.text(st.characters(exclude_categories=["Cs"]))


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


@given(FORMULAS | ANY)
def test_no_cell_begins_a_formula_and_what_it_says_can_still_be_read(text):
    cell = inert(text)
    assert not cell.startswith(FORMULA) or is_number(cell)
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert inert(cell) == cell


@given(st.floats() | st.integers())
def test_numbers_are_not_changed_negative_ones_neither(number):
    assert inert(number) is number
    assert inert(str(number)) == str(number)
    assert inert(f"{number:+}") == f"{number:+}"


REMARKS = Table("list of remarks", (Column("note"), Column("value", float)))
HOSTILE = ['=HYPERLINK("http://x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("write", ["rows", "table"])
def test_tables_are_written_without_formulas(tmp_path, write):
    path, numbers = tmp_path / "table.csv", [-1, -0.5, 3, -1e-30, 2, 0]
    if write == "rows":
        write_csv(path, ["note", "value"], zip(HOSTILE, numbers, strict=True))
    else:
        REMARKS.write_frame(path, pd.DataFrame({"note": HOSTILE, "value": numbers}))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["note"] for row in rows] == [f"'{text}" for text in HOSTILE]
    assert [float(row["value"]) for row in rows] == numbers


@pytest.mark.parametrize("reason", HOSTILE[:4])
def test_the_audit_is_written_without_formulas(tmp_path, root, monkeypatch, reason):
    """The reason is the archive's own, in a list that somebody else's version of the workflow may have written."""
    make = EventFolder._level1

    def hostile(self, label, channel, exported, request):
        make(self, label, channel, exported, request)
        path = self.folder / f"level1/{channel}/{label}.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.loc[table["reason"] != "", "reason"] = reason
        table.to_csv(path, index=False)

    monkeypatch.setattr(EventFolder, "_level1", hostile)
    audited(tmp_path, root, {211: ["calibrated", "not delivered"]})
    with (tmp_path / "audit.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert f"'{reason}" in cells
    assert not [cell for cell in cells if cell.startswith(FORMULA) and not is_number(cell)]


@given(ANY | st.sampled_from(["<!--<script", "</script>", "<!--", "]]>", "\u2028"]))
def test_no_text_begins_or_ends_an_element_of_the_viewers_page(text):
    line = viewer._json("about", {"x": text})
    found = re.fullmatch(r'<script type="application/json" id="about">([^<]*)</script>\n', line)
    assert json.loads(found[1]) == {"x": text}


@given(
    path=ANY, source=ANY | st.sampled_from(["}", "{", "},\n@misc{x", "\\input{/etc/passwd}", "\\write18{ls}", "a\nb"])
)
def test_an_entry_of_the_bibliography_stays_one(path, source):
    table = crate.Table(path, source, "0" * 64, "1" * 64)
    text = citations.references(versions={}, tables=[table], workflow=software.Workflow("w", "1", "", None, "0"))
    entry = text[text.index("@misc{table:") :].split("\n\n")[0]
    assert len(entry.splitlines()) == 4
    assert entry.count("@") == 1
    assert len(re.findall(r"[{}]", entry)) == 6, "braces of the entry and of its fields alone"
    assert not re.search(r"\\(?!text(?:backslash|brace(?:left|right)|ascii(?:tilde|circum)) |char64 |[_&%#$])", entry)


CLASSES = re.compile(r"\\[dw]", re.IGNORECASE | re.ASCII)
LIBRARY = sorted((Path(__file__).parents[2] / "scripts" / "aia_sequence").glob("**/*.py"))


def patterns(path):
    """Patterns of a module, with what their call says besides."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(getattr(node.func, "value", None), "id", "") == "re" and node.args:
            parts = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
            yield "".join(map(str, parts)), ast.unparse(node)


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_a_pattern_knows_the_digits_of_one_script_and_the_end_of_a_text(path):
    r"""Python's \d takes ٣, which is no number for anybody else, and its $ stands before a newline, too."""
    for pattern, call in patterns(path):
        assert "re.ASCII" in call or not CLASSES.search(pattern), call
        assert "re.MULTILINE" in call or not re.search(r"(?<!\\)\$(?![^\[]*\])", pattern), call


def test_patterns_are_found():
    assert sum(len(list(patterns(path))) for path in LIBRARY) > 50
    assert [text for text, _ in patterns(LIBRARY[0].parent / "config" / "conditions.py") if CLASSES.search(text)]


@pytest.mark.parametrize(
    "where",
    [{"EXPTIME": "< ٢"}, {"EXPTIME": "1 .. ٢"}, {"WAVELNTH": "= ٩٤"}, {"QUALITY": "ignore bits ٢"}, {"FSN": "in 1, ٢"}],
    ids=str,
)
def test_a_condition_has_the_digits_that_the_archive_knows(where):
    with pytest.raises(ConfigError, match=f"where.{next(iter(where))}: .*٢|٩٤"):
        conditions.compile_where(where)
