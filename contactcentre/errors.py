"""Pages for what went wrong: kind words in the reader's language, no stack, and nothing that needs the database."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

TEXTS = {
    400: (
        _("We could not read that"),
        _("Something in the address or the form was not in order. Go back one page and try once more."),
    ),
    403: (
        _("This page is not open to you"),
        _("It belongs to another role, or to a colleague's contact. Nothing is lost: go back one page."),
    ),
    404: (
        _("There is no such page"),
        _("The address may be old or have a typing mistake in it. Nothing has been lost."),
    ),
    429: (
        _("A short pause"),
        _("There have been many tries in a short time. Please wait a quarter of an hour, then try again."),
    ),
    500: (
        _("Something went wrong on our side"),
        _("It was not your doing, and nothing was changed by halves. Please try again in a moment."),
    ),
}
OUT_OF_DATE = (
    _("The page had been open too long"),
    _("For safety the form is sent only from a fresh page. Go back, load the page again, and send the form once more."),
)


def bad_request(*_: object, **__: object) -> HttpResponse:
    """Answer 400."""
    return _page(400)


def forbidden(*_: object, **__: object) -> HttpResponse:
    """Answer 403."""
    return _page(403)


def not_found(*_: object, **__: object) -> HttpResponse:
    """Answer 404."""
    return _page(404)


def server_error(*_: object, **__: object) -> HttpResponse:
    """Answer 500."""
    return _page(500)


def csrf_failure(*_: object, **__: object) -> HttpResponse:
    """Answer 403 when a form came without this browser's own mark."""
    return _page(403, OUT_OF_DATE)


def locked_out(*_: object, **__: object) -> HttpResponse:
    """Answer 429 to who has tried too many passwords (django-axes): the same for every name."""
    return _page(429)


def _page(status: int, words: tuple[object, object] | None = None) -> HttpResponse:
    title, text = words or TEXTS[status]
    shown = {"title": title, "text": text, "demo": settings.DEMO, "status": status}
    return HttpResponse(render_to_string("contactcentre/error.html", shown), status=status)
