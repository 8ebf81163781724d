"""Claims: "I am this person, and I speak for this customer." Noted in the same way whether or not there is such a
customer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.log import record
from verification.interactions import Ended
from verification.models import Claim, Customer, Interaction, NameSearch, Staff
from verification.numbers import mark
from verification.policy import current


class TooMany(RuntimeError):
    """Refuse one more claim or search: trying customers in a row is how records are harvested."""


def claim_number(
    interaction_id: UUID, number: str, *, capacity: str, source: str, by: Staff | None, at: datetime
) -> Claim:
    """Note that the caller claims the customer of this number. Voids all earlier evidence of the speaker.

    Whether the number exists is not told. Raises Ended or TooMany; after TooMany nothing was noted.
    """
    with transaction.atomic():
        interaction = _live(interaction_id)
        same = Customer.objects.filter(number=number[:8], organisation_id=interaction.organisation_id)
        found = same.first()
        return _claim(interaction, found, mark=mark(number), capacity=capacity, source=source, by=by, at=at)


def claim_name(
    interaction_id: UUID, *, family_name: str, given_names: str, capacity: str, by: Staff, at: datetime
) -> int:
    """Look a name up for the caller and return how many customers bear it; when it is one, note the claim.

    The count is all that anybody sees. Raises Ended or TooMany.
    """
    with transaction.atomic():
        interaction = _live(interaction_id)
        if interaction.searches.count() >= current().claims.name_searches_per_interaction:
            raise TooMany
        bearers = list(
            Customer.objects.filter(
                organisation_id=interaction.organisation_id,
                family_name__iexact=family_name.strip(),
                given_names__iexact=given_names.strip(),
            )[:50]
        )
        NameSearch.objects.create(interaction=interaction, searched_by=by, searched_at=at, found=len(bearers))
        _entry(
            interaction,
            "claim.name_searched",
            by,
            at,
            {"found": len(bearers)},
            {"name": f"{given_names} {family_name}"[:200]},
        )
        if len(bearers) == 1:
            named = mark(bearers[0].number)
            _claim(interaction, bearers[0], mark=named, capacity=capacity, source=Claim.Source.STAFF, by=by, at=at)
        return len(bearers)


def claim_of_visit(interaction: Interaction, customer: Customer | None, *, by: Staff, at: datetime) -> Claim:
    """Note the claim with which a booked visit begins, inside the caller's transaction. It is at NONE like any.

    No limit stands in its way: others' guesses at his number must not turn the customer away at the desk.
    """
    named = mark(customer.number) if customer else mark("")
    return _note(interaction, customer, named, Claim.Capacity.SELF, Claim.Source.VISIT, by, at)


def _claim(
    interaction: Interaction,
    customer: Customer | None,
    *,
    mark: str,
    capacity: str,
    source: str,
    by: Staff | None,
    at: datetime,
) -> Claim:
    _within_limits(interaction, mark, by, at)
    return _note(interaction, customer, mark, capacity, source, by, at)


def _note(
    interaction: Interaction,
    customer: Customer | None,
    mark: str,
    capacity: str,
    source: str,
    by: Staff | None,
    at: datetime,
) -> Claim:
    noted = Claim.objects.create(
        speaker=interaction.speakers.order_by("pk")[0],
        customer=customer,
        mark=mark,
        capacity=capacity,
        source=source,
        claimed_at=at,
        claimed_by=by,
    )
    _entry(interaction, "claim.made", by, at, {"capacity": capacity, "source": source}, {"known": customer is not None})
    return noted


def _within_limits(interaction: Interaction, mark: str, by: Staff | None, at: datetime) -> None:
    limits, today = current().claims, at - timedelta(days=1)
    claims = Claim.objects.filter(claimed_at__gt=today)
    over = Claim.objects.filter(speaker__interaction=interaction).count() >= limits.per_interaction
    over = over or (by is not None and claims.filter(claimed_by=by).count() >= limits.per_staff_per_day)
    # Counted for nobody's number too: a limit that only customers have would tell who is one.
    over = over or claims.filter(mark=mark).count() >= limits.per_customer_per_day
    if over:
        raise TooMany


def _live(interaction_id: UUID) -> Interaction:
    found = Interaction.objects.select_for_update().get(public_id=interaction_id)
    if not found.live:
        raise Ended
    return found


def _entry(
    interaction: Interaction,
    kind: str,
    by: Staff | None,
    at: datetime,
    facts: dict[str, object],
    personal: dict[str, object],
) -> None:
    record(
        kind=kind,
        actor=by.actor if by else interaction.actor,
        subject=str(interaction.pseudonym),
        at=at,
        outcome="ok",
        purpose="find out whose matter it is",
        organisation=str(interaction.organisation_id),
        facts={"interaction": str(interaction.public_id), **facts},
        personal=personal,
    )
