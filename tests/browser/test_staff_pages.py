"""The staff's pages in Chromium: by the keyboard alone, under the strict policy, and read by axe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from playwright.sync_api import Page, sync_playwright

from tests.cast import PASSWORD, Cast
from tests.chromium import program
from tests.staff_browser import now
from verification.interactions import open_call, wait

pytestmark = [pytest.mark.browser, pytest.mark.slow]
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(complaints: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the driver's loop runs in this thread, beside our queries
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program(), args=[*QUIET])
        opened = browser.new_context(viewport={"width": 1280, "height": 900}, locale="fi").new_page()
        opened.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        connection.close()  # what this thread opens beside the driver's loop is not the next test's database
        yield opened
        connection.close()
        browser.close()


def come_in(page: Page, site: str, cast: Cast, who: str) -> None:
    """Log in without touching the mouse."""
    page.goto(f"{site}/admin/")
    page.wait_for_selector("#id_username:focus")
    page.keyboard.type(who)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_token:focus")
    page.keyboard.type(cast.staff_code(who))
    page.keyboard.press("Enter")
    page.wait_for_selector(".rooms")


def sound(page: Page) -> None:
    """Hold a page against axe: nothing serious, and no sideways scrolling at 1280 px."""
    found = Axe().run(page).response["violations"]
    grave = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found if each["impact"] != "minor"]
    assert not grave
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_agent_takes_a_call_and_reads_a_refusal_aloud_by_the_keyboard(
    live_cast: Cast, live_site: str, page: Page, complaints: list[str]
) -> None:
    contact = open_call(live_cast.organisation, line="+358501112233", language="fi", at=now())
    wait(contact.public_id, keypad="SKIPPED", at=now())
    come_in(page, live_site, live_cast, "agent_aino")
    sound(page)
    page.focus(f"#take-{contact.public_id}")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-pulse]", state="attached")
    sound(page)
    page.focus(f"a[href$='{contact.public_id}/do/change_address/']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_street")
    sound(page)
    page.focus("#id_street")
    for text in ("Uusikatu 5", "00100", "Helsinki"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".say")
    assert "Teidän asianne pidetään turvassa" in page.inner_text(".say")
    sound(page)
    assert not complaints


def test_the_queue_refreshes_itself_and_leaves_the_focus_where_it_was(
    live_cast: Cast, live_site: str, page: Page, complaints: list[str]
) -> None:
    def ring() -> Any:
        opened = open_call(live_cast.organisation, line="", language="sv", at=now())
        wait(opened.public_id, keypad="WRONG", at=now())
        return opened

    first = ring()
    come_in(page, live_site, live_cast, "agent_aino")
    page.focus(f"#take-{first.public_id}")
    second = ring()
    page.wait_for_selector(f"#take-{second.public_id}", timeout=15_000)
    assert page.evaluate("document.activeElement.id") == f"take-{first.public_id}"
    assert page.inner_text("#announced") == "2 yhteydenottoa odottaa."
    assert not complaints


WIDTH = "document.documentElement.scrollWidth"
HEIGHT = "document.querySelector('#header').offsetHeight"


@pytest.mark.parametrize("who", ["clerk_kalle", "supervisor", "auditor", "administrator"])
def test_every_room_of_the_others_is_sound_and_no_wider_than_the_screen(
    live_cast: Cast, live_site: str, page: Page, complaints: list[str], who: str
) -> None:
    live_cast.desk(at=now(), claims=live_cast.antti)  # so that the lists have rows
    come_in(page, live_site, live_cast, who)
    for address in page.eval_on_selector_all(".rooms a", "links => links.map(link => link.href)"):
        page.goto(address)
        assert page.locator("h1").count() >= 1
        assert page.evaluate(WIDTH) == 1280, address
        assert page.evaluate(HEIGHT) < (70 if who == "clerk_kalle" else 100), "one line for who has somebody before him"
    assert not complaints
