"""An event whose stages run one after the other in this process, for tests of all of them on small cutouts."""

import runpy
from collections import defaultdict
from types import SimpleNamespace

from aia_sequence.config.cutouts import im_patch
from aia_sequence.config.event import event_config
from aia_sequence.config.figure import FigureOptions
from aia_sequence.config.settings import load
from aia_sequence.instrument import EUV
from aia_sequence.planning.plan import Plan
from aia_sequence.times import iso, read_time

STAGES = [
    *("query_metadata", "filter_records", "fetch_pointing", "fetch_degradation", "fetch_errors"),
    *("calibrate_level15", "plot_sequence"),
]


class Files(SimpleNamespace):
    """Files by name, as a rule's outputs are."""

    def items(self):
        return vars(self).items()


class Event:
    """An event whose stages are run one after the other in this process: Snakemake would start Python for each.

    `config` holds what a configuration says besides the event.
    """

    def __init__(self, root, folder, entry, state=None, **config):
        self.plan = Plan(load({"events": [entry], **config}))
        self.settings = self.plan.settings
        ((self.name, self.event),) = self.plan.events.items()
        self.root, self.folder, self.state = root, folder / self.name, state or folder / "state"
        self.logs = self.folder
        self.archive = {"archive": self.settings.archive, "state": self.state, "servers": self.settings.servers}
        own = self.settings.tables if self.settings.tables_name == "own" else ""
        self.tables_of = {
            "archive": self.settings.tables_name,
            "state": self.state,
            "servers": self.settings.servers,
            "own": own,
        }
        self.run = {name: runpy.run_path(str(root / "scripts" / f"{name}.py"))["main"] for name in STAGES}
        self.options = self.event.options["calibration"]
        self.lists = defaultdict(list)

    def script(self, name, **given):
        """Run a script as Snakemake does, with what its rule gives."""
        given = {kind: SimpleNamespace(**value) if isinstance(value, dict) else value for kind, value in given.items()}
        rule = SimpleNamespace(log=[self.logs / f"{name}.log"], **given)
        runpy.run_path(str(self.root / "scripts" / f"{name}.py"), {"snakemake": rule}, "__main__")

    def path(self, kind, name):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lists[kind].append(path)
        return path

    def make(self):
        """Everything, from tables and query to viewer and audit."""
        self.level15()
        for channel in self.event.channels:
            self.figures(channel)
        self.audit()

    def level15(self):
        """Tables, query, filter, level 1 and level 1.5."""
        if self.settings.archive == "files":
            self.state.mkdir(parents=True, exist_ok=True)
            self.script(
                "read_headers", params={"files": self.settings.options["files"], "blocks": []}, threads=2,
                output={"table": self.state / "files.csv"},
            )  # fmt: skip
        self.tables()
        for label, block in self.plan.blocks(self.name, EUV).items():
            self.block(label, block)

    def tables(self):
        days = {day for label in self.plan.blocks(self.name, EUV) for day in self.plan.days(self.name, EUV.name, label)}
        paths = {day: self.path("pointing", f"calibration/pointing/{day}.ecsv") for day in sorted(days)}
        for day, path in paths.items():
            self.run["fetch_pointing"](**self.tables_of, day=day, output=path)
        self.run["fetch_degradation"](**self.tables_of, output=self.path("degradation", "calibration/degradation.ecsv"))
        if self.options["uncertainty"]:
            output = self.path("errors", "calibration/errors.ecsv")
            self.run["fetch_errors"](archive=self.tables_of["archive"], own=self.tables_of["own"], output=output)

    def block(self, label, block, calibrated=True):
        table = self.path("metadata", f"metadata/{label}.csv")
        self.run["query_metadata"](
            **self.archive, series=EUV.name, span=[block.start, block.end], extra=[], table=table,
            keywords=self.folder / "keywords.csv",
        )  # fmt: skip
        for channel in self.event.channels:
            level1 = self.level1(channel, label, block, table)
            if calibrated:
                self.calibrate(channel, label, level1)

    def level1(self, channel, label, block, table):
        """Filter, export and download of a block."""
        wanted = {"where": self.event.options.get("where"), "segments": ["image"]}
        common = {**self.archive, "series": EUV.name, **wanted}
        records = self.path("records", f"records/{channel}/{label}.csv")
        recordset = self.path("recordsets", f"records/{channel}/{label}.recordset.txt")
        export = self.path("exports", f"export/{channel}/{label}.json")
        self.run["filter_records"](
            **common, channel=channel, span=[block.start, block.end], steps=None, table=table, record_list=None,
            records=records, recordset=recordset,
        )  # fmt: skip
        cutout = self.event.options.get("cutout")
        processing = im_patch(self.event.options["region"], read_time(block.cut), 3600) if cutout else {}
        params = {"archive": self.settings.archive, "state": self.state, "method": "url", "on_missing": "fail"}
        params |= {"frames": {"series": EUV.name, **wanted, "processing": processing}}
        params |= {"journal": self.folder / "journal" / str(channel) / label, "quarantine": self.folder / "quarantine"}
        resources = {"servers": self.settings.servers, "level1_cache": self.folder / "cache", "connections": 1}
        resources |= {"most_records": 100, "patience_s": 60}
        common = {"params": params, "resources": resources, "wildcards": {"channel": channel, "block": label}}
        read = {"records": records, "recordset": recordset}
        level1 = self.path("level1", f"level1/{channel}/{label}.csv")
        written = {"export": export, "frames": level1.with_suffix(""), "manifest": level1}
        self.script("download_level1", **common, input=read, output=written)
        return level1

    def calibrate(self, channel, label, level1):
        level15 = self.path("level15", f"level1.5/{channel}/{label}.csv")
        self.run["calibrate_level15"](
            level1=level1, pointing=self.lists["pointing"], degradation=self.lists["degradation"][0],
            errors=next(iter(self.lists["errors"]), None), psf=None, folder=level15.with_suffix(""), threads=1,
            manifest=level15,
            options=self.options | {"region": self.event.options["region"]},
        )  # fmt: skip

    def figures(self, channel):
        def of(kind):
            return [path for path in self.lists[kind] if path.parent.name == str(channel)]

        folder = self.path("figures", f"figures/{channel}/lightcurve.csv").parent
        files = {"lightcurve": "lightcurve.csv", "statistics": "statistics.json", "caption": "sequence.txt"}
        files |= {"png": "sequence.png", "pdf": "sequence.pdf", "mp4": "movie.mp4", "html": "viewer.html"}
        files |= {"lightcurve_png": "lightcurve.png", "lightcurve_pdf": "lightcurve.pdf"}
        self.run["plot_sequence"](
            event=self.name, channel=channel, channels=self.event.channels, manifests=of("level15"),
            records=of("records"), region=self.event.options["region"], threads=1,
            options=FigureOptions.of(self.event.options["figure"]),
            files={kind: folder / name for kind, name in files.items()},
        )  # fmt: skip

    def audit(self):
        about = {"window": [iso(self.event.start), iso(self.event.end)], "channels": self.event.channels}
        about |= {"absent": {}, "remarks": [], "where": self.event.options.get("where")}
        lists = {
            name: self.lists[name] for name in ("metadata", "records", "recordsets", "exports", "level1", "level15")
        }
        files = {"csv": "audit.csv", "html": "audit.html", "crate": "ro-crate-metadata.json", "sums": "SHA256SUMS"}
        files |= {"references": "references.bib", "readme": "README.md"}
        files |= {"config": "workflow/config.yaml", "snakefile": "workflow/Snakefile"}
        written = {kind: self.folder / name for kind, name in files.items()}
        tables = self.lists["pointing"] + self.lists["degradation"]
        made = {**lists, "figures": self.lists["figures"], "audit": [written["csv"], written["html"]]}
        made |= {"cubes": [], "sets": []}
        config = event_config(self.settings, self.name)
        self.script(
            "write_audit", wildcards={"event": self.name}, output=Files(**written),
            params={
                "event": about, "files": {kind: [str(path) for path in paths] for kind, paths in made.items()},
                "tables": [str(path) for path in tables], "config": config,
            },
            input={"record_list": [], "snakefile": self.root / "Snakefile", **lists},
        )  # fmt: skip
