"""What verification asks of its own rows: is there a decision that the log doesn't know? See audit.alarms."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Exists, Max, OuterRef
from django.utils.translation import gettext_lazy as _

from audit.alarms import Question, register
from audit.models import Entry
from verification.models import Grant, Refusal

LOOKED_AT: Final = 20_000  # of the newest; `audit verify` looks at all


def without_entry(_at: datetime) -> int:
    """Count grants and refusals among the newest whose Entry isn't in the log: forged ones have none."""
    return sum(_without_entry(decisions) for decisions in (Grant, Refusal))


def _without_entry(decisions: type[Grant] | type[Refusal]) -> int:
    last = decisions.objects.aggregate(last=Max("pk"))["last"] or 0
    known = Entry.objects.filter(uid=OuterRef("entry"))
    return decisions.objects.filter(~Exists(known), pk__gt=last - LOOKED_AT).count()


register(
    Question(
        "decisions_without_entry",
        _("grants and refusals that the log does not know"),
        _("Somebody wrote past the gate: keep the database as it is, take its rights away, and call security."),
        without_entry,
    )
)
