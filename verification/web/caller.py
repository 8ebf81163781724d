"""The caller's page for one verification, `/c/<token>/`: who we are, what he would approve, and the words he hears.

GET of the link uses nothing up: mail and chat programs fetch every link they see. The secret leaves the address at the
first click, for a cookie that no other site can send along (Strict). The way back from the broker comes from another
site, so the login has a Lax cookie of its own, made from the first one: it opens nothing but the answer to that login.
Brokers are gone to by a link and not by a form: form-action would hold against every redirect between broker and bank.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from verification import (
    answers,
    logins,
    page_keys,
    page_steps,
    passkey_enrolment,
    passkeys,
    prompts,
    roads,
    shown_parameters,
    typing_words,
)
from verification.declarations import declared
from verification.eid.rejected import Rejected
from verification.models import Prompt, PromptToken

_SECURE = settings.PUBLIC_URL.startswith("https://")
COOKIE = "__Host-call" if _SECURE else "call"
LOGIN_COOKIE = "__Host-login" if _SECURE else "login"
LANGUAGE_COOKIE = "call_language"
LANGUAGES = (("fi", "Suomi"), ("sv", "Svenska"), ("en", "English"))
CODES = tuple(code for code, _name in LANGUAGES)
View = Callable[..., HttpResponse]


def private(view: View) -> View:
    """Keep a page out of caches, histories' referrers and frames.

    Django's own check of form tokens is left out: with no-referrer a browser sends `Origin: null`, which it refuses.
    What stands in its place is a cookie that no other site can send (SameSite=Strict) and a token bound to it.
    """

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        return response

    return csrf_exempt(shown)


@private
@require_http_methods(["GET", "HEAD", "POST"])
def door(request: HttpRequest, token: str) -> HttpResponse:
    """Show our name, our number and a button; on POST trade the link's secret for a cookie, once."""
    now = timezone.now()
    prompt = page_keys.prompt_of(token, PromptToken.Kind.LINK, at=now)
    if prompt is None or (page_keys.spent(token, at=now) and _mine(request, now) != prompt):
        return _gone(request)
    if request.method != "POST":
        with translation.override(_language(request, prompt)):
            return render(request, "verification/caller/door.html", _who(prompt))
    response = HttpResponseRedirect(reverse("caller:page"))
    if browser := page_keys.trade(token, at=now):
        keep(response, COOKIE, browser, "Strict")
    elif _mine(request, now) != prompt:  # another browser was quicker
        return _gone(request)
    return response


def opened(view: View) -> View:
    """Give the view the moment and the prompt that the cookie opens; on POST demand the form token bound to it."""

    @wraps(view)
    def found(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = timezone.now()
        prompt = _mine(request, now)
        if prompt is None:
            return _gone(request)
        if request.method == "POST" and not constant_time_compare(request.POST.get("proof", ""), _proof(request)):
            return _gone(request)
        with translation.override(_language(request, prompt)):
            return view(request, prompt, now, *args, **kwargs)

    return found


@private
@require_http_methods(["GET", "HEAD"])
@opened
def page(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Show who we are and what is asked, then the words, then the banks; `?language=` switches the language."""
    response = _shown(request, prompt, now)
    if request.GET.get("language") in CODES:
        response.set_cookie(LANGUAGE_COOKIE, request.GET["language"], samesite="Lax", httponly=True, secure=_SECURE)
    return response


@private
@sensitive_post_parameters("words")
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def words(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Take the two words that the caller heard; too many wrong ones end the prompt."""
    if request.method != "POST" or logins.outcome_of(prompt, now) != "OPEN":
        return HttpResponseRedirect(reverse("caller:page"))
    if typing_words.typed(prompt.pk, request.POST.get("words", ""), at=now):
        return HttpResponseRedirect(reverse("caller:page"))
    return _shown(request, prompt, now, wrong=True, status=400)


@private
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def not_me(request: HttpRequest, prompt: Prompt, now: datetime) -> HttpResponse:
    """Note that the person did not call us; GET only goes to the page."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("caller:page"))
    answers.decline(prompt.pk, at=now)
    return render(request, "verification/caller/declined.html", page_context(request, prompt))


@private
@require_http_methods(["GET", "HEAD"])
@opened
def login(request: HttpRequest, prompt: Prompt, now: datetime, broker: str) -> HttpResponse:
    """Begin the login at one broker and go there. Only a click on our own page brings the cookie that this needs."""
    browser = login_secret(request)
    try:
        url = logins.begin(prompt, broker, browser=browser, language=translation.get_language() or "fi", at=now)
    except logins.NotOpen:
        return HttpResponseRedirect(reverse("caller:page"))
    except Rejected:  # the broker is away: another may not be
        return _shown(request, prompt, now, away=True, status=503)
    response = HttpResponseRedirect(url)
    keep(response, LOGIN_COOKIE, browser, "Lax")
    return response


@private
@require_http_methods(["GET", "HEAD"])
def returned(request: HttpRequest, code: str) -> HttpResponse:
    """Take what a broker sent back, and go to an address without it. HEAD looks at nothing."""
    if request.method == "GET":
        brought = {name: request.GET[name] for name in ("state", "code", "iss", "error") if name in request.GET}
        logins.receive(code, returned=brought, browser=request.COOKIES.get(LOGIN_COOKIE, "")[:100], at=timezone.now())
    return HttpResponseRedirect(reverse("caller:done"))


@private
@require_http_methods(["GET", "HEAD"])
def done(request: HttpRequest) -> HttpResponse:
    """Say how the login of this browser went: thanks, or the same words for everything that went otherwise."""
    now = timezone.now()
    login = logins.latest_of(request.COOKIES.get(LOGIN_COOKIE, "")[:100])
    prompt = login.prompt if login else None
    outcome = logins.outcome_of(prompt, now) if prompt else ""
    with translation.override(_language(request, prompt)):
        context = {
            **_who(prompt),
            "approved": outcome == "APPROVED",
            "again": outcome == "OPEN",
            **(_open_here(prompt, now) if prompt else {}),
        }
        return render(request, "verification/caller/done.html", context)


def _shown(
    request: HttpRequest, prompt: Prompt, now: datetime, *, wrong: bool = False, away: bool = False, status: int = 200
) -> HttpResponse:
    outcome = logins.outcome_of(prompt, now)
    if outcome != "OPEN" or not prompts.unaltered(prompt):
        over = {
            **page_context(request, prompt),
            "outcome": outcome,
            **_open_here(prompt, now),
        }
        return render(request, "verification/caller/over.html", over)
    action = declared(prompt.action) if prompt.action else None
    context = {
        **page_context(request, prompt),
        "errand": str(action.errand) if action else "",
        "lines": shown_parameters.lines(prompt.action, prompts.parameters_of(prompt) or {}),
        "since": timezone.localtime(prompt.interaction.started_at, timezone.get_default_timezone()),
        "served_by": prompt.interaction.served_by.first_name if prompt.interaction.served_by else "",
        "language_of_words": prompts.words_of(prompt)[0],
        "matched": prompt.progress.matched_at is not None,
        "brokers": roads.with_login(),
        "passkey": passkeys.offered(prompt, now),
        "may_enrol": passkey_enrolment.offered(prompt, now),
        "wrong": wrong,
        "away": away,
    }
    return render(request, "verification/caller/page.html", context, status=status)


def _open_here(prompt: Prompt, now: datetime) -> dict[str, Any]:
    """Return what the person can do here after he has approved: what waits for him, and what is always there."""
    steps = page_steps.offered(prompt, now)
    return {
        "may_enrol": passkey_enrolment.offered(prompt, now),
        "no_passkey": passkey_enrolment.too_weak(prompt, now),
        "waits": [step for step in steps if step.after],
        "steps": [step for step in steps if not step.after],
        "awaited": page_steps.awaited(prompt),
    }


def page_context(request: HttpRequest, prompt: Prompt) -> dict[str, Any]:
    return {
        **_who(prompt),
        "proof": _proof(request),
        "languages": LANGUAGES,
        "language": translation.get_language(),
    }


def _who(prompt: Prompt | None) -> dict[str, Any]:
    """Return who we are: our name, and the number on which we can be called."""
    organisation = prompt.interaction.organisation if prompt else None
    number = (organisation.number_to_call if organisation else "") or settings.IVR_NUMBER
    return {"organisation": organisation.name if organisation else "", "tel": _tel(number)}


def _tel(number: str) -> SafeString:
    """Write our number as a link that a phone dials and no line end cuts."""
    return format_html('<a class="tel" href="tel:{}">{}</a>', number.replace(" ", ""), number)


def _gone(request: HttpRequest) -> HttpResponse:
    """Say that the link is closed: the same for every secret that opens nothing."""
    with translation.override(_language(request, None)):
        return render(request, "verification/caller/gone.html", _who(None), status=404)


def _mine(request: HttpRequest, now: datetime) -> Prompt | None:
    cookie = request.COOKIES.get(COOKIE, "")
    return page_keys.prompt_of(cookie, PromptToken.Kind.BROWSER, at=now) if cookie else None


def keep(response: HttpResponse, name: str, value: str, same_site: Any) -> None:
    seconds = int(page_keys.BROWSER_LASTS.total_seconds())
    response.set_cookie(name, value, max_age=seconds, secure=_SECURE, httponly=True, samesite=same_site)


def _proof(request: HttpRequest) -> str:
    return _derived("verification.caller.proof", request)


def login_secret(request: HttpRequest) -> str:
    """Return what the browser must show when it comes back: the same for every login that it begins for this prompt."""
    return _derived("verification.caller.login", request)


def _derived(purpose: str, request: HttpRequest) -> str:
    return salted_hmac(purpose, request.COOKIES.get(COOKIE, ""), algorithm="sha256").hexdigest()


def _language(request: HttpRequest, prompt: Prompt | None) -> str:
    person = prompt.claim.person if prompt else None
    asked = (
        request.GET.get("language"), request.COOKIES.get(LANGUAGE_COOKIE), person.language if person else None,
        translation.get_language(),
    )  # fmt: skip
    return next((language for language in asked if language in CODES), "fi")
