"""How staff come in: a password, then a second factor, and nothing is shown before both. Every try is an entry.

The second factor is a passkey, which can't be phished, or a one-time code, which everybody has. Between the two steps
nobody is logged in: the session holds only who has shown his password, for five minutes. Passwords are throttled per
user name and address by django-axes; one-time codes per device by django-otp: a second after the first failure,
doubling with each.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth import login as auth_login
from django.contrib.auth import logout as auth_logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp import login as otp_login
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.log import record
from contactcentre import staff_passkeys
from contactcentre.proxies import client_address
from verification.accounts import only_organisation
from verification.models import Staff

PENDING = "password_shown"
ENDED = "session_ended"
PROVED_AT = "second_factor_at"  # when the second factor was last given, which step_up.py judges
PENDING_FOR = timedelta(minutes=5)
BACKEND = "django.contrib.auth.backends.ModelBackend"


class PasswordForm(forms.Form):
    """The first step. Whatever is wrong, the sentence is one."""

    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class TokenForm(forms.Form):
    """The second step: six digits, which a password manager may fill in and which may be pasted (WCAG 2.2, 3.3.8)."""

    token = forms.CharField(
        label=gettext_lazy("One-time code"),
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )

    def clean_token(self) -> str:
        return "".join(self.cleaned_data["token"].split())


@never_cache
@sensitive_post_parameters("password")
def password(request: HttpRequest) -> HttpResponse:
    """Ask for user name and password; a right pair leads to the second factor, and to nothing else."""
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = authenticate(request, **form.cleaned_data)
        at = timezone.now()
        if isinstance(user, Staff) and user.is_staff:
            return _password_shown(request, user, at)
        _failed(form.cleaned_data["username"], request, at)
        form.add_error(None, _("The user name and the password do not belong together. Please try again."))
    ended = request.session.pop(ENDED, "") if request.method == "GET" else ""
    return _page(request, "contactcentre/login.html", form, next=next_page(request), ended=ended)


def _password_shown(request: HttpRequest, user: Staff, at: datetime) -> HttpResponse:
    wanted = next_page(request)
    with transaction.atomic():
        _entry("staff.password_accepted", user, str(user.actor), "ok", request, at)
        request.session.cycle_key()
        request.session[PENDING] = {"user": user.pk, "at": at.isoformat(), "next": wanted}
    return redirect("admin:second_factor")


@never_cache
@sensitive_post_parameters("token", "passkey")
def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask for a passkey or the one-time code; only now is the person logged in."""
    at = timezone.now()
    user = _pending(request, at)
    if user is None:
        return redirect("admin:login")
    passkey = request.POST.get("passkey", "")
    form = TokenForm(None if passkey else request.POST or None)
    if request.method == "POST" and (passkey or form.is_valid()):
        token = "" if passkey else form.cleaned_data["token"]
        if (given := second_factor_of(user, request, passkey=passkey, token=token, at=at)) is not None:
            return _come_in(request, user, *given, at)
        if not passkey:
            form.add_error(None, _("The code was not accepted. Wait for the next one, then try again."))
    offered = staff_passkeys.offer(request, user, at)
    refused = "yes" if passkey else ""
    return _page(request, "contactcentre/second_factor.html", form, passkey=offered, refused=refused)


def second_factor_of(
    user: Staff, request: HttpRequest, *, passkey: str, token: str, at: datetime
) -> tuple[Device, str] | None:
    """Judge what a person brought and return his device with the factor's name; a failure is an entry."""
    if passkey:
        key = staff_passkeys.accept(request, user, passkey, at)
        if key is None:
            with transaction.atomic():
                _entry("staff.passkey_failed", user, "staff:unknown", "refused", request, at)
        return (key, "passkey") if key is not None else None
    device = _accept(user, token, request, at) if token else None
    return (device, "totp") if device is not None else None


def _pending(request: HttpRequest, at: datetime) -> Staff | None:
    shown = request.session.get(PENDING)
    if shown is None or at - datetime.fromisoformat(shown["at"]) > PENDING_FOR:
        return None
    return Staff.objects.filter(pk=shown["user"], is_active=True, is_staff=True).first()


def _accept(user: Staff, token: str, request: HttpRequest, at: datetime) -> TOTPDevice | None:
    """Judge the code on the person's own device, locked; the failure that is counted and its entry commit together."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).order_by("pk").first()
        if device is not None and device.verify_token(token):
            return device
        _entry("staff.second_factor_failed", user, "staff:unknown", "refused", request, at)
        return None


def _come_in(request: HttpRequest, user: Staff, device: Device, factor: str, at: datetime) -> HttpResponse:
    wanted = request.session.pop(PENDING)["next"]
    with transaction.atomic():
        _entry("staff.login", user, user.actor, "ok", request, at, factors=["password", factor])
        auth_login(request, user, backend=BACKEND)
        otp_login(request, device)
        request.session[PROVED_AT] = at.isoformat()
    return HttpResponseRedirect(wanted or reverse("admin:index"))


def leave(request: HttpRequest) -> None:
    """Log out, and say so in the log."""
    user = request.user
    with transaction.atomic():
        if isinstance(user, Staff):
            _entry("staff.logout", user, user.actor, "ok", request, timezone.now())
        auth_logout(request)


def ended(request: HttpRequest, limit: str, at: datetime) -> None:
    """Log out a session that has reached its `limit` ("idle" or "longest"), and keep why for the login page."""
    user = request.user
    with transaction.atomic():
        if isinstance(user, Staff):
            _entry("staff.session_ended", user, user.actor, "ok", request, at, limit=[limit])
        auth_logout(request)
    request.session[ENDED] = limit


def password_changed(request: HttpRequest) -> None:
    """Record that somebody has changed his own password, in the caller's transaction."""
    user = request.user
    if isinstance(user, Staff):
        _entry("staff.password_changed", user, user.actor, "ok", request, timezone.now())


def noted(kind: str, user: Staff, request: HttpRequest, at: datetime, **facts: list[str]) -> None:
    """Write an entry about what somebody did to his own session, in the caller's transaction."""
    _entry(kind, user, user.actor, "ok", request, at, **facts)


def next_page(request: HttpRequest) -> str:
    """Return the page asked for, if it is one of ours, else ""."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe and not wanted.startswith(reverse("admin:login")) else ""


def _page(request: HttpRequest, template: str, form: forms.Form, **more: str) -> HttpResponse:
    return render(request, template, {"form": form, "title": _("Log in"), **more})


def _failed(username: str, request: HttpRequest, at: datetime) -> None:
    """Write the failed try under the account that was named, if there is one; what was typed is not kept."""
    named = Staff.objects.filter(username=username).first()
    with transaction.atomic():
        _entry("staff.login_failed", named, "staff:unknown", "refused", request, at)


def _entry(
    kind: str, about: Staff | None, actor: str, outcome: str, request: HttpRequest, at: datetime, **facts: list[str]
) -> None:
    record(
        kind=kind,
        actor=actor,
        subject=about.actor if about else "nobody",
        at=at,
        outcome=outcome,
        purpose="let only our own staff in",
        organisation=str(about.organisation_id) if about else only_organisation(),
        facts=facts,
        personal={"address": client_address(request)[:60]},
    )
