"""A message leaves once, soon, and bundled; one that can't leave is tried again and then given up loudly."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import respx
from celery import current_app
from django.core import mail
from django.db import IntegrityError, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from pytest_django.fixtures import Settings

from audit.erasure import erase
from audit.keys import Unreadable
from audit.log import NotInTransaction, read
from audit.models import Entry
from notices import actions, delivery, tasks
from notices.contents import Contents
from notices.models import MOST_ATTEMPTS, Notice
from tests.processes import Worker

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
CALL = UUID("00000000-0000-4000-8000-0000000000ca")


@pytest.fixture(autouse=True)
def outbox(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR, settings.NOTICE_BACKEND, settings.TWILIO_ACCOUNT_SID = tmp_path, "file", ""
    return tmp_path / "outbox" / "notices"


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the ids that are dispatched, instead of sending them to a broker."""
    sent: list[int] = []
    monkeypatch.setattr(actions, "dispatch", sent.append)
    return sent


def queue(**changes: Any) -> Notice:
    given = {
        "subject": "s-antti", "channel": "SMS", "address": "+358401234567", "language": "fi", "title": "Aika varattu",
        "text": "Tervetuloa tiistaina kello 10.", "about": "visit.booked", "reference": None, "at": AT,
    }  # fmt: skip
    return actions.send(**(given | changes))


def kinds() -> list[str]:
    return list(Entry.objects.order_by("id").values_list("kind", flat=True))


def fail(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(notice: Notice) -> None:
        raise delivery.NotDelivered(code)

    monkeypatch.setattr(delivery, "deliver", refuse)


@pytest.mark.django_db
def test_a_message_is_written_once_into_a_readable_file_and_recorded(outbox: Path) -> None:
    notice = queue()
    actions.deliver(notice.pk, at=AT)
    actions.deliver(notice.pk, at=AT + timedelta(hours=1))
    notice.refresh_from_db()
    assert (notice.state, notice.sent_at, notice.attempts) == ("SENT", AT, 1)
    assert [path.name for path in outbox.iterdir()] == [f"{notice.public_id}.txt"]
    written = (outbox / f"{notice.public_id}.txt").read_text(encoding="utf-8")
    assert "To: +358401234567\n" in written
    assert "Tervetuloa tiistaina" in written
    assert kinds() == ["notice.queued", "notice.sent"]


@pytest.mark.django_db
def test_the_address_is_in_the_personal_part_of_the_entry_only() -> None:
    queue()
    reading = read(Entry.objects.get())
    assert reading.personal == {"address": "+358401234567"}
    assert "+358401234567" not in str(reading.envelope)
    assert "Tervetuloa" not in str(reading)


@pytest.mark.django_db
def test_the_hint_goes_out_only_after_the_commit(hints: list[int], django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        notice = queue()
        assert hints == []
    assert hints == [notice.pk]


@pytest.mark.django_db
def test_a_broker_that_is_away_hurts_nobody(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def away(notice_id: int) -> None:
        raise ConnectionError

    monkeypatch.setattr(actions, "dispatch", away)
    with django_capture_on_commit_callbacks(execute=True):
        notice = queue()
    assert actions.due(at=AT) == [notice.pk]


def test_a_message_is_queued_only_in_a_transaction_and_gone_with_it(live_database: str, hints: list[int]) -> None:
    with pytest.raises(NotInTransaction):
        queue()
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert not Notice.objects.exists()
    assert not Entry.objects.exists()
    assert hints == []


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [{"channel": "FAX"}, {"address": " "}, {"text": ""}])
def test_a_message_that_cannot_be_sent_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        queue(**changes)
    assert not Notice.objects.exists()


@pytest.mark.django_db
def test_later_messages_of_one_call_wait_and_are_bundled(hints: list[int]) -> None:
    first = queue(reference=CALL)
    actions.deliver(first.pk, at=AT)
    second = queue(reference=CALL, title="Toinen", text="Toinen asia.", at=AT + timedelta(seconds=20))
    third = queue(reference=CALL, title="Kolmas", text="Kolmas asia.", at=AT + timedelta(seconds=40))
    assert third.pk == second.pk != first.pk
    assert actions.due(at=AT + timedelta(seconds=139)) == []
    assert actions.due(at=AT + timedelta(seconds=140)) == [second.pk]
    third.refresh_from_db()
    assert third.text == "Toinen asia.\n\nKolmas\nKolmas asia."
    assert [read(entry).envelope["facts"].get("bundled") for entry in Entry.objects.filter(kind="notice.queued")] == [
        False, False, True,
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [{"reference": uuid4()}, {"reference": None}, {"address": "+358409999999"}, {"subject": "s-aino"}],
)
def test_a_message_of_another_call_address_or_person_does_not_wait(changes: dict[str, Any]) -> None:
    first = queue(reference=CALL)
    other = queue(**({"reference": CALL} | changes))
    assert other.pk != first.pk
    assert other.due_at == AT


@pytest.mark.django_db
def test_one_that_was_tried_already_is_not_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    first = queue(reference=CALL)
    fail("TIMEOUT", monkeypatch)
    actions.deliver(first.pk, at=AT)
    assert queue(reference=CALL).pk != first.pk


@pytest.mark.django_db
def test_a_failing_carrier_is_tried_ever_more_rarely_and_then_given_up_loudly(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail("TWILIO_500", monkeypatch)
    notice, at, waits = queue(), AT, []
    while actions.due(at=at):
        actions.deliver(notice.pk, at=at)
        notice.refresh_from_db()
        waits.append((notice.due_at - at).total_seconds())
        at = notice.due_at
    assert waits[:-1] == [30, 60, 120, 240, 480, 960, 1920]
    assert (notice.state, notice.attempts, notice.last_error) == ("FAILED", MOST_ATTEMPTS, "TWILIO_500")
    assert kinds() == ["notice.queued", "notice.failed"]
    assert [record.levelno for record in caplog.records if record.name == "notices.actions"][-1] == logging.ERROR
    assert "+358401234567" not in caplog.text


@pytest.mark.django_db
def test_what_a_killed_worker_held_is_found_after_a_minute(hints: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    notice = queue()
    assert actions._claim(notice.pk, AT) is not None  # the worker dies here
    actions.deliver(notice.pk, at=AT + timedelta(seconds=59))
    assert Notice.objects.get().state == "SENDING"
    monkeypatch.setattr(tasks.timezone, "now", lambda: AT + timedelta(seconds=60))
    tasks.sweep()
    assert hints == [notice.pk]
    tasks.deliver(notice_id=notice.pk)
    assert Notice.objects.get().state == "SENT"


@pytest.mark.django_db
def test_a_worker_that_was_thought_dead_does_not_undo_what_another_did(monkeypatch: pytest.MonkeyPatch) -> None:
    notice = queue()
    slow = actions._claim(notice.pk, AT)
    assert slow is not None
    actions.deliver(notice.pk, at=AT + timedelta(seconds=61))
    actions._put_off(slow, "TIMEOUT", AT + timedelta(seconds=62))
    assert Notice.objects.get().state == "SENT"
    assert kinds() == ["notice.queued", "notice.sent"]


@pytest.mark.django_db
def test_a_message_that_kills_every_worker_is_given_up() -> None:
    notice, at = queue(), AT
    for _ in range(MOST_ATTEMPTS):
        assert actions._claim(notice.pk, at) is not None
        at += timedelta(seconds=60)
    actions.deliver(notice.pk, at=at)
    notice.refresh_from_db()
    assert (notice.state, notice.last_error) == ("FAILED", "WORKER_LOST")
    assert kinds()[-1] == "notice.failed"


def test_of_many_workers_one_delivers(live_database: str, hints: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction.atomic():
        notice = queue()
    delivered, together = [], threading.Barrier(6)
    monkeypatch.setattr(delivery, "deliver", lambda notice: delivered.append(notice.pk))

    def work() -> None:
        together.wait(10)
        actions.deliver(notice.pk, at=AT)
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert delivered == [notice.pk]
    assert kinds() == ["notice.queued", "notice.sent"]


def test_a_real_worker_delivers_what_was_committed(celery_worker_process: Worker) -> None:
    with transaction.atomic():
        notice = queue(at=datetime(2026, 1, 1, tzinfo=UTC))  # the worker has the real clock
    deadline = time.monotonic() + 20
    while Notice.objects.get(pk=notice.pk).state != "SENT" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert Notice.objects.get(pk=notice.pk).state == "SENT"
    assert kinds() == ["notice.queued", "notice.sent"]


@pytest.mark.django_db
def test_an_outbox_that_cannot_be_written_is_a_failed_attempt(outbox: Path) -> None:
    outbox.parent.mkdir(parents=True)
    outbox.write_text("a file where the folder should be")
    notice = queue()
    actions.deliver(notice.pk, at=AT)
    notice.refresh_from_db()
    assert (notice.state, notice.last_error) == ("PENDING", "FileExistsError")


@pytest.mark.django_db
def test_mail_goes_by_mail_with_an_id_that_shows_a_repeat(settings: Settings, outbox: Path) -> None:
    settings.NOTICE_BACKEND, settings.FROM_ADDRESS = "mail", "noreply@example.org"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    notice = queue(channel="EMAIL", address="antti@example.com", title="Aika\r\nBcc: x@example.com")
    actions.deliver(notice.pk, at=AT)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["antti@example.com"], "Aika Bcc: x@example.com")
    assert sent.extra_headers["Message-ID"] == f"<{notice.public_id}@example.org>"
    assert not outbox.exists()


@pytest.mark.django_db
@respx.mock
def test_sms_goes_by_the_provider_when_an_account_is_set(settings: Settings, outbox: Path) -> None:
    settings.NOTICE_BACKEND, settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "mail", "AC1", "token"
    settings.IVR_NUMBER = "+358800123456"
    road = respx.post("https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json")
    road.side_effect = [httpx.Response(429), httpx.ConnectTimeout("+358401234567"), httpx.Response(201)]
    notice, at = queue(), AT
    for expected in ("TWILIO_429", "ConnectTimeout", ""):
        actions.deliver(notice.pk, at=at)
        notice.refresh_from_db()
        assert notice.last_error == expected
        at = notice.due_at
    assert notice.state == "SENT"
    assert b"To=%2B358401234567" in road.calls.last.request.content
    assert not outbox.exists()


@pytest.mark.django_db
def test_sms_goes_into_the_outbox_when_no_account_is_set(settings: Settings, outbox: Path) -> None:
    settings.NOTICE_BACKEND = "mail"
    notice = queue()
    actions.deliver(notice.pk, at=AT)
    assert (outbox / f"{notice.public_id}.txt").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [{"state": "SENT", "attempts": 1}, {"sent_at": AT}, {"state": "FAILED", "attempts": 8}, {"state": "SENDING"},
     {"channel": "FAX"}, {"attempts": 9}],
)  # fmt: skip
def test_the_database_refuses_a_state_that_cannot_be(changes: dict[str, Any]) -> None:
    notice = queue()
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.filter(pk=notice.pk).update(**changes)


def test_the_tasks_have_the_names_that_are_dispatched_and_scheduled() -> None:
    assert {"notices.tasks.deliver", "notices.tasks.sweep"} <= set(current_app.tasks)


@pytest.mark.parametrize(
    ("address", "masked"), [("+358401234567", "+358•••67"), ("antti.virtanen@example.com", "a•••@example.com")]
)
def test_an_address_is_masked_to_what_tells_it_from_another(address: str, masked: str) -> None:
    assert Contents(address, "", "").masked_address == masked


def stored(notice: Notice) -> str:
    """Give the whole row as the database holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM notices_notice WHERE id = %s", [notice.pk])
        return str([bytes(value) if isinstance(value, memoryview) else value for value in cursor.fetchone()])


@pytest.mark.django_db
def test_what_a_message_says_and_to_whom_lies_sealed_before_and_after_it_is_sent() -> None:
    notice = queue(title="Käynti", text="Koodi 1234-56789-ABCD.")
    for _ in range(2):
        row = stored(notice)
        assert not any(word in row for word in ("358401234567", "1234-56789", "Koodi", "Käynti", "K\\xc3\\xa4ynti"))
        actions.deliver(notice.pk, at=AT)
    notice.refresh_from_db()
    assert (notice.state, notice.text, notice.address) == ("SENT", "Koodi 1234-56789-ABCD.", "+358401234567")


@pytest.mark.django_db
def test_contents_moved_to_another_message_do_not_open() -> None:
    one, other = queue(), queue(text="Toinen.")
    other.contents = one.contents
    with pytest.raises(Unreadable):
        other.opened()


@pytest.mark.django_db
def test_a_message_to_an_erased_person_says_nothing_any_more_and_is_not_sent(outbox: Path) -> None:
    notice = queue(reference=CALL)
    erase(subject="s-antti", actor="staff:x", purpose="erasure", at=AT)
    actions.deliver(notice.pk, at=AT)
    notice.refresh_from_db()
    assert (notice.state, notice.last_error) == ("PENDING", "UNREADABLE")
    assert not outbox.exists()
    assert queue(reference=CALL).pk != notice.pk


def test_messages_that_lay_in_clear_are_sealed_by_the_migration(live_database: str) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("notices", "0001_notice")])
    before = executor.loader.project_state([("notices", "0001_notice")]).apps.get_model("notices", "Notice")
    old = before.objects.create(
        subject="s-antti", channel="SMS", address="+358401234567", language="fi", title="Aika", text="Koodi 1234.",
        about="visit_booked", created_at=AT, due_at=AT,
    )  # fmt: skip
    MigrationExecutor(connection).migrate([("notices", "0002_sealed_contents")])
    notice = Notice.objects.get(pk=old.pk)
    assert notice.opened() == Contents("+358401234567", "Aika", "Koodi 1234.")
    assert "Koodi" not in stored(notice)
