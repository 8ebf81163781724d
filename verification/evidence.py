"""Evidence: the only module that writes it.

What is seen of a speaker is a row under his claim and an entry of the log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.log import record
from verification.interactions import DESK_ROLES, Ended
from verification.models import Claim, ContactChange, Evidence, Interaction, Prompt, Staff
from verification.scene import claim_of
from verification.telling import day, tell

CONFIRMATIONS = frozenset({"paper", "data", "person", "matter"})
IDENTITY_BY_STRENGTH: Final = {
    "full": Evidence.Kind.IDENTITY_LIST,
    "ordinary": Evidence.Kind.IDENTITY_ORDINARY,
    "lesser": Evidence.Kind.IDENTITY_LESSER,
    "undated": Evidence.Kind.IDENTITY_UNDATED,
}
"""What the complete identity list is, by what the document is good for."""
IDENTITY: Final = frozenset(IDENTITY_BY_STRENGTH.values())


class NotSeen(ValueError):
    """Refuse to note evidence; `code` says what is lacking: DESK, ROLE, OWN_MATTER, CLAIM, INCOMPLETE, SAME_PERSON,
    ORDER, TOO_NEW, OTHER_CUSTOMER, MATTER.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def note(
    claim: Claim,
    kind: str,
    *,
    at: datetime,
    by: Staff | None,
    rests_on: ContactChange | None = None,
    prompt: Prompt | None = None,
    approves: str = "",
    authenticated_at: datetime | None = None,
    **detail: Any,
) -> Evidence:
    """Write one piece of evidence with its entry, inside the caller's transaction. `detail` holds nothing personal.

    `approves` is the digest of the action with exactly the parameters that the person saw and approved.
    """
    seen = Evidence.objects.create(
        claim=claim,
        kind=kind,
        observed_at=at,
        observed_by=by,
        rests_on=rests_on,
        prompt=prompt,
        approves=approves,
        authenticated_at=authenticated_at,
        detail=detail,
    )
    interaction = claim.speaker.interaction
    record(
        kind="evidence.observed",
        actor=by.actor if by else interaction.actor,
        subject=str(claim.person.pseudonym) if claim.person else str(interaction.pseudonym),
        at=at,
        outcome="ok",
        purpose="make sure that the right person is served",
        organisation=str(interaction.organisation_id),
        facts={"interaction": str(interaction.public_id), "evidence": kind, "approves": approves, **detail},
    )
    return seen


def see_identity_list(
    interaction_id: UUID,
    *,
    by: Staff,
    confirmed: frozenset[str],
    document: dict[str, str],
    at: datetime,
    strength: str = "full",
    of_age: bool | None = None,
    speaker: UUID | None = None,
) -> Evidence:
    """Note that a clerk compared an identity document: the paper, its data, the person and the matter, all four.

    `document` says type, issuer and expiry, not the number; `strength` what it is good for (full, ordinary, lesser,
    or undated: the record has no date of birth to compare); `of_age` whether by the document he is, where the record
    can't tell;
    `speaker` whose it is, of several who stand here together: without it, the first. It proves nobody else. All of his
    recorded contacts are told. Raises NotSeen or Ended.
    """
    with transaction.atomic():
        claim = _at_desk(interaction_id, by, speaker)
        if confirmed != CONFIRMATIONS:
            raise NotSeen("INCOMPLETE")
        age: dict[str, Any] = {} if of_age is None else {"of_age": of_age}
        seen = note(claim, IDENTITY_BY_STRENGTH[strength], at=at, by=by, document=document, **age)
        _tell_of_acceptance(claim, at)
        return seen


def see_second_clerk(interaction_id: UUID, *, by: Staff, at: datetime, speaker: UUID | None = None) -> Evidence:
    """Note that a second clerk confirmed a speaker's identity list, himself at the desk. Raises NotSeen or Ended.

    An account made for the occasion is no second pair of eyes.
    """
    with transaction.atomic():
        claim = _claim_for_second(interaction_id, by, at, speaker)
        return note(claim, Evidence.Kind.SECOND_CLERK, at=at, by=by)


def see_signed_slip(
    interaction_id: UUID, *, by: Staff, approves: str, at: datetime, speaker: UUID | None = None
) -> Evidence:
    """Note that a second clerk holds the slip that the customer signed for exactly this matter.

    `approves` is the digest of the action with its parameters; who calls this has compared it with what is printed on
    the slip. Raises NotSeen or Ended.
    """
    with transaction.atomic():
        claim = _claim_for_second(interaction_id, by, at, speaker)
        if not approves:
            raise NotSeen("MATTER")
        return note(claim, Evidence.Kind.SIGNED_SLIP, at=at, by=by, approves=approves)


def see_approval_on_page(interaction_id: UUID, *, approves: str, at: datetime) -> Evidence:
    """Note that the customer approved exactly this matter on his own page, while his document was compared here.

    Nobody of the staff sees or types it. Who calls this has checked that the page is of this visit. Raises NotSeen or
    Ended.
    """
    with transaction.atomic():
        claim = _claim_of(interaction_id, channel=Interaction.Channel.DESK)
        if identity_of(claim) is None:
            raise NotSeen("ORDER")
        if not approves:
            raise NotSeen("MATTER")
        return note(claim, Evidence.Kind.PAGE_APPROVAL, at=at, by=None, approves=approves)


def see_chip(
    interaction_id: UUID, *, by: Staff, beside: Evidence, at: datetime, speaker: UUID | None = None, **read: Any
) -> Evidence:
    """Note that the chip of the document behind `beside` was read, and that its issuer's signature holds.

    Who calls this has verified the signature, and that the chip says what was typed from the document. `read` tells
    how it was verified, nothing personal. Raises NotSeen or Ended.
    """
    with transaction.atomic():
        claim = _at_desk(interaction_id, by, speaker)
        if identity_of(claim) != beside:  # another document was compared, or another person named, meanwhile
            raise NotSeen("ORDER")
        return note(claim, Evidence.Kind.CHIP, at=at, by=by, **read)


def identity_of(claim: Claim) -> Evidence | None:
    """Return the newest identity list under a claim, of whatever strength, or None."""
    return claim.evidence.filter(kind__in=IDENTITY).order_by("-pk").first()


def see_visit_code(interaction_id: UUID, *, by: Staff, at: datetime, rests_on: ContactChange) -> Evidence:
    """Note that the visit code matched; who calls this has checked the code, its age and the contact it was sent to.

    It is evidence for the customer to whose contact it was sent, and for no other. Raises NotSeen or Ended.
    """
    with transaction.atomic():
        claim = _at_desk(interaction_id, by)
        if rests_on.customer_id != claim.person_id:
            raise NotSeen("OTHER_CUSTOMER")
        return note(claim, Evidence.Kind.VISIT_CODE, at=at, by=by, rests_on=rests_on)


def _claim_for_second(interaction_id: UUID, by: Staff, at: datetime, speaker: UUID | None) -> Claim:
    """Return the claim that a second clerk may speak to: another person, of some standing, after the first."""
    claim = _claim_at_desk(interaction_id, by, speaker)
    first = identity_of(claim)
    if first is None:
        raise NotSeen("ORDER")  # before anything that depends on whose number it is
    _may_look(claim, by)
    if first.observed_by_id == by.pk:
        raise NotSeen("SAME_PERSON")
    if not by.seasoned(at):
        raise NotSeen("TOO_NEW")
    return claim


def _at_desk(interaction_id: UUID, by: Staff, speaker: UUID | None = None) -> Claim:
    claim = _claim_at_desk(interaction_id, by, speaker)
    _may_look(claim, by)
    return claim


def _claim_at_desk(interaction_id: UUID, by: Staff, speaker: UUID | None) -> Claim:
    claim = _claim_of(interaction_id, channel=Interaction.Channel.DESK, speaker=speaker)
    if by.role not in DESK_ROLES or not by.is_active:
        raise NotSeen("ROLE")
    return claim


def _may_look(claim: Claim, by: Staff) -> None:
    if claim.customer is None or claim.person is None:  # evidence is of who speaks: he must be somebody
        raise NotSeen("CLAIM")
    parties = {claim.customer, claim.person}
    if not all(party.organisation_id == by.organisation_id and by.may_serve(party) for party in parties):
        raise NotSeen("OWN_MATTER")


def _claim_of(interaction_id: UUID, *, channel: str, speaker: UUID | None = None) -> Claim:
    interaction = Interaction.objects.select_for_update().get(public_id=interaction_id)
    if not interaction.live:
        raise Ended
    if interaction.channel != channel:
        raise NotSeen("DESK")
    claim = claim_of(interaction, speaker)
    if claim is None:
        raise NotSeen("CLAIM")
    return claim


def _tell_of_acceptance(claim: Claim, at: datetime) -> None:
    customer, interaction = claim.person, claim.speaker.interaction
    if customer is None:
        return
    with translation.override(customer.language):
        when = {"day": day(at, customer.language)}
        text = _("An identity document in your name was accepted at our desk on %(day)s.") % when
    tell(
        customer,
        customer.recorded_contacts(at),
        title=gettext_lazy("Your identity document was accepted"),
        text=text,
        about="identity_accepted",
        reference=interaction.public_id,
        at=at,
    )
