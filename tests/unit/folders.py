"""Event folders as the workflow leaves them, made up without running it: for tests of what reads them."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from aia_sequence.files import sha256, write_text
from aia_sequence.lists.exports import Delivery, Export, ExportedFile, ExportedRequest, NotExported
from aia_sequence.lists.manifests import FRAME, LEVEL1, LEVEL15
from aia_sequence.lists.records import DESCRIPTION, METADATA, RECORDS

SERIES = "aia.lev1_euv_12s"
CHANNELS = (94, 131, 171, 193, 211, 304, 335)
CORRECTIONS = {
    "pointing": "aia.master_pointing3h[2021-07-03T12:00:00Z]",
    "degradation": "0.625",
    "degradation_note": "extrapolated beyond the last epoch, 2020-06-01",
    "exposure": "0.578715",
}
FATES = ("calibrated", "not calibrated", "quarantined", "not delivered", "not exported", "filtered", "no image")


@dataclass
class EventFolder:
    """A made-up event: which fate each record of a channel has, in blocks of `per_block` slots."""

    folder: Path
    fates: dict[int, list[str]]
    per_block: int = 300
    name: str = "made-up"
    start: str = "2021-07-03T14:24:59Z"
    files: dict[str, list[Path]] = field(default_factory=dict)

    def write(self) -> "EventFolder":
        slots = max(map(len, self.fates.values()))
        times = pd.date_range(self.start, periods=slots, freq="12s")
        for first in range(0, slots, self.per_block):
            self._block(list(times[first : first + self.per_block]), first)
        return self

    def read(self):
        """What `aia_sequence.audit.join.join` takes."""
        from aia_sequence.audit import join

        kinds = {"metadata": METADATA, "records": RECORDS, "level1": LEVEL1, "level15": LEVEL15}
        read = {name: kind.texts(self.files[name]) for name, kind in kinds.items()}
        return {
            "event": self.name,
            "channels": list(self.fates),
            "exports": join.read_exports(self.files["exports"]),
        } | read

    def _block(self, times, first):
        label = f"{times[0]:%Y%m%dT%H%M}"
        rows = [self._row(time, channel) for time in times for channel in CHANNELS]
        for row, fate in zip(rows, self._fates(len(times), first), strict=True):
            row["QUALITY"] = str(0x80000000) if fate == "no image" else "0"
        self._list(METADATA, "metadata", f"metadata/{SERIES}/{label}.csv", rows)
        self._list(DESCRIPTION, "keywords", f"metadata/{SERIES}/{label}.keywords.csv", [])
        for channel in self.fates:
            mine = [
                (row, fate)
                for row, fate in zip(rows, self._fates(len(times), first), strict=True)
                if row["WAVELNTH"] == str(channel)
            ]
            self._channel(label, channel, mine)

    def _fates(self, count, first):
        for slot in range(first, first + count):
            for channel in CHANNELS:
                mine = self.fates.get(channel)
                yield mine[slot] if mine is not None else "other channel"

    @staticmethod
    def _row(time, channel):
        stamp = f"{time:%Y-%m-%dT%H:%M:%SZ}"
        return {
            "recnum": str(channel),
            "T_REC": stamp,
            "T_OBS": f"{time + pd.Timedelta(seconds=2):%Y-%m-%dT%H:%M:%S}.09Z",
            "DATE__OBS": f"{time:%Y-%m-%dT%H:%M:%S}.80Z",
            "WAVELNTH": str(channel),
            "EXPTIME": "0.578715",
            "QUALITY": "0",
            "NSATPIX": "0",
            "DATAMEAN": "132.4",
            "record": f"{SERIES}[{stamp}][{channel}]",
            "image": f"/SUM1/D{channel}/S00000/image_lev1.fits",
        }

    def _channel(self, label, channel, mine):
        dropped = {"filtered": "EXPTIME < 2.0", "no image": "QUALITY bit 31 (no image)"}
        records = [row | {"kept": str(fate not in dropped), "dropped_by": dropped.get(fate, "")} for row, fate in mine]
        self._list(RECORDS, "records", f"records/{channel}/{label}.csv", records)
        span = f"{mine[0][0]['T_REC']}-{mine[-1][0]['T_REC']}"
        text = f"{SERIES}[{span}][? WAVELNTH = {channel} AND QUALITY >= 0 ?]{{image}}"
        self._text("recordsets", f"records/{channel}/{label}.recordset.txt", text + "\n")
        kept = [(row, fate) for row, fate in mine if fate not in dropped]
        request = f"JSOC_{label[:8]}_{channel}"
        delivery = Delivery(
            [ExportedRequest(request, "url", "fits", {}, text, 1, 8)],
            [
                ExportedFile(row["record"], "image", self._name(row), "http://synthetic.invalid/", request)
                for row, fate in kept
                if fate != "not exported"
            ],
            [NotExported(row["record"], "left out by the archive") for row, fate in kept if fate == "not exported"],
        )
        path = self._file_of("exports", f"export/{channel}/{label}.json")
        Export("synthetic", SERIES, channel, label, text, delivery, []).write(path)
        self._level1(label, channel, [(row, fate) for row, fate in kept if fate != "not exported"], request)

    def _level1(self, label, channel, exported, request):
        reasons = {"quarantined": "quarantined: its CHECKSUM is wrong", "not delivered": "HTTP 404 after 5 attempts"}
        level1, level15 = [], []
        for folder in ("level1", "level1.5"):
            (self.folder / folder / str(channel) / label).mkdir(parents=True, exist_ok=True)
        for row, fate in exported:
            name = f"{label}/{self._name(row)}"
            frame = {column.name: row[column.name] for column in FRAME}
            level1.append(frame | self._file(f"level1/{channel}", name, reasons.get(fate, "")) | {"request": request})
            if fate in reasons:
                continue
            name = name.replace("image_lev1", "image_lev1.5")
            reason = "no pointing row" if fate == "not calibrated" else ""
            made = self._file(f"level1.5/{channel}", name, reason) | {"level1_sha256": level1[-1]["sha256"]}
            level15.append(frame | made | ({} if reason else CORRECTIONS))
        self._list(LEVEL1, "level1", f"level1/{channel}/{label}.csv", level1)
        self._list(LEVEL15, "level15", f"level1.5/{channel}/{label}.csv", level15)

    def _file(self, folder, name, reason):
        if reason:
            return {"file": "", "bytes": "", "sha256": "", "reason": reason}
        path = self.folder / folder / name
        cards = [
            "SIMPLE  =                    T",
            "BITPIX  =                    8",
            "NAXIS   =                    2",
            "NAXIS1  =                    0",
            "NAXIS2  =                    0",
            "SYNTH   =                    T",
            "PNT_TSTA= '2021-07-03T12:00:00.000'",
            "PNT_TSTO= '2021-07-03T15:00:00.000'",
            f"COMMENT {name[-60:]}",
            "END",
        ]
        path.write_bytes("".join(card.ljust(80) for card in cards).ljust(2880).encode())
        return {"file": name, "bytes": str(path.stat().st_size), "sha256": sha256(path), "reason": ""}

    @staticmethod
    def _name(row):
        return f"{SERIES}.{row['T_OBS'][:19].replace(':', '')}Z.{row['WAVELNTH']}.image_lev1.fits"

    def _list(self, table, kind, name, rows):
        table.write(self._file_of(kind, name), rows)

    def _text(self, kind, name, text):
        write_text(self._file_of(kind, name), text)

    def _file_of(self, kind, name):
        self.files.setdefault(kind, []).append(self.folder / name)
        return self.folder / name
