"""Standing questions about the log, each with a number for an answer; a number above its limit is an alarm.

Apps to the left register what only they can ask. A task asks them all every minute and writes one Entry, and one line
for the operator, when an alarm begins and when it is over: none in between. The auditor's page asks on the spot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

import structlog
from django.db import transaction
from django.utils.functional import Promise

from audit.log import record
from audit.models import Alarm

log = structlog.get_logger(__name__)
UNANSWERED: Final = -1  # the question itself failed, which is an alarm too
Look = Callable[[datetime], int]


class Question(NamedTuple):
    """Ask something whose answer is a whole number; `do` says in one line what to do when it is above `limit`.

    `unit` is what is counted: "rows", "seconds", "per cent".
    """

    code: str
    label: Promise
    do: Promise
    look: Look
    limit: int = 0
    unit: str = "rows"


class Finding(NamedTuple):
    """Pair a question with its answer of this moment."""

    question: Question
    value: int

    @property
    def alarming(self) -> bool:
        return self.value > self.question.limit or self.value == UNANSWERED


_QUESTIONS: Final[dict[str, Question]] = {}


def register(question: Question) -> None:
    """Add a standing question. Two of one code stop the process."""
    if question.code in _QUESTIONS:
        raise RuntimeError(f"the alarm {question.code!r} is registered twice")
    _QUESTIONS[question.code] = question


def questions() -> tuple[Question, ...]:
    """Return every question, by code."""
    return tuple(_QUESTIONS[code] for code in sorted(_QUESTIONS))


def findings(at: datetime) -> Iterator[Finding]:
    """Ask every question now. One that fails is answered UNANSWERED, and the others are asked all the same."""
    for question in questions():
        try:
            with transaction.atomic():
                value = question.look(at)
        except Exception as error:  # whatever broke: not to know is what the operator must hear of
            log.error("standing question failed", alarm=question.code, error=type(error).__name__)
            value = UNANSWERED
        yield Finding(question, value)


def watch(*, at: datetime) -> list[str]:
    """Ask every question, note the answers, and tell of each alarm that begins or is over; return those that stand."""
    found = list(findings(at))
    for finding in found:
        with transaction.atomic():
            _note(finding, at)
    return [finding.question.code for finding in found if finding.alarming]


def _note(finding: Finding, at: datetime) -> None:
    code, value = finding.question.code, finding.value
    Alarm.objects.get_or_create(code=code, defaults={"value": 0, "watched_at": at})
    standing = Alarm.objects.select_for_update().get(code=code)
    began, over = finding.alarming and standing.began_at is None, standing.began_at is not None and not finding.alarming
    if began or over:
        standing.began_at = at if began else None
        _tell("alarm.began" if began else "alarm.ended", finding, at)
    standing.value, standing.watched_at = value, at
    standing.save()


def _tell(kind: str, finding: Finding, at: datetime) -> None:
    question = finding.question
    record(
        kind=kind,
        actor="system:audit.sweep",
        subject="nobody",
        at=at,
        outcome="ok",
        purpose="see that nothing is missing from the log",
        facts={"alarm": question.code, "value": finding.value, "limit": question.limit, "unit": question.unit},
    )
    tell = log.error if kind == "alarm.began" else log.warning
    transaction.on_commit(
        lambda: tell(kind, alarm=question.code, value=finding.value, limit=question.limit, do=str(question.do))
    )
