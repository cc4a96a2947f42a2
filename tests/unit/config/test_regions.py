"""A region that cannot be seen is refused before the first job, and one that is seen in part is told of."""

import pytest

from aia_sequence.config.event import event_config
from aia_sequence.config.region import out_of_sight
from aia_sequence.config.settings import load
from aia_sequence.errors import ConfigError
from aia_sequence.figures.sequence import place

EVENT = {"name": "flare", "start": "2021-07-03T14:25:00Z", "end": "2021-07-03T14:35:00Z", "channels": [211]}


def loaded(region, **changes):
    return load({"events": [EVENT | {"region": region} | changes]})


def refusal(region, **changes):
    with pytest.raises(ConfigError) as refused:
        loaded(region, **changes)
    return str(refused.value)


def following(place, **changes):
    return {"follow": place, "width": 200, "height": 200} | changes


@pytest.mark.parametrize("cutout", [False, True])
@pytest.mark.parametrize(("region", "text"), [
    ({"x": [2000, 2400], "y": [150, 550]},
     "region.x: [2000, 2400] lies off the detector, which sees -1228.8 to 1228.8 arcsec"),
    ({"x": [0, 10], "y": [-1400, -1228.7]}, "region.y: [-1400, -1228.7] lies off the detector"),
    ({"x": [9, 9.5], "y": [0, 10]}, "region.x: [9, 9.5] is less than a pixel of level 1.5, which has 0.6 arcsec"),
    ({"follow": "N00E00", "width": 0.3, "height": 20}, "region.width: 0.3 is less than a pixel"),
    (following("N14E126"), "region.follow: N14E126 cannot be seen at 2021-07-03T14:25:00Z, it lies"),
    (following("S20W96"), "the west limb; allowed is the visible disc and, for flares at the limb, up to 95 degrees"),
    (following([180, 0]), "it lies 87 degrees behind"),
])  # fmt: skip
def test_what_cannot_be_seen_is_refused_in_a_line(region, text, cutout):
    said = refusal(region, cutout=cutout)
    assert text in said
    assert len(said.splitlines()) == 1
    assert said.startswith("events[0] (flare): ")


def test_a_listed_flare_on_the_far_side_is_refused(tmp_path, monkeypatch):
    """The X2.4 flare of 2014-09-01 was seen from STEREO alone; lists have it with the place beyond the limb."""
    (tmp_path / "flares.csv").write_text(
        "start,peak,end,class,location\n2014-09-01T10:58:00,2014-09-01T11:11:00,2014-09-01T11:40:00,X2.4,N14E126\n"
    )
    monkeypatch.chdir(tmp_path)
    defaults = {"channels": [171], "cutout": True, "region": {"width": 120, "height": 120}}
    config = {"events": "flares.csv", "catalogue": {"from": "peak", "to": "peak"}, "defaults": defaults}
    with pytest.raises(
        ConfigError, match=r"N14E126 cannot be seen at 2014-09-01T11:11:00Z, it lies 3\d degrees behind"
    ):
        load(config)


def test_a_region_written_as_four_numbers_is_refused_with_what_to_write():
    said = refusal([650, 1050, 150, 550])
    assert said.startswith("events[0].region: [650, 1050, 150, 550] is not a mapping; its keys are at, follow, height")
    assert len(said.splitlines()) <= 2


@pytest.mark.parametrize("place", ["N23W80", "S12E90", "N05W91", "S30W95", "N10E95", [-88, -75]])
@pytest.mark.parametrize("cutout", [False, True])
def test_flares_at_the_limb_are_followed(place, cutout):
    settings = loaded(following(place), cutout=cutout)
    assert settings.events["flare"].options["region"]


def test_a_region_that_is_partly_off_the_detector_is_told_of_and_kept():
    settings = loaded({"x": [1000, 1400], "y": [-100, 100]})
    assert settings.warnings == (
        "events[0] (flare): region.x: [1000, 1400] reaches beyond the detector; the region ends with it, "
        "1228.8 arcsec from the disc centre",
    )
    assert not loaded({"x": [-1228.8, 1228.8], "y": [-100, 100]}).warnings


def test_a_place_that_turns_behind_the_limb_within_the_window_is_told_of_everywhere():
    window = {"start": "2021-07-03T14:00:00Z", "end": "2021-07-05T14:00:00Z"}
    settings = loaded(following("N23W80"), **window)
    region = settings.events["flare"].options["region"]
    assert region["until"].startswith("2021-07-04T")
    assert "since" not in region
    (sentence,) = out_of_sight(region)
    assert sentence == f"N23W80 turns behind the limb at {region['until']}; from then on the region stays there"
    assert f"events[0] (flare): region.follow: {sentence}" in settings.warnings
    assert sentence in place(region)
    # As a configuration of its own it makes the same.
    again = load(event_config(settings, "flare"))
    assert again.events == settings.events


def test_a_window_within_which_a_place_stays_in_sight_needs_no_word():
    region = loaded(following("N23W80")).events["flare"].options["region"]
    assert set(region) == {"follow", "at", "width", "height"}
    assert out_of_sight(region) == out_of_sight(None) == out_of_sight({"x": [0, 1], "y": [0, 1]}) == []


@pytest.mark.parametrize("at", ["2021-07-01T00:00:00Z", "2021-07-03T14:30:00Z"])
def test_what_a_cutout_is_asked_for_does_not_depend_on_the_window(at):
    wide = {"start": "2021-07-01T00:00:00Z", "end": "2021-07-08T00:00:00Z"}
    one, other = (
        loaded(following("N23W93", at=at), cutout=True, **window).events["flare"].options["region"]
        for window in ({}, wide)
    )
    assert one == other
