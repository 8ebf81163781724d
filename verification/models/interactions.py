"""One contact with its speakers, what they claim, and what was seen of them."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from verification.models.customers import ContactChange, Customer
from verification.models.staff import Organisation, Staff


class Interaction(models.Model):
    """One contact: a call, a desk visit, a letter, a chat. It ends once, and its evidence ends with it."""

    class Channel(models.TextChoices):
        PHONE = "PHONE", _("phone")
        DESK = "DESK", _("desk")
        WEB = "WEB", _("web")
        CHAT = "CHAT", _("chat")
        LETTER = "LETTER", _("letter")

    class Keypad(models.TextChoices):
        NOT_ASKED = "NOT_ASKED", _("the keypad was not asked")
        SKIPPED = "SKIPPED", _("skipped the keypad")
        WRONG = "WRONG", _("typed codes that did not match")
        TIMED_OUT = "TIMED_OUT", _("typed nothing in time")
        BACKING_OFF = "BACKING_OFF", _("the keypad road is backing off")
        NO_CODES = "NO_CODES", _("says that he has no codes")
        MATCHED = "MATCHED", _("typed a code that matched")

    class Said(models.TextChoices):
        NO_MOBILE = "NO_MOBILE", _("has no mobile phone at hand")
        CANNOT_HEAR = "CANNOT_HEAR", _("does not hear, or not well")
        CANNOT_TRAVEL = "CANNOT_TRAVEL", _("cannot come to an office")
        RELAY = "RELAY", _("speaks through a relay service or an interpreter")
        NO_E_ID = "NO_E_ID", _("has no bank codes or other strong identification at hand")
        PASSKEY = "PASSKEY", _("has a passkey that he made with us")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pseudonym = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    language = models.CharField(_("language"), max_length=2, choices=Customer.Language.choices, default="fi")
    keypad = models.CharField(_("keypad"), max_length=12, choices=Keypad.choices, default=Keypad.NOT_ASKED)
    sealed_line = models.BinaryField(blank=True)  # the calling number, shown to the agent, never evidence
    started_at = models.DateTimeField(_("started"))
    waiting_since = models.DateTimeField(null=True, blank=True)
    opened_by = models.ForeignKey(Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    served_by = models.ForeignKey(Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    handed_back_by = models.ForeignKey(
        Staff, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # who put it back into the queue; nobody while it waits for the first time
    evidence_from = models.DateTimeField(null=True, blank=True)  # what was seen before counts no more (a late transfer)
    resumes = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="resumed_by"
    )  # the dropped call that this one goes on with; none of its evidence counts here
    said = models.JSONField(default=list, blank=True)  # what the caller says he has or can't use: values of Said
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        indexes = [models.Index(fields=["ended_at", "waiting_since"], name="interaction_queue")]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def live(self) -> bool:
        return self.ended_at is None

    @property
    def actor(self) -> str:
        """Name the caller in the log."""
        return f"caller:{self.public_id}"


class Speaker(models.Model):
    """One person heard in an interaction: the caller, his interpreter, a second signatory."""

    interaction = models.ForeignKey(Interaction, on_delete=models.PROTECT, related_name="speakers")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    label = models.CharField(max_length=40, default="caller")

    def __str__(self) -> str:
        return self.label


class Claim(models.Model):
    """ "I am this person, and I speak for this customer." Append-only: the newest of a speaker counts, and only its
    evidence.
    """

    class Capacity(models.TextChoices):
        SELF = "SELF", _("in his own matter")
        MANDATE = "MANDATE", _("by mandate")
        GUARDIAN = "GUARDIAN", _("as guardian")
        SIGNATORY = "SIGNATORY", _("as signatory")
        ESTATE = "ESTATE", _("for an estate")

    class Source(models.TextChoices):
        KEYPAD = "KEYPAD", _("typed on the keypad")
        STAFF = "STAFF", _("told to the staff")
        VISIT = "VISIT", _("booked visit")
        QUESTION = "QUESTION", _("told apart on the keypad")

    speaker = models.ForeignKey(Speaker, on_delete=models.PROTECT, related_name="claims")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")  # for whom he speaks
    person = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, related_name="+")  # who he says he is
    person_mark = models.CharField(max_length=64, blank=True)  # of the number of who speaks; "" when not said
    mark = models.CharField(max_length=64)  # keyed hash of the number that was claimed, whether or not it is somebody's
    capacity = models.CharField(max_length=10, choices=Capacity.choices, default=Capacity.SELF)
    source = models.CharField(max_length=8, choices=Source.choices)
    claimed_at = models.DateTimeField()
    claimed_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["customer", "claimed_at"], name="claims_of_customer"),
            models.Index(fields=["mark", "claimed_at"], name="claims_of_number"),
        ]

    def __str__(self) -> str:
        return f"claim {self.pk}"


class Evidence(models.Model):
    """One observed fact about a speaker, under one claim. Append-only; worth what policy.toml says, while it lasts."""

    class Kind(models.TextChoices):
        KEYPAD_TOTP = "KEYPAD_TOTP", _("one-time code on the keypad")
        KEYPAD_CODE_LIST = "KEYPAD_CODE_LIST", _("code of a code list on the keypad")
        IDENTITY_LIST = "IDENTITY_LIST", _("identity document compared at the desk")
        IDENTITY_ORDINARY = "IDENTITY_ORDINARY", _("document for ordinary matters compared at the desk")
        IDENTITY_LESSER = "IDENTITY_LESSER", _("document for smaller matters compared at the desk")
        IDENTITY_UNDATED = "IDENTITY_UNDATED", _("document compared by name alone at the desk")
        SECOND_CLERK = "SECOND_CLERK", _("second clerk confirmed")
        VISIT_CODE = "VISIT_CODE", _("visit code sent a day before")
        CHIP = "CHIP", _("chip of the document read")
        SIGNED_SLIP = "SIGNED_SLIP", _("slip with the exact matter signed")
        PAGE_APPROVAL = "PAGE_APPROVAL", _("exact matter approved on the page of the visit")
        SMS_CODE = "SMS_CODE", _("code of a text message on the keypad")
        E_ID_SUBSTANTIAL = "E_ID_SUBSTANTIAL", _("strong electronic identification")
        E_ID_HIGH = "E_ID_HIGH", _("strong electronic identification, level high")
        CIBA_SUBSTANTIAL = "CIBA_SUBSTANTIAL", _("approved in his app with what he heard")
        CIBA_HIGH = "CIBA_HIGH", _("approved in his app with what he heard, level high")
        CIBA_APPROVED = "CIBA_APPROVED", _("tapped approve in his app")
        PASSKEY = "PASSKEY", _("passkey")

    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    observed_at = models.DateTimeField()
    observed_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    rests_on = models.ForeignKey(ContactChange, null=True, on_delete=models.PROTECT, related_name="+")
    prompt = models.OneToOneField(
        "verification.Prompt", null=True, on_delete=models.PROTECT, related_name="evidence"
    )  # a prompt is worth one piece of evidence, once
    approves = models.CharField(max_length=64, blank=True)  # digest of the action and parameters he saw and approved
    authenticated_at = models.DateTimeField(null=True)  # when the broker says that he logged in: its age counts
    detail = models.JSONField(default=dict)  # document type, issuer and expiry; never its number, never a code

    def __str__(self) -> str:
        return f"{self.kind} {self.observed_at:%H:%M}"


class NameSearch(models.Model):
    """That a name was looked up in an interaction, and how many bear it: the count is all that was shown."""

    interaction = models.ForeignKey(Interaction, on_delete=models.PROTECT, related_name="searches")
    searched_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    searched_at = models.DateTimeField()
    found = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.found} found"
