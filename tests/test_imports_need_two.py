"""An import needs a file without faults and two people, and what was previewed is what comes in."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from audit.models import Entry
from tests.cast import NOW, Cast, number
from tests.reception import open_office
from verification.batches import BadFile
from verification.gate import Following, Granted, Live, OfBatch, Refused, attempt
from verification.imports import prepare, preview
from verification.models import Batch, Customer, Grant
from verification.reasons import Reason

NEW = {"number": number(2000001), "family_name": "Uusi", "given_names": "Ulla", "joined_on": "2026-01-02"}


def a_file(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"customers": list(rows)}).encode()


def approve(batch: Batch, by: Any, at: Any = NOW) -> Any:
    return attempt("import_customers", origin=OfBatch(batch.public_id, by), parameters={}, at=at)


def prepared(cast: Cast, *rows: dict[str, Any]) -> Batch:
    return prepare(a_file(*(rows or (NEW,))), by=cast.administrator, at=NOW)


def test_another_person_approves_and_it_comes_in_once(cast: Cast) -> None:
    batch = prepared(cast)
    assert preview(batch) == {"rows": 1, "contacts": 0, "authenticators": 0, "frozen": 0, "mandates": 0}
    assert isinstance(approve(batch, cast.administrator2), Granted)
    assert Customer.objects.get(number=NEW["number"]).family_name == "Uusi"
    again = approve(batch, cast.supervisor)
    assert again.refusal.reason == Reason.NOT_DUE
    assert Entry.objects.filter(kind="batch.prepared").count() == 2, "the cast's own, and this one"


def test_nobody_approves_his_own(cast: Cast) -> None:
    decided = approve(prepared(cast), cast.administrator)
    assert decided.refusal.reason == Reason.SECOND_PERSON
    assert not Customer.objects.filter(number=NEW["number"]).exists()


def test_an_account_of_this_week_approves_nothing(cast: Cast) -> None:
    cast.administrator2.date_joined = NOW - timedelta(days=6, hours=23)
    assert approve(prepared(cast), cast.administrator2).refusal.reason == Reason.SECOND_PERSON
    cast.administrator2.date_joined = NOW - timedelta(days=7)
    assert isinstance(approve(prepared(cast), cast.administrator2), Granted)


def test_what_an_account_of_this_week_prepared_is_approved_by_nobody(cast: Cast) -> None:
    cast.administrator.date_joined = NOW - timedelta(days=1)
    cast.administrator.save()
    assert approve(prepared(cast), cast.administrator2).refusal.reason == Reason.SECOND_PERSON


@pytest.mark.parametrize("role", ["agent_aino", "clerk_kalle", "auditor"])
def test_only_those_whose_work_it_is_approve(cast: Cast, role: str) -> None:
    assert approve(prepared(cast), cast.staff[role]).refusal.reason == Reason.ROLE


def test_an_import_changes_nobodys_record(cast: Cast) -> None:
    taken = NEW | {"number": cast.antti.number, "contacts": [{"kind": "PHONE", "value": "+358440000000"}]}
    decided = approve(prepared(cast, taken, NEW), cast.administrator2)
    assert decided.result == {"brought_in": 1, "left_alone": 1, "mandates": 0}
    assert not cast.antti.customer.contacts.filter(value="+358440000000").exists()


def test_a_file_swapped_after_the_preview_is_refused(cast: Cast) -> None:
    batch, other = prepared(cast), prepared(cast, NEW | {"family_name": "Vaihdettu"})
    Batch.objects.filter(pk=batch.pk).update(sealed_content=other.sealed_content)
    assert approve(batch, cast.administrator2).refusal.reason == Reason.FAILED
    assert not Customer.objects.filter(number=NEW["number"]).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b"\xff\xfe", b'{"customers": 1}', b'{"customers": ["x"]}',
        a_file(NEW | {"number": "12345678"}), a_file(NEW | {"number": 20000015}), a_file({"number": NEW["number"]}),
        a_file(NEW | {"contacts": [{"kind": "FAX", "value": "1"}]}), a_file(NEW | {"codes": ["12345"]}),
        a_file(NEW | {"birth_date": "the first"}), a_file(NEW | {"joined_on": "soon"}), a_file(NEW | {"totp": "zz"}),
        a_file(NEW | {"contacts": "none"}), a_file(NEW | {"language": "de"}), a_file(NEW, NEW),
        a_file(NEW | {"contacts": [{"kind": "PHONE", "value": "040 1234567"}]}),
        a_file(NEW | {"contacts": [{"kind": "PHONE", "value": "+3584"}]}),
        a_file(NEW | {"contacts": [{"kind": "PHONE"}]}), a_file(NEW | {"kind": "GHOST"}),
    ],
    ids=lambda content: content[:60].decode(errors="replace"),
)  # fmt: skip
def test_a_faulty_file_is_named_faulty_before_anyone_approves(cast: Cast, content: bytes) -> None:
    batches = Batch.objects.count()
    with pytest.raises(BadFile) as faults:
        prepare(content, by=cast.administrator, at=NOW)
    assert faults.value.problems
    assert Batch.objects.count() == batches


def test_a_grant_is_followed_once_and_only_by_what_follows_it(cast: Cast) -> None:
    open_office(cast.organisation)
    call = cast.call(at=NOW, claims=cast.antti)
    booked = attempt("book_visit", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW)
    other = attempt("open_case", origin=Live(call.public_id, cast.agent_aino), parameters={"questions": "?"}, at=NOW)
    wrong = attempt("place_visit", origin=Following(other.grant.public_id, "test"), parameters={}, at=NOW)
    assert wrong.refusal.reason == Reason.NOT_LIVE
    first = attempt("place_visit", origin=Following(booked.grant.public_id, "test"), parameters={}, at=NOW)
    assert isinstance(first, Granted)
    again = attempt("place_visit", origin=Following(booked.grant.public_id, "test"), parameters={}, at=NOW)
    assert isinstance(again, Refused)
    assert again.refusal.reason == Reason.NOT_DUE, "the rule refuses it, before the unique column has to"
    assert Grant.objects.get(follows=booked.grant) == first.grant
