"""What a configuration will cost is known from its records alone, and asked of a cluster with a margin."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aia_sequence import instrument
from aia_sequence.lists.records import RECORDS
from aia_sequence.planning import budget, costs


@pytest.fixture
def table(tmp_path):
    """A record table of a block with some kept and some dropped records."""

    def of(channel, block, kept, dropped):
        path = tmp_path / "records" / str(channel) / f"{block}.csv"
        RECORDS.write(path, [{"kept": True}] * kept + [{"kept": False}] * dropped)
        return budget.count(path)

    return of


def test_records_files_and_requests_are_counted(table):
    tables = [table(171, "a", 20, 31), table(171, "b", 0, 5), table(211, "a", 7, 0)]
    work = budget.estimate("flare", {}, tables, 2, most_records=10)
    assert (work.records, work.kept, work.files) == (63, 27, 27)
    assert work.exports == 2 + 0 + 1, "20 records in requests of 10, none for none, one for 7"
    assert work.queries == 4 + 3, "metadata and keywords of two blocks, and the proof of three record sets"
    assert budget.estimate("flare", {}, tables, 2, most_records=None).exports == 0, "direct files are not exported"


def test_a_full_disk_frame_is_8_mb_to_fetch_and_76_mb_on_disk(table):
    work = budget.estimate("flare", {}, [table(171, "a", 1000, 0)], 1, 1000)
    assert work.download_gb == pytest.approx(8.5, rel=0.01)
    assert work.written_gb == pytest.approx(8.5 + 67.15, rel=0.01)


def test_spikes_are_files_too_and_uncertainties_double_what_is_written(table):
    tables = [table(171, "a", 100, 0)]
    plain = budget.estimate("flare", {}, tables, 1, 1000)
    more = budget.estimate("flare", {"calibration": {"respike": True, "uncertainty": True}}, tables, 1, 1000)
    assert more.files == 2 * plain.files
    assert more.written_gb - plain.written_gb == pytest.approx(100 * costs.LEVEL15_BYTES / 1e9)
    assert more.core_hours > plain.core_hours


@pytest.mark.parametrize("region", [{"x": [600, 1000], "y": [100, 400]}, {"width": 400, "height": 300}])
def test_a_cutout_costs_its_share_of_the_disk(table, region):
    tables = [table(171, "a", 1000, 0)]
    full = budget.estimate("flare", {"region": region}, tables, 1, 1000)
    cutout = budget.estimate("flare", {"region": region, "cutout": True}, tables, 1, 1000)
    assert cutout.written_gb / full.written_gb == pytest.approx(400 * 300 / 0.36 / 4096**2, rel=0.1)
    assert (
        cutout.download_gb / cutout.kept > 1.15 * instrument.CUTOUT_BYTES * 400 * 300 / 0.36 / 1e9
    )  # a margin comes along
    assert full.written_gb == budget.estimate("flare", {}, tables, 1, 1000).written_gb


def test_a_cube_costs_what_its_region_has_in_pixels(table):
    """Measured: 834 x 834 derotated pixels of 114 frames with uncertainties take 0.2 GB and half a minute."""
    region = {"follow": [12, -20], "at": "2011-02-15T02:00:00Z", "width": 500, "height": 500}
    options = {"region": region, "cutout": True, "calibration": {"uncertainty": True}}
    without, cubes = (
        budget.estimate("ar", options | more, [table(171, "a", 114, 0)], 1, None)
        for more in ({}, {"cube": "derotated"})
    )
    assert cubes.written_gb - without.written_gb == pytest.approx(0.2, rel=0.25)
    assert (cubes.core_hours - without.core_hours) * 3600 == pytest.approx(31, rel=0.25)


def test_deconvolution_costs_its_iterations_and_compression_saves_its_share(table):
    tables = [table(171, "a", 100, 0)]

    def cost(**calibration):
        return budget.estimate("flare", {"calibration": calibration}, tables, 1, 1000)

    few, many = cost(psf=True, psf_iterations=25), cost(psf=True, psf_iterations=250)
    assert few.core_hours * 3600 == pytest.approx(100 * 12, rel=0.1), "12 s a frame"
    assert many.core_hours == pytest.approx(10 * few.core_hours, rel=0.1)
    level1 = cost().download_gb
    assert (cost(compression="rice").written_gb - level1) / (cost().written_gb - level1) == pytest.approx(0.25)
    assert costs.calibrate_minutes(100, 4, {"psf": True, "psf_iterations": 250}) > 100 * 150 / 4 / 60


def test_the_total_is_the_sum_and_the_last_line(table):
    works = [budget.estimate(name, {}, [table(171, name, kept, 1)], 1, 10) for name, kept in (("a", 5), ("b", 12))]
    rows = list(csv.DictReader(budget.as_csv(works).splitlines()))
    assert [row["event"] for row in rows] == ["a", "b", "total"]
    for name in ("records", "kept", "files", "queries", "exports"):
        assert int(rows[2][name]) == int(rows[0][name]) + int(rows[1][name])
    assert float(rows[2]["written_gb"]) == pytest.approx(
        float(rows[0]["written_gb"]) + float(rows[1]["written_gb"]), abs=2e-3
    )


def test_the_printed_table_has_every_number_and_fits_a_terminal(table):
    works = [budget.estimate("x1.5-2021-07-03", {}, [table(171, "a", 5000, 1)], 1, 10)]
    text = budget.as_csv(works)
    printed = budget.as_text(text).splitlines()
    numbers = text.splitlines()[1].split(",")
    assert [float(cell) for cell in printed[3].split()[1:]] == pytest.approx(list(map(float, numbers[1:])), abs=0.005)
    assert printed[-1].split()[0] == "total"
    assert max(map(len, printed)) <= 80


@given(st.integers(0, 10**5), st.integers(1, 32), st.integers(1, 4), st.booleans())
def test_what_is_asked_of_a_cluster_grows_with_each_attempt_and_never_falls_short(frames, threads, attempt, psf):
    calibration = {"psf": psf}
    minutes = costs.calibrate_minutes(frames, threads, calibration, attempt)
    assert minutes >= frames * costs.frame_seconds(calibration) / threads / 60
    assert costs.calibrate_minutes(frames, threads, calibration, attempt + 1) > minutes
    assert costs.calibrate_mb(threads, calibration, attempt) >= threads * costs.PROCESS_MB
    assert costs.calibrate_mb(threads, calibration, attempt + 1) > costs.calibrate_mb(threads, calibration, attempt)


def test_a_longer_sequence_asks_for_time_but_not_for_memory():
    assert costs.figure_minutes(2000) > costs.figure_minutes(20)
    assert costs.figure_mb(1) < costs.figure_mb(2)
