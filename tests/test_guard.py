"""The database refuses too: no row of a guarded table comes in, changes or goes but through the gate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit import append_only
from tests.cast import NOW, Cast
from tests.test_gate import ask
from verification import guard
from verification.declarations import all_declared
from verification.models import Customer, Grant, Hold, Opening, Spent, Tripwire

GUARDED = sorted(guard.guarded())
APPEND_ONLY = sorted(append_only.protected())


def held_by(customer: Customer) -> Hold:
    return Hold(customer=customer, kind="TEMPORARY", held_at=NOW, until=NOW + timedelta(hours=1))


def grant_for(cast: Cast, action: str = "temporary_hold") -> Grant:
    """Return a grant row forged in the shell, as someone with a database console might."""
    call = cast.call(at=NOW, claims=cast.antti)
    return Grant.objects.create(
        action=action, interaction=call, customer=cast.antti.customer, parameters_hash="", held=0, required=0,
        policy_version="", decided_at=NOW, entry=uuid4(),
    )  # fmt: skip


def refused(work: Callable[[], Any]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        work()


def test_the_guards_stand_as_declared(db: None) -> None:
    guard.verify()


@pytest.mark.parametrize("model", GUARDED)
def test_every_guarded_table_is_guarded_under_its_real_name_and_by_some_action_or_none(model: str) -> None:
    assert apps.get_model(model)._meta.db_table == guard._table(model)
    writers = [action.name for action in all_declared() if model in action.writes]
    assert writers, f"{model} is guarded but no action can write it"


def test_a_stray_save_is_refused(cast: Cast) -> None:
    refused(lambda: held_by(cast.antti.customer).save())
    refused(lambda: Hold.objects.bulk_create([held_by(cast.antti.customer)]))


@pytest.mark.parametrize("model", GUARDED)
def test_rows_of_guarded_tables_neither_change_nor_go(cast: Cast, model: str) -> None:
    table = apps.get_model(model)._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        rows = cursor.fetchone()[0]
    if model in ("verification.Customer", "verification.ContactChange", "verification.Hold"):
        assert rows, "the cast has rows here, so that the refusal means something"
        refused(lambda: _execute(f"UPDATE {table} SET id = id"))
        refused(lambda: _execute(f"DELETE FROM {table}"))
    if connection.vendor == "postgresql":
        refused(lambda: _execute(f"TRUNCATE {table} CASCADE"))


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_is_append_only_is_on_the_list_that_migrate_installs(db: None, table: str) -> None:
    assert append_only.findings(connection, [table]) == []


def _execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_delete_and_insert_again_is_no_way_round(cast: Cast) -> None:
    refused(lambda: _execute("DELETE FROM verification_customer WHERE id = %s", cast.antti.customer.pk))


def test_insert_or_replace_is_no_way_round_on_sqlite(cast: Cast) -> None:
    if connection.vendor != "sqlite":
        refused(
            lambda: _execute("INSERT INTO verification_hold SELECT * FROM verification_hold ON CONFLICT DO NOTHING")
        )
        return
    refused(lambda: _execute("INSERT OR REPLACE INTO verification_hold SELECT * FROM verification_hold"))
    refused(lambda: _execute("REPLACE INTO verification_customer SELECT * FROM verification_customer"))


def test_replica_mode_does_not_switch_the_guard_off(cast: Cast) -> None:
    def in_replica_mode() -> None:
        if connection.vendor == "postgresql":
            _execute("SET LOCAL session_replication_role = replica")
        held_by(cast.antti.customer).save()

    refused(in_replica_mode)


def test_an_opening_needs_a_grant_of_the_same_action_and_customer(cast: Cast) -> None:
    grant = grant_for(cast)
    wrong: list[dict[str, Any]] = [
        {"action": "change_address", "customer": cast.antti.customer},
        {"action": "temporary_hold", "customer": cast.antti2.customer},
        {"action": "temporary_hold", "customer": None},
        {"action": "temporary_hold", "customer": cast.antti.customer, "batch": True},
    ]
    for opening in wrong:
        refused(lambda opening=opening: Opening.objects.create(grant=grant, tripwire_id=1, **opening))


def test_a_spent_grant_opens_nothing(cast: Cast) -> None:
    grant = grant_for(cast)
    Spent.objects.create(grant=grant, spent_at=NOW)
    refused(lambda: Opening.objects.create(grant=grant, action=grant.action, customer=grant.customer, tripwire_id=1))
    with pytest.raises(IntegrityError), transaction.atomic():
        Spent.objects.create(grant=grant, spent_at=NOW)


def test_an_opening_lets_in_only_its_own_customer_and_its_own_tables(cast: Cast) -> None:
    grant = grant_for(cast)

    def with_opening(work: Callable[[], Any]) -> None:
        Opening.objects.create(grant=grant, action=grant.action, customer=grant.customer, tripwire_id=1)
        work()

    refused(lambda: with_opening(lambda: held_by(cast.antti2.customer).save()))
    refused(
        lambda: with_opening(
            lambda: cast.antti.customer.contacts.create(
                kind="EMAIL", value="swindler@example.org", recorded_at=NOW, effective_at=NOW, quarantined_until=NOW
            )
        )
    )


def test_a_temporary_table_does_not_stand_in_for_the_openings(cast: Cast) -> None:
    """pg_temp is searched first unless a function says otherwise; SQLite's triggers see only their own database."""

    def shadowed() -> None:
        _execute("CREATE TEMPORARY TABLE verification_opening (action text, customer_id bigint, batch boolean)")
        schema = "pg_temp" if connection.vendor == "postgresql" else "temp"
        _execute(
            f"INSERT INTO {schema}.verification_opening VALUES ('temporary_hold', %s, false)", cast.antti.customer.pk
        )
        held_by(cast.antti.customer).save()

    refused(shadowed)


def test_a_guard_that_looks_elsewhere_is_found(db: None) -> None:
    if connection.vendor == "postgresql":
        _execute("ALTER FUNCTION guard_verification_hold() RESET search_path")
        with pytest.raises(guard.Altered, match="verification_hold"):
            guard.verify()
    else:
        guard.verify()


def test_an_opening_left_behind_fails_at_commit(live_cast: Cast) -> None:
    grant = grant_for(live_cast)

    def forget_to_close() -> None:
        with transaction.atomic():
            Opening.objects.create(grant=grant, action=grant.action, customer=grant.customer, tripwire_id=1)
            held_by(live_cast.antti.customer).save()

    with pytest.raises(IntegrityError):
        forget_to_close()
    assert not Hold.objects.filter(customer=live_cast.antti.customer).exists()


def test_the_tripwire_is_always_empty(db: None) -> None:
    refused(Tripwire.objects.create)


def test_a_granted_hold_leaves_no_opening_and_one_row(live_cast: Cast) -> None:
    call = live_cast.call(at=NOW, claims=live_cast.antti)
    ask("temporary_hold", call, live_cast.agent_aino)
    assert Hold.objects.filter(customer=live_cast.antti.customer).count() == 1
    assert not Opening.objects.exists()


@pytest.mark.parametrize("table", ["verification_hold", "verification_opening", "verification_tripwire"])
def test_a_missing_guard_is_found_and_mended(db: None, table: str) -> None:
    on = f" ON {table}" if connection.vendor == "postgresql" else ""
    _execute(f"DROP TRIGGER guard_{table}{on}")
    with pytest.raises(guard.Altered, match=table):
        guard.verify()
    guard.install()
    guard.verify()


def test_a_guard_that_was_weakened_is_found(db: None) -> None:
    if connection.vendor == "postgresql":
        _execute("ALTER TABLE verification_hold DISABLE TRIGGER guard_verification_hold")
    else:
        _execute("DROP TRIGGER guard_verification_hold")
        _execute(
            "CREATE TRIGGER guard_verification_hold BEFORE INSERT ON verification_hold WHEN 1 = 0"
            " BEGIN SELECT RAISE(ABORT, 'guard: no opening for verification_hold'); END"
        )
    with pytest.raises(guard.Altered, match="verification_hold"):
        guard.verify()


def test_a_guard_function_that_was_replaced_is_found(db: None) -> None:
    if connection.vendor == "postgresql":
        _execute(
            "CREATE OR REPLACE FUNCTION guard_verification_hold() RETURNS trigger LANGUAGE plpgsql"
            " AS $x$BEGIN RETURN NEW; END$x$"
        )
        with pytest.raises(guard.Altered, match="verification_hold"):
            guard.verify()
    else:
        assert "verification_opening" in guard.conditions("sqlite")["verification_hold"]
