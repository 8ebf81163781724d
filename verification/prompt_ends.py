"""How a prompt ends: once and for good. Asked by whatever ends a contact or changes a claim, so it imports neither."""

from __future__ import annotations

from datetime import datetime

from audit.log import record
from verification.models import Interaction, Prompt, PromptEnd, Speaker

HANG_UP, CLAIM_CHANGED = "HANG_UP", "CLAIM_CHANGED"
Outcome = PromptEnd.Outcome


def end(prompt: Prompt, outcome: str, reason: str, *, at: datetime, actor: str = "") -> bool:
    """Write what came of a prompt, with its entry; False when it had ended already, and nothing is changed.

    Inside the caller's transaction, under the interaction's lock. `reason` is a code for staff and auditors.
    """
    if PromptEnd.objects.filter(prompt=prompt).exists():
        return False
    PromptEnd.objects.create(prompt=prompt, outcome=outcome, reason=reason, ended_at=max(at, prompt.asked_at))
    note("prompt.ended", prompt, outcome.lower(), at=at, actor=actor, reason=reason)
    return True


def cancel_for(
    interaction: Interaction, reason: str, *, at: datetime, actor: str = "", speaker: Speaker | None = None
) -> None:
    """Withdraw what is still asked in a contact, or of one of its speakers: nobody is to approve it any more."""
    waiting = Prompt.objects.filter(interaction=interaction, end__isnull=True)
    if speaker is not None:
        waiting = waiting.filter(claim__speaker=speaker)
    for prompt in waiting.select_related("interaction", "claim__person").order_by("pk"):
        ran_out = prompt.expires_at <= at
        end(prompt, Outcome.EXPIRED if ran_out else Outcome.CANCELLED, "" if ran_out else reason, at=at, actor=actor)


def note(kind: str, prompt: Prompt, outcome: str, *, at: datetime, actor: str = "", **facts: str | int) -> None:
    """Write one entry about a prompt, in the caller's transaction; `facts` hold nothing personal."""
    record(
        kind=kind,
        actor=actor or prompt.interaction.actor,
        subject=subject_of(prompt),
        at=at,
        outcome=outcome,
        purpose="make sure, in his own browser or app, that the right person is served",
        organisation=str(prompt.interaction.organisation_id),
        facts={
            "interaction": str(prompt.interaction.public_id),
            "prompt": str(prompt.public_id),
            "action": prompt.action,
            **facts,
        },
    )


def subject_of(prompt: Prompt) -> str:
    """Return the pseudonym under whose key a prompt's personal part is kept."""
    person = prompt.claim.person
    return str(person.pseudonym if person else prompt.interaction.pseudonym)
