"""config/README.md describes every option as the schema does."""

import re

import pytest

from aia_sequence.config.docs import options, table, update
from aia_sequence.config.schema import schema
from aia_sequence.instrument import CHANNELS


def test_the_table_of_options_is_the_schemas(root):
    text = (root / "config" / "README.md").read_text(encoding="utf-8")
    assert update(text) == text, "run `make config-docs`"


def test_every_key_of_the_schema_is_in_the_table():
    def keys(part):
        for name, described in part.get("properties", {}).items():
            yield name
            yield from keys(described)

    described = {key.split(".")[-1] for key, _ in options()}
    wanted = set(keys(schema())) | {name for part in schema()["$defs"].values() for name in keys(part)}
    assert wanted <= described


def test_every_option_says_what_it_is_and_what_is_allowed():
    rows = [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in table().splitlines()[2:]]
    assert [row[0] for row in rows if len(row) < 3 or not row[1] or not row[2]] == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("block", '`"1h"`'),
        ("events[].start", "required"),
        ("events[].figure.dpi", "whole number from 72 to 1200"),
        ("export.method", "`url`, `direct`"),
    ],
)
def test_defaults_bounds_and_choices_are_told(key, said):
    (line,) = (line for line in table().splitlines() if line.startswith(f"| `{key}` |"))
    assert said in line


def test_the_channels_that_a_configuration_may_name_are_the_instruments():
    assert schema()["$defs"]["channel"]["enum"] == sorted(CHANNELS)
