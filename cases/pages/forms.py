"""The declared form of an action as a person at a screen fills it in: lists instead of ids, euros instead of cents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from verification.declarations import Declaration, all_declared
from verification.models import Interaction, Refusal
from visits.models import Office

MONEY_FIELDS = {"amount": gettext_lazy("amount in euros"), "most": gettext_lazy("at most in euros, each time")}
MONEY = re.compile(r"\d{1,7}(?:[.,]\d{1,2})?")


def filled(
    action: Declaration,
    contact: Interaction,
    *,
    typed: QueryDict | None = None,
    initial: Mapping[str, Any] | None = None,
) -> forms.Form:
    """Return the action's form, empty or with everything that was typed, made fit for the screen."""
    form = action.form(typed, initial=dict(initial or {}))
    for name, field in form.fields.items():
        if name == "refusal" or (name == "action" and form.initial.get("refusal")):
            field.widget = forms.HiddenInput()
        elif name in _LISTS:
            _offer(field, _LISTS[name](contact))
        elif name in MONEY_FIELDS:
            field.label = MONEY_FIELDS[name]
            field.widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "size": 10})
    return form


def raw(action: Declaration, typed: QueryDict) -> dict[str, Any]:
    """Return the parameters for the gate as they were typed; only euros become cents."""
    parameters: dict[str, Any] = {}
    for name, field in action.form.base_fields.items():
        if isinstance(field, forms.MultipleChoiceField):
            parameters[name] = typed.getlist(name)
        elif name in typed and (typed[name] or field.required):
            parameters[name] = cents(str(typed[name])) if name in MONEY_FIELDS else typed[name]
    return parameters


def cents(text: str) -> str:
    """Return an amount of euros as cents ("12,50" becomes "1250"); what is no amount stays as it was typed."""
    written = text.strip().removesuffix("€").strip()
    if not MONEY.fullmatch(written):
        return f"{text} ?"  # never let "12.505" or a bare word pass for cents
    return str(int(Decimal(written.replace(",", ".")) * 100))


def _offer(field: forms.Field, choices: list[tuple[str, str]]) -> None:
    field.widget = forms.Select(choices=[("", _("choose")), *choices])


def _open_cases(contact: Interaction) -> list[tuple[str, str]]:
    found = Case.objects.filter(interaction=contact, closing__isnull=True).prefetch_related("questions")
    return [
        (str(case.public_id), "; ".join(question.text for question in case.questions.all())[:120]) for case in found
    ]


def _open_questions(contact: Interaction) -> list[tuple[str, str]]:
    cases = Case.objects.filter(interaction=contact, closing__isnull=True)
    return [(str(each.public_id), each.text[:120]) for case in cases for each in case.unanswered()]


def _offices(contact: Interaction) -> list[tuple[str, str]]:
    found = Office.objects.filter(organisation_id=contact.organisation_id).order_by("name")
    return [(str(office.public_id), str(office)) for office in found]


def _errands(_contact: Interaction) -> list[tuple[str, str]]:
    return [(each.name, str(each.label)) for each in all_declared() if each.origin == "live" and each.needs_claim]


_LISTS = {"case": _open_cases, "question": _open_questions, "office": _offices, "action": _errands}


def latest_refusal(contact: Interaction) -> Refusal | None:
    """Return the newest refusal of a contact: what a visit would answer when nobody says which."""
    return Refusal.objects.filter(interaction=contact).exclude(action="book_visit").order_by("-decided_at").first()
