"""Messages to customers, and how far each has come."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notices.contents import Contents, unseal

MOST_ATTEMPTS = 8


class Notice(models.Model):
    """Hold one message to one person: what it says and to which address only sealed (see notices/contents.py)."""

    class Channel(models.TextChoices):
        SMS = "SMS", _("text message")
        EMAIL = "EMAIL", _("e-mail")
        LETTER = "LETTER", _("letter")

    class State(models.TextChoices):
        PENDING = "PENDING", _("waiting")
        SENDING = "SENDING", _("being sent")
        SENT = "SENT", _("sent")
        FAILED = "FAILED", _("failed")

    OPEN = (State.PENDING, State.SENDING)

    public_id = models.UUIDField(_("message"), default=uuid.uuid4, unique=True, editable=False)
    subject = models.TextField(_("recipient"))
    channel = models.CharField(_("channel"), max_length=6, choices=Channel)
    language = models.CharField(_("language"), max_length=2)
    contents = models.BinaryField(editable=False)
    # The sender's organisation, as a word: this app knows none of the others' tables.
    organisation = models.TextField(_("organisation"), default="", editable=False)
    about = models.TextField(_("about"))
    reference = models.UUIDField(_("reference"), null=True)
    created_at = models.DateTimeField(_("created at"))
    # When the next step is due: the sending, or, while SENDING, the moment at which the worker counts as lost.
    due_at = models.DateTimeField(_("due at"))
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), default="", blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state__in=["PENDING", "SENDING"]), name="notice_due"),
            models.Index(fields=["reference", "channel"], name="notice_bundle"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=["SMS", "EMAIL", "LETTER"]), name="notice_channel"),
            models.CheckConstraint(
                condition=Q(state="SENT", sent_at__isnull=False)
                | Q(state__in=["PENDING", "SENDING", "FAILED"], sent_at__isnull=True),
                name="notice_sent_at",
            ),
            models.CheckConstraint(condition=~Q(state="FAILED") | ~Q(last_error=""), name="notice_failed_why"),
            models.CheckConstraint(condition=Q(state="PENDING") | Q(attempts__gte=1), name="notice_attempted"),
            models.CheckConstraint(condition=Q(attempts__lte=MOST_ATTEMPTS), name="notice_attempts"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.public_id}"

    def opened(self) -> Contents:
        """Decrypt address, title and text; raises audit.keys.Unreadable once the recipient is erased."""
        return unseal(bytes(self.contents), subject=self.subject, message=self.public_id)

    @property
    def address(self) -> str:
        return self.opened().address

    @property
    def title(self) -> str:
        return self.opened().title

    @property
    def text(self) -> str:
        return self.opened().text
