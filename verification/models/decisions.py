"""What the gate decided. All append-only, but for Opening, which never outlives its transaction."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from verification.models.batches import Batch
from verification.models.customers import Customer
from verification.models.interactions import Claim, Interaction
from verification.models.staff import Organisation, Staff


class Decision(models.Model):
    """What grants and refusals share: who asked for what, for whom, and under which policy."""

    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    action = models.CharField(_("action"), max_length=60)
    interaction = models.ForeignKey(Interaction, null=True, on_delete=models.PROTECT, related_name="%(class)ss")
    claim = models.ForeignKey(Claim, null=True, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="%(class)ss")
    asked_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    parameters_hash = models.CharField(max_length=64)
    held = models.PositiveSmallIntegerField(_("held"))
    required = models.PositiveSmallIntegerField(_("required"))
    policy_version = models.CharField(max_length=20)
    decided_at = models.DateTimeField(_("decided"))
    entry = models.UUIDField(unique=True)  # uid of the log's entry; no foreign key, the log survives what it describes

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.action} {self.public_id}"


class Grant(Decision):
    """The gate's yes: this action, these parameters, this customer, this origin, once, now."""

    proposal = models.OneToOneField("verification.Proposal", null=True, on_delete=models.PROTECT, related_name="grant")
    batch = models.OneToOneField(Batch, null=True, on_delete=models.PROTECT, related_name="grant")
    follows = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="followed_by")

    class Meta:
        indexes = [
            models.Index(fields=["action", "customer", "decided_at"], name="grants_of_customer"),
            models.Index(fields=["action", "asked_by", "decided_at"], name="grants_by_staff"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(interaction__isnull=False)
                | models.Q(batch__isnull=False)
                | models.Q(follows__isnull=False)
                | models.Q(proposal__isnull=False),
                name="grant_has_an_origin",
            )
        ]


class Refusal(Decision):
    """The gate's no: what was held and needed, the ways forward, and the words said."""

    reason = models.CharField(_("reason"), max_length=20)
    ways = models.JSONField(default=list)
    said = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")


class DecisionKey(models.Model):
    """The caller's own key of one attempt: the same key asked again gets the same decision and no second effect."""

    key = models.CharField(max_length=120, unique=True)
    action = models.CharField(max_length=60)
    parameters_hash = models.CharField(max_length=64)
    grant = models.OneToOneField(Grant, null=True, on_delete=models.PROTECT, related_name="+")
    refusal = models.OneToOneField(Refusal, null=True, on_delete=models.PROTECT, related_name="+")
    proposal = models.OneToOneField("verification.Proposal", null=True, on_delete=models.PROTECT, related_name="+")
    sealed_result = models.BinaryField(blank=True)  # may hold what was disclosed, so never in clear

    def __str__(self) -> str:
        return self.key


class ParkedMatter(models.Model):
    """What a refusal left undone: a stranger's words, sealed, void after 30 days, never done because it was parked."""

    refusal = models.OneToOneField(Refusal, on_delete=models.PROTECT, related_name="parked")
    sealed_parameters = models.BinaryField()
    void_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"parked {self.refusal_id}"


class Tripwire(models.Model):
    """A table that is always empty. Opening points at it, so that an Opening left behind fails at commit."""

    def __str__(self) -> str:
        return "tripwire"


class Opening(models.Model):
    """The guard's key while an effect runs: this action, this customer. Gone before the commit, or no commit."""

    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")
    batch = models.BooleanField(default=False)
    tripwire = models.ForeignKey(Tripwire, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"opening {self.action}"


class Telling(models.Model):
    """That the recorded contacts may have to hear of a grant.

    Written in the grant's transaction, alike for a customer and for a number that is nobody's: only the task that comes
    afterwards looks whom there is to tell.
    """

    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="telling")
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=models.Q(done_at__isnull=True), name="telling_due")]

    def __str__(self) -> str:
        return f"telling of {self.grant_id}"


class Spent(models.Model):
    """That a grant has been used. A grant is used once: the column is unique."""

    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="spent")
    spent_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"spent {self.grant_id}"
