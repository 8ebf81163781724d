"""What can be done to a customer's record and its protection. Each effect runs inside the gate, under its grant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from verification import guard, mandate_actions, signal_actions, waiting  # noqa: F401  (two declare actions too)
from verification.contact_actions import change, veto_delay
from verification.declarations import Occasion, Result, action
from verification.forms import NoParameters
from verification.imports import carry_in
from verification.levels import Level
from verification.masking import whole
from verification.models import ContactChange, ContactVeto, Hold, HoldLift, KeypadRoad
from verification.numbers import mark
from verification.policy import current

for model in ("ContactChange", "ContactVeto", "Authenticator", "ListCode", "Hold", "HoldLift"):
    guard.protect(f"verification.{model}")
guard.protect("verification.Customer", customer="id")


@action(
    name="temporary_hold",
    label=_("Put a temporary hold on the account"),
    matter=_("Temporary hold"),
    required=Level.NONE,
    because=(
        "Whoever is worried may stop the clock at once; it ends by itself, so it harms little when it was needless."
    ),
    form=NoParameters,
    needs_claim=True,
    protective=True,
    by_caller=True,
    told=_("A temporary hold was put on your account, as was asked for on the phone or at the desk."),
    writes=("verification.Hold",),
)
def temporary_hold(occasion: Occasion) -> Result:
    """Hold sensitive actions for the hours that the policy sets.

    The answer is the same when there is no such customer.
    """
    until = occasion.at + current().hold
    Hold.place(occasion.customer, at=occasion.at, until=until)
    return {"until": until.isoformat()}


@action(
    name="lift_hold",
    label=_("Lift a temporary hold"),
    matter=_("Lifting of a temporary hold"),
    required=Level.SUBSTANTIAL,
    because=(
        "Only the proven customer says that the worry is over; a lasting freeze asks for more and is not lifted here."
    ),
    form=NoParameters,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    protective=True,
    loosens=True,
    told=_(
        "The temporary hold on your account was lifted. What had waited to take effect waits for another day, in which"
        " you can still stop it."
    ),
    writes=("verification.HoldLift",),
)
def lift_hold(occasion: Occasion) -> Result:
    """Lift every temporary hold in force."""
    holds = Hold.objects.in_force(occasion.at).filter(customer=occasion.served, kind=Hold.Kind.TEMPORARY)
    for hold in holds:
        HoldLift.objects.create(hold=hold, customer=occasion.served, lifted_at=occasion.at)
    return {"lifted": len(holds), "waiting": waiting.of(occasion.served, occasion.at)}


@action(
    name="reopen_keypad",
    label=_("Open the keypad road again"),
    matter=_("Reopening of the keypad"),
    required=Level.SUBSTANTIAL,
    because="Somebody's wrong guesses must not keep the customer from his own codes; he proves himself and it is open.",
    form=NoParameters,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    protective=True,
    told=_("The keypad was opened for your codes again."),
)
def reopen_keypad(occasion: Occasion) -> Result:
    """Forget the failures counted against the customer's authenticators. No secret changes: this is no reset."""
    roads = KeypadRoad.objects.filter(mark=mark(occasion.served.number))
    return {"opened": roads.update(failures=0, backing_off_until=None, disabled_at=None)}


@action(
    name="disclose_personal_data",
    label=_("Tell the customer what his record holds"),
    matter=_("Going through your own data"),
    required=Level.SUBSTANTIAL,
    because=(
        "Personal data belong to the person; until he has proven himself nobody hears them, not even the "
        "agent sees them."
    ),
    form=NoParameters,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    told=_("The data on your record were told to the person who proved to be you."),
)
def disclose_personal_data(occasion: Occasion) -> Result:
    """Return the record unmasked, for reading aloud or showing at the desk."""
    return {"record": whole(occasion.served, occasion.at)}


class AddressForm(forms.Form):
    """A new postal address, on one line a part."""

    street = forms.CharField(label=_("street address"), max_length=120, min_length=3)
    postal_code = forms.RegexField(
        r"^[0-9A-Za-z][0-9A-Za-z -]{2,9}$",
        label=_("postal code"),
        error_messages={"invalid": _("Write the whole postal code, in Finland five digits, for example 00100.")},
    )
    town = forms.CharField(label=_("town"), max_length=60, min_length=2)


@action(
    name="change_address",
    label=_("Change the postal address"),
    matter=_("Change of postal address"),
    required=Level.SUBSTANTIAL,
    because=(
        "Goods and letters follow the address: the first thing that a swindler changes. Fresh proof, a "
        "delay, and a veto."
    ),
    form=AddressForm,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    largest_age=timedelta(minutes=10),
    not_resting_on=frozenset({ContactChange.Kind.ADDRESS}),
    told=_("A new postal address was recorded for you. It takes effect on %(day)s unless you stop it."),
    delay=veto_delay,
    writes=("verification.ContactChange",),
)
def change_address(occasion: Occasion) -> Result:
    """Record an address that takes effect after the veto delay; the old one stays in force until then."""
    wanted: Any = occasion.parameters
    line = f"{wanted['street']}, {wanted['postal_code']} {wanted['town']}"
    return change(occasion, ContactChange.Kind.ADDRESS, line)


@action(
    name="veto_change",
    label=_("Stop a pending change of contacts"),
    matter=_("Stopping of a change of contacts"),
    required=Level.NONE,
    because=(
        "The old contact was told; whoever says that it was not him may stop the change at once, and "
        "nothing is lost by it."
    ),
    form=NoParameters,
    needs_claim=True,
    protective=True,
    by_caller=True,
    told=_("A pending change of your contacts was stopped, as was asked for."),
    told_if=lambda grant: ContactVeto.objects.filter(customer=grant.customer, vetoed_at=grant.decided_at).exists(),
    writes=("verification.ContactVeto",),
)
def veto_change(occasion: Occasion) -> Result:
    """Veto every contact change that has not taken effect. The answer is the same whether or not there was one."""
    ContactVeto.stop_pending(occasion.customer, at=occasion.at)
    return {}


@action(
    name="import_customers",
    label=_("Bring customers in from a file"),
    required=Level.NONE,
    because=(
        "Records come from another system, not from a caller: two people see the same preview before "
        "anything is written."
    ),
    form=NoParameters,
    origin="batch",
    roles=frozenset({"ADMINISTRATOR", "SUPERVISOR"}),
    writes=(
        "verification.Customer",
        "verification.ContactChange",
        "verification.Authenticator",
        "verification.ListCode",
        "verification.Hold",
        "verification.Mandate",
    ),
)
def import_customers(occasion: Occasion) -> Result:
    """Carry a prepared batch in; what was previewed is what comes in, or nothing does."""
    batch = occasion.grant.batch
    if batch is None or occasion.by is None:
        raise LookupError("an import without its batch")
    return carry_in(batch, by=occasion.by, at=occasion.at)
