"""Describe what a telephone provider must be able to do for us, and what it tells us of a call.

One adapter per provider stands behind this seam; the dialogue never learns which one is speaking.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from ivr.steps import Steps

# Stands for keys that no keypad makes (letters, NUL, thousands of digits): no question has it among its answers.
UNREADABLE: Final = "?"


class Kind(StrEnum):
    """Tell what happened on the line."""

    START = "start"
    DIGITS = "digits"
    NO_INPUT = "no_input"
    QUEUE_RESULT = "queue_result"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Event:
    """Carry one signed message of a provider.

    `digits` is kept out of repr, so that no log line or error report shows what a caller typed. `to_number` is the
    one that was dialled. `from_number` is None when withheld; like `attestation` it is shown to the agent and raises
    no level. `status` is the provider's word for the state of the call or, for QUEUE_RESULT, for how the waiting
    ended.
    """

    call_id: str
    kind: Kind
    from_number: str | None = field(default=None, repr=False)
    to_number: str | None = None
    digits: str = field(default="", repr=False)
    status: str = ""
    ended: bool = False
    attestation: str = ""
    position: int | None = None


class NoCallNamedError(Exception):
    """Say that a correctly signed message makes no sense, such as one that names no call."""


class NotTurned(Exception):
    """Say that a call could not be turned to another of our addresses; `final` when asking again would not help."""

    def __init__(self, code: str, *, final: bool) -> None:
        super().__init__(code)
        self.code, self.final = code, final


@dataclass(frozen=True, slots=True)
class Links:
    """Make the addresses at which a provider continues one call: absolute paths that end with a slash.

    The slash matters: a redirect that adds it would be followed as GET, and what the caller typed would be lost.
    """

    provider: str
    token: str

    def turn(self, number: int) -> str:
        """Give the address of turn `number`."""
        return reverse("ivr:turn", kwargs={"provider": self.provider, "token": self.token, "number": number})

    def question(self, public_id: UUID) -> str:
        """Give the address at which a call that was turned back to its keypad is asked one question."""
        named = {"provider": self.provider, "token": self.token, "question": public_id}
        return reverse("ivr:question", kwargs=named)

    def wait(self) -> str:
        """Give the address of what is said to those who wait in the queue."""
        return reverse("ivr:wait", kwargs={"provider": self.provider, "token": self.token})


class Adapter(Protocol):
    """Translate between one provider's wire and ours."""

    media_type: str
    largest_body: int

    def verify(self, request: HttpRequest) -> bool:
        """Tell whether the provider really sent this; False for every doubt, and never an exception."""
        ...

    def parse(self, request: HttpRequest, otherwise: Kind) -> Event:
        """Read a verified request; `otherwise` is the kind that its address implies when its fields tell none.

        Raises NoCallNamedError when no call is named.
        """
        ...

    def can_turn(self) -> bool:
        """Tell whether calls in progress can be turned at all, as we are set up."""
        ...

    def turn(self, call_id: str, path: str) -> None:
        """Have a call in progress go on at one of our addresses, whoever it is connected with. Raises NotTurned.

        Safe to repeat: what is answered there does not depend on how often it is asked for.
        """
        ...

    def render(self, steps: Steps, url_for: Links | None) -> HttpResponse:
        """Write steps in the provider's language; `url_for` may be None only when no step continues the call."""
        ...


Adapters = Mapping[str, Adapter]
