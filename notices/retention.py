"""How long messages are kept: sealed under the key of whom they went to."""

from __future__ import annotations

from django.db.models import Q

from audit.retention import expires

expires("notices.Notice", kept="trace", since="created_at", only=Q(state__in=("SENT", "FAILED")))
