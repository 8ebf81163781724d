"""Imports and erasures on the staff's site: one person prepares, another sees the same numbers and approves."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from verification import erasing, imports
from verification.batches import BadFile
from verification.by_role import ByRole
from verification.declarations import declared
from verification.gate import Granted, OfBatch, Refused, Unavailable, attempt
from verification.models import Batch, Staff
from verification.reasons import to_staff

LARGEST_FILE: Final = 20 * 1024 * 1024


class FileForm(forms.Form):
    """A file of customers from another system."""

    file = forms.FileField(
        label=gettext_lazy("file of customers (JSON)"),
        widget=forms.ClearableFileInput(attrs={"accept": "application/json,.json"}),
    )

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("The file is larger than 20 MB. Divide it."))
        content: bytes = file.read()
        return content


class ErasureForm(forms.Form):
    """Whom to forget, by customer number, and why."""

    numbers = forms.CharField(
        label=gettext_lazy("customer numbers"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 4})
    )
    because = forms.CharField(label=gettext_lazy("why"), max_length=200)


@admin.register(Batch)
class BatchAdmin(ByRole):
    """Imports and erasures: one person prepares a file, another sees the same numbers and approves it."""

    roles = (Staff.Role.ADMINISTRATOR, Staff.Role.SUPERVISOR)
    list_display = ("prepared_at", "what", "preparer", "rows", "approved_at", "approver")
    change_list_template = "verification/batches.html"
    list_select_related = ("prepared_by", "approved_by")
    ordering = ("-prepared_at",)

    @admin.display(description=gettext_lazy("what is done"))
    def what(self, batch: Batch) -> str:
        return _action(batch)

    @admin.display(description=gettext_lazy("prepared by"))
    def preparer(self, batch: Batch) -> str:
        return str(batch.prepared_by)

    @admin.display(description=gettext_lazy("approved by"))
    def approver(self, batch: Batch) -> str:
        return str(batch.approved_by or "–")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("prepare/", wrap(self.prepare), name="verification_batch_prepare"),
            path("erase/", wrap(self.erase), name="verification_batch_erase"),
            path("<int:pk>/approve/", wrap(require_POST(self.approve)), name="verification_batch_approve"),
            *super().get_urls(),
        ]

    def prepare(self, request: HttpRequest) -> HttpResponse:
        """Take a file in; nothing of it is carried in before another person approves it."""
        by = self._check(request)
        form = FileForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                batch = imports.prepare(form.cleaned_data["file"], by=by, at=timezone.now())
            except BadFile as bad:
                for problem in bad.problems[:20]:
                    form.add_error("file", problem)
            else:
                messages.success(request, _("The file is in order. Another person now looks at it and approves it."))
                return redirect("admin:verification_batch_change", batch.pk)
        return self._show(request, "verification/prepare.html", title=_("Prepare an import"), form=form)

    def erase(self, request: HttpRequest) -> HttpResponse:
        """Take the numbers of former customers to forget; nobody is forgotten before another person approves it."""
        by = self._check(request)
        form = ErasureForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                batch = erasing.prepare(
                    form.cleaned_data["numbers"], form.cleaned_data["because"], by=by, at=timezone.now()
                )
            except BadFile as bad:
                for problem in bad.problems[:20]:
                    form.add_error("numbers", problem)
            else:
                messages.success(request, _("Another person now looks at it and approves it."))
                return redirect("admin:verification_batch_change", batch.pk)
        return self._show(request, "verification/erase.html", title=_("Forget former customers"), form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the numbers of one batch, and to another than its preparer the button that approves it."""
        by = self._check(request)
        batch = self._batch(request, object_id)
        return self._show(
            request, "verification/batch.html", title=_action(batch), batch=batch, preview=_numbers(batch),
            may_approve=batch.approved_at is None and batch.prepared_by_id != by.pk,
        )  # fmt: skip

    def approve(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the gate to carry the batch in."""
        by = self._check(request)
        batch = self._batch(request, str(pk))
        try:
            decision = attempt(batch.action, origin=OfBatch(batch.public_id, by), parameters={}, at=timezone.now())
        except Unavailable:
            decision = None
        if isinstance(decision, Granted):
            messages.success(request, _outcome(batch) % decision.result)
        elif isinstance(decision, Refused):
            messages.error(request, _refused(decision))
        else:
            messages.error(request, _("Nothing was done. Try again in a moment."))
        return redirect("admin:verification_batch_change", pk)

    def _batch(self, request: HttpRequest, pk: str) -> Batch:
        if not pk.isdecimal():
            raise BadRequest("a batch has a number")
        batches = self.get_queryset(request).select_related("prepared_by", "approved_by")
        found: Batch = get_object_or_404(batches, pk=pk)
        return found


def _action(batch: Batch) -> str:
    known = declared(batch.action)
    return str(known.label) if known else batch.action


def _outcome(batch: Batch) -> str:
    if batch.action == erasing.ACTION:
        return _("Forgotten: %(erased)d. Left alone, since their time has not come or nobody has it: %(left_alone)d.")
    return _("Carried in: %(brought_in)d. Left as they were, since they were known: %(left_alone)d.")


def _numbers(batch: Batch) -> list[tuple[str, str | int]]:
    """Return what another person is asked to approve; nothing once it was approved, for then the file is gone."""
    if batch.approved_at is not None or not batch.sealed_content:
        return []
    if batch.action == erasing.ACTION:
        # Whether anybody has these numbers isn't told: they are what the preparer typed.
        numbers, because = erasing.asked(batch)
        return [
            (_("customers to forget"), batch.rows),
            (_("customer numbers"), ", ".join(numbers)),
            (_("why"), because),
        ]
    labels = {
        "rows": _("customers in the file"),
        "contacts": _("contact points"),
        "authenticators": _("code devices and code lists"),
        "frozen": _("frozen accounts"),
        "mandates": _("rights to act for another"),
    }
    return [(labels.get(name, name), count) for name, count in imports.preview(batch).items()]


def _refused(decision: Refused) -> str:
    if decision.refusal.reason == "SECOND_PERSON":
        return _("Another person approves what you prepared, and his account is at least seven days old.")
    return to_staff(decision.refusal.reason)
