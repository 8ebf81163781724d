"""Today's visits, office by office, without a name on the page."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from verification.declarations import declared
from verification.models import Staff
from visits.admin.access import clerk_of
from visits.models import Office, Visit
from visits.papers import unconfirmed


class ChoiceForm(forms.Form):
    """Which office, which day, and how many days of it."""

    office = forms.UUIDField(required=False)
    day = forms.DateField(required=False)
    days = forms.IntegerField(min_value=1, max_value=31, required=False)


def today(request: HttpRequest) -> HttpResponse:
    """List the visits of a day, of one office or all."""
    by, form, at = clerk_of(request), ChoiceForm(request.GET), timezone.now()
    chosen = form.cleaned_data if form.is_valid() else {}
    offices = list(Office.objects.filter(organisation=by.organisation))
    office = next((office for office in offices if office.public_id == chosen.get("office")), None)
    day, days = chosen.get("day") or timezone.localdate(at), chosen.get("days") or 1
    context = {
        **admin.site.each_context(request),
        "title": _("Today's visits"),
        "offices": offices,
        "office": office,
        "day": day,
        "days": days,
        "tomorrow": day + timedelta(days=1),
        "yesterday": day - timedelta(days=1),
        "rows": [_row(visit, at) for visit in _visits(by, office, day, days)],
    }
    return TemplateResponse(request, "admin/visits/today.html", context)


def errand_of(visit: Visit) -> str:
    """Name the visit's errand in the active language."""
    asked = declared(visit.action)
    return str(asked.errand) if asked else _("not told")


def reference(visit: Visit) -> str:
    """Return a short reference to tell visits apart."""
    return str(visit.public_id)[:8].upper()


def state_of(visit: Visit, at: datetime) -> str:
    """Name a visit's state in the active language; one whose day has gone by without him is no longer awaited."""
    if visit.state == Visit.State.BOOKED and visit.on < at.astimezone(visit.office.tz).date():
        return _("did not come")
    return str(Visit.State(visit.state).label)


def _visits(by: Staff, office: Office | None, day: date, days: int) -> list[Visit]:
    zone = office.tz if office else timezone.get_current_timezone()
    begins = datetime.combine(day, time(), tzinfo=zone)
    rows = Visit.objects.select_related("office", "customer").filter(
        organisation=by.organisation, starts_at__gte=begins, starts_at__lt=begins + timedelta(days=days)
    )
    kin = by.kin.all()
    rows = rows.exclude(customer__in=kin).order_by("starts_at", "office", "desk")
    return list(rows.filter(office=office) if office else rows)[:500]


def _row(visit: Visit, at: datetime) -> dict[str, Any]:
    return {
        "visit": visit,
        "starts": visit.starts_at.astimezone(visit.office.tz),
        "errand": errand_of(visit),
        "reference": reference(visit),
        "state": visit.state,
        "state_label": state_of(visit, at),
        "unconfirmed": len(unconfirmed(visit)),
    }
