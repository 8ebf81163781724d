"""What a visit's customer was asked to bring, what he says he has, and what the clerk accepted."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verification.models import Staff
from visits.models.visits import Visit


class ChecklistItem(models.Model):
    """One paper that would satisfy one group, frozen at booking under the rules' version of the visit. Append-only."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="items")
    group = models.CharField(max_length=40)
    code = models.CharField(max_length=40)
    mandatory = models.BooleanField()
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["visit", "group", "code"], name="a_paper_once_in_a_group")]

    def __str__(self) -> str:
        return f"{self.group} {self.code}"


class ItemConfirmed(models.Model):
    """That the customer says he has the paper. The newest row of an item counts; `withdrawn` takes it back."""

    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="confirmations")
    confirmed_at = models.DateTimeField()
    valid_until = models.DateField(null=True)
    withdrawn = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"confirmed {self.item_id}"


class AcceptedQuerySet(models.QuerySet["ItemAccepted"]):
    def valid(self, on: date) -> AcceptedQuerySet:
        """Keep acceptances of papers that are still good on `on`."""
        return self.filter(accepted=True).filter(Q(valid_until__isnull=True) | Q(valid_until__gte=on))


class ItemAccepted(models.Model):
    """A clerk's verdict on one paper, with its last day or the reason against it. Never evidence of who somebody is.

    Kept for the next visit of the same refusal, while the paper is valid.
    """

    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="verdicts")
    accepted = models.BooleanField(_("accepted"))
    valid_until = models.DateField(_("valid until"), null=True)
    reason = models.CharField(_("reason"), max_length=20, blank=True)
    judged_at = models.DateTimeField()
    judged_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")

    objects = AcceptedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(accepted=True) | ~Q(reason=""), name="rejected_paper_has_a_reason")
        ]

    def __str__(self) -> str:
        return f"{'accepted' if self.accepted else 'rejected'} {self.item_id}"
