"""An event's configuration as used is a configuration again, and means the same."""

import json

import pytest
import yaml

from aia_sequence.config.event import event_config
from aia_sequence.config.settings import load


@pytest.fixture
def config(root):
    return yaml.safe_load((root / "config" / "config.yaml").read_text(encoding="utf-8"))


def test_loaded_again_it_means_the_same(config):
    config["defaults"] = {"where": {"QUALITY": "= 0"}}
    config["events"].append(
        {
            "name": "other",
            "start": "2021-07-03T16:00:00+02:00",
            "end": "2021-07-03T14:10:00.5Z",
            "channels": [4500, 171, 94],
        }
    )
    settings = load(config)
    assert settings.events["other"].channels == (94, 171)
    for name, event in settings.events.items():
        used = event_config(settings, name)
        assert json.loads(json.dumps(used)) == used == yaml.safe_load(yaml.safe_dump(used))
        again = load(used)
        assert (again.archive, again.block) == (settings.archive, settings.block)
        assert again.events == {name: event}


def test_where_files_are_kept_is_no_part_of_it(config):
    config["level1_cache"] = "/home/somebody/cache"
    settings = load(config)
    assert "somebody" not in json.dumps(event_config(settings, "x1.5-2021-07-03"))
