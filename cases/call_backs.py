"""Calls that we promised: which are due, who makes them, what came of them, and the words by which we are known.

Who opens a call sees the recorded number, which is the customer's: so nobody makes a call to a customer whom he named
himself, each opening is an entry of the log, and the customer finds it among those who looked at his data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from audit import keys, looks
from audit.log import record
from cases.models import CallBack, CallBackEvent
from verification.claims import TooMany, claim_number
from verification.interactions import open_by_staff
from verification.models import Claim, ContactChange, Interaction, Staff

Kind = CallBackEvent.Kind
SHOWN_FOR: Final = timedelta(days=3)  # after it was due; later the caller remembers no words
ENDS: Final = (Kind.REACHED, Kind.NO_NUMBER, Kind.CANCELLED)
OUTCOMES: Final = (*ENDS, Kind.NO_ANSWER)
looks.register("call_back.opened", _("We looked your number up to make the call that was asked for in your name."))


class NotYours(PermissionError):
    """Refuse a call to who named its customer himself: a colleague makes it."""


@dataclass(frozen=True)
class Opened:
    """A promised call as it is made: the words to say first, and the recorded number, "" when there is none."""

    call: CallBack
    words: str = field(repr=False)
    number: str = field(repr=False)


def sealed(promised: CallBack, phrase: str) -> bytes:
    """Return the words as they are kept with their promise."""
    return keys.seal(phrase, context=f"call back:{promised.public_id}")


def promised_to(by: Staff, *, at: datetime) -> QuerySet[CallBack]:
    """Return the calls that this person's organisation still has to make, the first due first."""
    ended = CallBackEvent.objects.filter(call_back=OuterRef("pk"), kind__in=ENDS)
    here = CallBack.objects.filter(interaction__organisation_id=by.organisation_id, due_at__gt=at - SHOWN_FOR)
    waiting = here.filter(~Exists(ended)).select_related("interaction", "customer")
    return waiting.prefetch_related("events__by").order_by("due_at")


def open_words(public_id: UUID, *, by: Staff, at: datetime) -> Opened:
    """Return a promised call with its words and its number, for who makes it; that he opened it is an entry of the log.

    Raises CallBack.DoesNotExist for a call that isn't his to make, for whatever reason, or NotYours.
    """
    with transaction.atomic():
        promised = _to_make(public_id, by, at)
        CallBackEvent.objects.create(call_back=promised, kind=Kind.OPENED, at=at, by=by)
        _entry("call_back.opened", promised, by, at, "ok", "call the customer back, so that he knows that it is we")
        words = keys.unseal(bytes(promised.sealed_phrase), context=f"call back:{public_id}").decode()
        return Opened(promised, words, _number(promised, at))


def settle(public_id: UUID, outcome: str, *, by: Staff, at: datetime) -> Interaction | None:
    """Note what came of a call that `by` opened; when somebody was reached, open the contact and return it.

    It begins like any other, at NONE: who answers a number has proved nothing. Raises CallBack.DoesNotExist, NotYours
    or ValueError for an outcome that is none.
    """
    if outcome not in OUTCOMES:
        raise ValueError(outcome)
    with transaction.atomic():
        promised = _to_make(public_id, by, at)
        CallBackEvent.objects.create(call_back=promised, kind=outcome, at=at, by=by)
        _entry("call_back.settled", promised, by, at, outcome.lower(), "keep what was promised")
        return _reached(promised, by, at) if outcome == Kind.REACHED else None


def _to_make(public_id: UUID, by: Staff, at: datetime) -> CallBack:
    CallBack.objects.select_for_update().get(public_id=public_id)
    promised = promised_to(by, at=at).get(public_id=public_id)
    if not by.may_serve(promised.customer) or not promised.sealed_phrase:
        raise CallBack.DoesNotExist
    if Claim.objects.filter(speaker__interaction=promised.interaction, claimed_by=by).exists():
        raise NotYours
    return promised


def _number(promised: CallBack, at: datetime) -> str:
    """Return the recorded number that isn't in quarantine: a number of yesterday may be the swindler's own."""
    if promised.customer is None:
        return ""
    contacts = promised.customer.recorded_contacts(at)
    phones = [each for each in contacts if each.kind == ContactChange.Kind.PHONE and each.quarantined_until <= at]
    return phones[0].value if phones else ""


def _reached(promised: CallBack, by: Staff, at: datetime) -> Interaction:
    language = promised.interaction.language
    opened = open_by_staff(by, channel=Interaction.Channel.PHONE, language=language, at=at)
    if promised.customer is not None:
        try:
            claim_number(
                opened.public_id, promised.customer.number, capacity=Claim.Capacity.SELF, source=Claim.Source.STAFF,
                by=by, at=at,
            )  # fmt: skip
        except TooMany:
            return opened  # he is reached all the same; whose matter it is, is noted by hand
    return opened


def _entry(kind: str, promised: CallBack, by: Staff, at: datetime, outcome: str, purpose: str) -> None:
    customer, interaction = promised.customer, promised.interaction
    record(
        kind=kind,
        actor=by.actor,
        subject=str(customer.pseudonym if customer else interaction.pseudonym),
        at=at,
        outcome=outcome,
        purpose=purpose,
        organisation=str(interaction.organisation_id),
        facts={
            "interaction": str(interaction.public_id),
            "call_back": str(promised.public_id),
            "about": promised.about,
            "role": by.role,
        },
    )
