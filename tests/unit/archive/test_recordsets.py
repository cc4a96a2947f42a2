"""Record sets that we write select, by the archive's own reading, exactly the records that we mean."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_archive import small_archive

from aia_sequence.archive import recordsets
from aia_sequence.config import conditions as filters
from aia_sequence.errors import ArchiveError
from aia_sequence.instrument import SERIES
from aia_sequence.planning.blocks import Block
from aia_sequence.slots import slot_time
from synthetic_jsoc.protocol import recordset as grammar
from synthetic_jsoc.protocol.conditions import Condition as ArchiveCondition
from synthetic_jsoc.times import parse_time

EUV = SERIES["aia.lev1_euv_12s"]
FIRST = 117033134  # slot of 2021-07-03T14:25:11Z


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The archive, which reads record sets its own way."""
    with small_archive(tmp_path_factory.mktemp("state")) as archive:
        yield archive


@settings(max_examples=25, deadline=None)
@given(first=st.integers(0, 40), length=st.integers(0, 40), channel=st.sampled_from(EUV.channels))
def test_a_block_and_channel_reads_back_to_its_slots(service, first, length, channel):
    block = Block("", EUV, FIRST + first, FIRST + first + length)
    text = recordsets.channel_set(EUV.name, block.start, block.end, channel, ())
    records = service.query(text)
    assert records["WAVELNTH"].eq(channel).all()
    slots = [round(parse_time(time) / EUV.step) for time in records["T_REC"]]
    assert slots == sorted(set(slots))
    assert set(slots) <= set(range(block.first, block.last + 1))
    everything = service.query(recordsets.block_set(EUV.name, block.start, block.end))
    mine = everything[(everything["WAVELNTH"] == channel) & (everything["QUALITY"] < 2**31)]
    assert list(records["record"]) == list(mine["record"])


@settings(max_examples=25, deadline=None)
@given(data=st.data(), most=st.sampled_from([None, 1, 3]))
def test_any_subset_of_the_kept_records_is_asked_for_exactly(service, data, most):
    conditions = filters.compile_where({"EXPTIME": "< 2.0", "QUALITY": "= 0"})
    block = Block("", EUV, FIRST, FIRST + 49)
    kept = list(service.query(recordsets.channel_set(EUV.name, block.start, block.end, 211, conditions))["record"])
    assert len(kept) > 10
    wanted = data.draw(st.lists(st.sampled_from(kept), unique=True))
    found = recordsets.subsets(kept, wanted, conditions, most=most)
    assert sorted(name for _, names in found for name in names) == sorted(wanted)
    for text, names in found:
        assert list(service.query(text)["record"]) == names
        assert len(text) < 2 * recordsets.LONGEST
        assert most is None or len(names) <= most


SINGLE = st.sampled_from([SERIES["aia.lev1"], SERIES["aia.lev1_nrt2"]])
SECOND = round(parse_time("2021-07-03T14:25:00Z"))


@settings(max_examples=15, deadline=None)
@given(series=SINGLE, first=st.integers(0, 60), length=st.integers(0, 90), channel=st.sampled_from(EUV.channels))
def test_a_block_of_single_frames_reads_back_to_its_seconds(service, series, first, length, channel):
    block = Block("", series, SECOND + first, SECOND + first + length)
    everything = service.query(recordsets.block_set(series.name, block.start, block.end))
    assert everything["T_REC"].between(block.start, block.end).all()
    assert set(everything["WAVELNTH"]) <= set(series.channels)
    mine = everything[(everything["WAVELNTH"] == channel) & (everything["QUALITY"] < 2**31)]
    found = service.query(recordsets.channel_set(series.name, block.start, block.end, channel, ()))
    assert list(found["record"]) == list(mine["record"])
    for row in found.itertuples():
        assert row.record == f"{series.name}[{row.T_REC}][{row.FSN}]"
        assert abs(parse_time(row.T_OBS) - parse_time(row.T_REC)) <= 0.5
    assert len(mine) in range(length // 12 - 1, length // 12 + 3)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), series=SINGLE, most=st.sampled_from([None, 1, 3]), stride=st.sampled_from([1, 24]))
def test_any_choice_of_single_frames_is_asked_for_exactly(service, data, series, most, stride):
    conditions = filters.compile_where({"EXPTIME": "< 2.0"})
    block = Block("", series, SECOND, SECOND + 600)
    text = recordsets.channel_set(series.name, block.start, block.end, 211, conditions)
    kept = list(service.query(text)["record"])
    assert len(kept) > 10
    wanted = data.draw(st.lists(st.sampled_from(kept), unique=True))
    found = recordsets.subsets(kept, wanted, conditions, most=most, stride=stride, channel=211)
    assert sorted(name for _, names in found for name in names) == sorted(wanted)
    for text, names in found:
        assert list(service.query(text)["record"]) == names
        assert len(text) < 2 * recordsets.LONGEST
        assert most is None or len(names) <= most


def test_scattered_single_frames_are_one_record_set_of_their_numbers():
    """An export request waits in a queue, so frames of every second minute are not one request each."""
    selected = [recordsets.record_name("aia.lev1", slot_time(EUV, FIRST + n), 100 + 8 * n) for n in range(100)]
    ((text, found),) = recordsets.subsets(selected, selected[:3] + selected[10::10], (), stride=120, channel=211)
    assert found == selected[:3] + selected[10::10]
    assert text == (
        "aia.lev1[2021-07-03T14:26:11Z-2021-07-03T14:44:11Z][100-116,180,260,340,420,500,580,660,740,820]"
        "[? WAVELNTH = 211 AND QUALITY >= 0 ?]{image_lev1}"
    )


@given(
    series=st.sampled_from(sorted(SERIES)),
    second=st.integers(SECOND, SECOND + 10**8),
    number=st.integers(1, 2**31 - 1),
    processed=st.sampled_from(["", "_mod"]),
)
def test_the_name_of_a_record_says_its_prime_keys(series, second, number, processed):
    t_rec = slot_time(SERIES["aia.lev1"], second)
    found = recordsets.parse_record(f"{series}{processed}[{t_rec}][{number}]")
    assert (found.series, found.t_rec, found.number) == (series, t_rec, number)
    row = {"T_REC": t_rec, "WAVELNTH": "7", "FSN": "7"} | {SERIES[series].primekeys[1]: str(number)}
    assert recordsets.record_of(series, row) == found.name


@settings(max_examples=25, deadline=None)
@given(data=st.data(), stride=st.integers(2, 9), most=st.sampled_from([None, 2]))
def test_any_choice_of_the_selected_records_is_asked_for_exactly_whatever_the_steps(service, data, stride, most):
    conditions = filters.compile_where({"QUALITY": "= 0"})
    block = Block("", EUV, FIRST, FIRST + 49)
    selected = list(service.query(recordsets.channel_set(EUV.name, block.start, block.end, 211, conditions))["record"])
    regular = selected[data.draw(st.integers(0, stride)) :: stride]
    wanted = {*regular[:-1], *data.draw(st.lists(st.sampled_from(selected), max_size=3))}
    found = recordsets.subsets(selected, wanted, conditions, most=most, stride=stride)
    assert sorted(name for _, names in found for name in names) == sorted(wanted)
    for text, names in found:
        assert list(service.query(text)["record"]) == names
        assert most is None or len(names) <= most


def test_regular_steps_are_one_range_with_its_step():
    selected = [recordsets.record_name(EUV.name, slot_time(EUV, FIRST + n), 211) for n in range(20)]
    ((text, found),) = recordsets.subsets(selected, selected[::5], (), stride=5)
    assert found == selected[::5]
    assert text == "aia.lev1_euv_12s[2021-07-03T14:26:11Z-2021-07-03T14:29:11Z@60s][211][? QUALITY >= 0 ?]{image}"


def test_neighbours_are_one_range_whatever_the_conditions_drop_between_them():
    conditions = filters.compile_where({"EXPTIME": "< 2.0", "QUALITY": "= 0"})
    kept = [recordsets.record_name(EUV.name, f"2021-07-03T14:2{n}:00Z", 211) for n in range(5)]
    ((text, names),) = recordsets.subsets(kept, kept[1:4], conditions)
    assert names == kept[1:4]
    assert text == (
        "aia.lev1_euv_12s[2021-07-03T14:21:00Z-2021-07-03T14:23:00Z][211][? EXPTIME < 2.0 AND QUALITY = 0 ?]{image}"
    )


def test_times_always_carry_their_zone():
    text = recordsets.channel_set(EUV.name, "2021-07-03T14:24:59Z", "2021-07-03T14:34:59Z", 171, ())
    (one,) = grammar.parse(text)
    assert "2021-07-03T14:24:59Z-2021-07-03T14:34:59Z" in text
    assert one.segments == ["image"] or one.segments == ("image",)


@pytest.mark.parametrize(
    ("text", "name", "segment"),
    [
        ("aia.lev1_euv_12s[2021-07-03T14:24:59Z][193]", "aia.lev1_euv_12s[2021-07-03T14:24:59Z][193]", ""),
        ("aia.lev1_euv_12s[2021-07-03T14:24:59Z][193]{image}", "aia.lev1_euv_12s[2021-07-03T14:24:59Z][193]", "image"),
        ("aia.lev1_uv_24s_mod[2021-07-03T14:24:59Z][1600][77]", "aia.lev1_uv_24s[2021-07-03T14:24:59Z][1600]", ""),
    ],
)
def test_a_record_is_named_the_same_however_the_archive_spells_it(text, name, segment):
    record = recordsets.parse_record(text)
    assert (record.name, record.segment) == (name, segment)


@pytest.mark.parametrize("text", ["", "warning=No FITS files were exported.", "movie of the following data", "a[b]"])
def test_what_names_no_record_is_refused(text):
    with pytest.raises(ArchiveError, match="is not of the form"):
        recordsets.parse_record(text)


def test_the_archive_tests_conditions_of_ours_on_its_own_columns():
    condition = ArchiveCondition([filters.drms_text(())], {"QUALITY": "int"})
    assert condition.passing([{"QUALITY": 0}, {"QUALITY": 0x80000000}]) == [{"QUALITY": 0}]
