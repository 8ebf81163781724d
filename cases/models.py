"""What customers ask, and what they were told, promised and given. All guarded: rows come in under a grant and stay."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from verification.models import Customer, Grant, Interaction, Organisation, Staff


class Case(models.Model):
    """A matter of one contact, with the questions asked in it. It belongs to a customer once one has been claimed."""

    class State(models.TextChoices):
        OPEN = "OPEN", _("open")
        ANSWERED = "ANSWERED", _("answered")
        CLOSED = "CLOSED", _("closed")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="cases")
    interaction = models.ForeignKey(Interaction, on_delete=models.PROTECT, related_name="cases")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("owner")
    )
    opened_at = models.DateTimeField(_("opened"))

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def state(self) -> str:
        """Derive the state from its rows: CLOSED, else ANSWERED when no question waits, else OPEN."""
        if hasattr(self, "closing"):
            return self.State.CLOSED
        return self.State.OPEN if self.unanswered().exists() else self.State.ANSWERED

    def unanswered(self) -> models.QuerySet[Question]:
        """Return the questions that were neither answered nor declined."""
        return self.questions.filter(answer__isnull=True)


class Question(models.Model):
    """One question in the customer's own words."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="questions")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    text = models.TextField(_("question"))

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.public_id)


class Answer(models.Model):
    """The answer to a question, or the reason why it was declined."""

    question = models.OneToOneField(Question, on_delete=models.PROTECT, related_name="answer")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")
    declined = models.BooleanField(_("declined"), default=False)
    text = models.TextField(_("answer"))
    answered_at = models.DateTimeField()
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"answer {self.pk}"


class Closing(models.Model):
    """That a case was closed, every question answered or declined."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="closing")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"closing {self.case_id}"


class CallBack(models.Model):
    """A promise to call the customer's recorded number, and by when. Answering that number proves nothing."""

    class About(models.TextChoices):
        MATTER = "MATTER", _("his matter")
        HOME_VISIT = "HOME_VISIT", _("how we come to him")

    about = models.CharField(_("about"), max_length=12, choices=About.choices, default=About.MATTER)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")
    interaction = models.ForeignKey(Interaction, on_delete=models.PROTECT, related_name="call_backs")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    promised_at = models.DateTimeField()
    due_at = models.DateTimeField(_("due"))
    # Two words told to the caller now, which our agent says first when he calls: by them the customer knows us.
    sealed_phrase = models.BinaryField(blank=True, default=b"")

    def __str__(self) -> str:
        return str(self.public_id)


class CallBackEvent(models.Model):
    """What came of a promised call, row by row; the promise itself is never changed."""

    class Kind(models.TextChoices):
        OPENED = "OPENED", _("opened to be made")
        REACHED = "REACHED", _("reached")
        NO_ANSWER = "NO_ANSWER", _("no answer")
        NO_NUMBER = "NO_NUMBER", _("no number to call")
        CANCELLED = "CANCELLED", _("not wanted any more")

    call_back = models.ForeignKey(CallBack, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("what"), max_length=10, choices=Kind.choices)
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.kind} {self.call_back}"


class Voucher(models.Model):
    """A small voucher for our own fault, bound to one receipt. Amount in minor units."""

    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")
    interaction = models.ForeignKey(Interaction, on_delete=models.PROTECT, related_name="vouchers")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    receipt = models.CharField(_("receipt"), max_length=40, unique=True)
    amount = models.PositiveIntegerField(_("amount"))
    currency = models.CharField(max_length=3)
    fault = models.CharField(_("what went wrong"), max_length=200)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="voucher_is_worth_something")]

    def __str__(self) -> str:
        return str(self.public_id)


class Refund(models.Model):
    """An instruction to pay money back: to the account on record, or to the new one that its grant names.

    Amount in minor units. A new account stands in the grant's own particulars, sealed under the customer's key.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="refunds")
    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    amount = models.PositiveIntegerField(_("amount"))
    currency = models.CharField(max_length=3)
    reason = models.CharField(_("reason"), max_length=200)
    instructed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_is_worth_something")]

    def __str__(self) -> str:
        return str(self.public_id)

    def instructed(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the system of record needs besides the grant: the account, the sum and its currency."""
        account = parameters.get("account") or self.customer.account
        return {"account": account, "amount": self.amount, "currency": self.currency}


class RefundStop(models.Model):
    """That a refund to a new account was stopped by the customer before it left. Guarded."""

    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, related_name="stop")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"stop {self.refund_id}"

    @classmethod
    def stop_waiting(cls, customer: Customer | None, *, action: str, at: datetime) -> None:
        """Stop what waits to leave for a new account, by one statement that is run for nobody too."""
        moment = connection.ops.adapt_datetimefield_value(at)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO cases_refundstop (refund_id, customer_id, stopped_at)"
                " SELECT r.id, r.customer_id, %s FROM cases_refund r"
                " JOIN verification_grant g ON g.id = r.grant_id JOIN cases_delivery d ON d.grant_id = g.id"
                " WHERE r.customer_id = %s AND g.action = %s AND d.state = %s"
                " AND NOT EXISTS (SELECT 1 FROM cases_refundstop s WHERE s.refund_id = r.id)",
                [moment, customer.pk if customer else 0, action, Delivery.State.PENDING],
            )


class Goodwill(models.Model):
    """Money given by discretion, paid to the account on record. Amount in minor units."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="goodwill")
    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    amount = models.PositiveIntegerField(_("amount"))
    currency = models.CharField(max_length=3)
    reason = models.CharField(_("reason"), max_length=200)
    given_at = models.DateTimeField()
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["given_by", "given_at"], name="goodwill_of_agent")]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="goodwill_is_worth_something")]

    def __str__(self) -> str:
        return str(self.public_id)

    def instructed(self, _parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the system of record needs besides the grant: the account on record, the sum, its currency."""
        return {"account": self.customer.account, "amount": self.amount, "currency": self.currency}


class Shipment(models.Model):
    """An instruction to send one order to another address, which stands in the grant's own particulars."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="shipments")
    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="+")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.CharField(_("order"), max_length=40)
    instructed_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.public_id)

    def instructed(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the system of record needs besides the grant: the order and where it goes now."""
        return {"order": self.order, "address": {name: parameters[name] for name in ("street", "postal_code", "town")}}


class Delivery(models.Model):
    """How far the instruction of a grant has got on its way out of our database.

    Moved by a task, found by the sweep; not guarded.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", _("pending")
        DELIVERED = "DELIVERED", _("delivered")
        FAILED = "FAILED", _("failed")
        STOPPED = "STOPPED", _("stopped by the customer")

    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="delivery")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"], name="delivery_due")]

    def __str__(self) -> str:
        return self.state


class ExportRequest(models.Model):
    """That a customer asked for a copy of all his data. Guarded."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="exports")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.public_id)


class Export(models.Model):
    """How far a copy of a customer's data has got: asked for, prepared, opened by himself. Not guarded.

    The copy is sealed under the customer's own key and void after some days; nobody of the staff opens it.
    """

    class State(models.TextChoices):
        ASKED = "ASKED", _("asked for")
        PREPARED = "PREPARED", _("prepared")
        OPENED = "OPENED", _("opened by the customer")
        VOID = "VOID", _("no longer kept")

    request = models.OneToOneField(ExportRequest, on_delete=models.PROTECT, related_name="export")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sealed_copy = models.BinaryField(blank=True)
    void_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "due_at"], name="export_due")]

    def __str__(self) -> str:
        return self.state
