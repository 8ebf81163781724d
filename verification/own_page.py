"""Who stands before his own page: the person who approved its prompt, and has not taken that back since."""

from __future__ import annotations

from datetime import datetime

from verification import levels
from verification.levels import Level
from verification.models import Hold, Prompt, PromptEnd, Signal
from verification.policy import current
from verification.scene import facts


def his_own(prompt: Prompt, at: datetime) -> bool:
    """Tell whether the page may give this person what is his: he approved, never said that he did not call, no hold."""
    person = prompt.claim.person
    if person is None or not PromptEnd.objects.filter(prompt=prompt, outcome=PromptEnd.Outcome.APPROVED).exists():
        return False
    declined = Signal.objects.filter(
        customer=person, kind=Signal.Kind.PROMPT_DECLINED, interaction=prompt.interaction_id
    )
    return not declined.exists() and not Hold.objects.in_force(at).filter(customer=person).exists()


def reached(prompt: Prompt, at: datetime) -> Level:
    """Return the level that the proofs of the prompt's claim give now, in a contact that goes on or has just ended.

    The page outlives the call by minutes only: its cookie ends it.
    """
    policy = current()
    seen = facts(prompt.claim, since=prompt.interaction.evidence_from)
    return levels.held(seen, worth=dict(policy.worth), together=policy.together, at=at).level
