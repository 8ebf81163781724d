"""A telephone for the demo: it calls the running site as the provider would, signed, and is played in the terminal.

What it hears it prints, and what is typed it presses. It knows just enough TwiML for one call of ours: Say, Gather,
Redirect, Enqueue and Hangup.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree as ET

import httpx
from django.conf import settings
from twilio.request_validator import RequestValidator

from contactcentre import data_dir
from ivr import loopback


class NoAnswer(RuntimeError):
    """Tell that the site does not answer, or answers no call."""


def _public() -> str:
    return data_dir.served_address() or settings.PUBLIC_URL


def _nearest() -> str:
    """Return where the site answers on this machine: `up` may have been given another PORT than we were."""
    served = data_dir.served_address()
    return served if served.startswith("http://localhost") else f"http://localhost:{settings.PORT}"


@dataclass
class Telephone:
    """One call. `say` prints a line; `ask` reads keys, "" for silence, None for hanging up."""

    say: Callable[[str], None]
    ask: Callable[[str], str | None]
    base: str = field(default_factory=_nearest)
    sid: str = field(default_factory=lambda: "CA" + secrets.token_hex(16))

    def call(self) -> None:
        """Dial, and play until somebody hangs up. Raises NoAnswer."""
        address: str | None = self._at("/ivr/twilio/voice/")
        form: dict[str, str] = {}
        while address is not None:
            address, form = self._heard(address, self._post(address, form))
        self._post(self._at("/ivr/twilio/status/"), {"CallStatus": "completed", "CallDuration": "30"})
        self.say("(the call has ended)")

    def _heard(self, address: str, verbs: list[ET.Element]) -> tuple[str | None, dict[str, str]]:
        """Play one document; return where the call goes on and with what, or None when it is over."""
        for verb in verbs:
            match verb.tag:
                case "Say":
                    self.say(f"  {verb.text}")
                case "Gather":
                    return self._gathered(address, verb)
                case "Redirect":
                    return urljoin(address, verb.text or ""), {}
                case "Enqueue":
                    return self._queued(address, verb)
                case "Hangup":
                    return None, {}
        return None, {}

    def _gathered(self, address: str, gather: ET.Element) -> tuple[str | None, dict[str, str]]:
        for prompt in gather.iter("Say"):
            self.say(f"  {prompt.text}")
        keys = self.ask("keys (Enter for silence, q to hang up)")
        if keys is None:
            return None, {}
        return urljoin(address, gather.get("action", "")), {"Digits": keys.rstrip("#")}

    def _queued(self, address: str, queue: ET.Element) -> tuple[str | None, dict[str, str]]:
        """Wait in the queue, or talk: listen again each time Enter is pressed, and follow when we are turned away."""
        waiting, action = urljoin(address, queue.get("waitUrl", "")), urljoin(address, queue.get("action", ""))
        self.say(f"(in the queue: an agent sees this call at {self.base}/admin/; Enter hears what is said meanwhile)")
        while True:
            if (turned := loopback.taken(self.sid)) is not None:
                self._post(action, {"QueueResult": "redirected-from-bridged", "QueueTime": "20"})
                return turned, {}
            verbs = self._post(waiting, {"QueuePosition": "1", "QueueTime": "20"})
            for verb in verbs:
                if verb.tag == "Say":
                    self.say(f"  {verb.text}")
            over = any(verb.tag in ("Hangup", "Leave") for verb in verbs)
            if over or self.ask("waiting (Enter to go on, q to hang up)") is None:
                return None, {}

    def _post(self, address: str, form: dict[str, str]) -> list[ET.Element]:
        """Send one signed request; the signature is over the public address, as it is the one the provider knows."""
        whole = {"CallSid": self.sid, "AccountSid": "ACdemo", "From": "+358401234567", "To": settings.IVR_NUMBER}
        whole |= {"CallStatus": "in-progress", "Direction": "inbound", "ApiVersion": "2010-04-01"} | form
        path = urlsplit(address).path
        signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(_public() + path, whole)
        try:
            answer = httpx.post(self._at(path), data=whole, headers={"X-Twilio-Signature": signature}, timeout=15)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise NoAnswer(f"No answer from {self.base}: start it with `make run` ({type(error).__name__}).") from None
        return list(ET.fromstring(answer.content)) if answer.content.strip() else []  # noqa: S314  (our own site's)

    def _at(self, path: str) -> str:
        return self.base + path
