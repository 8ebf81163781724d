"""The reminder: once, at a civil hour of the office, naming what is not confirmed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notices.models import Notice
from tests.cast import NOW, Cast
from tests.reception import book, open_office
from verification.gate import Following, attempt
from visits import confirming, reminders
from visits.models import Reminder

pytestmark = pytest.mark.django_db


def sent() -> list[Notice]:
    return list(Notice.objects.filter(about="visit_reminder"))


def test_it_is_sent_once_however_often_it_is_asked_for(cast: Cast) -> None:
    open_office(cast.organisation)
    visit = book(cast, cast.antti, at=NOW)
    reminder = visit.reminder
    assert reminders.due(NOW) == []
    assert not reminders.send(reminder.pk, at=NOW)
    assert reminders.due(reminder.due_at) == [reminder.pk]
    assert reminders.send(reminder.pk, at=reminder.due_at)
    assert not reminders.send(reminder.pk, at=reminder.due_at)
    assert {notice.channel for notice in sent()} == {"SMS", "EMAIL"}
    assert len(sent()) == 2
    assert "Ette ole vielä vahvistanut" in sent()[0].text


def test_it_thanks_who_has_confirmed_everything(cast: Cast) -> None:
    open_office(cast.organisation)
    visit = book(cast, cast.antti, at=NOW)
    item = visit.items.filter(group="identity").first()
    assert item is not None
    confirming.confirm(item, valid_until=visit.on + timedelta(days=400), dated=True, at=NOW)
    reminders.send(visit.reminder.pk, at=visit.reminder.due_at)
    assert "Kiitos, että vahvistitte koko luettelon" in sent()[0].text


def test_it_waits_for_nine_on_the_offices_clock(cast: Cast) -> None:
    office = open_office(cast.organisation)
    visit = book(cast, cast.antti, at=NOW)
    night = NOW.astimezone(office.tz).replace(hour=5) + timedelta(days=1)
    Reminder.objects.filter(visit=visit).update(due_at=night)
    assert not reminders.send(visit.reminder.pk, at=night)
    visit.reminder.refresh_from_db()
    assert visit.reminder.due_at.astimezone(office.tz).hour == 9
    assert reminders.send(visit.reminder.pk, at=visit.reminder.due_at)


def test_a_cancelled_or_begun_visit_is_not_reminded_of(cast: Cast) -> None:
    open_office(cast.organisation)
    gone, late = book(cast, cast.antti, at=NOW), book(cast, cast.antti2, at=NOW)
    attempt("cancel_visit", origin=Following(gone.grant.public_id, "test"), parameters={}, at=NOW)
    assert not reminders.send(gone.reminder.pk, at=gone.reminder.due_at)
    assert not reminders.send(late.reminder.pk, at=late.starts_at)
    assert sent() == []
