"""Ends a staff session after a working day, however busy it was kept."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

BEGAN = "began_at"


class SessionLimitMiddleware:
    """Log out a session older than SESSION_LONGEST_SECONDS; the idle limit is the cookie's own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(timezone.now().timestamp())
            began = request.session.setdefault(BEGAN, now)
            if now - began > settings.SESSION_LONGEST_SECONDS:
                logout(request)
        return self.get_response(request)
