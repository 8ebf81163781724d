"""What came back for a prompt, judged: the one place where an answer from outside the line becomes evidence.

The network has been asked before; here everything is read anew under the contact's lock, and either evidence, the
prompt's end and their entries are written together, or the reason why not.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from verification import authority, evidence, interactions, link_messages, prompt_ends, prompts, signals
from verification.models import ContactChange, Prompt, PromptEnd, Signal
from verification.prompt_ends import Outcome
from verification.scene import claims_of_all

OTHER_PERSON, EXPIRED, OVER, WORDS = "OTHER_PERSON", "EXPIRED", "OVER", "WORDS"
TRANSFERRED, OTHER_PARAMETERS = "TRANSFERRED", "OTHER_PARAMETERS"


@dataclass(frozen=True)
class Answer:
    """Who proved what: the kind of evidence it is worth, and the keyed mark of the person whom the broker named.

    A passkey is of one customer's row: `customer_id` names it, and no mark is needed.
    """

    kind: str
    identity_mark: str
    authenticated_at: datetime
    broker: str
    acr: str
    customer_id: int | None = None
    leans_on: ContactChange | None = None  # the recorded contact by which he was found, when it was by one
    born: date | None = field(default=None, repr=False)  # as the broker has it
    saw_all: bool = True  # exactly what would be done was shown to him, before he approved it


def conclude(prompt_id: int, answer: Answer, *, at: datetime) -> str:
    """Note the evidence and end the prompt as approved, or say why not; return "" or the reason's code.

    An approval by the right person for which nobody waits any more is an orphan: it counts for nothing, it is noted
    as a signal, and his recorded contacts are told.
    """
    with transaction.atomic():
        prompt = prompts.locked(prompt_id)
        if not _is_him(prompt, answer):
            return _failed(prompt, OTHER_PERSON, at)
        if reason := _nobody_waits(prompt):
            return _orphaned(prompt, reason, at)
        if reason := _not_open(prompt, at):
            return _failed(prompt, reason, at)
        _accept(prompt, answer, at)
        return ""


def fail(prompt_id: int, reason: str, *, at: datetime) -> str:
    """End a prompt as failed, with its reason; one that has ended already only gets the entry."""
    with transaction.atomic():
        return _failed(prompts.locked(prompt_id), reason, at)


def reject(prompt_id: int, reason: str, *, at: datetime) -> str:
    """Note that an answer counts for nothing, and leave the prompt as it is: it can still be answered."""
    with transaction.atomic():
        prompt_ends.note("prompt.answer_rejected", prompts.locked(prompt_id), "rejected", at=at, reason=reason)
        return reason


def decline(prompt_id: int, *, at: datetime) -> None:
    """Note that the person says that he did not call: the prompt ends, the bar rises, his contacts are told.

    Also when the prompt has ended meanwhile: a swindler hangs up when the victim begins to ask. Once only. Who says so
    after he has logged in takes that back: nothing that was proved in the contact counts any more.
    """
    with transaction.atomic():
        prompt = prompts.locked(prompt_id)
        ended = prompt_ends.end(prompt, Outcome.DECLINED, "NOT_CALLED", at=at)
        if not ended and _declined_before(prompt):
            return
        if not ended:
            prompt_ends.note("prompt.declined_late", prompt, "declined", at=at)
        interactions.void(prompt.interaction, "DECLINED", at=at)
        if prompt.claim.person is not None:
            signals.note(prompt.claim.person, Signal.Kind.PROMPT_DECLINED, interaction=prompt.interaction, at=at)
            link_messages.warn_of_decline(prompt.claim.person, prompt.interaction, at=at)


def taken_back(prompt: Prompt) -> bool:
    """Tell whether the person of this prompt has said in its contact, then or afterwards, that he did not call."""
    said = {"customer": prompt.claim.person, "kind": Signal.Kind.PROMPT_DECLINED, "interaction": prompt.interaction}
    return prompt.claim.person is not None and Signal.objects.filter(**said).exists()


def _declined_before(prompt: Prompt) -> bool:
    return prompt.claim.person is None or taken_back(prompt)


def _is_him(prompt: Prompt, answer: Answer) -> bool:
    person = prompt.claim.person
    if answer.customer_id is not None:
        return person is not None and person.pk == answer.customer_id
    recorded = person.identity_mark if person else ""
    return bool(recorded) and hmac.compare_digest(recorded, answer.identity_mark)


def _nobody_waits(prompt: Prompt) -> str:
    """Say why an approval is an orphan: the call, the claim or the matter is not any more what was approved."""
    here = prompt.interaction
    if not here.live:
        return prompt_ends.HANG_UP
    if prompt.claim_id not in {claim.pk for claim in claims_of_all(here)}:
        return prompt_ends.CLAIM_CHANGED
    if _voided(prompt):
        return TRANSFERRED
    newer = Prompt.objects.filter(claim_id=prompt.claim_id, pk__gt=prompt.pk)
    if newer.exclude(parameters_hash=prompt.parameters_hash).exists() or not prompts.unaltered(prompt):
        return OTHER_PARAMETERS
    # In his app he sees no word of ours that it was withdrawn; on our page he does, so there it is only too late.
    withdrawn = prompt.road == Prompt.Road.CIBA and PromptEnd.objects.filter(prompt=prompt, reason=prompts.WITHDRAWN)
    return prompts.WITHDRAWN if withdrawn and withdrawn.exists() else ""


def _voided(prompt: Prompt) -> bool:
    """Tell whether it was asked before the contact began anew; who declined it himself knows that it is over."""
    since, his = prompt.interaction.evidence_from, PromptEnd.objects.filter(prompt=prompt, outcome=Outcome.DECLINED)
    return since is not None and prompt.asked_at < since and not his.exists()


def _not_open(prompt: Prompt, at: datetime) -> str:
    if prompt.expires_at <= at:
        return EXPIRED
    if PromptEnd.objects.filter(prompt=prompt).exists():
        return OVER
    if prompt.road == Prompt.Road.CIBA:  # what he heard was typed in the app, or its kind says that it wasn't
        return ""
    return WORDS if prompt.progress.matched_at is None else ""


def _failed(prompt: Prompt, reason: str, at: datetime) -> str:
    outcome = Outcome.EXPIRED if reason == EXPIRED else Outcome.FAILED
    if not prompt_ends.end(prompt, outcome, reason, at=at):
        prompt_ends.note("prompt.answer_rejected", prompt, "rejected", at=at, reason=reason)
    return reason


def _orphaned(prompt: Prompt, reason: str, at: datetime) -> str:
    prompt_ends.end(prompt, Outcome.FAILED, reason, at=at)
    prompt_ends.note("prompt.orphaned", prompt, "rejected", at=at, reason=reason)
    if prompt.claim.person is not None:
        signals.note(prompt.claim.person, Signal.Kind.PROMPT_ORPHAN, interaction=prompt.interaction, at=at)
        link_messages.warn_of_orphan(prompt.claim.person, prompt.interaction, at=at)
    return reason


def _accept(prompt: Prompt, answer: Answer, at: datetime) -> None:
    evidence.note(
        prompt.claim,
        answer.kind,
        at=at,
        by=None,
        rests_on=prompt.sent_to or answer.leans_on,
        prompt=prompt,
        approves=prompt.parameters_hash if prompt.action and answer.saw_all else "",
        authenticated_at=min(answer.authenticated_at, at),  # their clock may be a little ahead of ours
        broker=answer.broker,
        acr=answer.acr,
        **_age(prompt, answer, at),
    )
    prompt_ends.end(prompt, Outcome.APPROVED, "", at=at)


def _age(prompt: Prompt, answer: Answer, at: datetime) -> dict[str, bool]:
    """Tell of whom our record has no date of birth whether he is of age; nothing more of his birth is kept."""
    person = prompt.claim.person
    if person is None or person.birth_date is not None or answer.born is None:
        return {}
    return {"of_age": authority.grown_up(answer.born, at)}
