"""Claims: "I am this person, and I speak for this customer." Noted in the same way whether or not there is such a
customer.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.log import record
from verification import namesakes, prompt_ends
from verification.interactions import Ended
from verification.models import Claim, Customer, Interaction, NameSearch, Speaker, Staff
from verification.numbers import mark
from verification.policy import current


class TooMany(RuntimeError):
    """Refuse one more claim or search: trying customers in a row is how records are harvested."""


def claim_number(
    interaction_id: UUID,
    number: str,
    *,
    capacity: str,
    source: str,
    by: Staff | None,
    at: datetime,
    own_number: str = "",
    speaker: UUID | None = None,
) -> Claim:
    """Note that the caller claims the customer of this number. Voids all earlier evidence of the speaker.

    The same claim again changes nothing: it is an entry, the claim that stands is returned, and no try is given back.

    `number` is the customer for whom he speaks. Who speaks for another says with `own_number` which customer he
    himself is: the evidence will be his. `speaker` is one who joined the contact; without it, the first. Whether a
    number exists is not told. Raises Ended or TooMany; after TooMany nothing was noted.
    """
    with transaction.atomic():
        interaction = _live(interaction_id)
        found, person = _numbered(interaction, number), _numbered(interaction, own_number) if own_number else None
        said = _Said(found, mark(number), person, mark(own_number) if own_number else "", capacity, source, speaker)
        _within_limits(interaction, said.mark, source, by, at, own=said.person_mark, speaker=speaker)
        return _note(interaction, said, by, at)


def _numbered(interaction: Interaction, number: str) -> Customer | None:
    return Customer.objects.filter(number=number[:8], organisation_id=interaction.organisation_id).first()


def claim_name(
    interaction_id: UUID, *, family_name: str, given_names: str, capacity: str, by: Staff, at: datetime
) -> int:
    """Look a name up for the caller and return how many customers bear it; when it is one, note the claim.

    The count is all that anybody sees. Raises Ended or TooMany.
    """
    with transaction.atomic():
        interaction = _live(interaction_id)
        _within_search_limits(interaction, by, at)
        bearers = list(namesakes.bearers(interaction, family_name=family_name, given_names=given_names)[:50])
        search = NameSearch.objects.create(interaction=interaction, searched_by=by, searched_at=at, found=len(bearers))
        namesakes.offer(search, family_name=family_name, given_names=given_names)
        facts, personal = {"found": len(bearers)}, {"name": f"{given_names} {family_name}"[:200]}
        _entry(interaction, "claim.name_searched", by, at, facts, personal)
        if len(bearers) == 1:
            named = mark(bearers[0].number)
            _note(interaction, _Said(bearers[0], named, None, "", capacity, Claim.Source.STAFF), by, at)
        return len(bearers)


def claim_picked(interaction: Interaction, picked: Customer | None, *, by: Staff | None, at: datetime) -> bool:
    """Note the claim of whom the caller's own answer picked; False when nobody was, or no more may be named here.

    Inside the caller's transaction, which holds the interaction. When nobody was picked the same is written, and taken
    back: neither statements nor their time tell which it was.
    """
    try:
        within_limits(interaction, by, at)
    except TooMany:
        return False
    named = picked.number if picked else secrets.token_hex(4)
    kept = transaction.savepoint()
    _note(interaction, _Said(picked, mark(named), None, "", Claim.Capacity.SELF, Claim.Source.QUESTION), by, at)
    (transaction.savepoint_commit if picked else transaction.savepoint_rollback)(kept)
    return picked is not None


def within_limits(interaction: Interaction, by: Staff | None, at: datetime) -> None:
    """Raise TooMany when no further customer may be named in this contact, or by this colleague today."""
    _within_limits(interaction, "", Claim.Source.STAFF, by, at)


def _within_search_limits(interaction: Interaction, by: Staff, at: datetime) -> None:
    """Refuse before anything is looked up, so that the limit is the same whatever would be found."""
    limits = current().claims
    _within_limits(interaction, "", Claim.Source.STAFF, by, at)
    today = NameSearch.objects.filter(searched_by=by, searched_at__gt=at - timedelta(days=1)).count()
    if (
        interaction.searches.count() >= limits.name_searches_per_interaction
        or today >= limits.name_searches_per_staff_per_day
    ):
        raise TooMany


def claim_of_visit(
    interaction: Interaction, customer: Customer | None, *, by: Staff, at: datetime, booked: Claim | None = None
) -> Claim:
    """Note the claim with which a booked visit begins, inside the caller's transaction. It is at NONE like any.

    Who booked it for another, as `booked` says, comes for another. No limit stands in its way: others' guesses at his
    number must not turn the customer away at the desk.
    """
    named = mark(customer.number) if customer else mark("")
    person, person_mark, capacity = None, "", Claim.Capacity.SELF.value
    if booked is not None and booked.capacity != Claim.Capacity.SELF:
        person, person_mark, capacity = booked.person, booked.person_mark, booked.capacity
    return _note(interaction, _Said(customer, named, person, person_mark, capacity, Claim.Source.VISIT), by, at)


@dataclass(frozen=True)
class _Said:
    """What a speaker said: for whom he speaks, who he is himself, and in which capacity."""

    customer: Customer | None
    mark: str
    person: Customer | None
    person_mark: str
    capacity: str
    source: str
    speaker: UUID | None = None


def join(interaction_id: UUID, *, label: str, by: Staff, at: datetime) -> Speaker:
    """Note that one more is heard in the contact: a second signatory, an interpreter. Raises Ended or TooMany."""
    with transaction.atomic():
        interaction = _live(interaction_id)
        if interaction.speakers.count() >= current().claims.speakers_per_interaction:
            raise TooMany
        joined = Speaker.objects.create(interaction=interaction, label=label[:40])
        _entry(interaction, "interaction.joined", by, at, {"speaker": str(joined.public_id)}, {"label": label[:40]})
        return joined


def join_and_claim(
    interaction_id: UUID, number: str, *, capacity: str, own_number: str, by: Staff, at: datetime
) -> Claim:
    """Note that one more is heard, and at once for whom he speaks and who he is. Raises Ended or TooMany.

    After TooMany nobody has joined.
    """
    with transaction.atomic():
        joined = join(interaction_id, label=capacity.lower(), by=by, at=at)
        return claim_number(
            interaction_id, number, capacity=capacity, source=Claim.Source.STAFF, by=by, at=at,
            own_number=own_number, speaker=joined.public_id,
        )  # fmt: skip


def _note(interaction: Interaction, said: _Said, by: Staff | None, at: datetime) -> Claim:
    """Write the claim. Who speaks in his own matter is the customer himself."""
    own = said.capacity == Claim.Capacity.SELF
    speakers = interaction.speakers.order_by("pk")
    speaker = speakers.get(public_id=said.speaker) if said.speaker else speakers[0]
    facts = {"capacity": said.capacity, "source": said.source}
    standing = speaker.claims.order_by("-pk").first()
    if standing is not None and _same(standing, said):
        _entry(interaction, "claim.repeated", by, at, facts, {})
        return standing
    noted = Claim.objects.create(
        speaker=speaker,
        customer=said.customer,
        mark=said.mark,
        person=said.customer if own else said.person,
        person_mark=said.mark if own else said.person_mark,
        capacity=said.capacity,
        source=said.source,
        claimed_at=at,
        claimed_by=by,
    )
    prompt_ends.cancel_for(interaction, prompt_ends.CLAIM_CHANGED, at=at, actor=by.actor if by else "", speaker=speaker)
    if interaction.keypad == Interaction.Keypad.MATCHED:  # it matched for another claim
        interaction.keypad = Interaction.Keypad.NOT_ASKED
        interaction.save(update_fields=["keypad"])
    _entry(
        interaction,
        "claim.made",
        by,
        at,
        {"capacity": said.capacity, "source": said.source},
        {"known": said.customer is not None},
    )
    return noted


def _same(standing: Claim, said: _Said) -> bool:
    person_mark = said.mark if said.capacity == Claim.Capacity.SELF else said.person_mark
    wanted = (said.mark, said.customer.pk if said.customer else None, said.capacity, person_mark)
    return (standing.mark, standing.customer_id, standing.capacity, standing.person_mark) == wanted


def _within_limits(
    interaction: Interaction,
    mark: str,
    source: str,
    by: Staff | None,
    at: datetime,
    *,
    own: str = "",
    speaker: UUID | None = None,
) -> None:
    limits, today = current().claims, at - timedelta(days=1)
    claims = Claim.objects.filter(claimed_at__gt=today)
    over = _fishing(interaction, mark, own, speaker)
    over = over or (by is not None and claims.filter(claimed_by=by).count() >= limits.per_staff_per_day)
    # Counted for nobody's number too: a limit that only customers have would tell who is one. On the keypad only:
    # a stranger's guesses must not keep the staff from the customer who asks for his account to be protected.
    counted = claims.filter(mark=mark, source=Claim.Source.KEYPAD)
    over = over or (source == Claim.Source.KEYPAD and counted.count() >= limits.per_customer_per_day)
    if over:
        raise TooMany


def _fishing(interaction: Interaction, mark: str, own: str, speaker: UUID | None) -> bool:
    """Tell whether more is named in this contact than people who speak together for one customer need.

    Each speaker has tries of his own, so that the second isn't refused for what the first said. But how many customers
    are spoken for, and how many numbers are named at all, is counted over all of them: another speaker is no new purse.
    """
    limits, made = current().claims, Claim.objects.filter(speaker__interaction=interaction)
    rows = list(made.values_list("speaker__public_id", "mark", "person_mark"))
    who = speaker or interaction.speakers.order_by("pk").values_list("public_id", flat=True)[0]
    spoken_for = {row[1] for row in rows} | {mark}
    named = (spoken_for | {row[2] for row in rows} | {own}) - {""}
    tries = sum(row[0] == who for row in rows)
    return (
        tries >= limits.per_interaction
        or len(spoken_for - {""}) > limits.per_interaction
        or len(named) > limits.numbers_per_interaction
    )


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
    facts: Mapping[str, object],
    personal: Mapping[str, object],
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
