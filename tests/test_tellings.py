"""Whatever was granted is told of once, at the contacts recorded then, whoever dies between grant and telling."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from notices.models import Notice
from tests.actions_asked import VALID, tell_what_is_due
from tests.cast import NOW, Cast
from verification import repeats, telling
from verification.claims import claim_number
from verification.gate import Granted, Live, Refused, attempt
from verification.models import Customer, Grant, Interaction, Telling
from verification.tasks import sweep, tell

MINUTE = timedelta(minutes=1)


def ask(cast: Cast, action: str, contact: Interaction, by: str = "agent_aino", **more: Any) -> Granted:
    decided = attempt(
        action, origin=Live(contact.public_id, cast.staff[by]), parameters=VALID[action], at=more.get("at", NOW)
    )
    assert isinstance(decided, Granted), decided
    return decided


def held(cast: Cast) -> Telling:
    grant = ask(cast, "temporary_hold", cast.call(at=NOW, claims=cast.antti)).grant
    return Telling.objects.get(grant=grant)


def notices(about: str = "temporary_hold") -> list[str]:
    return sorted(notice.address for notice in Notice.objects.filter(about=about))


ANTTIS = ["+358401000001", "customer1000001@example.org"]


def test_a_telling_that_is_asked_for_twice_is_sent_once(cast: Cast) -> None:
    noted = held(cast)
    for _ in range(3):
        tell(telling_id=noted.pk)
        sweep()
    assert notices() == ANTTIS


def test_one_that_lost_its_task_is_found_by_the_sweep(cast: Cast) -> None:
    held(cast)
    assert notices() == []
    sweep()
    assert notices() == ANTTIS
    assert telling.due(at=NOW + timedelta(days=1)) == []


def test_the_note_stands_and_falls_with_its_grant(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise OSError("the last statement of the transaction")

    monkeypatch.setattr(repeats, "keep", breaks)
    call = cast.call(at=NOW, claims=cast.antti)
    decided = attempt("temporary_hold", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW, key="k")
    assert isinstance(decided, Refused)
    assert not Telling.objects.exists()
    assert not Grant.objects.filter(action="temporary_hold").exists()


def test_a_grant_is_told_of_by_one_note_only(cast: Cast) -> None:
    noted = held(cast)
    with pytest.raises(IntegrityError), transaction.atomic():
        telling.queue(noted.grant, at=NOW)


def test_what_fails_is_put_off_and_keeps_nobody_else_waiting(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first = held(cast)
    ask(cast, "temporary_hold", cast.call(at=NOW, claims=cast.helena))
    send = telling.send

    def fails_for_antti(**message: Any) -> Notice:
        if message["subject"] == str(cast.antti.customer.pseudonym):
            raise OSError("no key")
        return send(**message)

    monkeypatch.setattr(telling, "send", fails_for_antti)
    tell_what_is_due(NOW)
    assert notices() == ["+358401000004", "customer1000004@example.org"]
    first.refresh_from_db()
    assert (first.attempts, first.done_at, first.due_at) == (1, None, NOW + telling.FIRST_WAIT)
    monkeypatch.undo()
    tell_what_is_due(NOW)
    assert len(notices()) == 2, "it is not due yet"
    tell_what_is_due(NOW + MINUTE)
    assert len(notices()) == 4


def test_half_a_telling_leaves_nothing_behind(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    held(cast)
    send, sent = telling.send, []

    def fails_the_second_time(**message: Any) -> Notice:
        if sent:
            raise OSError("no key")
        sent.append(send(**message))
        return sent[-1]

    monkeypatch.setattr(telling, "send", fails_the_second_time)
    tell_what_is_due(NOW)
    assert notices() == []
    monkeypatch.undo()
    tell_what_is_due(NOW + MINUTE)
    assert notices() == ANTTIS


def test_it_waits_longer_each_time_but_never_gives_up(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = held(cast)
    monkeypatch.setattr(Customer, "recorded_contacts", None)
    at, waits = NOW, []
    for _ in range(15):
        telling.carry_out(noted.pk, at=at)
        noted.refresh_from_db()
        waits.append(noted.due_at - at)
        at = noted.due_at
    assert waits == sorted(waits)
    assert waits[-1] == telling.LONGEST_WAIT
    assert telling.due(at=at) == [noted.pk]


def test_the_contacts_of_the_moment_of_the_grant_are_told_however_late(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    Notice.objects.all().delete()  # of the document that was accepted, with which it would be bundled
    ask(cast, "change_address", desk, by="clerk_kalle")
    tell_what_is_due(NOW + timedelta(days=30))
    assert notices("change_address") == ANTTIS, "thirty days later the new address is in force, and is not told"


def test_a_number_that_is_nobodys_is_noted_and_nobody_is_told(cast: Cast) -> None:
    call = cast.call(at=NOW)
    claim_number(call.public_id, "99999999", capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    noted = Telling.objects.get(grant=ask(cast, "temporary_hold", call).grant)
    tell_what_is_due(NOW)
    noted.refresh_from_db()
    assert noted.done_at == NOW
    assert notices() == []
