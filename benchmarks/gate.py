"""Attempts at the gate, beside a like row saved bare and saved under the two rivals' histories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from benchmarks.measuring import Operation, Variant
from benchmarks.models import Bare, Held, WithAuditlog, WithSimpleHistory
from benchmarks.world import World
from verification import telling
from verification.gate import Granted, Live, Refused, attempt
from verification.models import Interaction, Staff, Telling

ADDRESS = {"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"}
RIVALS: dict[str, type[Held]] = {
    "bare save": Bare,
    "django-simple-history": WithSimpleHistory,
    "django-auditlog": WithAuditlog,
}


def variants(world: World, slices: int) -> list[Variant]:
    """Return what to compare: the rivals insert and update one row of a hold's shape, ours are whole attempts."""
    inserts = [Variant(f"{name}, insert", partial(_inserts, world, kind), 3 * slices) for name, kind in RIVALS.items()]
    updates = [Variant(f"{name}, update", partial(_updates, world, kind), 3 * slices) for name, kind in RIVALS.items()]
    return [
        *inserts,
        *updates,
        Variant("granted: open_case, one question", partial(_attempts, cases, world), slices),
        Variant("granted: temporary_hold, its telling queued", partial(_attempts, hold, world), slices),
        Variant("afterwards: one telling, two notices", partial(_attempts, told, world), slices),
        Variant("refused: change_address at NONE", partial(_attempts, refusal, world), slices),
    ]


def hold(world: World) -> Operation:
    """Return a hold that will be granted: one guarded row, and a note that the recorded contacts are to be told."""
    contact = world.contact(world.next_customer("hold"))
    return partial(_ask, Granted, "temporary_hold", contact, world.agent, {})


def told(world: World) -> Operation:
    """Return the telling of a hold that was granted, as the worker does it: both recorded contacts are written to."""
    contact = world.contact(world.next_customer("told"))
    _ask(Granted, "temporary_hold", contact, world.agent, {})
    noted = Telling.objects.get(grant__interaction=contact)
    return partial(telling.carry_out, noted.pk, at=timezone.now())


def cases(world: World) -> Operation:
    """Return a case that will be opened with one question: two guarded rows, nobody is told."""
    contact = world.contact(world.next_customer("case"))
    return partial(_ask, Granted, "open_case", contact, world.agent, {"questions": "Where is my refund?"})


def refusal(world: World) -> Operation:
    """Return a change of address that will be refused and parked."""
    contact = world.contact(world.next_customer("refusal"))
    return partial(_ask, Refused, "change_address", contact, world.agent, ADDRESS)


def _attempts(kind: Any, world: World, count: int) -> Sequence[Operation]:
    return [kind(world) for _ in range(count)]


def _ask(expected: type, name: str, contact: Interaction, by: Staff, parameters: dict[str, Any]) -> None:
    """Ask as a page of the admin does, under a key that makes a second click harmless."""
    at = timezone.now()
    key = f"form:{contact.public_id}"
    decision = attempt(name, origin=Live(contact.public_id, by), parameters=parameters, at=at, key=key)
    if not isinstance(decision, expected):
        raise SystemExit(f"{name}: {decision}")


def _inserts(world: World, kind: type[Held], count: int) -> Sequence[Operation]:
    return [partial(_save, _row(world, kind, timezone.now())) for _ in range(count)]


def _updates(world: World, kind: type[Held], count: int) -> Sequence[Operation]:
    rows = [_row(world, kind, timezone.now()) for _ in range(min(count, 50))]
    for row in rows:
        row.save()
    return [partial(_lengthen, rows[place % len(rows)]) for place in range(count)]


def _row(world: World, kind: type[Held], at: datetime) -> Held:
    return kind(customer=world.next_customer("save"), kind="TEMPORARY", held_at=at, until=at + timedelta(hours=48))


def _save(row: Held) -> None:
    with transaction.atomic(durable=True):
        row.save()


def _lengthen(row: Held) -> None:
    row.until = (row.until or row.held_at) + timedelta(minutes=1)
    _save(row)
