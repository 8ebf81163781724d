"""What a customer can prove himself with on the keypad. Secrets are guarded; counters live in tables of their own."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from verification.models.customers import Customer
from verification.models.waiting import took_effect


class AuthenticatorQuerySet(models.QuerySet["Authenticator"]):
    def in_force(self, at: datetime) -> AuthenticatorQuerySet:
        """Keep authenticators that count at `at`: in effect and not ended, the newest first."""
        return self.filter(_in_effect(at), end__isnull=True).order_by("-effective_at", "-pk")

    def pending(self, at: datetime) -> AuthenticatorQuerySet:
        """Keep those that can still be stopped: they do not count yet."""
        return self.filter(~_in_effect(at), end__isnull=True)


class PasskeyQuerySet(models.QuerySet["Passkey"]):
    def in_force(self, at: datetime) -> PasskeyQuerySet:
        """Keep passkeys that count at `at`: in effect and not ended."""
        return self.filter(_in_effect(at), end__isnull=True)

    def pending(self, at: datetime) -> PasskeyQuerySet:
        """Keep those that can still be stopped: they do not count yet."""
        return self.filter(~_in_effect(at), end__isnull=True)


def _in_effect(at: datetime) -> Q:
    return took_effect(at, due="effective_at", made="enrolled_at")


class Authenticator(models.Model):
    """An enrolled generator of one-time codes, or a printed code list."""

    class Kind(models.TextChoices):
        TOTP = "TOTP", _("one-time code of an app")
        CODE_LIST = "CODE_LIST", _("code list")
        SMS = "SMS", _("code by text message")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="authenticators")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    sealed_secret = models.BinaryField(blank=True)  # TOTP key, AES-GCM under FIELD_KEY; empty for a code list
    enrolled_at = models.DateTimeField()
    effective_at = models.DateTimeField()  # later than enrolled when the rightful owner is given time to say no

    objects = AuthenticatorQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["customer", "kind"], name="authenticators_of_customer")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class AuthenticatorEnd(models.Model):
    """That an authenticator was reset, or stopped before it took effect. Guarded."""

    authenticator = models.OneToOneField(Authenticator, on_delete=models.PROTECT, related_name="end")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"end {self.authenticator_id}"


class Passkey(models.Model):
    """A passkey of a customer, for our own page. Guarded; its counter lives beside it."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="passkeys")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    credential_id = models.BinaryField()
    credential_digest = models.CharField(max_length=64, unique=True)
    public_key = models.BinaryField()
    enrolled_at = models.DateTimeField()
    effective_at = models.DateTimeField()

    objects = PasskeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"passkey {self.public_id}"


class PasskeyEnd(models.Model):
    """That a passkey was withdrawn, or stopped before it took effect. Guarded."""

    passkey = models.OneToOneField(Passkey, on_delete=models.PROTECT, related_name="end")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"end {self.passkey_id}"


class AuthenticatorSetup(models.Model):
    """That the key of a new code app waits for its owner to open it, once, on a page of his own. No staff page has it.

    Not guarded: opening it changes the row, and it holds no secret.
    """

    authenticator = models.OneToOneField(Authenticator, on_delete=models.PROTECT, related_name="setup")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="setups")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"setup {self.public_id}"


class PasskeyUse(models.Model):
    """The signature counter of a passkey, and when it was last used."""

    passkey = models.OneToOneField(Passkey, on_delete=models.PROTECT, related_name="use")
    counter = models.PositiveBigIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"use {self.passkey_id}"


class SmsCode(models.Model):
    """That a code by text message was asked for under a claim, and what came of it. The newest of a claim counts.

    It is asked for in the call and settled by a task: only then is there a code, its keyed hash, and where it went. For
    a number that is nobody's the same row is written, and settled without a message.
    """

    claim = models.ForeignKey("verification.Claim", on_delete=models.PROTECT, related_name="sms_codes")
    mark = models.CharField(max_length=64)  # keyed hash of the claimed number: what is limited is counted by it
    sent_to = models.ForeignKey("verification.ContactChange", null=True, on_delete=models.PROTECT, related_name="+")
    hashed = models.CharField(max_length=64, blank=True)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["mark", "sent_at"], name="sms_codes_of_number"),
            models.Index(fields=["sent_at"], condition=models.Q(settled_at__isnull=True), name="sms_codes_unsettled"),
        ]

    def __str__(self) -> str:
        return f"code sent {self.sent_at:%H:%M}"


class ListCode(models.Model):
    """One code of a list: its printed index, and a salted hash (63B 3.1.2.2) of its six digits."""

    authenticator = models.ForeignKey(Authenticator, on_delete=models.PROTECT, related_name="codes")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    index = models.PositiveSmallIntegerField()
    hashed = models.CharField(max_length=160)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["authenticator", "index"], name="one_code_beside_an_index")]

    def __str__(self) -> str:
        return f"code {self.index}"


class ListCodeUse(models.Model):
    """That a code of a list has been used up."""

    code = models.OneToOneField(ListCode, on_delete=models.PROTECT, related_name="use")
    used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"use {self.code_id}"


class KeypadRoad(models.Model):
    """How codes of one kind fare for one claimed number, somebody's or nobody's, across all calls.

    It is counted for numbers that are nobody's too: otherwise slowing down would tell who is a customer and has codes.
    """

    mark = models.CharField(max_length=64)  # keyed hash of the claimed number
    kind = models.CharField(max_length=10, choices=Authenticator.Kind.choices)
    last_step = models.BigIntegerField(default=-1)
    failures = models.PositiveIntegerField(default=0)
    backing_off_until = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mark", "kind"], name="one_keypad_road_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.failures} failures"


class CodeTry(models.Model):
    """That a code was typed, never the code: what came of it, and its turn, so that a retry is the same try."""

    class Outcome(models.TextChoices):
        MATCHED = "MATCHED", _("matched")
        NOT_MATCHED = "NOT_MATCHED", _("did not match")

    key = models.CharField(max_length=80, unique=True)
    interaction = models.ForeignKey("verification.Interaction", on_delete=models.PROTECT, related_name="code_tries")
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    tried_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.outcome
