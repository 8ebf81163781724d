"""The prompt on the person's own phone (OpenID CIBA Core 1.0, poll and ping; push is not used)."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from verification.eid import asking, network
from verification.eid.brokers import Broker
from verification.eid.identity import Identity, opened
from verification.eid.rejected import Code, Rejected

GRANT: Final = "urn:openid:params:grant-type:ciba"
INTERVAL: Final = 5  # seconds, when the broker names none (7.3), and what slow_down adds (11)
LONGEST_INTERVAL: Final = 300
PATIENCE: Final = 35.0  # a broker may hold a poll open for 30 s (10.1)
SHORTEST_CODE: Final = 4


@dataclass(frozen=True)
class CibaStart:
    """A prompt that was sent. The caller keeps it sealed, and polls no more often than every `interval` seconds."""

    auth_req_id: str = field(repr=False)
    interval: int
    expires_at: datetime
    notification_token: str = field(repr=False)


@dataclass(frozen=True)
class Pending:
    """No answer yet; ask again after the interval, or after `retry_after` seconds when the broker says so."""

    retry_after: int | None = None


@dataclass(frozen=True)
class SlowDown:
    """No answer yet, and we ask too often: the interval grows by `by` seconds for this and all later polls (11)."""

    by: int = INTERVAL


def start(
    broker: Broker,
    *,
    login_hint: str,
    binding_message: str,
    acr_values: Sequence[str],
    requested_expiry: int,
    at: datetime,
    transfer_code: str = "",
) -> CibaStart:
    """Send the prompt as a signed request with exactly one hint (7.1, 7.1.1). Raises Rejected.

    `transfer_code` is what the caller hears and types on the phone: needed with brokers whose ciba_binding is
    "transfer", refused with the others. It must not be in `binding_message`.
    """
    if broker.ciba == "none" or not login_hint:
        raise Rejected(Code.PROVIDER)
    token = secrets.token_urlsafe(32) if broker.ciba == "ping" else ""
    parameters: dict[str, Any] = {
        "scope": broker.scope,
        "login_hint": login_hint,
        "binding_message": binding_message,
        "acr_values": " ".join(acr_values),
        "requested_expiry": requested_expiry,
    }
    parameters |= {"client_notification_token": token} if token else {}
    parameters |= _transfer(broker, transfer_code, binding_message)
    request = asking.request_object(broker, parameters, at=at)
    answer = asking.post(broker, "backchannel_authentication_endpoint", {"request": request}, at=at)
    asking.refuse(asking.error_of(answer))
    return _started(network.content(answer), token, at)


def _transfer(broker: Broker, code: str, message: str) -> dict[str, str]:
    """Return the parameter that makes the phone ask for the code, as it was agreed with this broker.

    No standard names one. FAPI-CIBA 5.2.2 has a request_context, and leaves what is in it to the two parties.
    """
    if broker.ciba_binding != "transfer":
        if code:
            raise ValueError("This broker cannot ask for a code.")
        return {}
    if len(code) < SHORTEST_CODE or code in message:
        raise ValueError("A code of four characters or more is needed, which the message does not show.")
    member = broker.transfer_member
    return {broker.transfer_parameter: json.dumps({member: code}) if member else code}


def _started(content: dict[str, Any], token: str, at: datetime) -> CibaStart:
    request, interval = content.get("auth_req_id"), _whole(content.get("interval", INTERVAL))
    if not isinstance(request, str) or not request:
        raise Rejected(Code.UNREACHABLE)
    expires_at = at + timedelta(seconds=_whole(content.get("expires_in")))
    return CibaStart(request, min(max(interval, 1), LONGEST_INTERVAL), expires_at, token)


def _whole(value: object) -> int:
    """Return a whole number of seconds, at most a day. Raises Rejected: UNREACHABLE for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 86400:
        raise Rejected(Code.UNREACHABLE)
    return value


def poll(broker: Broker, start: CibaStart, *, at: datetime) -> Pending | SlowDown | Identity:
    """Ask once whether the person has answered; of `start`, the token and interval are not read. Raises Rejected.

    Every code but UNREACHABLE is the end of this prompt. One poll at a time: the caller holds the lock (10.1).
    """
    if at >= start.expires_at + timedelta(seconds=INTERVAL):
        raise Rejected(Code.EXPIRED)
    fields, asked = {"grant_type": GRANT, "auth_req_id": start.auth_req_id}, time.monotonic()
    answer = asking.post(broker, "token_endpoint", fields, at=at, patience=PATIENCE)
    if answer.status_code in (429, 503) and "retry-after" in answer.headers:
        return Pending(_seconds(answer, at))
    error = asking.error_of(answer)
    if error == "authorization_pending":
        return Pending()
    if error == "slow_down":
        return SlowDown()
    asking.refuse(error)
    waited = timedelta(seconds=time.monotonic() - asked)  # the answer may be made 30 s after we asked
    return opened(broker, network.content(answer).get("id_token"), nonce=None, at=at + waited)


def _seconds(answer: httpx.Response, at: datetime) -> int:
    """Return how long Retry-After asks us to wait (RFC 9110 10.2.3), at least the default interval."""
    value = answer.headers["retry-after"].strip()
    if value.isascii() and value.isdigit():
        return min(max(int(value[:6]), INTERVAL), 3600)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return INTERVAL
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(int((until - at).total_seconds()), INTERVAL), 3600)


def digest_of(notification_token: str) -> bytes:
    """Return what to keep of a notification token, so that the table holds none."""
    return hashlib.sha256(notification_token.encode()).digest()


def ping_is_from(authorization: str, *, digest: bytes) -> bool:
    """Tell in constant time whether a ping's Authorization header bears the token with this digest (10.2).

    A ping is a hint and no more: who answered, and what, is known only by polling.
    """
    scheme, _, token = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(digest_of(token.strip()), digest)
