"""What stands in the way of an action before the gate is asked: words for its form, never instead of the gate."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from cases.models import Case
from verification.declarations import Declaration
from verification.models import Interaction, Staff
from verification.preview import needs


def missing(action: Declaration, contact: Interaction, *, by: Staff, at: datetime) -> str:
    """Say what the gate would miss, "" when nothing is known to be missing."""
    return next((each.text for each in needs(contact, by=by, at=at) if each.action.name == action.name), "")


def nothing_open(action: Declaration, contact: Interaction) -> str:
    """Say that a list of this form would be empty, "" when it is not, or when the form has none."""
    cases = Case.objects.filter(interaction=contact, closing__isnull=True)
    if action.name == "close_case" and not cases.exists():
        return _("There is no open case in this contact. Open a case first.")
    if action.name == "answer_question" and not any(case.unanswered().exists() for case in cases):
        return _("There is no open question in this contact. Open a case first.")
    return ""


def obstacle(action: Declaration, contact: Interaction, typed: QueryDict) -> str:
    """Say why a form as it was sent cannot be asked of the gate yet, "" when it can.

    Only of cases of this contact: of any other the gate decides, and its refusal stands in the log.
    """
    if action.name != "close_case" or not (chosen := _uuid(typed.get("case", ""))):
        return "" if typed.get("case") or typed.get("question") else nothing_open(action, contact)
    case = Case.objects.filter(interaction=contact, public_id=chosen, closing__isnull=True).first()
    if case is not None and case.unanswered().exists():
        return _("Answer first every question, or note the reason why it is not answered.")
    return ""


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
