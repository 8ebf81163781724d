"""Who is at the other end, when reverse proxies of ours stand in between."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def client_address(request: HttpRequest) -> str:
    """Return the other end's address: what our own outermost proxy wrote into X-Forwarded-For, else the peer's."""
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    hops = settings.TRUSTED_PROXIES
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return str(request.META.get("REMOTE_ADDR", ""))


class ProxyMiddleware:
    """Drop forwarding headers that no proxy of ours can have written, so that nothing behind here believes them, and
    note who is at the other end.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.TRUSTED_PROXIES:
            for name in ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"):
                request.META.pop(name, None)
        request.META["CLIENT_ADDRESS"] = client_address(request)  # for the apps below this one
        return self.get_response(request)
