"""The auditor sees every entry and changes none; that he opened one is an entry itself. Nobody else sees the log."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from audit.admin import FARTHEST
from audit.log import read
from audit.models import Entry
from notices.actions import send
from notices.models import Notice
from tests.test_log_entries import write

AT = datetime(2026, 11, 22, tzinfo=UTC)
ROLES = ("AGENT", "CLERK", "SUPERVISOR", "AUDITOR", "ADMINISTRATOR")
PSEUDONYM = UUID("00000000-0000-4000-8000-00000000000a")


def request(role: str, **query: Any) -> Any:
    made = RequestFactory().get("/", query)
    made.user = get_user_model()(pk=1, username="x", is_active=True, is_staff=True, role=role, pseudonym=PSEUDONYM)
    made.user.is_verified = lambda: True  # what django-otp's middleware adds
    return made


def page(model: Any, role: str, **query: Any) -> str:
    answer = admin.site._registry[model].changelist_view(request(role, **query))
    return str(answer.render().content, "utf-8")


def opened(row: Any, role: str) -> str:
    answer = admin.site._registry[type(row)].change_view(request(role), str(row.pk))
    return str(answer.render().content, "utf-8")


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_only_the_auditor_sees_the_log_and_nobody_changes_it(role: str) -> None:
    log = admin.site._registry[Entry]
    asked = request(role)
    assert log.has_view_permission(asked) is log.has_module_permission(asked) is (role == "AUDITOR")
    assert not log.has_add_permission(asked)
    assert not log.has_change_permission(asked)
    assert not log.has_delete_permission(asked)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [{"kind": "desk.opened"}, {"subject_ref": "s-2"}, {"actor": "staff:other"}, {"outcome": "ok"}, {"before": None}],
)
def test_the_list_is_filtered_by_an_exact_value(query: dict[str, Any]) -> None:
    wanted = write(kind="desk.opened", subject="s-2", actor="staff:other", outcome="ok")
    write()
    row = Entry.objects.get(uid=wanted)
    html = page(Entry, "AUDITOR", **(query if "before" not in query else {"before": row.pk + 1}))
    assert "s-2" in html
    assert "s-7f3c" not in html


@pytest.mark.django_db
def test_the_list_counts_no_further_than_its_pages_reach() -> None:
    write()
    with CaptureQueriesContext(connection) as queries:
        page(Entry, "AUDITOR")
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all(f"LIMIT {FARTHEST}" in sql for sql in counts)


def test_to_open_personal_data_is_recorded_before_they_are_shown(live_database: str) -> None:
    with transaction.atomic():
        uid = write(personal={"name": "Antti Virtanen"})
    html = opened(Entry.objects.get(uid=uid), "AUDITOR")
    assert "Antti Virtanen" in html
    assert "You asked for a refund" in html
    reading = read(Entry.objects.get(kind="audit.read"))
    assert reading.envelope["actor"] == f"staff:{PSEUDONYM}"
    assert reading.envelope["subject"] == "s-7f3c"
    assert reading.envelope["facts"] == {"entry": str(uid), "kind": "gate.refused"}


def test_to_open_an_entry_without_personal_data_records_nothing(live_database: str) -> None:
    with transaction.atomic():
        uid = write()
    opened(Entry.objects.get(uid=uid), "AUDITOR")
    assert Entry.objects.count() == 1


def message() -> Notice:
    with transaction.atomic():
        return send(
            subject="s-antti", channel="SMS", address="+358401234567", language="fi", title="Aika",
            text="Tervetuloa tiistaina.", about="visit.booked", reference=None, at=AT,
        )  # fmt: skip


@pytest.mark.parametrize("demo", [True, False])
@pytest.mark.parametrize("role", ROLES)
def test_the_outbox_is_seen_by_those_who_answer_for_it(role: str, demo: bool, settings: Any) -> None:
    settings.DEMO = demo
    outbox = admin.site._registry[Notice]
    assert outbox.has_view_permission(request(role)) is (demo or role not in {"AGENT", "CLERK"})
    assert not outbox.has_change_permission(request(role))
    assert not outbox.has_delete_permission(request(role))


@pytest.mark.parametrize(("role", "demo"), [("SUPERVISOR", False), ("AGENT", True)])
def test_a_text_is_shown_to_those_who_may_read_it_and_that_is_recorded(
    live_database: str, role: str, demo: bool, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = demo
    monkeypatch.setattr("notices.actions.dispatch", print)
    html = opened(message(), role)
    assert "Tervetuloa tiistaina." in html
    assert "+358401234567" in html
    assert read(Entry.objects.get(kind="notice.read")).envelope["subject"] == "s-antti"


@pytest.mark.parametrize("role", ["AUDITOR", "ADMINISTRATOR"])
def test_a_text_is_kept_from_the_others_and_the_address_is_masked(
    live_database: str, role: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = False
    monkeypatch.setattr("notices.actions.dispatch", print)
    html = opened(message(), role) + page(Notice, role)
    assert "tiistaina" not in html
    assert "+358401234567" not in html
    assert "+358•••67" in html
    assert not Entry.objects.filter(kind="notice.read").exists()
