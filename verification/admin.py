"""Staff accounts. What a role may do is decided by the role, never by Django's permission rows.

Customers are not registered, and never will be: nobody browses them. A record opens from a live contact only.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from notices import words
from verification import accounts, batch_admin, staff_changes  # noqa: F401 - it registers its pages
from verification.by_role import ByRole, person
from verification.declarations import Text, declared
from verification.models import Staff, StaffChange


def _label(code: str) -> Text | None:
    found = declared(code)
    return found.label if found else None


words.ask(_label)  # a message about an action is read by the action's name


class AccountForm(forms.ModelForm):
    """A new account: a name and a role. No password, nobody chooses one for another."""

    class Meta:
        model = Staff
        fields = ("username", "first_name", "last_name", "email", "role")


@admin.register(Staff)
class StaffAdmin(ByRole):
    """Accounts of the staff, for administrators. A new role or a reset is proposed here and approved by another."""

    roles = (Staff.Role.ADMINISTRATOR,)
    form = AccountForm
    list_display = ("username", "name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name")
    fields = ("username", "first_name", "last_name", "email", "role")
    readonly_fields = ("telephone_queue",)
    change_form_template = "verification/account.html"
    change_list_template = "verification/accounts.html"
    ordering = ("username",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._open_to(request)

    @admin.display(description=gettext_lazy("name"), ordering="last_name")
    def name(self, staff: Staff) -> str:
        return staff.get_full_name()

    def get_fields(self, request: HttpRequest, obj: Staff | None = None) -> list[Any]:
        known = ("is_active", "date_joined", "last_login", "telephone_queue")
        return [*self.fields, *known] if obj else list(self.fields)

    @admin.display(description=gettext_lazy("own queue at the telephone's provider"))
    def telephone_queue(self, staff: Staff) -> str:
        return staff.telephone_queue

    def get_urls(self) -> list[URLPattern]:
        own = {"link": self.link, "active": self.active, "kin": self.kin, "propose": self.propose}
        return [
            *(
                path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"verification_staff_{name}")
                for name, view in own.items()
            ),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Staff, form: forms.ModelForm, change: bool) -> None:
        """Open the account through its verb; nothing of an existing one is saved here."""
        if change:
            raise PermissionDenied
        opened, proposed = staff_changes.open_account(by=person(request), at=timezone.now(), **form.cleaned_data)
        obj.pk = opened.pk
        if proposed is not None:
            said = _("For now it is an agent's: another administrator approves the role within 24 hours.")
            messages.warning(request, said)

    def response_add(self, request: HttpRequest, obj: Staff, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, _("The account is open. Make its set-up link now and give it to its owner yourself."))
        return redirect("admin:verification_staff_change", obj.pk)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave Django's own log empty: the entry in ours is the one that counts."""

    def link(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a set-up link and show it, once."""
        by, staff = self._one(request, pk)
        try:
            word = accounts.new_link(staff, by=by, at=timezone.now())
        except accounts.OwnAccount:
            return self._not_own(request, pk)
        except accounts.InUse:
            messages.error(request, _("This account is in use: one administrator proposes a reset, another approves."))
            return redirect("admin:verification_staff_change", pk)
        address = request.build_absolute_uri(reverse("admin:set_up_link", args=[word]))
        read_at = reverse("admin:verification_staff_change", args=[pk])  # this page is shown once
        return self._show(
            request, "verification/link.html", title=_("Set-up link"), staff=staff, address=address, read_at=read_at
        )

    def active(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close an account, or open it again."""
        by, staff = self._one(request, pk)
        try:
            accounts.set_active(staff, not staff.is_active, by=by, at=timezone.now())
        except accounts.OwnAccount:
            return self._not_own(request, pk)
        messages.success(request, _("The account is closed.") if staff.is_active else _("The account is open again."))
        return redirect("admin:verification_staff_change", pk)

    def kin(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Note a customer whom this person must never serve; the answer is always the same."""
        by, staff = self._one(request, pk)
        try:
            accounts.never_serves(staff, request.POST.get("number", "")[:8], by=by, at=timezone.now())
        except accounts.OwnAccount:
            return self._not_own(request, pk)
        messages.success(request, _("Noted. If there is such a customer, this person cannot serve him."))
        return redirect("admin:verification_staff_change", pk)

    def propose(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Propose a new role or a reset; another administrator approves it."""
        by, staff = self._one(request, pk)
        asked = {name: request.POST.get(name, "") for name in ("kind", "role", "because")}
        try:
            change = staff_changes.propose(staff, by=by, at=timezone.now(), **asked)
        except accounts.OwnAccount:
            return self._not_own(request, pk)
        except staff_changes.NotProposed:
            messages.error(request, _("Nothing was proposed. Choose another role than the present one, and say why."))
            return redirect("admin:verification_staff_change", pk)
        messages.success(request, _("Proposed. Another administrator approves it within 24 hours."))
        return redirect("admin:verification_staffchange_change", change.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one account with what can be done to it."""
        staff = self.get_queryset(request).filter(pk=object_id).first() if object_id.isdecimal() else None
        roles = [each for each in Staff.Role.choices if staff and each[0] != staff.role]
        context = {"in_use": bool(staff and accounts.in_use(staff)), "roles": roles, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def _one(self, request: HttpRequest, pk: int) -> tuple[Staff, Staff]:
        by = self._check(request)
        if request.method != "POST":
            raise BadRequest("these pages are asked for by a form")
        return by, get_object_or_404(self.get_queryset(request), pk=pk)

    def _not_own(self, request: HttpRequest, pk: int) -> HttpResponse:
        messages.error(request, _("Nobody changes his own account. Ask another administrator."))
        return redirect("admin:verification_staff_change", pk)


@admin.register(StaffChange)
class StaffChangeAdmin(ByRole):
    """Changes of accounts: who proposed what and why, and the button with which another administrator approves."""

    roles = (Staff.Role.ADMINISTRATOR,)
    list_display = ("proposed_at", "__str__", "because", "proposed_by", "state")
    list_select_related = ("staff", "proposed_by")
    ordering = ("-proposed_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        every: QuerySet[Any] = admin.ModelAdmin.get_queryset(self, request)
        return every.filter(staff__organisation_id=person(request).organisation_id)

    @admin.display(description=gettext_lazy("state"))
    def state(self, change: StaffChange) -> str:
        if change.approval is not None:
            return _("approved")
        return _("waits for another administrator") if change.open(timezone.now()) else _("no longer open")

    def get_urls(self) -> list[URLPattern]:
        approve = self.admin_site.admin_view(require_POST(self.approve))
        return [path("<int:pk>/approve/", approve, name="verification_staffchange_approve"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one change, and to who may approve it the button that does."""
        by, at = self._check(request), timezone.now()
        if not object_id.isdecimal():
            raise BadRequest("a change has a number")
        change = get_object_or_404(self.get_queryset(request).select_related("staff", "proposed_by"), pk=object_id)
        return self._show(
            request, "verification/staff_change.html", title=_("Change of an account"), change=change,
            approval=change.approval, state=self.state(change), open=change.open(at),
            may_approve=change.open(at) and change.may_be_approved_by(by, at),
        )  # fmt: skip

    def approve(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Carry the change out; the link of a reset is shown, once."""
        by = self._check(request)
        change = get_object_or_404(self.get_queryset(request).select_related("staff"), pk=pk)
        try:
            word = staff_changes.approve(change, by=by, at=timezone.now())
        except staff_changes.NotApproved as refused:
            messages.error(request, _not_approved(refused))
            return redirect("admin:verification_staffchange_change", pk)
        if not word:
            messages.success(request, _("The role is changed. He logs in again to work in it."))
            return redirect("admin:verification_staffchange_change", pk)
        return self._show(
            request, "verification/link.html", title=_("Set-up link"), staff=change.staff,
            address=request.build_absolute_uri(reverse("admin:set_up_link", args=[word])),
            read_at=reverse("admin:verification_staffchange_change", args=[pk]),
        )  # fmt: skip


def _not_approved(refused: staff_changes.NotApproved) -> str:
    if refused.over:
        return _("This change is no longer open. Propose it again if it is still needed.")
    return _(
        "Another administrator approves it: not who proposed it, not whom it concerns, "
        "and with an account of at least seven days."
    )
