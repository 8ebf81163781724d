"""Keeps the demo and the real thing apart: a database remembers which of the two it was made for."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from contactcentre import errors
from contactcentre.models import Mark, Milestone
from contactcentre.proxies import client_address

BEGUN, BUILT = "DEMO_BEGUN", "DEMO_BUILT"


class WrongWorld(Exception):
    """DEMO and the database's mark don't agree; the message is one line for the operator."""


def mark_new_database(**_: Any) -> None:
    """Write the mark after the first migrate (a post_migrate receiver); a marked database keeps its mark."""
    if not Mark.objects.exists():
        Mark.objects.create(id=1, demo=settings.DEMO, at=timezone.now())


def check() -> None:
    """Raise WrongWorld unless the database was made for what we are about to serve."""
    mark = Mark.objects.first()
    if mark is None:
        raise WrongWorld("This database has no mark that says whether it is a demo; run `manage.py migrate` first.")
    if mark.demo and not settings.DEMO:
        raise WrongWorld("This database was made for the demo; start with DEMO=1, or give another DATABASE_URL.")
    if settings.DEMO and not mark.demo:
        raise WrongWorld("This database isn't a demo; start with DEMO=0, or give the demo another DATABASE_URL.")


def reached(code: str) -> bool:
    """Tell whether a piece of one-time work on this database has been recorded."""
    return Milestone.objects.filter(code=code).exists()


def reach(code: str) -> None:
    """Record a piece of one-time work, so that a second start doesn't repeat it."""
    Milestone.objects.create(code=code, at=timezone.now())


def banner(request: HttpRequest) -> dict[str, bool]:  # noqa: ARG001 - a context processor is given the request
    """Tell every template whether this is the demo, so that every page can say so."""
    return {"demo": settings.DEMO}


class LoopbackOnlyMiddleware:
    """Refuse, in the demo, whoever isn't on this machine: its people, codes and passwords are printed in its manual."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        others = (request.META.get("REMOTE_ADDR", ""), client_address(request))
        if settings.DEMO and not all(_on_this_machine(other) for other in others):
            return errors.bad_request()
        return self.get_response(request)


def _on_this_machine(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return peer == ""  # a socket of the file system, which has no address: the peer is on this machine
