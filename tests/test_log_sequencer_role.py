"""The log's own worker does all of its work in the sequencer's role, which sees nothing personal."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from audit import epochs, publishing, roles, tasks
from audit.models import Entry, Leaf, SignedCheckpoint, Tree
from contactcentre import serving
from contactcentre.celery import refuse_wrong_world
from tests.test_log_publishing import set_back
from tests.test_log_sequencer import AT, POSTGRESQL, write
from tests.three_roles import Roles, handed_over

SECRETS = {"LOG_KEY": "k", "LOG_OLD_KEYS_FILE": "/run/old", "SEQUENCER_DATABASE_URL": "postgresql://s@h/d", "PORT": "1"}


def test_who_serves_people_is_given_neither_the_key_nor_the_sequencers_address(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings.SEQUENCER_DATABASE_URL = SECRETS["SEQUENCER_DATABASE_URL"]
    assert {name for name in SECRETS if name in serving.without_the_log()} == {"PORT"}
    assert serving.as_the_sequencer() | SECRETS == serving.as_the_sequencer()
    assert serving.as_the_sequencer()["DATABASE_URL"] == SECRETS["SEQUENCER_DATABASE_URL"]


if POSTGRESQL:

    @pytest.fixture
    def standing(live_database: str, settings: Any, tmp_path: Path) -> Iterator[Roles]:
        """Give the connection to the application, with the other two roles set up beside it."""
        settings.DATA_DIR = tmp_path
        with handed_over() as made:
            made.superuser(f"CREATE ROLE {made.application} LOGIN", f"CREATE ROLE {made.sequencer} LOGIN")
            with made.as_("owner"):
                roles.grant(connection, roles.Names(made.application, made.sequencer))
            with made.as_("application"):
                yield made

    def test_the_worker_works_as_the_sequencer(standing: Roles, tmp_path: Path) -> None:
        write(3)
        with standing.as_("sequencer"):
            refuse_wrong_world()
            tasks.sequence()
        assert (Leaf.objects.count(), SignedCheckpoint.objects.get().size) == (3, 3)
        write(1)
        set_back(tmp_path / "log", 2)
        with standing.as_("sequencer"):
            tasks.sequence()
            assert "another root at 2" in Tree.objects.get().stopped_because
            tasks.sequence()
            opened = epochs.open_log("testserver/log2", "a test", at=AT)
            tasks.sequence()
        assert SignedCheckpoint.objects.get().size == Leaf.objects.count() == Entry.objects.count()
        assert publishing.latest(opened.log) is not None

    def test_the_application_can_look_and_the_owner_begins_an_epoch(standing: Roles) -> None:
        write(2)
        with standing.as_("sequencer"):
            tasks.sequence()
        said = StringIO()
        call_command("log", "status", stdout=said)
        assert '"signed": 2' in said.getvalue()
        write(1)
        with standing.as_("owner"):
            assert epochs.begin_epoch(at=AT) == 1
        write(1)
        with standing.as_("sequencer"):
            tasks.sequence()
        assert Leaf.objects.count() == Entry.objects.count() == 5
