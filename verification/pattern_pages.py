"""The auditor's page of patterns: one report over a period, as bars and a table, each row with its entries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from audit.log import record
from verification.models import Staff
from verification.patterns import PATTERNS, Pattern, Period, Row

DAYS: Final = 30
WIDTH: Final = 240  # of the longest bar, in the units of its drawing


class PeriodForm(forms.Form):
    """From which day to which, both counted in."""

    since = forms.DateField(label=_("from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label=_("to"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and not timedelta(0) <= until - since <= timedelta(days=366):
            raise forms.ValidationError(_("Choose a period of a year at most, that ends after it begins."))
        return given


@require_safe
def patterns(request: HttpRequest, code: str = PATTERNS[0].code) -> HttpResponse:
    """Show one report; that it was read is committed to the log first."""
    by = _auditor(request)
    pattern = next((each for each in PATTERNS if each.code == code), None)
    if pattern is None:
        raise Http404
    now = timezone.now()
    today = timezone.localdate(now)
    chosen = {"since": today - timedelta(days=DAYS), "until": today}
    form = PeriodForm({name: request.GET.get(name, day.isoformat()) for name, day in chosen.items()})
    rows = _rows(pattern, form, by, now) if form.is_valid() else []
    shown = {
        **admin.site.each_context(request), "title": gettext("Patterns"), "patterns": PATTERNS, "pattern": pattern,
        "form": form, "rows": _drawn(rows), "query": request.GET.urlencode(), "width": WIDTH,
    }  # fmt: skip
    return TemplateResponse(request, "verification/patterns.html", shown, status=200 if form.is_valid() else 400)


def _auditor(request: HttpRequest) -> Staff:
    by = cast("Staff", request.user)
    if not by.is_active or by.role != Staff.Role.AUDITOR:
        raise PermissionDenied
    return by


def _rows(pattern: Pattern, form: PeriodForm, by: Staff, now: datetime) -> list[Row]:
    zone = timezone.get_current_timezone()
    days = (form.cleaned_data["since"], form.cleaned_data["until"] + timedelta(days=1))
    since, until = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in days)
    with transaction.atomic(durable=True):
        record(
            kind="patterns.read", actor=by.actor, subject="log", at=now, outcome="ok",
            purpose="look for what should not have happened", organisation=str(by.organisation_id),
            facts={"pattern": pattern.code, "since": since.isoformat(), "until": until.isoformat(), "role": by.role},
        )  # fmt: skip
    return pattern.rows(Period(by.organisation_id or 0, since, until))


def _drawn(rows: list[Row]) -> list[dict[str, Any]]:
    longest = max((row.count for row in rows), default=1)
    entries = reverse("admin:audit_entry_changelist")
    return [
        {"row": row, "bar": max(2, WIDTH * row.count // longest), "entries": f"{entries}?{urlencode(row.entries)}"}
        for row in rows
    ]
