"""A house for the telephone's own tests: remembers what the dialogue asked of it, and answers as it is told to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import include, path
from pytest_django import Settings

from ivr.adapters import Event
from ivr.asks import Check, Told
from ivr.models import Call
from ivr.web import routes

APP_CODE, LIST_CODE, SENT_CODE, INDEX = "135790", "246802", "357913", 17


class House:
    """Stand where verification, cases and visits stand."""

    def __init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        """Forget everything, and answer as a sound house would."""
        self.asked: list[tuple[Any, ...]] = []
        self.check: Check | None = None
        self.held = False
        self.texts = True
        self.left: int | None = None
        self.question: UUID | None = None
        self.unsettled = True
        self.serves = "agent-aino"
        self.broken: set[str] = set()

    def count(self, name: str) -> int:
        """Count how often something was asked."""
        return sum(row[0] == name for row in self.asked)

    def greeting(self, call: Call) -> dict[str, str]:
        return {"organisation": "Esimerkki Oy"}

    def open(self, call: Call, event: Event, at: datetime) -> None:
        self._note("open", event.from_number)

    def speak(self, call: Call, at: datetime) -> None:
        self._note("speak", call.language)

    def claim(self, call: Call, number: str, at: datetime) -> int:
        self._note("claim", number)
        return INDEX

    def check_app_code(self, call: Call, code: str, at: datetime) -> Check:
        self._note("check", code)
        return self.check or (Check.MATCHED if code == APP_CODE else Check.WRONG)

    def check_list_code(self, call: Call, code: str, at: datetime) -> Check:
        self._note("check", code, call.challenge_index)
        return self.check or (Check.MATCHED if code == LIST_CODE else Check.WRONG)

    def texts_codes(self) -> bool:
        return self.texts

    def send_code(self, call: Call, at: datetime) -> None:
        self._note("send_code")

    def check_sent_code(self, call: Call, code: str, at: datetime) -> Check:
        self._note("check", code)
        return self.check or (Check.MATCHED if code == SENT_CODE else Check.WRONG)

    def few_codes_left(self, call: Call) -> int | None:
        return self.left

    def on_hold(self, call: Call, at: datetime) -> bool:
        return self.held

    def perform(self, choice: str, call: Call, at: datetime) -> tuple[Told, ...]:
        self._note("perform", choice)
        prompts = {"state": "state.open", "visit": "visit.requested", "callback": "callback.requested"}
        prompts |= {"not_me": "not_me.noted", "stop": "stop.done"}
        return (Told(prompts[choice], {}),) if choice in prompts else (Told("hold.placed", {"hours": 48}),)

    def expected(self, call: Call) -> UUID | None:
        return self.question

    def asks(self, call: Call, question: UUID, at: datetime) -> bool:
        self._note("asks", question)
        call.language = "en"
        return self.unsettled

    def answer(self, call: Call, day: int, month: int, at: datetime) -> None:
        self._note("answer", day, month)

    def skip(self, call: Call, at: datetime) -> None:
        self._note("skip")

    def back_to(self, call: Call) -> str:
        return self.serves

    def to_human(self, call: Call, keypad: str, at: datetime) -> None:
        self._note("to_human", keypad)

    def end(self, call: Call, at: datetime) -> None:
        self._note("end")

    def _note(self, *asked: Any) -> None:
        self.asked.append(asked)
        if asked[0] in self.broken:
            raise RuntimeError(f"it broke over {asked[1:]}")


house = House()
urlpatterns = [path("ivr/", include((routes(house), "ivr")))]


def stand_behind(settings: Settings) -> None:
    """Put the emptied house behind the telephone's addresses."""
    settings.ROOT_URLCONF = __name__
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_PREVIOUS = "a token of the tests", ""
    house.empty()
