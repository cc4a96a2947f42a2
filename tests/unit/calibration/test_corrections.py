"""What the tables say of frames is what aiapy says of them: of every channel, at any time, at the edges of rows."""

import math
import subprocess
import sys

import numpy as np
import pytest
from aiapy.calibrate import degradation, update_pointing
from aiapy.calibrate.utils import get_correction_table
from astropy import units as u
from astropy.table import vstack
from astropy.time import Time
from level1_frames import freeze_tables, header, pointing_table, tables_of
from sunpy.map.sources import AIAMap

from aia_sequence.calibration import corrections, lookup, tables
from aia_sequence.config.calibration import CalibrationOptions
from aia_sequence.errors import FrameError
from aia_sequence.instrument import CHANNELS
from aia_sequence.times import iso, read_time

# The table ends in 2030, of which nobody knows yet the leap seconds.
pytestmark = pytest.mark.filterwarnings("ignore:ERFA function:erfa.ErfaWarning")
MILLISECOND = 1e-3
ABOUT = {"source": "s", "sha256": "0"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    return freeze_tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def frozen(sources):
    return tables_of(sources)


@pytest.fixture(scope="module")
def response(shared_data):
    """The real table V10, and beside it a version that begins later and states its last rows twice."""
    table = get_correction_table(shared_data / "tables" / "aia_V10_20201119_190000_response_table.txt")
    later = table[np.flatnonzero(table["T_START"] > Time("2011-01-01"))]
    later["VER_NUM"], later["EFF_AREA"] = 11, later["EFF_AREA"] * 1.25
    again = later[-10:]
    again["EFF_AREA"] = again["EFF_AREA"] * 1.1
    both = vstack([table, later, again], metadata_conflicts="silent")
    both.meta |= ABOUT
    return both


def edges(table):
    """Times of a table's edges, and a millisecond to either side of each, as text."""
    texts = {text for name in ("T_START", "T_STOP") for text in table[name].isot}
    return [iso(read_time(text) + step, 3)[:-1] for text in sorted(texts) for step in (-MILLISECOND, 0, MILLISECOND)]


def drawn(first, last, number, seed):
    spread = np.random.default_rng(seed).uniform(read_time(first), read_time(last), number)
    return [iso(tai, 3)[:-1] for tai in spread]


@pytest.mark.parametrize("version", [10, 11])
@pytest.mark.parametrize("channel", CHANNELS)
def test_degradation_is_aiapys_in_every_version_at_any_time(response, channel, version):
    ours = lookup.Degradation(response)
    for text in edges(response) + drawn("2010-03-01", "2031-01-01", 60, channel + version):
        time = Time(text)
        try:
            expected = degradation(channel * u.angstrom, time, correction_table=response, calibration_version=version)
        except ValueError:
            with pytest.raises(FrameError, match="no degradation of"):
                ours.of(channel, text, version)
            continue
        if expected.value[0] > 0:
            assert math.isclose(ours.of(channel, text, version)["factor"], expected.value[0], rel_tol=1e-12), text
        else:
            with pytest.raises(FrameError, match="the degradation of"):
                ours.of(channel, text, version)


@pytest.mark.parametrize("channel", [94, 171, 304, 335])
def test_pointing_is_aiapys_at_any_time(channel):
    table = pointing_table()
    table.meta |= ABOUT
    for name, step in (("X0", 0.5), ("Y0", -0.25), ("IMSCALE", 1e-4), ("INSTROT", 0.01)):
        values = table[f"A_{channel:03d}_{name}"]
        table[f"A_{channel:03d}_{name}"] = values + step * np.arange(3) * values.unit
    ours = lookup.Pointing(table)
    for text in edges(table) + drawn("2021-07-03T08:00:00", "2021-07-03T19:00:00", 40, channel):
        cards = dict(header(), WAVELNTH=channel, T_OBS=f"{text}Z", SAT_ROT=0.0, X0_MP=0.0, Y0_MP=0.0)
        meta = {key.lower(): value for key, value in cards.items() if value is not None}
        try:
            theirs = update_pointing(AIAMap(np.zeros((2, 2)), meta), pointing_table=table).meta
        except IndexError:
            with pytest.raises(FrameError, match="no row of the pointing table"):
                ours.of(channel, f"{text}Z")
            continue
        found = ours.of(channel, f"{text}Z")
        assert [found[name] for name in ("x0", "y0", "scale", "roll")] == [
            theirs[name] for name in ("x0_mp", "y0_mp", "cdelt1", "crota2")
        ], text


@pytest.mark.parametrize("key", ["T_OBS", "DATE-OBS"])
@pytest.mark.parametrize("value", [None, "", "MISSING", "yesterday"])
def test_a_frame_without_a_time_has_no_corrections(frozen, key, value):
    cards = header()
    cards[key] = value
    with pytest.raises(FrameError, match=f"{key} is .* the tables cannot say what holds for the frame"):
        corrections.of_frame(cards, frozen, CalibrationOptions())


@pytest.mark.parametrize("area", [math.nan, 0.0, -0.1])
def test_a_degradation_that_nothing_can_be_divided_by_is_refused(sources, area):
    table = tables.thaw(sources["degradation"])
    table["EFF_AREA"][-1] *= area
    with pytest.raises(FrameError, match=r"the degradation of 211 Å on 2021-07-03T14:27:24\.090 by aia\.response"):
        corrections.of_frame(header(), lookup.Tables.of(degradation=table), CalibrationOptions(pointing=False))


def test_no_table_is_needed_for_what_is_not_asked_for():
    plain = CalibrationOptions(pointing=False, degradation=False)
    assert corrections.of_frame(header(), lookup.Tables(), plain).degradation is None


@pytest.mark.parametrize(
    ("scripts", "absent"),
    [
        ("calibrate_level15", {"aiapy", "sunpy", "pandas", "drms", "scipy.linalg"}),
        ("fetch_degradation, fetch_pointing", {"aiapy", "sunpy"}),
    ],
)
def test_what_a_job_can_do_without_is_not_imported(scripts, absent):
    """It takes longer to import than several frames take; numba would import scipy to see whether it is there."""
    script = (
        "import sys\n"
        f"import {scripts}\n"
        "from aia_sequence.calibration import worker\n"
        "from aia_sequence.config.calibration import CalibrationOptions\n"
        "worker.load_kernels(CalibrationOptions())\n"
        f"assert not {absent} & set(sys.modules), sorted(sys.modules)\n"
        "import scipy.linalg\n"
        "assert scipy.linalg.norm([3.0, 4.0]) == 5.0\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
