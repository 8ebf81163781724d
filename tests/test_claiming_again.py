"""To claim the same customer again changes nothing: no proof is lost, and no try is given back."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from audit.models import Entry
from tests.cast import NOW, Cast, number, wrong
from verification.claims import TooMany, claim_number
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
