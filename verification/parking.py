"""What a refusal leaves undone, kept for the day when it may be done: sealed under the subject's own key, void in time.

A parked matter is a stranger's words. It is never carried out because it was parked: the verified customer hears it,
confirms it, and the gate is asked anew.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from audit import keys
from verification import canonical
from verification.attempts import Attempt
from verification.models import ParkedMatter, Refusal
from verification.policy import current


def park(asked: Attempt, refusal: Refusal) -> None:
    """Seal the parameters of a refused attempt, in the gate's transaction."""
    secret = keys.subject_key(asked.scene.subject, at=asked.at).secret
    plain = json.dumps(canonical.plain(asked.parameters)).encode()
    sealed = keys.encrypt(secret, plain, context=_context(refusal))
    ParkedMatter.objects.create(refusal=refusal, sealed_parameters=sealed, void_at=asked.at + asked.policy.parked)


def parked(refusal: Refusal, at: datetime) -> dict[str, Any] | None:
    """Return what was parked: {} for an action asked without particulars, None once it is void or its key erased."""
    row = ParkedMatter.objects.filter(refusal=refusal).first()
    if row is None:
        return {} if refusal.decided_at + current().parked > at else None
    key = keys.find(_subject(refusal))
    if row.void_at <= at or key is None:
        return None
    plain: dict[str, Any] = json.loads(
        keys.decrypt(key.secret, bytes(row.sealed_parameters), context=_context(refusal))
    )
    return plain


def _subject(refusal: Refusal) -> str:
    party = refusal.customer or refusal.interaction
    return str(party.pseudonym) if party else ""


def _context(refusal: Refusal) -> str:
    return f"parked:{refusal.public_id}"
