"""Telling the recorded contacts what was done: the system does it, not the agent, and a changed contact's OLD one hears
too.

The gate only notes that a grant is to be told of, with the same statements for a number that is nobody's; who there is
to tell is looked up after the commit, by a task or the sweep. The note commits with the grant, so nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notices.actions import send
from verification.declarations import Declaration, declared
from verification.models import ContactChange, Customer, Grant, Telling

CHANNELS = {"PHONE": "SMS", "EMAIL": "EMAIL", "ADDRESS": "LETTER"}
IF_NOT_YOU = _("If this was not you, please call us on %(number)s: we will stop it.")
DAY = {"fi": "j.n.Y", "sv": "j F Y", "en": "j F Y"}  # read later than it is written: a letter says which day
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)

log = structlog.get_logger(__name__)


def queue(grant: Grant, *, at: datetime) -> None:
    """Note, in the grant's own transaction, that its recorded contacts are to be told, if there turn out to be any."""
    noted = Telling.objects.create(grant=grant, due_at=at)

    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def hint() -> None:
        current_app.send_task("verification.tasks.tell", kwargs={"telling_id": noted.pk}, ignore_result=True)

    transaction.on_commit(hint, robust=True)


def due(*, at: datetime, limit: int = 500) -> list[int]:
    """List the ids of tellings that are due and not done, the longest due first."""
    rows = Telling.objects.filter(done_at=None, due_at__lte=at).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def carry_out(telling_id: int, *, at: datetime) -> None:
    """Send what one grant has to tell, once, however often this is asked; one that fails is due again later."""
    try:
        with transaction.atomic():
            rows = Telling.objects.select_for_update(of=("self",)).filter(pk=telling_id, done_at=None, due_at__lte=at)
            found = rows.select_related("grant").first()
            if found is None:
                return
            _tell_of(found.grant, at)
            found.done_at = at
            found.save(update_fields=["done_at"])
    except Exception as error:  # one that can't be told must not keep the sweep from the others
        log.error("telling.failed", telling=telling_id, error=type(error).__name__)
        _put_off(telling_id, at)


def _tell_of(grant: Grant, at: datetime) -> None:
    action, customer, interaction = declared(grant.action), grant.customer, grant.interaction
    if customer is None or action is None or not action.told or (action.told_if and not action.told_if(grant)):
        return
    tell(
        customer,
        # As they were when it was granted: when one is being changed, it is the old one that must hear of it.
        customer.recorded_contacts(grant.decided_at),
        title=action.errand,
        text=_words(action, grant, customer.language),
        about=grant.action,
        reference=interaction.public_id if interaction else None,
        at=at,
    )


def _words(action: Declaration, grant: Grant, language: str) -> str:
    """Return what is told, with the day on which it takes effect where the text has a place for it."""
    with translation.override(language):
        told = str(action.told)
        return told if action.delay is None else told % {"day": day(grant.decided_at + action.delay(grant), language)}


def day(moment: datetime, language: str) -> str:
    """Write the day that a moment falls on at home, as it stands in a letter in this language."""
    with translation.override(language):
        return date_format(timezone.localtime(moment, timezone.get_default_timezone()), DAY[language])


def _put_off(telling_id: int, at: datetime) -> None:
    with transaction.atomic():
        found = Telling.objects.select_for_update().get(pk=telling_id)
        if found.done_at is None:
            found.due_at = at + min(FIRST_WAIT * 2 ** min(found.attempts, 8), LONGEST_WAIT)
            found.attempts = min(found.attempts + 1, 1000)
            found.save(update_fields=["due_at", "attempts"])


def tell(
    customer: Customer,
    contacts: Iterable[ContactChange],
    *,
    title: str | Promise,
    text: str | Promise,
    about: str,
    reference: UUID | None,
    at: datetime,
) -> None:
    """Send one notice to each contact in the customer's language, inside the caller's transaction."""
    number = customer.organisation.number_to_call or settings.IVR_NUMBER
    with translation.override(customer.language):
        for contact in contacts:
            send(
                subject=str(customer.pseudonym),
                channel=CHANNELS[contact.kind],
                address=contact.value,
                language=customer.language,
                title=str(title),
                text=f"{text} {IF_NOT_YOU % {'number': number}}",
                about=about,
                reference=reference,
                at=at,
                organisation=str(customer.organisation_id),
            )
