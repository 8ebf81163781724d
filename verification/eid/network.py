"""How brokers are reached: short timeouts, no redirects; what changes seldom is kept for ten minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from verification.eid.brokers import Broker, trusted_address
from verification.eid.rejected import Code, Rejected

TIMEOUT: Final = httpx.Timeout(8, connect=4)
KEPT_SECONDS: Final = 600
REFETCH_SECONDS: Final = 10  # an unknown kid may be a new key, or somebody who wants us to ask without end
LARGEST: Final = 256 * 1024
NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
ENDPOINTS: Final = (*NEEDED, "pushed_authorization_request_endpoint", "backchannel_authentication_endpoint")


@dataclass(frozen=True)
class _Kept:
    value: Any
    since: float


_kept: Final[dict[tuple[str, str], _Kept]] = {}
_lock: Final = threading.Lock()


def forget() -> None:
    """Drop all that is kept, as a new process would."""
    with _lock:
        _kept.clear()


def metadata(broker: Broker) -> Mapping[str, Any]:
    """Return the broker's discovery document (OpenID Connect Discovery 4). Raises Rejected: UNREACHABLE, ISSUER."""
    kept: Mapping[str, Any] | None = _remembered(broker, "metadata", KEPT_SECONDS)
    return kept or _fetch_metadata(broker)


def _fetch_metadata(broker: Broker) -> Mapping[str, Any]:
    document = content(_get(f"{broker.issuer}/.well-known/openid-configuration"))
    if document.get("issuer") != broker.issuer:
        raise Rejected(Code.ISSUER)
    if not all(name in document for name in NEEDED):
        raise Rejected(Code.UNREACHABLE)
    for name in ENDPOINTS:
        if name in document and not (isinstance(document[name], str) and trusted_address(document[name])):
            raise Rejected(Code.UNREACHABLE)
    _remember(broker, "metadata", document)
    return document


def endpoint(broker: Broker, name: str) -> str:
    """Return the address of one endpoint. Raises Rejected: PROVIDER when the broker has no such thing."""
    address = metadata(broker).get(name)
    if not isinstance(address, str):
        raise Rejected(Code.PROVIDER)
    return address


def signing_key(broker: Broker, kid: str) -> RSAKey | ECKey | None:
    """Return the broker's signing key with this id, asking anew for one that isn't known; None when there is none."""
    keys = _remembered(broker, "jwks", KEPT_SECONDS) or _fetch_keys(broker)
    if kid not in keys and not _remembered(broker, "jwks", REFETCH_SECONDS):
        keys = _fetch_keys(broker)
    found: RSAKey | ECKey | None = keys.get(kid)
    return found


def _fetch_keys(broker: Broker) -> Mapping[str, RSAKey | ECKey]:
    try:
        keys = KeySet.import_key_set(content(_get(endpoint(broker, "jwks_uri")))).keys  # type: ignore[arg-type]  # a JWKS or not
    except (JoseError, ValueError, TypeError, KeyError):
        raise Rejected(Code.UNREACHABLE) from None
    signing = [key for key in keys if isinstance(key, RSAKey | ECKey) and key.get("use") != "enc"]
    by_id = {key.kid: key for key in signing if key.kid}
    _remember(broker, "jwks", by_id)
    return by_id


def _remembered(broker: Broker, what: str, seconds: float) -> Any:
    with _lock:
        kept = _kept.get((broker.issuer, what))
    return kept.value if kept and time.monotonic() - kept.since < seconds else None


def _remember(broker: Broker, what: str, value: Any) -> None:
    with _lock:
        _kept[broker.issuer, what] = _Kept(value, time.monotonic())


def post(url: str, fields: Mapping[str, str], *, patience: float | None = None) -> httpx.Response:
    """Send a form; `patience` is how many seconds the answer may take. Raises Rejected: UNREACHABLE."""
    timeout = httpx.Timeout(patience, connect=4) if patience else TIMEOUT
    try:
        return httpx.post(url, data=dict(fields), timeout=timeout, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Rejected(Code.UNREACHABLE) from None  # its text may hold the address, and that a request


def _get(url: str) -> httpx.Response:
    try:
        answer = httpx.get(url, timeout=TIMEOUT, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Rejected(Code.UNREACHABLE) from None
    if answer.status_code != 200:
        raise Rejected(Code.UNREACHABLE)
    return answer


def content(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises Rejected: UNREACHABLE when it is something else."""
    try:
        found = answer.json() if len(answer.content) <= LARGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Rejected(Code.UNREACHABLE)
    return found
