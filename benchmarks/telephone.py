"""Turns of a call through Django's whole WSGI stack, in process: the webhook's, and a bare view's beside them."""

from __future__ import annotations

import io
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from twilio.request_validator import RequestValidator

from benchmarks.measuring import Operation, Variant
from benchmarks.world import DIALLED, World

VOICE = "/ivr/twilio/voice/"
REPEATS = 40  # after sixty turns a call is put through to a person


def variants(world: World, slices: int) -> list[Variant]:
    """Return the turns to compare; the first two are the floor."""
    ours = WSGIHandler()
    with override_settings(MIDDLEWARE=[]):
        naked = WSGIHandler()
    return [
        Variant("bare view, no middleware", partial(_bare, naked), 4 * slices),
        Variant("bare view, our middleware", partial(_bare, ours), 4 * slices),
        Variant("IVR turn: repeat (*)", partial(_repeats, ours), 2 * slices),
        Variant("IVR turn: customer number", partial(_numbers, ours, world), slices),
    ]


def repeat(application: WSGIHandler) -> Operation:
    """Return one repeated prompt, ready to be taken."""
    return _repeats(application, 1)[0]


def number(application: WSGIHandler, world: World) -> Operation:
    """Return one turn that names a customer, ready to be taken."""
    return _numbers(application, world, 1)[0]


def _bare(application: WSGIHandler, count: int) -> Sequence[Operation]:
    return [partial(_serve, application, _environ("/bare/", _form(_sid(), "1"))) for _ in range(count)]


def _repeats(application: WSGIHandler, count: int) -> Sequence[Operation]:
    ready: list[Operation] = []
    while len(ready) < count:
        sid, action = _at_the_number(application)
        turn = int(action.strip("/").rsplit("/", 1)[1])
        base = action.strip("/").rsplit("/", 1)[0]
        for step in range(REPEATS):
            environ = _environ(f"/{base}/{turn + step}/", _form(sid, "*"))
            ready.append(partial(_serve, application, environ))
    return ready[:count]


def _numbers(application: WSGIHandler, world: World, count: int) -> Sequence[Operation]:
    ready: list[Operation] = []
    for _ in range(count):
        sid, action = _at_the_number(application)
        environ = _environ(action, _form(sid, world.next_customer("number").number))
        ready.append(partial(_serve, application, environ))
    return ready


def _at_the_number(application: WSGIHandler) -> tuple[str, str]:
    """Dial, choose English, and return the call with the address that the customer number goes to."""
    sid = _sid()
    asked = _serve(application, _environ(VOICE, _form(sid)))
    asked = _serve(application, _environ(_action(asked), _form(sid, "3")))
    return sid, _action(asked)


def _action(answer: bytes) -> str:
    gather = ET.fromstring(answer).find("Gather")
    if gather is None:
        raise SystemExit(f"Nothing was asked for: {answer!r}")
    return urlsplit(gather.attrib["action"]).path


def _sid() -> str:
    return "CA" + secrets.token_hex(16)


def _form(sid: str, digits: str | None = None) -> dict[str, str]:
    """Return the 28 parameters that a webhook of a gather brings."""
    places = {f"{whose}{what}": "" for whose in ("From", "To", "Caller", "Called") for what in ("City", "State", "Zip")}
    countries = dict.fromkeys(("FromCountry", "ToCountry", "CallerCountry", "CalledCountry"), "FI")
    numbers = {"From": "+358401234567", "Caller": "+358401234567", "To": DIALLED, "Called": DIALLED}
    keys = {} if digits is None else {"Digits": digits, "msg": "Gather End", "FinishedOnKey": ""}
    return {
        "AccountSid": "AC" + "0" * 32, "ApiVersion": "2010-04-01", "CallSid": sid, "CallStatus": "in-progress",
        "Direction": "inbound", **places, **countries, **numbers, **keys,
    }  # fmt: skip


def _environ(path: str, form: dict[str, str]) -> dict[str, Any]:
    body = urlencode(form).encode()
    validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_X_TWILIO_SIGNATURE": validator.compute_signature(settings.PUBLIC_URL + path, form),
        "HTTP_USER_AGENT": "TwilioProxy/1.1",
        "HTTP_ACCEPT": "*/*",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }


def _serve(application: WSGIHandler, environ: dict[str, Any]) -> bytes:
    """Take one request to its end, as a server would."""
    answered: list[str] = []
    response = application(environ, lambda status, *_: answered.append(status))
    body = b"".join(response)
    response.close()
    if not answered[0].startswith("200"):
        raise SystemExit(f"{environ['PATH_INFO']} answered {answered[0]}")
    return body
