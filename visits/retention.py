"""How long this room's tables keep what they hold, and what stays because it names nobody."""

from __future__ import annotations

from django.db.models import Q

from audit.retention import expires, stays

stays(
    "visits.AbilityHours", "visits.Office", "visits.OfficeException", "visits.OfficeHours",
    kept="log", note="about our offices, not about people",
)  # fmt: skip
stays(
    "visits.ChecklistItem", "visits.IdentityTry", "visits.ItemAccepted", "visits.ItemConfirmed", "visits.Visit",
    "visits.VisitEvent",
    kept="evidence", note="rows can't be changed; what he told of himself is emptied when he is erased",
)  # fmt: skip
expires("visits.SeenDocument", kept="evidence", since="evidence__observed_at")
expires("visits.VisitToken", kept="secret", since="expires_at")
expires("visits.VisitCode", kept="trace", since="sent_at")
expires("visits.Escalation", kept="abandoned", since="asked_at", only=~Q(state="PENDING"))
expires("visits.Reminder", kept="trace", since="due_at", only=~Q(state="PENDING"))
