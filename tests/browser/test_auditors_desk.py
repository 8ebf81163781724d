"""The auditor's desk in Chromium, in Finnish, by keyboard alone: search, one contact, one decision, an export."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page

from audit.models import Entry, Export
from tests.browser.test_staff_pages import come_in, complaints, page, sound
from tests.cast import Cast
from tests.staff_browser import now
from tests.test_gate import ask
from verification.interactions import end

__all__ = ["complaints", "page"]  # fixtures
pytestmark = [pytest.mark.browser, pytest.mark.slow]


def follow(page: Page, link: str, until: str) -> None:
    page.focus(link)
    page.keyboard.press("Enter")
    page.wait_for_selector(until)


def test_an_auditor_finds_a_story_reads_why_and_takes_it_out_by_the_keyboard(
    live_cast: Cast, live_site: str, page: Page, complaints: list[str]
) -> None:
    contact = live_cast.call(at=now() - timedelta(minutes=8), claims=live_cast.antti)
    ask("change_address", contact, live_cast.agent_aino)
    end(contact.public_id, at=now())
    come_in(page, live_site, live_cast, "auditor")
    sound(page)
    page.focus("#s-actor")
    page.keyboard.type("agent_aino")
    page.keyboard.press("Enter")
    page.wait_for_selector("tr.mark-refused")
    assert "pyyntö evätty" in page.inner_text("tr.mark-refused")
    sound(page)
    follow(page, "tr.mark-refused td:last-child a", ".timeline")
    assert page.locator(".timeline li.mark-refused").count() == 1
    sound(page)
    follow(page, ".timeline li.mark-refused a.when", ".card pre")
    assert "sama vastaus" in page.inner_text("#content")
    sound(page)
    page.goto(f"{live_site}/admin/audit/entry/")
    follow(page, "a[href$='/exports/']", "#id_purpose")
    sound(page)
    day = now().date()
    for field in ("#id_since", "#id_until"):
        page.fill(field, day.isoformat())
    page.focus("#id_purpose")
    page.keyboard.type("Vuositarkastus")
    page.keyboard.press("Enter")
    page.wait_for_selector("progress", state="attached")
    Export.objects.update(state=Export.State.WRITING, due_at=now() + timedelta(hours=1), done=40, of=100)
    page.wait_for_selector("progress[value='40']")
    sound(page)
    Export.objects.update(state=Export.State.READY, size=70_000, void_at=now() + timedelta(days=7))
    page.wait_for_selector("a[id^=fetch-]")
    assert page.inner_text("#announced") == "valmis"
    sound(page)
    assert not complaints
    assert Entry.objects.filter(kind="audit.contact_read").exists()
