"""Receipts: a grant as a signed statement that the organisation's own system of record can check offline.

A compact JWS (RFC 7515) of JWT claims (RFC 7519), signed with Ed25519 (RFC 8037). Everything in it comes from the rows
of the grant and from the moment of signing, so the same grant at the same moment gives the same bytes.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import rfc8785
from django.conf import settings
from joserfc import jws
from joserfc.jwk import OKPKey

from audit.log import Reading, Tampered, moment, read
from audit.models import Entry
from verification import canonical, waiting
from verification.declarations import declared
from verification.levels import Level
from verification.models import Grant, Spent

TYPE: Final = "receipt+jwt"
ANSWER_LASTS: Final = timedelta(minutes=10)
INSTRUCTION_LASTS: Final = timedelta(days=1)  # whoever collects it may be down for a night; it works once all the same


class NoReceipt(RuntimeError):
    """Tell why a grant has no receipt: it was not used, its particulars were erased, or no key is set."""


class _EdDSA(jws.JWSRegistry):
    """Know the one algorithm, without the library's hint at its newer name "Ed25519" (RFC 9864), which hardly any
    verifier knows yet.
    """

    def get_alg(self, name: str) -> Any:
        """Return EdDSA. Raises LookupError for every other name, "none" included."""
        return {"EdDSA": self.algorithms["EdDSA"]}[name]


def signed(grant: Grant, *, at: datetime, instruction: Mapping[str, Any] | None = None) -> str:
    """Return the receipt of a grant, good for ten minutes from `at`.

    `instruction` is what leaves our database under this grant: the receipt then vouches for each of its members too,
    and is good for a day. What leaves after a delay has that one only; what takes effect here after a delay has none
    before it is in force. Raises NoReceipt; a refusal is no Grant and has none.
    """
    key = settings.RECEIPT_KEY
    if key is None:
        raise NoReceipt("RECEIPT_KEY is not set")
    if instruction is None and _leaves_later(grant):
        raise NoReceipt("it may still be stopped: what leaves later carries its receipt when it leaves")
    if _takes_effect(grant) > max(at, grant.decided_at) or not waiting.in_force(grant, at):
        raise NoReceipt("it is not in force: it may still be stopped, or it was, or it has ended")
    if not isinstance(grant, Grant) or not Spent.objects.filter(grant_id=grant.pk).exists():
        raise NoReceipt("the grant has not been used")
    header = {"alg": "EdDSA", "typ": TYPE, "kid": key.thumbprint()}
    return jws.serialize_compact(header, rfc8785.dumps(_claims(grant, at, instruction)), key, registry=_EdDSA())


def _leaves_later(grant: Grant) -> bool:
    """Tell whether the effect leaves our database only after a delay, in which it can be stopped."""
    action = declared(grant.action)
    return action is not None and action.reach == "outbox" and action.delay is not None


def _takes_effect(grant: Grant) -> datetime:
    """Return when what was granted counts at the earliest: at once, or when its owner had his days to stop it."""
    action = declared(grant.action)
    later = action is not None and action.delay is not None and action.reach == "local"
    return grant.decided_at + action.delay(grant) if later and action and action.delay else grant.decided_at


def parameters_of(grant: Grant) -> dict[str, Any]:
    """Return the parameters of a grant in their canonical form, as its entry of the log keeps them.

    Raises NoReceipt when they were erased or are not the ones that were granted.
    """
    return _parameters(grant, _entry(grant))


def published() -> dict[str, list[dict[str, Any]]]:
    """Return the JWK Set (RFC 7517 section 5) with which receipts are checked: the key in use first, then old ones."""
    keys = [settings.RECEIPT_KEY] if settings.RECEIPT_KEY else []
    return {"keys": [_public(key) for key in [*keys, *settings.RECEIPT_OLD_KEYS]]}


def _public(key: OKPKey) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": "EdDSA"}


def _claims(grant: Grant, at: datetime, instruction: Mapping[str, Any] | None) -> dict[str, Any]:
    entry, salt = _entry(grant), _salt(grant)
    lasts = ANSWER_LASTS if instruction is None else INSTRUCTION_LASTS
    claims = {
        "iss": settings.PUBLIC_URL,
        "aud": settings.RECEIPT_AUDIENCE,
        "jti": str(grant.public_id),
        "iat": int(grant.decided_at.timestamp()),
        "nbf": int(_takes_effect(grant).timestamp()),
        "exp": int((at + lasts).timestamp()),
        "action": grant.action,
        "salt": salt,
        "parameters_hash": _hash(salt, action=grant.action, parameters=_parameters(grant, entry)),
        "level": Level(grant.held).name,
        "required": Level(grant.required).name,
        "evidence": sorted({seen["kind"] for seen in entry.envelope["facts"]["evidence"]}),
        "policy": grant.policy_version,
        "decided_at": moment(grant.decided_at),
        "entry": str(grant.entry),
    }
    # Below LOW the customer is only claimed: naming him would vouch for him, and tell whose numbers are customers'.
    if grant.customer is not None and grant.held >= Level.LOW:
        claims["sub"] = grant.customer.number
    if instruction is not None:
        claims["instruction_hash"] = _hash(salt, instruction=dict(instruction))
    return claims


def _entry(grant: Grant) -> Reading:
    try:
        return read(Entry.objects.get(uid=grant.entry))
    except (Entry.DoesNotExist, Tampered) as error:
        raise NoReceipt("the log does not bear the grant out") from error


def _parameters(grant: Grant, entry: Reading) -> dict[str, Any]:
    if not isinstance(entry.personal, dict):
        raise NoReceipt("the particulars of the grant were erased")
    kept: dict[str, Any] = entry.personal["parameters"]
    if not hmac.compare_digest(canonical.digest(grant.action, kept), grant.parameters_hash):
        raise NoReceipt("the log's parameters are not the ones that were granted")
    return kept


def _salt(grant: Grant) -> str:
    """Return 128 bits (hex) that nobody can foresee and that are the same each time the grant's receipt is signed."""
    said = b"receipt\x00" + grant.public_id.bytes
    return hmac.new(settings.FIELD_KEY, said, sha256).hexdigest()[:32]


def _hash(salt: str, **what: Any) -> str:
    """Return the SHA-256 (hex) over the canonical bytes (RFC 8785) of `what` with its salt."""
    return sha256(rfc8785.dumps({**what, "salt": salt})).hexdigest()
