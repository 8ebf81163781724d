"""Speak TwiML with Twilio and those who copied it.

The XML is written with the standard library instead of twilio's VoiceResponse: seven verbs need no generated classes,
and the tests hold ours against what VoiceResponse makes of the same steps.
"""

import logging
import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID
from xml.etree import ElementTree as ET

import httpx
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from twilio.request_validator import RequestValidator

from ivr import loopback, prompts
from ivr.adapters import UNREADABLE, Event, Kind, Links, NoCallNamedError, NotTurned
from ivr.steps import AskBack, Enqueue, Gather, Hangup, Pause, Redirect, Say, Step, Steps
from ivr.voices import VOICES

logger = logging.getLogger(__name__)

LIVE_CALL: Final = "https://api.twilio.com/2010-04-01/Accounts/{sid}/Calls/{call}.json"
TIMEOUT: Final = 10  # seconds
TOO_MANY_REQUESTS: Final = 429
SIGNATURE: Final = "X-Twilio-Signature"
FINISHED: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_KEYS: Final = re.compile(r"[0-9*#]{1,20}", re.ASCII)
_CALL: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
# A withheld number may come as its reason, spelt on the keypad: +266696687 is ANONYMOUS.
_KEYPAD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_WITHHELD: Final = frozenset(
    "+" + word.translate(_KEYPAD) for word in ("ANONYMOUS", "UNKNOWN", "UNAVAILABLE", "RESTRICTED", "BLOCKED")
)


class Twilio:
    """Verify, parse and render as Twilio's voice webhooks do."""

    media_type = "application/x-www-form-urlencoded"
    # Ten times what Twilio has been seen to send, and its own limit for answers.
    largest_body = 64 * 1024

    def verify(self, request: HttpRequest) -> bool:
        """Check X-Twilio-Signature under the current auth token, or the previous one while it is being rotated.

        The signed address is our configured one with this path and query: neither Host nor X-Forwarded-* decide what
        is verified (ASVS 4.1.3). The official validator raises on a missing header, a body that is no form and an
        impossible port; each of those is a no.
        """
        try:
            return any(self._matches(request, token) for token in _tokens())
        except Exception:
            # Without the traceback: its frames hold what the caller typed.
            logger.warning("A webhook was refused: its signature could not be checked.")
            return False

    def _matches(self, request: HttpRequest, token: str) -> bool:
        address = settings.PUBLIC_URL.rstrip("/") + request.get_full_path()
        signature = request.headers.get(SIGNATURE, "")
        return bool(signature) and bool(RequestValidator(token).validate(address, request.POST, signature))

    def parse(self, request: HttpRequest, otherwise: Kind) -> Event:
        """Read the form; anything in it that is not of its expected shape counts as absent or as wrong input."""
        form = request.POST
        status = _word(form, "CallStatus")
        kind, digits = _kind(form, otherwise)
        return Event(
            call_id=_call_id(form),
            kind=kind,
            from_number=_number(form, "From"),
            to_number=_number(form, "To"),
            digits=digits,
            status=_word(form, "QueueResult") if kind is Kind.QUEUE_RESULT else status,
            ended=status in FINISHED,
            attestation=_word(form, "StirVerstat"),
            position=_position(form),
        )

    def can_turn(self) -> bool:
        """Tell whether an account is set to give orders with; the demo's own telephone needs none."""
        return bool(settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN) or settings.DEMO

    def turn(self, call_id: str, path: str) -> None:
        """Update the live call with a new address (Twilio's Call resource, `Url` and `Method`). Raises NotTurned."""
        if not settings.TWILIO_ACCOUNT_SID:
            loopback.turn(call_id, path)
            return
        try:
            answer = httpx.post(
                LIVE_CALL.format(sid=settings.TWILIO_ACCOUNT_SID, call=call_id),
                auth=(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN),
                data={"Url": settings.PUBLIC_URL.rstrip("/") + path, "Method": "POST"},
                timeout=TIMEOUT,
            )
        except httpx.HTTPError as error:
            raise NotTurned(type(error).__name__, final=False) from None
        if answer.status_code >= 400:
            refused = answer.status_code < 500 and answer.status_code != TOO_MANY_REQUESTS
            raise NotTurned(f"TWILIO_{answer.status_code}", final=refused)

    def render(self, steps: Steps, url_for: Links | None) -> HttpResponse:
        """Write the steps as one TwiML document."""
        document = ET.Element("Response")
        for step in steps:
            _write(document, step, url_for)
        body = ET.tostring(document, encoding="UTF-8", xml_declaration=True)
        return HttpResponse(body, content_type="text/xml; charset=utf-8", headers={"Cache-Control": "no-store"})


def _tokens() -> Iterable[str]:
    # An empty token would be a key that everybody has.
    previous = getattr(settings, "TWILIO_AUTH_TOKEN_PREVIOUS", "")
    return [token for token in (settings.TWILIO_AUTH_TOKEN, previous) if token]


def _only(form: QueryDict, name: str) -> str:
    values = form.getlist(name)
    return values[0] if len(values) == 1 else ""


def _word(form: QueryDict, name: str) -> str:
    value = _only(form, name)
    return value if _WORD.fullmatch(value) else ""


def _call_id(form: QueryDict) -> str:
    value = _only(form, "CallSid")
    if not _CALL.fullmatch(value):
        raise NoCallNamedError("no CallSid")
    return value


def _kind(form: QueryDict, otherwise: Kind) -> tuple[Kind, str]:
    """Tell the kind, and the keys of a DIGITS event; blank and missing Digits are both silence."""
    if otherwise is not Kind.NO_INPUT:
        return otherwise, ""
    if form.get("QueueResult"):
        return Kind.QUEUE_RESULT, ""
    typed = form.getlist("Digits")
    if not any(typed):
        return Kind.NO_INPUT, ""
    readable = len(typed) == 1 and _KEYS.fullmatch(typed[0])
    return Kind.DIGITS, typed[0] if readable else UNREADABLE


def _number(form: QueryDict, name: str) -> str | None:
    value = _only(form, name).strip()
    return value if _NUMBER.fullmatch(value) and value not in _WITHHELD else None


def _position(form: QueryDict) -> int | None:
    value = _only(form, "QueuePosition")
    return int(value) if re.fullmatch(r"[0-9]{1,4}", value, re.ASCII) else None


def _write(parent: ET.Element, step: Step, url_for: Links | None) -> None:
    match step:
        case Say(prompt, language, args):
            _say(parent, prompts.text(prompt, language, args), language)
        case Pause(seconds):
            ET.SubElement(parent, "Pause", length=str(seconds))
        case Hangup():
            ET.SubElement(parent, "Hangup")
        case _:
            _write_onward(parent, step, url_for)


def _write_onward(parent: ET.Element, step: Step, url_for: Links | None) -> None:
    if url_for is None:
        raise ValueError(f"{type(step).__name__} continues a call, and no call was given.")
    match step:
        case Gather():
            _gather(parent, step, url_for)
        case Redirect(turn):
            _redirect(parent, url_for.turn(turn))
        case AskBack(question):
            _redirect(parent, url_for.question(UUID(question)))
        case Enqueue():
            _enqueue(parent, step, url_for)


def _say(parent: ET.Element, text: str, language: str) -> None:
    voice = VOICES[language]
    ET.SubElement(parent, "Say", language=voice.locale, voice=voice.name).text = text


def _gather(parent: ET.Element, step: Gather, url_for: Links) -> None:
    """Write a Gather that reports silence too, and a Redirect for speakers of TwiML that don't know how to."""
    action = url_for.turn(step.turn)
    length = {} if step.num_digits is None else {"numDigits": str(step.num_digits)}
    gather = ET.SubElement(
        parent,
        "Gather",
        {"input": "dtmf", "action": action, "method": "POST", "timeout": str(step.timeout)}
        | {"finishOnKey": step.finish_on_key, "actionOnEmptyResult": "true"}
        | length,
    )
    for say in step.says:
        _write(gather, say, url_for)
    _redirect(parent, action)


def _redirect(parent: ET.Element, address: str) -> None:
    ET.SubElement(parent, "Redirect", method="POST").text = address


def _enqueue(parent: ET.Element, step: Enqueue, url_for: Links) -> None:
    waiting = {"waitUrl": url_for.wait(), "waitUrlMethod": "POST"} if step.wait else {}
    queue = ET.SubElement(parent, "Enqueue", {"action": url_for.turn(step.turn), "method": "POST"} | waiting)
    queue.text = step.queue
