"""Calls that we promised, and the two words by which the customer knows that it is we who call."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit import keys
from audit.log import record
from cases.models import CallBack
from verification.models import Staff

SHOWN_FOR = timedelta(days=3)  # after it was due; later the caller remembers no words


def sealed(promised: CallBack, phrase: str) -> bytes:
    """Return the words as they are kept with their promise."""
    return keys.seal(phrase, context=f"call back:{promised.public_id}")


def promised_to(by: Staff, *, at: datetime) -> QuerySet[CallBack]:
    """Return the calls that this person's organisation has promised, the first due first."""
    here = CallBack.objects.filter(interaction__organisation_id=by.organisation_id, due_at__gt=at - SHOWN_FOR)
    return here.select_related("interaction", "customer").order_by("due_at")


def open_words(public_id: UUID, *, by: Staff, at: datetime) -> tuple[CallBack, str]:
    """Return a promised call with its words, for who makes it; that he opened them is an entry of the log.

    Raises CallBack.DoesNotExist for a call that isn't his to make, for whatever reason.
    """
    with transaction.atomic():
        promised = promised_to(by, at=at).get(public_id=public_id)
        if not by.may_serve(promised.customer) or not promised.sealed_phrase:
            raise CallBack.DoesNotExist
        customer, interaction = promised.customer, promised.interaction
        record(
            kind="call_back.opened",
            actor=by.actor,
            subject=str(customer.pseudonym if customer else interaction.pseudonym),
            at=at,
            outcome="ok",
            purpose="call the customer back, so that he knows that it is we",
            organisation=str(interaction.organisation_id),
            facts={"interaction": str(interaction.public_id), "call_back": str(public_id)},
        )
        words = keys.unseal(bytes(promised.sealed_phrase), context=f"call back:{public_id}").decode()
        return promised, words
