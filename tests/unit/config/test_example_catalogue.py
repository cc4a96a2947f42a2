"""The catalogue that is committed: it says where its rows come from, and has the form that `flares` writes."""

import csv
import re

import yaml

from aia_sequence.archive import hek
from aia_sequence.commands.flares import catalogue
from aia_sequence.config.region import parse_location
from aia_sequence.config.settings import load
from aia_sequence.times import iso, read_time


def read(root):
    """Comments above the table, and its rows."""
    lines = (root / "config" / "flares.csv").read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    return comments, list(csv.DictReader(lines[len(comments) :]))


def test_it_says_where_its_rows_come_from_and_what_makes_it_anew(root):
    comments, _ = read(root)
    text = " ".join(line.removeprefix("# ") for line in comments)
    assert "entered by hand" in text
    assert "GOES X-ray event reports" in text
    (command,) = re.findall(r"aia-sequence flares .* --output config/flares\.csv", text)
    assert '--class ">= X1" --from 2011-01-01 --to 2022-01-01' in command


def test_its_rows_are_as_the_command_writes_them(root):
    comments, rows = read(root)
    flares = [
        hek.Flare(
            *(read_time(row[name]) for name in ("start", "peak", "end")),
            row["class"],
            parse_location(row["location"]),
            int(row["noaa"]),
            reporter="",
            comment=row["comment"],
        )
        for row in rows
    ]
    assert len(flares) == 50
    path = root / "config" / "flares.csv"
    assert catalogue(flares, [line.removeprefix("# ") for line in comments]) == path.read_text(encoding="utf-8")
    assert all(flare.start <= flare.peak <= flare.end for flare in flares)
    assert [flare.peak for flare in flares] == sorted({flare.peak for flare in flares})
    assert all(hek.flux(flare.goes) >= hek.flux("X1") for flare in flares)


def test_its_rows_survive_reading(root, monkeypatch):
    monkeypatch.chdir(root)
    events = load(yaml.safe_load((root / "config" / "flares.yaml").read_text(encoding="utf-8"))).events
    _, rows = read(root)
    assert len(events) == len(rows)
    for event, row in zip(events.values(), rows, strict=True):
        assert iso((event.start + event.end) / 2) == iso(read_time(row["peak"]))
        assert event.options["class"] == row["class"]
