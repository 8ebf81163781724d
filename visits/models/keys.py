"""What the customer holds: the link to his page, and the visit code. Only hashes are kept."""

from __future__ import annotations

from django.db import models

from verification.models import ContactChange
from visits.models.visits import Visit


class VisitToken(models.Model):
    """A secret of 256 bits, by its SHA-256: of the link that was sent, or of the browser that followed it."""

    class Kind(models.TextChoices):
        LINK = "LINK"
        BROWSER = "BROWSER"

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="tokens")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class VisitCode(models.Model):
    """A code of 65 bits, hashed, sent to one recorded contact at `sent_at`. Used once; failures are counted."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="codes")
    contact = models.ForeignKey(ContactChange, on_delete=models.PROTECT, related_name="+")
    hashed = models.CharField(max_length=160)
    sent_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"code {self.pk}"
