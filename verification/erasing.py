"""Forgetting a former customer: asked for by one person, approved by another, done through the gate.

What names him goes: his record, what he can prove himself with, his words, the keys under which the rest is sealed.
Rows of decisions and the log's entries stay, with every proof over them, and tell of nobody any more. It is done only
when his account has been closed for as long as the law makes us keep it, and nothing of his is still under way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from audit import erasure, retention
from verification import batches
from verification.batches import BadFile
from verification.emptying import empty
from verification.guard import emptied
from verification.levels import Level
from verification.models import (
    Authenticator,
    AuthenticatorSetup,
    Batch,
    Claim,
    ClosedAccount,
    ContactChange,
    Customer,
    Grant,
    Interaction,
    KeypadRoad,
    ListCode,
    Mandate,
    ParkedMatter,
    Passkey,
    Proposal,
    SmsCode,
    Staff,
)
from verification.numbers import mark, well_formed

ACTION: Final = "erase_customers"
MOST: Final = 1_000
PURPOSE: Final = "forget a former customer"
UUID_FORM: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ROOMS: Final[list[Callable[[Customer], None]]] = []
_GOING_ON: Final[list[Callable[[Customer, datetime], bool]]] = []


def room(forget: Callable[[Customer], None], *, going_on: Callable[[Customer, datetime], bool]) -> None:
    """Let another room forget what it keeps of a customer, and object as long as something of his is under way."""
    _ROOMS.append(forget)
    _GOING_ON.append(going_on)


def prepare(numbers: str, because: str, *, by: Staff, at: datetime) -> Batch:
    """Store which customers are to be forgotten, and why, for a second person to approve. Raises BadFile."""
    given = numbers.split()
    if faults := _problems(given, because):
        raise BadFile(faults)
    content = json.dumps({"numbers": given, "because": because.strip()}).encode()
    return batches.prepare(ACTION, content, rows=len(given), purpose=PURPOSE, by=by, at=at)


def _problems(numbers: list[str], because: str) -> list[str]:
    found = [_("%(number)s is no customer number.") % {"number": each} for each in numbers if not well_formed(each)]
    if not numbers or len(numbers) > MOST or len(set(numbers)) < len(numbers):
        found.append(_("Give from one to %(most)d numbers, each once.") % {"most": MOST})
    if len(because.strip()) < 10:
        found.append(_("Say why, in words."))
    return found


def asked(batch: Batch) -> tuple[list[str], str]:
    """Return whom to forget, and the reason that was given: who approves must know what. Raises BadFile."""
    content = json.loads(batches.content(batch))
    return [str(number) for number in content["numbers"]], str(content["because"])


def carry_out(batch: Batch, *, by: Staff, at: datetime) -> dict[str, Any]:
    """Forget those customers who may be forgotten, inside the gate; the others are left as they are.

    Which they are is not told apart: a number that is nobody's is left alone like one whose time has not come.
    """
    numbers, _why = asked(batch)
    found = Customer.objects.filter(organisation_id=batch.organisation_id, number__in=numbers)
    gone = [customer for customer in found.order_by("pk") if _may_be_forgotten(customer, at)]
    for customer in gone:
        _forget(customer, by, at)
    batches.done(batch, by=by, at=at)
    return {"erased": len(gone), "left_alone": len(numbers) - len(gone)}


def _may_be_forgotten(customer: Customer, at: datetime) -> bool:
    since = at - retention.lasts("evidence")
    closed = ClosedAccount.objects.filter(customer=customer, closed_at__lte=since)
    # What was granted on some proof lately must be provable as long as anything else: nobody forgets it away.
    granted = Grant.objects.filter(customer=customer, held__gte=Level.LOW, decided_at__gt=since)
    return closed.exists() and not granted.exists() and not any(going_on(customer, at) for going_on in _GOING_ON)


def _forget(customer: Customer, by: Staff, at: datetime) -> None:
    contacts = _contacts_of_him_alone(customer, at - retention.lasts("evidence"))
    for forget in _ROOMS:
        forget(customer)
    Interaction.objects.filter(pseudonym__in=contacts).update(sealed_line=b"")
    for subject in (str(customer.pseudonym), *contacts):
        erasure.erase(
            subject=subject, actor=by.actor, purpose=PURPOSE, at=at, organisation=str(customer.organisation_id)
        )


def _contacts_of_him_alone(customer: Customer, before: datetime) -> list[str]:
    """Return the pseudonyms of old contacts in which nobody else was named: what was told before he was is his too.

    Newer ones keep their keys, and the line that was called from, until their own time: anybody may have said his
    number, and what he did is provable.
    """
    of_others = Claim.objects.filter(speaker__interaction=OuterRef("pk"), customer__isnull=False).exclude(
        customer=customer
    )
    his = Interaction.objects.filter(~Exists(of_others), speakers__claims__customer=customer, started_at__lte=before)
    his = his.distinct()
    return [str(pseudonym) for pseudonym in his.values_list("pseudonym", flat=True)]


def _forget_here(customer: Customer) -> None:
    """Empty his record, and let go of what counted for his number."""
    KeypadRoad.objects.filter(mark=mark(customer.number)).delete()
    claims = Claim.objects.filter(customer=customer) | Claim.objects.filter(person=customer)
    SmsCode.objects.filter(claim__in=claims).delete()
    AuthenticatorSetup.objects.filter(customer=customer).delete()
    ParkedMatter.objects.filter(refusal__customer=customer).delete()
    for model in (ContactChange, Authenticator, ListCode, Passkey):
        empty_of(model, customer=customer)
    empty_of(Mandate, principal=customer)
    for claim_of in ("customer", "person"):
        empty_of(Claim, **{claim_of: customer})
    empty_of(Customer, pk=customer.pk)


def empty_of(model: type[Any], **which: Any) -> None:
    """Empty the personal columns of those rows of a model."""
    empty(model.objects.filter(**which), *emptied()[model._meta.label])


def _going_on_here(customer: Customer, at: datetime) -> bool:
    live = Interaction.objects.filter(speakers__claims__customer=customer, ended_at__isnull=True)
    waiting = Proposal.objects.filter(customer=customer, end__isnull=True, expires_at__gt=at)
    return live.exists() or waiting.exists()


def _still_somebodys(subjects: list[str]) -> list[str]:
    """Return which of these are customers who have not been forgotten: their keys stay however long they are silent."""
    pseudonyms = [subject for subject in subjects if UUID_FORM.fullmatch(subject)]
    persons = Customer.objects.filter(pseudonym__in=pseudonyms).exclude(family_name="")
    return [str(pseudonym) for pseudonym in persons.values_list("pseudonym", flat=True)]


room(_forget_here, going_on=_going_on_here)
erasure.keep(_still_somebodys)
