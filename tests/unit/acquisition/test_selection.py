"""Which records are kept: by conditions on any keyword and by steps, each time proved by the archive's own answer."""

import operator

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_archive import END, SERIES, START, small_archive

from aia_sequence.acquisition.request import FrameRequest
from aia_sequence.acquisition.selection import select_records
from aia_sequence.acquisition.sources import Server
from aia_sequence.archive import metadata
from aia_sequence.config import conditions as filters
from aia_sequence.errors import ConfigError
from aia_sequence.instrument import EUV
from aia_sequence.lists.records import RECORDS
from aia_sequence.slots import slot_number
from aia_sequence.times import read_time

FIRST = slot_number(EUV, read_time(START))


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The archive, which reads record sets its own way."""
    with small_archive(tmp_path_factory.mktemp("state")) as archive:
        yield archive


def select(service, where, steps=None):
    """The channel's records between the worked example's slots, marked; and the record set."""
    extra = filters.extra_keywords(filters.compile_where(where))
    table = service.query(f"{SERIES}[{START}-{END}]", extra, segments=["image"])
    about = {"series": SERIES, "channel": 211, "span": (START, END), "segments": ["image"]}
    return select_records(Server(service), table, **about, where=where, steps=steps)


def slots(marked):
    return [slot_number(EUV, read_time(time)) - FIRST for time in marked.loc[marked["kept"], "T_REC"]]


def brought(service, text):
    """Slots of the records that record sets bring, asked for one by one."""
    found = pd.concat([service.query(line) for line in text.splitlines()])
    return sorted(slot_number(EUV, read_time(time)) - FIRST for time in found["T_REC"])


def test_a_frame_a_minute_is_one_range_with_a_step(service):
    marked, text = select(service, {"QUALITY": "= 0"}, {"length": 5, "phase": FIRST % 5})
    assert slots(marked) == list(range(0, 51, 5)) == brought(service, text)
    assert text == f"{SERIES}[{START}-{END}@60s][211][? QUALITY = 0 ?]{{image}}"
    assert set(marked.loc[~marked["kept"], "dropped_by"]) == {"every 60 s"}


def test_where_the_middle_of_a_step_fails_its_neighbour_stands_in(service):
    marked, text = select(service, {"EXPTIME": "< 2.0"}, {"length": 4, "phase": FIRST % 4})
    passing = [slot_number(EUV, read_time(row.T_REC)) - FIRST for row in marked.itertuples() if row.EXPTIME < 2.0]
    assert 0 < len(passing) < 51
    expected = []
    for middle in range(0, 53, 4):
        near = [slot for slot in passing if -2 <= slot - middle < 2]
        expected += sorted(near, key=lambda slot, middle=middle: (abs(slot - middle), slot))[:1]
    assert slots(marked) == expected == brought(service, text)
    assert any(slot % 4 for slot in expected), "some middles are dropped by the exposure"
    step = {row.T_REC: row.step for row in marked.itertuples() if row.kept}
    assert all(abs(read_time(time) - read_time(middle)) <= 24 for time, middle in step.items())


@pytest.mark.parametrize("steps", [None, {"length": 3, "phase": 1}])
def test_a_keyword_that_is_no_column_of_the_series_selects_records_all_the_same(service, steps):
    everything, _ = select(service, {"DATAMEAN": ">= 0"})
    limit = f"{everything['DATAMEAN'].median():.2f}"
    marked, text = select(service, {"DATAMEAN": f"< {limit}", "QUALITY": "= 0"}, steps)
    kept = marked[marked["kept"]]
    assert 0 < len(kept) < len(marked)
    assert (kept["DATAMEAN"] < float(limit)).all()
    assert slots(marked) == brought(service, text)
    assert "DATAMEAN" not in text


COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
KEYWORDS = ["EXPTIME", "DATAMEAN", "DATAP95", "NSATPIX", "CRLN_OBS", "DSUN_OBS", "AECTYPE"]


@pytest.fixture(scope="module")
def known(service):
    """Every record of the channel with all keywords that conditions are drawn from."""
    extra = filters.extra_keywords(filters.compile_where(dict.fromkeys(KEYWORDS, ">= 0")))
    table = service.query(f"{SERIES}[{START}-{END}][211]", extra)
    return table.sort_values("T_REC", ignore_index=True)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.dictionaries(
        st.sampled_from(KEYWORDS), st.tuples(st.sampled_from(sorted(COMPARED)), st.integers(0, 50)), max_size=3
    ),
    stride=st.integers(1, 12),
)
def test_any_condition_and_step_means_the_same_in_the_table_and_in_the_record_set(service, known, asked, stride):
    """Limits are values that records have; what passes is found here row by row, what is brought by the archive."""
    limits = {name: (compare, known[name][place].item()) for name, (compare, place) in asked.items()}
    where = {name: f"{compare} {limit!r}" for name, (compare, limit) in limits.items()}
    passing = [
        slot_number(EUV, read_time(row["T_REC"])) - FIRST
        for row in known.to_dict("records")
        if all(COMPARED[compare](row[name], limit) for name, (compare, limit) in limits.items())
    ]
    steps = {"length": stride, "phase": FIRST % stride} if stride > 1 else None
    expected = []
    for middle in range(0, 51 + stride, stride):
        near = [slot for slot in passing if -(stride // 2) <= slot - middle < stride - stride // 2]
        expected += sorted(near, key=lambda slot, middle=middle: (abs(slot - middle), slot))[:1]
    marked, text = select(service, where, steps)
    assert slots(marked) == expected
    assert (brought(service, text) if expected else []) == expected


def test_other_keywords_join_the_metadata(service):
    marked, _ = select(service, {"ACS_ECLP": "= NO", "DATAP95": "> 0", "AECTYPE": ">= 0", "CRLN_OBS": "0 .. 360"})
    assert list(marked.columns[-6:-2]) != []
    assert marked["kept"].any()
    assert marked["DATAP95"].dtype == "float64"
    assert set(marked["ACS_ECLP"]) == {"NO"}


def test_exports_ask_for_what_is_kept_and_for_nothing_between(service, tmp_path):
    where = {"EXPTIME": "< 2.0"}
    steps = {"length": 4, "phase": FIRST % 4}
    marked, _ = select(service, where, steps)
    RECORDS.write_frame(tmp_path / "records.csv", marked)
    frames = {"series": SERIES, "where": where, "segments": ["image"], "processing": {}, "steps": steps}
    wanted = FrameRequest.of(tmp_path / "records.csv", frames, "url")
    texts = [text for text, _ in wanted.subsets(wanted.names[2:])]
    assert brought(service, "\n".join(texts)) == slots(marked)[2:]


def test_nothing_kept_is_no_record_set(service):
    marked, text = select(service, {"DATAMEAN": "< -1"})
    assert not marked["kept"].any()
    assert text == ""


def test_a_keyword_that_a_series_lacks_is_named():
    described = pd.DataFrame({"name": ["DATAP95", "NSPIKES"], "type": ["float", "string"]})
    metadata.check_described(described, SERIES, ["DATAP95"])
    with pytest.raises(ConfigError, match=r"where\.DATAP10: aia\.lev1_euv_12s has no keyword DATAP10 in this archive"):
        metadata.check_described(described, SERIES, ["DATAP10"])
    with pytest.raises(ConfigError, match=r"where\.NSPIKES: NSPIKES is of the type string in .*, and not int"):
        metadata.check_described(described, SERIES, ["NSPIKES"])
