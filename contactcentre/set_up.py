"""The first page of a new member of the staff: he chooses his password and connects his app for one-time codes.

Fetching the link consumes nothing; its word is moved into the session and out of the address at once.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django_otp.oath import TOTP

from verification import accounts
from verification.models import Staff

LINK, SECRET = "set_up_link", "set_up_secret"


class SetUpForm(forms.Form):
    """A password, twice, and one code of the app that has just been connected."""

    password = forms.CharField(
        label=gettext_lazy("New password"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=gettext_lazy("The same password again"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    token = forms.CharField(
        label=gettext_lazy("Code that the app shows now"),
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    step = -1

    def __init__(self, *args: object, owner: Staff, secret: bytes, at: datetime, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]  # whatever a form takes
        self.owner, self.secret, self.at = owner, secret, at

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.owner)
        return password

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise ValidationError(_("The two passwords differ."))
        return again

    def clean_token(self) -> str:
        token = "".join(self.cleaned_data["token"].split())
        totp = TOTP(self.secret)
        totp.time = self.at.timestamp()
        if not (token.isascii() and token.isdigit() and totp.verify(int(token), tolerance=1)):
            raise ValidationError(_("The code was not accepted. Wait for the next one, then try again."))
        self.step = totp.t()
        return token


@never_cache
def open_link(request: HttpRequest, link: str) -> HttpResponse:
    """Take the link's word out of the address; nothing is consumed."""
    request.session[LINK] = link.rstrip("/")[:200]
    request.session.pop(SECRET, None)
    return redirect("admin:set_up")


@never_cache
@sensitive_post_parameters("password", "again", "token")
def set_up(request: HttpRequest) -> HttpResponse:
    """Ask for the password and a code of the connected app; both are set together or neither is."""
    link = request.session.get(LINK, "")
    owner = accounts.owner_of(link)
    if owner is None:
        return render(request, "contactcentre/set_up_void.html", {"title": _("This link is no longer good")})
    at, secret = timezone.now(), _secret(request)
    form = SetUpForm(request.POST or None, owner=owner, secret=secret, at=at)
    if request.method == "POST" and form.is_valid():
        done = accounts.finish_set_up(
            link, password=form.cleaned_data["password"], secret=secret, step=form.step, at=at
        )
        if done:
            request.session.flush()
            messages.success(request, _("Your account is ready. Log in with your new password and a new code."))
        return redirect("admin:login")
    return render(request, "contactcentre/set_up.html", _shown(form, owner, secret))


def _secret(request: HttpRequest) -> bytes:
    """Return the key of this set-up, kept on the server until a code has proved that the app has it (160 bits)."""
    return bytes.fromhex(request.session.setdefault(SECRET, secrets.token_hex(20)))


def _shown(form: SetUpForm, owner: Staff, secret: bytes) -> dict[str, object]:
    key = b32encode(secret).decode()
    issuer = settings.OTP_TOTP_ISSUER
    address = f"otpauth://totp/{quote(f'{issuer}:{owner.username}')}?{urlencode({'secret': key, 'issuer': issuer})}"
    return {
        "form": form,
        "title": _("Set up your account"),
        "username": owner.username,
        "key": " ".join(key[place : place + 4] for place in range(0, len(key), 4)),
        "picture": segno.make(address).svg_data_uri(scale=5),
        "help": password_validators_help_texts(),
    }
