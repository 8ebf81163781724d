"""What leaves us for a customer: money, goods and a copy of his data. Tasks carry the instructions out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from cases import exports, outbox
from cases.models import ExportRequest, Goodwill, Refund, RefundStop, Shipment
from verification import guard
from verification.actions import AddressForm
from verification.declarations import IN_PERSON, Occasion, Result, action
from verification.forms import NoParameters
from verification.levels import Level
from verification.models import Grant, Staff
from verification.policy import current

for model in ("Refund", "RefundStop", "Goodwill", "Shipment", "ExportRequest"):
    guard.protect(f"cases.{model}")

IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
NEW_ACCOUNT: Final = "refund_to_new_account"


class RefundForm(forms.Form):
    """How much to pay back, and for what."""

    amount = forms.IntegerField(label=_("amount in cents"), min_value=1, max_value=100_000_000)
    reason = forms.CharField(label=_("reason"), max_length=200, min_length=5)


@action(
    name="refund_to_account",
    label=_("Pay back to the account on record"),
    matter=_("Refund to the account on record"),
    required=Level.SUBSTANTIAL,
    because="Money leaves us, though only to where the customer's own money comes from; larger sums are seen by two.",
    form=RefundForm,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    alone_up_to=lambda asked: asked["amount"] <= current().refund_alone_most,
    sum_of=lambda asked: int(asked["amount"]),
    reach="outbox",
    told=_("A refund to your account on record was set in motion."),
    writes=("cases.Refund",),
)
def refund_to_account(occasion: Occasion) -> Result:
    """Write the instruction and its delivery. The money moves only by the task that carries the instruction out."""
    if not occasion.served.account:
        raise LookupError("no account is on record")
    return _refund(occasion, due_at=occasion.at)


def _refund(occasion: Occasion, *, due_at: datetime) -> Result:
    refund = Refund.objects.create(
        customer=occasion.served,
        grant=occasion.grant,
        amount=occasion.parameters["amount"],
        currency=current().currency,
        reason=occasion.parameters["reason"],
        instructed_at=occasion.at,
    )
    outbox.intend(occasion.grant, due_at=due_at, at=occasion.at)
    return {"refund": str(refund.public_id), "amount": refund.amount, "currency": refund.currency}


class NewAccountForm(RefundForm):
    """How much to pay back, for what, and to which account that is not on record (ISO 13616)."""

    account = forms.CharField(label=_("new account (IBAN)"), max_length=42)

    def clean_account(self) -> str:
        iban = "".join(self.cleaned_data["account"].split()).upper()
        if not _is_iban(iban):
            raise ValidationError(_("This is no account number (IBAN). Ask for it once more."))
        return iban


def _is_iban(iban: str) -> bool:
    """Tell whether the check digits of ISO 13616 (modulo 97) hold."""
    if IBAN.fullmatch(iban) is None:
        return False
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def wait_for_veto(_grant: Grant) -> timedelta:
    """Return how long a refund to a new account waits, so that its owner can stop it."""
    return current().veto_delay


@action(
    name=NEW_ACCOUNT,
    label=_("Pay back to a new account"),
    matter=_("Refund to a new account"),
    required=Level.HIGH,
    because=(
        "Money to an account that nobody knows is what a swindler wants: the highest proof, the customer's own "
        "approval of exactly this, a second person, and three days in which every recorded contact may stop it."
    ),
    form=NewAccountForm,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    largest_age=timedelta(minutes=30),
    linked=True,
    alone_up_to=lambda _asked: False,
    sum_of=lambda asked: int(asked["amount"]),
    reach="outbox",
    told=_("A refund to a new account of yours was set in motion. The money leaves on %(day)s unless you stop it."),
    delay=wait_for_veto,
    writes=("cases.Refund",),
)
def refund_to_new_account(occasion: Occasion) -> Result:
    """Write the instruction; it leaves when the veto delay is over and nobody has stopped it."""
    leaves_at = occasion.at + wait_for_veto(occasion.grant)
    return {**_refund(occasion, due_at=leaves_at), "effective_at": leaves_at.isoformat()}


@action(
    name="stop_refund",
    label=_("Stop a refund to a new account"),
    matter=_("Stopping of a refund to a new account"),
    required=Level.NONE,
    because=(
        "The recorded contacts were told of the new account; whoever says that it was not him may stop the money, "
        "and it stays where it was."
    ),
    form=NoParameters,
    needs_claim=True,
    protective=True,
    by_caller=True,
    told=_("A refund to a new account was stopped before the money left, as was asked for."),
    told_if=lambda grant: RefundStop.objects.filter(customer=grant.customer, stopped_at=grant.decided_at).exists(),
    writes=("cases.RefundStop",),
)
def stop_refund(occasion: Occasion) -> Result:
    """Stop every refund to a new account that has not left. The answer is the same whether or not there was one."""
    RefundStop.stop_waiting(occasion.customer, action=NEW_ACCOUNT, at=occasion.at)
    return {}


class GoodwillForm(forms.Form):
    """How much to give, and why."""

    amount = forms.IntegerField(label=_("amount in cents"), min_value=1, max_value=1_000_000)
    reason = forms.CharField(label=_("reason"), max_length=200, min_length=5)


def inside_budget(by: Staff, asked: Mapping[str, Any], at: datetime) -> bool:
    """Tell whether this agent's goodwill of the month, with this, stays inside his budget.

    What a second person decided is not counted: it was no discretion of the agent's own. Asked inside the gate's
    transaction: the agent's row is locked until it commits, or two contacts of his at once would each see a budget
    that the other is about to spend. The caps over his grants lock it too, before this; but what holds must not hang on
    a cap that policy.toml may drop.
    """
    Staff.objects.select_for_update().only("pk").get(pk=by.pk)
    home = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    since = home.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    given = Goodwill.objects.filter(given_by=by, given_at__gte=since, grant__proposal__isnull=True)
    spent: int = given.aggregate(sum=Sum("amount"))["sum"] or 0
    return spent + int(asked["amount"]) <= current().goodwill_budget


@action(
    name="goodwill",
    label=_("Give money as goodwill"),
    matter=_("Goodwill"),
    required=Level.SUBSTANTIAL,
    because=(
        "Kindness is inside a budget that each agent has for the month, and goes to the account on record; beyond "
        "it a second person decides."
    ),
    form=GoodwillForm,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    inside_budget=inside_budget,
    sum_of=lambda asked: int(asked["amount"]),
    reach="outbox",
    told=_("We gave you a sum as goodwill; it is paid to your account on record."),
    writes=("cases.Goodwill",),
)
def goodwill(occasion: Occasion) -> Result:
    """Write what was given and the instruction to pay it to the account on record."""
    if not occasion.served.account:
        raise LookupError("no account is on record")
    given = Goodwill.objects.create(
        customer=occasion.served,
        grant=occasion.grant,
        amount=occasion.parameters["amount"],
        currency=current().currency,
        reason=occasion.parameters["reason"],
        given_at=occasion.at,
        given_by=occasion.by,
    )
    outbox.intend(occasion.grant, due_at=occasion.at, at=occasion.at)
    return {"goodwill": str(given.public_id), "amount": given.amount, "currency": given.currency}


class ShipmentForm(AddressForm):
    """Which order, and where it goes instead of the address on record."""

    order = forms.RegexField(r"^[A-Za-z0-9-]{3,40}$", label=_("order number"))
    field_order = ("order",)


@action(
    name="goods_to_new_address",
    label=_("Send goods to a new address"),
    matter=_("Sending of goods to a new address"),
    required=Level.SUBSTANTIAL,
    because=(
        "A parcel to another door is money to another door: the customer approves the order and the address "
        "himself, and his contacts are told."
    ),
    form=ShipmentForm,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    largest_age=timedelta(minutes=30),
    linked=True,
    reach="outbox",
    told=_("Goods that you ordered are sent to another address than the one on record, as was approved in your name."),
    writes=("cases.Shipment",),
)
def goods_to_new_address(occasion: Occasion) -> Result:
    """Write the instruction for this one order; the address on record stays as it is."""
    made = Shipment.objects.create(
        customer=occasion.served,
        grant=occasion.grant,
        order=occasion.parameters["order"],
        instructed_at=occasion.at,
    )
    outbox.intend(occasion.grant, due_at=occasion.at, at=occasion.at)
    return {"shipment": str(made.public_id)}


@action(
    name="data_subject_export",
    label=_("Order a copy of all data for the customer"),
    matter=_("Copy of your own data"),
    required=Level.SUBSTANTIAL,
    because=(
        "A copy of everything is a right of the customer and a treasure for anyone else: fresh proof, his own "
        "approval, and it opens only to himself, on his own page."
    ),
    form=NoParameters,
    needs_claim=True,
    needs_customer=True,
    scope=IN_PERSON,
    largest_age=timedelta(minutes=10),
    linked=True,
    told=_("A copy of your data was ordered. It opens only to you, with strong identification."),
    writes=("cases.ExportRequest",),
)
def data_subject_export(occasion: Occasion) -> Result:
    """Write the request; a task prepares the copy, and no screen of ours shows it."""
    asked = ExportRequest.objects.create(customer=occasion.served, asked_at=occasion.at)
    exports.intend(asked, at=occasion.at)
    return {"export": str(asked.public_id)}
