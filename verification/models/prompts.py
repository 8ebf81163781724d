"""A prompt asks a caller to prove himself outside the telephone line, in his own browser or app, for this one call.

What is asked is fixed when the prompt is made: the claim, the action, its parameters. What becomes of it is a row of
its own, written once: an end that can be neither changed nor taken back.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from verification.models.customers import ContactChange
from verification.models.interactions import Claim, Interaction
from verification.models.staff import Staff


class PromptQuerySet(models.QuerySet["Prompt"]):
    def open(self, at: datetime) -> PromptQuerySet:
        """Keep prompts that can still be answered: not ended, not run out, their contact still live."""
        return self.filter(end__isnull=True, expires_at__gt=at, interaction__ended_at__isnull=True)


class Prompt(models.Model):
    """One request to the person behind a claim: prove yourself, and approve exactly this.

    `action` is "" when only his identity is asked for; `parameters_hash` is then the digest of no action.
    `sealed_words` are what he hears on the line and types on the page: they carry the binding from call to browser.
    """

    class Road(models.TextChoices):
        LINK = "LINK", _("link to the caller's own browser")
        CIBA = "CIBA", _("request to the caller's app")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    interaction = models.ForeignKey(Interaction, on_delete=models.PROTECT, related_name="prompts")
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="prompts")
    road = models.CharField(_("road"), max_length=8, choices=Road.choices)
    action = models.CharField(_("action"), max_length=60, blank=True)
    parameters_hash = models.CharField(max_length=64)
    sealed_parameters = models.BinaryField()
    sealed_words = models.BinaryField()
    sent_to = models.ForeignKey(ContactChange, null=True, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked"))
    expires_at = models.DateTimeField(_("good until"))

    objects = PromptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("asked_at")), name="prompt_ends_later")
        ]
        indexes = [models.Index(fields=["claim", "asked_at"], name="prompts_of_claim")]

    def __str__(self) -> str:
        return f"{self.road} {self.public_id}"


class PromptToken(models.Model):
    """A secret that opens a prompt's page, kept as its hash: the link that was sent, or the browser that came by it."""

    class Kind(models.TextChoices):
        LINK = "LINK", "link"
        BROWSER = "BROWSER", "browser"

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="tokens")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of 128 random bits or more
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class PromptProgress(models.Model):
    """How far an unfinished prompt has come on the caller's page: opened, how many wrong words, when they matched."""

    prompt = models.OneToOneField(Prompt, on_delete=models.PROTECT, related_name="progress")
    opened_at = models.DateTimeField(null=True)
    wrong_words = models.PositiveSmallIntegerField(default=0)
    matched_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"progress {self.prompt_id}"


class PromptEnd(models.Model):
    """What came of a prompt, once and for good."""

    class Outcome(models.TextChoices):
        APPROVED = "APPROVED", _("approved")
        DECLINED = "DECLINED", _("declined")
        EXPIRED = "EXPIRED", _("ran out")
        FAILED = "FAILED", _("failed")
        CANCELLED = "CANCELLED", _("withdrawn")

    prompt = models.OneToOneField(Prompt, on_delete=models.PROTECT, related_name="end")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = models.CharField(max_length=40, blank=True)  # code, for agent and auditor; never told to the caller
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.outcome} {self.prompt_id}"


class BrokerLogin(models.Model):
    """One login begun at a broker for a prompt; what binds the answer to it is sealed, and used once."""

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="logins")
    broker = models.CharField(max_length=40)
    state_digest = models.CharField(max_length=64, unique=True)
    browser_digest = models.CharField(max_length=64)  # of the browser that began it: no other may bring the answer
    sealed_start = models.BinaryField()  # state, nonce and PKCE verifier
    begun_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"login {self.pk}"


class CibaRequest(models.Model):
    """One backchannel request that is polled until its prompt ends. Due times live here, not in the broker's queue."""

    prompt = models.OneToOneField(Prompt, on_delete=models.PROTECT, related_name="ciba")
    broker = models.CharField(max_length=40)
    sealed_request = models.BinaryField(blank=True)  # auth_req_id and what goes with it; empty before it is sent
    request_digest = models.CharField(max_length=64, null=True, unique=True)
    notification_digest = models.CharField(max_length=64, blank=True)
    interval_seconds = models.PositiveSmallIntegerField(default=5)
    due_at = models.DateTimeField()
    polling_until = models.DateTimeField(null=True)  # the lease of the poll under way
    attempts = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)  # nothing more is sent or asked; later than the end of its prompt

    interrupted = False  # of the row as a worker took it: the one before him was killed over it

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(done_at__isnull=True), name="backchannel_requests_due")
        ]

    def __str__(self) -> str:
        return f"backchannel request {self.pk}"
