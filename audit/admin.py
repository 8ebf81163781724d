"""The auditor's desk in the staff's site: his organisation's entries, read only, and the reading itself recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from audit import alarm_admin, desk, export_desk
from audit.models import Entry

__all__ = ["EntryAdmin", "alarm_admin"]  # each registers itself

ROLES = ("AUDITOR",)
View = Callable[..., HttpResponse]


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """Let auditors, and nobody else, into the pages of audit/desk.py; there is nothing to add, change or delete."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the log to auditors only."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return request.user.is_active and getattr(request.user, "role", None) in ROLES

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        """Leave out what other organisations did; an entry of none is nobody's to read here."""
        ours = str(getattr(request.user, "organisation_id", None) or "")
        return cast("QuerySet[Entry]", super().get_queryset(request)).filter(org=ours).exclude(org="")

    def get_urls(self) -> list[URLPattern]:
        """Put the desk's own pages before Django's."""
        routes: tuple[tuple[str, View, str], ...] = (
            ("contact/<uuid:contact>/", self.contact_view, "audit_contact"),
            ("exports/", self.exports_view, "audit_exports"),
            ("exports/rows/", self.export_rows_view, "audit_export_rows"),
            ("exports/<uuid:export>/file/", self.export_file_view, "audit_export_file"),
            ("<int:number>/proof/", self.proof_view, "audit_proof"),
        )
        own = [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in routes]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._let_in(request)
        return desk.list_page(request, self.admin_site)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._let_in(request)
        return self._with_entry(request, object_id, lambda entry: desk.entry_page(request, self.admin_site, entry))

    def proof_view(self, request: HttpRequest, number: int) -> HttpResponse:
        self._let_in(request)
        return self._with_entry(request, str(number), lambda entry: desk.proof_file(request, entry))

    def contact_view(self, request: HttpRequest, contact: UUID) -> HttpResponse:
        self._let_in(request)
        return desk.contact_page(request, self.admin_site, contact)

    def exports_view(self, request: HttpRequest) -> HttpResponse:
        self._let_in(request)
        return export_desk.exports_page(request, self.admin_site)

    def export_rows_view(self, request: HttpRequest) -> HttpResponse:
        self._let_in(request)
        return export_desk.exports_rows(request)

    def export_file_view(self, request: HttpRequest, export: UUID) -> Any:
        self._let_in(request)
        return export_desk.export_file(request, export)

    def _let_in(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _with_entry(self, request: HttpRequest, number: str, show: Callable[[Entry], HttpResponse]) -> HttpResponse:
        """Show an entry of this auditor's organisation, or lead back to the list where there is none."""
        entry = self.get_object(request, number)
        if entry is None:
            messages.warning(request, _("There is no such entry."))
            return redirect("admin:audit_entry_changelist")
        return show(cast("Entry", entry))
