"""Who says after his login that he did not call takes it back: the swindler on the line keeps nothing of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from audit.log import read
from audit.models import Entry
from tests.asked_by_link import asked, calling, ready, with_e_id
from tests.cast import Cast
from tests.provider import Provider
from tests.staff_browser import gathered, now
from tests.test_proposals import decide
from verification import answers, interactions
from verification.gate import Granted, Live, Proposed, Refused, attempt
from verification.levels import Level
from verification.masking import standing
from verification.models import Interaction, Prompt
from verification.reasons import Reason

LARGE = {"amount": 50_000, "reason": "paid twice in May"}


@pytest.fixture
def cast(db: None, provider: Provider) -> Cast:
    house = gathered()
    with_e_id(house, now())
    return house


def logged_in(cast: Cast, provider: Provider, action: str = "") -> tuple[Interaction, Prompt, Any]:
    """Return a call in which Anna was led through the highest login, her prompt, and her browser."""
    contact = calling(cast)
    prompt = asked(cast, contact, action)
    browser = ready(cast, prompt)
    provider.next(sub="anna")
    browser.logs_in(provider)
    assert standing(contact, now())[1].level is Level.HIGH
    return contact, prompt, browser


def asks(cast: Cast, contact: Interaction, action: str, parameters: Any = None) -> Any:
    origin = Live(contact.public_id, cast.agent_aino)
    return attempt(action, origin=origin, parameters=parameters or {}, at=now())


def test_a_login_of_the_highest_level_counts_for_nothing_once_its_owner_takes_it_back(
    cast: Cast, provider: Provider
) -> None:
    contact, _prompt, browser = logged_in(cast, provider)
    assert "/c/call/not-me/" in browser.reads(), "who sees only now what he did is given the way back"
    browser.did_not_call()
    assert standing(Interaction.objects.get(pk=contact.pk), now())[1].level is Level.NONE
    for action in ("disclose_personal_data", "undo_freeze"):
        assert asks(cast, contact, action).refusal.reason == Reason.LEVEL
    entry = read(Entry.objects.get(kind="interaction.evidence_void"))
    assert entry.envelope["facts"]["why"] == "DECLINED"
    assert entry.envelope["actor"] == contact.actor


def test_his_page_thanks_him_for_telling_and_no_more_for_logging_in(cast: Cast, provider: Provider) -> None:
    _contact, _prompt, browser = logged_in(cast, provider)
    browser.client.get("/c/call/?language=en")
    assert "Thank you, it is done" in browser.reads()
    browser.did_not_call()
    page = browser.reads()
    assert "Thank you for telling us" in page
    assert "it is done" not in page
    assert "/c/call/not-me/" not in page


def test_what_was_proposed_on_that_login_is_not_carried_out(cast: Cast, provider: Provider) -> None:
    contact, prompt, _browser = logged_in(cast, provider)
    waiting = asks(cast, contact, "refund_to_account", LARGE)
    assert isinstance(waiting, Proposed)
    interactions.end(contact.public_id, at=now())
    answers.decline(prompt.pk, at=now() + timedelta(minutes=2))
    decided = decide(waiting.proposal, cast.supervisor, now() + timedelta(minutes=3))
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == Reason.LEVEL


def test_what_somebody_declined_before_takes_nothing_from_papers_shown_since(cast: Cast, provider: Provider) -> None:
    contact, prompt, _browser = logged_in(cast, provider)
    answers.decline(prompt.pk, at=now())
    desk = cast.desk(at=now(), claims=cast.anna)
    decision = attempt("refund_to_account", origin=Live(desk.public_id, cast.clerk_kalle), parameters=LARGE, at=now())
    assert isinstance(decision, Proposed)
    assert isinstance(decide(decision.proposal, cast.supervisor, now()), Granted)
    assert Interaction.objects.get(pk=desk.pk).evidence_from is None
    assert contact.pk != desk.pk
