"""Changing the e-mail address and the phone number on record: after a delay, with a veto, the old contact told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from verification.declarations import Occasion, Result, action
from verification.levels import Level
from verification.models import ContactChange, Grant
from verification.policy import current

FRESH: Final = timedelta(minutes=10)
E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


def veto_delay(_grant: Grant) -> timedelta:
    """Return how long the owner has to say no before a changed contact counts."""
    return current().veto_delay


def change(occasion: Occasion, kind: str, value: str) -> Result:
    """Record a contact that takes effect after the veto delay, and vouches for nobody until its quarantine ends."""
    policy = current()
    effective_at = occasion.at + policy.veto_delay
    made = ContactChange.objects.create(
        customer=occasion.served,
        kind=kind,
        value=value,
        recorded_at=occasion.at,
        effective_at=effective_at,
        quarantined_until=effective_at + policy.quarantine,
    )
    return {"change": str(made.public_id), "effective_at": effective_at.isoformat()}


class EmailForm(forms.Form):
    """A new e-mail address."""

    email = forms.EmailField(label=_("e-mail"), max_length=254)


@action(
    name="change_email",
    label=_("Change the e-mail address"),
    matter=_("Change of e-mail address"),
    required=Level.SUBSTANTIAL,
    because=(
        "Links and messages follow the e-mail address, so the old one is told and its owner has time to stop the "
        "change; a proof that leans on the address does not count for changing it."
    ),
    form=EmailForm,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    largest_age=FRESH,
    not_resting_on=frozenset({ContactChange.Kind.EMAIL}),
    told=_("A new e-mail address was recorded for you. It takes effect on %(day)s unless you stop it."),
    delay=veto_delay,
    writes=("verification.ContactChange",),
)
def change_email(occasion: Occasion) -> Result:
    """Record an e-mail address; the old one stays in force until the delay has passed."""
    return change(occasion, ContactChange.Kind.EMAIL, occasion.parameters["email"])


class PhoneForm(forms.Form):
    """A new phone number, kept as ITU-T E.164 writes it; one that begins with a single 0 is Finnish."""

    phone = forms.CharField(label=_("phone number"), max_length=24)

    def clean_phone(self) -> str:
        typed = re.sub(r"[\s()./-]", "", self.cleaned_data["phone"])
        if typed.startswith("00"):
            typed = f"+{typed[2:]}"
        elif typed.startswith("0"):
            typed = f"+358{typed[1:]}"
        if not E164.fullmatch(typed):
            raise ValidationError(_("Write the number with its country code, for example +358 40 123 4567."))
        return typed


@action(
    name="change_phone",
    label=_("Change the phone number"),
    matter=_("Change of phone number"),
    required=Level.SUBSTANTIAL,
    because=(
        "Codes and links go to the phone, so whoever moves the number moves the account: the proof must stand "
        "without that phone, the old number is told, and its owner has time to stop it."
    ),
    form=PhoneForm,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    largest_age=FRESH,
    not_resting_on=frozenset({ContactChange.Kind.PHONE}),
    told=_("A new phone number was recorded for you. It takes effect on %(day)s unless you stop it."),
    delay=veto_delay,
    writes=("verification.ContactChange",),
)
def change_phone(occasion: Occasion) -> Result:
    """Record a phone number; the old one stays in force until the delay has passed.

    HIGH needs no exception: each road to it has a leg of SUBSTANTIAL that leans on no contact.
    """
    return change(occasion, ContactChange.Kind.PHONE, occasion.parameters["phone"])
