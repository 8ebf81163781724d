"""A house without any broker of e-ID: the link leads to the customer's own passkey, which is made at the desk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.asked_by_link import Browser, asked, calling, ready, with_e_id
from tests.cast import Cast
from tests.passkey_device import Device
from tests.passkeys_kept import enrolled
from tests.staff_browser import address, gathered, now, signed_in
from tests.test_caller_page import THANKS, in_english, level
from tests.test_passkeys import NEW, NEW_BEGIN, options, proved, sends
from verification import checks, prompts, relying_party, roads
from verification.claims import claim_number
from verification.gate import Live, Refused, attempt
from verification.interactions import say_cannot
from verification.levels import Level
from verification.models import Evidence, Interaction, Passkey, Prompt

__all__ = ["in_english"]
NEW_ADDRESS = {"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"}


@pytest.fixture(autouse=True)
def no_broker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.E_ID_BROKERS = ""
    monkeypatch.setattr(relying_party, "possible", lambda: True)


@pytest.fixture
def here(db: None) -> Cast:
    made = gathered()
    with_e_id(made, now())
    return made


@pytest.fixture
def contact(here: Cast) -> Interaction:
    return calling(here)


@pytest.fixture
def hers(here: Cast) -> Device:
    return enrolled(here, here.anna, Device())


def refused(cast: Cast, call: Interaction) -> Any:
    decided = attempt("change_address", origin=Live(call.public_id, cast.agent_aino), parameters=NEW_ADDRESS, at=now())
    assert isinstance(decided, Refused)
    return decided.refusal


def test_the_link_is_sent_and_the_passkey_alone_proves(here: Cast, contact: Interaction, hers: Device) -> None:
    assert roads.with_login() == []
    assert roads.by_passkey() is Level.SUBSTANTIAL
    assert THANKS in proved(ready(here, asked(here, contact)), hers)
    assert level(contact) is Level.SUBSTANTIAL
    assert Evidence.objects.get(claim__speaker__interaction=contact).kind == "PASSKEY"


def test_the_agent_offers_it_and_sends_it_from_her_page(here: Cast, contact: Interaction, hers: Device) -> None:
    agent = signed_in(here.agent_aino)
    assert 'id="send-link"' in agent.get(address("interaction", contact)).content.decode()
    agent.post(address("prompt", contact), {})
    assert Prompt.objects.filter(interaction=contact, road="LINK").exists()


def test_who_has_none_is_told_so_on_his_own_page_and_to_nobody_else(here: Cast, contact: Interaction) -> None:
    page = ready(here, asked(here, contact)).reads()
    assert "no way to identify yourself here" in page
    assert "I did not call" in page
    assert "Choose how you identify yourself" not in page


def test_without_an_address_on_which_browsers_offer_passkeys_no_link_is_promised(
    here: Cast, contact: Interaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relying_party, "possible", lambda: False)
    with pytest.raises(prompts.NotAsked, match="ROAD"):
        asked(here, contact)


def test_before_low_the_way_is_the_same_for_all_and_after_it_is_his_own(here: Cast, hers: Device) -> None:
    strangers = {tuple(refused(here, here.call(at=now(), claims=who)).ways) for who in (here.anna, here.antti)}
    assert len(strangers) == 1
    assert "passkey" in strangers.pop()
    known = here.call(at=now(), claims=here.antti, level="LOW")
    assert "passkey" not in refused(here, known).ways, "he has none"
    enrolled(here, here.antti, Device())
    assert "passkey" in refused(here, known).ways


def test_beside_a_broker_it_is_offered_to_a_stranger_only_on_his_own_word(
    here: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roads, "with_login", lambda: ["one"])
    call = here.call(at=now(), claims=here.antti)
    monkeypatch.setattr(roads, "by_link", lambda: Level.HIGH)
    assert "passkey" not in refused(here, call).ways
    say_cannot(call.public_id, said=frozenset({"PASSKEY", "NO_E_ID"}), by=here.agent_aino, at=now())
    after = refused(here, call).ways
    assert "passkey" in after
    assert not {"e_id_link", "e_id_elsewhere", "ciba"} & set(after)


def test_the_start_counts_a_passkey_only_where_browsers_offer_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert roads.highest() is Level.HIGH
    assert checks.every_refusal_has_a_way() == []
    policy = roads.current()
    only = {kind: worth for kind, worth in policy.worth.items() if kind.startswith(("KEYPAD", "PASSKEY", "E_ID"))}
    monkeypatch.setattr(roads, "current", lambda: replace(policy, worth=only, together=()))
    assert roads.highest() is Level.SUBSTANTIAL
    monkeypatch.setattr(relying_party, "possible", lambda: False)
    assert roads.highest() is Level.LOW


# --- making one at the desk -------------------------------------------------------------------------------------------
def at_the_desk(cast: Cast, *, level: str = "HIGH") -> tuple[Interaction, Prompt, Browser]:
    """Let Anna stand at the desk, and open the link to make a passkey on her own phone."""
    desk = cast.desk(at=now(), claims=cast.anna, level=level)
    prompt = prompts.ask(desk.public_id, road="LINK", action="enrol_passkey", by=cast.clerk_kalle, at=now())
    prompts.send_link(prompt.pk, at=now())
    return desk, prompt, ready(cast, prompt)


def test_who_was_seen_at_the_desk_makes_his_passkey_there_and_needs_no_bank(here: Cast) -> None:
    _desk, prompt, browser = at_the_desk(here)
    assert "Make your passkey now" in browser.reads()
    made = Device().makes(options(browser, NEW_BEGIN))
    assert "Your passkey has been made" in sends(browser, NEW, passkey=made).content.decode()
    assert Passkey.objects.get().customer == here.anna.customer
    prompt.refresh_from_db()
    assert prompt.end.outcome == "APPROVED"
    assert not Evidence.objects.filter(prompt=prompt).exists(), "he proved himself by papers, not by the link"


def test_the_clerk_sends_that_link_from_the_contacts_page(here: Cast) -> None:
    desk = here.desk(at=now(), claims=here.anna)
    page = signed_in(here.clerk_kalle).get(address("interaction", desk)).content.decode()
    assert 'id="send-passkey"' in page


def test_papers_that_do_not_reach_high_make_no_passkey(here: Cast) -> None:
    _desk, _prompt, browser = at_the_desk(here, level="SUBSTANTIAL")
    assert "Make your passkey now" not in browser.reads()
    assert sends(browser, NEW_BEGIN).status_code == 409


def test_another_claim_at_the_desk_takes_the_link_away(here: Cast) -> None:
    desk, _prompt, browser = at_the_desk(here)
    claim_number(desk.public_id, here.bea.number, capacity="SELF", source="STAFF", by=here.clerk_kalle, at=now())
    assert sends(browser, NEW_BEGIN).status_code == 409
    assert not Passkey.objects.exists()


def test_on_the_telephone_words_alone_make_no_passkey(here: Cast, contact: Interaction) -> None:
    browser = ready(here, asked(here, contact, "enrol_passkey"))
    assert "Make your passkey now" not in browser.reads()
    assert sends(browser, NEW_BEGIN).status_code == 409
