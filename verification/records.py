"""What the gate writes down: the grant, the refusal, and the one entry that each attempt leaves in the log."""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID, uuid4

from django.utils import translation

from audit.log import record
from verification import canonical, having, levels, parking
from verification.attempts import Attempt
from verification.levels import Fact, Level
from verification.models import Customer, Grant, Refusal
from verification.reasons import Reason, to_caller
from verification.ways import Situation, Way, forward

LANGUAGES = tuple(Customer.Language.values)


def malformed(asked: Attempt, errors: dict[str, list[str]]) -> None:
    """Record that an attempt could not be judged, by the names of the fields only: bad input may hold anything."""
    entry(asked, "gate.malformed", "malformed", {"fields": sorted(errors)[:40]})


def granted(asked: Attempt) -> Grant:
    """Write the grant and its entry. The effect has not happened yet; all of it commits together or not at all."""
    public_id = uuid4()
    uid = entry(asked, "gate.granted", "granted", {"grant": str(public_id)})
    return Grant.objects.create(
        public_id=public_id,
        entry=uid,
        batch=asked.scene.batch,
        follows=asked.scene.follows,
        proposal=asked.scene.proposal,
        **decision(asked),
    )


def refused(asked: Attempt, reason: Reason) -> Refusal:
    """Write the refusal with its ways forward, the words said, its entry, and the matter it leaves parked."""
    public_id = uuid4()
    ways = _ways(asked, reason)
    uid = entry(
        asked, "gate.refused", "refused",
        {"refusal": str(public_id), "reason": reason.value, "ways": [way.code for way in ways]},
    )  # fmt: skip
    refusal = Refusal.objects.create(
        public_id=public_id,
        entry=uid,
        reason=reason,
        ways=[way.code for way in ways],
        said=_said(reason, ways),
        **decision(asked),
    )
    if asked.parameters and asked.scene.origin == "live":
        parking.park(asked, refusal)
    return refusal


def decision(asked: Attempt) -> dict[str, Any]:
    """Return what every decision keeps of its attempt."""
    scene = asked.scene
    return {
        "organisation_id": scene.organisation_id,
        "action": asked.name[:60],
        "interaction": scene.interaction,
        "claim": scene.claim,
        "customer": scene.customer,
        "asked_by": scene.by,
        "parameters_hash": asked.digest,
        "held": asked.held.level,
        "required": asked.required,
        "policy_version": asked.policy.version,
        "decided_at": asked.at,
    }


def entry(asked: Attempt, kind: str, outcome: str, facts: dict[str, Any]) -> UUID:
    """Write the attempt's one entry. The inputs of the judgement are in it, so that it can be judged again."""
    scene, age = asked.scene, asked.action.largest_age if asked.action else None
    return record(
        kind=kind,
        actor=scene.actor,
        subject=scene.subject,
        at=asked.at,
        outcome=outcome,
        purpose=_purpose(asked),
        organisation=scene.organisation,
        facts={
            "action": asked.name[:60],
            "origin": scene.origin,
            "interaction": str(scene.interaction.public_id) if scene.interaction else None,
            "channel": scene.channel,
            "capacity": scene.claim.capacity if scene.claim else None,
            "role": scene.by.role if scene.by else None,
            "held": asked.held.level.name,
            "required": asked.required.name,
            "signals": asked.signals if asked.held.level >= Level.LOW else [],
            "evidence": [_seen(fact, asked) for fact in asked.facts],
            "policy": asked.policy.version,
            # What only a replay asks (verification.replay): the terms of the action, and whom it is counted by.
            "known": scene.customer is not None,
            # Of a customer the pseudonym says whom it is counted by: a hash of his number would outlive his erasure.
            "claimed": scene.claim.mark[:32] if scene.claim and scene.customer is None else None,
            "keypad": scene.keypad,
            "largest_age": int(age.total_seconds()) if age else None,
            "not_resting_on": sorted(asked.action.not_resting_on) if asked.action else [],
            **_to_replay(asked),
            **facts,
        },
        personal={"parameters": canonical.plain(asked.parameters)},
    )


def _to_replay(asked: Attempt) -> dict[str, Any]:
    """Return what another policy would judge by: what was declared, counted and approved, and what he can use."""
    here, action = asked.scene.interaction, asked.action
    linked = action is not None and action.linked
    counted = asked.counted if asked.held.level >= Level.LOW else None
    limits = asked.policy.signals
    return {
        "declared": action.required.name if action else Level.HIGH.name,
        "counted": {kind: [times, int(limits[kind].lasts.total_seconds())] for kind, times in counted.items()}
        if counted is not None
        else None,
        "linked": linked,
        "used_up": linked and not asked.approved() and _counts_as_approved(asked),
        "said": sorted(here.said) if here else [],
        "usable": sorted(having.usable(asked)) if here else [],
    }


def _counts_as_approved(asked: Attempt) -> bool:
    worth, oldest = dict(asked.policy.worth), asked.declared.largest_age
    return levels.approved(asked.facts, asked.digest, worth=worth, at=asked.at, youngest_than=oldest)


def _seen(fact: Fact, asked: Attempt) -> dict[str, str | bool | None]:
    return {
        "approves": bool(fact.approves) and hmac.compare_digest(fact.approves, asked.digest),
        "kind": fact.kind,
        "at": fact.observed_at.isoformat(),
        "rests_on": fact.rests_on_kind or None,
        "quarantined_until": fact.quarantined_until.isoformat() if fact.quarantined_until else None,
    }


def _purpose(asked: Attempt) -> str:
    with translation.override("en"):
        return str(asked.action.label) if asked.action else "something that is not offered was asked for"


def _ways(asked: Attempt, reason: Reason) -> list[Way]:
    if asked.scene.interaction is None:
        return []
    return forward(
        Situation(
            action=asked.action,
            reason=reason,
            channel=asked.scene.channel,
            held=asked.held.level,
            required=asked.required,
            keypad=asked.scene.keypad,
            usable=having.usable(asked),
            said=frozenset(asked.scene.interaction.said),
        )
    )


def _said(reason: Reason, ways: list[Way]) -> dict[str, str]:
    words = {}
    for language in LANGUAGES:
        with translation.override(language):
            words[language] = " ".join([to_caller(reason), *(str(way.say) for way in ways[:3])])
    return words
