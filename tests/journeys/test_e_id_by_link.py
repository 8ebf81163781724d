"""A caller gets a link, logs in at his bank in his own browser, and his new address is noted while he is on the line.

Two browsers, the real provider, the real worker: the agent's screen shows what happens without being loaded again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, sync_playwright

from audit.log import read
from audit.models import Entry
from notices.models import Notice
from tests.asked_by_link import with_e_id
from tests.browser.test_staff_pages import QUIET, come_in, sound
from tests.cast import Cast
from tests.chromium import program
from tests.journeys.people import kinds, last_entry, letters_to, now, until
from tests.provider import Provider
from verification import interactions
from verification.claims import claim_number
from verification.levels import Level
from verification.models import ContactChange, Evidence, Grant, Interaction, PromptEnd, Signal

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SHOTS = os.environ.get("SCREENSHOTS", "")
STORY = [
    "gate.refused", "prompt.asked", "prompt.opened", "prompt.words_matched", "prompt.login_begun", "evidence.observed",
    "prompt.ended", "gate.granted",
]  # fmt: skip


@dataclass
class Scene:
    """The agent at his screen, the caller with his telephone, and what their browsers complained of."""

    site: str
    cast: Cast
    agent: Page
    caller: Page
    contact: Interaction
    complaints: list[str]

    def sees(self, name: str) -> None:
        """Hold both pages against axe, and keep their pictures when somebody wants to look at them."""
        for who, page in (("agent", self.agent), ("caller", self.caller)):
            if page.url.startswith(self.site):
                sound(page)
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{who}.png", full_page=True)

    def link(self) -> str:
        """Wait for the message on the caller's telephone, and return the link in it."""
        sent: Notice = until(lambda: next(iter(letters_to(self.cast.anna, "prompt")[-1:]), None))
        return self.site + "/c/" + sent.text.split("/c/")[1].split()[0]

    def words(self) -> str:
        """Return what the agent reads aloud."""
        return self.agent.inner_text(".spoken").replace("–", " ")


@pytest.fixture
def scene(
    live_cast: Cast,
    live_site: str,
    provider: Provider,
    start_worker: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scene]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the driver's loop runs in this thread, beside our queries
    monkeypatch.setenv("PUBLIC_URL", live_site)
    with_e_id(live_cast, now())
    start_worker()
    complaints: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program(), args=[*QUIET])
        agent = _page(browser, complaints, width=1280, height=900)
        caller = _page(browser, complaints, width=390, height=844)
        connection.close()
        yield Scene(live_site, live_cast, agent, caller, _on_the_line(live_cast), complaints)
        connection.close()
        browser.close()


def _page(browser: Browser, complaints: list[str], *, width: int, height: int) -> Page:
    opened = browser.new_context(viewport={"width": width, "height": height}, locale="fi").new_page()
    opened.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    return opened


def _on_the_line(cast: Cast) -> Interaction:
    contact = cast.call(at=now())
    claim_number(contact.public_id, cast.anna.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=now())
    return contact


def asks_for_the_address(scene: Scene) -> None:
    """Let Aino write the new address, be refused, and send exactly that to the caller."""
    come_in(scene.agent, scene.site, scene.cast, "agent_aino")
    scene.agent.goto(f"{scene.site}/admin/cases/{scene.contact.public_id}/do/change_address/")
    for name, typed in (("street", "Uusikatu 5"), ("postal_code", "00100"), ("town", "Helsinki")):
        scene.agent.fill(f"#id_{name}", typed)
    scene.agent.press("#id_town", "Enter")
    scene.agent.wait_for_selector(".say")
    scene.sees("1-refused")
    scene.agent.click(".ways li:first-child button")
    scene.agent.wait_for_selector(".spoken")


def follows_the_link(scene: Scene) -> None:
    """Let the caller open the link and type what he hears."""
    scene.caller.goto(scene.link())
    scene.sees("2-door")
    scene.caller.click("button")
    scene.caller.wait_for_selector("#words")
    assert "Uusikatu 5" in scene.caller.inner_text(".matter")
    scene.sees("3-what-is-asked")
    scene.caller.keyboard.press("Tab")
    scene.caller.fill("#words", scene.words().upper())
    scene.caller.press("#words", "Enter")
    scene.caller.wait_for_selector("a[href$='/login/bank/']")
    scene.sees("4-words-typed")


def goes_to_the_bank(scene: Scene) -> None:
    scene.caller.click("a[href$='/login/bank/']")
    scene.caller.wait_for_selector("input[name=sub]")


def logs_in(scene: Scene, who: str = "anna") -> None:
    """Let the person of this name log in, and come back to our page."""
    scene.caller.check(f"input[name=sub][value={who}]")
    scene.caller.click("button[value=approve]")
    scene.caller.wait_for_url("**/c/call/done/")


def reasons(since: int) -> list[tuple[str, str]]:
    found = [
        read(each).envelope for each in Entry.objects.filter(pk__gt=since, kind__startswith="prompt.").order_by("pk")
    ]
    return [(each["kind"], str(each["facts"].get("reason", ""))) for each in found]


def test_the_address_is_changed_while_he_is_on_the_line(scene: Scene) -> None:
    before, old = last_entry(), scene.cast.anna.customer.contact("PHONE", now())
    asks_for_the_address(scene)
    scene.agent.evaluate("window.loadedOnce = true")
    follows_the_link(scene)
    goes_to_the_bank(scene)
    logs_in(scene)
    scene.sees("5-thanks")
    scene.agent.wait_for_selector("#sure-card .here:nth-child(4)", timeout=15_000)  # loa3 of the provider: HIGH
    assert scene.agent.evaluate("window.loadedOnce"), "the page was loaded again"
    assert scene.agent.is_hidden("#changed")
    scene.sees("6-level")
    scene.agent.click("#go-on")
    assert scene.agent.input_value("#id_street") == "Uusikatu 5"
    scene.agent.click("form .default")
    scene.agent.wait_for_selector(".done")
    scene.sees("7-done")
    granted = Grant.objects.get(action="change_address")
    assert granted.held == Level.HIGH
    assert granted.parameters_hash == Evidence.objects.get().approves
    assert ContactChange.objects.get(customer=scene.cast.anna.customer, kind="ADDRESS").value.startswith("Uusikatu 5")
    told = until(lambda: letters_to(scene.cast.anna, "change_address"))
    assert old is not None
    assert told[0].opened().address == old.value
    assert [kind for kind in kinds(before) if kind in STORY] == STORY
    assert not scene.complaints


def test_who_did_not_call_stops_it_and_the_agent_sees_it(scene: Scene) -> None:
    asks_for_the_address(scene)
    scene.caller.goto(scene.link())
    scene.caller.click("button")
    scene.caller.click("button[formaction]")
    scene.caller.wait_for_selector("h1")
    scene.agent.wait_for_selector("#asking[data-said*='ei soittanut']", timeout=15_000)
    scene.sees("8-declined")
    assert Signal.objects.get().kind == "PROMPT_DECLINED"
    assert {each.channel for each in until(lambda: Notice.objects.filter(about="prompt_declined"))} == {"SMS", "EMAIL"}
    assert not Evidence.objects.exists()
    assert not scene.complaints


def test_another_person_and_a_hang_up_give_the_caller_the_same_words_and_the_log_two_reasons(scene: Scene) -> None:
    said = []
    before = last_entry()
    asks_for_the_address(scene)
    follows_the_link(scene)
    goes_to_the_bank(scene)
    logs_in(scene, "bea")
    said.append(scene.caller.inner_text("main"))
    scene.agent.wait_for_selector("#send-link", timeout=15_000)
    assert PromptEnd.objects.get().reason == "OTHER_PERSON"
    scene.agent.goto(f"{scene.site}/admin/cases/{scene.contact.public_id}/")
    scene.agent.click("#send-link")
    scene.agent.wait_for_selector(".spoken")
    until(lambda: len(letters_to(scene.cast.anna, "prompt")) == 2)
    scene.caller.goto(scene.link())
    scene.caller.click("button")
    scene.caller.fill("#words", scene.words())
    scene.caller.press("#words", "Enter")
    goes_to_the_bank(scene)
    interactions.end(scene.contact.public_id, at=now())
    logs_in(scene)
    said.append(scene.caller.inner_text("main"))
    scene.sees("9-not-done")
    assert said[0] == said[1]
    found = reasons(before)
    assert ("prompt.ended", "OTHER_PERSON") in found
    assert found[-1] == ("prompt.orphaned", "HANG_UP")
    assert not Evidence.objects.exists()
    assert not scene.complaints
