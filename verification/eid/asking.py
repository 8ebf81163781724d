"""What we sign for a broker: request objects (JAR, RFC 9101), and who we are (private_key_jwt, RFC 7523)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import httpx
from joserfc import jwt

from verification.eid import keys, network
from verification.eid.brokers import Broker
from verification.eid.rejected import Code, Rejected

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 60
ERRORS: Final[Mapping[str, Code]] = {
    "access_denied": Code.DECLINED,
    "unmet_authentication_requirements": Code.LEVEL_UNMET,
    "invalid_grant": Code.REPLAYED,
    "expired_token": Code.EXPIRED,
    "unknown_user_id": Code.UNKNOWN_PERSON,
    "invalid_binding_message": Code.BINDING_MESSAGE,
}


def unguessable() -> str:
    """Return 256 random bits for a URL; states, nonces and verifiers (RFC 7636 4.1: 43 characters or more)."""
    return secrets.token_urlsafe(32)


def signed(broker: Broker, claims: Mapping[str, Any], *, kind: str | None, seconds: int, at: datetime) -> str:
    """Sign claims as this broker wants it, for `seconds` from `at`; `kind` is the header's typ."""
    key = keys.signing(broker.request_signing)
    now = int(at.timestamp())
    header = {"alg": broker.request_signing, "kid": key.kid} | ({"typ": kind} if kind else {})
    own = {"iss": broker.client_id, "jti": unguessable(), "iat": now, "nbf": now, "exp": now + seconds}
    return jwt.encode(header, {**claims, **own}, key, algorithms=[broker.request_signing])


def request_object(broker: Broker, parameters: Mapping[str, Any], *, at: datetime) -> str:
    """Sign a request: every parameter is inside, addressed to this broker alone."""
    claims = {**parameters, "aud": broker.issuer, "client_id": broker.client_id}
    return signed(broker, claims, kind="oauth-authz-req+jwt", seconds=broker.request_seconds, at=at)


def post(
    broker: Broker, name: str, fields: Mapping[str, str], *, at: datetime, patience: float | None = None
) -> httpx.Response:
    """Send a form to one of the broker's endpoints, proving who we are by an assertion that is good once."""
    claims = {"sub": broker.client_id, "aud": broker.issuer}
    assertion = signed(broker, claims, kind=None, seconds=ASSERTION_SECONDS, at=at)
    proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, "client_id": broker.client_id}
    return network.post(network.endpoint(broker, name), {**fields, **proof}, patience=patience)


def error_of(answer: httpx.Response) -> str:
    """Return the error code of an answer that says no, else "". Raises Rejected: UNREACHABLE for 5xx and nonsense."""
    if answer.status_code < 300:
        return ""
    if answer.status_code >= 500 or answer.status_code == 429:
        raise Rejected(Code.UNREACHABLE)
    return str(network.content(answer).get("error", "unknown"))


def refuse(error: str) -> None:
    """Raise Rejected with the code for a broker's error; do nothing for ""."""
    if error:
        raise Rejected(ERRORS.get(error, Code.PROVIDER))
