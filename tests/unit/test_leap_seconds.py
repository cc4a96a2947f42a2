"""The three leap seconds since AIA observes: windows across them run from query to viewer and audit."""

import csv
import json
import re
import runpy
from collections import defaultdict
from types import SimpleNamespace

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from sunpy.map import Map

from aia_sequence.config.cutouts import im_patch
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.settings import load
from aia_sequence.instrument import EUV
from aia_sequence.planning.plan import Plan
from aia_sequence.times import iso

pytestmark = pytest.mark.slow

# T_REC of the frames, of which one lies in the leap second of 2016; the others have T_OBS or DATE-OBS in theirs.
SLOTS = {
    "leap-2016": ["2016-12-31T23:59:48Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:11Z"],
    "leap-2015": ["2015-06-30T23:59:49Z", "2015-07-01T00:00:00Z", "2015-07-01T00:00:12Z"],
    "leap-2012": ["2012-06-30T23:59:50Z", "2012-07-01T00:00:01Z", "2012-07-01T00:00:13Z"],
}
WITHIN = {"leap-2016": ("211", "T_OBS"), "leap-2015": ("171", "T_OBS"), "leap-2012": ("171", "DATE-OBS")}
CHANNEL = {event: channel for event, (channel, _) in WITHIN.items()}
FIGURES = ["sequence.png", "lightcurve.png", "movie.mp4", "viewer.html"]
REGION = {"x": [-60, 60], "y": [-60, 60]}


STAGES = [
    *("query_metadata", "filter_records", "fetch_pointing", "fetch_degradation"),
    *("calibrate_level15", "measure_sequence", "plot_sequence", "render_movie", "build_viewer"),
]


class Event:
    """An event whose stages are run one after the other in this process: Snakemake would start Python for each."""

    def __init__(self, root, folder, entry):
        self.plan = Plan(load({"events": [entry]}))
        ((self.name, self.event),) = self.plan.events.items()
        self.root, self.folder, self.state = root, folder / self.name, folder / "state"
        self.archive = {"archive": "synthetic", "state": self.state, "url": ""}
        self.run = {name: runpy.run_path(str(root / "scripts" / f"{name}.py"))["main"] for name in STAGES}
        self.options = self.event.options["calibration"]
        self.lists = defaultdict(list)

    def script(self, name, **given):
        """Run a script as Snakemake does, with what its rule gives."""
        given = {kind: SimpleNamespace(**values) for kind, values in given.items()}
        rule = SimpleNamespace(log=[self.folder / f"{name}.log"], **given)
        runpy.run_path(str(self.root / "scripts" / f"{name}.py"), {"snakemake": rule}, "__main__")

    def path(self, kind, name):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lists[kind].append(path)
        return path

    def tables(self):
        days = {day for label in self.plan.blocks(self.name, EUV) for day in self.plan.days(self.name, EUV.name, label)}
        paths = {day: self.path("pointing", f"pointing/{day}.ecsv") for day in sorted(days)}
        for day, path in paths.items():
            self.run["fetch_pointing"](**self.archive, day=day, output=path)
        self.run["fetch_degradation"](**self.archive, output=self.path("degradation", "degradation.ecsv"))

    def block(self, label, block):
        table = self.path("metadata", f"metadata/{label}.csv")
        self.run["query_metadata"](
            **self.archive, series=EUV.name, span=[block.start, block.end], extra=[], table=table,
            keywords=self.folder / "keywords.csv",
        )  # fmt: skip
        for channel in self.event.channels:
            self.channel(channel, label, block, table)

    def channel(self, channel, label, block, table):
        wanted = {"where": self.event.options.get("where"), "segments": ["image"]}
        common = {**self.archive, "series": EUV.name, **wanted}
        records = self.path("records", f"records/{channel}/{label}.csv")
        recordset = self.path("recordsets", f"records/{channel}/{label}.recordset.txt")
        export = self.path("exports", f"export/{channel}/{label}.json")
        self.run["filter_records"](
            **common, channel=channel, span=[block.start, block.end], table=table, record_list=None, records=records,
            recordset=recordset,
        )  # fmt: skip
        processing = im_patch(self.event.options["region"], block.cut)
        params = {"archive": "synthetic", "state": self.state, "method": "url", "on_missing": "fail"}
        params |= {"frames": {"series": EUV.name, **wanted, "processing": processing}}
        params |= {"journal": self.folder / "journal" / str(channel) / label, "quarantine": self.folder / "quarantine"}
        resources = {"archive_url": "", "level1_cache": self.folder / "cache", "connections": 1}
        resources |= {"most_records": 100, "patience_s": 60}
        common = {"params": params, "resources": resources, "wildcards": {"channel": channel, "block": label}}
        read = {"records": records, "recordset": recordset, "export": export}
        self.script("request_export", **common, input=read, output={"export": export})
        level1 = self.path("level1", f"level1/{channel}/{label}.csv")
        written = {"frames": level1.with_suffix(""), "manifest": level1}
        self.script("download_level1", **common, input=read, output=written)
        level15 = self.path("level15", f"level1.5/{channel}/{label}.csv")
        self.run["calibrate_level15"](
            level1=level1, pointing=self.lists["pointing"], degradation=self.lists["degradation"][0], errors=None,
            psf=None, folder=level15.with_suffix(""), threads=1, manifest=level15,
            options=self.options | {"region": self.event.options["region"]},
        )  # fmt: skip

    def figures(self, channel):
        def of(kind):
            return [path for path in self.lists[kind] if path.parent.name == str(channel)]

        folder = self.path("figures", f"figures/{channel}/lightcurve.csv").parent
        common = {"event": self.name, "channel": channel, "manifests": of("level15")}
        common |= {"region": self.event.options["region"], "options": FigureOptions.of(self.event.options["figure"])}
        common |= {"lightcurve": folder / "lightcurve.csv", "statistics": folder / "statistics.json"}
        self.run["measure_sequence"](**common, records=of("records"))
        self.run["plot_sequence"](
            **common, png=folder / "sequence.png", pdf=folder / "sequence.pdf", caption=folder / "sequence.txt",
            lightcurve_png=folder / "lightcurve.png", lightcurve_pdf=folder / "lightcurve.pdf",
        )  # fmt: skip
        self.run["render_movie"](**common, mp4=folder / "movie.mp4")
        self.run["build_viewer"](**common, channels=self.event.channels, html=folder / "viewer.html")

    def audit(self):
        about = {"window": [iso(self.event.start), iso(self.event.end)], "channels": self.event.channels}
        about |= {"absent": {}, "remarks": [], "where": self.event.options.get("where")}
        names = ("metadata", "records", "recordsets", "exports", "level1", "level15")
        self.script(
            "write_audit", wildcards={"event": self.name}, params={"event": about},
            input={"record_list": [], **{name: self.lists[name] for name in names}},
            output={"csv": self.folder / "audit.csv", "html": self.folder / "audit.html"},
        )  # fmt: skip


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory):
    """The three events, from query to viewer and audit."""
    folder = tmp_path_factory.mktemp("leap")
    for name, slots in SLOTS.items():
        event = Event(
            root,
            folder,
            {
                "name": name,
                "start": slots[0],
                "end": slots[-1],
                "channels": [int(CHANNEL[name])],
                "cutout": True,
                "region": REGION,
                "figure": {"marks": {"midnight": f"{slots[-1][:10]}T00:00:00Z"}, "dpi": 72},
            },
        )
        event.tables()
        for label, block in event.plan.blocks(name, EUV).items():
            event.block(label, block)
        event.figures(int(CHANNEL[name]))
        event.audit()
    return folder


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("event", SLOTS)
def test_every_slot_is_calibrated_in_one_of_two_blocks_and_12_s_from_the_next(finished, event):
    manifests = sorted((finished / event / "level1.5" / CHANNEL[event]).glob("*.csv"))
    found = [row["T_REC"] for manifest in manifests for row in rows(manifest)]
    assert found == SLOTS[event]
    assert len(manifests) == 2
    assert np.diff(Time([text.rstrip("Z") for text in found]).unix_tai) == pytest.approx(12, abs=1e-3)
    curve = [row["T_REC"] for row in rows(finished / event / "figures" / CHANNEL[event] / "lightcurve.csv")]
    assert curve == found
    for name in FIGURES:
        assert (finished / event / "figures" / CHANNEL[event] / name).stat().st_size > 1000
    audit = rows(finished / event / "audit.csv")
    assert [
        row["T_REC"] for row in audit if row["outcome"] == "calibrated" and row["WAVELNTH"] == CHANNEL[event]
    ] == found
    assert "Å, gap:" not in (finished / event / "audit.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("event", SLOTS)
def test_sunpy_reads_the_time_of_a_frame_in_a_leap_second(finished, event):
    channel, keyword = WITHIN[event]
    maps = Map(sorted((finished / event / "level1.5" / channel).glob("*/*.fits")))
    texts = [m.meta[keyword.lower()] for m in maps]
    assert sum(":60." in text for text in texts) == 1
    for text, m in zip(texts, maps, strict=True):
        seen = m.reference_date if keyword == "T_OBS" else Time(m.meta["date-obs"])
        assert abs(seen - Time(text.rstrip("Z"))) < 1 * u.ms
        assert abs(m.observer_coordinate.obstime - m.reference_date) < 1 * u.ms


@pytest.mark.parametrize("event", SLOTS)
def test_the_pointing_across_a_leap_second_is_that_of_the_frame_and_not_provisional(finished, event):
    frames = sorted((finished / event / "level1.5").glob("*/*/*.fits"))
    assert frames
    for cards in map(fits.getheader, frames):
        assert Time(cards["PNT_TSTA"]) <= Time(cards["T_OBS"].rstrip("Z")) < Time(cards["PNT_TSTO"])
    page = (finished / event / "audit.html").read_text(encoding="utf-8")
    assert "provisional" not in page


@pytest.mark.parametrize("event", SLOTS)
def test_the_viewer_counts_the_seconds_that_passed(finished, event):
    page = (finished / event / "figures" / CHANNEL[event] / "viewer.html").read_text(encoding="utf-8")
    about = json.loads(re.search(r'id="about">(.*?)</script>', page, re.DOTALL)[1])
    texts = Time([frame["time"].rstrip("Z") for frame in about["frames"]])
    expected = (texts - Time("1977-01-01", scale="tai")).sec
    assert [frame["tai"] for frame in about["frames"]] == pytest.approx(expected, abs=1e-3)
    begin, offset = about["leapSteps"][-1]
    midnight = Time(f"{SLOTS[event][-1][:10]}T00:00:00")
    assert begin == pytest.approx((midnight - Time("1977-01-01", scale="tai")).sec)
    assert offset == round((midnight.tai.jd - midnight.utc.jd) * 86400)
    assert about["marks"] == {"midnight": begin}
