"""Turn a call that is with a person back to its keypad, so that its caller can be asked one question there.

The question's own row says that it is due (verification/separating.py); a task does it, the sweep finds what was not.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from celery import current_app

from ivr.adapters import Adapter, Links, NotTurned
from ivr.models import Call
from ivr.twilio import Twilio
from verification import separating
from verification.models import Interaction

logger = logging.getLogger(__name__)

ADAPTERS: Final[Mapping[str, Adapter]] = {"twilio": Twilio()}


class Telephone:
    """What verification knows of us."""

    def reachable(self, interaction: Interaction) -> bool:
        """Tell whether the contact is a call in progress whose provider turns calls."""
        return _call(interaction) is not None

    def turn(self, question_id: int) -> None:
        """Hint that a question is due."""
        current_app.send_task("ivr.tasks.turn", kwargs={"question_id": question_id}, ignore_result=True)


def turn(question_id: int, *, at: datetime) -> None:
    """Turn the call of one due question to its keypad; safe to repeat. What can't be done, the agent is told."""
    question = separating.leased(question_id, at=at)
    if question is None:
        return
    call = _call(question.interaction)
    if call is None:
        separating.failed(question.pk, at=at)
        return
    try:
        ADAPTERS[call.provider].turn(call.call_sid, Links(call.provider, call.token).question(question.public_id))
    except NotTurned as refusal:
        logger.warning("A call was not turned to its keypad: %s", refusal.code)
        (separating.failed(question.pk, at=at) if refusal.final else separating.put_off(question, at=at))
    else:
        separating.turned(question.pk, at=at)


def _call(interaction: Interaction) -> Call | None:
    """Return the call of a contact while it waits for a person or is with one, and can be turned."""
    found = Call.objects.filter(interaction=interaction, ended_at=None, step="queue").order_by("-pk").first()
    adapter = ADAPTERS.get(found.provider) if found else None
    return found if adapter is not None and adapter.can_turn() else None
