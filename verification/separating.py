"""The separating question: the day and month of his birth, on the caller's own keypad, tell which namesake he is.

The answer selects, and does nothing else: it discloses nothing, raises no level, and is kept nowhere. Whether it fits
none, one or several, the same work is done and the caller hears the same words; the agent learns whether one was
picked. Asking turns the call back to its keypad, which the telephone does once the row is committed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from audit.log import record
from verification import claims, namesakes
from verification.caps import lock
from verification.interactions import Ended
from verification.models import Customer, Interaction, SeparatingQuestion, Staff
from verification.models.namesakes import OPEN
from verification.policy import current

State = SeparatingQuestion.State
LEASE: Final = timedelta(seconds=30)  # longer than turning a call can take
FIRST_WAIT: Final = timedelta(seconds=1)  # a caller holds the line
MOST_ATTEMPTS: Final = 3
TURNS_WITHIN: Final = timedelta(minutes=1)
ANSWERS_WITHIN: Final = timedelta(minutes=3)


class NotAsked(ValueError):
    """Refuse to ask; `code` says why: SERVING (somebody else serves him), NAME (none was looked up), OPEN (he is being
    asked), LINE (no telephone that can be turned to its keypad)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Line(Protocol):
    """What the telephone does for us."""

    def reachable(self, interaction: Interaction) -> bool:
        """Tell whether the contact is a call that can be turned back to its keypad."""
        ...

    def turn(self, question_id: int) -> None:
        """Hint that a question is due. The row says so too; the hint only makes it quick."""
        ...


_lines: list[Line] = []


def connect(line: Line) -> None:
    """Let a telephone ask the question."""
    _lines.append(line)


def reachable(interaction: Interaction) -> bool:
    """Tell whether this caller can be asked on a keypad at all."""
    return any(line.reachable(interaction) for line in _lines)


def newest(interaction: Interaction) -> SeparatingQuestion | None:
    """Return the question of the name that was looked up last, None before any was."""
    return SeparatingQuestion.objects.filter(interaction=interaction).order_by("-pk").first()


def ask(interaction_id: UUID, *, by: Staff, at: datetime) -> SeparatingQuestion:
    """Have the caller asked which bearer of the name he is, however many there are.

    Raises Ended, NotAsked, or claims.TooMany; then nothing was noted.
    """
    with transaction.atomic():
        interaction = _live(interaction_id)
        question = _to_ask(interaction, by)
        _within_limits(question, by, at)
        question.state, question.asked_by, question.asked_at, question.due_at = State.ASKED, by, at, at
        question.save(update_fields=["state", "asked_by", "asked_at", "due_at"])
        _entry(question, "claim.question_asked", by.actor, "ok", at)
        transaction.on_commit(lambda: hint(question.pk), robust=True)
        return question


def _to_ask(interaction: Interaction, by: Staff) -> SeparatingQuestion:
    if interaction.served_by_id != by.pk:
        raise NotAsked("SERVING")
    found = newest(interaction)
    if found is not None and found.state in OPEN:
        raise NotAsked("OPEN")
    if found is None or found.state != State.OFFERED:
        raise NotAsked("NAME")
    if not reachable(interaction):
        raise NotAsked("LINE")
    return found


def _within_limits(question: SeparatingQuestion, by: Staff, at: datetime) -> None:
    """Refuse before he is turned to the keypad. A name is counted alike whether or not somebody bears it.

    By name only what picked nobody counts, and what is still open: many may rightly bear a common name.
    """
    limits = current().separating
    claims.within_limits(question.interaction, by, at)
    lock(question.mark)
    asked = SeparatingQuestion.objects.filter(asked_at__isnull=False)
    today, month = Q(asked_at__gt=at - timedelta(days=1)), Q(asked_at__gt=at - timedelta(days=30))
    in_vain = asked.filter(mark=question.mark, state__in=(*OPEN, State.NOT_PICKED))
    if (
        asked.filter(interaction=question.interaction).count() >= limits.per_interaction
        or asked.filter(today, asked_by=by).count() >= limits.per_staff_per_day
        or in_vain.filter(today).count() >= limits.per_name_per_day
        or in_vain.filter(month).count() >= limits.per_name_per_month
    ):
        raise claims.TooMany


# --- what the telephone tells -----------------------------------------------------------------------------------------
def hint(question_id: int) -> None:
    """Tell the telephone that a question is due; without it the sweep does."""
    for line in _lines:
        line.turn(question_id)


def leased(question_id: int, *, at: datetime) -> SeparatingQuestion | None:
    """Take one due question for this worker, or return None: it is not due, is settled, or another has it."""
    with transaction.atomic():
        rows = SeparatingQuestion.objects.select_for_update(of=("self",)).filter(pk=question_id, state=State.ASKED)
        found = rows.filter(due_at__lte=at).select_related("interaction").first()
        if found is None:
            return None
        found.due_at, found.attempts = at + LEASE, found.attempts + 1
        found.save(update_fields=["due_at", "attempts"])
        return found


def turned(question_id: int, *, at: datetime) -> None:
    """Note that the provider has taken the order; the call itself may have come back to us already."""
    still = SeparatingQuestion.objects.filter(pk=question_id, state=State.ASKED)
    still.update(state=State.TURNED, due_at=at + TURNS_WITHIN)


def put_off(question: SeparatingQuestion, *, at: datetime) -> None:
    """Try again in a moment; the last time is the end of it, and the agent is told."""
    if question.attempts >= MOST_ATTEMPTS:
        failed(question.pk, at=at)
        return
    wait = FIRST_WAIT * 2 ** (question.attempts - 1)
    SeparatingQuestion.objects.filter(pk=question.pk, state=State.ASKED).update(due_at=at + wait)


def failed(question_id: int, *, at: datetime) -> None:
    """Note that he could not be asked, unless it is settled already."""
    with transaction.atomic():
        found = SeparatingQuestion.objects.get(pk=question_id)
        Interaction.objects.select_for_update().get(pk=found.interaction_id)
        settled = SeparatingQuestion.objects.filter(pk=question_id, state__in=OPEN).first()
        if settled is not None:
            _settle(settled, State.FAILED, "system:ivr.redirect", at)


def heard(interaction: Interaction, public_id: UUID, *, at: datetime) -> bool:
    """Note that the call has come to the keypad for this question; False when it is settled or none of this contact."""
    found = SeparatingQuestion.objects.filter(interaction=interaction, public_id=public_id, state__in=OPEN)
    return bool(found.update(state=State.HEARD, due_at=at + ANSWERS_WITHIN))


def on_its_way(interaction: Interaction) -> UUID | None:
    """Return the newest question of a contact if its call may be on the way to it; None otherwise.

    One that was given up counts too: an order that seemed to fail may have been carried out, and nobody is cut off.
    """
    found = newest(interaction)
    return found.public_id if found is not None and found.state in (*OPEN, State.FAILED) else None


def answer(interaction_id: UUID, *, day: int, month: int, at: datetime) -> None:
    """Let the caller's own answer pick one. Returns nothing and does the same, whatever it fits. Raises Ended."""
    with transaction.atomic():
        interaction = _live(interaction_id)
        question = _open(interaction)
        if question is None:
            return
        picked = _picked(question, day, month)
        if not claims.claim_picked(interaction, picked, by=question.asked_by, at=at):
            picked = None
        _settle(question, State.PICKED if picked else State.NOT_PICKED, interaction.actor, at)


def _picked(question: SeparatingQuestion, day: int, month: int) -> Customer | None:
    """Return the only bearer of the name who was born on this day. The day stays out of the statement: it is logged
    by some databases."""
    family, given = namesakes.name_of(question)
    found = namesakes.bearers(question.interaction, family_name=family, given_names=given)
    born = found.values_list("pk", "birth_date")
    fitting = [pk for pk, date in born if date is not None and (date.day, date.month) == (day, month)]
    return Customer.objects.filter(pk=fitting[0] if len(fitting) == 1 else 0).first()


def skip(interaction_id: UUID, *, at: datetime) -> None:
    """Note that he came back without an answer. Raises Ended."""
    with transaction.atomic():
        interaction = _live(interaction_id)
        question = _open(interaction)
        if question is not None:
            _settle(question, State.SKIPPED, interaction.actor, at)


# --- what is due ------------------------------------------------------------------------------------------------------
def sweep(at: datetime) -> None:
    """Hint again at what is due and was not turned; end what nothing came of, so that the agent is told."""
    rows = SeparatingQuestion.objects.filter(state__in=OPEN, due_at__lte=at).order_by("due_at")
    still_of_use = Q(state=State.ASKED, asked_at__gt=at - TURNS_WITHIN)
    turnable = set(rows.filter(still_of_use).values_list("pk", flat=True)[:200])
    for question in rows[:200]:
        if question.pk in turnable:
            hint(question.pk)
        else:
            failed(question.pk, at=at)


def _live(interaction_id: UUID) -> Interaction:
    found = Interaction.objects.select_for_update().get(public_id=interaction_id)
    if not found.live:
        raise Ended
    return found


def _open(interaction: Interaction) -> SeparatingQuestion | None:
    return SeparatingQuestion.objects.filter(interaction=interaction, state__in=OPEN).order_by("-pk").first()


def _settle(question: SeparatingQuestion, state: str, actor: str, at: datetime) -> None:
    """Write what came of it, never what was typed, and forget the name."""
    question.state, question.settled_at, question.sealed_name = state, at, b""
    question.save(update_fields=["state", "settled_at", "sealed_name"])
    kind = "claim.question_failed" if state == State.FAILED else "claim.question_answered"
    _entry(question, kind, actor, state.lower(), at)


def _entry(question: SeparatingQuestion, kind: str, actor: str, outcome: str, at: datetime) -> None:
    interaction = question.interaction
    record(
        kind=kind,
        actor=actor,
        subject=str(interaction.pseudonym),
        at=at,
        outcome=outcome,
        purpose="find out which of several customers of one name is calling",
        organisation=str(interaction.organisation_id),
        facts={"interaction": str(interaction.public_id), "question": str(question.public_id)},
    )
