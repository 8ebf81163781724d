"""What a customer can prove himself with on the keypad. Secrets are guarded; counters live in tables of their own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from verification.models.customers import Customer


class Authenticator(models.Model):
    """An enrolled generator of one-time codes, or a printed code list."""

    class Kind(models.TextChoices):
        TOTP = "TOTP", _("one-time code of an app")
        CODE_LIST = "CODE_LIST", _("code list")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="authenticators")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    sealed_secret = models.BinaryField(blank=True)  # TOTP key, AES-GCM under FIELD_KEY; empty for a code list
    enrolled_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "kind"], name="one_authenticator_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


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
