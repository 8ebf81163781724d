"""A caller who has his codes is served as far as a code on the telephone goes, and kindly told what goes further."""

from __future__ import annotations

import pytest

from tests.cast import Cast
from tests.journeys.people import Screen, decisions, dial, last_entry
from verification.gate import Granted, Live, attempt
from verification.levels import Level
from verification.models import ContactChange, Grant, Refusal

pytestmark = pytest.mark.slow


def has_a_case(cast: Cast, name: str) -> None:
    """Open a case in an earlier call."""
    person = cast.people[name]
    at = person.customer.authenticators.get().enrolled_at
    call = cast.call(at=at, claims=person)
    asked = {"questions": "When will it be paid?"}
    assert isinstance(
        attempt("open_case", origin=Live(call.public_id, cast.agent_aino), parameters=asked, at=at), Granted
    )


@pytest.mark.parametrize("name", ["antti", "antti2"])
def test_he_hears_how_far_his_case_is_without_a_person(live_cast: Cast, name: str) -> None:
    has_a_case(live_cast, name)
    before = last_entry()
    phone = dial().to_menu(live_cast.people[name])
    phone.heard("Your code has been confirmed")
    phone.press("1").heard("case")
    granted = Grant.objects.get(interaction=phone.interaction)
    assert (granted.action, granted.held, granted.asked_by) == ("tell_case_state", Level.LOW, None)
    assert decisions(before) == ["gate.granted"]


def test_his_address_is_not_changed_on_a_code_and_the_words_are_kind(live_cast: Cast) -> None:
    phone = dial().to_menu(live_cast.antti)
    phone.press("0")
    assert phone.queue == "verified"
    agent, contact = Screen(live_cast, "agent_aino"), phone.interaction
    page = agent.takes(contact).sees("interaction", contact.public_id)
    assert "keypad" in page.casefold()
    before = last_entry()
    new = {"street": "Toinen linja 4", "postal_code": "00530", "town": "Helsinki"}
    refusal = agent.is_refused(contact, "change_address", **new)
    assert (refusal.reason, refusal.held, refusal.required) == ("LEVEL", Level.LOW, Level.SUBSTANTIAL)
    assert "visit" in refusal.ways
    assert "same for everyone" in refusal.said["en"]
    assert refusal.said["en"] in agent.sees("refusal", refusal.public_id).replace("&#x27;", "'")
    assert decisions(before) == ["gate.refused"]
    assert not ContactChange.objects.filter(kind="ADDRESS").exists()


def test_when_he_hangs_up_his_evidence_is_gone(live_cast: Cast) -> None:
    phone = dial().to_menu(live_cast.antti)
    contact = phone.press("0").interaction
    agent = Screen(live_cast, "agent_aino").takes(contact)
    phone.hang_up()
    assert agent.is_refused(contact, "tell_case_state").reason == "NOT_LIVE"
    assert Refusal.objects.get(interaction=contact).held == Level.NONE


def test_the_record_stays_masked_on_a_code(live_cast: Cast) -> None:
    contact = dial().to_menu(live_cast.antti).press("0").interaction
    agent = Screen(live_cast, "agent_aino").takes(contact)
    shown = agent.sends("record", contact.public_id).content.decode()
    assert "•••••" in shown
    for secret in (live_cast.antti.customer.account, live_cast.antti.number, "1961-04-17"):
        assert secret not in shown
