"""The codes that the demo's people would read from their devices now. In the demo only: nobody else can be asked."""

from __future__ import annotations

from datetime import datetime

from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from contactcentre.demo.people import BY_NUMBER, STAFF
from contactcentre.demo.secrets import app_key
from verification.keypad import challenge
from verification.models import KeypadRoad
from verification.numbers import mark


class Unknown(LookupError):
    """Tell that nobody of this name has a code; the message is one line."""


def of_app(key: bytes, at: datetime, *, last_step: int = -1) -> str:
    """Return what a code app shows at `at` or, when that was used up already, the one it will show next."""
    app = TOTP(key)
    app.time = at.timestamp()
    if app.t() <= last_step:
        app.time += app.step  # one step of drift is accepted, so nobody has to wait
    return f"{app.token():06d}"


def current(name: str, at: datetime) -> str:
    """Return the code that this staff user or customer number would give now.

    Of a printed list it is the one that would be asked for, as `index: code`. Raises Unknown.
    """
    if name in STAFF:
        device = TOTPDevice.objects.filter(user__username=name).first()
        return of_app(app_key(name), at, last_step=device.last_t if device else -1)
    person = BY_NUMBER.get(name)
    if person is None:
        raise Unknown(f"{name!r} is neither a staff user nor a customer number of the demo; `demo` lists them.")
    if person.app_key:
        used = KeypadRoad.objects.filter(mark=mark(name), kind="TOTP").first()
        return of_app(person.app_key, at, last_step=used.last_step if used else -1)
    if person.codes:
        index = challenge(name, at=at)
        return f"{index}: {person.codes[index - 1]}"
    raise Unknown(f"{person.name} ({name}) has no authenticator: only the desk proves who he is.")
