"""Take a provider's webhook, check who sent it, and hand it to the dialogue."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from audit import floods
from ivr import dialogue, turns
from ivr.adapters import Adapter, Event, Kind, NoCallNamedError
from ivr.asks import Actions
from ivr.faults import place
from ivr.redirects import ADAPTERS
from ivr.turns import Answer

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]


def webhook(kind: Kind) -> Callable[[View], View]:
    """Let a view see only what a known provider has signed, as an Event of `kind` unless its fields tell otherwise.

    Refuses with 404 an unknown provider, 405 another method than POST, 413 a body that is too large (unread), 415 what
    is no form, 403 without a word of TwiML what is not signed, 400 what names no call.
    """

    def decorate(view: View) -> View:
        # A provider has no session and no cookie of ours to ride on: its signature stands in for the CSRF token.
        @csrf_exempt
        @require_POST
        @sensitive_post_parameters("Digits")
        @sensitive_variables("event")
        @wraps(view)
        def checked(request: HttpRequest, provider: str, actions: Actions, **address: Any) -> HttpResponse:
            adapter = _adapter(provider)
            if refusal := _refusal(request, adapter):
                floods.count(door=f"{provider}/{view.__name__}", address=_address(request), at=timezone.now())
                return HttpResponse(status=refusal, headers={"Cache-Control": "no-store"})
            try:
                event = adapter.parse(request, kind)
            except NoCallNamedError:
                return HttpResponse(status=400)
            return view(adapter, provider, event, actions, **address)

        return checked

    return decorate


@webhook(Kind.START)
def voice(adapter: Adapter, provider: str, event: Event, actions: Actions) -> HttpResponse:
    """Answer a call that comes in."""
    return _render(adapter, lambda: turns.begin(provider, event, timezone.now(), actions))


@webhook(Kind.NO_INPUT)
def turn(adapter: Adapter, provider: str, event: Event, actions: Actions, token: str, number: int) -> HttpResponse:
    """Answer what the caller pressed, or that he pressed nothing."""
    return _render(adapter, lambda: turns.take(provider, token, number, event, timezone.now(), actions))


@webhook(Kind.START)
def question(
    adapter: Adapter, provider: str, event: Event, actions: Actions, token: str, question: UUID
) -> HttpResponse:
    """Answer a call that was turned back to its keypad for one question."""
    return _render(adapter, lambda: turns.turned(provider, token, question, event, timezone.now(), actions))


@webhook(Kind.STATUS)
def wait(adapter: Adapter, provider: str, event: Event, actions: Actions, token: str) -> HttpResponse:  # noqa: ARG001
    """Give the queue something to say."""
    return _render(adapter, lambda: turns.company(provider, token, event))


@webhook(Kind.STATUS)
def status(adapter: Adapter, provider: str, event: Event, actions: Actions) -> HttpResponse:  # noqa: ARG001
    """Note how a call ended."""
    turns.finish(provider, event, timezone.now(), actions)
    return HttpResponse(status=204)


def routes(actions: Actions) -> list[URLPattern]:
    """Give the addresses that providers call; operators are promised `voice/` and `status/`, we hand out the others."""
    given = {"actions": actions}
    return [
        path("<slug:provider>/voice/", voice, given, name="voice"),
        path("<slug:provider>/status/", status, given, name="status"),
        path("<slug:provider>/turn/<slug:token>/<int:number>/", turn, given, name="turn"),
        path("<slug:provider>/question/<slug:token>/<uuid:question>/", question, given, name="question"),
        path("<slug:provider>/wait/<slug:token>/", wait, given, name="wait"),
    ]


def _adapter(provider: str) -> Adapter:
    try:
        return ADAPTERS[provider]
    except KeyError:
        raise Http404 from None


def _address(request: HttpRequest) -> str:
    """Return who is at the other end, as our proxies tell it (contactcentre.proxies)."""
    return str(request.META.get("CLIENT_ADDRESS") or request.META.get("REMOTE_ADDR", ""))


def _refusal(request: HttpRequest, adapter: Adapter) -> int | None:
    length = str(request.META.get("CONTENT_LENGTH") or 0)
    if not length.isdecimal() or int(length) > adapter.largest_body:
        return 413
    if request.content_type != adapter.media_type:
        return 415
    return None if adapter.verify(request) else 403


def _render(adapter: Adapter, answer: Callable[[], Answer]) -> HttpResponse:
    """Render the answer or, when there is none to be had, an apology: an error page would be read out as noise."""
    try:
        found = answer()
    except Exception as error:
        logger.error("A webhook could not be answered: %s", place(error))
        found = Answer(dialogue.out_of_order())
    return adapter.render(found.steps, found.links)
