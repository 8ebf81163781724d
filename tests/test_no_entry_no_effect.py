"""Where the log can't be written nothing is done: whatever keeps it from being written, and told within bounds."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from audit.log import Swallowed
from audit.models import Entry
from tests.api_client import Api
from tests.cast import NOW, Cast, gather
from tests.test_gate import ask
from tests.test_log_entries import write
from verification.gate import Granted, Unavailable
from verification.models import Grant, Hold, Opening, Refusal, Spent

ON_POSTGRESQL = connection.vendor == "postgresql"
RAISES = "RAISE EXCEPTION 'no' USING ERRCODE = '{}'; RETURN NEW"
FAULTS = {
    "a trigger fails": RAISES.format("P0001"),
    "the disk is full": RAISES.format("53100"),
    "the server is short of memory": RAISES.format("53200"),
    "a trigger swallows the row": "RETURN NULL",
}
if not ON_POSTGRESQL:
    FAULTS = {
        "a trigger fails": "SELECT RAISE(ABORT, 'no')",
        "a trigger rolls back": "SELECT RAISE(FAIL, 'no')",
        "a trigger swallows the row": "SELECT RAISE(IGNORE)",
    }


def break_log(body: str) -> None:
    """Let something stand before the log's table that was never ours."""
    with connection.cursor() as cursor:
        if ON_POSTGRESQL:
            cursor.execute(f"CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN {body}; END$f$")
            cursor.execute("CREATE TRIGGER a_fault BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION fault()")
        else:
            cursor.execute(f"CREATE TRIGGER a_fault BEFORE INSERT ON audit_entry BEGIN {body}; END")


def done() -> tuple[int, ...]:
    """Count everything that a decision leaves behind."""
    return tuple(model.objects.count() for model in (Entry, Grant, Refusal, Spent, Opening, Hold))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["temporary_hold", "refund_to_account"], ids=["granted", "refused"])
def test_nothing_is_done_and_nobody_is_told_that_it_was(cast: Cast, fault: str, name: str) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    break_log(FAULTS[fault])
    before = done()
    with pytest.raises(Unavailable):
        ask(name, call, cast.agent_aino)
    assert done() == before


def test_an_entry_that_was_swallowed_is_missed_at_once(db: None) -> None:
    break_log(FAULTS["a trigger swallows the row"])
    with pytest.raises(Swallowed):
        write()


def test_the_api_answers_503_and_says_that_nothing_was_done(db: None) -> None:
    cast = gather()
    call = cast.call(at=NOW, claims=cast.antti)
    api = Api(cast, "agent_aino")
    break_log(FAULTS["a trigger fails"])
    before = done()
    answer = api.act(call, "temporary_hold")
    assert answer.status_code == 503
    assert done() == before


if ON_POSTGRESQL:

    def test_a_rule_that_swallows_rows_lets_nothing_happen(cast: Cast) -> None:
        call = cast.call(at=NOW, claims=cast.antti)
        with connection.cursor() as cursor:
            cursor.execute("CREATE RULE swallow AS ON INSERT TO audit_entry DO INSTEAD NOTHING")
        before = done()
        with pytest.raises(Unavailable):
            ask("temporary_hold", call, cast.agent_aino)
        assert done() == before

else:

    def test_a_disk_that_is_really_full_lets_nothing_happen(live_database: str) -> None:
        cast = gather()
        call = cast.call(at=NOW, claims=cast.antti)
        before = done()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA page_count")
            cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
            cursor.fetchall()
        refused = 0
        for turn in range(40):  # until the pages in hand are used up
            try:
                decided = ask("open_case", call, cast.agent_aino, {"questions": f"{turn} " + "a long question " * 60})
            except Unavailable:
                refused += 1
                break
            assert decided is not None
            before = done()
        assert refused == 1
        assert done() == before


@contextlib.contextmanager
def log_locked() -> Iterator[None]:
    """Hold the log against every writer, from a connection of somebody else's."""
    given = connection.settings_dict
    if not ON_POSTGRESQL:
        with contextlib.closing(sqlite3.connect(given["NAME"], isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    login = {"host": given["HOST"], "port": given["PORT"], "user": given["USER"], "dbname": given["NAME"]}
    with psycopg.connect(**login) as other:
        other.execute("LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE")
        yield


def wait_little() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'" if ON_POSTGRESQL else "PRAGMA busy_timeout = 200")


def test_a_locked_log_is_given_up_in_bounded_time_and_nothing_is_done(live_database: str) -> None:
    cast = gather()
    call = cast.call(at=NOW, claims=cast.antti)
    before = done()
    wait_little()
    began = time.monotonic()
    with log_locked(), pytest.raises(Unavailable):
        ask("temporary_hold", call, cast.agent_aino)
    assert time.monotonic() - began < 5, "twice the time that was given, and not for ever"
    assert done() == before
    assert isinstance(ask("temporary_hold", call, cast.agent_aino), Granted)


def test_twice_the_wait_for_a_lock_is_shorter_than_a_provider_waits() -> None:
    if ON_POSTGRESQL:
        options = settings.DATABASES["default"]["OPTIONS"]["options"]
        wait = next(int(part.partition("=")[2]) for part in options.split() if part.startswith("lock_timeout="))
        assert 0 < 2 * wait < 15_000
    else:
        assert 0 < settings.DATABASES["default"]["OPTIONS"]["timeout"] <= 20


@pytest.mark.parametrize("name", ["temporary_hold", "refund_to_account"], ids=["granted", "refused"])
def test_the_gate_refuses_loudly_to_decide_inside_a_callers_transaction(cast: Cast, name: str) -> None:
    """Whatever was decided there could be rolled back with it, a refusal as well."""
    call = cast.call(at=NOW, claims=cast.antti)
    before = done()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        ask(name, call, cast.agent_aino)
    assert done() == before


def test_a_refusal_survives_what_its_caller_does_next(live_database: str) -> None:
    cast = gather()
    call = cast.call(at=NOW, claims=cast.antti)
    refused: list[Any] = []

    def page_that_breaks() -> None:
        refused.append(ask("refund_to_account", call, cast.agent_aino).refusal)
        with transaction.atomic():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        page_that_breaks()
    assert Refusal.objects.get() == refused[0]
    assert Entry.objects.filter(uid=refused[0].entry, kind="gate.refused").exists()
