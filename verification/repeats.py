"""The same question asked twice under one key: the first decision is the answer, and nothing happens again."""

from __future__ import annotations

import json
from typing import Any

from audit import keys
from verification.decisions import Granted, Refused
from verification.models import DecisionKey


def decided(key: str, action: str) -> Granted | Refused | None:
    """Return what was decided under this key before, or None.

    A key that was used for another action decides nothing.
    """
    if not key:
        return None
    kept = DecisionKey.objects.select_related("grant", "refusal").filter(key=key, action=action[:60]).first()
    if kept is None:
        return None
    if kept.refusal is not None:
        return Refused(kept.refusal, repeated=True)
    return Granted(kept.grant, _unsealed(kept), repeated=True) if kept.grant else None


def keep(key: str, action: str, decision: Granted | Refused) -> Granted | Refused:
    """Keep a decision under its key and return it.

    The unique key makes two at once one: the second fails and is refused.
    """
    if not key:
        return decision
    if isinstance(decision, Refused):
        DecisionKey.objects.create(key=key, action=action[:60], refusal=decision.refusal)
    else:
        sealed = keys.seal(json.dumps(decision.result), context=f"decision:{key}")
        DecisionKey.objects.create(key=key, action=action[:60], grant=decision.grant, sealed_result=sealed)
    return decision


def _unsealed(kept: DecisionKey) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(keys.unseal(bytes(kept.sealed_result), context=f"decision:{kept.key}"))
    return result
