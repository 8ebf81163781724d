"""What the agent types of whose matter it is: a number or a name, as the caller says it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verification.models import Claim
from verification.numbers import well_formed

PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class NumberForm(forms.Form):
    """A customer number as the caller says it."""

    number = forms.CharField(
        label=gettext_lazy("customer number"),
        max_length=20,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "numeric", "size": 12}),
    )
    capacity = forms.ChoiceField(label=gettext_lazy("speaks"), choices=Claim.Capacity.choices)

    def clean_number(self) -> str:
        number = "".join(self.cleaned_data["number"].split())
        if not well_formed(number):
            raise forms.ValidationError(
                _("A customer number has eight digits, and the last one checks the others. Ask for it once more.")
            )
        return number


class NameForm(forms.Form):
    """A name as the caller says it."""

    given_names = forms.CharField(label=gettext_lazy("given names"), max_length=120, widget=forms.TextInput(PLAIN))
    family_name = forms.CharField(
        label=gettext_lazy("family name or company"), max_length=120, widget=forms.TextInput(PLAIN)
    )
    capacity = forms.ChoiceField(label=gettext_lazy("speaks"), choices=Claim.Capacity.choices)
