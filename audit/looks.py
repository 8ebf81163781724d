"""Who has looked at what is kept about a person: when, why and in which role. Never by which name.

Each room says which of its entries are such looks, and why they are made, in words for the person himself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.models import Entry

_WHY: Final[dict[tuple[str, str], Promise]] = {}


@dataclass(frozen=True)
class Look:
    """One look: `at` in UTC, `why` in words, `role` as the log has it ("" where it has none), `masked` or in full."""

    at: datetime
    why: Promise
    role: str
    masked: bool


def register(kind: str, why: Promise, *, action: str = "") -> None:
    """Count the entries of a kind as looks; with `action` only those about that action."""
    if (kind, action) in _WHY:
        raise RuntimeError(f"looks of the kind {kind} {action} are registered twice")
    _WHY[kind, action] = why


def at_subject(subject: str, *, since: datetime, most: int = 100) -> list[Look]:
    """Return the newest looks at one subject, the newest first."""
    kinds = {kind for kind, _action in _WHY}
    entries = Entry.objects.filter(subject_ref=subject, kind__in=kinds, at__gte=since).order_by("-id")
    found = (_look(entry) for entry in entries.iterator(chunk_size=most))
    return list(islice((look for look in found if look), most))


def _look(entry: Entry) -> Look | None:
    envelope: dict[str, Any] = json.loads(bytes(entry.body))
    facts = envelope["facts"]
    why = _WHY.get((entry.kind, "")) or _WHY.get((entry.kind, str(facts.get("action") or "")))
    if why is None or not entry.actor.startswith("staff:"):
        return None
    at = datetime.fromisoformat(envelope["at"]).astimezone(UTC)
    return Look(at=at, why=why, role=str(facts.get("role") or ""), masked=entry.outcome == "masked")


for kind in ("audit.read", "audit.searched", "audit.contact_read", "audit.proof_fetched"):
    register(kind, _("An auditor checked that everything was done right."))
