"""One contact as the log tells it, from ring to outcome: each entry in its order, with the time that passed between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.utils.translation import ngettext

from audit.facts import CONTACT
from audit.models import Entry
from audit.naming import Staff, said
from audit.words import KINDS, OUTCOMES, in_words

MOST: Final = 500
SILENCE: Final = timedelta(minutes=1)  # what is shown as a gap
STANDS_OUT: Final = {
    "gate.granted": "granted", "gate.refused": "refused", "gate.rejected": "refused", "gate.failed": "refused",
    "gate.proposed": "waiting",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One entry of a contact, in words.

    `gap` is the time since the one before, "" where it was short; `mark` says what kind of decision stands out.
    """

    entry: Entry
    gap: str
    who: str
    role: str
    what: str
    outcome: str
    action: str
    reason: str
    held: str
    required: str
    mark: str


def of(contact: str, organisation: str, staff: Staff, *, after: int = 0) -> tuple[list[Step], bool]:
    """Return the steps of a contact in order, MOST at a time, and whether more follow."""
    found = Entry.objects.alias(contact=CONTACT).filter(contact=contact, pk__gt=after).defer("payload_ct")
    rows = list(found.order_by("pk")[: MOST + 1])
    ours = [entry for entry in rows[:MOST] if organisation and entry.org == organisation]
    before = [None, *ours]
    return [_step(entry, last, staff) for entry, last in zip(ours, before, strict=False)], len(rows) > MOST


def _step(entry: Entry, last: Entry | None, staff: Staff) -> Step:
    facts: dict[str, Any] = json.loads(bytes(entry.body))["facts"]
    passed = entry.at - last.at if last else timedelta(0)
    return Step(
        entry=entry,
        gap=in_time(passed) if passed >= SILENCE else "",
        who=staff.name(entry.actor),
        role=staff.role(entry.actor),
        what=in_words(entry.kind, KINDS),
        outcome=in_words(entry.outcome, OUTCOMES),
        action=said("action", facts.get("action")),
        reason=said("reason", facts.get("reason")),
        held=said("level", facts.get("held") or facts.get("level")),
        required=said("level", facts.get("required")),
        mark=STANDS_OUT.get(entry.kind, ""),
    )


def in_time(span: timedelta) -> str:
    """Say how long something is, in the one unit that tells it best."""
    seconds = int(span.total_seconds())
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds < 7200:
        return ngettext("%(n)d minute", "%(n)d minutes", seconds // 60) % {"n": seconds // 60}
    if seconds < 2 * 86400:
        return ngettext("%(n)d hour", "%(n)d hours", seconds // 3600) % {"n": seconds // 3600}
    return ngettext("%(n)d day", "%(n)d days", seconds // 86400) % {"n": seconds // 86400}
