"""Visits in the staff's site: the clerk's own pages, a list for those who look after the offices, and the offices."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from audit.listing import OfferedFiltersOnly
from visits.admin import desk_page, second, today
from visits.admin.forms import OfficeForm
from visits.models import AbilityHours, Escalation, Office, OfficeException, OfficeHours, Visit

WATCHING = ("CLERK", "SUPERVISOR", "AUDITOR", "ADMINISTRATOR")


class ReadOnly(OfferedFiltersOnly):
    """A list that nobody changes by a form, of the reader's own organisation."""

    actions = None
    list_max_show_all = 0
    show_full_result_count = False
    readers: tuple[str, ...] = WATCHING

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and getattr(request.user, "role", "") in self.readers

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(organisation=getattr(request.user, "organisation", None))


@admin.register(Visit)
class VisitAdmin(ReadOnly):
    """Every visit without a name in it; the clerk's pages hang here."""

    list_display = ("starts_at", "office", "desk", "errand", "language", "state_now", "reference")
    list_filter = ("office", ("starts_at", admin.DateFieldListFilter))
    fields = ("public_id", "office", "desk", "starts_at", "ends_at", "errand", "language", "booked_at", "state_now")
    search_fields = ("=public_id",)
    ordering = ("starts_at",)
    list_select_related = ("office",)

    def get_urls(self) -> list[URLPattern]:
        """Put the clerk's pages before the list."""
        guard = self.admin_site.admin_view
        own = [
            path("today/", guard(today.today), name="visits_today"),
            path("second/", guard(second.waiting), name="visits_second"),
            path("second/<uuid:interaction_id>/", guard(second.confirm), name="visits_second_confirm"),
            path("second/<uuid:interaction_id>/slip/", guard(second.slip), name="visits_slip"),
            path("desk/<uuid:public_id>/", guard(desk_page.desk), name="visits_desk"),
            path("desk/<uuid:public_id>/<slug:step>/", guard(desk_page.step), name="visits_step"),
        ]
        return own + super().get_urls()

    @admin.display(description=_("errand"))
    def errand(self, visit: Visit) -> str:
        return today.errand_of(visit)

    @admin.display(description=_("state"))
    def state_now(self, visit: Visit) -> str:
        return str(Visit.State(visit.state).label)

    @admin.display(description=_("reference"))
    def reference(self, visit: Visit) -> str:
        return today.reference(visit)


@admin.register(Escalation)
class EscalationAdmin(ReadOnly):
    """Visits that are asked for and not yet placed: the list that must not grow."""

    list_display = ("asked_at", "action", "language", "state", "attempts", "due_at", "last_error")
    list_filter = ("state",)
    fields = ("asked_at", "action", "office", "town", "language", "state", "attempts", "due_at", "last_error")
    ordering = ("-asked_at",)


class Rows(admin.TabularInline[Any, Office]):
    """Rows of an office's calendar."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return getattr(request.user, "role", "") in WATCHING

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return getattr(request.user, "role", "") == "ADMINISTRATOR"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)


class WeeklyRows(Rows):
    model = OfficeHours


class ExceptionRows(Rows):
    model = OfficeException


class AbilityRows(Rows):
    model = AbilityHours


@admin.register(Office)
class OfficeAdmin(ReadOnly):
    """Offices and their hours, kept by administrators."""

    list_display = ("name", "town", "desks", "slot_minutes", "step_free")
    exclude = ("organisation",)
    form = OfficeForm
    inlines = (WeeklyRows, ExceptionRows, AbilityRows)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return getattr(request.user, "role", "") == "ADMINISTRATOR"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: Office, form: Any, change: bool) -> None:
        """Keep a new office in the organisation of who adds it."""
        if not change:
            obj.organisation = request.user.organisation  # type: ignore[union-attr]  # the site lets staff in only
        super().save_model(request, obj, form, change)
