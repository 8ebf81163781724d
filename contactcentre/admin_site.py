"""The staff's site: nobody comes in without his second factor, and each role is shown its own rooms."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import NoReverseMatch, URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from contactcentre import login, own_passkeys, session_limit, set_up

SERVING = ("AGENT", "CLERK", "SUPERVISOR")
READ_IN_DEMO = ("SUPERVISOR",) if settings.DEMO else ()  # elsewhere nobody who serves sees messages


@dataclass(frozen=True)
class Room:
    """One page of the menu, and the roles that it is for; the first of a role's rooms is where he begins."""

    label: Promise
    url: str
    roles: tuple[str, ...]


ROOMS = (
    Room(_("Today's visits"), "admin:visits_today", ("CLERK",)),
    Room(_("Queue"), "admin:queue", SERVING),
    Room(_("To be decided"), "admin:proposals", SERVING),
    Room(_("Visits"), "admin:visits_visit_changelist", ("SUPERVISOR",)),
    Room(_("Offices"), "admin:visits_office_changelist", ("ADMINISTRATOR", "SUPERVISOR")),
    Room(_("Log"), "admin:audit_entry_changelist", ("AUDITOR",)),
    Room(_("Alarms"), "admin:audit_alarm_changelist", ("AUDITOR", "ADMINISTRATOR")),
    Room(_("Patterns"), "admin:patterns", ("AUDITOR",)),
    Room(_("Staff"), "admin:verification_staff_changelist", ("ADMINISTRATOR",)),
    Room(_("Imports"), "admin:verification_batch_changelist", ("ADMINISTRATOR", "SUPERVISOR")),
    Room(_("Messages sent"), "admin:notices_notice_changelist", ("AUDITOR", "ADMINISTRATOR", *READ_IN_DEMO)),
)


class ContactCentreAdminSite(admin.AdminSite):
    """Ask for the password and the one-time code, and show pages only to sessions that gave both."""

    site_title = _("Contact centre")
    site_header = _("Contact centre")
    index_title = _("Today")
    site_url = None
    enable_nav_sidebar = False
    password_change_template = "contactcentre/password_change.html"  # noqa: S105 - a page, not a password

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)

    def has_permission(self, request: HttpRequest) -> bool:
        """Allow active staff whose session has passed the second factor."""
        user = request.user
        verified = getattr(user, "is_verified", lambda: False)  # put there by OTPMiddleware
        return bool(user.is_active and getattr(user, "is_staff", False) and verified())

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Put the agent's pages and the second step of the login before Django's own."""
        from cases.admin import pages
        from verification import pattern_pages

        own = [
            path("second-factor/", login.second_factor, name="second_factor"),
            path("session/", self.admin_view(session_limit.session), name="session"),
            path("passkeys/", self.admin_view(own_passkeys.passkeys), name="passkeys"),
            path("passkeys/add/", self.admin_view(own_passkeys.add), name="passkey_add"),
            path("passkeys/<int:pk>/remove/", self.admin_view(own_passkeys.remove), name="passkey_remove"),
            path("set-up/", set_up.set_up, name="set_up"),
            path("set-up/<str:link>/", set_up.open_link, name="set_up_link"),
            path("set-up/<path:link>", set_up.open_link),  # else the login page would carry the link in its ?next=
            path("patterns/", self.admin_view(pattern_pages.patterns), name="patterns"),
            path("patterns/<slug:code>/", self.admin_view(pattern_pages.patterns), name="patterns"),
            *(path(f"cases/{route}", self.admin_view(view), name=name) for route, view, name in pages),
        ]
        return own + super().get_urls()

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add to every page the rooms of this person's role, and how long his session lasts if he does nothing."""
        own: dict[str, Any] = {"rooms": []}
        if self.has_permission(request):
            still = session_limit.left(request.session, int(timezone.now().timestamp()))
            own = {"rooms": rooms_of(request), "session_left": still.seconds}
        return {**super().each_context(request), **own, "session_warn": session_limit.WARN_SECONDS}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Begin with the password; who is in already goes to his first page."""
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        return login.password(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Change one's own password, with its entry in the same transaction."""
        with transaction.atomic():
            answer = super().password_change(request, extra_context)
            if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
                login.password_changed(request)
        return answer

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """End the session, with its entry. POST only."""
        return _leave(request)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Lead to the first room of the role."""
        rooms = rooms_of(request)
        return HttpResponseRedirect(rooms[0]["url"]) if rooms else super().index(request, extra_context)


@never_cache
@require_POST
def _leave(request: HttpRequest) -> HttpResponse:
    login.leave(request)
    return redirect("admin:login")


def rooms_of(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu of this person's role: label, url, and whether it is the page being shown."""
    role = getattr(request.user, "role", "")
    mine = [(room.label, _address(room.url)) for room in ROOMS if role in room.roles]
    return [{"label": label, "url": url, "here": request.path.startswith(url)} for label, url in mine if url]


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:  # a room that this installation does not have
        return ""
