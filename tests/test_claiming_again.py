"""To claim the same customer again changes nothing: no proof is lost, and no try is given back."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from audit.models import Entry
from tests.cast import NOW, Cast, number, wrong
from verification.claims import TooMany, claim_number, join, join_and_claim
from verification.gate import Granted, Live, Refused, attempt
from verification.interactions import open_call
from verification.keypad import Typed
from verification.models import Claim, Interaction, KeypadRoad
from verification.policy import current
from verification.scene import current_claim, facts

MINUTE = timedelta(minutes=1)


def again(cast: Cast, call: Interaction, whose: str, *, capacity: str = "SELF") -> Claim:
    return claim_number(call.public_id, whose, capacity=capacity, source="STAFF", by=cast.agent_aino, at=NOW + MINUTE)


def test_the_same_claim_again_keeps_what_was_proved(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    standing = current_claim(call)
    assert again(cast, call, cast.antti.number) == standing
    assert len(facts(current_claim(call))) == 1
    assert Interaction.objects.get(pk=call.pk).keypad == "MATCHED"
    assert Entry.objects.filter(kind="claim.repeated").count() == 1


@pytest.mark.parametrize("change", ["number", "capacity"])
def test_another_claim_voids_what_was_proved(cast: Cast, change: str) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    if change == "number":
        again(cast, call, cast.helena.number)
    else:
        again(cast, call, cast.antti.number, capacity="GUARDIAN")
    assert facts(current_claim(call)) == []
    assert Interaction.objects.get(pk=call.pk).keypad == "NOT_ASKED"
    again(cast, call, cast.antti.number)
    assert facts(current_claim(call)) == [], "to go back to the first claim brings nothing back"


def test_a_number_that_is_nobodys_is_claimed_again_in_the_same_way(cast: Cast) -> None:
    call = cast.call(at=NOW)
    first = again(cast, call, number(7777777))
    assert again(cast, call, number(7777777)) == first
    assert again(cast, call, number(7777776)) != first


def test_the_same_claim_again_gives_no_try_back(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    code = cast.antti.app_code(NOW)
    tries = current().keypad.back_off_from
    for _ in range(tries):
        assert cast.type_code(call, cast.antti, at=NOW, code=wrong(code)) is Typed.WRONG
        again(cast, call, cast.antti.number)
    assert cast.type_code(call, cast.antti, at=NOW) is Typed.BACKING_OFF
    assert KeypadRoad.objects.get(mark=Claim.objects.latest("pk").mark, kind="TOTP").failures == tries
    assert Interaction.objects.get(pk=call.pk).keypad == "BACKING_OFF"


def test_caps_are_counted_over_claims_made_again(live_cast: Cast) -> None:
    call = live_cast.call(at=NOW, claims=live_cast.antti)
    for turn in range(3):
        claim_number(
            call.public_id, live_cast.antti.number, capacity="SELF", source="STAFF", by=live_cast.agent_aino, at=NOW
        )
        origin = Live(interaction_id=call.public_id, by=live_cast.agent_aino)
        decided = attempt("temporary_hold", origin=origin, parameters={}, at=NOW, key=f"form:{uuid4()}")
        assert isinstance(decided, Granted if turn < 2 else Refused)


def test_claims_of_other_numbers_are_limited_as_before(cast: Cast) -> None:
    call = open_call(cast.organisation, line="", language="fi", at=NOW)
    for each in range(current().claims.per_interaction):
        again(cast, call, number(7770000 + each))
    with pytest.raises(TooMany):
        again(cast, call, cast.antti.number)


# --- several who speak together -----------------------------------------------------------------------------------
def joined(cast: Cast, call: Interaction, for_whom: str, own: str) -> Claim:
    return join_and_claim(
        call.public_id, for_whom, capacity="GUARDIAN", own_number=own, by=cast.agent_aino, at=NOW
    )  # fmt: skip


def says_again(cast: Cast, call: Interaction, for_whom: str, own: str) -> Claim:
    return claim_number(
        call.public_id, for_whom, capacity="GUARDIAN", source="STAFF", by=cast.agent_aino, at=NOW, own_number=own
    )


def test_a_second_guardian_of_the_same_child_has_tries_of_his_own(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.helena)  # himself, on the keypad
    says_again(cast, call, number(7770001), cast.helena.number)  # a slip of the tongue
    says_again(cast, call, cast.ward.number, cast.helena.number)
    second = joined(cast, call, cast.ward.number, cast.sanna.number)
    assert second.person == cast.sanna.customer
    with pytest.raises(TooMany):
        says_again(cast, call, cast.antti.number, cast.helena.number)


def test_another_speaker_is_no_new_purse_of_customers_to_try(cast: Cast) -> None:
    call = cast.call(at=NOW)
    says_again(cast, call, number(7770000), cast.olli.number)
    for each in range(1, current().claims.per_interaction):
        joined(cast, call, number(7770000 + each), cast.helena.number)
    with pytest.raises(TooMany):
        joined(cast, call, number(7770009), cast.helena.number)
    joined_for_one_of_them = joined(cast, call, number(7770000), cast.sanna.number)
    assert joined_for_one_of_them.speaker != call.speakers.first()


def test_numbers_of_their_own_are_no_way_to_try_one_after_another(cast: Cast) -> None:
    call = cast.call(at=NOW)
    most = current().claims.numbers_per_interaction
    for each in range(current().claims.per_interaction):
        says_again(cast, call, cast.ward.number, number(7770000 + each))
    second = joined(cast, call, cast.ward.number, number(7770003)).speaker
    said = {"capacity": "GUARDIAN", "source": "STAFF", "by": cast.agent_aino, "at": NOW, "speaker": second.public_id}
    claim_number(call.public_id, cast.ward.number, own_number=number(7770004), **said)
    assert len({mark for row in Claim.objects.values_list("mark", "person_mark") for mark in row}) == most
    with pytest.raises(TooMany):
        claim_number(call.public_id, cast.ward.number, own_number=number(7770005), **said)


def test_a_contact_has_room_for_so_many_speakers_and_no_more(cast: Cast) -> None:
    call = cast.call(at=NOW)
    for _each in range(current().claims.speakers_per_interaction - 1):
        join(call.public_id, label="one more", by=cast.agent_aino, at=NOW)
    with pytest.raises(TooMany):
        join(call.public_id, label="one too many", by=cast.agent_aino, at=NOW)
