"""What is saved side by side: bare, under our log, and as the two rivals' histories would have it."""

from __future__ import annotations

import uuid

from auditlog.registry import auditlog
from django.db import models
from simple_history.models import HistoricalRecords

from verification.models import Customer


class Held(models.Model):
    """What verification.Hold has, without its guard."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=10)
    held_at = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.public_id)


class Bare(Held):
    """A row that nobody logs."""


class WithSimpleHistory(Held):
    """A row whose every save django-simple-history copies."""

    history = HistoricalRecords()


class WithAuditlog(Held):
    """A row whose every change django-auditlog notes."""


class BareTurn(models.Model):
    """The one row of the bare view."""

    call_sid = models.CharField(max_length=64)
    digits = models.CharField(max_length=20)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.call_sid


class Noted(models.Model):
    """A row of seven columns, one of them a note of 200 characters, that a colleague keeps changing."""

    customer = models.CharField(max_length=36)
    title = models.CharField(max_length=80)
    state = models.CharField(max_length=10)
    cents = models.IntegerField()
    changed_at = models.DateTimeField()
    notes = models.TextField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title


class NotedByNobody(Noted):
    """A row that nobody logs."""


class NotedByUs(Noted):
    """A row whose every change is recorded in our log, by whom and why, in the same transaction."""


class NotedBySimpleHistory(Noted):
    """A row whose every save django-simple-history copies."""

    history = HistoricalRecords()


class NotedByAuditlog(Noted):
    """A row whose every change django-auditlog notes."""


auditlog.register(WithAuditlog)
auditlog.register(NotedByAuditlog)
