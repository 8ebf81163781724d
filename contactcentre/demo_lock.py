"""Keeps the demo and the real thing apart: a database remembers which of the two it was made for."""

from django.conf import settings
from django.http import HttpRequest


def banner(request: HttpRequest) -> dict[str, bool]:
    """Tell every template whether this is the demo, so that every page can say so."""
    return {"demo": settings.DEMO}
