"""A contact that changes hands late or comes to another role starts anew; a dropped call goes on by the same road."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.log import read
from audit.models import Entry
from tests.cast import NOW, Cast, Person
from tests.staff_browser import address, signed_in
from verification.claims import claim_number
from verification.evidence import note
from verification.gate import Granted, Live, Refused, attempt
from verification.interactions import Ended, Taken, end, hand_back, open_call, take
from verification.levels import Level
from verification.masking import standing
from verification.models import Interaction, Prompt, PromptEnd, Staff
from verification.policy import current
from verification.resuming import NothingToResume, offered, resume, resumed
from verification.scene import current_claim

MINUTE = timedelta(minutes=1)
LATE = current().transfer + timedelta(seconds=1)


def passed_on(cast: Cast, *, to: str, waited: timedelta, at: datetime = NOW) -> Interaction:
    """Let a caller at LOW be handed back by Aino and taken by `to` after a wait."""
    call = cast.call(at=at, claims=cast.antti, level="LOW")
    hand_back(call.public_id, by=cast.agent_aino, at=at + MINUTE)
    return take(call.public_id, by=cast.staff[to], at=at + MINUTE + waited)


def facts_of(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = read(Entry.objects.filter(kind=kind).latest("pk")).envelope["facts"]
    return found


def level(call: Interaction, at: datetime) -> Level:
    return standing(Interaction.objects.get(pk=call.pk), at)[1].level


# --- changing hands -----------------------------------------------------------------------------------------------
def test_a_quick_transfer_between_agents_keeps_what_was_proved(cast: Cast) -> None:
    call = passed_on(cast, to="agent_arvo", waited=current().transfer)
    assert level(call, NOW + 12 * MINUTE) is Level.LOW
    assert not Entry.objects.filter(kind="interaction.evidence_void").exists()


@pytest.mark.parametrize(("to", "waited", "why"), [("agent_arvo", LATE, "LATE"), ("clerk_kalle", MINUTE, "OTHER_ROLE")])
def test_a_late_transfer_and_one_to_another_role_void_it(cast: Cast, to: str, waited: timedelta, why: str) -> None:
    call = passed_on(cast, to=to, waited=waited)
    after = NOW + 2 * MINUTE + waited
    assert level(call, after) is Level.NONE
    assert facts_of("interaction.evidence_void")["why"] == why
    assert Interaction.objects.get(pk=call.pk).keypad == "NOT_ASKED"
    decided = attempt("tell_case_state", origin=Live(call.public_id, cast.staff[to]), parameters={}, at=after)
    assert isinstance(decided, Refused)
    assert decided.refusal.held == Level.NONE


def test_what_is_proved_after_the_transfer_counts(cast: Cast) -> None:
    call = passed_on(cast, to="agent_arvo", waited=LATE)
    later = NOW + 20 * MINUTE
    cast.type_code(call, cast.antti, at=later)
    assert level(call, later) is Level.LOW
    decided = attempt("tell_case_state", origin=Live(call.public_id, cast.agent_arvo), parameters={}, at=later)
    assert isinstance(decided, Granted)


def test_the_first_wait_of_a_caller_is_no_transfer(cast: Cast) -> None:
    call = open_call(cast.organisation, line="", language="fi", at=NOW)
    claim_number(call.public_id, cast.antti.number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
    cast.type_code(call, cast.antti, at=NOW)
    Interaction.objects.filter(pk=call.pk).update(waiting_since=NOW)
    take(call.public_id, by=cast.agent_aino, at=NOW + 30 * MINUTE)
    assert level(call, NOW + 30 * MINUTE) is Level.LOW


def test_who_takes_his_own_contact_back_soon_voids_nothing(cast: Cast) -> None:
    call = passed_on(cast, to="agent_aino", waited=current().transfer)
    assert level(call, NOW + 15 * MINUTE) is Level.LOW


def test_a_long_wait_is_not_made_short_by_the_hands_that_left_it(cast: Cast) -> None:
    call = passed_on(cast, to="agent_aino", waited=LATE)
    assert level(call, NOW + 15 * MINUTE) is Level.NONE, "nobody listened meanwhile"
    hand_back(call.public_id, by=cast.agent_aino, at=NOW + 15 * MINUTE)
    take(call.public_id, by=cast.agent_arvo, at=NOW + 16 * MINUTE)
    assert level(call, NOW + 17 * MINUTE) is Level.NONE


def test_what_was_asked_of_the_caller_is_withdrawn_with_it(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    prompt = Prompt.objects.create(
        interaction=call, claim=current_claim(call), road="LINK", parameters_hash="0" * 64, sealed_parameters=b"",
        sealed_words=b"", asked_at=NOW, expires_at=NOW + 60 * MINUTE,
    )  # fmt: skip
    hand_back(call.public_id, by=cast.agent_aino, at=NOW)
    take(call.public_id, by=cast.agent_arvo, at=NOW + LATE)
    ended = PromptEnd.objects.get(prompt=prompt)
    assert (ended.outcome, ended.reason) == ("CANCELLED", "TRANSFER")


# --- a call that was cut off --------------------------------------------------------------------------------------
def proven_call(
    cast: Cast, who: Person, *, at: datetime, kind: str = "E_ID_SUBSTANTIAL", by: str = "agent_aino"
) -> Interaction:
    call = cast.call(at=at, claims=who, by=by)
    claim = current_claim(call)
    assert claim is not None
    if kind:
        note(claim, kind, at=at, by=None)
    return call


def dropped(cast: Cast, *, kind: str = "E_ID_SUBSTANTIAL") -> Interaction:
    """Let a proven caller be refused a closing that isn't declared for him, leave a question, and be cut off."""
    call = proven_call(cast, cast.antti, at=NOW, kind=kind)
    live = Live(call.public_id, cast.agent_aino)
    attempt("open_case", origin=live, parameters={"questions": "Where is my refund?"}, at=NOW)
    attempt("lift_everything", origin=live, parameters={}, at=NOW)
    end(call.public_id, at=NOW + MINUTE)
    return call


@pytest.mark.parametrize("kind", ["E_ID_SUBSTANTIAL", "E_ID_HIGH"])
def test_the_same_person_by_the_same_road_goes_on(cast: Cast, kind: str) -> None:
    before = dropped(cast)
    call = proven_call(cast, cast.antti, at=NOW + 5 * MINUTE, kind=kind, by="agent_arvo")
    assert resume(call.public_id, by=cast.agent_arvo, at=NOW + 5 * MINUTE) == before
    assert facts_of("interaction.resumed")["resumes"] == str(before.public_id)
    call.refresh_from_db()
    assert resumed(call, at=NOW + 6 * MINUTE) == before


def test_nothing_that_was_proved_before_counts_again(cast: Cast) -> None:
    before = dropped(cast, kind="E_ID_HIGH")
    call = proven_call(cast, cast.antti, at=NOW + 5 * MINUTE)
    resume(call.public_id, by=cast.agent_aino, at=NOW + 5 * MINUTE)
    assert level(call, NOW + 5 * MINUTE) is Level.SUBSTANTIAL
    assert level(before, NOW + 5 * MINUTE) is Level.NONE


@pytest.mark.parametrize(
    ("first", "second", "minutes"),
    [
        ("E_ID_SUBSTANTIAL", "PASSKEY", 5),
        ("PASSKEY", "CIBA_SUBSTANTIAL", 5),
        ("SMS_CODE", "SMS_CODE", 5),
        ("E_ID_SUBSTANTIAL", "", 5),
        ("", "E_ID_SUBSTANTIAL", 5),
        ("E_ID_SUBSTANTIAL", "E_ID_SUBSTANTIAL", 12),
    ],
)
def test_another_road_a_weak_one_or_too_late_does_not(cast: Cast, first: str, second: str, minutes: int) -> None:
    dropped(cast, kind=first)
    at = NOW + minutes * MINUTE
    call = proven_call(cast, cast.antti, at=at, kind=second)
    assert offered(call, at=at) is None
    with pytest.raises(NothingToResume):
        resume(call.public_id, by=cast.agent_aino, at=at)


def test_another_customer_does_not(cast: Cast) -> None:
    dropped(cast)
    call = proven_call(cast, cast.antti2, at=NOW + 5 * MINUTE)
    assert offered(call, at=NOW + 5 * MINUTE) is None


def test_what_the_dropped_call_was_about_at_its_end_decides(cast: Cast) -> None:
    call = proven_call(cast, cast.antti, at=NOW)
    claim_number(call.public_id, cast.sanna.number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
    end(call.public_id, at=NOW)
    again = proven_call(cast, cast.antti, at=NOW + MINUTE)
    assert offered(again, at=NOW + MINUTE) is None


def test_only_who_serves_the_new_call_resumes_and_only_while_it_lives(cast: Cast) -> None:
    dropped(cast)
    call = proven_call(cast, cast.antti, at=NOW + 5 * MINUTE)
    with pytest.raises(Taken):
        resume(call.public_id, by=cast.agent_arvo, at=NOW + 5 * MINUTE)
    end(call.public_id, at=NOW + 5 * MINUTE)
    with pytest.raises(Ended):
        resume(call.public_id, by=cast.agent_aino, at=NOW + 5 * MINUTE)


def test_another_claim_closes_the_view_of_the_dropped_call(cast: Cast) -> None:
    dropped(cast)
    call = proven_call(cast, cast.antti, at=NOW + 5 * MINUTE)
    resume(call.public_id, by=cast.agent_aino, at=NOW + 5 * MINUTE)
    claim_number(call.public_id, cast.sanna.number, capacity="SELF", source="KEYPAD", by=None, at=NOW + 6 * MINUTE)
    call.refresh_from_db()
    assert resumed(call, at=NOW + 6 * MINUTE) is None


# --- on the agent's page ------------------------------------------------------------------------------------------
def test_the_page_offers_it_and_shows_what_the_dropped_call_was_about(cast: Cast, now: datetime) -> None:
    first = proven_call(cast, cast.antti, at=now - 3 * MINUTE)
    live = Live(first.public_id, cast.agent_aino)
    attempt("open_case", origin=live, parameters={"questions": "Where is my refund?"}, at=now - 3 * MINUTE)
    attempt(
        "change_address", origin=Live(first.public_id, cast.agent_arvo), at=now - 3 * MINUTE,
        parameters={"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"},
    )  # fmt: skip
    end(first.public_id, at=now - 2 * MINUTE)
    page = _page(cast, call := proven_call(cast, cast.antti, at=now))
    assert "Where is my refund?" not in page
    assert "cut off" in page
    client = signed_in(cast.agent_aino)
    client.post(address("resume", call))
    assert "Where is my refund?" in _page(cast, call)
    assert "Uusikatu" not in _page(cast, call)


def test_the_page_notes_what_the_caller_says_he_cannot_use(cast: Cast, now: datetime) -> None:
    call = cast.call(at=now, claims=cast.antti)
    client = signed_in(cast.agent_aino)
    client.post(address("said", call), {"said": ["CANNOT_TRAVEL", "NO_MOBILE"]})
    call.refresh_from_db()
    assert call.said == ["CANNOT_TRAVEL", "NO_MOBILE"]
    assert _page(cast, call).count("checked") >= 2
    assert signed_in(cast.agent_arvo).post(address("said", call), {"said": []}).status_code == 403


def test_the_page_offers_nothing_to_a_caller_who_only_claims(cast: Cast, now: datetime) -> None:
    first = proven_call(cast, cast.antti, at=now - 3 * MINUTE)
    end(first.public_id, at=now - 2 * MINUTE)
    assert "cut off" not in _page(cast, cast.call(at=now, claims=cast.antti))


@pytest.fixture
def now() -> datetime:
    from django.utils import timezone

    return timezone.now()


def _page(cast: Cast, call: Interaction, by: Staff | None = None) -> str:
    client = signed_in(by or cast.agent_aino)
    return client.get(address("interaction", call)).content.decode()
