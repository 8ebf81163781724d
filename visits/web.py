"""The customer's page for one visit, `/v/<token>/`: what to bring, confirmed item by item. Works without scripts.

Mail and chat programs fetch every link they see, so GET uses nothing up. The secret leaves the address at the first
click, for a cookie that other sites can't send along.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from verification.evidence import NotSeen
from verification.gate import Following, Granted, attempt
from verification.interactions import Ended
from visits import approving, confirming, keys, letters
from visits.models import Visit, VisitToken
from visits.papers import Paper, groups_of, unconfirmed

COOKIE = "__Host-visit" if settings.PUBLIC_URL.startswith("https://") else "visit"
LANGUAGE_COOKIE = "visit_language"
LANGUAGES = ("fi", "sv", "en")
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
    """Show our name and a button; on POST trade the link's secret for a cookie and go to an address without it."""
    now = timezone.now()
    visit = keys.visit_of(token, VisitToken.Kind.LINK, at=now)
    if visit is None:
        return _gone(request)
    if request.method != "POST":
        with translation.override(_language(request, visit)):
            return render(
                request,
                "visits/door.html",
                {"visit": visit, "number": letters.number(visit), "tel": _tel(letters.number(visit))},
            )
    response = HttpResponseRedirect(reverse("visits:page"))
    response.set_cookie(
        COOKIE,
        keys.trade(token, at=now) or "",
        max_age=keys.BROWSER_LASTS,
        secure=COOKIE.startswith("__Host-"),
        httponly=True,
        samesite="Strict",
    )
    return response


def opened(view: View) -> View:
    """Give the view the visit that the cookie opens, and on POST demand the form token bound to that cookie."""

    @wraps(view)
    def found(request: HttpRequest) -> HttpResponse:
        cookie = request.COOKIES.get(COOKIE, "")
        visit = keys.visit_of(cookie, VisitToken.Kind.BROWSER, at=timezone.now()) if cookie else None
        if visit is None:
            return _gone(request)
        if request.method == "POST" and not constant_time_compare(request.POST.get("proof", ""), _proof(cookie)):
            return _gone(request)
        with translation.override(_language(request, visit)):
            return view(request, visit)

    return found


@private
@require_http_methods(["GET", "HEAD"])
@opened
def page(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show place, time and list; `?language=` switches the language."""
    response = _shown(request, visit)
    if request.GET.get("language") in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, request.GET["language"], samesite="Strict", httponly=True, path="/v/")
    return response


class ConfirmForm(forms.Form):
    """One paper, and until when it is valid."""

    item = forms.IntegerField(min_value=1)
    valid_until = forms.DateField(required=False)
    withdraw = forms.BooleanField(required=False)


@private
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def confirm(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Note that the customer has one paper of the list, or that he hasn't after all; GET only goes to the list."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("visits:page"))
    now, form = timezone.now(), ConfirmForm(request.POST)
    papers = {paper.item.pk: paper for group in groups_of(visit) for paper in group.papers}
    paper = papers.get(_number(request.POST.get("item", "")))
    if paper is None or visit.state != Visit.State.BOOKED:
        return HttpResponseRedirect(reverse("visits:page"))
    if not form.is_valid():
        return _shown(request, visit, wrong=paper, status=400)
    if form.cleaned_data["withdraw"]:
        confirming.withdraw(paper.item, at=now)
    else:
        try:
            confirming.confirm(paper.item, valid_until=form.cleaned_data["valid_until"], dated=paper.dated, at=now)
        except confirming.NotValidThen:
            return _shown(request, visit, wrong=paper, status=400)
    return HttpResponseRedirect(f"{reverse('visits:page')}#paper-{paper.item.pk}")


@private
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def approve(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Note his yes or no to exactly what the page showed him while he is at the desk; GET only goes to the page."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("visits:page"))
    now, shown = timezone.now(), request.POST.get("matter", "")[:64]
    try:
        if request.POST.get("answer") == "approve":
            approving.approve(visit, shown, at=now)
        elif request.POST.get("answer") == "not_right":
            approving.take_back(visit, shown, at=now)
            return _shown(request, visit, said_no=True)
    except (approving.Changed, NotSeen, Ended):
        return _shown(request, visit, changed=True, status=409)
    return HttpResponseRedirect(f"{reverse('visits:page')}#matter")


@private
@require_http_methods(["GET", "HEAD", "POST"])
@opened
def cancel(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask why, then cancel through the gate. Who didn't book it is told to call."""
    if request.method != "POST" or visit.state != Visit.State.BOOKED:
        return render(request, "visits/cancel.html", _context(request, visit))
    not_me = request.POST.get("why") == "not_me"
    decision = attempt(
        "cancel_visit",
        origin=Following(grant_id=visit.grant.public_id, task="visits.web"),
        parameters={"not_me": not_me},
        at=timezone.now(),
    )
    done = isinstance(decision, Granted)
    return render(
        request, "visits/cancel.html", {**_context(request, visit), "asked": True, "done": done, "not_me": not_me}
    )


def _shown(
    request: HttpRequest, visit: Visit, *, wrong: Paper | None = None, status: int = 200, **told: bool
) -> HttpResponse:
    groups, now = groups_of(visit), timezone.now()
    waiting = approving.waiting(visit, at=now)
    context = {
        **_context(request, visit),
        "needed": [group for group in groups if group.mandatory],
        "helpful": [group for group in groups if not group.mandatory],
        "left": len(unconfirmed(visit)),
        "wrong": wrong.item.pk if wrong else 0,
        "wrong_label": wrong.label if wrong else "",
        "typed": request.POST.get("valid_until", "")[:10],
        "error": _not_valid(visit),
        "open": visit.state == Visit.State.BOOKED,
        "here": visit.state == Visit.State.HERE,
        "matter": waiting,
        "given": approving.given(visit, at=now) if waiting is None else None,
        **told,
    }
    return render(request, "visits/page.html", context, status=status)


def _not_valid(visit: Visit) -> str:
    return _("Give the last day of validity as it stands on the document. It must be valid on %(day)s.") % {
        "day": letters.day(visit)
    }


def _context(request: HttpRequest, visit: Visit) -> dict[str, Any]:
    return {
        "visit": visit,
        "state": visit.state,
        "day": letters.day(visit),
        "clock": letters.clock(visit),
        "errand": letters.errand(visit),
        "number": letters.number(visit),
        "tel": _tel(letters.number(visit)),
        "proof": _proof(request.COOKIES.get(COOKIE, "")),
        "languages": [("fi", "Suomi"), ("sv", "Svenska"), ("en", "English")],
        "language": translation.get_language(),
    }


def _tel(number: str) -> SafeString:
    """Write our number as a link that a phone dials and no line end cuts."""
    return format_html('<a class="tel" href="tel:{}">{}</a>', number.replace(" ", ""), number)


def _gone(request: HttpRequest) -> HttpResponse:
    """Say that the link or the half hour is over: the same for every secret that opens nothing."""
    with translation.override(_language(request, None)):
        return render(
            request, "visits/gone.html", {"number": settings.IVR_NUMBER, "tel": _tel(settings.IVR_NUMBER)}, status=404
        )


def _language(request: HttpRequest, visit: Visit | None) -> str:
    asked = (request.GET.get("language"), request.COOKIES.get(LANGUAGE_COOKIE), visit.language if visit else None)
    return next((language for language in asked if language in LANGUAGES), translation.get_language() or "fi")


def _proof(cookie: str) -> str:
    return salted_hmac("visits.web", cookie, algorithm="sha256").hexdigest()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
