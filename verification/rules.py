"""The gate's questions, in the order in which they are asked. The first objection is the answer."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

from verification import authority, caps, levels
from verification.attempts import Attempt
from verification.levels import Level
from verification.models import ClosedAccount, Grant, Hold, Interaction, Proposal, ProposalEnd
from verification.reasons import Reason

Rule = Callable[[Attempt], Reason | None]


def first_objection(asked: Attempt, *, before_parameters: bool) -> Reason | None:
    """Ask the rules of one half in order; return the first reason to refuse, or None."""
    for rule in BEFORE_PARAMETERS if before_parameters else WITH_PARAMETERS:
        if reason := rule(asked):
            return reason
    return None


def _declared(asked: Attempt) -> Reason | None:
    origin = "live" if asked.scene.origin == "proposal" else asked.scene.origin  # one declaration for both its halves
    known = asked.action is not None and asked.action.origin == origin
    return None if known else Reason.UNDECLARED


def _origin_is_open(asked: Attempt) -> Reason | None:
    scene = asked.scene
    match scene.origin:
        case "live":
            is_open = scene.interaction is not None and scene.interaction.live
        case "batch":
            is_open = scene.batch is not None and scene.batch.action == asked.name
        case "proposal":
            is_open = _still_waits(scene.proposal, asked)
        case "follow":
            is_open = scene.follows is not None and scene.follows.action == asked.declared.follows
        case _:
            is_open = False
    return None if is_open else Reason.NOT_LIVE


def _still_waits(proposal: Proposal | None, asked: Attempt) -> bool:
    if proposal is None or proposal.action != asked.name or proposal.expires_at <= asked.at:
        return False
    return not ProposalEnd.objects.filter(proposal=proposal).exists()


def _one_organisation(asked: Attempt) -> Reason | None:
    by = asked.scene.by
    return Reason.NOT_LIVE if by is not None and by.organisation_id != asked.scene.organisation_id else None


def _role(asked: Attempt) -> Reason | None:
    by = asked.scene.by
    if asked.scene.origin == "follow":
        return None
    if by is None:
        return None if asked.declared.by_caller else Reason.ROLE
    if asked.scene.origin == "proposal":
        return None if by.is_active and by.role in asked.declared.approvers else Reason.ROLE
    return None if by.is_active and by.role in asked.declared.roles and _in_place(asked) else Reason.ROLE


def _in_place(asked: Attempt) -> bool:
    here = asked.scene.interaction
    return not asked.declared.at_desk or (here is not None and here.channel == Interaction.Channel.DESK)


def _serves(asked: Attempt) -> Reason | None:
    """Only who has taken the contact acts in it: its evidence was given to him."""
    by, interaction = asked.scene.by, asked.scene.interaction
    if asked.scene.origin != "live" or by is None or interaction is None:
        return None
    return None if interaction.served_by_id == by.pk else Reason.NOT_SERVING


def _own_matter(asked: Attempt) -> Reason | None:
    """Nobody serves his own family: neither whose matter it is nor who speaks for him."""
    by, claim, customer = asked.scene.by, asked.scene.claim, asked.scene.customer
    if by is None:
        return None
    speaker = claim.person if claim is not None and authority.represents(claim) else None
    mine = not by.may_serve(customer) or (speaker is not None and not by.may_serve(speaker))
    return Reason.OWN_MATTER if mine else None


def _another_person(asked: Attempt) -> Reason | None:
    """Who proposed it doesn't decide it, nor does an account of yesterday."""
    proposal, by = asked.scene.proposal, asked.scene.by
    if proposal is None or by is None:
        return None
    alone = proposal.asked_by_id in (None, by.pk) or not by.seasoned(asked.at)
    return Reason.SECOND_PERSON if alone else None


def _two_people(asked: Attempt) -> Reason | None:
    """A batch is approved once, by another than its preparer; neither's account is of yesterday."""
    batch, by = asked.scene.batch, asked.scene.by
    if batch is None or by is None:
        return None
    if batch.approved_at is not None:
        return Reason.NOT_DUE
    alone = batch.prepared_by_id == by.pk or not by.seasoned(asked.at) or not batch.prepared_by.seasoned(asked.at)
    return Reason.SECOND_PERSON if alone else None


def _once(asked: Attempt) -> Reason | None:
    follows = asked.scene.follows
    if follows is None:
        return None
    return Reason.NOT_DUE if Grant.objects.filter(follows=follows).exists() else None


def _claim(asked: Attempt) -> Reason | None:
    missing = asked.declared.needs_claim and asked.scene.origin == "live" and asked.scene.claim is None
    return Reason.NO_CLAIM if missing else None


def _stated_authority(asked: Attempt) -> Reason | None:
    return None if authority.stated(asked.declared, asked.scene.claim) else Reason.AUTHORITY


def _log_keeps_up(asked: Attempt) -> Reason | None:
    """While the end of the log has no place in the tree for too long, only what protects is done, whoever asks."""
    weighs = asked.declared.sensitive or asked.declared.loosens or asked.scene.origin == "batch"
    return Reason.LOG_BEHIND if weighs and asked.scene.unsequenced > asked.policy.tail else None


def _level(asked: Attempt) -> Reason | None:
    action = asked.declared
    if action.required is Level.NONE:
        return None
    if asked.scene.customer is None and not _speaks_for_another(asked):
        return Reason.LEVEL
    if asked.scene.proposal is not None:  # its age was judged when it was proposed
        return None if asked.held.level >= asked.required else Reason.LEVEL
    missing = levels.lacking(
        asked.required,
        asked.facts,
        worth=dict(asked.policy.worth),
        together=asked.policy.together,
        at=asked.at,
        youngest_than=action.largest_age,
        not_resting_on=action.not_resting_on,
    )
    return Reason(missing) if missing else None


def _speaks_for_another(asked: Attempt) -> bool:
    """Who does is judged by his own proof; that there is no such customer is told like the lack of a mandate."""
    claim = asked.scene.claim
    return claim is not None and authority.represents(claim)


def _linked(asked: Attempt) -> Reason | None:
    """What moves money or keys is approved by the person himself, in exactly the form in which it will be done."""
    return None if not asked.declared.linked or asked.approved() else Reason.NOT_APPROVED


def _unchanged(asked: Attempt) -> Reason | None:
    """What is carried out is what was proposed, to the letter."""
    proposal = asked.scene.proposal
    same = proposal is None or hmac.compare_digest(proposal.parameters_hash, asked.digest)
    return None if same else Reason.FAILED


def _customer(asked: Attempt) -> Reason | None:
    missing = asked.declared.needs_customer and asked.scene.customer is None
    return Reason.LEVEL if missing else None


def _recorded_authority(asked: Attempt) -> Reason | None:
    return None if authority.recorded(asked) else Reason.AUTHORITY


def _hold(asked: Attempt) -> Reason | None:
    """A hold stops what is asked for this customer, and what is asked by one whose own name is held."""
    customer, claim = asked.scene.customer, asked.scene.claim
    if not asked.declared.sensitive or customer is None:
        return None
    parties = {customer.pk, claim.person_id if claim and claim.person_id else customer.pk}
    return Reason.HOLD if Hold.objects.in_force(asked.at).filter(customer__in=parties).exists() else None


def _closed(asked: Attempt) -> Reason | None:
    """A closed account stays as it is, and nothing of it is told."""
    customer = asked.scene.customer
    if not asked.declared.sensitive or customer is None:
        return None
    return Reason.CLOSED if ClosedAccount.objects.filter(customer=customer).exists() else None


def _cap(asked: Attempt) -> Reason | None:
    scene = asked.scene
    if scene.origin not in ("live", "proposal") or scene.interaction is None:
        return None
    passed = caps.reached(
        asked.policy,
        asked.name,
        claim=scene.claim,
        interaction_id=scene.interaction.pk,
        staff_id=scene.by.pk if scene.by else None,
        at=asked.at,
        proven=asked.held.level if asked.declared.anyones else Level.NONE,
    )
    return Reason.CAP if passed else None


def _second_person(asked: Attempt) -> Reason | None:
    alone, inside, by = asked.declared.alone_up_to, asked.declared.inside_budget, asked.scene.by
    if asked.scene.proposal is not None:
        return None  # he is the second person
    small = alone is None or alone(asked.parameters)
    kept = inside is None or (by is not None and inside(by, asked.parameters, asked.at))
    return None if small and kept else Reason.SECOND_PERSON


BEFORE_PARAMETERS: Final[tuple[Rule, ...]] = (
    _declared,
    _origin_is_open,
    _one_organisation,
    _role,
    _serves,
    _two_people,
    _another_person,
    _once,
)
WITH_PARAMETERS: Final[tuple[Rule, ...]] = (
    _claim,
    _stated_authority,
    _unchanged,
    _log_keeps_up,
    _level,
    _own_matter,
    _recorded_authority,
    _customer,
    _closed,
    _hold,
    _linked,
    _cap,
    _second_person,  # the last: what is proposed lacks nothing but the second person
)
