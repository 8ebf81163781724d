"""Customers from a file: prepared by one person, previewed, approved by another, carried in through the gate.

The file is JSON: `{"customers": [{"number", "family_name", "given_names", "birth_date", "language", "account", "kind",
"needs_guardian", "joined_on", "contacts": [{"kind", "value", "recorded_at"}], "totp": "<hex key>",
"codes": ["123456", ...], "frozen": bool}], "mandates": [...]}`. Codes and keys are hashed or sealed before anything is
stored; who acts for whom is told in verification.import_mandates.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import Any

from django.utils.translation import gettext as _

from audit import keys
from verification import batches, import_mandates
from verification.batches import BadFile
from verification.import_rows import problems
from verification.keypad import hash_code
from verification.models import Authenticator, Batch, ContactChange, Customer, Hold, ListCode, Staff
from verification.numbers import born_of, identity_mark
from verification.policy import current


def prepare(content: bytes, *, by: Staff, at: datetime) -> Batch:
    """Store a checked file, sealed, for a second person to approve. Raises BadFile."""
    rows, rights = _rows(content), _rights(content)
    if faults := problems(rows) + import_mandates.problems(rights):
        raise BadFile(faults)
    purpose = "bring customers in from another system"
    return batches.prepare("import_customers", content, rows=len(rows), purpose=purpose, by=by, at=at)


def preview(batch: Batch) -> dict[str, int]:
    """Return what the file holds, in numbers.

    The approver sees no record that no caller has opened, nor which numbers are known: a file of one row would tell.
    """
    content = batches.content(batch)
    rows = _rows(content)
    return {
        "rows": len(rows),
        "contacts": sum(len(row.get("contacts") or []) for row in rows),
        "authenticators": sum(bool(row.get("totp")) + bool(row.get("codes")) for row in rows),
        "frozen": sum(bool(row.get("frozen")) for row in rows),
        "mandates": len(_rights(content)),
    }


def carry_in(batch: Batch, *, by: Staff, at: datetime) -> dict[str, Any]:
    """Write the batch's customers, inside the gate.

    Known numbers are left as they are: an import changes nobody's record.
    """
    content = batches.content(batch)
    rows = _rows(content)
    known = set(Customer.objects.filter(number__in=[row["number"] for row in rows]).values_list("number", flat=True))
    fresh = [row for row in rows if row["number"] not in known]
    for row in fresh:
        _bring(row, batch, at)
    rights = import_mandates.bring(_rights(content), {row["number"] for row in fresh}, at=at)
    batches.done(batch, by=by, at=at)
    return {"brought_in": len(fresh), "left_alone": len(rows) - len(fresh), "mandates": rights}


def _rows(content: bytes) -> list[dict[str, Any]]:
    try:
        rows = json.loads(content)["customers"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile([_("The file is not JSON of the form {'customers': [...]}.")]) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadFile([_("'customers' must be a list of objects.")])
    return rows


def _rights(content: bytes) -> list[Any]:
    rights = json.loads(content).get("mandates") or []
    if not isinstance(rights, list):
        raise BadFile([_("'mandates' must be a list of objects.")])
    return rights


def _born(row: dict[str, Any]) -> date | None:
    """Return the birth date: as the row has it, else the one that his identity code bears."""
    if row.get("birth_date"):
        return date.fromisoformat(row["birth_date"])
    return born_of(row.get("identity_code") or "")


def _bring(row: dict[str, Any], batch: Batch, at: datetime) -> None:
    customer = Customer.objects.create(
        organisation_id=batch.organisation_id,
        number=row["number"],
        kind=row.get("kind") or Customer.Kind.PERSON,
        family_name=row["family_name"],
        given_names=row.get("given_names") or "",
        birth_date=_born(row),
        language=row.get("language") or "fi",
        account=row.get("account") or "",
        identity_mark=identity_mark(row["identity_code"]) if row.get("identity_code") else "",
        needs_guardian=bool(row.get("needs_guardian")),
        joined_on=date.fromisoformat(row["joined_on"]),
    )
    # Made now: if the first entry about him made it, a first wrong code would take longer for a real number.
    keys.subject_key(str(customer.pseudonym), at=at)
    for contact in row.get("contacts") or []:
        _contact(customer, contact, at)
    if row.get("totp"):
        _authenticator(customer, Authenticator.Kind.TOTP, at, secret=bytes.fromhex(row["totp"]))
    if row.get("codes"):
        codes = _authenticator(customer, Authenticator.Kind.CODE_LIST, at)
        ListCode.objects.bulk_create(
            ListCode(authenticator=codes, customer=customer, index=index, hashed=hash_code(code))
            for index, code in enumerate(row["codes"], 1)
        )
    if row.get("frozen"):
        Hold.objects.create(customer=customer, kind=Hold.Kind.LASTING, held_at=at)


def _contact(customer: Customer, contact: dict[str, str], at: datetime) -> None:
    """Record a contact since the day that the other system says; one changed lately is quarantined here too."""
    since = min(datetime.fromisoformat(contact["recorded_at"]), at) if contact.get("recorded_at") else at
    ContactChange.objects.create(
        customer=customer,
        kind=contact["kind"],
        value=contact["value"][:255],
        recorded_at=since,
        effective_at=since,
        quarantined_until=since + current().quarantine,
    )


def _authenticator(customer: Customer, kind: str, at: datetime, *, secret: bytes = b"") -> Authenticator:
    sealed = keys.seal(secret, context="totp") if secret else b""
    return Authenticator.objects.create(
        customer=customer, kind=kind, sealed_secret=sealed, enrolled_at=at, effective_at=min(_since(customer), at)
    )


def _since(customer: Customer) -> datetime:
    """Return when he became a customer: what he has been given since then has been his since then."""
    return datetime.combine(customer.joined_on, time(), UTC)
