"""What makes us careful raises what a sensitive action asks for, lowers nothing, and shows to no stranger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from audit.log import read
from audit.models import Entry
from tests.actions_asked import tell_what_is_due
from tests.cast import NOW, Cast, Person
from tests.phone_line import NOBODY
from tests.representatives import child, right, speaks_for
from tests.staff_browser import address, signed_in
from tests.test_phone_tells_nothing import kind_of
from verification import signals
from verification.attempts import Attempt
from verification.claims import claim_number
from verification.declarations import all_declared
from verification.evidence import note
from verification.gate import Granted, Live, Refused, attempt
from verification.levels import NOTHING, Held, Level
from verification.models import Interaction, Signal
from verification.policy import current
from verification.scene import Scene, current_claim

POLICY = current()
HOUR = timedelta(hours=1)
NEW_ADDRESS = {"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"}


def proven(cast: Cast, who: Person, *, at: Any = NOW, kind: str = "E_ID_SUBSTANTIAL") -> Interaction:
    call = cast.call(at=at, claims=who)
    claim = current_claim(call)
    assert claim is not None
    note(claim, kind, at=at, by=None)
    return call


def seen(who: Person, call: Interaction | None = None, at: Any = NOW) -> list[str]:
    return signals.seen(who.customer, call, policy=POLICY, at=at)


def change(cast: Cast, call: Interaction, at: Any = NOW) -> Granted | Refused:
    origin = Live(call.public_id, cast.agent_aino)
    decided = attempt("change_address", origin=origin, parameters=NEW_ADDRESS, at=at)
    assert isinstance(decided, Granted | Refused)
    return decided


def refuse(cast: Cast, who: Person, *, by: str = "agent_aino", at: Any = NOW) -> Interaction:
    call = cast.call(at=at, claims=who, by=by)
    origin = Live(call.public_id, cast.staff[by])
    assert isinstance(attempt("tell_case_state", origin=origin, parameters={}, at=at), Refused)
    return call


# --- each kind ----------------------------------------------------------------------------------------------------
def declined(cast: Cast) -> None:
    signals.note(cast.antti.customer, "PROMPT_DECLINED", interaction=None, at=NOW)


def orphan(cast: Cast) -> None:
    signals.note(cast.antti.customer, "PROMPT_ORPHAN", interaction=None, at=NOW)


def not_me(cast: Cast) -> None:
    signals.note(cast.antti.customer, "NOT_ME", interaction=None, at=NOW)


def said_not_me(cast: Cast) -> None:
    signals.note(cast.antti.customer, "SAID_NOT_ME", interaction=None, at=NOW)


def many_refusals(cast: Cast) -> None:
    for _ in range(POLICY.signals["MANY_REFUSALS"].times):
        refuse(cast, cast.antti)


def several_staff(cast: Cast) -> None:
    for by in ("agent_aino", "agent_arvo", "clerk_kalle", "clerk_kerttu"):
        refuse(cast, cast.antti, by=by)


KINDS: dict[str, Callable[[Cast], None]] = {
    "PROMPT_DECLINED": declined,
    "PROMPT_ORPHAN": orphan,
    "NOT_ME": not_me,
    "SAID_NOT_ME": said_not_me,
    "MANY_REFUSALS": many_refusals,
    "SEVERAL_STAFF": several_staff,
}


def test_every_kind_of_the_policy_has_its_test_and_its_words() -> None:
    assert set(POLICY.signals) == {*KINDS, "NEW_CONTACT", "SEVERAL_CLAIMS"}
    assert set(signals.LABELS) >= set(POLICY.signals)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_raises_what_a_sensitive_action_asks_for_as_long_as_it_lasts(cast: Cast, kind: str) -> None:
    assert seen(cast.antti) == []
    KINDS[kind](cast)
    assert seen(cast.antti) == [kind]
    assert seen(cast.sanna) == []
    call = proven(cast, cast.antti)
    decided = change(cast, call)
    raised = POLICY.signals[kind].level
    assert isinstance(decided, Granted) == (raised <= Level.SUBSTANTIAL)
    lasted = NOW + POLICY.signals[kind].lasts
    assert seen(cast.antti, at=lasted - HOUR / 60) == [kind]
    assert seen(cast.antti, at=lasted) == []


def test_a_new_contact_raises_it_and_the_first_of_its_kind_does_not(cast: Cast) -> None:
    assert seen(cast.moved) == ["NEW_CONTACT"]
    assert seen(cast.moved, at=NOW + timedelta(days=3)) == []
    assert seen(cast.antti) == []
    decided = change(cast, proven(cast, cast.moved))
    assert isinstance(decided, Refused)
    assert (decided.refusal.held, decided.refusal.required) == (Level.SUBSTANTIAL, Level.HIGH)


def test_many_refusals_are_counted_over_contacts_and_not_over_tries(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    for _ in range(3 * POLICY.signals["MANY_REFUSALS"].times):
        attempt("tell_case_state", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW)
    assert seen(cast.antti) == []


def test_several_customers_named_in_one_contact_count_in_that_contact(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    for number in (cast.sanna.number, NOBODY):
        claim_number(call.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
    assert seen(cast.antti, call) == ["SEVERAL_CLAIMS"]
    assert seen(cast.antti, cast.call(at=NOW, claims=cast.antti)) == []


def test_high_is_still_enough(cast: Cast) -> None:
    not_me(cast)
    assert isinstance(change(cast, proven(cast, cast.antti, kind="E_ID_HIGH")), Granted)


# --- more never means less ----------------------------------------------------------------------------------------
@given(
    fewer=st.frozensets(st.sampled_from(sorted(POLICY.signals))),
    more=st.frozensets(st.sampled_from(sorted(POLICY.signals))),
    level=st.sampled_from(Level),
)
def test_more_signals_never_lower_a_requirement(fewer: frozenset[str], more: frozenset[str], level: Level) -> None:
    for action in all_declared():
        few, many = (_required(action, kinds, level) for kinds in (fewer, fewer | more))
        assert action.required <= few <= many
        if level < Level.LOW:
            assert many == action.required


def _required(action: Any, kinds: frozenset[str], level: Level) -> Level:
    asked = Attempt(action.name, action, Scene("live"), NOW)
    asked.__dict__["signals"] = sorted(kinds) if action.sensitive else []
    asked.__dict__["held"] = Held(level, None) if level else NOTHING
    return asked.required


# --- nothing for strangers ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_below_low_a_refusal_asks_for_what_is_declared(cast: Cast, kind: str) -> None:
    KINDS[kind](cast)
    decided = change(cast, cast.call(at=NOW, claims=cast.antti))
    assert isinstance(decided, Refused)
    assert decided.refusal.required == Level.SUBSTANTIAL
    facts = read(Entry.objects.get(uid=decided.refusal.entry)).envelope["facts"]
    assert facts["signals"] == []


def test_a_raised_customer_and_nobody_are_answered_alike_by_the_same_statements(cast: Cast) -> None:
    not_me(cast)
    calls = [_named(cast, number) for number in (cast.antti.number, cast.sanna.number, NOBODY)]
    answers = []
    for call in calls:
        with CaptureQueriesContext(connection) as caught:
            decided = change(cast, call)
        assert isinstance(decided, Refused)
        refusal = decided.refusal
        answers.append((refusal.required, refusal.ways, refusal.said, [kind_of(each["sql"]) for each in caught]))
    assert answers[0] == answers[1] == answers[2]


def _named(cast: Cast, number: str) -> Interaction:
    call = cast.call(at=NOW)
    claim_number(call.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
    return call


def test_what_counted_is_in_the_log_for_a_replay(cast: Cast) -> None:
    not_me(cast)
    orphan(cast)
    decided = change(cast, proven(cast, cast.antti))
    assert isinstance(decided, Refused)
    facts = read(Entry.objects.get(uid=decided.refusal.entry)).envelope["facts"]
    assert facts["signals"] == ["NOT_ME", "PROMPT_ORPHAN"]
    assert facts["required"] == "HIGH"


def test_all_signals_together_cost_a_granted_action_one_statement(cast: Cast) -> None:
    call = proven(cast, cast.antti)
    with CaptureQueriesContext(connection) as caught:
        seen(cast.antti, call)
    assert len(caught) == 1


# --- "it wasn't me" -----------------------------------------------------------------------------------------------
def told(cast: Cast, number: str, level: str = "") -> tuple[Granted, list[str]]:
    call = _named(cast, number)
    claim = current_claim(call)
    if level:
        assert claim is not None
        note(claim, level, at=NOW, by=None)
    with CaptureQueriesContext(connection) as caught:
        decided = attempt("not_me", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW)
    assert isinstance(decided, Granted)
    return decided, [kind_of(each["sql"]) for each in caught]


def test_his_own_word_raises_it_to_the_highest_and_a_strangers_to_what_the_telephone_reaches(cast: Cast) -> None:
    told(cast, cast.antti.number)
    assert seen(cast.antti) == ["SAID_NOT_ME"]
    assert isinstance(change(cast, proven(cast, cast.antti)), Granted)
    told(cast, cast.antti.number, "E_ID_SUBSTANTIAL")
    assert seen(cast.antti) == ["NOT_ME", "SAID_NOT_ME"]
    assert isinstance(change(cast, proven(cast, cast.antti)), Refused)


def test_it_is_granted_to_everybody_alike_and_noted_for_somebody_only(cast: Cast) -> None:
    nobody, statements = told(cast, NOBODY)
    somebody, same = told(cast, cast.antti.number)
    assert nobody.result == somebody.result == {}
    assert statements == same
    assert Signal.objects.count() == 1


def test_the_recorded_contacts_are_told_of_it(cast: Cast) -> None:
    from notices.models import Notice

    told(cast, cast.antti.number)
    tell_what_is_due(NOW)
    assert Notice.objects.filter(about="not_me").count() == len(cast.antti.customer.recorded_contacts(NOW))


def test_no_stream_of_it_can_be_sent_in_anothers_name(cast: Cast) -> None:
    for _ in range(4):
        told(cast, cast.antti.number)
    call = _named(cast, cast.antti.number)
    assert isinstance(attempt("not_me", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW), Refused)


# --- on the agent's page ------------------------------------------------------------------------------------------
def test_the_page_says_what_to_do_once_he_is_proven_and_nothing_before(cast: Cast) -> None:
    from django.utils import timezone

    now = timezone.now()
    signals.note(cast.antti.customer, "NOT_ME", interaction=None, at=now)
    stranger, known = cast.call(at=now, claims=cast.antti), proven(cast, cast.antti, at=now)
    client = signed_in(cast.agent_aino)
    before, after = (client.get(address("interaction", call)).content.decode() for call in (stranger, known))
    assert "Take special care" not in before
    assert "these days" not in before
    assert "Take special care" in after
    assert "For safety it needs the level high these days" in after


# --- who speaks for another -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["PROMPT_DECLINED", "PROMPT_ORPHAN", "NOT_ME"])
def test_what_was_noticed_about_who_speaks_for_another_counts_in_that_matter(cast: Cast, kind: str) -> None:
    ward = child(cast, right(cast.helena, "GUARDIAN"))
    assert isinstance(change(cast, speaks_for(cast, ward, cast.helena, "GUARDIAN")), Granted)
    signals.note(cast.helena.customer, kind, interaction=None, at=NOW)
    decided = change(cast, speaks_for(cast, ward, cast.helena, "GUARDIAN"))
    assert isinstance(decided, Refused), "a stolen guardian opens the child's account as well as her own"
    assert decided.refusal.required == Level.HIGH
    assert isinstance(change(cast, speaks_for(cast, ward, cast.helena, "GUARDIAN", kind="E_ID_HIGH")), Granted)


def test_who_has_no_right_to_act_is_told_nothing_by_the_signals_of_the_customer(cast: Cast) -> None:
    ward = child(cast)
    signals.note(ward.customer, "PROMPT_DECLINED", interaction=None, at=NOW)
    decided = change(cast, speaks_for(cast, ward, cast.helena, "GUARDIAN"))
    assert isinstance(decided, Refused)
    assert (decided.refusal.reason, decided.refusal.required) == ("AUTHORITY", Level.SUBSTANTIAL)
