"""The page of a new code app's key on a narrow telephone, in Finnish: read by axe, and gone through by the keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.asked_by_link import asked, calling, ready, with_e_id
from tests.browser.test_staff_pages import complaints, page, sound
from tests.cast import Cast
from tests.provider import Provider
from tests.staff_browser import now
from verification.gate import Granted, Live, attempt

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["complaints", "page"]


def test_an_owner_sees_his_key_once_on_a_narrow_screen(
    live_cast: Cast, live_site: str, provider: Provider, page: Page, complaints: list[str]
) -> None:
    with_e_id(live_cast, now())
    contact = calling(live_cast)
    hers = ready(live_cast, asked(live_cast, contact, "enrol_code_app", {}))
    provider.next(sub="anna")
    page.context.add_cookies([{"name": "call", "value": hers.client.cookies["call"].value, "url": live_site}])
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_site}/c/call/login/bank/")
    page.wait_for_url("**/c/call/done/")
    sound(page)
    origin = Live(contact.public_id, live_cast.agent_aino)
    assert isinstance(attempt("enrol_code_app", origin=origin, parameters={}, at=now()), Granted)
    page.goto(f"{live_site}/c/call/")
    sound(page)
    page.click("text=Yhdistäkää koodisovelluksenne")
    sound(page)
    page.focus("main button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".key")
    sound(page)
    assert page.evaluate("document.querySelector('.qr').naturalWidth") > 0
    page.goto(f"{live_site}/c/call/")
    assert "koodisovelluksenne" not in page.inner_text("main")
    assert not complaints
