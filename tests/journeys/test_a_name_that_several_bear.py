"""Anna says her name, which three customers bear. Her keypad tells which she is; her own login that she is she.

The agent's screen follows without being loaded again, and has nothing on it of the three or of what was keyed in.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from ivr import redirects
from ivr.twilio import Twilio
from tests.browser.test_staff_pages import come_in
from tests.cast import Cast, _row, bring_in
from tests.journeys import test_e_id_by_link as by_link
from tests.journeys.people import dial, kinds, last_entry, now
from tests.journeys.test_e_id_by_link import Scene, goes_to_the_bank, logs_in
from tests.phone_line import Line
from verification.levels import Level
from verification.masking import standing
from verification.models import Interaction
from verification.scene import current_claim

pytestmark = [pytest.mark.browser, pytest.mark.slow]
scene = by_link.scene  # the provider, a worker, and two browsers
BORN = "1310"
STORY = [
    "interaction.taken", "claim.name_searched", "claim.question_asked", "claim.made", "claim.question_answered",
    "prompt.asked", "prompt.words_matched", "evidence.observed",
]  # fmt: skip


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand where the provider's account is: collect the paths at which calls are to go on, and give them at once."""
    given: list[str] = []
    monkeypatch.setattr(Twilio, "can_turn", lambda _self: True)
    monkeypatch.setattr(Twilio, "turn", lambda _self, _call, path: given.append(path))
    monkeypatch.setattr(redirects.Telephone, "turn", lambda _self, pk: redirects.turn(pk, at=now()))
    return given


def two_namesakes(cast: Cast) -> None:
    rows = [
        _row(1000031, "Testi", "Anna", birth_date="1961-01-02"),
        _row(1000032, "Testi", "Anna", birth_date="1975-10-12"),
    ]
    bring_in(rows, prepared_by=cast.administrator, approved_by=cast.administrator2, at=now())


def calls_in() -> Line:
    """Skip the menu."""
    phone = dial()
    phone.dial().press("1").press("0#")
    return phone


def says_her_name(agent: Page, scene: Scene, contact: Interaction) -> None:
    """Let Aino take the call and look the name up: she learns that three bear it."""
    come_in(agent, scene.site, scene.cast, "agent_aino")
    agent.goto(f"{scene.site}/admin/cases/queue/")
    agent.click(f"#take-{contact.public_id}")
    agent.click("summary:has-text('Nimellä')")
    agent.fill("#id_name_given_names", "Anna")
    agent.fill("#id_name_family_name", "Testi")
    agent.press("#id_name_family_name", "Enter")
    agent.wait_for_selector("#ask-on-keypad")
    assert "3 asiakkaalla" in agent.inner_text("body")
    scene.sees("n1-three-bear-it")


def is_asked(agent: Page, scene: Scene, phone: Line, orders: list[str]) -> None:
    """Be turned to the keypad and come back, while the agent's screen follows."""
    agent.click("#ask-on-keypad")
    agent.wait_for_selector("#namesakes .badge")
    agent.evaluate("window.loadedOnce = true")
    phone.turned(orders[0]).heard("syntymäpäivänne")
    agent.wait_for_selector("#namesakes[data-said*='kysytään näppäimillä']", timeout=15_000)
    scene.sees("n2-being-asked")
    phone.press(BORN).heard("Kiitos. Yhdistämme teidät takaisin")
    agent.wait_for_selector("#namesakes .badge.ok", timeout=15_000)
    assert agent.evaluate("window.loadedOnce"), "the page was loaded again"
    assert agent.is_hidden("#changed")
    scene.sees("n3-picked")


def test_the_keypad_picks_and_the_login_proves(scene: Scene, orders: list[str]) -> None:
    before, anna = last_entry(), scene.cast.anna
    two_namesakes(scene.cast)
    phone = calls_in()
    scene.contact = contact = phone.interaction
    says_her_name(scene.agent, scene, contact)
    is_asked(scene.agent, scene, phone, orders)
    assert current_claim(contact).customer == anna.customer
    assert standing(contact, now())[1].level is Level.NONE
    page = scene.agent.content()
    for secret in (BORN, "13.10", "1952", anna.number, anna.customer.account):
        assert secret not in page
    scene.agent.click("#send-link")
    scene.agent.wait_for_selector(".spoken")
    scene.caller.goto(scene.link())
    scene.caller.click("button")
    scene.caller.fill("#words", scene.words())
    scene.caller.press("#words", "Enter")
    goes_to_the_bank(scene)
    logs_in(scene)
    scene.agent.wait_for_selector("#sure-card .here:nth-child(4)", timeout=15_000)
    assert standing(contact, now())[1].level >= Level.SUBSTANTIAL
    told = iter(kinds(before))
    assert [kind for kind in STORY if kind not in told] == []
    assert not scene.complaints
