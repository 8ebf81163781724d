"""Against the whole house: a webhook that comes twice, at once, late or after the end changes nothing twice."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from cases.models import CallBack
from ivr import tasks
from ivr.models import Call, TurnReply
from tests.cast import Cast, wrong
from tests.phone_line import Line, now
from verification.models import Claim, CodeTry, Evidence, Hold, Interaction, KeypadRoad, Refusal
from verification.numbers import mark
from visits.models import Escalation

Lines = Callable[[], Line]


def test_a_wrong_code_sent_twice_is_one_try(line: Lines, cast: Cast) -> None:
    phone = line().type_app_code(cast.antti.number, wrong(cast.antti.app_code(now())))
    answer = phone.send_again().content
    assert phone.send_again().content == answer
    assert CodeTry.objects.count() == 1
    assert KeypadRoad.objects.get(mark=mark(cast.antti.number)).failures == 1


def test_a_right_code_sent_twice_is_not_taken_for_a_replay(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    assert b"has been confirmed" in phone.send_again().content
    assert Evidence.objects.count() == CodeTry.objects.count() == 1
    phone.press("1").heard("no case")


@pytest.mark.parametrize(("key", "effect"), [("2", Escalation), ("3", CallBack), ("4", Hold)])
def test_a_choice_sent_again_has_one_effect(line: Lines, cast: Cast, key: str, effect: type) -> None:
    before = effect.objects.count()
    phone = line().to_menu(cast.antti)
    phone.press(key)
    for _ in range(3):
        phone.send_again()
    assert effect.objects.count() == before + 1


def test_requests_replayed_out_of_order_are_answered_with_where_the_call_stands(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    phone.press("2")
    stands = phone.send_again().content
    for old in (3, 0, 2, 4, 1):
        assert phone.send_again(old).content == stands
    counts = [model.objects.count() for model in (Interaction, Claim, CodeTry, Escalation)]
    assert counts == [1, 1, 1, 1]


def test_nothing_happens_after_the_end_however_often_it_is_sent(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    phone.press("2")
    phone.hang_up()
    ended = phone.interaction.ended_at
    for old in range(len(phone.sent)):
        assert b"case" not in phone.send_again(old).content
    assert phone.interaction.ended_at == ended
    assert [Escalation.objects.count(), Interaction.objects.count(), CodeTry.objects.count()] == [1, 1, 1]


def test_an_end_that_arrives_first_opens_no_interaction(line: Lines, cast: Cast) -> None:
    phone = line()
    phone.hang_up()
    phone.dial()
    assert phone.ended
    assert not Interaction.objects.exists()


def test_a_call_that_ends_while_an_action_is_asked_for_leaves_no_ghost(
    line: Lines, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ivr import actions

    phone, decide = line().to_menu(cast.antti), actions.attempt

    def ended_meanwhile(*given: object, **named: object) -> object:
        phone.hang_up()
        return decide(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(actions, "attempt", ended_meanwhile)
    phone.press("4")
    assert not Hold.objects.filter(customer=cast.antti.customer).exists()
    assert Refusal.objects.get().reason == "NOT_LIVE"
    assert phone.interaction.waiting_since is None
    assert not TurnReply.objects.exists()


def test_a_call_whose_end_was_never_told_is_ended_by_the_sweep(line: Lines, cast: Cast) -> None:
    forgotten, fresh = line().to_number(), line().to_number()
    forgotten.press("0#")
    Call.objects.filter(call_sid=forgotten.call_sid).update(started_at=now() - timedelta(hours=5))
    tasks.sweep()
    tasks.sweep()
    assert forgotten.call.ended_at is not None
    assert forgotten.interaction.ended_at is not None
    assert forgotten.interaction.waiting_since is None
    assert not forgotten.call.replies.exists()
    assert fresh.interaction.live


def test_an_interaction_that_outlived_its_call_is_ended_by_the_sweep(line: Lines, cast: Cast) -> None:
    phone = line().to_number()
    Call.objects.update(ended_at=now() - timedelta(minutes=1))
    tasks.sweep()
    assert not phone.interaction.live


@pytest.fixture
def busy(live_cast: Cast, client: Client, settings: Settings) -> Line:
    """A phone of the cast in a database with real commits."""
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_PREVIOUS = "a token of the tests", ""
    return Line(client)


def at_once(phone: Line, keys: str, times: int = 6) -> list[bytes]:
    """Send one answer of the caller several times in the same moment."""
    path, together = phone._asked().attrib["action"], threading.Barrier(times)
    answers: list[bytes] = []

    def send() -> None:
        together.wait()
        answers.append(phone.post(path, {"Digits": keys}).content)
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_code_that_arrives_several_times_at_once_is_one_try(busy: Line, live_cast: Cast) -> None:
    busy.to_kind(live_cast.antti.number).press("1")
    answers = at_once(busy, live_cast.antti.app_code(now()))
    assert all(b"has been confirmed" in answer or b"<Redirect" in answer for answer in answers)
    assert Evidence.objects.count() == CodeTry.objects.count() == 1


def test_a_choice_that_arrives_several_times_at_once_is_done_once(busy: Line, live_cast: Cast) -> None:
    busy.to_menu(live_cast.antti)
    at_once(busy, "4")
    assert Hold.objects.filter(customer=live_cast.antti.customer).count() == 1
    assert not Refusal.objects.exists()
