"""Record what an auditor looks at, and commit it before he sees it: whoever watches is watched himself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest

from audit import words
from audit.log import record
from audit.models import Entry
from audit.naming import codes

PSEUDONYM: Final = re.compile(r"((staff|caller|customer):)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LOG: Final = "log"  # the subject of what is about nobody in particular


@dataclass(frozen=True)
class Auditor:
    """Who looks, in the form the log has him: his pseudonym, his role and his organisation."""

    pseudonym: str
    role: str
    organisation: str

    @classmethod
    def of(cls, request: HttpRequest) -> Auditor:
        """Read it from a request that was let in."""
        user = request.user
        return cls(
            str(getattr(user, "pseudonym", user.pk)),
            str(getattr(user, "role", "")),
            str(getattr(user, "organisation_id", None) or ""),
        )

    @property
    def actor(self) -> str:
        return f"staff:{self.pseudonym}"


def note(
    auditor: Auditor, kind: str, *, at: datetime, purpose: str, facts: Mapping[str, Any], subjects: Iterable[str] = ()
) -> None:
    """Commit one entry for each subject that is looked at; without any, one about the log itself."""
    with transaction.atomic(durable=True):
        for subject in sorted(set(subjects)) or [LOG]:
            record(
                kind=kind, actor=auditor.actor, subject=subject, at=at, outcome="ok", purpose=purpose,
                facts={**facts, "role": auditor.role}, organisation=auditor.organisation,
            )  # fmt: skip


def searched(auditor: Auditor, asked: Mapping[str, str], found: list[Entry], *, at: datetime, **more: Any) -> None:
    """Record a search. What was typed is kept only where it can't be a person's name: the log is not forgetful."""
    told = {name: value if found or _harmless(name, value) else "(not found)" for name, value in asked.items()}
    subject = told.get("subject_ref", "")
    named = [subject] if found and subject else []
    facts = {"asked": told, "shown": len(found), **more}
    note(auditor, "audit.searched", at=at, purpose="An auditor searched the log", facts=facts, subjects=named)


def _harmless(name: str, value: str) -> bool:
    known = {"kind": words.KINDS, "outcome": words.OUTCOMES, "action": codes("action")}.get(name, {})
    return value in known or bool(PSEUDONYM.fullmatch(value))
