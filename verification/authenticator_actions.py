"""Enrolling, replacing and taking away what a customer proves himself with.

Enrolment is the takeover: what is enrolled counts after a day in which its owner may stop it, or at once when a second
person has decided (docs/decisions/0008-enrolment.md). Nobody does it for another: whoever holds the keys is the person.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, Value
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notices.actions import send
from verification import guard, setups
from verification.declarations import IN_PERSON, Occasion, Result, action
from verification.forms import NoParameters
from verification.keypad import LIST_LENGTH, hash_code
from verification.levels import Level
from verification.models import (
    Authenticator,
    AuthenticatorEnd,
    ContactChange,
    Customer,
    Grant,
    ListCode,
    Passkey,
    PasskeyEnd,
)
from verification.models.waiting import insert
from verification.policy import current

for model in ("AuthenticatorEnd", "Passkey", "PasskeyEnd"):
    guard.protect(f"verification.{model}")

FRESH: Final = timedelta(minutes=10)
PASSKEY: Final = "PASSKEY"


class AtOnceForm(forms.Form):
    """Whether it should count at once, which takes a second person, or after the day in which it can be stopped."""

    at_once = forms.BooleanField(label=gettext_lazy("at once, with a second person's approval"), required=False)


def alone(asked: Any) -> bool:
    """Tell whether one person may do it: yes, when it takes effect only after the owner had his day."""
    return not asked["at_once"]


def delay(grant: Grant) -> timedelta:
    """Return how long after its grant an enrolment counts: at once when two people decided, else after the delay."""
    return timedelta() if grant.proposal_id else current().enrolment


def _effective(occasion: Occasion) -> datetime:
    return occasion.at + delay(occasion.grant)


@action(
    name="enrol_code_app",
    label=gettext_lazy("Enrol a code app"),
    matter=gettext_lazy("Enrolment of a code app"),
    required=Level.HIGH,
    because=(
        "Whoever enrols a code app becomes the customer on the phone: the highest proof, every contact told, and "
        "a day to stop it or two people who have seen him."
    ),
    form=AtOnceForm,
    needs_claim=True,
    needs_customer=True,
    scope=IN_PERSON,
    largest_age=FRESH,
    alone_up_to=alone,
    told=gettext_lazy("A new code app was enrolled for you. Its codes count from %(day)s unless you stop it."),
    delay=delay,
    writes=("verification.Authenticator",),
)
def enrol_code_app(occasion: Occasion) -> Result:
    """Make a key that only its owner will see, on a page of his own; the app in use counts until then."""
    setup = setups.begin(occasion.served, effective_at=_effective(occasion), at=occasion.at)
    return {"setup": str(setup.public_id), "effective_at": setup.authenticator.effective_at.isoformat()}


class NoAddress(LookupError):
    """Tell that no postal address stands on record long enough for a letter with secrets."""


@action(
    name="replace_code_list",
    label=gettext_lazy("Send a new code list"),
    matter=gettext_lazy("New code list"),
    required=Level.HIGH,
    because=(
        "A list of codes is a bunch of keys: it goes by letter to the address on record only, after the highest "
        "proof, and every contact is told."
    ),
    form=AtOnceForm,
    needs_claim=True,
    needs_customer=True,
    scope=IN_PERSON,
    largest_age=FRESH,
    alone_up_to=alone,
    told=gettext_lazy(
        "A new code list was sent to your postal address. Its codes count from %(day)s unless you stop it."
    ),
    delay=delay,
    writes=("verification.Authenticator", "verification.ListCode"),
)
def replace_code_list(occasion: Occasion) -> Result:
    """Make a list and send it by letter, sealed, to the recorded address. Raises NoAddress.

    The codes are in the letter and, hashed, in our records; nobody of the staff sees them.
    """
    customer, effective_at = occasion.served, _effective(occasion)
    address = customer.contact(ContactChange.Kind.ADDRESS, occasion.at)
    if address is None or address.quarantined_until > occasion.at:
        raise NoAddress
    codes = [f"{secrets.randbelow(10**6):06d}" for _place in range(LIST_LENGTH)]
    _write_list(customer, codes, effective_at=effective_at, at=occasion.at)
    _send_list(customer, codes, address.value, at=occasion.at)
    return {"effective_at": effective_at.isoformat()}


def _write_list(customer: Customer, codes: list[str], *, effective_at: datetime, at: datetime) -> None:
    made = Authenticator.objects.create(
        customer=customer, kind=Authenticator.Kind.CODE_LIST, enrolled_at=at, effective_at=effective_at
    )
    ListCode.objects.bulk_create(
        ListCode(authenticator=made, customer=customer, index=index, hashed=hash_code(code))
        for index, code in enumerate(codes, 1)
    )


def _send_list(customer: Customer, codes: list[str], address: str, *, at: datetime) -> None:
    """Send the list with no reference: secrets are bundled with nothing else."""
    with translation.override(customer.language):
        head = _("Here is your new code list. Never tell a code to anybody: each is only for the keypad of your phone.")
        lines = [f"{index}. {code}" for index, code in enumerate(codes, 1)]
        title = _("Your new code list")
    send(
        subject=str(customer.pseudonym),
        channel="LETTER",
        address=address,
        language=customer.language,
        title=title,
        text="\n".join([head, "", *lines]),
        about="code_list",
        at=at,
        organisation=str(customer.organisation_id),
    )


class WhichForm(forms.Form):
    """What is taken out of use."""

    which = forms.ChoiceField(
        label=gettext_lazy("what is taken out of use"),
        choices=[*Authenticator.Kind.choices, (PASSKEY, gettext_lazy("passkey"))],
    )


@action(
    name="reset_authenticator",
    label=gettext_lazy("Take codes or passkeys out of use"),
    matter=gettext_lazy("Resetting of codes"),
    required=Level.HIGH,
    because=(
        "A lost phone or list must stop counting at once, and taking it away opens no door; but it could lock the "
        "owner out, so it asks the highest proof and tells every contact."
    ),
    form=WhichForm,
    needs_claim=True,
    needs_customer=True,
    scope=IN_PERSON,
    largest_age=FRESH,
    told=gettext_lazy("Codes or passkeys of yours were taken out of use."),
    writes=("verification.AuthenticatorEnd", "verification.PasskeyEnd"),
)
def reset_authenticator(occasion: Occasion) -> Result:
    """End every authenticator of one kind, those that do not count yet too. What replaces it waits for its own day."""
    customer, which = occasion.served, occasion.parameters["which"]
    if which == PASSKEY:
        keys = Passkey.objects.filter(customer=customer, end__isnull=True)
        made = [PasskeyEnd(passkey=key, customer=customer, ended_at=occasion.at) for key in keys]
        return {"ended": len(PasskeyEnd.objects.bulk_create(made))}
    codes = Authenticator.objects.filter(customer=customer, kind=which, end__isnull=True)
    ends = [AuthenticatorEnd(authenticator=each, customer=customer, ended_at=occasion.at) for each in codes]
    return {"ended": len(AuthenticatorEnd.objects.bulk_create(ends))}


class PasskeyForm(forms.Form):
    """A passkey as the customer's own browser made it: credential id and COSE public key, each in base64url."""

    credential_id = forms.RegexField(r"^[A-Za-z0-9_-]{16,1400}$", label=gettext_lazy("credential"))
    public_key = forms.RegexField(r"^[A-Za-z0-9_-]{40,1400}$", label=gettext_lazy("public key"))

    def clean_credential_id(self) -> str:
        return _readable(self.cleaned_data["credential_id"])

    def clean_public_key(self) -> str:
        return _readable(self.cleaned_data["public_key"])


def _readable(text: str) -> str:
    try:
        from_base64url(text)
    except ValueError:
        raise ValidationError(_("The value is of the wrong type.")) from None
    return text


def from_base64url(text: str) -> bytes:
    """Return the bytes of base64url without padding (RFC 4648 section 5). Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@action(
    name="enrol_passkey",
    label=gettext_lazy("Enrol a passkey"),
    matter=gettext_lazy("Enrolment of a passkey"),
    required=Level.HIGH,
    because=(
        "A passkey speaks for the customer by itself from then on: he makes it himself in his own browser, with "
        "the highest proof, and has a day to stop one that he did not make."
    ),
    form=PasskeyForm,
    needs_claim=True,
    needs_customer=True,
    scope=IN_PERSON,
    largest_age=FRESH,
    by_caller=True,
    made_on_page=True,
    roles=frozenset(),
    told=gettext_lazy("A new passkey was enrolled for you. It counts from %(day)s unless you stop it."),
    delay=delay,
    writes=("verification.Passkey",),
)
def enrol_passkey(occasion: Occasion) -> Result:
    """Write the passkey that the customer's own browser made; a credential that is known already fails."""
    credential = from_base64url(occasion.parameters["credential_id"])
    made = Passkey.objects.create(
        customer=occasion.served,
        credential_id=credential,
        credential_digest=sha256(credential).hexdigest(),
        public_key=from_base64url(occasion.parameters["public_key"]),
        enrolled_at=occasion.at,
        effective_at=_effective(occasion),
    )
    return {"passkey": str(made.public_id), "effective_at": made.effective_at.isoformat()}


def _stopped(grant: Grant) -> bool:
    ended = {"customer": grant.customer, "ended_at": grant.decided_at}
    return AuthenticatorEnd.objects.filter(**ended).exists() or PasskeyEnd.objects.filter(**ended).exists()


@action(
    name="stop_enrolment",
    label=gettext_lazy("Stop a new code app, code list or passkey"),
    matter=gettext_lazy("Stopping of an enrolment"),
    required=Level.NONE,
    because=(
        "The contacts on record were told of it; whoever says that it was not him may stop what does not count "
        "yet, and nothing is lost by it."
    ),
    form=NoParameters,
    needs_claim=True,
    protective=True,
    by_caller=True,
    told=gettext_lazy("A new code app, code list or passkey was stopped before it counted, as was asked for."),
    told_if=_stopped,
    writes=("verification.AuthenticatorEnd", "verification.PasskeyEnd"),
)
def stop_enrolment(occasion: Occasion) -> Result:
    """End all that is enrolled and does not count yet. Answer and statements are the same when there is none."""
    owner, stopped_at = occasion.customer.pk if occasion.customer else 0, Value(occasion.at, DateTimeField())
    codes = Authenticator.objects.pending(occasion.at).filter(customer=owner)
    passkeys = Passkey.objects.pending(occasion.at).filter(customer=owner)
    columns = ("customer_id", "ended_at")
    insert(AuthenticatorEnd, ("authenticator_id", *columns), codes.values_list("pk", "customer_id", stopped_at))
    insert(PasskeyEnd, ("passkey_id", *columns), passkeys.values_list("pk", "customer_id", stopped_at))
    return {}
