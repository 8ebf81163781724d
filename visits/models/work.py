"""Work that must not be lost: what is due stands in these rows, and the sweep finds it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verification.models import Grant, Organisation, Refusal
from visits.models.offices import Office
from visits.models.visits import Visit


class Escalation(models.Model):
    """A visit that is asked for and not yet placed. `due_at` is when the next try is due, also after a killed worker.

    `office` and `town` are wishes; `answers` are what the caller said of himself, never of the record.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", _("waiting")
        DONE = "DONE", _("placed")
        FAILED = "FAILED", _("given up")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="escalation")
    refusal = models.ForeignKey(Refusal, null=True, on_delete=models.PROTECT, related_name="escalations")
    action = models.CharField(_("errand"), max_length=60, blank=True)
    office = models.ForeignKey(Office, null=True, on_delete=models.PROTECT, related_name="+")
    town = models.CharField(max_length=60, blank=True)
    language = models.CharField(max_length=2)
    answers = models.JSONField(default=dict)
    asked_at = models.DateTimeField(_("asked"))
    due_at = models.DateTimeField(_("due"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("visit to be placed")
        verbose_name_plural = _("visits to be placed")
        indexes = [models.Index(fields=["due_at"], condition=Q(state="PENDING"), name="escalation_due")]

    def __str__(self) -> str:
        return f"escalation {self.pk}"


class Reminder(models.Model):
    """One message that is due the day before a visit."""

    class State(models.TextChoices):
        PENDING = "PENDING", _("waiting")
        SENT = "SENT", _("sent")
        SKIPPED = "SKIPPED", _("not needed")

    visit = models.OneToOneField(Visit, on_delete=models.PROTECT, related_name="reminder")
    due_at = models.DateTimeField(_("due"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(state="PENDING"), name="reminder_due")]

    def __str__(self) -> str:
        return f"reminder {self.pk}"
