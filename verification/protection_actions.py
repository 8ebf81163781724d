"""Protection that lasts: a freeze and its undoing, and the closing of an account."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from verification import guard, waiting
from verification.declarations import Occasion, Result, action
from verification.forms import NoParameters
from verification.levels import Level
from verification.models import ClosedAccount, Hold, HoldLift

guard.protect("verification.ClosedAccount")


@action(
    name="lasting_freeze",
    label=_("Freeze the account until further notice"),
    matter=_("Freezing of the account"),
    required=Level.SUBSTANTIAL,
    because=(
        "Who has proven himself may stop everything that could harm him for as long as he likes; visits and "
        "further protection stay open."
    ),
    form=NoParameters,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    protective=True,
    told=_("Your account was frozen until further notice, as was asked for in your name."),
    writes=("verification.Hold",),
)
def lasting_freeze(occasion: Occasion) -> Result:
    """Put a hold without an end on the account; a second one on top of it would add nothing."""
    frozen = Hold.objects.in_force(occasion.at).filter(customer=occasion.served, kind=Hold.Kind.LASTING)
    if not frozen.exists():
        Hold.objects.create(customer=occasion.served, kind=Hold.Kind.LASTING, held_at=occasion.at)
    return {}


@action(
    name="undo_freeze",
    label=_("Undo a lasting freeze"),
    matter=_("Undoing of the freeze"),
    required=Level.HIGH,
    because=(
        "What a proven customer froze is opened only with the highest proof: a swindler's first wish is that the "
        "freeze goes away."
    ),
    form=NoParameters,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    largest_age=timedelta(minutes=30),
    protective=True,
    loosens=True,
    told=_(
        "The lasting freeze of your account was undone. What had waited to take effect waits for another day, in which"
        " you can still stop it."
    ),
    writes=("verification.HoldLift",),
)
def undo_freeze(occasion: Occasion) -> Result:
    """Lift every lasting freeze; a temporary hold, which somebody else may have put on meanwhile, stays."""
    frozen = Hold.objects.in_force(occasion.at).filter(customer=occasion.served, kind=Hold.Kind.LASTING)
    for hold in frozen:
        HoldLift.objects.create(hold=hold, customer=occasion.served, lifted_at=occasion.at)
    return {"lifted": len(frozen), "waiting": waiting.of(occasion.served, occasion.at)}


@action(
    name="close_account",
    label=_("Close the account"),
    matter=_("Closing of the account"),
    required=Level.HIGH,
    because=(
        "Nothing opens a closed account again, so the customer himself approves it, with the highest proof, and "
        "two of us have looked at it."
    ),
    form=NoParameters,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    largest_age=timedelta(minutes=30),
    linked=True,
    alone_up_to=lambda _asked: False,
    told=_("Your account was closed, as was asked for in your name and approved by two of us."),
    writes=("verification.ClosedAccount",),
)
def close_account(occasion: Occasion) -> Result:
    """Close the account: from now on the gate refuses what is sensitive, and nothing of the record is shown."""
    ClosedAccount.objects.create(customer=occasion.served, closed_at=occasion.at)
    return {}
