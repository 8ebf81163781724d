"""The auditor's page for taking out a period: ask for it, see how far it is, fetch it while it is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from audit import taking_out
from audit.models import Export
from audit.reading import Auditor

SHOWN: Final = 20


class ExportForm(forms.Form):
    """A period, in days of the office, and what it is for."""

    since = forms.DateField(label=gettext_lazy("First day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=gettext_lazy("Last day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    purpose = forms.CharField(
        label=gettext_lazy("What it is for"), min_length=5, max_length=200, strip=True,
        help_text=gettext_lazy("It is recorded in the log for good: name no customer here."),
    )  # fmt: skip
    with_csv = forms.BooleanField(label=gettext_lazy("A table for spreadsheets too"), required=False, initial=True)

    def clean(self) -> dict[str, Any]:
        """Hold the days against each other."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("The last day is before the first."))
        return cleaned

    @property
    def period(self) -> tuple[datetime, datetime]:
        """Return the period: from the first moment of the first day up to that of the day after the last."""
        first, last = self.cleaned_data["since"], self.cleaned_data["until"]
        return _midnight(first.toordinal()), _midnight(last.toordinal() + 1)


@require_http_methods(["GET", "HEAD", "POST"])
def exports_page(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    """Take a wish for an export, and show the auditor's own with how far each is."""
    auditor, at = Auditor.of(request), timezone.now()  # noqa: TID251 - a page is an edge
    form = ExportForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _asked(request, form, auditor, at):
        return redirect("admin:audit_exports")
    rows = _own(auditor)
    shown = {"title": _("Take out a period"), "form": form, "exports": rows, "going_on": _going_on(rows)}
    return TemplateResponse(request, "audit/exports.html", {**site.each_context(request), **shown})


@require_safe
def exports_rows(request: HttpRequest) -> HttpResponse:
    """Show the list alone, for the page that refreshes itself."""
    rows = _own(Auditor.of(request))
    return TemplateResponse(request, "audit/export_rows.html", {"exports": rows, "going_on": _going_on(rows)})


@require_safe
def export_file(request: HttpRequest, export: UUID) -> HttpResponse | FileResponse:
    """Give the file to the auditor who asked for it, and to nobody else."""
    auditor, at = Auditor.of(request), timezone.now()  # noqa: TID251 - a page is an edge
    found = get_object_or_404(_of(auditor), public_id=export)
    if found.state != Export.State.READY or found.void_at is None or found.void_at <= at:
        raise Http404
    try:
        file = taking_out.opened(found, auditor, at=at)
    except FileNotFoundError:
        messages.error(request, _("The file is not where the site and its worker keep it: ask for it again."))
        return redirect("admin:audit_exports")
    name = f"log-{_day(found.since)}-{_day(found.until)}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")


def _asked(request: HttpRequest, form: ExportForm, auditor: Auditor, at: datetime) -> bool:
    since, until = form.period
    asked = {name: form.cleaned_data[name] for name in ("with_csv", "purpose")}
    try:
        taking_out.ask(auditor, since=since, until=until, at=at, **asked)
    except taking_out.TooMany:
        form.add_error(None, _("Several of yours are being written: wait until one is ready."))
        return False
    messages.success(request, _("It is being written. You may go on working, and come back for it."))
    return True


def _of(auditor: Auditor) -> Any:
    return Export.objects.filter(asked_by=auditor.actor, organisation=auditor.organisation)


def _own(auditor: Auditor) -> list[Export]:
    return list(_of(auditor).order_by("-pk")[:SHOWN])


def _going_on(rows: list[Export]) -> bool:
    return any(row.going_on for row in rows)


def _midnight(day: int) -> datetime:
    return timezone.make_aware(datetime.fromordinal(day))


def _day(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d")
