"""Files that wait for a second person: kept sealed, carried in once, and emptied when it is done."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _

from audit import keys
from audit.log import record
from verification.models import Batch, Staff


class BadFile(ValueError):
    """Say what is wrong with the file, row by row; nothing was stored."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems[:5]))
        self.problems = problems


def prepare(action: str, content: bytes, *, rows: int, purpose: str, by: Staff, at: datetime) -> Batch:
    """Store a checked file for a second person to approve."""
    with transaction.atomic():
        batch = Batch(organisation_id=by.organisation_id, action=action, rows=rows, prepared_by=by, prepared_at=at)
        batch.digest = sha256(content).hexdigest()
        batch.sealed_content = keys.seal(content, context=_context(batch))
        batch.save(force_insert=True)
        record(
            kind="batch.prepared", actor=by.actor, subject=f"batch:{batch.public_id}", at=at, outcome="ok",
            purpose=purpose, organisation=str(by.organisation_id),
            facts={"action": action, "rows": rows, "digest": batch.digest},
        )  # fmt: skip
        return batch


def content(batch: Batch) -> bytes:
    """Return the file as it was prepared. Raises BadFile when it is another one, or is kept no longer."""
    if not batch.sealed_content:
        raise BadFile([_("The file is kept no longer.")])
    found = keys.unseal(bytes(batch.sealed_content), context=_context(batch))
    if sha256(found).hexdigest() != batch.digest:
        raise BadFile([_("The file is not the one that was previewed.")])
    return found


def done(batch: Batch, *, by: Staff, at: datetime) -> None:
    """Note who approved it, and keep the file no longer: what it brought stands in the record now."""
    batch.approved_by, batch.approved_at, batch.sealed_content = by, at, b""
    batch.save(update_fields=["approved_by", "approved_at", "sealed_content"])


def _context(batch: Batch) -> str:
    return f"batch:{batch.public_id}"
