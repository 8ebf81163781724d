"""Ends a staff session after a working day, and after a quarter of an hour in which nobody touched the page."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

BEGAN, TOUCHED = "began_at", "touched_at"


class SessionLimitMiddleware:
    """Log out a session older than SESSION_LONGEST_SECONDS, or idle for SESSION_COOKIE_AGE (63B 2.2.3).

    A page that refreshes itself says so (X-Poll), and that is no sign of a person.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(timezone.now().timestamp())
            began = request.session.setdefault(BEGAN, now)
            touched = request.session.setdefault(TOUCHED, now)
            if now - began > settings.SESSION_LONGEST_SECONDS or now - touched > settings.SESSION_COOKIE_AGE:
                logout(request)
            elif "X-Poll" not in request.headers:
                request.session[TOUCHED] = now
        return self.get_response(request)
