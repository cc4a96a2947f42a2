"""The audit's page says what the table says, to a reader with nothing but a browser."""

import re
from html.parser import HTMLParser

import pytest
from folders import EventFolder

from aia_sequence.audit.account import audit_event
from aia_sequence.lists.audit import AUDIT

FATES = {171: ["calibrated", "quarantined", "no image"] * 2, 211: ["filtered", "calibrated", "not exported"] * 2}


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, and the cells of its tables."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.tables, self.text = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data):
        self.text.append(data)
        if self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data.strip()


def audited(folder, root, fates, **changes):
    event = EventFolder(folder, fates).write()
    table, html = audit_event(
        folder,
        **{
            "event": "made-up",
            "window": ["2021-07-03T14:25:00Z", "2021-07-03T14:26:00Z"],
            "channels": list(fates),
            "absent": {},
            "where": {"EXPTIME": "< 2.0"},
            "remarks": [],
            "metadata": event.files["metadata"],
            "records": event.files["records"],
            "recordsets": event.files["recordsets"],
            "exports": event.files["exports"],
            "level1": event.files["level1"],
            "level15": event.files["level15"],
            "record_list": [],
        }
        | changes,
    )
    AUDIT.write_frame(folder / "audit.csv", table)
    (folder / "audit.html").write_text(html, encoding="utf-8")
    return html


@pytest.fixture
def page(tmp_path, root):
    return Page(audited(tmp_path, root, FATES))


def test_a_channel_that_has_no_slot_in_the_window_is_named(tmp_path, root):
    html = audited(tmp_path, root, FATES, absent={4500: "the series has no slot in the window"})
    assert "<strong>4500 Å, no record:</strong> the series has no slot in the window." in html


def test_where_a_region_stops_following_its_place_is_stated(tmp_path, root):
    sentence = "N23W80 turns behind the limb at 2021-07-04T09:38:12Z; from then on the region stays there"
    html = audited(tmp_path, root, FATES, remarks=[sentence])
    assert f"<strong>region:</strong> {sentence}." in html


def test_counts_add_up_in_both_directions(page):
    head, *rows, total = page.tables[0]
    assert head == ["Outcome", "171 Å", "211 Å", "others", "Sum", "Meaning"]
    numbers = [[int(cell) for cell in row[1:5]] for row in rows]
    assert all(sum(row[:3]) == row[3] for row in numbers)
    assert (
        [int(cell) for cell in total[1:5]] == [sum(column) for column in zip(*numbers, strict=True)] == [6, 6, 30, 42]
    )
    assert {row[0]: int(row[4]) for row in rows} == {
        "calibrated": 4,
        "quarantined": 2,
        "not exported": 2,
        "filtered": 2,
        "no image": 2,
        "other channel": 30,
    }


def test_every_record_of_the_channels_has_a_row_with_its_fate_and_reason(page):
    _, *rows = page.tables[1]
    assert len(rows) == 12
    fates = {channel: [row[5] for row in rows if row[2] == str(channel)] for channel in FATES}
    assert fates == FATES
    assert {row[6] for row in rows if row[5] == "quarantined"} == {"its CHECKSUM is wrong"}
    assert {row[4] for row in rows} == {"nominal", "no image"}
    assert {row[7] for row in rows if row[5] == "calibrated"} == {"0.6250"}


def test_the_page_says_that_the_data_are_synthetic(page):
    text = "".join(page.text)
    assert "Synthetic data: 4 frames of a model, not of the Sun." in text
    assert ("p", {"class": "synthetic"}) in page.elements


def test_the_page_loads_nothing_and_links_nowhere(tmp_path, root):
    text = audited(tmp_path, root, FATES)
    assert not re.search(r"(src\s*=|url\()", text)
    assert re.findall(r"href=\"([^\"]*)", text) == [
        "../index.html",
        "figures/171/viewer.html",
        "figures/211/viewer.html",
        "audit.csv",
    ]
    assert "http" not in text.replace("http://synthetic.invalid", "")


def test_the_page_is_accessible(page):
    tags = [tag for tag, _ in page.elements]
    assert {"main", "h1", "h2", "thead", "tbody"} <= set(tags)
    assert ("html", {"lang": "en"}) in page.elements
    heads = [attrs for tag, attrs in page.elements if tag == "th"]
    assert all(attrs.get("scope") in ("col", "row") for attrs in heads)
    figures = [attrs for tag, attrs in page.elements if attrs.get("role") == "img"]
    assert len(figures) == 2
    assert all("calibrated" in attrs["aria-label"] for attrs in figures)


def test_words_from_outside_cannot_become_markup(tmp_path, root):
    text = audited(tmp_path, root, FATES, where={"EXPTIME": "< 2.0 <script>alert(1)</script>"}, event="a<b")
    assert "<script>alert" not in text
    assert "a&lt;b" in text


def test_a_block_without_any_kept_record_has_an_audit_too(tmp_path, root):
    page = Page(audited(tmp_path, root, {94: ["filtered", "no image"]}))
    assert "0 became level-1.5 frames" in "".join(page.text)


def test_the_same_event_gives_the_same_bytes(tmp_path, root):
    texts = {audited(tmp_path / name, root, FATES) for name in ("one", "two")}
    assert len(texts) == 1
    assert len({(tmp_path / name / "audit.csv").read_bytes() for name in ("one", "two")}) == 1
