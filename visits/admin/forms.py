"""What a clerk types at the desk."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from verification.evidence import CONFIRMATIONS
from visits import documents
from visits.checklist import PHOTO_TRAITS, Document, Item, Objection
from visits.chips import problem
from visits.identity import WITH_ZONE, Laid
from visits.models import Visit
from visits.mrz import LONGEST_INPUT
from visits.papers import Paper, rule_of
from visits.printed import Printed

MARKS = {  # what a clerk ticks; the rules' own texts tell the customer why a paper is refused
    "damaged": _("The document is damaged"),
    "copy": _("The document is a copy"),
    "mobile": _("The document is on a phone screen"),
    "temporary": _("The document is temporary"),
    "alien": _("The document is an alien's passport or a refugee travel document"),
    "emergency": _("The document is an emergency passport"),
    "former_name": _("The document has the former name"),
}


class NumberForm(forms.Form):
    """The customer number, as it stands on a letter or card of the customer."""

    number = forms.RegexField(
        r"^\d{8}$", label=_("customer number"), widget=forms.TextInput(attrs={"inputmode": "numeric"})
    )


def _day(label: Any, *, required: bool = False) -> forms.DateField:
    return forms.DateField(label=label, required=required, widget=forms.DateInput(attrs={"type": "date"}))


class IdentityForm(forms.Form):
    """The document: what is printed, its zone if it has one, what speaks against it, and the four confirmations."""

    kind = forms.ChoiceField(label=_("document"), required=False)
    number = forms.CharField(
        label=_("number of the document"),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    family_name = forms.CharField(
        label=_("family name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    given_names = forms.CharField(
        label=_("given names"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    birth_date = _day(_("date of birth"))
    expires_on = _day(_("last day of validity"))
    issued_on = _day(_("issued on"))
    issuer = forms.RegexField(r"^[A-Za-z]{3}$", label=_("country that issued it (three letters)"), required=False)
    zone = forms.CharField(
        label=_("machine-readable zone, as it stands on the document"),
        max_length=LONGEST_INPUT,
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 46, "spellcheck": "false", "autocomplete": "off"}),
    )
    traits = forms.MultipleChoiceField(
        label=_("Tick only if one of these is true of the document"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    saw_paper = forms.BooleanField(
        label=_("The document: genuine to eye and touch, whole, and the original."), required=False
    )
    saw_data = forms.BooleanField(label=_("Its data: what is printed is the same as in the zone."), required=False)
    saw_person = forms.BooleanField(label=_("The person: the face is the one in the picture."), required=False)
    saw_matter = forms.BooleanField(
        label=_("The matter: the person knows what he came for, and nobody presses him."), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named, papers = documents.load().traits, documents.load().papers
        zoneless = [(kind, _(paper.at_desk)) for kind, paper in papers.items() if not paper.zone]
        with_zone = (WITH_ZONE, _("Passport or identity card, with a machine-readable zone"))
        self.fields["kind"].choices = [with_zone, *zoneless]  # type: ignore[attr-defined]  # a choice field
        self.fields["traits"].choices = [(code, MARKS[code]) for code in PHOTO_TRAITS if code in named]  # type: ignore[attr-defined]  # a choice field

    def clean(self) -> dict[str, Any]:
        """Ask for the zone where there is one; for its country where there is none."""
        given = super().clean() or self.cleaned_data
        needed = "zone" if given.get("kind", WITH_ZONE) == WITH_ZONE else "issuer"
        if needed not in self.errors and not given.get(needed):
            self.add_error(needed, self.fields[needed].error_messages["required"])
        return given

    @property
    def printed(self) -> list[BoundField]:
        """Give the fields that are read from print, in the order in which they mostly stand there."""
        names = ("number", "family_name", "given_names", "birth_date", "issued_on", "expires_on", "issuer")
        return [self[name] for name in names]

    @property
    def laid(self) -> Laid:
        """Return the document as it was typed."""
        read = self.cleaned_data
        names = ("number", "family_name", "given_names", "birth_date", "expires_on", "issued_on", "issuer")
        return Laid(
            printed=Printed(**{name: read[name] for name in names}),
            zone=read["zone"],
            kind=read["kind"],
            traits=frozenset(read["traits"]),
        )

    @property
    def confirmations(self) -> list[BoundField]:
        """Give the four boxes in the order in which a clerk works."""
        return [self[f"saw_{name}"] for name in ("paper", "data", "person", "matter")]

    @property
    def confirmed(self) -> frozenset[str]:
        return frozenset(name for name in CONFIRMATIONS if self.cleaned_data[f"saw_{name}"])


class CodeForm(forms.Form):
    """The visit code as the customer shows it."""

    code = forms.CharField(
        label=_("visit code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class PaperForm(forms.Form):
    """One paper that a clerk holds: what must be read off it, and his verdict."""

    issuer = forms.RegexField(r"^[A-Za-z]{3}$", label=_("country that issued it (three letters)"), required=False)
    issued_on = forms.DateField(label=_("issued on"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    expires_on = forms.DateField(
        label=_("last day of validity"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    objection = forms.ChoiceField(
        label=_("reason, if it is not accepted"),
        required=False,
        choices=[("", "-"), *((objection.value, objection.text) for objection in Objection)],
    )

    def __init__(self, paper: Paper, rule: Item | None, data: Any = None) -> None:
        super().__init__(data, prefix=f"paper{paper.item.pk}")
        self.code = paper.item.code
        if not paper.dated:
            del self.fields["expires_on"]
        if rule is None or rule.option.max_age_days is None:
            del self.fields["issued_on"]
        if rule is None or rule.option.issuers is None:
            del self.fields["issuer"]

    @classmethod
    def of(cls, visit: Visit, paper: Paper, on: date, data: Any = None) -> PaperForm:
        """Make the form that asks of a paper what its rule judges."""
        return cls(paper, rule_of(paper.item, visit, on=on), data)

    @property
    def document(self) -> Document:
        read = self.cleaned_data
        return Document(
            kind=self.code,
            issuer_country=(read.get("issuer") or "").upper(),
            expires_on=read.get("expires_on"),
            issued_on=read.get("issued_on"),
        )


class OfficeForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """An office, whose chip reader is called by us and so is at an address that is meant."""

    def clean_chip_reader(self) -> str:
        address: str = self.cleaned_data["chip_reader"]
        if problem(address):
            raise forms.ValidationError(_("The reader's address begins with https://, or is on this machine."))
        return address
