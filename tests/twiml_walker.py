"""A caller for tests: follows TwiML as the provider does, from outside, with signatures made by the provider's library.

    phone = Phone(client)
    phone.dial()
    phone.press("1")
    phone.heard("customer number")
    phone.silence()

Nothing here is imported from the code under test. What the documents of the provider say is kept to: keys end a Gather
at `numDigits` or `finishOnKey`; silence falls through to the next verb unless `actionOnEmptyResult` says otherwise;
what follows a Redirect or an Enqueue with an action is never run.
"""

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit
from xml.etree import ElementTree as ET

from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from twilio.request_validator import RequestValidator

FORM = "application/x-www-form-urlencoded"
MOST_REDIRECTS = 10


def sign(address: str, form: dict[str, str], token: str) -> str:
    """Make the signature that the provider puts on a request."""
    return RequestValidator(token).compute_signature(address, form)


@dataclass(frozen=True)
class Sent:
    """One request as it went out, to be sent again."""

    path: str
    form: dict[str, str]
    signature: str


class Phone:
    """One telephone call, as the provider sees it."""

    def __init__(self, client: Client, *, token: str | None = None, number: str = "+358401234567") -> None:
        self.client = client
        self.token = token or settings.TWILIO_AUTH_TOKEN
        self.number = number
        self.call_sid = "CA" + secrets.token_hex(16)
        self.status = "ringing"
        self.sent: list[Sent] = []
        self.spoken: list[tuple[str, str]] = []
        self.queue: str | None = None
        self.ended = False
        self._base = "/"
        self._gather: ET.Element | None = None
        self._rest: list[ET.Element] = []
        self._after_queue = ""
        self._wait = ""

    # --- what a caller does -------------------------------------------------------------------------------------------
    def dial(self, path: str = "/ivr/twilio/voice/") -> "Phone":
        """Call the number, and listen until something is asked."""
        return self._go(path)

    def press(self, keys: str) -> "Phone":
        """Press keys one after the other; those after the answer is complete are lost, as on a real line."""
        gather = self._asked()
        typed, finish = "", gather.get("finishOnKey", "#")
        for key in keys:
            if finish and key in finish:
                break
            typed += key
            if len(typed) == int(gather.get("numDigits", 0)):
                break
        return self._answer(typed) if typed else self.silence()

    def silence(self) -> "Phone":
        """Press nothing until patience runs out."""
        gather = self._asked()
        if gather.get("actionOnEmptyResult") == "true":
            return self._answer("")
        self._gather, self.spoken = None, []
        return self._play(self._rest)

    def hang_up(self) -> HttpResponse:
        """End the call; the provider tells of it asynchronously."""
        self.ended, self.status = True, "completed"
        return self.post("/ivr/twilio/status/", {"CallDuration": "12"})

    def heard(self, words: str) -> None:
        """Assert that the last answer said these words."""
        assert words.casefold() in self.text.casefold(), f"{words!r} was not heard in {self.text!r}"

    # --- what happens in the queue ------------------------------------------------------------------------------------
    def wait_on(self, position: int = 1) -> "Phone":
        """Let the provider ask once more for something to say to those who wait."""
        assert self.queue is not None, "The caller is in no queue."
        self.spoken = []
        response = self.post(self._wait, {"QueuePosition": str(position), "QueueTime": "20"})
        return self._play(list(ET.fromstring(response.content)))

    def leave_queue(self, result: str = "bridged") -> "Phone":
        """End the waiting: the agent has hung up (bridged), or it failed (error, queue-full, system-error)."""
        assert self.queue is not None, "The caller is in no queue."
        self.queue = None
        return self._go(self._after_queue, {"QueueResult": result, "QueueTime": "31"})

    def turned(self, path: str) -> "Phone":
        """Follow an order to go on elsewhere: the queue's end is told first, and its answer is not run."""
        assert self.queue is not None, "The caller is in no queue."
        self.queue = None
        assert self.post(self._after_queue, {"QueueResult": "redirected-from-bridged"}).status_code == 200
        return self._go(path)

    # --- what a network does ------------------------------------------------------------------------------------------
    def send_again(self, which: int = -1) -> HttpResponse:
        """Send a request of this call once more, byte for byte; the walker's own state stays as it was."""
        old = self.sent[which]
        signed = {"X-Twilio-Signature": old.signature}
        return self.client.post(old.path, urlencode(old.form), content_type=FORM, headers=signed)

    def post(self, path: str, form: dict[str, str] | None = None) -> HttpResponse:
        """Sign and send one request of this call."""
        whole = self._form() | (form or {})
        old = Sent(path, whole, sign(settings.PUBLIC_URL + path, whole, self.token))
        self.sent.append(old)
        return self.send_again()

    @property
    def text(self) -> str:
        """Everything that the last answer said."""
        return " ".join(text for _, text in self.spoken)

    @property
    def languages(self) -> set[str]:
        """The languages that the last answer spoke."""
        return {language for language, _ in self.spoken}

    # --- inside -------------------------------------------------------------------------------------------------------
    def _form(self) -> dict[str, str]:
        return {
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "CallSid": self.call_sid,
            "CallStatus": self.status,
            "Caller": self.number,
            "CallerCity": "",
            "Direction": "inbound",
            "From": self.number,
            "To": "+358800123456",
        }

    def _asked(self) -> ET.Element:
        assert self._gather is not None, "Nothing is being asked."
        return self._gather

    def _answer(self, typed: str) -> "Phone":
        gather, self._gather = self._asked(), None
        return self._go(gather.get("action", self._base), {"Digits": typed, "msg": "Gather End"})

    def _go(self, path: str, form: dict[str, str] | None = None) -> "Phone":
        self.spoken = []
        return self._follow(path, form)

    def _follow(self, path: str, form: dict[str, str] | None = None, hops: int = 0) -> "Phone":
        assert hops < MOST_REDIRECTS, "The documents redirect in a circle."
        self._base = urlsplit(urljoin(self._base, path)).path
        response = self.post(self._base, form)
        assert response.status_code == 200, f"{self._base} answered {response.status_code}"
        assert response["Content-Type"].startswith("text/xml")
        self.status = "in-progress"
        document = ET.fromstring(response.content)
        assert document.tag == "Response"
        return self._play(list(document), hops)

    def _play(self, verbs: list[ET.Element], hops: int = 0) -> "Phone":
        for at, verb in enumerate(verbs):
            match verb.tag:
                case "Say":
                    self._say(verb)
                case "Pause":
                    continue
                case "Gather":
                    for nested in verb:
                        self._play([nested])
                    self._gather, self._rest = verb, verbs[at + 1 :]
                    return self
                case "Redirect":
                    return self._follow(verb.text or "", hops=hops + 1)
                case "Enqueue":
                    return self._enter(verb)
                case _:
                    assert verb.tag == "Hangup", f"{verb.tag} is no verb that we speak."
                    self.ended = True
                    return self
        self.ended = self.queue is None
        return self

    def _say(self, verb: ET.Element) -> None:
        assert verb.get("voice"), "A prompt without a voice is spoken by whatever the account has."
        self.spoken.append((verb.attrib["language"], verb.text or ""))

    def _enter(self, verb: ET.Element) -> "Phone":
        self.queue, self._after_queue, self._wait = verb.text, verb.attrib["action"], verb.attrib["waitUrl"]
        response = self.post(self._wait, {"QueuePosition": "1", "QueueTime": "0"})
        return self._play(list(ET.fromstring(response.content)))
