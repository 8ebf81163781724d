"""The outbox as staff see it: read only, addresses masked, texts for those who answer for them."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.log import record
from notices.models import Notice

ROLES = ("SUPERVISOR", "AUDITOR", "ADMINISTRATOR")
DEMO_ROLES = (*ROLES, "AGENT", "CLERK")
TEXT_ROLES = ("SUPERVISOR",)


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin[Notice]):
    list_display = ("created_at", "channel", "recipient", "about", "state", "attempts", "due_at", "sent_at")
    list_filter = ("state", "channel", "language", ("created_at", admin.DateFieldListFilter))
    search_fields = ("=public_id", "=subject", "=reference")
    search_help_text = _("The message, its recipient's pseudonym, or the call or visit it belongs to, in full")
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

    def get_fields(self, request: HttpRequest, obj: Notice | None = None) -> list[Any]:
        """Leave title, text and the whole address out for those who may not read them."""
        shown = ["address", "language", "title", "text"] if _may_read(request) else ["recipient", "language"]
        head, tail = ["public_id", "subject", "channel"], ["about", "reference", "created_at", "due_at", "state"]
        return [*head, *shown, *tail, "attempts", "last_error", "sent_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Notice | None = None) -> list[Any]:
        return self.get_fields(request, obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one message; when its text is shown, commit the Entry of its being read first."""
        notice = self.get_object(request, object_id)
        if notice is not None and self.has_view_permission(request, notice) and _may_read(request):
            _record_reading(request, notice)
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description=_("address"))
    def recipient(self, notice: Notice) -> str:
        return notice.masked_address


def _role(request: HttpRequest) -> str:
    return str(getattr(request.user, "role", ""))


def _may_read(request: HttpRequest) -> bool:
    return bool(settings.DEMO) or _role(request) in TEXT_ROLES


def _record_reading(request: HttpRequest, notice: Notice) -> None:
    with transaction.atomic(durable=True):
        record(
            kind="notice.read",
            actor=f"staff:{getattr(request.user, 'pseudonym', request.user.pk)}",
            subject=notice.subject,
            at=timezone.now(),
            outcome="ok",
            purpose="A message that was sent to you was checked",
            facts={"notice": str(notice.public_id), "about": notice.about},
        )
