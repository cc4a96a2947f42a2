"""The audit's page as a person reads it: filtered by outcome, sorted by column, narrow or wide."""

import pytest
from test_auditpage import FATES, audited


@pytest.fixture
def page(opened, tmp_path, root):
    audited(tmp_path, root, FATES)
    return opened(tmp_path / "audit.html")


def shown(page, column):
    """Text of a column in the rows that are not hidden."""
    rows = page.locator("#records tbody tr:not([hidden])")
    return rows.locator(f"td:nth-child({column}), th:nth-child({column})").all_text_contents()


def test_an_outcome_is_chosen_and_its_records_alone_are_shown(page):
    assert len(shown(page, 1)) == 12
    page.select_option("#outcome", "quarantined")
    assert shown(page, 6) == ["quarantined"] * 2
    assert page.locator("#shown").inner_text() == "2 of 12 records shown"
    page.select_option("#outcome", "")
    assert len(shown(page, 1)) == 12


def test_a_column_is_sorted_both_ways_by_the_keyboard(page):
    button = page.get_by_role("button", name="T_REC")
    button.focus()
    page.keyboard.press("Enter")
    up = shown(page, 1)
    assert up == sorted(up)
    page.keyboard.press("Enter")
    assert shown(page, 1) == sorted(up, reverse=True)
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"


def test_a_narrow_window_needs_no_sideways_scrolling(page):
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
