"""The calls in progress, and the replies kept so that a webhook sent twice is answered twice and done once."""

import json
import secrets
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

# No call comes near it; what doesn't fit the column isn't asked of the database.
MOST_TURNS: Final = 10_000
# What a turn may change of its call; `ended_at` is not among it, since the end may be told meanwhile.
MOVED: Final = ("interaction_id", "step", "language", "tries", "misses", "keypad", "challenge_index")


def new_token() -> str:
    """Make a call's token: 128 random bits, which no stranger guesses even with a valid signature for another call."""
    return secrets.token_urlsafe(16)


class Call(models.Model):
    """Where one telephone call stands in the dialogue.

    Nothing that was typed is here, and no number: not the caller's, not the customer's. `turn` is the last turn that
    was begun, `claimed_at` when; its reply follows. `tries` counts attempts to identify in the whole call, `misses`
    unanswered prompts in a row.
    """

    provider = models.CharField(_("provider"), max_length=16)
    call_sid = models.CharField(_("call"), max_length=64)
    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    interaction = models.ForeignKey(
        "verification.Interaction",
        null=True,
        on_delete=models.PROTECT,
        related_name="calls",
        verbose_name=_("interaction"),
    )
    step = models.CharField(_("step"), max_length=16, default="language")
    language = models.CharField(_("language"), max_length=2, blank=True)
    turn = models.PositiveIntegerField(_("turn"), default=0)
    claimed_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    misses = models.PositiveSmallIntegerField(default=0)
    keypad = models.CharField(_("keypad"), max_length=12, blank=True)
    challenge_index = models.PositiveSmallIntegerField(null=True)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "call_sid"], name="one_row_per_call"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.call_sid}"

    @classmethod
    def begin_turn(cls, provider: str, call_sid: str, token: str, number: int, at: datetime) -> Self | None:
        """Take turn `number` of a call for this process and return the call.

        None when there is no such call, when the turn is not its next one or somebody took it before, and when the
        call has ended.
        """
        if number > MOST_TURNS:
            return None
        # One statement, since every turn of every call does it, and the ORM can't return what it updates. The columns
        # are named, because the server keeps the plan, and refuses it once a `*` would mean others.
        columns = ", ".join(str(field.column) for field in cls._meta.concrete_fields)
        rows = cls.objects.raw(
            "UPDATE ivr_call SET turn = turn + 1, claimed_at = %s"  # noqa: S608  (names of ours, no input)
            " WHERE provider = %s AND call_sid = %s AND token = %s AND turn = %s AND ended_at IS NULL"
            f" RETURNING {columns}",
            [connection.ops.adapt_datetimefield_value(at), provider, call_sid, token, number - 1],
        )
        return next(iter(list(rows)), None)

    def move_on(self) -> bool:
        """Store where the current turn has led; False when the call has ended.

        One statement asks whether it has ended, locks its row and moves it on. Plain SQL, as every turn pays for it.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE ivr_call SET {', '.join(f'{name} = %s' for name in MOVED)}"  # noqa: S608  (names of ours)
                " WHERE id = %s AND ended_at IS NULL",
                [*(getattr(self, name) for name in MOVED), self.pk],
            )
            moved: int = cursor.rowcount
        return moved == 1

    def take_over(self, at: datetime) -> bool:
        """Take the current turn from a process that began it and never answered; False when another was quicker."""
        abandoned = Call.objects.filter(pk=self.pk, turn=self.turn, claimed_at=self.claimed_at, ended_at=None)
        taken = bool(abandoned.update(claimed_at=at))
        if taken:
            self.claimed_at = at
        return taken


class TurnReply(models.Model):
    """What was answered to one turn: prompt keys and neutral arguments, deleted when the call ends."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="replies")
    number = models.PositiveIntegerField()
    steps = models.JSONField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "number"], name="one_reply_per_turn"),
        ]

    def __str__(self) -> str:
        return f"{self.call_id}/{self.number}"

    @classmethod
    def store(cls, call: Call, steps: list[Any]) -> None:
        """Store what the current turn of a call was answered. Raises IntegrityError when it was answered before."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ivr_turnreply (call_id, number, steps) VALUES (%s, %s, %s)",
                [call.pk, call.turn, json.dumps(steps)],
            )
