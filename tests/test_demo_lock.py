"""The demo and the real thing never serve each other's database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from contactcentre import celery, demo_lock, first_start, readiness
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


def test_another_migrate_leaves_the_mark_as_it_is(live_database: str) -> None:
    call_command("migrate", verbosity=0)
    assert [mark.demo for mark in Mark.objects.all()] == [False]


def test_a_wsgi_server_and_a_worker_do_not_start_on_the_wrong_database(live_database: str, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": live_database, "DEMO": "1", "DATA_DIR": str(tmp_path)}
    for words in (["-c", "import contactcentre.wsgi"], ["-m", "celery", "-A", "contactcentre", "worker", "-P", "solo"]):
        done = subprocess.run(
            [sys.executable, *words], env=env, capture_output=True, text=True, timeout=60, check=False,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        assert done.returncode != 0
        assert "This database isn't a demo" in done.stdout + done.stderr


def test_a_worker_starts_on_the_right_database_and_ends_on_the_wrong_one(db: None, settings: LazySettings) -> None:
    celery.refuse_wrong_world()
    settings.DEMO = True
    with pytest.raises(SystemExit, match="isn't a demo"):
        celery.refuse_wrong_world()


def test_nobody_is_ready_on_the_wrong_database(db: None, settings: LazySettings, client: Client) -> None:
    readiness.check_world()
    settings.DEMO = True
    answer = client.get("/readyz")
    assert (answer.status_code, "isn't a demo" in answer.json()["reason"]) == (503, True)


@pytest.mark.parametrize(
    ("peer", "demo", "status"),
    [("127.0.0.1", True, 200), ("::1", True, 200), ("127.0.0.9", True, 200), ("192.0.2.7", True, 400),
     ("2001:db8::7", True, 400), ("nonsense", True, 400), ("192.0.2.7", False, 200), ("::ffff:192.0.2.7", True, 400)],
)  # fmt: skip
def test_the_demo_answers_this_machine_only(
    peer: str, demo: bool, status: int, settings: LazySettings, client: Client
) -> None:
    settings.DEMO = demo
    assert client.get("/healthz", REMOTE_ADDR=peer).status_code == status


def test_the_demo_does_not_answer_others_through_a_proxy_either(settings: LazySettings, client: Client) -> None:
    settings.DEMO, settings.TRUSTED_PROXIES = True, 1
    assert client.get("/healthz", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 400


def test_the_demo_does_not_migrate_a_real_database(live_database: str, settings: LazySettings) -> None:
    settings.DEMO = True
    with pytest.raises(CommandError, match="isn't a demo"):
        call_command("migrate", "visits", "zero", verbosity=0)
    assert MigrationExecutor(connection).migration_plan([("visits", None)]), "its tables are still there"


def test_a_half_made_demo_that_is_no_file_of_ours_is_left_alone(
    db: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_start, "_half_made", lambda: True)
    assert not first_start.discard_half_made_demo(), "not the demo"
    settings.DEMO = True
    with pytest.raises(demo_lock.WrongWorld, match="left half made; give an empty database"):
        first_start.discard_half_made_demo()
    assert Mark.objects.exists()
