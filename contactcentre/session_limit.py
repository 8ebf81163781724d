"""Ends a staff session after a long working day, and after a quarter of an hour in which nobody touched the page.

NIST SP 800-63B 2.2.3 and 2.3.3: at AAL3 twelve hours at the most and fifteen minutes without activity. Auditors and
administrators need that; the others are held to the same, since they see customers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from contactcentre import login

BEGAN, TOUCHED = "began_at", "touched_at"
WARN_SECONDS = 3 * 60


@dataclass(frozen=True)
class Left:
    """What is left of a session, in seconds: until it counts as abandoned, and until its longest time is over."""

    idle: int
    whole: int

    @property
    def seconds(self) -> int:
        return max(0, min(self.idle, self.whole))

    @property
    def extends(self) -> bool:
        """Tell whether going on makes it longer."""
        return self.idle < self.whole

    @property
    def limit(self) -> str:
        """Name the limit that is reached: "longest", "idle", or "" while there is time."""
        if self.whole <= 0:
            return "longest"
        return "idle" if self.idle <= 0 else ""


def left(session: Mapping[str, Any], now: int) -> Left:
    """Return what is left at `now` (seconds since 1970) of a session with its two stamps; without them it is new."""
    idle = settings.SESSION_COOKIE_AGE - (now - session.get(TOUCHED, now))
    return Left(idle, settings.SESSION_LONGEST_SECONDS - (now - session.get(BEGAN, now)))


class SessionLimitMiddleware:
    """Log out a session that has reached a limit. A page that refreshes itself (X-Poll) is no sign of a person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            at = timezone.now()
            now = int(at.timestamp())
            request.session.setdefault(BEGAN, now)
            request.session.setdefault(TOUCHED, now)
            if limit := left(request.session, now).limit:
                login.ended(request, limit, at)
            elif "X-Poll" not in request.headers:
                request.session[TOUCHED] = now
        return self.get_response(request)


@never_cache
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """Tell the page's script what is left. A POST is a person who goes on: the middleware has noted it."""
    found = left(request.session, int(timezone.now().timestamp()))
    return JsonResponse({"left": found.seconds, "extends": found.extends})
