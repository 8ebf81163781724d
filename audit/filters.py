"""Filters of the auditor's list that ask for an exact value, since a log has too many to choose from."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.facts import CONTACT
from audit.models import Entry


class Typed(admin.SimpleListFilter):
    """Filter by one column's exact value, typed into a field."""

    template = "audit/typed_filter.html"
    others: list[tuple[str, str]] = []

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("", "")]  # a filter without choices would not be drawn

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        self.others = [
            (name, value)
            for name, values in changelist.filter_params.items()
            if name != self.parameter_name
            for value in values
        ]
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        value = (self.value() or "").replace("\0", "").strip()  # which PostgreSQL refuses in a text
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


def typed(column: str, label: str | Promise) -> type[Typed]:
    """Make the filter of one column."""
    return type(f"{column.title()}Filter", (Typed,), {"title": label, "parameter_name": column})


class Before(Typed):
    """Go further back than the list's pages reach, from the number of an entry."""

    title = _("older than entry number")
    parameter_name = "before"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        value = (self.value() or "").strip()
        return queryset.filter(id__lt=int(value)) if value.isdecimal() and len(value) < 19 else queryset


class Contact(Typed):
    """Keep the entries of one contact, by its public number."""

    title = _("contact")
    parameter_name = "contact"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Entry]) -> QuerySet[Entry]:
        value = (self.value() or "").replace("\0", "").strip().lower()
        return queryset.alias(contact=CONTACT).filter(contact=value) if value else queryset


TYPED = (
    typed("kind", _("kind")),
    typed("subject_ref", _("subject")),
    typed("actor", _("actor")),
    typed("outcome", _("outcome")),
    Contact,
    Before,
)
