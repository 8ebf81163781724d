"""Those who act for others: brought in by an import as the organisation does it, and heard in contacts of their own."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from django.db import transaction

from tests.cast import NOW, PASSPORT, Cast, Person, _row, number
from verification import evidence
from verification.claims import claim_number, join
from verification.evidence import CONFIRMATIONS, see_identity_list, see_second_clerk
from verification.gate import Granted, OfBatch, attempt
from verification.imports import prepare
from verification.interactions import open_by_staff
from verification.models import Claim, Customer, Interaction
from verification.scene import claims_of_all

_next = count(1000101)


def right(representative: Person, kind: str, **terms: Any) -> dict[str, Any]:
    """Return one row of an import's mandates; the principal is filled in by who comes in with it."""
    matters = {"actions": ["change_address"]} if kind == "MANDATE" else {}
    return {"representative": representative.number, "kind": kind, "evidence": "REGISTER: a test"} | matters | terms


def comes_in(cast: Cast, family: str, given: str, *rights: dict[str, Any], at: datetime = NOW, **more: Any) -> Person:
    """Bring a customer in with those who may act for him: one person prepares, another approves."""
    seven = next(_next)
    row = _row(seven, family, given, totp=f"a key of {seven}, 20 b.".encode().hex()) | more
    rights = tuple(one | {"principal": row["number"]} for one in rights)
    file = json.dumps({"customers": [row], "mandates": rights}).encode()
    batch = prepare(file, by=cast.administrator, at=at)
    decided = attempt("import_customers", origin=OfBatch(batch.public_id, cast.administrator2), parameters={}, at=at)
    assert isinstance(decided, Granted), decided
    assert decided.result["mandates"] == len(rights)
    return Person(Customer.objects.get(number=number(seven)), bytes.fromhex(row.get("totp") or ""))


def child(cast: Cast, *rights: dict[str, Any], born: str = "2012-05-14", **more: Any) -> Person:
    """Bring a child in; by default one who is thirteen at NOW."""
    return comes_in(cast, "Huoltaja", "Pikku", *rights, birth_date=born, **more)


def company(cast: Cast, *rights: dict[str, Any], **more: Any) -> Person:
    """Bring a company in."""
    return comes_in(cast, "Yhdessä Oy", "", *rights, kind="COMPANY", birth_date=None, **more)


def says(
    contact: Interaction,
    cast: Cast,
    whom: Person | str,
    *,
    capacity: str = "GUARDIAN",
    who: Person | str = "",
    at: datetime = NOW,
    speaker: UUID | None = None,
) -> Claim:
    """Have the staff note for whom a speaker speaks, and who he is himself."""
    for_whom, own = (one.number if isinstance(one, Person) else one for one in (whom, who))
    by = Interaction.objects.get(pk=contact.pk).served_by
    return claim_number(
        contact.public_id, for_whom, capacity=capacity, source="STAFF", by=by, at=at, own_number=own, speaker=speaker
    )


def proves(contact: Interaction, *, at: datetime = NOW, kind: str = "E_ID_SUBSTANTIAL", **more: Any) -> None:
    """Note a strong login under the newest claim of the contact."""
    newest = max(claims_of_all(contact), key=lambda claim: claim.pk)
    with transaction.atomic():
        evidence.note(newest, kind, at=at, by=None, **more)


def speaks_for(
    cast: Cast, whom: Person, who: Person, capacity: str, *, at: datetime = NOW, kind: str = "E_ID_SUBSTANTIAL"
) -> Interaction:
    """Open a call in which one speaks for another, having proven himself."""
    call = cast.call(at=at)
    says(call, cast, whom, capacity=capacity, who=who, at=at)
    if kind:
        proves(call, at=at, kind=kind)
    return call


def joins(
    contact: Interaction, cast: Cast, whom: Person, who: Person, capacity: str, *, at: datetime = NOW, **more: Any
) -> None:
    """Have a second one heard in the contact, who proves himself too unless `kind` is ""."""
    kind = more.pop("kind", "E_ID_SUBSTANTIAL")
    by = Interaction.objects.get(pk=contact.pk).served_by
    assert by is not None
    speaker = join(contact.public_id, label="second", by=by, at=at)
    says(contact, cast, whom, capacity=capacity, who=who, at=at, speaker=speaker.public_id)
    if kind:
        proves(contact, at=at, kind=kind, **more)


def at_desk(
    cast: Cast, whom: Person, who: Person, capacity: str, *, at: datetime = NOW, high: bool = True
) -> Interaction:
    """Open a contact at Kalle's desk for another, where the one who speaks has shown his own papers."""
    opened = open_by_staff(cast.clerk_kalle, channel="DESK", language="fi", at=at)
    says(opened, cast, whom, capacity=capacity, who=who, at=at)
    see_identity_list(opened.public_id, by=cast.clerk_kalle, confirmed=CONFIRMATIONS, document=PASSPORT, at=at)
    if high:
        see_second_clerk(opened.public_id, by=cast.clerk_kerttu, at=at)
    return Interaction.objects.get(pk=opened.pk)
