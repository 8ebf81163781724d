"""The question that tells namesakes apart: that it may be asked, that it was, and what came of it."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import models

from verification.models.interactions import Interaction, NameSearch
from verification.models.staff import Staff


class SeparatingQuestion(models.Model):
    """That a caller can be asked on his own keypad which bearer of a name he is. What he answers is kept nowhere.

    A row is made for every name that is looked up, whoever bears it. The name is kept sealed until the row is settled,
    since the answer is compared with those who bear it then. `due_at` is when the row is to be looked at again: to turn
    the call to the keypad, or to find that nothing came of it. Not append-only: a task moves its state.
    """

    class State(models.TextChoices):
        OFFERED = "OFFERED"  # may be asked
        ASKED = "ASKED"  # the agent wants it: the call is to be turned
        TURNED = "TURNED"  # the provider took the order
        HEARD = "HEARD"  # it is being put
        PICKED = "PICKED"
        NOT_PICKED = "NOT_PICKED"
        SKIPPED = "SKIPPED"  # he came back without an answer
        FAILED = "FAILED"  # he could not be asked
        OVER = "OVER"  # the contact ended, or another name was looked up

    search = models.OneToOneField(NameSearch, on_delete=models.PROTECT, related_name="question")
    interaction = models.ForeignKey(Interaction, on_delete=models.PROTECT, related_name="separating_questions")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    mark = models.CharField(max_length=64)  # keyed hash of the name: what is limited is counted by it
    sealed_name = models.BinaryField(blank=True)  # empty once settled
    state = models.CharField(max_length=10, choices=State.choices, default=State.OFFERED)
    asked_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["mark", "asked_at"], name="questions_of_name"),
            models.Index(fields=["asked_by", "asked_at"], name="questions_of_staff"),
            models.Index(
                fields=["due_at"], condition=models.Q(state__in=("ASKED", "TURNED", "HEARD")), name="questions_open"
            ),
        ]

    def __str__(self) -> str:
        return f"question {self.public_id}"


OPEN: Final = (SeparatingQuestion.State.ASKED, SeparatingQuestion.State.TURNED, SeparatingQuestion.State.HEARD)
