"""A broker that is away and a worker that is killed lose nothing and double nothing: what is due stands in a table."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from kombu import pools

from contactcentre.celery import app
from notices.models import Notice
from tests.cast import Cast
from tests.journeys.people import Screen, decisions, dial, last_entry, letters_to, now, open_office, until
from tests.processes import Worker
from tests.services import free_port, redis_program, running, wait_until
from verification.models import Grant, Interaction, Refusal
from visits import escalations
from visits.models import Escalation, Visit

pytestmark = pytest.mark.slow
NEW_HOME = {"street": "Toinen linja 4 B 21", "postal_code": "00530", "town": "Helsinki"}


@dataclass
class Broker:
    """A Redis of this test's own, which can be stopped and started at one address."""

    folder: Path
    port: int = field(default_factory=free_port)
    up: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, with nothing in it."""
        import redis

        log = self.folder / "redis.log"
        command = [redis_program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        process = self.up.enter_context(running(command, signal.SIGTERM, log))

        def answers() -> bool:
            with contextlib.suppress(redis.ConnectionError), redis.Redis(port=self.port) as line:
                return bool(line.ping())
            return False

        wait_until(answers, process, log)

    def stop(self) -> None:
        """Stop it as an operator would who didn't ask."""
        self.up.close()


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live_database: str) -> Iterator[Broker]:
    """Point this process and the workers it starts at a broker of their own, which is up."""
    own = Broker(tmp_path)
    monkeypatch.setenv("REDIS_URL", own.url)
    own.start()
    with publishing_to(own.url):
        yield own
    own.stop()


@contextlib.contextmanager
def publishing_to(url: str) -> Iterator[None]:
    """Send this process's tasks to another broker, on connections of their own."""
    before = app.conf.broker_url
    app.conf.broker_url = url
    forget_connections()
    try:
        yield
    finally:
        app.conf.broker_url = before
        forget_connections()


def forget_connections() -> None:
    pools.reset()
    app._pool = app.amqp._producer_pool = None


def refused_call(cast: Cast) -> tuple[Screen, Interaction, Refusal]:
    """Let Antti be refused by an agent."""
    contact = dial().to_menu(cast.antti).press("0").interaction
    agent = Screen(cast, "agent_aino").takes(contact)
    return agent, contact, agent.is_refused(contact, "change_address", **NEW_HOME)


def test_an_agent_escalates_while_the_broker_is_away(
    live_cast: Cast, broker: Broker, start_worker: Callable[[], Worker]
) -> None:
    open_office(live_cast.organisation)
    agent, contact, refusal = refused_call(live_cast)
    broker.stop()
    before = last_entry()
    answer = agent.asks(contact, "book_visit", refusal=str(refusal.public_id))
    assert answer.status_code == 200
    assert decisions(before) == ["gate.granted"]
    assert Escalation.objects.get().state == Escalation.State.PENDING
    assert not Visit.objects.exists()

    broker.start()
    start_worker()
    app.send_task("visits.tasks.sweep")  # the beat sends it every other second
    visit = until(Visit.objects.first)
    assert visit.refusal == refusal
    until(lambda: letters_to(live_cast.antti, "visit_booked"))
    app.send_task("notices.tasks.sweep")
    until(lambda: not Notice.objects.filter(about="visit_booked").exclude(state=Notice.State.SENT))
    assert Visit.objects.count() == Grant.objects.filter(action="place_visit").count() == 1


@contextlib.contextmanager
def nothing_can_be_placed(url: str) -> Iterator[None]:
    """Hold, from another connection, the row that placing needs (on SQLite the whole database)."""
    if connection.vendor == "sqlite":
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
    else:
        with psycopg.connect(url) as other:
            other.execute("SELECT 1 FROM verification_grant WHERE action = 'book_visit' FOR UPDATE")
            yield
            other.rollback()


def is_at_it(worker: Worker, escalation: Any) -> bool:
    """Tell whether the worker has begun: on PostgreSQL its claim is committed, on SQLite it waits for the database."""
    if connection.vendor == "sqlite":
        return b"visits.tasks.escalate" in worker.log.read_bytes()
    return bool(Escalation.objects.get(pk=escalation.pk).attempts == 1)


def test_a_worker_killed_while_it_escalates_leaves_exactly_one_visit(
    live_cast: Cast, start_worker: Callable[[], Worker]
) -> None:
    open_office(live_cast.organisation)
    agent, contact, refusal = refused_call(live_cast)
    with publishing_to("redis://127.0.0.1:1/0"):  # nobody is there: the worker must not be quicker than the test
        agent.asks(contact, "book_visit", refusal=str(refusal.public_id))
    escalation, worker = Escalation.objects.get(), start_worker()
    with nothing_can_be_placed(os.environ["DATABASE_URL"]):
        app.send_task("visits.tasks.escalate", kwargs={"escalation_id": escalation.pk})
        until(lambda: is_at_it(worker, escalation))
        assert os.getpgid(worker.process.pid)
        worker.kill()
    assert not Visit.objects.exists()

    later = now() + escalations.LEASE + timedelta(seconds=1)
    assert escalations.due(later) == [escalation.pk]
    for _sweep in range(3):
        for due in escalations.due(later):
            escalations.place(due, at=later)
    second = start_worker()
    app.send_task("visits.tasks.escalate", kwargs={"escalation_id": escalation.pk})
    app.send_task("visits.tasks.sweep")
    until(nothing_is_queued)
    second.stop()  # it finishes what it has begun
    assert Visit.objects.count() == Grant.objects.filter(action="place_visit").count() == 1
    assert len(letters_to(live_cast.antti, "visit_booked")) == 1


def nothing_is_queued() -> bool:
    import redis

    with redis.Redis.from_url(os.environ["REDIS_URL"]) as broker:
        return not broker.llen("celery")
