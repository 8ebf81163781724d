"""Webhooks come twice, at once, late and out of order; each turn is taken once."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from ivr.models import Call, TurnReply
from tests.ivr_house import APP_CODE, house, stand_behind
from tests.twiml_walker import Phone

NUMBER = "12345674"


@pytest.fixture(autouse=True)
def telephone(settings: Settings) -> None:
    stand_behind(settings)


@pytest.fixture
def phone(client: Client) -> Phone:
    return Phone(client)


def to_menu(phone: Phone) -> Phone:
    return phone.dial().press("3").press(NUMBER).press("1").press(APP_CODE)


def test_a_code_sent_twice_is_judged_once_and_answered_twice_alike(db: None, phone: Phone) -> None:
    first = to_menu(phone)
    menu = phone.send_again().content
    assert phone.send_again().content == menu
    assert house.count("check") == 1
    assert first.press("1").text


def test_a_booking_sent_twice_is_made_once(db: None, phone: Phone) -> None:
    to_menu(phone).press("2")
    phone.send_again()
    assert house.asked.count(("perform", "visit")) == 1


def test_a_turn_that_lies_behind_gets_the_current_prompt(db: None, phone: Phone) -> None:
    to_menu(phone)
    current = phone.send_again().content
    for stale in range(len(phone.sent) - 1):
        assert phone.send_again(stale).content == current
    assert house.count("check") == 1
    assert house.count("claim") == 1


def test_a_turn_that_was_never_offered_changes_nothing(db: None, phone: Phone) -> None:
    to_menu(phone)
    current = phone.send_again().content
    ahead = phone.sent[-1].path.replace("/4/", "/40/")
    assert phone.post(ahead, {"Digits": "2"}).content == current
    assert house.count("perform") == 0


def test_a_second_first_request_opens_no_second_call(db: None, phone: Phone) -> None:
    phone.dial().press("3")
    again = phone.send_again(0)
    assert b"customer number" in again.content
    assert house.count("open") == 1
    assert Call.objects.count() == 1


def test_replays_after_the_call_change_and_tell_nothing(db: None, phone: Phone) -> None:
    to_menu(phone).press("1")
    assert phone.hang_up().status_code == 204
    for old in range(len(phone.sent) - 1):
        answer = phone.send_again(old).content
        assert b"<Hangup" in answer
        assert b"Gather" not in answer
        assert b"being worked on" not in answer
    assert house.count("perform") == 1


def test_the_end_may_be_told_twice(db: None, phone: Phone) -> None:
    phone.dial()
    assert phone.hang_up().status_code == 204
    ended = Call.objects.get().ended_at
    assert phone.send_again().status_code == 204
    assert Call.objects.get().ended_at == ended


def test_replies_are_deleted_with_the_call(db: None, phone: Phone) -> None:
    to_menu(phone)
    assert TurnReply.objects.exists()
    phone.hang_up()
    assert not TurnReply.objects.exists()


def test_a_status_that_ends_nothing_ends_nothing(db: None, phone: Phone) -> None:
    phone.dial()
    assert phone.post("/ivr/twilio/status/", {"CallStatus": "in-progress"}).status_code == 204
    assert Call.objects.get().ended_at is None


def test_a_call_whose_end_came_first_opens_nothing(db: None, phone: Phone) -> None:
    phone.hang_up()
    phone.dial()
    assert phone.ended
    assert house.count("open") == 0


def test_an_end_during_a_turn_leaves_no_ghost(db: None, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    phone.dial().press("3")
    wait_for = house.to_human

    def hang_up_meanwhile(*given: object) -> None:
        wait_for(*given)  # type: ignore[arg-type]
        phone.hang_up()

    monkeypatch.setattr(house, "to_human", hang_up_meanwhile)
    phone.press("0#")
    assert phone.queue is None
    assert house.asked[-1] == ("end",)
    assert not TurnReply.objects.exists()


def test_who_comes_second_while_the_first_is_at_work_is_asked_to_come_back(db: None, phone: Phone) -> None:
    phone.dial().press("3")
    call = Call.objects.get()
    assert Call.begin_turn(call.provider, call.call_sid, call.token, 2, call.claimed_at + timedelta(seconds=1))
    Call.objects.update(claimed_at=call.claimed_at + timedelta(days=1))
    answer = phone.post(phone.sent[-1].path.replace("/1/", "/2/"), {"Digits": NUMBER}).content
    assert b"<Redirect" in answer
    assert house.count("claim") == 0


def test_a_turn_that_died_with_its_process_is_not_tried_again_but_leads_to_a_person(db: None, phone: Phone) -> None:
    phone.dial().press("3")
    call = Call.objects.get()
    assert Call.begin_turn(call.provider, call.call_sid, call.token, 2, call.claimed_at - timedelta(minutes=1))
    phone.press(NUMBER)
    assert phone.queue == "unverified"
    assert house.count("claim") == 0
    assert house.asked[-1] == ("to_human", "SKIPPED")


def test_ten_at_once_judge_a_code_once(live_database: str, client: Client) -> None:
    phone = Phone(client).dial().press("3").press(NUMBER).press("1")
    path = phone._asked().attrib["action"]
    together = threading.Barrier(10)
    answers: list[bytes] = []

    def send() -> None:
        together.wait()
        answers.append(phone.post(path, {"Digits": APP_CODE}).content)
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert house.count("check") == 1
    assert len(answers) == 10
    assert all(b"press 1" in answer or b"<Redirect" in answer for answer in answers)
