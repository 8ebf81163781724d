"""The warning before a session ends, in Chromium: said in time, answered with one key, and the way back after it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from audit.models import Entry
from contactcentre import session_limit
from tests.browser.test_staff_pages import come_in, complaints, page, sound
from tests.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["complaints", "page"]


def test_the_end_of_a_session_is_warned_of_put_off_and_explained(
    live_cast: Cast, live_site: str, page: Page, complaints: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_limit, "WARN_SECONDS", 118)
    settings.SESSION_COOKIE_AGE = 120
    come_in(page, live_site, live_cast, "agent_aino")
    page.wait_for_selector("#session-warning:not([hidden])", timeout=20_000)
    assert "kirjataan ulos 2 min kuluttua" in page.inner_text(".session-announced[aria-live=polite] p")
    sound(page)
    page.focus("#session-warning button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#session-warning", state="hidden")
    settings.SESSION_COOKIE_AGE = 1
    page.wait_for_url("**/admin/login/?next=/admin/cases/queue/", timeout=20_000)
    assert "viiteentoista minuuttiin" in page.inner_text("main")
    sound(page)
    assert Entry.objects.filter(kind="staff.session_ended").count() == 1
    assert not complaints
