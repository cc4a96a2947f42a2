"""The profiles hold options that Snakemake has, each with its reason; network rules stay on the login node."""

import re

import pytest
import yaml
from snakemake.cli import get_argument_parser

RULE = re.compile(r"^rule (\w+):$(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
NETWORK = {"query_metadata", "filter_records", "download_level1"}
ON_NODES = {"calculate_psf", "calibrate_level15", "plot_sequence", "plot_difference", "trace_slit"}


@pytest.fixture(scope="module", params=["default", "slurm"])
def profile(request, root):
    return (root / "profiles" / request.param / "profile.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rules(root):
    texts = [path.read_text(encoding="utf-8") for path in (root / "rules").glob("*.smk")]
    return {name: body for text in texts for name, body in RULE.findall(text)}


def test_every_entry_is_an_option_of_snakemake(profile):
    known = {option.removeprefix("--") for action in get_argument_parser()._actions for option in action.option_strings}
    assert set(yaml.safe_load(profile)) - known == set()


def test_every_entry_says_why(profile):
    paragraphs = [part for part in profile.split("\n\n") if re.search(r"^[a-z]", part, re.MULTILINE)]
    assert [part for part in paragraphs if "#" not in part] == []


def test_a_checkout_alone_repeats_nothing(profile):
    assert "code" not in yaml.safe_load(profile)["rerun-triggers"]


def test_one_block_is_exported_while_another_is_downloaded_and_no_more(profile, rules):
    assert yaml.safe_load(profile)["resources"] == {"jsoc_export": 2}
    assert 'jsoc_export=0 if ARCHIVE == "files" else 1' in rules["download_level1"]


def test_what_speaks_with_the_archive_stays_on_the_login_node_and_the_work_goes_to_nodes(rules):
    fetching = {name for name in rules if name.startswith("fetch_")}
    assert fetching
    assert {name for name in NETWORK | fetching if "localrule: True" not in rules[name]} == set()
    assert {name for name in ON_NODES if "localrule: True" in rules[name]} == set()


def test_the_work_on_nodes_says_what_memory_and_time_it_needs(rules):
    for name in ON_NODES:
        assert "mem_mb=" in rules[name], name
        assert "runtime=" in rules[name], name
