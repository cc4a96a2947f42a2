"""A file that cannot be a configuration is refused with its name, the line, and the line itself."""

import contextlib
import os

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence.config.file import Lines, check_file, check_values
from aia_sequence.errors import ConfigError


def refusal(path):
    with pytest.raises(ConfigError) as refused:
        check_file(path)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "line", "said", "shown"),
    [
        ("a:\n  - b: 1\n    c: 2\n   d: 3\n", 4, "the indentation does not fit", "d: 3"),
        ("a:\n  - b: 1\n\tc: 2\n", 3, "a tab; indent with blanks", "c: 2"),
        ("a:\n\tb: 1\n", 2, "a tab; indent with blanks", "b: 1"),
        ("start: 14:25: 00\n", 1, "a text with a colon needs quotes", "start: 14:25: 00"),
        ("a: 1\nb: 'x\nc: 2\n", 2, "a quote or a bracket is not closed", "b: 'x"),
        ("a: 1\nchannels: [171, 211\nc: 2\n", 2, "a quote or a bracket is not closed", "channels: [171, 211"),
        ("a: > 2.0\n", 1, "begins with > or | needs quotes", "a: > 2.0"),
        ("a: @x\n", 1, "put the text in quotes", "a: @x"),
    ],
)
def test_what_is_no_yaml_is_shown_with_its_line(tmp_path, text, line, said, shown):
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    message, below = refusal(path).splitlines()
    assert message.startswith(f"{path}, line {line}: not YAML: ")
    assert said in message
    assert below == f"    {shown}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: 'a' is given a second time; the first is on line 1"),
        ("a: 1\n---\na: 2\n", "line 2: a second document begins"),
        ("- a\n", "a configuration is a mapping"),
        ("[1, 2]", "a configuration is a mapping"),
        ("", "a configuration is a mapping"),
        ("a: *b\n", "line 1: no anchor &b"),
        ("a: !x y\n", "line 1: !x is a tag"),
        ("a: &a [*a]\n", "a value lies within itself"),
        ("a: &a\n  b: {c: *a}\n", "a value lies within itself"),
        ("[" * 200_000, "values lie in more than 50 others"),
        ("- " * 200_000, "values lie in more than 50 others"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9)),
            "more than a million values",
        ),
    ],
)
def test_what_would_be_read_otherwise_than_meant_or_without_end_is_refused(tmp_path, text, said):
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    assert said in refusal(path)
    assert str(path) in refusal(path)


def test_only_a_regular_file_of_text_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes(b"name: caf\xe9\n")
    for name, said in (
        ("none.yaml", "No such file"),
        ("pipe", "a pipe or a device; save it as a file"),
        (".", "it is a folder"),
        ("latin", "not a text file in UTF-8"),
    ):
        assert said in refusal(tmp_path / name)
    assert "a pipe or a device" in refusal("/dev/zero")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])) | st.text("[]{}:-'\"&*ab \n\t#|>!%@,?"))
def test_any_text_is_a_mapping_for_yaml_or_refused_in_a_sentence(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode())
    with contextlib.suppress(ConfigError):
        check_file(path)
        assert isinstance(yaml.safe_load(text), dict)


def test_values_are_a_tree_that_can_be_copied():
    shared = [1, 2]
    check_values({"a": shared, "b": shared})
    shared.append(shared)
    with pytest.raises(ConfigError, match="the configuration: a value lies within itself"):
        check_values({"a": shared})


def test_an_error_is_located_by_the_key_that_it_begins_with(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(
        "block: 1h\ndefaults:\n  where:\n    EXPTIME: 2\nevents:\n  - name: a.b-c\n    start: x\n    regoin: {x: 1}\n",
        encoding="utf-8",
    )
    second.write_text("# site\nblock: 2h\n", encoding="utf-8")
    lines = Lines([first, second, tmp_path / "missing.yaml"])
    for line, place in (
        ("block: '2h' is wrong", (second, 2)),
        ("events[0].start: wrong", (first, 7)),
        ("events[0] (a.b-c): start: wrong", (first, 7)),
        ("events[0] (a.b-c): channels missing; list them", (first, 6)),
        ("events[0]: unknown key 'regoin'; allowed", (first, 8)),
        ("events[0].regoin.x[1]: wrong", (first, 8)),
        ("events[0] (a.b-c): where.EXPTIME: wrong", (first, 4)),
        ("events[3].start: wrong", (first, 5)),
    ):
        assert lines.located(line) == f"{place[0]}, line {place[1]}: {line}"
    for line in ("events.csv, line 3: wrong", "catalogue.from: wrong"):
        assert lines.located(line) == line
