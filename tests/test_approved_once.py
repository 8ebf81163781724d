"""One approval is for one time: what a customer approved is not done twice on the same yes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from cases.models import Refund, Shipment
from tests.actions_asked import VALID, approved_by_customer
from tests.cast import NOW, Cast
from tests.representatives import company, joins, right, speaks_for
from tests.test_proposals import decide
from tests.test_signals import proven
from verification import proposals
from verification.canonical import digest
from verification.declarations import declared
from verification.evidence import note
from verification.forms import clean
from verification.gate import Granted, Live, Proposed, Refused, attempt
from verification.models import Claim, Interaction
from verification.reasons import Reason
from verification.scene import claims_of_all

MINUTE = timedelta(minutes=1)
GOODS, REFUND = "goods_to_new_address", "refund_to_new_account"


def asks(cast: Cast, call: Interaction, action: str = GOODS, *, at: Any = NOW, by: str = "agent_aino") -> Any:
    return attempt(action, origin=Live(call.public_id, cast.staff[by]), parameters=VALID[action], at=at)


def test_one_approval_sends_one_parcel(cast: Cast) -> None:
    call = proven(cast, cast.antti)
    approved_by_customer(call, GOODS, at=NOW)
    assert isinstance(asks(cast, call, at=NOW + MINUTE), Granted)
    again = asks(cast, call, at=NOW + 2 * MINUTE)
    assert isinstance(again, Refused), "an agent who presses twice sends twice what was approved once"
    assert again.refusal.reason == Reason.NOT_APPROVED
    assert Shipment.objects.count() == 1
    approved_by_customer(call, GOODS, at=NOW + 3 * MINUTE)
    assert isinstance(asks(cast, call, at=NOW + 4 * MINUTE), Granted), "he wants it twice, and says so"
    assert isinstance(asks(cast, call, at=NOW + 5 * MINUTE), Refused)


def test_one_approval_is_proposed_once(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    approved_by_customer(desk, REFUND, at=NOW)
    first = asks(cast, desk, REFUND, by="clerk_kalle")
    assert isinstance(first, Proposed)
    assert asks(cast, desk, REFUND, by="clerk_kalle", at=NOW + MINUTE).refusal.reason == Reason.NOT_APPROVED
    assert isinstance(decide(first.proposal, cast.supervisor), Granted)
    assert asks(cast, desk, REFUND, by="clerk_kalle", at=NOW + MINUTE).refusal.reason == Reason.NOT_APPROVED
    assert Refund.objects.count() == 1


def test_what_was_rejected_may_be_proposed_again_on_the_same_yes(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    approved_by_customer(desk, REFUND, at=NOW)
    first = asks(cast, desk, REFUND, by="clerk_kalle")
    proposals.reject(first.proposal.public_id, by=cast.supervisor, because="ask for the receipt", at=NOW)
    assert isinstance(asks(cast, desk, REFUND, by="clerk_kalle", at=NOW + MINUTE), Proposed)


def agrees(claim: Claim, at: datetime) -> None:
    """Note that one of several speakers approved the parcel."""
    action = declared(GOODS)
    assert action is not None
    cleaned, _errors = clean(action.form, VALID[GOODS])
    with transaction.atomic():
        note(claim, "SIGNED_SLIP", at=at, by=None, approves=digest(GOODS, cleaned))


def test_of_two_who_act_together_each_approves_each_time(cast: Cast) -> None:
    terms = {"needed": 2, "group": "board"}
    shop = company(cast, right(cast.sanna, "SIGNATORY", **terms), right(cast.olli, "SIGNATORY", **terms))
    call = speaks_for(cast, shop, cast.sanna, "SIGNATORY")
    joins(call, cast, shop, cast.olli, "SIGNATORY")
    sanna, olli = sorted(claims_of_all(call), key=lambda claim: claim.pk)
    agrees(sanna, NOW)
    agrees(olli, NOW)
    assert isinstance(asks(cast, call, at=NOW + MINUTE), Granted)
    agrees(sanna, NOW + 2 * MINUTE)
    assert isinstance(asks(cast, call, at=NOW + 3 * MINUTE), Refused), "the other said yes to the first one only"
    agrees(olli, NOW + 4 * MINUTE)
    assert isinstance(asks(cast, call, at=NOW + 5 * MINUTE), Granted)
