"""The login by redirect: authorization code with PKCE, state, nonce, a signed request, and proof of who we are."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from verification.eid import asking, network
from verification.eid.brokers import Broker
from verification.eid.identity import Identity, opened
from verification.eid.rejected import Code, Rejected


@dataclass(frozen=True)
class LoginStart:
    """A login that was begun: where the browser goes, and what must be kept, sealed, until it comes back."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def begin_login(
    broker: Broker,
    *,
    redirect_uri: str,
    acr_values: Sequence[str],
    max_age: int = 0,
    at: datetime,
    language: str = "",
) -> LoginStart:
    """Ask the broker for a login and return where to send the browser. Raises Rejected.

    `redirect_uri` is this broker's own (against mix-up); `max_age` in seconds, 0 asks the person anew (OpenID Connect
    Core 3.1.2.1). What is asked for binds nobody: judge what comes back.
    """
    if not broker.login:
        raise Rejected(Code.PROVIDER)
    state, nonce, verifier = asking.unguessable(), asking.unguessable(), asking.unguessable()
    parameters: dict[str, Any] = {
        "response_type": "code",
        "scope": broker.scope,
        "redirect_uri": redirect_uri,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        "acr_values": " ".join(acr_values),
        "max_age": max_age,
    }
    parameters |= {"prompt": "login"} if max_age == 0 else {}
    parameters |= {"ui_locales": language} if language else {}
    request = asking.request_object(broker, parameters, at=at)
    query = {"request": request} if broker.request_by == "JAR" else _pushed(broker, request, at)
    return LoginStart(
        f"{network.endpoint(broker, 'authorization_endpoint')}?{urlencode(query)}", state, nonce, verifier
    )


def challenge(verifier: str) -> str:
    """Return the S256 code challenge (RFC 7636 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _pushed(broker: Broker, request: str, at: datetime) -> dict[str, str]:
    """Push the request (RFC 9126) and return the two parameters that stand for it."""
    answer = asking.post(broker, "pushed_authorization_request_endpoint", {"request": request}, at=at)
    asking.refuse(asking.error_of(answer))
    reference = network.content(answer).get("request_uri")
    if answer.status_code != 201 or not isinstance(reference, str):
        raise Rejected(Code.UNREACHABLE)
    return {"client_id": broker.client_id, "request_uri": reference}


def finish_login(
    broker: Broker, start: LoginStart, *, redirect_uri: str, returned: Mapping[str, str], at: datetime
) -> Identity:
    """Check what the browser brought back, redeem the code and return who logged in. Raises Rejected.

    `start` is what begin_login returned; only state, nonce and verifier are read. Judge the identity afterwards.
    """
    _check_answer(broker, start, returned)
    fields = {
        "grant_type": "authorization_code",
        "code": returned["code"],
        "redirect_uri": redirect_uri,
        "code_verifier": start.verifier,
    }
    answer = asking.post(broker, "token_endpoint", fields, at=at)
    asking.refuse(asking.error_of(answer))
    return opened(broker, network.content(answer).get("id_token"), nonce=start.nonce, at=at)


def _check_answer(broker: Broker, start: LoginStart, returned: Mapping[str, str]) -> None:
    """Check state and issuer before anything of the answer is believed, also of one that says no."""
    if not hmac.compare_digest(returned.get("state", "").encode(), start.state.encode()):
        raise Rejected(Code.STATE)
    named = returned.get("iss")
    promised = network.metadata(broker).get("authorization_response_iss_parameter_supported") is True
    if named != broker.issuer and (named is not None or promised):  # RFC 9207 2.4
        raise Rejected(Code.ISSUER)
    asking.refuse(returned.get("error", ""))
    if not returned.get("code"):
        raise Rejected(Code.PROVIDER)
