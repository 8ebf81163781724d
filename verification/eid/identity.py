"""From an id_token to an Identity: opened, verified, every claim checked, nothing judged yet."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from joserfc import jwe, jws
from joserfc.errors import BadSignatureError, JoseError

from verification.eid import keys, network
from verification.eid.brokers import Broker
from verification.eid.rejected import Code, Rejected

LEEWAY: Final = timedelta(seconds=15)
LONGEST: Final = 32 * 1024


@dataclass(frozen=True)
class Identity:
    """Who a broker says has logged in, and how: absent where it was absent. Personal, so repr() shows none of it."""

    broker: str
    subject: str = field(repr=False)
    person: str = field(repr=False)
    given_names: str = field(repr=False)
    family_name: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    acr: str | None
    auth_time: datetime | None
    amr: tuple[str, ...]


def opened(broker: Broker, token: object, *, nonce: str | None, at: datetime) -> Identity:
    """Decrypt and verify an id_token (OpenID Connect Core 3.1.3.7) and return who it names. Raises Rejected."""
    if not isinstance(token, str) or len(token) > LONGEST:
        raise Rejected(Code.CLAIMS)
    claims = _verified(broker, _decrypted(broker, token))
    _check_parties(broker, claims)
    _check_times(claims, at)
    if nonce is not None and not _same(claims.get("nonce"), nonce):
        raise Rejected(Code.NONCE)
    return _identity(broker, claims, at)


def _decrypted(broker: Broker, token: str) -> str:
    """Open the outer layer by exactly the algorithms of the profile; a token without it is refused, and the reverse."""
    if not broker.encryption_alg:
        if token.count(".") == 4:
            raise Rejected(Code.ENCRYPTION)
        return token
    algorithms = [broker.encryption_alg, broker.encryption_enc]
    registry = jwe.JWERegistry(algorithms=algorithms, strict_check_header=False)  # some put iss and aud into the header
    for key in keys.decryption(broker.encryption_alg):
        try:
            return (jwe.decrypt_compact(token, key, registry=registry).plaintext or b"").decode("ascii")
        except (JoseError, ValueError):  # another key of ours, while one is being replaced
            continue
    raise Rejected(Code.ENCRYPTION)


def _verified(broker: Broker, token: str) -> Mapping[str, Any]:
    try:
        header = jws.extract_compact(token.encode()).headers()
        if header.get("alg") != broker.id_token_signing:
            raise Rejected(Code.ALGORITHM)
        key = network.signing_key(broker, str(header.get("kid", "")))
        if key is None or key.alg not in (None, broker.id_token_signing):
            raise Rejected(Code.SIGNATURE)
        payload = jws.deserialize_compact(token, key, algorithms=[broker.id_token_signing]).payload
        claims = json.loads(payload)
    except BadSignatureError:
        raise Rejected(Code.SIGNATURE) from None
    except (JoseError, ValueError, RecursionError):
        raise Rejected(Code.CLAIMS) from None
    if not isinstance(claims, dict):
        raise Rejected(Code.CLAIMS)
    return claims


def _check_parties(broker: Broker, claims: Mapping[str, Any]) -> None:
    if claims.get("iss") != broker.issuer:
        raise Rejected(Code.ISSUER)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if broker.client_id not in audiences:
        raise Rejected(Code.AUDIENCE)
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != broker.client_id:
        raise Rejected(Code.AUDIENCE)


def _check_times(claims: Mapping[str, Any], at: datetime) -> None:
    expires, made = moment(claims.get("exp")), moment(claims.get("iat"))
    if expires is None or made is None:
        raise Rejected(Code.CLAIMS)
    if expires + LEEWAY <= at:
        raise Rejected(Code.EXPIRED)
    if max(made, moment(claims.get("nbf")) or made) > at + LEEWAY:
        raise Rejected(Code.NOT_YET)


def moment(value: object) -> datetime | None:
    """Return a NumericDate as a moment in UTC; None for what is absent. Raises Rejected: CLAIMS for anything else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Rejected(Code.CLAIMS)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise Rejected(Code.CLAIMS) from None


def _identity(broker: Broker, claims: Mapping[str, Any], at: datetime) -> Identity:
    subject, person = _text(claims, "sub"), _text(claims, broker.person_claim)
    if not subject:
        raise Rejected(Code.CLAIMS)
    if not person:
        raise Rejected(Code.PERSON_ABSENT)
    authenticated = moment(claims.get("auth_time"))
    if authenticated and authenticated > at + LEEWAY:
        raise Rejected(Code.NOT_YET)
    return Identity(
        broker=broker.code,
        subject=subject,
        person=person,
        given_names=_text(claims, broker.given_names_claim),
        family_name=_text(claims, broker.family_name_claim),
        birth_date=_day(_text(claims, broker.birth_date_claim)),
        acr=_text(claims, "acr") or None,
        auth_time=authenticated,
        amr=_texts(claims.get("amr")),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise Rejected(Code.CLAIMS)
    return value.strip()


def _texts(value: object) -> tuple[str, ...]:
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list) else ()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Rejected(Code.CLAIMS) from None


def _same(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())
