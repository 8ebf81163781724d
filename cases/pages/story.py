"""What has happened in one contact, in order: for the one who serves it, and for whoever reads it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from verification.declarations import declared
from verification.levels import Level
from verification.models import Claim, Evidence, Grant, Interaction, Proposal, ProposalEnd, Refusal
from verification.reasons import Reason


@dataclass(frozen=True)
class Event:
    """One line of the story; `refusal` leads to the words that were said."""

    at: datetime
    what: str
    detail: str = ""
    outcome: str = ""
    refusal: UUID | None = None


def of(contact: Interaction) -> list[Event]:
    """Return the events of a contact, the newest first."""
    told = [Event(contact.started_at, _("The contact began"), contact.get_channel_display())]
    told += [_claim(each) for each in Claim.objects.filter(speaker__interaction=contact)]
    told += [_seen(each) for each in Evidence.objects.filter(claim__speaker__interaction=contact)]
    told += [_granted(each) for each in Grant.objects.filter(interaction=contact)]
    told += [event for each in Proposal.objects.filter(interaction=contact) for event in _proposed(each)]
    told += [_refused(each) for each in Refusal.objects.filter(interaction=contact)]
    if contact.ended_at is not None:
        told.append(Event(contact.ended_at, _("The contact ended")))
    return sorted(told, key=lambda event: event.at, reverse=True)


def label_of(action: str) -> str:
    """Return an action's label, or its name when it is not declared any more."""
    known = declared(action)
    return str(known.label) if known else action


def _claim(claim: Claim) -> Event:
    return Event(
        claim.claimed_at, _("It was said whose matter it is"),
        f"{claim.get_capacity_display()}, {claim.get_source_display()}",
    )  # fmt: skip


def _seen(evidence: Evidence) -> Event:
    return Event(evidence.observed_at, _("Proof"), evidence.get_kind_display(), "ok")


def _granted(grant: Grant) -> Event:
    return Event(grant.decided_at, label_of(grant.action), _("done"), "ok")


def _proposed(proposal: Proposal) -> list[Event]:
    """Tell that a second person was asked, and what he decided."""
    label = label_of(proposal.action)
    until = _("a second person decides by %(time)s") % {"time": _clock(proposal.expires_at)}
    asked = Event(proposal.decided_at, label, until)
    end = ProposalEnd.objects.filter(proposal=proposal).first()
    if end is None:
        return [asked]
    said = ": ".join(filter(None, [str(ProposalEnd.Outcome(end.outcome).label), end.because]))
    return [asked, Event(end.ended_at, label, said, "ok" if end.outcome == ProposalEnd.Outcome.APPROVED else "")]


def _clock(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")


def _refused(refusal: Refusal) -> Event:
    reason = Reason(refusal.reason).label
    held = _("level then: %(level)s") % {"level": Level(refusal.held).label}
    return Event(refusal.decided_at, label_of(refusal.action), f"{reason}; {held}", "refused", refusal.public_id)
