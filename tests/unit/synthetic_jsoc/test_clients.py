"""drms, sunpy and aiapy, as they are, work against the synthetic archive: two environment variables send them there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_archive import SmallModel

from synthetic_jsoc.holdings import frames, store
from synthetic_jsoc.protocol import server

pytestmark = pytest.mark.slow

USER = "someone@home.org"

# The archive's gallery example in its drms form: query, select, query again with conditions, export, download.
DRMS_FORM = """
import json, sys
import drms

client = drms.Client(email=sys.argv[1])
keys = ["EXPTIME", "QUALITY", "T_OBS", "T_REC", "WAVELNTH"]
notes = client.info("aia.lev1_euv_12s").keywords.loc[keys, "note"].tolist()
window = "aia.lev1_euv_12s[2021-07-03T14:25:00Z-2021-07-03T14:35:00Z]"
everything = client.query(window, key=keys)
short = everything[everything.EXPTIME < 2]
selected = short[short.WAVELNTH == 211]
conditions = f"{window}[? EXPTIME<2.0 AND WAVELNTH=211 ?]"
records = client.query(conditions, key=keys)
export = client.export(f"{conditions}{{image}}", method="url", protocol="fits")
export.wait(sleep=0)
files = export.download(sys.argv[2])
same = bool((selected.reset_index(drop=True) == records.reset_index(drop=True)).all().all())
print(json.dumps({
    "notes": notes, "counts": [len(everything), len(short), len(records)], "same": same,
    "quality": str(everything.QUALITY.dtype), "files": sorted(path.name for path in files.download),
    "series": client.series("aia"), "url": export.request_url,
}))
"""

FIDO_FORM = """
import json, sys
import astropy.units as u
import sunpy.map
from astropy.coordinates import SkyCoord
from sunpy.coordinates import Helioprojective
from sunpy.net import Fido, attrs as a

window = a.Time("2021-07-03T14:25:00", "2021-07-03T14:35:00")
series = a.jsoc.Series("aia.lev1_euv_12s")
everything = Fido.search(window, series)
short = Fido.search(window, series, a.jsoc.Keyword("EXPTIME") < 2)
search = Fido.search(
    window, series, a.Wavelength(211 * u.angstrom), a.jsoc.Segment("image"), a.jsoc.Notify(sys.argv[1]),
    a.jsoc.Keyword("EXPTIME") < 2, a.jsoc.Keyword("QUALITY") == 0,
)
files = Fido.fetch(search, path=sys.argv[2], progress=False, sleep=0)
observed = sunpy.map.Map(sorted(files)[0])
sampled = Fido.search(window, series, a.Wavelength(171 * u.angstrom), a.Sample(2 * u.min))
as_is = Fido.search(
    a.Time("2021-07-03T14:27:22", "2021-07-03T14:27:24"), series, a.Wavelength(211 * u.angstrom),
    a.jsoc.Segment("image"), a.jsoc.Notify(sys.argv[1]), a.jsoc.Protocol("as-is"),
)
stored = Fido.fetch(as_is, path=sys.argv[2] + "/as-is", progress=False, sleep=0)
corner = SkyCoord(800 * u.arcsec, 300 * u.arcsec, obstime="2021-07-03T14:25:00", observer="earth",
frame=Helioprojective)
box = a.jsoc.Cutout(corner, width=30 * u.arcsec, height=20 * u.arcsec, tracking=False)
cut = Fido.search(
    a.Time("2021-07-03T14:27:22", "2021-07-03T14:27:24"), series, a.Wavelength(211 * u.angstrom),
    a.jsoc.Segment("image"), a.jsoc.Notify(sys.argv[1]), box,
)
cutouts = Fido.fetch(cut, path=sys.argv[2] + "/cutout", progress=False, sleep=0)
print(json.dumps({
    "counts": [len(everything[0]), len(short[0]), len(search[0])], "t_rec": search[0]["T_REC"].tolist(),
    "files": len(files), "errors": len(files.errors), "instrument": observed.instrument,
    "exposure": observed.exposure_time.value,
    "sampled": sampled[0]["T_REC"].tolist(), "stored": len(stored), "stored_errors": len(stored.errors),
    "cutouts": list(cutouts),
}))
"""

AIAPY = """
import json, sys, warnings
import astropy.units as u
import drms
import numpy as np
import sunpy.map
from aiapy.calibrate import degradation, fetch_spikes, update_pointing
from aiapy.calibrate.utils import get_correction_table, get_pointing_table
from astropy.time import Time

client = drms.Client(email=sys.argv[1])
export = client.export("aia.lev1_euv_12s[2021-07-03T14:27:23Z][211]{image}", method="url", protocol="fits")
export.wait(sleep=0)
(path,) = export.download(sys.argv[2]).download
header = sunpy.map.Map(path).meta
full = sunpy.map.Map(np.zeros((4096, 4096), dtype="int16"), header)
pointing = get_pointing_table("jsoc", time_range=(full.date - 6 * u.h, full.date + 6 * u.h))
correction = get_correction_table("jsoc")
coordinates, values = fetch_spikes(full)
updated = update_pointing(full, pointing_table=pointing)
print(json.dumps({
    "pointing": [len(pointing), pointing["T_START"][0].isot, float(pointing["A_211_X0"][0].value)],
    "versions": sorted(set(map(int, correction["VER_NUM"]))), "units": str(correction["EFF_AREA"].unit),
    "degradation": degradation(211 * u.angstrom, full.date, correction_table=correction).value.item(),
    "spikes": [len(values), header["nspikes"]], "centre": [updated.meta["x0_mp"], updated.meta["crpix1"]],
}))
"""


SUNPYS_OWN_TEST = """
import sys
import drms
import sunpy.map
from sunpy.data.test import get_test_filepath
from sunpy.net.jsoc import JSOCClient
from sunpy.net.jsoc.tests.test_jsoc import test_jsoc_cutout_attrs

drms.ExportRequest.wait.__kwdefaults__["sleep"] = 0  # and not five seconds
test_jsoc_cutout_attrs(JSOCClient(), sys.argv[1], sunpy.map.Map(get_test_filepath("aia_171_level1.fits")))
print("true")
"""


ELSEWHERE = """
import json, urllib.error, urllib.request
try:
    urllib.request.urlopen("http://example.org/")
except urllib.error.HTTPError as error:
    print(json.dumps(error.code))
"""

SCRIPTS = {"drms": DRMS_FORM, "fido": FIDO_FORM, "cutouts": SUNPYS_OWN_TEST, "aiapy": AIAPY, "elsewhere": ELSEWHERE}

# One after the other, as in a notebook: sunpy is imported once.
SESSION = """
import contextlib, io, json, os, sys, traceback

told = {}
for name, script in json.load(sys.stdin).items():
    sys.argv[1:] = [os.environ["CLIENT_EMAIL"], os.path.abspath(name)]
    os.mkdir(name)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(script, name, "exec"), {"__name__": name})
    except Exception:
        told[name] = [None, traceback.format_exc()]
    else:
        told[name] = [json.loads(printed.getvalue().splitlines()[-1]), ""]
json.dump(told, sys.stdout)
"""


class ClientModel(SmallModel):
    """Small frames, but the spikes of the full ones."""

    def write(self, record, segment, path, as_is):
        if segment == "spikes":
            frames.write_fits(record, path, segment=segment, as_is=as_is)
        else:
            super().write(record, segment, path, as_is)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    with server.running(state, model=ClientModel(lambda: 1.7e9), registered=[USER]) as running:
        yield running, state


@pytest.fixture(scope="module")
def session(archive, tmp_path_factory):
    """What scripts print, and their errors, by name: of a process that knows the archive by its environment alone."""
    folder = tmp_path_factory.mktemp("session")
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    # The clients keep settings and font lists in the home folder.
    environment |= dict.fromkeys(("http_proxy", "HTTP_PROXY"), archive[0].url)
    environment |= {"no_proxy": "", "HOME": str(folder), "MPLBACKEND": "agg", "CLIENT_EMAIL": USER}
    done = subprocess.run(
        [sys.executable, "-c", SESSION], input=json.dumps(SCRIPTS), capture_output=True, text=True, env=environment,
        cwd=folder, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def run(session):
    """What a script has printed."""

    def told(name):
        found, error = session[name]
        assert not error, error
        return found

    return told


def test_the_drms_form_of_the_gallery_example_runs_as_it_is(run, archive):
    told = run("drms")
    assert told["counts"] == [357, 101, 20]
    assert told["same"] is True
    assert told["quality"] == "int64"
    assert told["notes"][0].startswith("Exposure duration")
    assert len(told["files"]) == 20
    assert told["files"][0] == "aia.lev1_euv_12s.2021-07-03T142725Z.211.image_lev1.fits"
    assert "aia.response" in told["series"]
    # The client believes that it has spoken to Stanford.
    assert told["url"].startswith("http://jsoc.stanford.edu/SUM")
    assert store.count_exports(archive[1]).total() >= 20


def test_the_fido_form_of_the_gallery_example_runs_as_it_is(run):
    told = run("fido")
    assert told["counts"] == [357, 101, 20]
    assert (told["t_rec"][0], told["t_rec"][-1]) == ("2021-07-03T14:27:23Z", "2021-07-03T14:34:59Z")
    assert (told["files"], told["errors"]) == (20, 0)
    assert told["instrument"].startswith("AIA")
    assert told["exposure"] == pytest.approx(0.578715)
    assert told["sampled"][:2] == ["2021-07-03T14:24:59Z", "2021-07-03T14:26:59Z"]
    assert (told["stored"], told["stored_errors"]) == (1, 0)
    assert [Path(path).name for path in told["cutouts"]] == ["aia.lev1_euv_12s.2021-07-03T142723Z.211.image.fits"]


def test_sunpys_own_test_of_cutouts_passes(run):
    """650 arcsec at 0.59949 arcsec a pixel are 1084.3 pixels: JSOC cuts out 1085, and so does this archive."""
    assert run("cutouts")


def test_the_tables_and_spikes_of_aiapy_come_from_the_archive(run):
    told = run("aiapy")
    assert told["pointing"][:2] == [5, "2021-07-03T09:00:00.000"]
    assert told["pointing"][2] == pytest.approx(2048, abs=60)
    assert told["versions"] == [3, 8, 10]
    assert told["units"] == "cm2"
    assert 0.3 < told["degradation"] < 1
    assert told["spikes"][0] == told["spikes"][1] > 0
    # FITS counts pixels from 1, the pointing table from 0.
    assert told["centre"][1] == pytest.approx(told["centre"][0] + 1)


def test_another_host_is_out_of_reach_through_the_archive(run):
    assert run("elsewhere") == 403
