"""A former customer is forgotten by two people, once his time has come; the log and its proofs stay as they were."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from audit import append_only, keys, log, retention
from audit.models import Entry
from cases.models import Question
from tests.cast import NOW, Cast, number
from tests.staff_browser import signed_in
from tests.test_catalogue import by_two
from tests.test_gate import ask
from tests.test_imports_need_two import a_file
from verification import erasing, imports, interactions
from verification.batches import BadFile
from verification.gate import Granted, OfBatch, Refused, attempt
from verification.guard import emptied
from verification.models import Batch, Claim, ContactChange, Customer, Interaction, KeypadRoad, ListCode
from verification.numbers import mark
from verification.reasons import Reason

LATER = NOW + retention.lasts("evidence") + timedelta(days=1)
WHY = "He has left and asks to be forgotten."
WORDS = "Mihin Asiakkaan Antin paketti jäi?"


def closed(cast: Cast) -> Cast:
    """Let Antti ask something, have it answered, and close his account."""
    call = cast.call(at=NOW, claims=cast.antti)
    case = ask("open_case", call, cast.agent_aino, {"questions": WORDS}).result["case"]
    question = Question.objects.get(case__public_id=case)
    said = {"question": str(question.public_id), "text": "Se on noutopisteessä.", "declined": False}
    assert isinstance(ask("answer_question", call, cast.agent_aino, said), Granted)
    assert isinstance(ask("close_case", call, cast.agent_aino, {"case": case}), Granted)
    interactions.end(call.public_id, at=NOW)
    by_two(cast, "close_account")
    for contact in Interaction.objects.filter(speakers__claims__customer=cast.antti.customer, ended_at=None):
        interactions.end(contact.public_id, at=NOW)
    return cast


def listed(cast: Cast, *numbers: str) -> Batch:
    return erasing.prepare("\n".join(numbers or (cast.antti.number,)), WHY, by=cast.administrator, at=LATER)


def approve(cast: Cast, batch: Batch, action: str = erasing.ACTION, at: Any = LATER, by: Any = None) -> Any:
    return attempt(action, origin=OfBatch(batch.public_id, by or cast.administrator2), parameters={}, at=at)


def everything() -> str:
    """Return all that the database holds, as one text: nothing of a forgotten person may be found in it."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


def logged() -> str:
    return repr([bytes(body) for body in Entry.objects.values_list("body", flat=True)])


def test_what_names_him_goes_and_what_was_decided_stays(cast: Cast) -> None:
    closed(cast)
    antti, contacts = cast.antti.customer, list(cast.antti.customer.contacts.values_list("value", flat=True))
    personal = [antti.number, mark(antti.number), WORDS, *contacts]
    assert mark(antti.number)[:16] not in logged()
    entries = list(Entry.objects.order_by("id").values_list("uid", "body", "payload_ct"))
    assert all(each in everything() for each in personal)
    decided = approve(cast, listed(cast))
    assert decided.result == {"erased": 1, "left_alone": 0}
    left = everything()
    assert [each for each in personal if each in left] == []
    gone = Customer.objects.get(pk=antti.pk)
    assert (gone.family_name, gone.given_names, gone.birth_date, gone.identity_mark) == ("", "", None, "")
    assert gone.number == f"E{antti.pk:07x}"
    assert set(ListCode.objects.filter(customer=antti).values_list("hashed", flat=True)) <= {""}
    assert not KeypadRoad.objects.filter(mark=mark(antti.number)).exists()
    assert list(Entry.objects.order_by("id").values_list("uid", "body", "payload_ct"))[: len(entries)] == entries
    erased = Entry.objects.filter(kind="audit.erased", subject_ref=str(antti.pseudonym))
    assert [entry.actor for entry in erased] == [cast.administrator2.actor]
    assert keys.find(str(antti.pseudonym)) is None
    told = Entry.objects.filter(subject_ref=str(antti.pseudonym), payload_ct__isnull=False)
    assert {log.read(entry).personal for entry in told} == {"erased"}


def test_others_are_left_as_they_were(cast: Cast) -> None:
    closed(cast)
    other = cast.antti2.customer
    before = (other.number, other.family_name, list(other.contacts.values_list("value", flat=True)))
    approve(cast, listed(cast))
    other = Customer.objects.get(pk=other.pk)
    assert (other.number, other.family_name, list(other.contacts.values_list("value", flat=True))) == before
    assert keys.find(str(other.pseudonym)) is not None


def test_a_customer_whose_time_has_not_come_is_left_alone(cast: Cast) -> None:
    closed(cast)
    batch = listed(cast, cast.antti.number, cast.antti2.number, number(2000001))
    a_day_short = NOW + retention.lasts("evidence") - timedelta(seconds=1)
    assert approve(cast, batch, at=a_day_short).result == {"erased": 0, "left_alone": 3}
    assert Customer.objects.get(pk=cast.antti.customer.pk).family_name == cast.antti.customer.family_name


def test_nothing_is_forgotten_while_something_of_his_is_under_way(cast: Cast) -> None:
    closed(cast)
    cast.call(at=LATER, claims=cast.antti)
    assert approve(cast, listed(cast)).result == {"erased": 0, "left_alone": 1}


def test_the_contact_of_a_stranger_who_said_his_number_lately_stays_provable(cast: Cast) -> None:
    closed(cast)
    lately = LATER - timedelta(days=3)
    stranger = cast.call(at=lately, claims=cast.antti)
    keys.subject_key(str(stranger.pseudonym), at=lately)
    old = Interaction.objects.filter(speakers__claims__customer=cast.antti.customer).order_by("pk").first()
    Interaction.objects.filter(pk__in=(stranger.pk, old.pk)).update(sealed_line=b"sealed")
    interactions.end(stranger.public_id, at=lately)
    assert approve(cast, listed(cast)).result == {"erased": 1, "left_alone": 0}
    assert keys.find(str(stranger.pseudonym)) is not None
    assert bytes(Interaction.objects.get(pk=stranger.pk).sealed_line) == b"sealed"
    assert bytes(Interaction.objects.get(pk=old.pk).sealed_line) == b""
    assert keys.find(str(cast.antti.customer.pseudonym)) is None


def test_what_was_granted_on_some_proof_lately_is_not_forgotten_away(cast: Cast) -> None:
    closed(cast)
    desk = cast.desk(at=LATER - timedelta(days=3), claims=cast.antti)
    assert isinstance(ask("lasting_freeze", desk, cast.clerk_kalle, at=LATER - timedelta(days=3)), Granted)
    interactions.end(desk.public_id, at=LATER - timedelta(days=3))
    assert approve(cast, listed(cast)).result == {"erased": 0, "left_alone": 1}


def test_an_unanswered_case_is_something_under_way(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    assert isinstance(ask("open_case", call, cast.agent_aino, {"questions": WORDS}), Granted)
    interactions.end(call.public_id, at=NOW)
    closed(cast)
    assert approve(cast, listed(cast)).result == {"erased": 0, "left_alone": 1}


def test_nobody_approves_his_own_erasure(cast: Cast) -> None:
    closed(cast)
    decided = approve(cast, listed(cast), by=cast.administrator)
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == Reason.SECOND_PERSON


def test_an_import_is_no_erasure_and_an_erasure_no_import(cast: Cast) -> None:
    closed(cast)
    brought = imports.prepare(a_file({"number": number(2000001), "family_name": "U", "joined_on": "2026-01-02"}),
                              by=cast.administrator, at=LATER)  # fmt: skip
    assert approve(cast, brought).refusal.reason == Reason.NOT_LIVE
    assert approve(cast, listed(cast), "import_customers").refusal.reason == Reason.NOT_LIVE


@pytest.mark.parametrize("numbers", ["", "12345678", "10000003 10000003", "abc"])
def test_a_faulty_list_is_named_faulty_before_anyone_approves(cast: Cast, numbers: str) -> None:
    with pytest.raises(BadFile):
        erasing.prepare(numbers, WHY, by=cast.administrator, at=NOW)
    with pytest.raises(BadFile):
        erasing.prepare(cast.antti.number, "-", by=cast.administrator, at=NOW)


@pytest.mark.parametrize("model", sorted(emptied()))
def test_no_plain_sql_empties_a_row(cast: Cast, model: str) -> None:
    closed(cast)
    table, fields = model.replace(".", "_").lower(), emptied()[model]
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        if cursor.fetchone()[0] == 0:
            return assert_guarded(table)
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(f'UPDATE "{table}" SET "{fields[0]}" = "{fields[0]}"')
    return assert_guarded(table)


def assert_guarded(table: str) -> None:
    assert table in append_only.protected()
    assert append_only.findings(connection, [table]) == []


def test_an_erasure_empties_and_can_do_nothing_else(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even inside the gate a row may be emptied only: neither another value nor a part of it is let in."""
    closed(cast)
    contact = cast.antti.customer.contacts.order_by("pk").first()
    for change in ({"value": "+358440000000"}, {"value": "", "kind": "EMAIL"}, {"recorded_at": NOW}):
        monkeypatch.setattr(
            erasing, "_ROOMS", [lambda _of, change=change: ContactChange.objects.filter(pk=contact.pk).update(**change)]
        )
        assert approve(cast, listed(cast)).refusal.reason == Reason.FAILED
        assert ContactChange.objects.filter(pk=contact.pk, value=contact.value, kind=contact.kind).exists()


def test_the_file_is_kept_no_longer_once_it_is_done(cast: Cast) -> None:
    closed(cast)
    batch = listed(cast)
    approve(cast, batch)
    assert bytes(Batch.objects.get(pk=batch.pk).sealed_content) == b""
    assert all(bytes(each.sealed_content) == b"" for each in Batch.objects.filter(approved_at__isnull=False))


def test_the_pages_prepare_show_and_approve_it(cast: Cast) -> None:
    closed(cast)
    first, second = signed_in(cast.administrator), signed_in(cast.administrator2)
    answer = first.post("/admin/verification/batch/erase/", {"numbers": cast.antti.number, "because": WHY}, follow=True)
    assert WHY in answer.content.decode()
    batch = Batch.objects.get(action=erasing.ACTION)
    page = f"/admin/verification/batch/{batch.pk}/"
    assert "approve/" not in first.get(page + "change/").content.decode()
    shown = second.get(page + "change/").content.decode()
    assert WHY in shown
    assert cast.antti.number in shown, "nobody approves blindly"
    told = second.post(page + "approve/", follow=True).content.decode()
    assert "1" in told
    assert cast.antti.number not in told, "the list is gone once it is done"
    assert Claim.objects.exclude(mark="").filter(customer=cast.antti.customer).exists(), "his time has not come today"
    bad = first.post("/admin/verification/batch/erase/", {"numbers": "x", "because": WHY})
    assert "x" in bad.content.decode()
    assert signed_in(cast.agent_aino).get("/admin/verification/batch/erase/").status_code in (302, 403)
