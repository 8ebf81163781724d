"""When what is logged isn't sequenced in time, nothing that weighs is done for anybody, and what protects goes on."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from audit import tail
from audit.models import Entry, Tree
from audit.sequencing import sequence
from tests.actions_asked import WANTS_A_ROW, approved_by_customer
from tests.cast import NOW, Cast, bring_in, rows
from tests.test_gate import ask
from verification import policy, preview, replay, rules
from verification.claims import claim_number
from verification.declarations import all_declared
from verification.gate import Granted, Proposed, Refused
from verification.models import Grant, Interaction, Refusal
from verification.reasons import Reason, to_staff

LIVE = [action for action in all_declared() if action.origin == "live"]
LATEST = policy.current().tail


def an_entry(age: timedelta) -> None:
    """Append a row as it was stored so long ago; no application may say so, the tests' superuser may."""
    clock = {
        "postgresql": "clock_timestamp() - make_interval(secs => %s)",
        "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-' || %s || ' seconds')",
    }[connection.vendor]
    uid = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (at, uid, kind, subject_ref, actor, outcome, org, body)"
            f" VALUES ({clock}, %s, 'x.y', 's', 'system:t', 'ok', '', %s)",
            [int(age.total_seconds()), uid if connection.vendor == "postgresql" else uid.hex, b"{}"],
        )


def sequenced() -> None:
    """Move the cursor behind everything written so far, which in one transaction no sequencer could."""
    last = Entry.objects.order_by("id").last()
    xid = 0
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            xid = cursor.fetchone()[0]
    cursor_of_all = {"last_epoch": 1, "last_xid": xid, "last_id": last.pk if last else 0}
    Tree.objects.update_or_create(log=1, defaults={"origin": "test/log", "root": b"", **cursor_of_all})


@pytest.fixture
def behind(cast: Cast) -> Cast:
    """Give the cast while the first entry without a leaf is a minute older than it may be."""
    sequenced()
    an_entry(LATEST + timedelta(minutes=1))
    return cast


def test_what_weighs_is_refused_and_what_protects_goes_on(behind: Cast) -> None:
    desk = behind.desk(at=NOW, claims=behind.antti, level="HIGH")
    for action in (each for each in LIVE if each.name not in WANTS_A_ROW):
        if action.linked:
            approved_by_customer(desk, action.name, at=NOW)
        decided = ask(action.name, desk, behind.clerk_kalle if action.roles else None)
        if action.sensitive or action.loosens:
            assert isinstance(decided, Refused), action.name
            assert decided.refusal.reason == Reason.LOG_BEHIND, action.name
        else:
            assert isinstance(decided, Granted | Proposed), (action.name, decided)
    assert {"temporary_hold", "veto_change", "open_case", "book_visit"} <= granted(desk)
    assert not {"lift_hold", "change_address", "tell_case_state", "undo_freeze"} & granted(desk)


def granted(desk: Interaction) -> set[str]:
    return set(Grant.objects.filter(interaction=desk).values_list("action", flat=True))


def test_a_batch_waits_too(behind: Cast) -> None:
    row = rows(NOW)["antti"] | {"number": "20000008"}
    with pytest.raises(AssertionError, match="Refused"):
        bring_in([row], prepared_by=behind.administrator, approved_by=behind.administrator2, at=NOW)
    assert Refusal.objects.get().reason == Reason.LOG_BEHIND


def test_the_words_blame_nobody_and_offer_a_call_back(behind: Cast) -> None:
    call = behind.call(at=NOW, claims=behind.antti, level="LOW")
    refusal = ask("tell_case_state", call, behind.agent_aino).refusal
    assert refusal.ways[0] == "call_back_after"
    assert "nothing to do with you" in refusal.said["en"]
    assert "We can call you back" in refusal.said["en"]
    assert len(set(refusal.said.values())) == 3
    with override("en"):
        assert "tell the operator" in to_staff(Reason.LOG_BEHIND)
    assert isinstance(ask("request_callback", call, behind.agent_aino), Granted)


def test_what_was_asked_for_is_not_lost(behind: Cast) -> None:
    desk = behind.desk(at=NOW, claims=behind.antti, level="HIGH")
    assert ask("change_address", desk, behind.clerk_kalle).refusal.parked is not None
    sequenced()
    assert isinstance(ask("change_address", desk, behind.clerk_kalle), Granted)


@pytest.mark.parametrize("who", ["antti", "frozen", "nobody"])
def test_it_tells_nothing_of_who_is_a_customer(behind: Cast, who: str) -> None:
    said = []
    for number in (behind.antti2.number, "99999999" if who == "nobody" else behind.people[who].number):
        call = behind.call(at=NOW)
        claim_number(call.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
        with CaptureQueriesContext(connection) as asked:
            refusal = ask("tell_case_state", call, behind.agent_aino).refusal
        said.append((refusal.reason, refusal.ways, refusal.said, refusal.held, len(asked)))
    assert said[0] == said[1]
    assert said[0][0] == Reason.LOG_BEHIND


def test_young_entries_refuse_nothing(cast: Cast) -> None:
    sequenced()
    an_entry(LATEST - timedelta(minutes=1))
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    assert isinstance(ask("tell_case_state", call, cast.agent_aino), Granted)


def test_before_the_first_run_of_the_sequencer_everything_is_its_tail(db: None) -> None:
    assert tail.age() == timedelta(0)
    an_entry(timedelta(hours=1))
    assert timedelta(minutes=59) < tail.age() < timedelta(minutes=61)
    assert not Tree.objects.exists()


def test_one_statement_by_an_index_whatever_is_judged(behind: Cast) -> None:
    call = behind.call(at=NOW, claims=behind.antti, level="LOW")
    with CaptureQueriesContext(connection) as asked:
        found = preview.needs(call, by=behind.agent_aino, at=NOW)
    assert [query for query in asked.captured_queries if "audit_tree" in query["sql"]][1:] == []
    missing = {prospect.action.name: prospect.missing for prospect in found}
    assert missing["tell_case_state"] == missing["change_address"] == Reason.LOG_BEHIND
    assert missing["temporary_hold"] is None


def test_the_preview_and_the_gate_agree(behind: Cast) -> None:
    desk = behind.desk(at=NOW, claims=behind.antti, level="HIGH")
    for prospect in preview.needs(desk, by=behind.clerk_kalle, at=NOW):
        if prospect.missing is Reason.LOG_BEHIND:
            assert ask(prospect.action.name, desk, behind.clerk_kalle).refusal.reason == Reason.LOG_BEHIND


def test_no_policy_that_is_tried_out_changes_it(behind: Cast) -> None:
    ask("tell_case_state", behind.call(at=NOW, claims=behind.antti, level="LOW"), behind.agent_aino)
    row = replay.replay(policy.current(), since=NOW)["tell_case_state"]
    assert (row.attempts, row.flips, row.not_judged) == (1, 0, 0)


def test_the_rule_is_asked_before_anything_of_the_record(cast: Cast) -> None:
    order = [rule.__name__ for rule in rules.WITH_PARAMETERS]
    assert order.index("_log_keeps_up") < order.index("_level") < order.index("_recorded_authority")


def test_once_the_sequencer_runs_again_so_does_the_house(live_database: str) -> None:
    from tests.cast import gather

    cast = gather()
    sequence()
    with transaction.atomic():
        an_entry(LATEST + timedelta(minutes=5))
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    assert ask("tell_case_state", call, cast.agent_aino).refusal.reason == Reason.LOG_BEHIND
    assert isinstance(ask("temporary_hold", call, cast.agent_aino), Granted)
    sequence()
    assert tail.age() == timedelta(0)
    call = cast.call(at=NOW, claims=cast.antti2, level="LOW")
    assert isinstance(ask("tell_case_state", call, cast.agent_aino), Granted)


if connection.vendor == "postgresql":

    def test_the_first_row_of_a_long_tail_is_found_by_its_index(db: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN " + tail.FIRST["postgresql"])
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "audit_entry_cursor" in plan
        assert "Sort" not in plan

    def test_a_transaction_left_open_holds_the_tail_back(live_database: str) -> None:
        import psycopg

        with psycopg.connect(live_database) as forgotten:
            forgotten.execute("SELECT pg_current_xact_id()")
            with transaction.atomic():
                an_entry(timedelta(minutes=3))
            assert sequence() == 0
            assert timedelta(minutes=2) < tail.held_back() < timedelta(minutes=4)
        assert tail.held_back() == timedelta(0)
        assert sequence() == 1
