"""The audit accounts for every record that was queried, whatever happened to it."""

from collections import Counter

import pandas as pd
import pytest
from folders import CHANNELS, FATES, EventFolder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aia import audit, notes


def joined(folder):
    lists = folder.read()
    table = audit.join(**lists)
    audit.check_counts("made-up", table, len(lists["metadata"]))
    return table


@st.composite
def mixtures(draw):
    """Fates of the records of one to three channels, in blocks of any length."""
    channels = draw(st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=3, unique=True))
    slots = draw(st.integers(1, 12))
    fates = {channel: draw(st.lists(st.sampled_from(FATES), min_size=slots, max_size=slots)) for channel in channels}
    return fates, draw(st.integers(5, 12))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mixture=mixtures())
def test_counts_add_up_for_any_mixture_of_faults_and_filters(mixture, tmp_path_factory):
    fates, per_block = mixture
    table = joined(EventFolder(tmp_path_factory.mktemp("event"), fates, per_block).write())
    slots = len(next(iter(fates.values())))
    assert len(table) == slots * len(CHANNELS)
    expected = Counter(fate for channel in fates.values() for fate in channel)
    expected["other channel"] = slots * (len(CHANNELS) - len(fates))
    assert Counter(table["outcome"]) == +expected
    for channel, mine in fates.items():
        assert list(table.loc[table["WAVELNTH"] == str(channel), "outcome"]) == mine
    assert ((table["level1.5"] != "") == (table["outcome"] == "calibrated")).all()
    lost = table["outcome"].isin(
        ["not calibrated", "quarantined", "not delivered", "not exported", "filtered", "no image"]
    )
    assert ((table["reason"] != "") == lost).all()


def test_a_calibrated_row_names_its_files_hashes_request_and_factors(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated", "filtered"]}).write())
    row = table[table["outcome"] == "calibrated"].iloc[0]
    assert row["level1"].endswith(".211.image_lev1.fits")
    assert row["level1.5"].endswith(".211.image_lev1.5.fits")
    assert len(row["level1_sha256"]) == len(row["level1.5_sha256"]) == 64
    assert row["request"] == "JSOC_20210703_211"
    assert row["DEGRAD"] == "0.83"
    assert row["EXPTIME"] == "0.578715", "digits as the archive printed them"


def test_quality_is_told_in_words(tmp_path):
    table = joined(EventFolder(tmp_path, {94: ["no image"]}).write())
    assert table.loc[table["WAVELNTH"] == "94", "quality"].item() == "no image"


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("metadata", "the filter lists .* although"),
        ("records", "the queries returned .* the filter lists nowhere"),
        ("exports", "the filter kept .* the exports list nowhere"),
        ("level1", "the filter kept .* level 1 lists nowhere"),
        ("level15", "the filter kept .* level 1.5 lists nowhere"),
    ],
)
def test_a_record_that_vanishes_between_two_stages_is_an_error(tmp_path, stage, message):
    lists = EventFolder(tmp_path, {211: ["calibrated", "calibrated"]}).write().read()
    lists[stage] = lists[stage][lists[stage]["record"] != "aia.lev1_euv_12s[2021-07-03T14:25:11Z][211]"]
    with pytest.raises(audit.AuditError, match=message) as error:
        audit.join(**lists)
    assert "made-up" in str(error.value)
    assert "2021-07-03T14:25:11Z" in str(error.value)


def test_a_frame_that_nobody_asked_for_is_an_error(tmp_path):
    lists = EventFolder(tmp_path, {211: ["calibrated", "filtered"]}).write().read()
    stray = lists["level15"].iloc[:1].assign(record="aia.lev1_euv_12s[2021-07-03T14:25:11Z][211]")
    lists["level15"] = pd.concat([lists["level15"], stray])
    with pytest.raises(audit.AuditError, match=r"level 1.5 lists record .*14:25:11Z.*not among what the filter kept"):
        audit.join(**lists)


def test_blocks_that_share_a_record_are_an_error(tmp_path):
    folder = EventFolder(tmp_path, {211: ["calibrated"] * 2}).write()
    with pytest.raises(audit.AuditError, match="more than once"):
        audit.read_lists(folder.files["level1"] * 2)


def test_a_frame_made_of_a_record_without_image_is_an_error(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated"]}).write())
    table.loc[table["outcome"] == "calibrated", "QUALITY"] = str(0x80000000)
    with pytest.raises(audit.AuditError, match="cannot have one"):
        audit.check_counts("made-up", table, len(table))


def test_a_committed_record_list_must_be_met_exactly(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated", "filtered", "not exported"]}).write())
    kept = table[table["outcome"].isin(["calibrated", "not exported"])]
    audit.check_frozen("made-up", table, kept)
    with pytest.raises(audit.AuditError, match=r"the filter kept record .*, although it is not among"):
        audit.check_frozen("made-up", table, kept.iloc[:1])
    more = pd.concat([kept, kept.iloc[:1].assign(record="aia.lev1_euv_12s[2021-07-03T15:00:00Z][211]")])
    with pytest.raises(
        audit.AuditError, match=r"committed record list holds record .*15:00:00Z.*, which the filter kept nowhere"
    ):
        audit.check_frozen("made-up", table, more)


def test_a_gap_is_told_with_what_lies_in_it(tmp_path):
    fates = ["calibrated"] * 4 + ["quarantined", "filtered"] + ["calibrated"] * 4
    table = joined(EventFolder(tmp_path, {211: fates}).write())
    (gap,) = notes.gaps(table[table["WAVELNTH"] == "211"], 211, 12)
    assert "36 s without a frame, 2021-07-03T14:25:35Z to 2021-07-03T14:26:11Z" in gap.text
    assert "1 filtered, 1 quarantined" in gap.text


def test_a_sequence_of_every_other_record_is_regular_and_said_once(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated", "filtered"] * 5}).write())
    (note,) = notes.gaps(table[table["WAVELNTH"] == "211"], 211, 12)
    assert "24 s apart in the median; the cadence of the series is 12 s" in note.text


def test_records_missing_from_the_archive_make_a_gap(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated"] * 10}).write())
    rows = table[table["WAVELNTH"] == "211"].drop(index=table.index[[39, 46]], errors="ignore")
    (gap,) = notes.gaps(rows, 211, 12)
    assert "36 s without a frame" in gap.text
    assert "no record in the archive" in gap.text


def test_saturation_is_a_fraction_of_the_full_disk():
    assert notes.saturated("") == notes.saturated("0") == ""
    assert notes.saturated("16777") == "0.1 % saturated (16777 pixels)"


def test_what_was_left_out_is_noted_with_its_reason(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated", "not exported", "not calibrated", "calibrated"]}).write())
    texts = [note.text for note in notes.about_channel(table, 211, 12) if note.kind == "left out"]
    assert texts == ["1 record not exported: left out by the archive.", "1 record not calibrated: no pointing row."]


def test_degradation_beyond_the_start_of_the_last_epoch_is_an_extrapolation(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated"] * 2}).write())
    epochs = pd.DataFrame({"WAVE_STR": ["211_THIN"] * 2, "T_START": ["2019-06-01T00:00:00Z", "2020-06-01T00:00:00Z"]})
    (note,) = notes.about_degradation(table, epochs, 211)
    assert "2 frames of 2 lie in the last epoch" in note.text
    assert "2020-06-01" in note.text
    later = epochs.assign(T_START=["2020-06-01T00:00:00Z", "2022-06-01T00:00:00Z"])
    assert notes.about_degradation(table, later, 211) == []
