"""What the telephone asks of the house: to judge what was typed, to act, and to bring a person.

The dialogue is given something of this shape and knows nothing behind it, so that it can be led through every branch
without customers, codes or a gate.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from ivr.adapters import Event
from ivr.models import Call
from ivr.steps import Arguments


class Check(Enum):
    """Tell how a typed code fared. Only MATCHED is ever audible; the rest is for the agent."""

    MATCHED = "MATCHED"
    WRONG = "WRONG"
    BACKING_OFF = "BACKING_OFF"


class NoMoreClaims(Exception):
    """Say that this call, or this number today, has been claimed as often as may be: from here a person helps."""


@dataclass(frozen=True, slots=True)
class Told:
    """One prompt to speak, with arguments that name nobody."""

    prompt: str
    args: Arguments


class Actions(Protocol):
    """What the dialogue asks of the house. Each may be slow or fail; none is asked twice for one turn.

    Those that are given what was typed answer a customer who doesn't exist exactly as one who does.
    """

    def open(self, call: Call, event: Event, at: datetime) -> None:
        """Open the interaction of a new call and set `call.interaction`."""
        ...

    def greeting(self, call: Call) -> Arguments:
        """Give the arguments of the welcome: `organisation`."""
        ...

    def speak(self, call: Call, at: datetime) -> None:
        """Note that `call.language` was chosen."""
        ...

    def claim(self, call: Call, number: str, at: datetime) -> int:
        """Note that the caller says he is the customer `number`, and give the index to ask for on his code list.

        A number that is nobody's has a steady index too. It is chosen now because the number is kept nowhere. Raises
        NoMoreClaims, for numbers that are nobody's too.
        """
        ...

    def check_app_code(self, call: Call, code: str, at: datetime) -> Check:
        """Judge a one-time code and observe the outcome."""
        ...

    def check_list_code(self, call: Call, code: str, at: datetime) -> Check:
        """Judge the code asked for by `call.challenge_index` and observe the outcome."""
        ...

    def texts_codes(self) -> bool:
        """Tell whether codes by text message are offered at all."""
        ...

    def send_code(self, call: Call, at: datetime) -> None:
        """Have a code sent by text message, if there is anybody to send it to; nobody on the line learns whether."""
        ...

    def check_sent_code(self, call: Call, code: str, at: datetime) -> Check:
        """Judge the code of the newest text message of this call and observe the outcome."""
        ...

    def few_codes_left(self, call: Call) -> int | None:
        """Give how many codes are left on the list that has just proved the caller; None while there are plenty."""
        ...

    def on_hold(self, call: Call, at: datetime) -> bool:
        """Tell whether the verified customer has a hold in force."""
        ...

    def perform(self, choice: str, call: Call, at: datetime) -> tuple[Told, ...]:
        """Do through the gate what a choice stands for (a value of CHOICES or PROTECTIONS), and say what is told."""
        ...

    def expected(self, call: Call) -> UUID | None:
        """Give the question for which this call was turned to the keypad just now, put or not; None without one."""
        ...

    def asks(self, call: Call, question: UUID, at: datetime) -> bool:
        """Note that the question is put to the caller, in `call.language`, which is set; False when it is settled."""
        ...

    def answer(self, call: Call, day: int, month: int, at: datetime) -> None:
        """Let the caller's day and month of birth pick one of his namesakes. Nobody on the line learns whether."""
        ...

    def skip(self, call: Call, at: datetime) -> None:
        """Note that the caller goes back to the person without an answer."""
        ...

    def back_to(self, call: Call) -> str:
        """Name the queue of the person who serves this call; "" when nobody does any more."""
        ...

    def to_human(self, call: Call, keypad: str, at: datetime) -> None:
        """Put the interaction into the agents' queue with its keypad outcome."""
        ...

    def end(self, call: Call, at: datetime) -> None:
        """End the interaction of a call that is over, and take it out of the queue; safe to repeat."""
        ...
