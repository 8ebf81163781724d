"""The second person's pages in Chromium: he reads and decides by the keyboard alone, and axe finds nothing grave."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from cases.models import Refund
from tests.browser.test_staff_pages import come_in, complaints, page, sound  # noqa: F401  (fixtures)
from tests.cast import Cast
from tests.staff_browser import now
from tests.test_proposals import proposed

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def focus_on(page: Page, text: str) -> None:  # noqa: F811  (the fixture's name)
    """Press Tab until what bears this text has the focus."""
    for _press in range(40):
        page.keyboard.press("Tab")
        if text in (page.evaluate("document.activeElement.textContent") or ""):
            return
    raise AssertionError(f"the keyboard does not reach {text!r}")


def test_a_supervisor_reads_and_approves_by_the_keyboard_in_finnish(
    live_cast: Cast,
    live_site: str,
    page: Page,  # noqa: F811
    complaints: list[str],  # noqa: F811
) -> None:
    proposed(live_cast, at=now())
    come_in(page, live_site, live_cast, "supervisor")
    focus_on(page, "Päätettävät")
    page.keyboard.press("Enter")
    page.wait_for_selector("#decide")
    sound(page)
    focus_on(page, "Avaa")
    page.keyboard.press("Enter")
    page.wait_for_selector("#decision")
    sound(page)
    assert "500,00" in page.inner_text("main")
    focus_on(page, "Hyväksy ja toteuta")
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist")
    assert "asia on toteutettu" in page.inner_text(".messagelist")
    sound(page)
    assert Refund.objects.get().amount == 50_000
    assert complaints == []
