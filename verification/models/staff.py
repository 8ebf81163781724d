"""The organisation and the people who work for it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from verification.models.customers import Customer


class Organisation(models.Model):
    """One organisation whose customers are served; every customer, interaction and staff member belongs to one."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    number_to_call = models.CharField(_("number to call"), max_length=32, blank=True)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")

    def __str__(self) -> str:
        return self.name


class Staff(AbstractUser):
    """A person who works here. Never a customer's row; his own customer record, if any, is what he must not serve."""

    class Role(models.TextChoices):
        AGENT = "AGENT", _("agent")
        CLERK = "CLERK", _("clerk")
        SUPERVISOR = "SUPERVISOR", _("supervisor")
        AUDITOR = "AUDITOR", _("auditor")
        ADMINISTRATOR = "ADMINISTRATOR", _("administrator")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="staff")
    pseudonym = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    kin = models.ManyToManyField(
        "verification.Customer",
        blank=True,
        related_name="+",
        verbose_name=_("himself, family and household"),
        help_text=_("Customers whom this person must never serve."),
    )

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff")

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """Return the mark that sessions and tokens carry: they end when the password or the role changes."""
        known = f"{self.password}:{self.role}"
        return salted_hmac("verification.Staff.session", known, secret=secret, algorithm="sha256").hexdigest()

    @property
    def actor(self) -> str:
        """Name this person in the log without naming him."""
        return f"staff:{self.pseudonym}"

    @property
    def telephone_queue(self) -> str:
        """Name the provider's queue in which callers come back to this person."""
        return f"agent-{self.pseudonym}"

    def may_serve(self, customer: Customer | None) -> bool:
        """Tell whether this customer is neither himself nor one of his own. It is asked of nobody's number too."""
        kin = Staff.kin.through.objects.filter(staff=self, customer_id=customer.pk if customer else 0)
        return not kin.exists()

    def seasoned(self, at: datetime) -> bool:
        """Tell whether the account is old enough (7 days) to approve another's work."""
        return at - self.date_joined >= timedelta(days=7)
