"""The auditor sees what a bribed colleague leaves behind: each report finds its story, and stays silent without it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from audit.log import record
from audit.models import Entry
from tests.actions_asked import VALID
from tests.asked_by_link import asked, calling, with_e_id
from tests.cast import NOW, Cast
from tests.provider import Provider
from tests.staff_browser import now, signed_in
from tests.test_gate import ask
from verification import answers, masking, patterns
from verification.claims import claim_number
from verification.gate import Granted, OfProposal, Proposed, attempt
from verification.patterns import PATTERNS, Period, Row

DAY = timedelta(days=1)
REFUND = VALID["refund_to_account"] | {"amount": 99_000_00}


def found(cast: Cast, code: str, *, since: Any = None, until: Any = None, other: int = 0) -> list[Row]:
    report = next(each for each in PATTERNS if each.code == code)
    return report.rows(Period(cast.organisation.pk + other, since or NOW - DAY, until or now() + DAY))


def read_by(cast: Cast, who: str, contact: str, times: int = 1) -> None:
    with transaction.atomic():
        for _time in range(times):
            record(
                kind="record.read", actor=cast.staff[who].actor, subject=str(cast.antti.customer.pseudonym), at=NOW,
                outcome="shown", purpose="serve", facts={"interaction": contact},
                organisation=str(cast.organisation.pk),
            )  # fmt: skip


@pytest.mark.parametrize("report", [each.code for each in PATTERNS])
def test_a_quiet_house_shows_nothing(cast: Cast, report: str) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    cast.type_code(call, cast.antti, at=NOW)
    masking.open_record(call.public_id, by=cast.agent_aino, at=NOW)
    assert found(cast, report) == []


def test_a_read_outside_of_a_contact_of_his_own_is_found(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    read_by(cast, "agent_aino", str(call.public_id), 2)
    read_by(cast, "agent_arvo", str(call.public_id))
    read_by(cast, "agent_arvo", str(uuid4()))
    (row,) = found(cast, "reads_without_contact")
    assert (row.who, row.count, row.of) == ("agent_arvo", 2, 2)
    assert Entry.objects.filter(**row.entries).count() == 2
    assert found(cast, "reads_without_contact", other=1) == []


def test_a_customer_who_always_comes_to_the_same_of_us_is_found(cast: Cast) -> None:
    for _time in range(3):
        cast.call(at=NOW, claims=cast.antti)
        cast.call(at=NOW, claims=cast.antti2) if _time < 2 else None
    (row,) = found(cast, "affinity")
    assert (row.who, row.what, row.count, row.of) == ("agent_aino", str(cast.antti.customer.pseudonym), 3, 3)
    assert row.share == 100
    assert Entry.objects.filter(**row.entries).exists() or row.entries["actor"] == cast.agent_aino.actor


def decided_by_two(cast: Cast, approver: Any) -> Granted:
    desk = cast.desk(at=NOW, claims=cast.antti)
    waiting = ask("refund_to_account", desk, cast.clerk_kalle, REFUND)
    assert isinstance(waiting, Proposed), waiting
    origin = OfProposal(waiting.proposal.public_id, approver)
    decided = attempt("refund_to_account", origin=origin, parameters={}, at=NOW)
    assert isinstance(decided, Granted), decided
    return decided


def test_two_who_always_decide_together_are_found(cast: Cast) -> None:
    for times in range(3):
        assert found(cast, "approver_pairs") == [], times
        decided_by_two(cast, cast.supervisor)
    (row,) = found(cast, "approver_pairs")
    assert (row.who, row.what, row.count, row.of) == ("clerk_kalle", "supervisor", 3, 3)
    assert found(cast, "approver_pairs", until=NOW) == []


def test_refusals_turned_round_by_the_same_two_are_found(cast: Cast) -> None:
    for _time in range(3):
        call = cast.desk(at=NOW - timedelta(hours=1), claims=cast.antti, level="NONE")
        ask("refund_to_account", call, cast.clerk_kalle, REFUND, at=NOW - timedelta(hours=1))
        decided_by_two(cast, cast.supervisor)
    (row,) = found(cast, "reversed")
    assert (row.who, row.what, row.count) == ("clerk_kalle", "supervisor", 3)


def test_whose_requests_customers_decline_is_found(cast: Cast, provider: Provider) -> None:
    with_e_id(cast, NOW)
    for times, person in enumerate(("anna", "bea")):
        prompt = asked(cast, calling(cast, at=NOW, person=person), at=NOW)
        if person == "bea":
            answers.decline(prompt.pk, at=NOW)
        assert len(found(cast, "prompts_declined")) == times
    (row,) = found(cast, "prompts_declined")
    assert (row.who, row.count, row.of, row.share) == ("agent_aino", 1, 2, 50)


def test_one_customer_after_another_is_found(cast: Cast) -> None:
    call = cast.call(at=NOW)
    for person in (cast.antti, cast.antti2):
        claim_number(call.public_id, person.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    assert found(cast, "claims_in_a_row") == []
    claim_number(call.public_id, cast.frozen.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    (row,) = found(cast, "claims_in_a_row")
    assert (row.who, row.what, row.count) == ("agent_aino", str(call.public_id), 3)


def test_an_hour_unlike_his_others_is_found_and_a_busy_colleague_is_not(cast: Cast) -> None:
    assert patterns._stands_out(10, [])
    assert not patterns._stands_out(9, [])
    assert not patterns._stands_out(30, [28, 31, 29, 30])
    assert patterns._stands_out(40, [28, 31, 29, 30])
    read_by(cast, "agent_aino", "x", 12)
    (row,) = found(cast, "unusual_hours")
    assert (row.who, row.count) == ("agent_aino", 12)
    assert Entry.objects.filter(**row.entries).count() == 12


def test_the_page_is_the_auditors_alone_and_its_reading_is_an_entry(cast: Cast) -> None:
    for name in ("agent_aino", "clerk_kalle", "supervisor", "administrator"):
        assert signed_in(cast.staff[name]).get("/admin/patterns/").status_code == 403
    assert not Entry.objects.filter(kind="patterns.read").exists()
    browser = signed_in(cast.staff["auditor"])
    read_by(cast, "agent_arvo", str(uuid4()), 4)
    shown = browser.get("/admin/patterns/").content.decode()
    assert "agent_arvo" in shown
    assert "<rect" in shown
    assert Entry.objects.filter(kind="patterns.read", outcome="ok").count() == 1
    for each in PATTERNS:
        assert browser.get(f"/admin/patterns/{each.code}/").status_code == 200
    assert browser.get("/admin/patterns/no_such/").status_code == 404
    bad = browser.get("/admin/patterns/", {"since": "2026-01-01", "until": "2020-01-01"})
    assert bad.status_code == 400
    assert browser.get("/admin/patterns/", {"since": "x"}).status_code == 400


def test_each_row_leads_to_entries_that_the_list_shows(cast: Cast) -> None:
    browser = signed_in(cast.staff["auditor"])
    call = cast.call(at=NOW)
    for person in (cast.antti, cast.antti2, cast.frozen):
        claim_number(call.public_id, person.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    read_by(cast, "agent_aino", "x", 12)
    for code in ("claims_in_a_row", "unusual_hours", "reads_without_contact"):
        (row,) = found(cast, code)
        answer = browser.get("/admin/audit/entry/", row.entries)
        assert answer.status_code == 200, code
        assert len(answer.context["rows"]) >= 3, code
