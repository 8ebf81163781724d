"""What makes us careful. A signal only ever raises what is required; it is no evidence and opens nothing."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from verification.models.customers import Customer
from verification.models.interactions import Interaction


class Signal(models.Model):
    """One thing that was noticed about a customer. Append-only; how much it raises, and for how long, is policy."""

    class Kind(models.TextChoices):
        PROMPT_DECLINED = "PROMPT_DECLINED", _("he declined a request to prove himself")
        PROMPT_ORPHAN = "PROMPT_ORPHAN", _("a request was approved although nobody was on the line")
        NOT_ME = "NOT_ME", _("he told us that it wasn't him")
        SAID_NOT_ME = "SAID_NOT_ME", _("somebody unproven told us that it wasn't him")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="signals")
    interaction = models.ForeignKey(Interaction, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["customer", "seen_at"], name="signals_of_customer")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
