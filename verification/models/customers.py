"""Customers and the contact points on their record. All guarded: written only under a grant."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q, Value
from django.utils.translation import gettext_lazy as _

from verification.models.staff import Organisation
from verification.models.waiting import insert, took_effect


class Customer(models.Model):
    """A person or company that the organisation serves, known by a customer number."""

    class Kind(models.TextChoices):
        PERSON = "PERSON", _("person")
        COMPANY = "COMPANY", _("company")

    class Language(models.TextChoices):
        FI = "fi", _("Finnish")
        SV = "sv", _("Swedish")
        EN = "en", _("English")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pseudonym = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(_("customer number"), max_length=8, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PERSON)
    family_name = models.CharField(_("family name or company"), max_length=120)
    given_names = models.CharField(_("given names"), max_length=120, blank=True)
    birth_date = models.DateField(_("date of birth"), null=True, blank=True)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.FI)
    account = models.CharField(_("account on record"), max_length=34, blank=True)
    identity_mark = models.CharField(max_length=64, blank=True)  # keyed hash of the personal identity code
    needs_guardian = models.BooleanField(_("a guardian acts"), default=False)
    joined_on = models.DateField(_("customer since"))

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = [models.Index(fields=["family_name", "given_names"], name="customer_name")]

    def __str__(self) -> str:
        return str(self.pseudonym)  # a name never slips into a log through repr()

    def contact(self, kind: str, at: datetime) -> ContactChange | None:
        """Return the contact of `kind` in force at `at`: the newest change that took effect and was not vetoed."""
        return self.contacts.in_force(at).filter(kind=kind).order_by("-effective_at", "-pk").first()

    def recorded_contacts(self, at: datetime) -> list[ContactChange]:
        """Return the contact points in force at `at`, at most one of each kind."""
        newest: dict[str, ContactChange] = {}
        for change in self.contacts.in_force(at).order_by("-effective_at", "-pk"):
            newest.setdefault(change.kind, change)
        return list(newest.values())


class ContactQuerySet(models.QuerySet["ContactChange"]):
    def in_force(self, at: datetime) -> ContactQuerySet:
        """Keep changes that took effect by `at` and were not vetoed; a hold keeps back what is due while it stands."""
        return self.filter(_in_effect(at), veto__isnull=True)

    def pending(self, at: datetime) -> ContactQuerySet:
        """Keep changes that can still be stopped: in their veto delay, or kept back by a hold."""
        return self.filter(~_in_effect(at), veto__isnull=True)


def _in_effect(at: datetime) -> Q:
    return took_effect(at, due="effective_at", made="recorded_at")


class ContactChange(models.Model):
    """One change of one contact point. The current value is derived; nothing is written when the delay ends."""

    class Kind(models.TextChoices):
        PHONE = "PHONE", _("phone")
        EMAIL = "EMAIL", _("e-mail")
        ADDRESS = "ADDRESS", _("postal address")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contacts")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=255)
    recorded_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    quarantined_until = models.DateTimeField()

    objects = ContactQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["customer", "kind", "effective_at"], name="contact_in_force")]
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_at__gte=models.F("recorded_at")), name="contact_effect_after_record"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class ContactVeto(models.Model):
    """A stop put to a pending contact change by the customer who did not ask for it."""

    change = models.OneToOneField(ContactChange, on_delete=models.PROTECT, related_name="veto")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    vetoed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"veto {self.change_id}"

    @classmethod
    def stop_pending(cls, customer: Customer | None, *, at: datetime) -> None:
        """Stop every change of a customer that has not taken effect, by one statement that is run for nobody too."""
        waiting = ContactChange.objects.pending(at).filter(customer=customer.pk if customer else 0)
        stopped_at = Value(at, output_field=models.DateTimeField())
        insert(cls, ("change_id", "customer_id", "vetoed_at"), waiting.values_list("pk", "customer_id", stopped_at))
