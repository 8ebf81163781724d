"""Who acts for whom, as it comes in beside the customers of an import: `"mandates": [{"principal", "representative",
"kind", "actions", "most", "needed", "group", "until", "evidence"}]`.

Only for customers who come in by the same file: an import changes nobody's record, and gives nobody a voice in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from verification import mandates
from verification.authority import minor
from verification.declarations import OWN_MATTER, declared
from verification.models import Customer, Mandate
from verification.numbers import well_formed


class MandateRowForm(forms.Form):
    """One right to act. `group` names in this file those who act together, `needed` how many of them it takes."""

    principal = forms.CharField(max_length=8)
    representative = forms.CharField(max_length=8)
    kind = forms.ChoiceField(choices=Mandate.Kind.choices)
    most = forms.IntegerField(min_value=1, max_value=100_000_000, required=False)
    needed = forms.IntegerField(min_value=1, max_value=9, required=False)
    group = forms.CharField(max_length=40, required=False)
    until = forms.DateField(input_formats=["%Y-%m-%d"], required=False)
    evidence = forms.CharField(min_length=3, max_length=200)

    def clean(self) -> dict[str, Any]:
        """Refuse numbers that can't be, and a mandate to oneself."""
        cleaned = super().clean() or {}
        numbers = [cleaned.get(name, "") for name in ("principal", "representative")]
        if any(number and not well_formed(number) for number in numbers):
            raise ValidationError(_("The customer number is not eight digits with a check digit."))
        if numbers[0] == numbers[1]:
            raise ValidationError(_("Nobody acts for another who is himself."))
        return cleaned


def problems(rows: Iterable[Any]) -> list[str]:
    """Return what is wrong with the rows, each sentence naming the row and its field; nothing of what a row holds."""
    found: list[str] = []
    for place, row in enumerate(rows, 1):
        faults = _faults(row) if isinstance(row, dict) else [_("is no object")]
        found += [_("mandate %(row)d: %(fault)s") % {"row": place, "fault": fault} for fault in faults]
    return found


def _faults(row: dict[str, Any]) -> list[str]:
    plain = {name: value for name, value in row.items() if name != "actions"}
    faults = [
        _("%(field)s: no such field") % {"field": name} for name in plain if name not in MandateRowForm.base_fields
    ]
    form = MandateRowForm({name: value for name, value in plain.items() if isinstance(value, (str, int))})
    faults += [f"{name}: {message}" for name, messages in form.errors.items() for message in messages]
    actions = row.get("actions") or []
    if not isinstance(actions, list) or not all(_may_be_given(name) for name in actions):
        faults.append(_("actions: a list of actions in a customer's own matter"))
    if row.get("kind") == Mandate.Kind.MANDATE and not actions:
        faults.append(_("actions: a mandate names its matters; there are no general ones"))
    return faults


def _may_be_given(name: object) -> bool:
    action = declared(name) if isinstance(name, str) else None
    return action is not None and action.origin == "live" and action.scope == OWN_MATTER


def bring(rows: list[dict[str, Any]], fresh: set[str], *, at: datetime) -> int:
    """Write the rights of those who came in now, inside the gate. Returns how many. Raises mandates.NotFit."""
    groups: dict[str, UUID] = {}
    coming = [row for row in rows if row["principal"] in fresh]
    for row in coming:
        _give(row, groups.setdefault(row.get("group") or uuid4().hex, uuid4()), at)
    return len(coming)


def _give(row: dict[str, Any], group: UUID, at: datetime) -> None:
    principal = Customer.objects.get(number=row["principal"])
    if row["kind"] == Mandate.Kind.GUARDIAN and not _may_need_one(principal, at):
        raise mandates.NotFit  # a parent of somebody who has grown up
    until = date.fromisoformat(row["until"]) if row.get("until") else None
    mandates.give(
        row["kind"],
        principal=principal,
        to=mandates.representative(row["representative"], principal, at),
        terms=mandates.Terms(row.get("actions") or (), row.get("most"), None, until),
        evidence=row["evidence"],
        at=at,
        group=group,
        needed=row.get("needed") or 1,
    )


def _may_need_one(principal: Customer, at: datetime) -> bool:
    """Tell whether he can have a guardian: of whom it isn't known how old he is, two people have said that he has."""
    return principal.needs_guardian or principal.birth_date is None or minor(principal, at)
