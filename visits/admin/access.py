"""Who may stand behind the desk, and the visit he asks for: of his own organisation or not there at all."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from verification.interactions import DESK_ROLES
from verification.models import Staff
from visits.models import Visit


def clerk_of(request: HttpRequest) -> Staff:
    """Return who asks; PermissionDenied unless his role stands behind a desk."""
    user = request.user
    if not isinstance(user, Staff) or user.role not in DESK_ROLES:
        raise PermissionDenied
    return user


def visit_for(request: HttpRequest, public_id: UUID) -> Visit:
    """Return a visit of the clerk's organisation, and not one of his own or his family."""
    by = clerk_of(request)
    related = ("office", "organisation", "customer", "refusal", "grant")
    visit = Visit.objects.select_related(*related).filter(public_id=public_id, organisation=by.organisation).first()
    if visit is None:
        raise Http404
    if visit.customer is not None and not by.may_serve(visit.customer):
        raise PermissionDenied
    return visit
