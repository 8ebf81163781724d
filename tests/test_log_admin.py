"""The auditor sees every entry and changes none; that he opened one is an entry itself. Nobody else sees the log."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import RequestFactory
from django.utils import translation

from audit import append_only, words
from audit.log import read
from audit.models import Entry
from notices.actions import send
from notices.models import Notice
from tests import test_log_entries
from verification.declarations import declared
from visits.models import VisitEvent

AT = datetime(2026, 11, 22, tzinfo=UTC)
ROLES = ("AGENT", "CLERK", "SUPERVISOR", "AUDITOR", "ADMINISTRATOR")
OURS, THEIRS = 7, 8
CALL = UUID("00000000-0000-4000-8000-0000000000ca")
PSEUDONYM = UUID("00000000-0000-4000-8000-00000000000a")


def write(**changes: Any) -> UUID:
    return test_log_entries.write(**{"organisation": str(OURS), **changes})


def request(role: str, organisation: int = OURS, **query: Any) -> Any:
    made = RequestFactory().get("/", query)
    made.user = get_user_model()(pk=1, username="x", is_active=True, is_staff=True, role=role, pseudonym=PSEUDONYM)
    made.user.organisation_id = organisation
    made.session = {}
    made._messages = CookieStorage(made)  # what Django's middleware adds
    made.user.is_verified = lambda: True  # what django-otp's middleware adds
    return made


def page(model: Any, role: str, organisation: int = OURS, **query: Any) -> str:
    answer = admin.site._registry[model].changelist_view(request(role, organisation, **query))
    return str(answer.render().content, "utf-8")


def opened(row: Any, role: str, organisation: int = OURS) -> str:
    answer = admin.site._registry[type(row)].change_view(request(role, organisation), str(row.pk))
    if answer.status_code == 302:  # there is no such row for this person
        return ""
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
    [
        {"kind": "desk.opened"},
        {"subject_ref": "s-2"},
        {"actor": "staff:other"},
        {"outcome": "ok"},
        {"before": None},
        {"action": "open_it"},
        {"contact": str(CALL)},
    ],
)
def test_the_list_is_filtered_by_an_exact_value(query: dict[str, Any]) -> None:
    facts = {"action": "open_it", "interaction": str(CALL)}
    write()
    kind = "gate.granted" if "action" in query else "desk.opened"
    wanted = write(kind=kind, subject="s-2", actor="staff:other", outcome="ok", facts=facts)
    if "before" in query:
        write()
    row = Entry.objects.get(uid=wanted)
    html = page(Entry, "AUDITOR", **(query if "before" not in query else {"before": row.pk + 1}))
    shown = re.findall(r'title="(s-[^"]+)"', html)
    assert shown == (["s-2", "s-7f3c"] if "before" in query else ["s-2"])


def test_to_open_personal_data_is_recorded_before_they_are_shown(live_database: str) -> None:
    with transaction.atomic():
        uid = write(personal={"name": "Antti Virtanen"})
    html = opened(Entry.objects.get(uid=uid), "AUDITOR")
    assert "Antti Virtanen" in html
    assert "You asked for a refund" in html
    reading = read(Entry.objects.get(kind="audit.read"))
    assert reading.envelope["actor"] == f"staff:{PSEUDONYM}"
    assert reading.envelope["subject"] == "s-7f3c"
    assert reading.envelope["facts"] == {
        "entry": str(uid), "kind": "gate.refused", "personal": True, "role": "AUDITOR",
    }  # fmt: skip


@pytest.mark.django_db
def test_to_open_an_entry_without_personal_data_is_recorded_too() -> None:
    uid = write()
    opened(Entry.objects.get(uid=uid), "AUDITOR")
    assert read(Entry.objects.get(kind="audit.read")).envelope["facts"]["personal"] is False


def message(about: str = "visit.booked") -> Notice:
    with transaction.atomic():
        return send(
            subject="s-antti", channel="SMS", address="+358401234567", language="fi", title="Aika",
            text="Tervetuloa tiistaina.", about=about, reference=CALL, at=AT,
            organisation=str(OURS),
        )  # fmt: skip


@pytest.mark.parametrize("demo", [True, False])
@pytest.mark.parametrize("role", ROLES)
def test_nobody_who_serves_customers_sees_the_outbox_except_in_the_demo(role: str, demo: bool, settings: Any) -> None:
    settings.DEMO = demo
    outbox = admin.site._registry[Notice]
    assert outbox.has_view_permission(request(role)) is (demo or role in {"AUDITOR", "ADMINISTRATOR"})
    assert not outbox.has_change_permission(request(role))
    assert not outbox.has_delete_permission(request(role))


@pytest.mark.parametrize("role", ROLES)
def test_a_text_is_shown_in_the_demo_and_that_is_recorded(
    live_database: str, role: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = True
    monkeypatch.setattr("notices.actions.dispatch", print)
    html = opened(message(), role)
    assert "Tervetuloa tiistaina." in html
    assert "+358401234567" in html
    assert read(Entry.objects.get(kind="notice.read")).envelope["subject"] == "s-antti"


@pytest.mark.parametrize("role", ["AUDITOR", "ADMINISTRATOR"])
def test_outside_the_demo_nobody_reads_a_text_and_the_address_is_masked(
    live_database: str, role: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = False
    monkeypatch.setattr("notices.actions.dispatch", print)
    html = opened(message(), role) + page(Notice, role)
    assert not any(word in html for word in ("tiistaina", "Aika", "+358401234567", str(CALL)))
    assert "+358•••67" in html
    assert "visit.booked" in html
    assert not Entry.objects.filter(kind="notice.read").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("demo", [True, False])
def test_a_message_is_not_found_by_the_call_it_belongs_to(demo: bool, settings: Any) -> None:
    settings.DEMO = demo
    sent = message()
    assert f"/{sent.pk}/change/" in page(Notice, "AUDITOR", q="s-antti")
    assert f"/{sent.pk}/change/" not in page(Notice, "AUDITOR", q=str(CALL))


def test_another_organisation_sees_neither_messages_nor_entries(
    live_database: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notices.actions.dispatch", print)
    with transaction.atomic():
        sent, wrote, nobodys = message(), write(personal={"name": "Antti Virtanen"}), write(organisation="")
    for demo in (True, False):
        settings.DEMO = demo
        for role in ROLES[2:] if demo else ROLES[3:]:
            assert "/change/" in page(Notice, role)
            assert "/change/" not in page(Notice, role, THEIRS)
            assert opened(sent, role, THEIRS) == ""
    assert str(opened(Entry.objects.get(uid=wrote), "AUDITOR"))
    assert "s-7f3c" not in page(Entry, "AUDITOR", THEIRS)
    for uid in (wrote, nobodys):
        assert opened(Entry.objects.get(uid=uid), "AUDITOR", THEIRS) == ""


def test_what_was_recorded_before_the_column_gets_its_organisation_from_its_body(live_database: str) -> None:
    MigrationExecutor(connection).migrate([("audit", "0001_log")])
    with transaction.atomic(), connection.cursor() as cursor:
        body = json.dumps({"org": "7", "v": 1}).encode()
        cursor.execute(
            "INSERT INTO audit_entry (uid, kind, subject_ref, actor, outcome, body)"
            " VALUES (%s, 'a.b', 's', 'a', 'ok', %s)",
            [PSEUDONYM if connection.vendor == "postgresql" else PSEUDONYM.hex, body],
        )
    MigrationExecutor(connection).migrate([("audit", "0002_organisation")])
    assert Entry.objects.get().org == "7"
    assert not append_only.findings(connection, ["audit_entry"])


APPS = (
    "alarm|audit|authority|batch|call_back|claim|evidence|export|gate|hold|interaction|keypad|login|notice|outbox|prompt|proposal"
    "|record|setup|staff|telling|visit"
)
WRITTEN = re.compile(rf'"((?:{APPS})\.[a-z_]+)"')
NOT_KINDS = {"audit.append_only", "visit.next", "hold.in_force", "hold.placed"}
NOT_KINDS |= {"audit.let_go", "audit.sequence", "audit.sweep", "audit.web"}  # what beat sends, and an address's module


def kinds_in_the_code() -> set[str]:
    """Name the kinds of entry that the source writes, and those that are made of a visit's events."""
    house = Path(words.__file__).parent.parent
    apps = ("audit", "notices", "verification", "visits", "cases", "ivr", "contactcentre")
    files = [file for app in apps for file in (house / app).rglob("*.py") if "migrations" not in file.parts]
    found = {kind for file in files if file.name != "words.py" for kind in WRITTEN.findall(file.read_text())}
    return (found | {f"visit.{kind.lower()}" for kind in VisitEvent.Kind}) - NOT_KINDS


def test_every_kind_that_is_written_has_words() -> None:
    assert not kinds_in_the_code() - set(words.KINDS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "kind", "outcome"),
    [("fi", "pyyntö hyväksytty", "tehty"), ("sv", "begäran beviljad", "gjort"), ("en", "request granted", "done")],
)
def test_the_log_is_read_in_words_and_the_code_is_kept_beside_them(language: str, kind: str, outcome: str) -> None:
    uid = write(kind="gate.granted", outcome="ok")
    with translation.override(language):
        listed, shown = page(Entry, "AUDITOR"), opened(Entry.objects.get(uid=uid), "AUDITOR")
    for html in (listed, shown):
        assert f'<span title="gate.granted">{kind}</span>' in html
        assert f'<span title="ok">{outcome}</span>' in html


@pytest.mark.django_db
def test_a_code_that_nobody_knows_is_shown_as_it_is() -> None:
    write(kind="a.stranger", outcome="<b>odd</b>")
    html = page(Entry, "AUDITOR")
    assert ">a.stranger<" in html
    assert "&lt;b&gt;odd&lt;/b&gt;" in html


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("about", "said"),
    [("visit_booked", "käynti varattu"), ("identity_accepted", "henkilöllisyys todettu"),
     ("change_address", None), ("a.stranger", "a.stranger")],
)  # fmt: skip
def test_what_a_message_is_about_is_read_in_words(about: str, said: str | None) -> None:
    with translation.override("fi"):
        sent = message(about)
        wanted = said or str(getattr(declared(about), "label", ""))
        for html in (page(Notice, "AUDITOR"), opened(sent, "AUDITOR")):
            assert wanted
            assert f">{wanted}<" in html
