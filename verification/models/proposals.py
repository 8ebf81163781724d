"""What waits for a second person: judged while the caller was live, and judged again when the second person decides."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from verification.models.decisions import Decision
from verification.models.staff import Staff


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def waiting(self, at: datetime) -> ProposalQuerySet:
        """Keep proposals that can still be decided."""
        return self.filter(end__isnull=True, expires_at__gt=at)


class Proposal(Decision):
    """The gate's "yes, if a second person agrees". The only thing through which evidence outlives its interaction."""

    sealed_parameters = models.BinaryField()
    expires_at = models.DateTimeField(_("good until"))

    objects = ProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")


class ProposalEnd(models.Model):
    """What the second person decided, once and for good."""

    class Outcome(models.TextChoices):
        APPROVED = "APPROVED", _("approved")
        REJECTED = "REJECTED", _("rejected")
        EXPIRED = "EXPIRED", _("ran out")

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="end")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    ended_at = models.DateTimeField()
    by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    because = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.outcome} {self.proposal_id}"
