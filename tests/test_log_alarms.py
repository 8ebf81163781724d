"""Standing questions find what is missing from the log, tell of it once, and say what to do."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from audit import alarms, floods, questions
from audit.alarms import Finding, Question
from audit.models import Alarm, Compared, Entry, Leaf, Tree
from audit.sequencing import sequence
from audit.tasks import sweep
from cases import alarms as cases_alarms
from cases.models import Delivery
from tests.cast import NOW, Cast
from tests.staff_browser import gathered, signed_in
from tests.test_gate import ask
from tests.test_log_tail import an_entry, sequenced
from verification import alarms as verification_alarms
from verification.models import Grant, Refusal

AT = datetime(2026, 3, 11, 10, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ASKED = {
    "entries_without_leaf", "oldest_unsequenced", "watermark_held_back", "log_stopped", "guards_and_rights",
    "checkpoint_unsigned", "sinks_failing", "clocks_apart", "disk_full", "unsigned_webhooks",
    "decisions_without_entry", "intents_without_outcome",
}  # fmt: skip


def told() -> list[tuple[str, str, int]]:
    entries = Entry.objects.filter(kind__startswith="alarm.").order_by("id")
    facts = [(entry.kind, json.loads(bytes(entry.body))["facts"]) for entry in entries]
    return [(kind, fact["alarm"], fact["value"]) for kind, fact in facts]


def test_the_operators_page_names_each_alarm_and_its_limit() -> None:
    page = (settings.BASE_DIR / "docs" / "deploy.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| .* \| (\d+)(?: s| %)? \|$", page, re.MULTILINE)
    assert {code: int(limit) for code, limit in listed} == {each.code: each.limit for each in alarms.questions()}


@pytest.fixture
def gauge(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Let one question be the only one, with an answer that the test gives."""
    given = SimpleNamespace(value=0, code="a_gauge")
    question = Question("a_gauge", "a gauge", "Turn it down.", lambda _: given.value, limit=3)
    monkeypatch.setattr(alarms, "_QUESTIONS", {"a_gauge": question})
    return given


def test_everything_that_must_be_asked_is_asked_and_says_what_to_do() -> None:
    found = {question.code: question for question in alarms.questions()}
    assert set(found) >= ASKED
    for question in found.values():
        said = set()
        for language in ("fi", "sv", "en"):
            with override(language):
                said.add(str(question.do))
                assert "\n" not in str(question.do)
                assert str(question.label)
        assert len(said) == 3, question.code


def test_an_alarm_is_told_when_it_begins_and_when_it_is_over_and_not_in_between(
    db: None, gauge: SimpleNamespace, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    for minute, value in enumerate([3, 4, 5, 9, 3, 0, 7]):
        gauge.value = value
        with django_capture_on_commit_callbacks(execute=True), caplog.at_level(logging.WARNING):
            standing = alarms.watch(at=AT + minute * MINUTE)
        assert standing == (["a_gauge"] if value > 3 else [])
    assert told() == [("alarm.began", "a_gauge", 4), ("alarm.ended", "a_gauge", 3), ("alarm.began", "a_gauge", 7)]
    assert caplog.text.count("alarm.began") == 2
    assert "Turn it down." in caplog.text
    standing = Alarm.objects.get()
    assert (standing.value, standing.began_at, standing.watched_at) == (7, AT + 6 * MINUTE, AT + 6 * MINUTE)


def test_a_question_that_cannot_be_answered_is_an_alarm_and_stops_no_other(
    db: None, gauge: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(at: datetime) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")
        return 0

    broken = Question("broken", "broken", "Mend it.", breaks)
    monkeypatch.setitem(alarms._QUESTIONS, "broken", broken)
    assert list(alarms.findings(AT)) == [Finding(alarms._QUESTIONS["a_gauge"], 0), Finding(broken, alarms.UNANSWERED)]
    assert alarms.watch(at=AT) == ["broken"]
    assert told() == [("alarm.began", "broken", -1)]


def test_two_questions_of_one_code_stop_the_process() -> None:
    with pytest.raises(RuntimeError, match="disk_full"):
        alarms.register(alarms._QUESTIONS["disk_full"])


def test_an_entry_that_no_tree_has_is_found_and_stays_found_until_it_has_its_place(live_database: str) -> None:
    for minutes in (40, 30, 20):
        with transaction.atomic():
            an_entry(minutes * MINUTE)
    assert questions.without_leaf(AT) == 3
    sequence()
    assert questions.without_leaf(AT) == 0
    until = Compared.objects.get().until
    lost = Entry.objects.order_by("id")[1]
    add_past_the_sequencer()
    assert questions.without_leaf(AT) == 1, "the cursor has passed it, and the comparison asks no cursor"
    assert Compared.objects.get().until == until, "it goes on only when nothing is missing"
    assert lost.pk != Entry.objects.order_by("-id")[0].pk


def add_past_the_sequencer() -> None:
    """Commit an entry, and move the cursor over it as a sequencer that loses entries would."""
    with transaction.atomic():
        an_entry(8 * MINUTE)
    newest, leaves = Entry.objects.order_by("-id").first(), Leaf.objects.count()
    assert newest is not None
    Tree.objects.update(last_id=newest.pk, last_xid=2**62 if connection.vendor == "postgresql" else 0)
    assert sequence() == 0
    assert Leaf.objects.count() == leaves


def test_what_is_younger_than_the_grace_is_nothing_missing(db: None) -> None:
    an_entry(4 * MINUTE)
    assert questions.without_leaf(AT) == 0
    an_entry(6 * MINUTE)
    assert questions.without_leaf(AT) == 1


def test_an_old_log_is_compared_in_parts(db: None) -> None:
    an_entry(timedelta(hours=20))
    for entry in Entry.objects.all():
        Leaf.of_every_log.create(log=1, leaf_index=0, entry=entry)
    steps = 0
    while questions.without_leaf(AT) == 0 and steps < 10:
        before = Compared.objects.get().until
        steps += 1
        questions.without_leaf(AT)
        if Compared.objects.get().until - before < MINUTE:
            break
    assert 2 <= steps <= 4
    assert datetime.now(UTC) - Compared.objects.get().until < 6 * MINUTE


def test_how_long_the_first_entry_has_been_waiting(db: None) -> None:
    sequenced()
    assert questions.oldest_unsequenced(AT) == 0
    an_entry(3 * MINUTE)
    assert 180 <= questions.oldest_unsequenced(AT) < 240


def test_a_log_that_has_stopped_signing_is_an_alarm(db: None) -> None:
    assert questions.stopped(AT) == 0
    Tree.objects.create(log=1, origin="test/log", root=b"", stopped_at=AT, stopped_because="another checkpoint")
    assert questions.stopped(AT) == 1


def test_a_guard_that_is_gone_is_an_alarm(db: None) -> None:
    before = questions.unguarded(AT)
    with connection.cursor() as cursor:
        kind = "row ON audit_entry" if connection.vendor == "postgresql" else "update"
        cursor.execute(f"DROP TRIGGER audit_entry_ao_{kind}")
    assert questions.unguarded(AT) == before + 1


def test_a_full_disk_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(total=1000, used=900, free=30)  # the rest is kept for root
    monkeypatch.setattr(questions.shutil, "disk_usage", lambda _: usage)
    assert questions.disk(AT) == 97


def test_a_flood_is_an_alarm(db: None) -> None:
    limit = alarms._QUESTIONS["unsigned_webhooks"].limit
    for _ in range(limit + 1):
        floods.count(door="twilio/voice", address="192.0.2.7", at=AT - MINUTE)
    assert questions.unsigned(AT) == limit + 1


@pytest.mark.parametrize("name", ["open_case", "refund_to_account"])
def test_a_decision_that_the_log_does_not_know_is_found(cast: Cast, name: str) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    ask(name, call, cast.agent_aino)
    assert verification_alarms.without_entry(AT) == 0
    forge(Grant if name == "open_case" else Refusal)
    assert verification_alarms.without_entry(AT) == 1


def forge(decisions: type[Grant] | type[Refusal]) -> None:
    """Write a decision as whoever has the application's password could: past the gate and without an Entry."""
    known = decisions.objects.order_by("-pk").first()
    assert known is not None
    known.pk, known.public_id, known.entry, known._state.adding = None, uuid4(), uuid4(), True
    known.save(force_insert=True)


def test_an_intent_of_which_nothing_was_heard_is_found(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="HIGH")
    ask("refund_to_account", desk, cast.clerk_kalle)
    due = Delivery.objects.get().due_at
    assert cases_alarms.without_outcome(due + timedelta(minutes=59)) == 0
    assert cases_alarms.without_outcome(due + timedelta(minutes=61)) == 1
    Delivery.objects.update(state=Delivery.State.STOPPED)
    assert cases_alarms.without_outcome(due + timedelta(minutes=61)) == 0


def test_the_sweep_tells_of_floods_and_watches(db: None, client: Client) -> None:
    floods.count(door="twilio/voice", address="192.0.2.7", at=AT)
    sweep()
    assert Entry.objects.filter(kind="webhook.unsigned").count() == 1
    assert set(Alarm.objects.values_list("code", flat=True)) >= ASKED
    shown = client.get("/metrics").content.decode()
    for code in ASKED:
        assert f'contactcentre_alarm{{alarm="{code}"}}' in shown
        assert f'contactcentre_alarm_watched_at_seconds{{alarm="{code}"}}' in shown
    assert 'contactcentre_alarm_value{alarm="oldest_unsequenced"} ' in shown


@pytest.fixture
def people(db: None) -> Cast:
    return gathered()


@pytest.mark.parametrize("who", ["auditor", "administrator"])
def test_the_page_asks_on_the_spot_and_says_what_to_do(people: Cast, who: str) -> None:
    sequenced()
    an_entry(10 * MINUTE)
    browser = signed_in(people.staff[who], headers={"accept-language": "en"})
    page = browser.get(reverse("admin:audit_alarm_changelist")).content.decode()
    assert "Alarm:</strong> age of the first entry that waits" in page
    assert "See that the worker of the queue `log` and beat run" in page
    assert "Make room" not in page, "nothing is to be done about what is in order"
    assert "Nobody has watched for five minutes" in page
    sweep()
    page = browser.get(reverse("admin:audit_alarm_changelist")).content.decode()
    assert "Nobody has watched for five minutes" not in page
    assert "Last watched on" in page


@pytest.mark.parametrize("who", ["agent_aino", "clerk_kalle", "supervisor"])
def test_the_page_is_for_auditors_and_administrators(people: Cast, who: str) -> None:
    assert signed_in(people.staff[who]).get(reverse("admin:audit_alarm_changelist")).status_code == 403


def test_nobody_adds_changes_or_deletes_an_alarm(people: Cast) -> None:
    sweep()
    browser = signed_in(people.auditor)
    for page in ("add/", "disk_full/delete/", "disk_full/change/"):
        answer = browser.post(f"/admin/audit/alarm/{page}", {"value": 0})
        assert answer.status_code in (403, 404), page
    assert Alarm.objects.filter(code="disk_full").exists()
