"""The auditor finds any story in the log at once, however large it is; what he searched for is recorded."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Max, Min
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import searching
from audit.log import record
from audit.models import Entry
from audit.searching import Asked, find
from tests.cast import NOW, Cast
from tests.logs import disarm, tamper
from tests.staff_browser import gathered, signed_in
from tests.test_gate import ask

LIST = "/admin/audit/entry/"
OURS = "7"


def entry(kind: str = "desk.opened", at: datetime | None = None, **facts: Any) -> Entry:
    told = {"actor": "staff:a", "subject": "s-1", "outcome": "ok", "organisation": OURS}
    told |= {name: facts.pop(name) for name in [*told] if name in facts}
    uid = record(kind=kind, at=NOW, purpose="because it was asked for", facts=facts, **told)
    made = Entry.objects.get(uid=uid)
    if at is not None:
        disarm()
        written = at if connection.vendor == "postgresql" else at.replace(tzinfo=None).isoformat(" ", "milliseconds")
        tamper("UPDATE audit_entry SET at = %s WHERE id = %s", written, made.pk)
    return made


def numbers(found: searching.Found) -> list[int]:
    return [each.pk for each in found.entries]


@pytest.mark.django_db
def test_pages_follow_each_other_in_both_directions_and_miss_nothing() -> None:
    every = [entry().pk for _ in range(7)]
    first = find(Asked(), OURS, most=3)
    second = find(Asked(before=first.older), OURS, most=3)
    third = find(Asked(before=second.older), OURS, most=3)
    assert numbers(first) + numbers(second) + numbers(third) == every[::-1]
    assert (first.newer, third.older) == (None, None)
    back = find(Asked(after=third.newer), OURS, most=3)
    assert numbers(back) == numbers(second)
    assert numbers(find(Asked(after=back.newer), OURS, most=3)) == numbers(first)
    assert find(Asked(after=every[-1]), OURS).entries == []


@pytest.mark.django_db
def test_conditions_are_combined_and_other_organisations_stay_out() -> None:
    told = {"outcome": "refused", "action": "refund", "interaction": "c-1"}
    wanted = entry("gate.refused", subject="s-2", actor="staff:b", **told)
    entry("gate.refused", **told)
    entry("record.read", subject="s-2", actor="staff:c", **told)
    entry("gate.refused", outcome="refused", action="refund", organisation="8", subject="s-2")
    exact = {"action": "refund", "contact": "c-1", "kind": "gate.refused", "outcome": "refused", "subject_ref": "s-2"}
    for left_out in exact:
        asked = {name: value for name, value in exact.items() if name != left_out} | {"actor": "staff:b"}
        assert numbers(find(Asked(asked), OURS)) == [wanted.pk]
    assert find(Asked({"subject_ref": "s-2"}), "").entries == []
    assert find(Asked({"subject_ref": "s-1"}), "8").entries == []


@pytest.mark.django_db
def test_a_period_is_exact_though_some_entries_are_out_of_order() -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    minutes = [0, 60, 61, 62, 61, 63, 120, 119, 180, 600]
    made = {entry(at=start + timedelta(minutes=each)).pk: each for each in minutes}
    for since, until in ((60, 63), (61, 62), (0, 1), (119, 120), (180, 601), (601, 700)):
        asked = Asked(since=start + timedelta(minutes=since), until=start + timedelta(minutes=until))
        expected = [number for number, minute in made.items() if since <= minute < until]
        assert numbers(find(asked, OURS)) == expected[::-1]


@pytest.mark.django_db
def test_a_search_for_what_is_rare_pauses_and_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "WINDOW", 4)
    wanted = entry(actor="staff:b")
    for _ in range(9):
        entry("record.read", actor="staff:b")
        entry()
    asked: dict[str, str] = {"actor": "staff:b", "kind": "desk.opened"}
    seen, found, before = [], find(Asked(asked), OURS), None
    while found.older is not None:
        assert found.cut
        assert before is None or found.older < before
        seen += numbers(found)
        before = found.older
        found = find(Asked(asked, before=before), OURS)
    assert [*seen, *numbers(found)] == [wanted.pk]


@pytest.fixture
def crowd(db: None) -> None:
    """Fill the log with some thousands of entries at once, as only its owner can, so that the planner has a choice."""
    uid, as_bytes = "gen_random_uuid()", "convert_to({}, 'UTF8')"
    if connection.vendor == "sqlite":
        uid, as_bytes = "lower(hex(randomblob(16)))", "CAST({} AS BLOB)"
    body = """'{"facts":{"action":"act' || (i % 40) || '","interaction":"c' || (i % 400) || '"}}'"""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (uid, kind, subject_ref, actor, outcome, org, body) SELECT "
            f"{uid}, CASE i % 3 WHEN 0 THEN 'gate.granted' ELSE 'k.' || (i % 40) END, 's-' || (i % 90),"
            f" 'staff:' || (i % 50), CASE i % 9 WHEN 0 THEN 'refused' ELSE 'ok' END, '7', {as_bytes.format(body)} FROM"
            " (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) SELECT i FROM n) x"
        )
        cursor.execute("ANALYZE audit_entry")


INDEXES = {
    "subject_ref": ("s-7", "audit_entry_subject"), "actor": ("staff:7", "audit_entry_actor"),
    "kind": ("k.7", "audit_entry_kind"), "outcome": ("refused", "audit_entry_outcome"),
    "contact": ("c7", "audit_entry_contact"), "action": ("act7", "audit_entry_action"), "org": ("7", "audit_entry_org"),
}  # fmt: skip


@pytest.mark.parametrize("upwards", [False, True])
@pytest.mark.parametrize("name", [*searching.COLUMNS, "org"])
def test_every_condition_is_walked_along_an_index_in_order(crowd: None, name: str, upwards: bool) -> None:
    value, index = INDEXES[name]
    low, high = Entry.objects.aggregate(low=Min("pk"), high=Max("pk")).values()
    with searching._walking():
        plan = searching.along((name, value), low, high, upwards=upwards).explain()
    if name == "org":  # where nearly all are of one organisation the key itself is as good
        assert re.search(r"audit_entry_(org|pkey)|USING INTEGER PRIMARY KEY", plan)
    else:
        assert index in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("name", [*searching.COLUMNS])
def test_a_page_reads_no_more_than_the_window_whatever_is_combined(
    crowd: None, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "WINDOW", 50)
    value, _ = INDEXES[name]
    other = "actor" if name != "actor" else "kind"
    found = find(Asked({name: value, other: "nobody's"}), OURS)
    assert found.entries == []
    assert 0 < len(find(Asked({name: value}), OURS, most=200).entries) <= 50
    with CaptureQueriesContext(connection) as queries:
        find(Asked({name: value}), OURS)
    rows = [query["sql"] for query in queries if query["sql"].startswith("SELECT * FROM")]
    assert len(rows) == 1
    assert "LIMIT 50" in rows[0]
    assert not any("OFFSET" in query["sql"] for query in queries)


@pytest.fixture
def people(db: None) -> Cast:
    return gathered()


def test_staff_are_found_by_their_names_and_shown_by_them(people: Cast) -> None:
    ask("change_address", people.call(at=NOW, claims=people.antti), people.agent_aino)
    browser = signed_in(people.auditor)
    name = people.agent_aino.get_full_name()
    for typed in ("agent_aino", name, name.upper(), people.agent_aino.actor):
        html = browser.get(LIST, {"actor": typed}).content.decode()
        assert f'title="{people.agent_aino.actor}">{name}</a>' in html
        assert people.agent_aino.username in html
        assert people.clerk_kalle.actor not in html.partition("<tbody>")[2]
    assert "<tbody>" not in browser.get(LIST, {"actor": "nobody at all"}).content.decode()


def searches() -> list[dict[str, Any]]:
    return [json.loads(bytes(each.body)) for each in Entry.objects.filter(kind="audit.searched").order_by("id")]


def test_every_search_is_recorded_and_the_bare_list_is_not(people: Cast) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    ask("change_address", contact, people.agent_aino)
    browser, subject = signed_in(people.auditor), str(people.antti.customer.pseudonym)
    browser.get(LIST)
    assert searches() == []
    browser.get(LIST, {"subject_ref": subject, "at__gte": "2026-01-01"})
    browser.get(LIST, {"kind": "gate.refused", "before": "999999"})
    first, second = searches()
    assert (first["subject"], second["subject"]) == (subject, "log")
    assert first["actor"] == people.auditor.actor
    assert first["facts"]["asked"] == {"subject_ref": subject}
    assert first["facts"]["since"] == "2026-01-01T00:00:00+02:00"
    assert second["facts"]["asked"] == {"kind": "gate.refused"}
    assert second["facts"]["before"] == "999999"


def test_a_name_that_was_typed_is_not_kept_for_ever(people: Cast) -> None:
    browser = signed_in(people.auditor)
    browser.get(LIST, {"subject_ref": "Antti Asiakas", "actor": "Antti Asiakas", "kind": "gate.refused"})
    (told,) = searches()
    assert told["subject"] == "log"
    assert told["facts"]["asked"] == {"subject_ref": "(not found)", "actor": "(not found)", "kind": "gate.refused"}


@pytest.mark.parametrize(
    ("query", "field"),
    [({"at__gte": "yesterday"}, "s-since"), ({"at__lt": "2026-13-01"}, "s-until"), ({"before": "x"}, "errornote"),
     ({"before": "9" * 30}, "errornote"), ({"at__gte": "0001-01-01"}, "s-since")],
)  # fmt: skip
def test_what_makes_no_sense_is_said_and_nothing_is_looked_for(people: Cast, query: dict[str, str], field: str) -> None:
    html = signed_in(people.auditor).get(LIST, query).content.decode()
    assert "<tbody>" not in html
    assert 'class="problem"' in html or "errornote" in html
    assert field in html
    assert searches() == []


def test_a_search_can_be_linked_to_as_reports_do(people: Cast) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    refused = ask("change_address", contact, people.agent_aino).refusal
    row = Entry.objects.get(uid=refused.entry)
    query = {
        "actor": people.agent_aino.actor, "kind": "gate.refused", "subject_ref": row.subject_ref,
        "contact": str(contact.public_id), "at__gte": (row.at - timedelta(hours=1)).isoformat(),
        "at__lt": (row.at + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    html = signed_in(people.auditor).get(LIST, query).content.decode()
    assert html.count("/change/") == 1
    assert reverse("admin:audit_entry_change", args=[row.pk]) in html
