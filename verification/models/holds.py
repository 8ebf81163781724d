"""Protection put on a customer: a temporary hold, or a lasting freeze."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from verification.models.customers import Customer


class HoldQuerySet(models.QuerySet["Hold"]):
    def in_force(self, at: datetime) -> HoldQuerySet:
        """Keep holds that bind at `at`: begun, not run out, not lifted."""
        running = self.filter(held_at__lte=at, lift__isnull=True)
        return running.filter(models.Q(until__isnull=True) | models.Q(until__gt=at))


class Hold(models.Model):
    """A stop to sensitive actions. TEMPORARY ends by itself; LASTING ends only when it is undone. Guarded."""

    class Kind(models.TextChoices):
        TEMPORARY = "TEMPORARY", _("temporary hold")
        LASTING = "LASTING", _("lasting freeze")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="holds")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    held_at = models.DateTimeField()
    until = models.DateTimeField(null=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="LASTING", until__isnull=True)
                | models.Q(kind="TEMPORARY", until__isnull=False),
                name="only_a_temporary_hold_ends_by_itself",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @classmethod
    def place(cls, customer: Customer | None, *, at: datetime, until: datetime) -> None:
        """Put a temporary hold on a customer, by one statement that is run for nobody too."""
        moment = connection.ops.adapt_datetimefield_value
        public_id = uuid.uuid4()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO verification_hold (customer_id, public_id, kind, held_at, until)"
                " SELECT id, %s, 'TEMPORARY', %s, %s FROM verification_customer WHERE id = %s",
                [
                    public_id if connection.vendor == "postgresql" else public_id.hex,
                    moment(at),
                    moment(until),
                    customer.pk if customer else 0,
                ],
            )


class ClosedAccount(models.Model):
    """That a customer's account was closed. Guarded; nothing opens it again."""

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="closed")
    closed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"closed {self.closed_at:%Y-%m-%d}"


class HoldLift(models.Model):
    """That a hold was undone before its time. Guarded."""

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="lift")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"lift {self.hold_id}"
