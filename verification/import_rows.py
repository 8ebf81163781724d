"""What one row of an import file may hold, checked by forms before anybody is asked to approve it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from verification.keypad import LIST_LENGTH
from verification.models import ContactChange, Customer
from verification.numbers import IDENTITY_CODE, good_identity_code, well_formed


class RowForm(forms.Form):
    """One customer. Contacts, codes and the key of a code app are checked beside it."""

    number = forms.CharField(max_length=8)
    kind = forms.ChoiceField(choices=Customer.Kind.choices, required=False)
    family_name = forms.CharField(max_length=120)
    given_names = forms.CharField(max_length=120, required=False)
    birth_date = forms.DateField(input_formats=["%Y-%m-%d"], required=False)
    joined_on = forms.DateField(input_formats=["%Y-%m-%d"])
    language = forms.ChoiceField(choices=Customer.Language.choices, required=False)
    account = forms.RegexField(r"^[A-Z]{2}[0-9A-Z]{10,32}$", required=False)
    identity_code = forms.RegexField(IDENTITY_CODE, required=False)
    needs_guardian = forms.BooleanField(required=False)
    frozen = forms.BooleanField(required=False)
    totp = forms.RegexField(r"^([0-9a-fA-F]{2}){14,64}$", required=False)  # 63B 3.1.4: at least 112 bits

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"]
        if not well_formed(number):
            raise ValidationError(_("The customer number is not eight digits with a check digit."))
        return number

    def clean_identity_code(self) -> str:
        code: str = self.cleaned_data["identity_code"]
        if code and not good_identity_code(code):
            raise ValidationError(_("The check character of the personal identity code is wrong."))
        return code


class ContactForm(forms.Form):
    """One contact point of a customer."""

    kind = forms.ChoiceField(choices=ContactChange.Kind.choices)
    value = forms.CharField(max_length=255)
    recorded_at = forms.DateTimeField(required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a telephone number that cannot be dialled: a notice to it would be lost unheard."""
        cleaned = super().clean() or {}
        if cleaned.get("kind") == ContactChange.Kind.PHONE and not _can_be_dialled(cleaned.get("value", "")):
            raise ValidationError({"value": _("The number is not in the international form, as in +358401234567.")})
        return cleaned

    def clean_recorded_at(self) -> Any:
        recorded_at = self.cleaned_data["recorded_at"]
        return recorded_at.astimezone(UTC) if recorded_at else None


def _can_be_dialled(number: str) -> bool:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return phonenumbers.is_possible_number(parsed) and written == number


def problems(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return what is wrong with the rows, each sentence naming the row and its field; nothing of what a row holds."""
    found: list[str] = []
    seen: set[str] = set()
    for place, row in enumerate(rows, 1):
        found += [_("row %(row)d: %(fault)s") % {"row": place, "fault": fault} for fault in _row_faults(row)]
        number = str(row.get("number"))
        if number in seen:
            fault = _("number: stands in the file twice")
            found.append(_("row %(row)d: %(fault)s") % {"row": place, "fault": fault})
        seen.add(number)
    return found


def _row_faults(row: dict[str, Any]) -> list[str]:
    plain = {name: value for name, value in row.items() if name not in ("contacts", "codes")}
    faults = [_("%(field)s: no such field") % {"field": name} for name in plain if name not in RowForm.base_fields]
    faults += [
        _("%(field)s: is not text") % {"field": name}
        for name, value in plain.items()
        if not isinstance(value, (str, bool, type(None)))
    ]
    faults += _form_faults(RowForm(plain))
    codes, contacts = row.get("codes") or [], row.get("contacts") or []
    if not isinstance(codes, list) or len(codes) > LIST_LENGTH or any(not _is_code(code) for code in codes):
        faults.append(_("codes: a list of at most %(most)d texts of six digits") % {"most": LIST_LENGTH})
    if not isinstance(contacts, list) or any(not isinstance(contact, dict) for contact in contacts):
        return [*faults, _("contacts: a list of objects")]
    return faults + [f"contacts: {fault}" for contact in contacts for fault in _form_faults(ContactForm(contact))]


def _is_code(code: object) -> bool:
    return isinstance(code, str) and len(code) == 6 and code.isascii() and code.isdigit()


def _form_faults(form: forms.Form) -> list[str]:
    return [f"{name}: {message}" for name, messages in form.errors.items() for message in messages]
