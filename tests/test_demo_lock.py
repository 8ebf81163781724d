"""The demo and the real thing never serve each other's database."""

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import DatabaseError, transaction

from contactcentre import demo_lock
from contactcentre.models import Mark


def test_a_new_database_is_marked_as_what_it_was_made_for(db: None) -> None:
    assert [mark.demo for mark in Mark.objects.all()] == [False]
    demo_lock.check()


def test_the_demo_refuses_a_real_database(db: None, settings: LazySettings) -> None:
    settings.DEMO = True
    with pytest.raises(demo_lock.WrongWorld, match="isn't a demo"):
        demo_lock.check()


def test_the_real_thing_refuses_the_database_of_a_demo(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mark.objects, "first", lambda: Mark(demo=True))
    with pytest.raises(demo_lock.WrongWorld, match="made for the demo"):
        demo_lock.check()


def test_a_database_without_a_mark_is_refused(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mark.objects, "first", lambda: None)
    with pytest.raises(demo_lock.WrongWorld, match="no mark"):
        demo_lock.check()


def test_the_mark_can_be_neither_altered_nor_removed(db: None) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Mark.objects.update(demo=True)
    with pytest.raises(DatabaseError), transaction.atomic():
        Mark.objects.all().delete()


def test_another_migrate_leaves_the_mark_as_it_is(live_database: str, settings: LazySettings) -> None:
    settings.DEMO = True
    call_command("migrate", verbosity=0)
    assert [mark.demo for mark in Mark.objects.all()] == [False]
