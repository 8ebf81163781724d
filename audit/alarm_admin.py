"""The page on which auditors and administrators see the standing questions, answered on the spot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import alarms
from audit.models import Alarm

ROLES = ("AUDITOR", "ADMINISTRATOR")
LATE = timedelta(minutes=5)  # after which the sweep that watches seems to have stopped
UNITS = {"rows": _("in number"), "seconds": _("seconds"), "per cent": _("per cent")}


@admin.register(Alarm)
class AlarmAdmin(admin.ModelAdmin):
    """Show all of it on one page; there is nothing to add, change or delete."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Alarm | None = None) -> bool:
        return request.user.is_active and getattr(request.user, "role", None) in ROLES

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Alarm | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Alarm | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Ask every question now, and tell since when an answer has been an alarm."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        at, noted = timezone.now(), Alarm.objects.in_bulk()
        watched_at = max((each.watched_at for each in noted.values()), default=None)
        shown = {
            **self.admin_site.each_context(request),
            "title": gettext("Alarms"),
            "opts": self.model._meta,
            "rows": sorted((_row(found, noted) for found in alarms.findings(at)), key=lambda row: not row["alarming"]),
            "watched_at": watched_at,
            "late": watched_at is None or at - watched_at > LATE,
        }
        return TemplateResponse(request, "audit/alarms.html", shown)


def _row(found: alarms.Finding, noted: dict[str, Alarm]) -> dict[str, Any]:
    question = found.question
    known = noted.get(question.code)
    return {
        "alarming": found.alarming,
        "label": question.label,
        "do": question.do,
        "value": None if found.value == alarms.UNANSWERED else found.value,
        "unit": UNITS[question.unit],
        "limit": question.limit,
        "since": known.began_at if known else None,
    }
