"""The secrets that open a prompt's page: the link that was sent, and the browser that came by it. Kept as hashes."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import QuerySet

from verification.models import Prompt, PromptProgress, PromptToken
from verification.prompt_ends import note

BROWSER_LASTS = timedelta(minutes=30)
Kind = PromptToken.Kind


def issue(prompt: Prompt, kind: str, *, expires_at: datetime, at: datetime) -> str:
    """Make a secret of 192 random bits for a prompt and return it; only its hash stays."""
    token = secrets.token_urlsafe(24)
    PromptToken.objects.create(
        prompt=prompt, kind=kind, digest=digest(token), issued_at=at, expires_at=max(expires_at, at)
    )
    return token


def prompt_of(token: str, kind: str, *, at: datetime) -> Prompt | None:
    """Return the prompt that a secret opens now, or None; nothing is used up by it."""
    row = _rows(token, kind, at).first()
    return row.prompt if row else None


def spent(token: str, *, at: datetime) -> bool:
    """Tell whether a link has been traded for a browser's secret before."""
    return _rows(token, Kind.LINK, at).filter(used_at__isnull=False).exists()


def trade(token: str, *, at: datetime) -> str | None:
    """Trade a link's secret, once, for a browser's, and note that the page was opened; None when it opens nothing."""
    with transaction.atomic():
        row = _rows(token, Kind.LINK, at).select_for_update(of=("self",)).first()
        if row is None or row.used_at is not None:
            return None
        row.used_at = at
        row.save(update_fields=["used_at"])
        PromptProgress.objects.filter(prompt=row.prompt, opened_at=None).update(opened_at=at)
        note("prompt.opened", row.prompt, "ok", at=at)
        return issue(row.prompt, Kind.BROWSER, expires_at=at + BROWSER_LASTS, at=at)


def _rows(token: str, kind: str, at: datetime) -> QuerySet[PromptToken]:
    rows = PromptToken.objects.filter(digest=digest(token[:100]), kind=kind, expires_at__gt=at)
    return rows.select_related(
        "prompt__interaction__organisation", "prompt__interaction__served_by", "prompt__claim__person"
    )


def digest(token: str) -> str:
    """Return the hash under which a secret is kept."""
    return sha256(token.encode()).hexdigest()
