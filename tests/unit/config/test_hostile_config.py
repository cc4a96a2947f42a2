"""Whatever stands in a configuration or a catalogue: it is accepted, or refused in lines that a person can act upon."""

import contextlib
import copy
import math
import re
from datetime import UTC, date, datetime

import pytest
import yaml
from hostile import TIMES, trial
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aia_sequence.config.schema import properties, resolved, schema
from aia_sequence.config.settings import load
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import series_of
from aia_sequence.planning.plan import Plan
from aia_sequence.times import tai_seconds

NOW = tai_seconds(datetime(2026, 1, 1, tzinfo=UTC))
EVENT = {
    "name": "mine",
    "start": "2021-07-03T14:25:00Z",
    "end": "2021-07-03T14:35:00Z",
    "peak": "2021-07-03T14:29:00Z",
    "class": "X1.5",
    "location": "N23W80",
    "channels": [171, 1600],
    "where": {"EXPTIME": "< 2.0", "QUALITY": ["= 0"]},
    "region": {"follow": [80, 23], "width": 100, "height": 100},
    "cutout": False,
    "calibration": {"psf_iterations": 5},
    "figure": {"marks": {"peak": "2021-07-03T14:29:00Z"}, "percentiles": [1, 99], "limits": [0, 100], "panels": 3},
}
CONFIG = {"block": "1h", "events": [EVENT], "defaults": {"channels": [94]}, "export": {"records": 10}}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**30), math.nan, math.inf, -math.inf, 1e308, 94.0, 0]),
    st.floats(),
    st.text(max_size=20),
    st.text("0123456789.-+:eTZ <>=,;[]()", max_size=12),
    st.sampled_from(["a\n", "x" * 300, "$x_{$", "\x00", "~nobody/x", "9999-12-31T23:59:59Z", "0001-01-01", "٣", ".."]),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.binary(max_size=3),
)
keys = st.sampled_from(sorted({*EVENT, *properties(schema()), *resolved({"$ref": "#/$defs/options"})["properties"]}))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | scalars, inner, max_size=3),
    max_leaves=5,
)


def paths(value, path=()):
    yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in below:
        yield from paths(item, (*path, key))


@st.composite
def mutated(draw):
    """A valid configuration in which something else stands at one or two places, or a key more."""
    config = copy.deepcopy(CONFIG)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(paths(config))[1:]))
        value = config
        for key in path[:-1]:
            value = value[key]
        if isinstance(value[path[-1]], dict) and draw(st.booleans()):
            value[path[-1]][draw(keys)] = draw(values)
        else:
            value[path[-1]] = draw(values)
    return config


@pytest.mark.hostile
@pytest.mark.timeout(0)
@settings(max_examples=500 * TIMES, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
@example(CONFIG | {"events": [EVENT | {"start": datetime(1, 1, 1, tzinfo=UTC)}]})
def test_any_configuration_is_planned_or_refused(config):
    with trial("changed configuration") as attack, refusing(attack):
        plan = Plan(load(config, NOW))
        for name, event in plan.events.items():
            assert all(plan.blocks(name, series_of(channel)) for channel in event.channels)


@pytest.mark.hostile
@pytest.mark.timeout(0)
@settings(max_examples=100 * TIMES)
@given(
    st.lists(st.sampled_from(["name", "start", "end", "peak", "location", "channels", "hgs_x", "x", "where.EXPTIME"])),
    st.lists(
        st.lists(st.text(max_size=8) | st.sampled_from(["2021-07-03T14:25Z", "0", "inf", "9999-12-31T23:59Z", "'\""]))
    ),
    st.sampled_from(",;\t"),
    st.sampled_from(["0s", "99999999d", "5m"]),
)
def test_any_table_is_a_catalogue_or_refused(tmp_path_factory, header, rows, delimiter, padding):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("\n".join(delimiter.join(row) for row in [header, *rows]), encoding="utf-8", errors="replace")
    with trial("changed flare list") as attack, refusing(attack):
        load({"events": str(path), "catalogue": {"before": padding, "after": padding}}, NOW)


@contextlib.contextmanager
def refusing(attack):
    """Take a refusal in words for what it is."""
    try:
        yield
    except ConfigError:
        attack.refuse()


def refusal(config):
    with pytest.raises(ConfigError) as refused:
        load(config, NOW)
    return str(refused.value)


@pytest.mark.parametrize("path", [path for path in paths(CONFIG) if isinstance(path[-1] if path else 0, str | int)])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_wherever_it_stands(path, number):
    config = copy.deepcopy(CONFIG)
    if not path:
        return
    value = config
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = number
    assert f"{number!r} is not a number that can be used" in refusal(config)


@pytest.mark.parametrize("name", ["a\n", "x" * 300, "a\x00", "../a", "-a", "a b", "é", ""])
def test_a_name_is_a_folder_on_every_disk(name):
    assert "events[0].name: " in refusal(CONFIG | {"events": [EVENT | {"name": name}]})


def test_names_that_differ_in_case_alone_would_be_one_folder_on_many_disks():
    said = refusal(CONFIG | {"events": [EVENT, EVENT | {"name": "MINE"}]})
    assert "events[1] (MINE): name: 'MINE' is taken by events[0] (mine)" in said


def test_a_window_of_years_is_refused_with_its_size_and_the_option_that_allows_it():
    config = CONFIG | {"events": [{**EVENT, "start": "2011-07-03", "end": "2021-07-03"}]}
    said = refusal(config)
    # 3,653 days (and three leap seconds) of a slot every 12 s, and of one every 24 s, 8.5 MB each
    slots = 2 + (3653 * 86400 + 3) // 12 + (3653 * 86400 + 3) // 24
    found = re.fullmatch(
        r"events\[0\] \(mine\): end: 2021-07-03T00:00:00Z: the window is 3,653 days long: "
        r"([\d,]+) records in 2 channels, 335,345 GB of level 1, and 100,000 are allowed\. "
        r"If that is meant: max_records: (\d+)",
        said,
    )
    assert found, said
    assert found[1].replace(",", "") == found[2]
    assert abs(int(found[2]) - slots) <= 2
    assert load(config | {"max_records": int(found[2])}, NOW).events


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("events: [{name: off}]", "events[0].name: false is not text; YAML reads off, no, on and yes as"),
        ("events: [{name: 2021}]", 'events[0].name: 2021 is not text; put it in quotes: "2021"'),
        ("events: [{channels: 211}]", "events[0].channels: 211 is not a list; write a list, such as [211]"),
        (
            "events: [{cutout: 'yes'}]",
            "events[0].cutout: 'yes' is not true or false; write true or false, without quotes",
        ),
        ("events: {name: a}", "is not possible; wanted is a list or text. Begin each item with a dash: `- name: …`"),
        ("events: [{regions: 1}]", "events[0]: unknown key 'regions'; did you mean region? Allowed are "),
        (
            "events: [{region: [1, 2, 3, 4]}]",
            "region: [1, 2, 3, 4] is not a mapping; its keys are at, follow",
        ),
        ("events: [{figure: {strech: log}}]", "events[0].figure: unknown key 'strech'; did you mean stretch? Allowed"),
        ("events: [{figure: {stretch: logg}}]", "figure.stretch: 'logg' is not allowed; did you mean log? Allowed are"),
        ("events: [{channels: }]", "events[0].channels: has no value; wanted is a list"),
        ("archive: jsok", "archive: 'jsok' is not allowed; did you mean jsoc? Allowed are synthetic, jsoc"),
        ("export: {records: 0}", "export.records: 0 is out of range; allowed is from 1"),
        ("1: 2", "the key 1 is no text; put it in quotes"),
    ],
)
def test_an_error_says_what_was_found_what_is_allowed_and_what_was_perhaps_meant(text, said):
    config = yaml.safe_load(text)
    assert said in refusal({"events": [EVENT]} | config)


def test_a_keyword_that_is_misspelt_is_named():
    said = refusal(CONFIG | {"events": [EVENT | {"where": {"EXPTME": "< 2"}}]})
    assert "did you mean EXPTIME? Allowed are" in said


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ({"refresh": "true"}, {"refresh": True}),
        ({"export": {"connections": "4"}}, {"export": {"connections": 4}}),
        ({"channels": ["171", "211"]}, {"channels": [171, 211]}),
        ({"channels": [171.0]}, {"channels": [171]}),
        ({"figure": {"panels": "3", "gif": "False"}}, {"figure": {"panels": 3, "gif": False}}),
        ({"figure": {"panels": "all"}}, {"figure": {"panels": "all"}}),
        ({"figure": {"power": "0.3"}}, {"figure": {"power": 0.3}}),
        ({"figure": {"grid": "null"}}, {"figure": {"grid": None}}),
        ({"region": {"x": ["0", "9.5"], "y": ["-1", "1"]}}, {"region": {"x": [0, 9.5], "y": [-1, 1]}}),
    ],
)
def test_text_from_the_command_line_is_the_number_or_boolean_that_it_means(text, same):
    def loaded(options):
        event = {key: EVENT[key] for key in ("name", "start", "end")}
        if options.keys() & {"refresh", "export"}:
            return load({"events": [event | {"channels": [94]}], **options}, NOW)
        return load({"events": [event], "defaults": {"channels": [94], **options}}, NOW)

    assert loaded(text) == loaded(same)


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "flares.csv").write_text("name,start,end\na,2021-07-03T14:25Z,2021-07-03T14:26Z\n", encoding="utf-8")
    loaded = load({"events": "~/flares.csv", "level1_cache": "~/level1", "defaults": {"channels": [171]}}, NOW)
    assert loaded.level1_cache == f"{tmp_path}/level1"
    assert list(loaded.events) == ["a"]
    assert "there is no home folder ~nobody-here" in refusal(CONFIG | {"level1_cache": "~nobody-here/x"})


def test_a_date_that_yaml_reads_is_the_text_that_was_written():
    config = CONFIG | {"events": [EVENT | {"name": date(2021, 7, 3)}]}
    assert list(load(config, NOW).events) == ["2021-07-03"]
