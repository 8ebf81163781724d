"""What the agent types of whose matter it is: a number or a name, as the caller says it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verification.models import Claim
from verification.numbers import well_formed

PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class NumberForm(forms.Form):
    """A customer number as the caller says it; who speaks for another also says his own."""

    number = forms.CharField(
        label=gettext_lazy("customer number"),
        max_length=20,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "numeric", "size": 12}),
    )
    capacity = forms.ChoiceField(label=gettext_lazy("speaks"), choices=Claim.Capacity.choices)
    own_number = forms.CharField(
        label=gettext_lazy("his own customer number"),
        help_text=gettext_lazy("Only when he speaks for another: whatever he proves, he proves of himself."),
        max_length=20,
        required=False,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "numeric", "size": 12}),
    )

    def clean_number(self) -> str:
        return _number(self.cleaned_data["number"])

    def clean_own_number(self) -> str:
        return _number(self.cleaned_data["own_number"]) if self.cleaned_data["own_number"].strip() else ""

    def clean(self) -> dict[str, Any]:
        """Ask the two numbers to fit what he says of himself; whether they are anybody's is not asked."""
        cleaned = super().clean() or {}
        own, speaks_for_himself = cleaned.get("own_number"), cleaned.get("capacity") == Claim.Capacity.SELF
        if speaks_for_himself and own:
            raise forms.ValidationError({"own_number": _("In his own matter one number is enough. Leave this empty.")})
        if not speaks_for_himself and own == "":
            raise forms.ValidationError({"own_number": _("Ask also for the number of the one who speaks.")})
        if own and own == cleaned.get("number"):
            raise forms.ValidationError({"own_number": _("This is the number of the one he speaks for.")})
        return cleaned


class SpeakerForm(NumberForm):
    """One more who speaks in the contact for the same matter."""

    number = forms.CharField(
        label=gettext_lazy("customer number of the one he speaks for"),
        max_length=20,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "numeric", "size": 12}),
    )
    capacity = forms.ChoiceField(
        label=gettext_lazy("speaks"), choices=[one for one in Claim.Capacity.choices if one[0] != Claim.Capacity.SELF]
    )


def _number(typed: str) -> str:
    number = "".join(typed.split())
    if not well_formed(number):
        raise forms.ValidationError(
            _("A customer number has eight digits, and the last one checks the others. Ask for it once more.")
        )
    return number


class NameForm(forms.Form):
    """A name as the caller says it, in his own matter: who speaks for another says two numbers."""

    given_names = forms.CharField(label=gettext_lazy("given names"), max_length=120, widget=forms.TextInput(PLAIN))
    family_name = forms.CharField(
        label=gettext_lazy("family name or company"), max_length=120, widget=forms.TextInput(PLAIN)
    )
    capacity = forms.ChoiceField(
        choices=[(Claim.Capacity.SELF.value, Claim.Capacity.SELF.label)],
        initial=Claim.Capacity.SELF.value,
        widget=forms.HiddenInput(),
    )
