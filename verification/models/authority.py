"""The right to act for another: recorded under a grant, limited in matter, money and time, ended at once."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _

from verification.models.customers import Customer
from verification.models.waiting import insert, took_effect


class MandateQuerySet(models.QuerySet["Mandate"]):
    def in_force(self, at: datetime) -> MandateQuerySet:
        """Keep mandates that give authority at `at`: begun, not run out, not ended."""
        running = self.filter(_begun(at), ended__isnull=True)
        return running.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))

    def pending(self, at: datetime) -> MandateQuerySet:
        """Keep those that have yet to begin, so that they can be stopped before anybody used them."""
        return self.filter(~_begun(at), ended__isnull=True)


def _begun(at: datetime) -> Q:
    return took_effect(at, due="begins_at", made="recorded_at", customer="principal")


class Mandate(models.Model):
    """That one person may act for another, in which matters and up to what sum. Guarded.

    `actions` lists the declared actions it covers; a guardian's, a signatory's and an estate's come from their office
    and may be empty, which means every action with a scope. `group` and `needed` tell how many of those who share the
    group must act together: 1 is alone.
    """

    class Kind(models.TextChoices):
        MANDATE = "MANDATE", _("mandate")
        GUARDIAN = "GUARDIAN", _("guardian")
        SIGNATORY = "SIGNATORY", _("signatory")
        ESTATE = "ESTATE", _("estate")

    principal = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="mandates_given")
    representative = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="mandates_held")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    actions = models.JSONField(default=list)
    most = models.PositiveBigIntegerField(null=True)  # minor units a time
    group = models.UUIDField(default=uuid.uuid4)
    needed = models.PositiveSmallIntegerField(default=1)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    evidence = models.CharField(max_length=200)  # what it was recorded from: the paper's kind and reference
    recorded_at = models.DateTimeField()

    objects = MandateQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["principal", "representative"], name="mandates_between")]
        constraints = [
            models.CheckConstraint(condition=~Q(principal=F("representative")), name="nobody_mandates_himself"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("begins_at")), name="mandate_ends_later"
            ),
            models.CheckConstraint(condition=Q(needed__gte=1), name="mandate_needs_somebody"),
            models.CheckConstraint(condition=~Q(kind="MANDATE", actions=[]), name="no_general_mandate"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class MandateEnd(models.Model):
    """That a mandate was revoked; it counts from that moment. Guarded."""

    mandate = models.OneToOneField(Mandate, on_delete=models.PROTECT, related_name="ended")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")  # the principal
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"end {self.mandate_id}"

    @classmethod
    def stop_pending(cls, principal: Customer | None, *, at: datetime) -> None:
        """End every mandate of a customer that has yet to begin, by one statement that is run for nobody too."""
        pending = Mandate.objects.pending(at).filter(principal=principal.pk if principal else 0)
        given = pending.filter(kind=Mandate.Kind.MANDATE)
        stopped_at = Value(at, output_field=models.DateTimeField())
        insert(cls, ("mandate_id", "customer_id", "ended_at"), given.values_list("pk", "principal_id", stopped_at))


class RegisterAnswer(models.Model):
    """What a national register said of one action under one claim; it counts for minutes. Append-only."""

    class Said(models.TextChoices):
        YES = "YES", _("the right is there")
        NO = "NO", _("there is no such right")
        UNKNOWN = "UNKNOWN", _("the register did not tell")

    claim = models.ForeignKey("verification.Claim", on_delete=models.PROTECT, related_name="register_answers")
    action = models.CharField(max_length=60)
    said = models.CharField(max_length=8, choices=Said.choices)
    reference = models.CharField(max_length=120, blank=True)
    until = models.DateTimeField(null=True)  # when the right itself runs out, if the register tells
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey("verification.Staff", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.said} {self.action}"
