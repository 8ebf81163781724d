"""The rows of requests to people's apps: what is kept of each, sealed, who works on it, and when it is due again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from audit import keys
from verification import pushes
from verification.eid import ciba
from verification.eid.ciba import CibaStart
from verification.models import CibaRequest, Prompt

LEASE: Final = timedelta(seconds=90)  # longer than any step can take: a broker may hold a poll open for 30 s (10.1)
LAST_LOOK: Final = timedelta(seconds=4)  # before it runs out in the app
NOBODYS: Final = bytes(32)  # the digest of no token


@dataclass(frozen=True)
class Sent:
    """What is kept, sealed, of a request. `silent`: nobody was asked, and it will look like somebody who says no.

    `unheard`: the broker may have given its answer, which it gives once, without our having it.
    """

    sent_at: datetime
    shown: str  # the letters that app and agent show alike
    auth_req_id: str = ""
    expires_at: datetime | None = None
    silent: bool = False
    unheard: bool = False

    @property
    def start(self) -> CibaStart:
        """Return what a poll needs."""
        return CibaStart(self.auth_req_id, ciba.INTERVAL, self.expires_at or self.sent_at, "")

    @property
    def last_look(self) -> datetime:
        """Return when a request whose prompt has ended is asked about once more: an approval then is an orphan."""
        return (self.expires_at or self.sent_at) - LAST_LOOK


def due(*, at: datetime, limit: int = 200) -> list[int]:
    """List the ids of requests to be sent or asked about, also those of killed workers, the longest due first."""
    free = Q(polling_until=None) | Q(polling_until__lte=at)
    rows = CibaRequest.objects.filter(free, done_at=None, due_at__lte=at).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def leased(pk: int, at: datetime) -> CibaRequest | None:
    """Take one request for this worker, or return None: it isn't due, is done, or another worker has it (10.1)."""
    with transaction.atomic():
        rows = CibaRequest.objects.select_for_update(of=("self",)).filter(pk=pk, done_at=None, due_at__lte=at)
        found = rows.select_related("prompt__interaction__organisation", "prompt__claim__person").first()
        if found is None or (found.polling_until is not None and found.polling_until > at):
            return None
        found.interrupted = found.polling_until is not None  # whoever had it neither finished nor put it off
        found.polling_until, found.attempts = at + LEASE, found.attempts + 1
        found.save(update_fields=["polling_until", "attempts"])
        return found


def mine(request: CibaRequest) -> QuerySet[CibaRequest]:
    """Return the row as long as this worker has it: one that was too slow changes nothing of its successor's."""
    return CibaRequest.objects.filter(pk=request.pk, attempts=request.attempts, done_at=None)


def put_off(request: CibaRequest, until: datetime) -> None:
    """Let a request rest until then, keeping its interval."""
    mine(request).update(due_at=until, polling_until=None, interval_seconds=request.interval_seconds)


def done(request: CibaRequest, *, at: datetime) -> None:
    """Note that nothing more is to be done for a request."""
    CibaRequest.objects.filter(pk=request.pk, done_at=None).update(done_at=at, polling_until=None)


def ping(code: str, *, authorization: str, auth_req_id: str, at: datetime) -> bool:
    """Take a broker's word that there is an answer; False when it can't be its (10.2). It is a hint: then we ask."""
    row = CibaRequest.objects.filter(broker=code, request_digest=digest(auth_req_id)).first()
    kept = bytes.fromhex(row.notification_digest) if row and row.notification_digest else NOBODYS
    known = ciba.ping_is_from(authorization, digest=kept)  # compared for a request that isn't ours as well
    if row is None or not row.notification_digest or not known:
        return False
    with transaction.atomic():
        CibaRequest.objects.filter(pk=row.pk, done_at=None, due_at__gt=at).update(due_at=at)
        pushes.hint(row.pk, pinged=True)
    return True


def letters_of(prompt: Prompt) -> str:
    """Return the letters that his app shows, for the agent to say; "" as long as nothing was sent, or to nobody."""
    request = CibaRequest.objects.filter(prompt=prompt).first()
    sent = sent_of(request) if request else None
    return sent.shown if sent else ""


def sent_of(request: CibaRequest) -> Sent | None:
    """Return what is kept of a request, None before anything was sent."""
    if not request.sealed_request:
        return None
    kept: dict[str, Any] = json.loads(keys.unseal(bytes(request.sealed_request), context=_context(request)))
    moments = {name: datetime.fromisoformat(kept[name]) for name in ("sent_at", "expires_at") if kept[name]}
    return Sent(**{**kept, **moments})


def sealed(request: CibaRequest, sent: Sent) -> bytes:
    """Seal what is kept of a request."""
    moments = {"sent_at": sent.sent_at.isoformat(), "expires_at": sent.expires_at and sent.expires_at.isoformat()}
    kept = {"shown": sent.shown, "auth_req_id": sent.auth_req_id, "silent": sent.silent, "unheard": sent.unheard}
    kept |= moments
    return keys.seal(json.dumps(kept), context=_context(request))


def _context(request: CibaRequest) -> str:
    return f"backchannel:{request.pk}"


def digest(auth_req_id: str) -> str:
    """Return the hash by which a request is found when the broker names it."""
    return sha256(auth_req_id.encode()).hexdigest()
