"""What a login is worth as evidence: decided from what was returned, never from what was asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from verification.eid.brokers import Broker
from verification.eid.identity import LEEWAY, Identity
from verification.eid.rejected import Code, Rejected


def accepted_kind(broker: Broker, identity: Identity, *, asked_at: datetime, max_age: int = 0, demo: bool) -> str:
    """Return the kind of evidence, E_ID_SUBSTANTIAL or E_ID_HIGH. Raises Rejected.

    The acr must be, to the letter, one that this broker is trusted for; a test value counts only in the demo. The
    person must have authenticated at most `max_age` seconds before we asked (15 s are forgiven; OpenID Connect Core
    3.1.3.7 point 13). What is absent counts as the weakest.
    """
    if identity.broker != broker.code:
        raise Rejected(Code.ISSUER)
    kind = _kind(broker, identity.acr, demo=demo)
    if identity.auth_time is None:
        raise Rejected(Code.AUTH_TIME_ABSENT)
    if identity.auth_time < asked_at - timedelta(seconds=max_age) - LEEWAY:
        raise Rejected(Code.AUTH_TIME_STALE)
    return kind


def _kind(broker: Broker, acr: str | None, *, demo: bool) -> str:
    if not acr:
        raise Rejected(Code.ACR_ABSENT)
    if acr in broker.acr:
        return broker.acr[acr]
    if acr not in broker.test_acr:
        raise Rejected(Code.ACR_REFUSED)
    if not demo:
        raise Rejected(Code.ACR_TEST)
    return broker.test_acr[acr]
