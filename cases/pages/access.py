"""Who may see and do what on the agents' pages. Asked by each page on the server, from the role and the row itself."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from verification.models import Interaction, Staff

SERVING = frozenset({Staff.Role.AGENT, Staff.Role.CLERK, Staff.Role.SUPERVISOR})
View = Callable[..., HttpResponse]


class Standing(Enum):
    """How a member of the staff stands to one contact."""

    MINE = "MINE"
    WAITING = "WAITING"
    COLLEAGUES = "COLLEAGUES"


def serving(view: View) -> View:
    """Open a page to the roles that serve customers; accounts of auditors and administrators hold none."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if person(request).role not in SERVING:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return checked


def person(request: HttpRequest) -> Staff:
    """Return who is at the screen; the admin site has let nobody else in."""
    return cast("Staff", request.user)


def contact(request: HttpRequest, public_id: UUID) -> Interaction:
    """Return a contact of this person's own organisation, or raise Http404."""
    mine = Interaction.objects.filter(organisation_id=person(request).organisation_id).select_related("served_by")
    return get_object_or_404(mine, public_id=public_id)


def standing(interaction: Interaction, by: Staff) -> Standing:
    """Tell how `by` stands to a contact."""
    if interaction.served_by_id == by.pk:
        return Standing.MINE
    return Standing.WAITING if interaction.served_by_id is None else Standing.COLLEAGUES


def visible(request: HttpRequest, public_id: UUID) -> Interaction:
    """Return a contact that this person may look at: his own, one that waits, or as a supervisor any."""
    found, by = contact(request, public_id), person(request)
    if standing(found, by) is Standing.COLLEAGUES and by.role != Staff.Role.SUPERVISOR:
        raise PermissionDenied
    if standing(found, by) is Standing.WAITING and not found.live and by.role != Staff.Role.SUPERVISOR:
        raise PermissionDenied
    return found


def served(request: HttpRequest, public_id: UUID) -> Interaction:
    """Return a contact that this person serves himself, or raise PermissionDenied."""
    found = contact(request, public_id)
    if standing(found, person(request)) is not Standing.MINE:
        raise PermissionDenied
    return found


def show(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a page of the admin site."""
    return render(request, template, {**admin.site.each_context(request), **context}, status=status)
