"""Work that has a file for its origin instead of a caller; it needs two people."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from verification.models.staff import Organisation, Staff


class Batch(models.Model):
    """One prepared import or erasure, named by its `action`.

    What was previewed is what is approved: `digest` is the SHA-256 of the sealed content, which goes when it is done.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    action = models.CharField(_("what is done"), max_length=60, default="import_customers")
    sealed_content = models.BinaryField(blank=True)
    digest = models.CharField(max_length=64)
    rows = models.PositiveIntegerField(_("rows"))
    prepared_at = models.DateTimeField(_("prepared"))
    prepared_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(_("approved"), null=True)
    approved_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="batch_approved_at_and_by",
            ),
            models.CheckConstraint(condition=~Q(approved_by=F("prepared_by")), name="batch_needs_two_people"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
