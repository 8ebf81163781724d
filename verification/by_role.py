"""Pages of the staff's site that a role opens: what a role may do is decided by the role, never by permission rows."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from audit.listing import OfferedFiltersOnly
from verification.models import Staff


def person(request: HttpRequest) -> Staff:
    return cast("Staff", request.user)


class ByRole(OfferedFiltersOnly):
    """Open a model's pages to `roles`, for looking only and within the reader's own organisation."""

    roles: tuple[str, ...] = ()
    actions = None

    def _open_to(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "role", "") in self.roles)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._open_to(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._open_to(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        mine: QuerySet[Any] = super().get_queryset(request)
        return mine.filter(organisation_id=person(request).organisation_id)

    def _check(self, request: HttpRequest) -> Staff:
        if not self._open_to(request):
            raise PermissionDenied
        return person(request)

    def _show(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return render(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})
