"""The same question asked twice under one key: the first decision is the answer, and nothing happens again."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings

from audit import keys
from verification.attempts import Attempt
from verification.decisions import Granted, Proposed, Refused
from verification.models import DecisionKey, Grant, Proposal, Refusal

Done = Granted | Refused | Proposed
ANSWER_AGAIN_WITHIN = timedelta(minutes=10)


class KeyReused(ValueError):
    """Refuse an attempt whose key already stands for another one."""


def decided(key: str, asked: Attempt, raw: Mapping[str, Any]) -> Done | None:
    """Return what was decided under this key before, or None.

    A key says nothing of another's attempt: it must be the same action with the same parameters, by the same person,
    under the same claim. Raises KeyReused.
    """
    kept = DecisionKey.objects.filter(key=key).first() if key else None
    if kept is None:
        return None
    decision = kept.grant or kept.refusal or kept.proposal
    same = hmac.compare_digest(kept.parameters_hash, _digest(raw))
    if decision is None or not same or not _same(decision, asked):
        raise KeyReused
    if isinstance(decision, Refusal):
        return Refused(decision, repeated=True)
    if isinstance(decision, Proposal):
        return Proposed(decision, repeated=True)
    return Granted(decision, _unsealed(kept, asked), repeated=True)


def _same(decision: Grant | Refusal | Proposal, asked: Attempt) -> bool:
    scene = asked.scene
    return (decision.action, decision.interaction_id, decision.claim_id, decision.asked_by_id) == (
        asked.name[:60],
        scene.interaction.pk if scene.interaction else None,
        scene.claim.pk if scene.claim else None,
        scene.by.pk if scene.by else None,
    )


def keep(key: str, asked: Attempt, raw: Mapping[str, Any], decision: Done) -> Done:
    """Keep a decision under its key and return it.

    A result may hold what was disclosed, so it is kept under the subject's own key and goes when that key is erased.
    The key is unique, which makes two at once one: the second fails and is refused.
    """
    if not key:
        return decision
    kept = DecisionKey(key=key, action=asked.name[:60], parameters_hash=_digest(raw))
    if isinstance(decision, Refused):
        kept.refusal = decision.refusal
    elif isinstance(decision, Proposed):
        kept.proposal = decision.proposal
    else:
        kept.grant, kept.sealed_result = decision.grant, _sealed(key, asked, decision.result)
    kept.save(force_insert=True)
    return decision


def _digest(raw: Mapping[str, Any]) -> str:
    """Return the keyed hash of parameters as they were given, before anybody judged them."""
    text = json.dumps({str(name): value for name, value in raw.items()}, sort_keys=True, default=str)
    return hmac.new(settings.FIELD_KEY, b"asked\x00" + text.encode("utf-8", "surrogatepass"), sha256).hexdigest()


def _sealed(key: str, asked: Attempt, result: dict[str, Any]) -> bytes:
    secret = keys.subject_key(asked.scene.subject, at=asked.at).secret
    return keys.encrypt(secret, json.dumps(result).encode(), context=f"decision:{key}")


def _unsealed(kept: DecisionKey, asked: Attempt) -> dict[str, Any]:
    """Return the kept result while the contact is live and the answer fresh; later only the decision is repeated."""
    interaction, found = asked.scene.interaction, keys.find(asked.scene.subject)
    live = interaction is not None and interaction.live
    if found is None or kept.grant is None or not live or asked.at - kept.grant.decided_at > ANSWER_AGAIN_WITHIN:
        return {}
    result: dict[str, Any] = json.loads(
        keys.decrypt(found.secret, bytes(kept.sealed_result), context=f"decision:{kept.key}")
    )
    return result
