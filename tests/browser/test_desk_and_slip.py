"""The desk and the customer's page in Chromium, with everything on them: read by axe, and no wider than the screen."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page

from tests.browser.test_staff_pages import come_in, complaints, page, sound  # noqa: F401 - fixtures
from tests.cast import Cast
from tests.reception import laid, passport
from tests.staff_browser import now
from tests.test_slips import asked
from tests.test_visit_page import link
from verification.evidence import CONFIRMATIONS
from visits import approving, chips, desk, identity, stand_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_desk_with_chip_slip_and_approval(
    live_cast: Cast,
    live_site: str,
    page: Page,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chips, "problem", lambda _: "")  # the stand-in, without the demo's banner
    monkeypatch.setattr(chips, "stand_in_anchors", lambda: [stand_in.country().anchor])
    visit = asked(live_cast, at=now())
    visit.office.chip_reader = chips.STAND_IN
    visit.office.save()
    kalle = live_cast.clerk_kalle
    desk.check_in(visit, by=kalle, at=now())
    come_in(page, live_site, live_cast, "clerk_kalle")
    page.goto(f"{live_site}/admin/visits/visit/desk/{visit.public_id}/")
    page.wait_for_selector("#id_number")
    _look(page, "desk-form")
    zone = passport(live_cast.antti.customer)
    assert identity.compare(visit, laid(zone), confirmed=CONFIRMATIONS, by=kalle, at=now()).matched
    page.reload()
    page.focus("text=Lue siru")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Siru on luettu")
    _look(page, "desk-approval")
    with page.expect_popup() as opened:
        page.click("text=Tulosta lomake")
    opened.value.wait_for_selector("text=Hyväksyn juuri tämän")
    _look(opened.value, "slip")
    customers = page.context.browser.new_context(viewport={"width": 390, "height": 844}, locale="fi").new_page()  # type: ignore[union-attr]
    customers.goto(f"{live_site}{link(visit)}")
    customers.click("button")
    customers.wait_for_selector("text=Hyväksyn tämän")
    _look(customers, "visit-page")
    customers.click("text=Hyväksyn tämän")
    customers.wait_for_selector("text=Olette hyväksynyt tämän")
    assert approving.given(visit, at=now()) is not None


def _look(page: Page, name: str) -> None:  # noqa: F811
    """Hold a page against axe and its width; keep a picture of it where PICTURES names a folder."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
    sound(page)
