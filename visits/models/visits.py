"""Visits: appointments that answer a refusal. A visit never changes; what happens to it is another row."""

from __future__ import annotations

import uuid
from datetime import date

from django.db import models
from django.utils.translation import gettext_lazy as _

from verification.models import Customer, Evidence, Grant, Interaction, Organisation, Refusal, Staff
from visits.models.offices import Office


class Visit(models.Model):
    """One customer at one desk at one time. Guarded: booked under a grant of place_visit, and then left as it is.

    `reuse` counts the cancelled visits that had the same desk and time before: the database refuses a second living
    visit there. `customer` is None when nobody known had been claimed. `refusal` is what the visit answers, if any.
    """

    class State(models.TextChoices):
        BOOKED = "BOOKED", _("booked")
        HERE = "HERE", _("at the desk")
        DONE = "DONE", _("done")
        INCOMPLETE = "INCOMPLETE", _("papers were missing")
        CANCELLED = "CANCELLED", _("cancelled")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="visits")
    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="visit")
    refusal = models.ForeignKey(Refusal, null=True, on_delete=models.PROTECT, related_name="visits")
    action = models.CharField(_("errand"), max_length=60, blank=True)
    office = models.ForeignKey(Office, on_delete=models.PROTECT, related_name="visits", verbose_name=_("office"))
    desk = models.PositiveSmallIntegerField(_("desk"))
    starts_at = models.DateTimeField(_("starts"), db_index=True)
    ends_at = models.DateTimeField(_("ends"))
    reuse = models.PositiveSmallIntegerField(default=0)
    language = models.CharField(_("language"), max_length=2, choices=Customer.Language.choices)
    answers = models.JSONField(default=dict)  # what the caller said of himself: representation, citizenship
    rules_version = models.CharField(max_length=20)
    booked_at = models.DateTimeField(_("booked"))

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        constraints = [
            models.UniqueConstraint(fields=["office", "starts_at", "desk", "reuse"], name="one_visit_at_a_desk"),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="visit_starts_then_ends"
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def state(self) -> str:
        """Derive the state from the events; the last one that settles it counts."""
        found = self.events.filter(kind__in=_STATE_AFTER).order_by("-pk").values_list("kind", flat=True).first()
        return _STATE_AFTER.get(found or "", self.State.BOOKED)

    @property
    def desk_interaction(self) -> Interaction | None:
        """Return the interaction of the newest check-in, or None before the first."""
        arrived = self.events.filter(interaction__isnull=False).select_related("interaction").order_by("-pk").first()
        return arrived.interaction if arrived else None

    @property
    def on(self) -> date:
        """Return the visit's day in the office's zone: the day on which papers must be valid."""
        return self.starts_at.astimezone(self.office.tz).date()


class VisitEvent(models.Model):
    """One thing that happened to a visit. Append-only."""

    class Kind(models.TextChoices):
        BOOKED = "BOOKED", _("booked")
        REMINDED = "REMINDED", _("reminded")
        CONFIRMED = "CONFIRMED", _("the whole list is confirmed")
        ARRIVED = "ARRIVED", _("arrived")
        EARLY = "EARLY", _("arrived early")
        INCOMPLETE = "INCOMPLETE", _("papers were missing")
        COMPLETE = "COMPLETE", _("done")
        RETURNED = "RETURNED", _("left before anything was looked at; booked as before")
        NEXT = "NEXT", _("the next visit was asked for")
        CANCELLED = "CANCELLED", _("cancelled by the customer")
        NOT_ME = "NOT_ME", _("cancelled: the customer did not book it")
        SLIP = "SLIP", _("a slip of the matter was printed for signing")
        NOT_RIGHT = "NOT_RIGHT", _("the customer says that the matter is not right")

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("event"), max_length=10, choices=Kind.choices)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    interaction = models.ForeignKey(Interaction, null=True, on_delete=models.PROTECT, related_name="+")
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.kind


_STATE_AFTER: dict[str, str] = {
    VisitEvent.Kind.ARRIVED: Visit.State.HERE,
    VisitEvent.Kind.EARLY: Visit.State.HERE,
    VisitEvent.Kind.RETURNED: Visit.State.BOOKED,
    VisitEvent.Kind.INCOMPLETE: Visit.State.INCOMPLETE,
    VisitEvent.Kind.COMPLETE: Visit.State.DONE,
    VisitEvent.Kind.CANCELLED: Visit.State.CANCELLED,
    VisitEvent.Kind.NOT_ME: Visit.State.CANCELLED,
}
CANCELLING = (VisitEvent.Kind.CANCELLED, VisitEvent.Kind.NOT_ME)


class SeenDocument(models.Model):
    """The document that a clerk compared: what it was, whose, and its number, sealed under the customer's own key.

    No image is kept. Erasing the customer's key leaves a number that nobody can read.
    """

    evidence = models.OneToOneField(Evidence, on_delete=models.PROTECT, related_name="document")
    kind = models.CharField(max_length=40)
    issuer = models.CharField(max_length=3)
    expires_on = models.DateField(null=True)
    sealed_number = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.kind} {self.issuer}"


class IdentityTry(models.Model):
    """That a document's zone was held against the record at the desk, never what it said. Limits fishing."""

    interaction = models.ForeignKey(Interaction, on_delete=models.PROTECT, related_name="identity_tries")
    tried_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    tried_at = models.DateTimeField()
    outcome = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.outcome
