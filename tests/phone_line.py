"""A line to the whole house for tests: the real telephone, customers of the cast, codes as they hold them."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from ivr.models import Call
from tests.cast import Cast, Person
from tests.twiml_walker import Phone
from verification.models import Interaction

NOBODY = "99999994"  # eight digits that are no customer's
OTHER_CODE = "000000"


class Line(Phone):
    """A phone that speaks English to the house unless told otherwise, and can look behind the scenes."""

    @property
    def call(self) -> Call:
        return Call.objects.get(call_sid=self.call_sid)

    @property
    def interaction(self) -> Interaction:
        found = self.call.interaction
        assert found is not None
        return found

    def to_number(self, language: str = "3") -> "Line":
        """Dial and choose a language."""
        self.dial().press(language)
        return self

    def to_kind(self, number: str, language: str = "3") -> "Line":
        """Go on to the choice of codes."""
        self.to_number(language).press(number)
        return self

    def type_app_code(self, number: str, code: str, language: str = "3") -> "Line":
        """Name a customer and type a code as from an app."""
        self.to_kind(number, language).press("1").press(code)
        return self

    def to_menu(self, person: Person, language: str = "3") -> "Line":
        """Prove with what this person holds."""
        self.to_kind(person.number, language)
        if person.app_key:
            self.press("1").press(person.app_code(now()))
        else:
            self.press("2").press(person.list_code())
        return self


def now() -> datetime:
    """Read the clock as the webhooks do."""
    return timezone.now()


@pytest.fixture
def line(client: Client, settings: Settings, cast: Cast) -> Callable[[], Line]:
    """Give a function that makes one more phone."""
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_PREVIOUS = "a token of the tests", ""
    return lambda: Line(client)
