"""The audit accounts for every record that was queried, whatever happened to it."""

from collections import Counter

import pandas as pd
import pytest
from folders import CHANNELS, FATES, EventFolder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aia_sequence.audit import join, remarks
from aia_sequence.errors import AIAError
from aia_sequence.lists.manifests import LEVEL1


def joined(folder):
    lists = folder.read()
    table = join.join(**lists)
    join.check_counts("made-up", table, len(lists["metadata"]))
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
    assert row["degradation"] == "0.625"
    assert row["EXPTIME"] == "0.578715", "digits as the archive printed them"


def test_a_frame_that_came_from_the_cache_after_all_is_calibrated(tmp_path):
    lists = EventFolder(tmp_path, {211: ["calibrated", "calibrated"]}).write().read()
    lists["exports"].loc[0, "reason"] = "the archive exported no file"
    table = join.join(**lists)
    join.check_counts("made-up", table, len(lists["metadata"]))
    assert (table["outcome"] == "calibrated").sum() == 2


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
    with pytest.raises(join.AuditError, match=message) as error:
        join.join(**lists)
    assert "made-up" in str(error.value)
    assert "2021-07-03T14:25:11Z" in str(error.value)


def test_a_frame_that_nobody_asked_for_is_an_error(tmp_path):
    lists = EventFolder(tmp_path, {211: ["calibrated", "filtered"]}).write().read()
    stray = lists["level15"].iloc[:1].assign(record="aia.lev1_euv_12s[2021-07-03T14:25:11Z][211]")
    lists["level15"] = pd.concat([lists["level15"], stray])
    with pytest.raises(join.AuditError, match=r"level 1.5 lists record .*14:25:11Z.*not among what the filter kept"):
        join.join(**lists)


def test_blocks_that_share_a_record_are_an_error(tmp_path):
    folder = EventFolder(tmp_path, {211: ["calibrated"] * 2}).write()
    with pytest.raises(AIAError, match="more than once"):
        LEVEL1.texts(folder.files["level1"] * 2)


def test_a_frame_made_of_a_record_without_image_is_an_error(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated"]}).write())
    table.loc[table["outcome"] == "calibrated", "QUALITY"] = str(0x80000000)
    with pytest.raises(join.AuditError, match="cannot have one"):
        join.check_counts("made-up", table, len(table))


def test_a_committed_record_list_must_be_met_exactly(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated", "filtered", "not exported"]}).write())
    kept = table[table["outcome"].isin(["calibrated", "not exported"])]
    join.check_record_list("made-up", table, kept)
    with pytest.raises(join.AuditError, match=r"the filter kept record .*, although it is not among"):
        join.check_record_list("made-up", table, kept.iloc[:1])
    more = pd.concat([kept, kept.iloc[:1].assign(record="aia.lev1_euv_12s[2021-07-03T15:00:00Z][211]")])
    with pytest.raises(
        join.AuditError, match=r"committed record list holds record .*15:00:00Z.*, which the filter kept nowhere"
    ):
        join.check_record_list("made-up", table, more)


def channel_rows(folder, fates):
    table = joined(EventFolder(folder, {211: fates}).write())
    return table[table["WAVELNTH"] == "211"].reset_index(drop=True)


def test_a_gap_is_told_with_what_lies_in_it(tmp_path):
    fates = ["calibrated"] * 4 + ["quarantined", "filtered"] + ["calibrated"] * 4
    (gap,) = remarks.gaps(channel_rows(tmp_path, fates), 211, 12)
    assert gap.text == (
        "36 s without a frame, 2021-07-03T14:25:35Z to 2021-07-03T14:26:11Z: 1 filtered, 1 quarantined."
    )


def test_a_sequence_that_begins_late_or_ends_early_has_gaps_there(tmp_path):
    fates = ["filtered"] * 3 + ["calibrated"] * 4 + ["not exported"] * 2
    first, last = remarks.gaps(channel_rows(tmp_path, fates), 211, 12)
    assert first.text.startswith(
        "36 s before the first frame, 2021-07-03T14:24:59Z to 2021-07-03T14:25:35Z: 3 filtered"
    )
    assert last.text.startswith("24 s after the last frame")
    assert "2 not exported" in last.text


def test_a_sequence_of_every_other_record_is_regular_and_said_once(tmp_path):
    (note,) = remarks.gaps(channel_rows(tmp_path, ["calibrated", "filtered"] * 5), 211, 12)
    assert note.kind == "cadence"
    assert note.text == "Frames are 24 s apart in the median; the cadence of the series is 12 s."


def test_records_missing_from_the_archive_make_a_gap(tmp_path):
    rows = channel_rows(tmp_path, ["calibrated"] * 10).drop(index=[4, 5])
    (gap,) = remarks.gaps(rows, 211, 12)
    assert "36 s without a frame" in gap.text
    assert "no record in the archive" in gap.text


def test_saturation_is_a_fraction_of_the_full_disk():
    assert remarks.saturated("") == remarks.saturated("0") == ""
    assert remarks.saturated("16777") == "0.1 % saturated (16,777 pixels)"
    assert remarks.saturated("5") == "0.00003 % saturated (5 pixels)"


def about(folder, fates, **columns):
    """Notes on channel 211, with columns of the level-1.5 manifest changed."""
    event = EventFolder(folder, {211: fates}).write()
    table = joined(event)
    table = table.assign(**remarks.read_headers(table, folder)).assign(**columns)
    return {note.kind: note.text for note in remarks.about_channel(table, 211, 12)}


def test_what_was_left_out_is_noted_with_its_reason(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated", "quarantined", "not calibrated", "calibrated"]}).write())
    table = table.assign(**remarks.read_headers(table, tmp_path))
    texts = [note.text for note in remarks.about_channel(table, 211, 12) if note.kind == "left out"]
    assert texts == ["1 record quarantined: its CHECKSUM is wrong.", "1 record not calibrated: no pointing row."]


def test_an_extrapolated_degradation_is_noted_with_its_factor(tmp_path):
    noted = about(tmp_path, ["calibrated"] * 2)
    assert noted["degradation"] == "2 frames of 2: factor 0.625 extrapolated beyond the last epoch, 2020-06-01."


def test_a_degradation_within_the_table_needs_no_note(tmp_path):
    assert "degradation" not in about(tmp_path, ["calibrated"], degradation_note="")


def test_a_provisional_pointing_is_noted(tmp_path):
    assert "pointing" not in about(tmp_path, ["calibrated"])
    noted = about(tmp_path, ["calibrated"], pointing_span=6 * 3600.0)
    assert "provisional record aia.master_pointing3h[2021-07-03T12:00:00Z]" in noted["pointing"]


def test_corrections_that_were_not_made_are_noted(tmp_path):
    noted = about(tmp_path, ["calibrated"] * 3, pointing="")
    assert noted["not corrected"] == "3 frames of 3 with the pointing of their own headers, which no table has updated."


def test_synthetic_data_are_known_from_the_headers(tmp_path):
    table = joined(EventFolder(tmp_path, {211: ["calibrated", "filtered", "calibrated"]}).write())
    headers = remarks.read_headers(table, tmp_path)
    (note,) = remarks.about_synthetic(headers["synthetic"])
    assert note.text == "Synthetic data: 2 frames of a model, not of the Sun."
    assert remarks.about_synthetic(headers["synthetic"] & False) == []


def test_saturated_frames_are_counted_and_the_worst_is_named(tmp_path):
    noted = about(tmp_path, ["calibrated", "calibrated"], NSATPIX="1678")
    assert noted["saturation"] == (
        "2 frames of 2 with saturated pixels; most in 2021-07-03T14:24:59Z: 0.01 % saturated (1,678 pixels)."
    )


def test_steps_name_their_stand_ins_and_those_without_a_record():
    """Of a step, the record in its middle is wanted; another one that stands in is told, and one that is missing."""
    rows = [("10:00:00", "10:00:00", "True"), ("10:00:12", "10:00:00", "False")]
    rows += [("10:01:12", "10:01:00", "True"), ("10:01:00", "10:01:00", "False"), ("10:02:00", "10:02:00", "False")]
    records = pd.DataFrame(rows, columns=["T_REC", "step", "kept"])
    texts = [note.text for note in remarks.about_steps(records, 211)]
    assert texts == [
        "The nearest record that fulfils the conditions stands in for 1 step: 10:01:12 for 10:01:00.",
        "No record fulfils the conditions in 1 step: 10:02:00.",
    ]
    assert remarks.about_steps(records.drop(columns="step"), 211) == []


@pytest.mark.parametrize(
    ("words", "said"), [([0, 0], ""), ([2**30, 0], "1 frame of 2"), ([2**30, 2**30 + 4], "2 frames of 2")]
)
def test_frames_of_near_real_time_are_told_since_their_pointing_is_provisional(words, said):
    """The 200 real headers of 2017 have bit 30 of QUALITY: 0x40000000 and 0x40000004 among them."""
    notes = remarks.about_haste(pd.DataFrame({"QUALITY": list(map(str, words))}), 171)
    assert bool(notes) == bool(said)
    assert all(note.kind == "near real time" and note.text.startswith(said) for note in notes)
