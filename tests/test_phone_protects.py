"""Who was told of something that he did not do protects himself on the keypad, with no code, through the gate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.actions_asked import VALID
from tests.cast import Cast
from tests.phone_line import NOBODY, Line, now
from tests.test_phone_tells_nothing import TOKEN, kind_of
from verification.gate import Granted, Live, attempt
from verification.models import Authenticator, AuthenticatorEnd, ContactVeto, Grant, Hold, Signal

Lines = Callable[[], Line]
STOPS = {"veto_change", "stop_enrolment", "stop_mandate", "stop_refund"}


def worried(line: Lines, number: str) -> Line:
    """Name a customer, and say that it was not oneself."""
    return line().to_kind(number).press("5")


def change_address(cast: Cast) -> None:
    """Have a change wait in its delay for Helena, as a swindler would."""
    desk = cast.desk(at=now(), claims=cast.helena)
    wanted = VALID["change_address"]
    decided = attempt("change_address", origin=Live(desk.public_id, cast.clerk_kalle), parameters=wanted, at=now())
    assert isinstance(decided, Granted)


def enrol_for_helena(cast: Cast) -> Authenticator:
    """Have a code app wait for its day."""
    desk = cast.desk(at=now(), claims=cast.helena)
    decided = attempt("enrol_code_app", origin=Live(desk.public_id, cast.clerk_kalle), parameters={}, at=now())
    assert isinstance(decided, Granted)
    return Authenticator.objects.get(customer=cast.helena.customer, effective_at__gt=now())


def test_it_was_not_me_is_noted_as_a_strangers_word(line: Lines, cast: Cast) -> None:
    worried(line, cast.helena.number).press("1").heard("Thank you for telling us")
    assert Signal.objects.get().kind == Signal.Kind.SAID_NOT_ME
    assert Grant.objects.get(interaction__isnull=False).action == "not_me"


def test_it_was_not_me_after_a_code_is_his_own_word(line: Lines, cast: Cast) -> None:
    line().to_menu(cast.helena).press("5").press("1")
    assert Signal.objects.get().kind == Signal.Kind.NOT_ME


def test_one_key_stops_everything_that_does_not_count_yet(line: Lines, cast: Cast) -> None:
    change_address(cast)
    enrolled = enrol_for_helena(cast)
    worried(line, cast.helena.number).press("2").heard("has been stopped")
    assert ContactVeto.objects.get().customer == cast.helena.customer
    assert AuthenticatorEnd.objects.get().authenticator == enrolled
    assert set(Grant.objects.filter(asked_by=None).values_list("action", flat=True)) == STOPS


def test_the_same_key_twice_on_the_wire_is_one_stop(line: Lines, cast: Cast) -> None:
    phone = worried(line, cast.helena.number).press("2")
    phone.send_again()
    assert Grant.objects.filter(interaction__isnull=False).count() == len(STOPS)


def test_a_hold_needs_no_code_either(line: Lines, cast: Cast) -> None:
    worried(line, cast.antti3.number).press("3").heard("ends by itself in 48 hours")
    assert Hold.objects.in_force(now()).filter(customer=cast.antti3.customer).exists()


def heard_and_run(line: Lines, number: str, key: str) -> tuple[str, list[str]]:
    phone = worried(line, number)
    with CaptureQueriesContext(connection) as caught:
        phone.press(key)
    run = [kind_of(query["sql"]) for query in caught]
    return TOKEN.sub(r"/\1/T/", phone.send_again().content.decode()), run


@pytest.mark.parametrize("key", "123")
def test_a_stranger_learns_nothing_by_it(line: Lines, cast: Cast, key: str) -> None:
    """Nobody's number, a customer with nothing to stop, one with a change in its delay, and a frozen one are alike."""
    change_address(cast)
    numbers = (NOBODY, cast.antti.number, cast.helena.number, cast.frozen.number)
    (heard, run), *others = [heard_and_run(line, number, key) for number in numbers]
    assert len(run) > 20
    for other in others:
        assert other == (heard, run)


def test_who_asks_too_often_is_told_kindly_and_the_same(line: Lines, cast: Cast) -> None:
    said = {}
    for number in (NOBODY, cast.sanna.number):
        phone = worried(line, number)
        for _ in range(3):
            phone.press("3")
        said[number] = phone.text
    assert len(set(said.values())) == 1
    assert "To speak with a person about this, press 0" in said[NOBODY]
    assert Hold.objects.filter(customer=cast.sanna.customer).count() == 2


def test_going_back_leads_to_the_codes_and_they_still_count(line: Lines, cast: Cast) -> None:
    phone = worried(line, cast.antti.number).press("1")
    phone.press("9").heard("If you use a code app")
    phone.press("1").press(cast.antti.app_code(now())).heard("has been confirmed")
    assert phone.interaction.keypad == "MATCHED"
