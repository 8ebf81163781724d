"""The outbox as staff see it: that a message was sent, about what and when. What it said is read in the demo only.

A message may hold a visit code, a link or an unmasked contact: who reads those and also serves customers could prove
himself to be any of them. So outside the demo nobody reads a text here, and those who serve don't see the list either:
that a row appears would tell them whether a number that they have just typed belongs to somebody.
"""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import looks
from audit.keys import Unreadable
from audit.listing import OfferedFiltersOnly
from audit.log import record
from notices import words
from notices.models import Notice

ROLES = ("AUDITOR", "ADMINISTRATOR")
DEMO_ROLES = (*ROLES, "SUPERVISOR", "AGENT", "CLERK")

looks.register("notice.read", _("A message that we sent to you was checked."))


@admin.register(Notice)
class NoticeAdmin(OfferedFiltersOnly):
    list_display = ("created_at", "channel", "about_said", "state", "attempts", "due_at", "sent_at")
    list_filter = ("state", "channel", "language", ("created_at", admin.DateFieldListFilter))
    search_fields = ("=public_id", "=subject")
    search_help_text = _("The message or its recipient's pseudonym, in full")
    ordering = ("-id",)
    actions = None
    list_max_show_all = 0
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the outbox to those who answer for it, and in the demo to everybody."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return request.user.is_active and _role(request) in (DEMO_ROLES if settings.DEMO else ROLES)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        """Leave out what other organisations sent."""
        mine = str(getattr(request.user, "organisation_id", None) or "")
        sent: QuerySet[Notice] = super().get_queryset(request)
        return sent.filter(organisation=mine).exclude(organisation="")

    def get_fields(self, request: HttpRequest, obj: Notice | None = None) -> list[Any]:
        """Show address, title and text in the demo; elsewhere a mask of the address."""
        shown = ["address", "language", "title", "text"] if settings.DEMO else ["recipient", "language"]
        head, tail = ["public_id", "subject", "channel"], ["about_said", "created_at", "due_at", "state"]
        return [*head, *shown, *tail, "attempts", "last_error", "sent_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Notice | None = None) -> list[Any]:
        return self.get_fields(request, obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one message; when its text is shown, commit the Entry of its being read first."""
        notice = self.get_object(request, object_id)
        if notice is not None and self.has_view_permission(request, notice) and settings.DEMO:
            _record_reading(request, notice)
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description=_("about"), ordering="about")
    def about_said(self, notice: Notice) -> str:
        return words.about(notice.about)

    @admin.display(description=_("address"))
    def recipient(self, notice: Notice) -> str:
        return _shown(notice, "masked_address")

    @admin.display(description=_("address"))
    def address(self, notice: Notice) -> str:
        return _shown(notice, "address")

    @admin.display(description=_("title"))
    def title(self, notice: Notice) -> str:
        return _shown(notice, "title")

    @admin.display(description=_("text"))
    def text(self, notice: Notice) -> str:
        return (
            gettext("for the recipient's eyes only") if notice.about in words.FOR_HIS_EYES else _shown(notice, "text")
        )


def _shown(notice: Notice, part: str) -> str:
    try:
        return str(getattr(notice.opened(), part))
    except Unreadable:
        return gettext("erased")


def _role(request: HttpRequest) -> str:
    return str(getattr(request.user, "role", ""))


def _record_reading(request: HttpRequest, notice: Notice) -> None:
    with transaction.atomic(durable=True):
        record(
            kind="notice.read",
            actor=f"staff:{getattr(request.user, 'pseudonym', request.user.pk)}",
            subject=notice.subject,
            at=timezone.now(),
            outcome="ok",
            purpose="A message that was sent to you was checked",
            facts={"notice": str(notice.public_id), "about": notice.about, "role": getattr(request.user, "role", "")},
            organisation=notice.organisation,
        )
