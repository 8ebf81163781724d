"""The auditor's list: every entry of his organisation, read only, and the reading itself recorded."""

import json
from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import alarm_admin, filters, words
from audit.listing import OfferedFiltersOnly
from audit.log import Tampered, read, record
from audit.models import Entry

__all__ = ["EntryAdmin", "alarm_admin"]  # each registers itself

ROLES = ("AUDITOR",)
FARTHEST = 5_000  # entries that the pages reach; `older than` goes on from there


class BoundedPaginator(Paginator):
    """Count no further than the pages reach: to count ten million rows takes longer than to read a page."""

    @cached_property
    def count(self) -> int:
        return cast("QuerySet[Entry]", self.object_list)[:FARTHEST].count()


@admin.register(Entry)
class EntryAdmin(OfferedFiltersOnly):
    list_display = ("id", "at", "kind_said", "outcome_said", "actor", "subject_ref")
    list_filter = (*filters.TYPED, ("at", admin.DateFieldListFilter))
    fields = readonly_fields = (
        "id", "at", "uid", "kind_said", "subject_ref", "actor", "outcome_said", "envelope", "personal",
    )  # fmt: skip
    ordering = ("-id",)
    actions = None
    list_per_page = 100
    list_max_show_all = 0
    show_full_result_count = False
    paginator = BoundedPaginator

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the log to auditors only."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return request.user.is_active and getattr(request.user, "role", None) in ROLES

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        """Leave out what other organisations did; an entry of none is nobody's to read here."""
        entries: QuerySet[Entry] = super().get_queryset(request)
        return entries.filter(org=_organisation(request)).exclude(org="")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one entry; when it has a personal payload, commit the Entry of its being read first."""
        entry = self.get_object(request, object_id)
        if entry is not None and entry.payload_ct is not None and self.has_view_permission(request, entry):
            _record_reading(request, entry)
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description=_("kind"), ordering="kind")
    def kind_said(self, entry: Entry) -> str:
        return words.in_words(entry.kind, words.KINDS)

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_said(self, entry: Entry) -> str:
        return words.in_words(entry.outcome, words.OUTCOMES)

    @admin.display(description=_("what was recorded"))
    def envelope(self, entry: Entry) -> SafeString:
        return _pretty(json.loads(bytes(entry.body)))

    @admin.display(description=_("personal data"))
    def personal(self, entry: Entry) -> str:
        try:
            personal = read(entry).personal
        except Tampered:
            return gettext("The stored payload is not the one that was recorded. Report this at once.")
        if personal is None:
            return gettext("none")
        return gettext("erased") if personal == "erased" else _pretty(personal)


def _record_reading(request: HttpRequest, entry: Entry) -> None:
    with transaction.atomic(durable=True):
        record(
            kind="audit.read",
            actor=f"staff:{getattr(request.user, 'pseudonym', request.user.pk)}",
            subject=entry.subject_ref,
            at=timezone.now(),
            outcome="ok",
            purpose="An auditor checked what was recorded",
            facts={"entry": str(entry.uid), "kind": entry.kind, "role": getattr(request.user, "role", "")},
            organisation=entry.org,
        )


def _organisation(request: HttpRequest) -> str:
    return str(getattr(request.user, "organisation_id", None) or "")


def _pretty(document: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(document, indent=2, ensure_ascii=False))
