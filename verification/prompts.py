"""Prompts: asking a caller, inside a live contact, to prove himself in his own browser or app.

What is asked and answered is the same for a number that is nobody's: a row is made, and nothing is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from celery import current_app
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from audit import keys
from audit.log import record
from verification import canonical, link_messages, prompt_ends, pushes, roads, words
from verification.caps import lock
from verification.declarations import Declaration, declared
from verification.forms import clean
from verification.interactions import Ended
from verification.levels import Level
from verification.masking import held_by
from verification.models import (
    Claim,
    ContactChange,
    Evidence,
    Interaction,
    Prompt,
    PromptProgress,
    PromptToken,
    Signal,
    Staff,
)
from verification.page_keys import issue
from verification.policy import current
from verification.prompt_ends import Outcome
from verification.scene import claims_of_all, current_claim

CHANNELS = frozenset({"PHONE", "WEB", "CHAT", "DESK"})
CARRIERS = ("PHONE", "EMAIL")  # in the order in which they are tried
WITHDRAWN = "WITHDRAWN"


class NotAsked(ValueError):
    """Refuse to ask a caller to prove himself; `code` says why: SERVING, CLAIM, ACTION, OPEN,
    CAP, ROAD, DECLINED."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BadParameters(ValueError):
    """Tell that the action's own form could not read its parameters; `errors` by field, each a list of sentences."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("the parameters could not be read")
        self.errors = errors


def ask(
    interaction_id: UUID,
    *,
    road: str,
    action: str = "",
    parameters: Mapping[str, Any] | None = None,
    by: Staff | None,
    at: datetime,
    speaker: UUID | None = None,
    broker: str = "",
) -> Prompt:
    """Ask the speaker of a live contact to prove himself, and to approve `action` with exactly these raw parameters.

    `by` is who serves the contact, None when the automatic line asks. Without an action only his identity is asked
    for. One prompt is open at a time, in the contact and for the person. `broker` chooses whose app is asked, and is
    needed where approving there is but a tap. Raises NotAsked, BadParameters or Ended.
    """
    cleaned = _cleaned(_wanted(action), parameters or {})
    through = pushes.through(broker) if road == Prompt.Road.CIBA else None
    if through is None and (road != Prompt.Road.LINK or not (roads.with_login() or roads.by_passkey())):
        raise NotAsked("ROAD")
    with transaction.atomic():
        interaction = _served(interaction_id, by)
        claim = _claim(interaction, speaker)
        _within_limits(interaction, claim, at)
        if through is not None and pushes.too_many(claim.person_mark, at=at):
            raise NotAsked("CAP")
        prompt = _made(interaction, claim, road, action, cleaned, by, at)
        if through is not None:
            pushes.queue(prompt, through, at=at)
        else:
            _send_on_commit(prompt)
        return prompt


def _wanted(action: str) -> Declaration | None:
    found = declared(action) if action else None
    if action and (found is None or found.origin != "live" or not found.needs_claim):
        raise NotAsked("ACTION")
    return found


def _cleaned(wanted: Declaration | None, raw: Mapping[str, Any]) -> dict[str, Any]:
    if wanted is None or wanted.made_on_page:
        return {}
    cleaned, errors = clean(wanted.form, raw)
    if errors:
        raise BadParameters(errors)
    return cleaned


def _served(interaction_id: UUID, by: Staff | None) -> Interaction:
    found = Interaction.objects.select_for_update().get(public_id=interaction_id)
    if not found.live:
        raise Ended
    if found.channel not in CHANNELS or (by is not None and (found.served_by_id != by.pk or not by.is_active)):
        raise NotAsked("SERVING")
    return found


def _claim(interaction: Interaction, speaker: UUID | None) -> Claim:
    if speaker is None:
        found = current_claim(interaction)
    else:
        found = next((each for each in claims_of_all(interaction) if each.speaker.public_id == speaker), None)
    if found is None or not found.person_mark:
        raise NotAsked("CLAIM")
    return found


def declined(interaction: Interaction) -> bool:
    """Tell whether somebody who was asked in this contact said, then or afterwards, that he did not call."""
    at_once = Prompt.objects.filter(interaction=interaction, end__outcome=Outcome.DECLINED)
    late = Signal.objects.filter(interaction=interaction, kind=Signal.Kind.PROMPT_DECLINED)
    return at_once.exists() or late.exists()


def _within_limits(interaction: Interaction, claim: Claim, at: datetime) -> None:
    """Refuse a second open prompt, a stream of them, and any where somebody has said that he did not call.

    Counted by the number said, whether or not it is somebody's. For who has proven something in this contact the day's
    count is of those that were asked on some proof too: strangers who use his day up don't keep him from his own login.
    """
    lock(claim.person_mark)
    if declined(interaction):
        raise NotAsked("DECLINED")
    limits, ours = current().prompts, Prompt.objects.filter(interaction=interaction)
    his = Prompt.objects.filter(claim__person_mark=claim.person_mark)
    if ours.open(at).exists() or his.open(at).exists():
        raise NotAsked("OPEN")
    today = his.filter(asked_at__gt=at - timedelta(days=1))
    if held_by(claim, interaction, at).level >= Level.LOW:
        today = today.filter(Exists(_some_proof()))
    if ours.count() >= limits.per_interaction or today.count() >= limits.per_customer_per_day:
        raise NotAsked("CAP")


def _some_proof() -> QuerySet[Evidence]:
    """Return the evidence of the claim of a prompt (the outer row) that was worth something when it was asked."""
    proves = [kind for kind, worth in current().worth.items() if worth.level >= Level.LOW]
    return Evidence.objects.filter(claim=OuterRef("claim"), kind__in=proves, observed_at__lte=OuterRef("asked_at"))


def _made(
    interaction: Interaction, claim: Claim, road: str, action: str, cleaned: Mapping[str, Any], by: Staff | None,
    at: datetime,
) -> Prompt:  # fmt: skip
    public_id, plain = uuid4(), canonical.plain(cleaned)
    subject = str(claim.person.pseudonym if claim.person else interaction.pseudonym)
    secret = keys.subject_key(subject, at=at).secret
    by_link = road == Prompt.Road.LINK
    spoken = words.pair(interaction.language) if by_link else words.digits()
    pair = json.dumps([interaction.language, *spoken])
    prompt = Prompt.objects.create(
        public_id=public_id,
        interaction=interaction,
        claim=claim,
        road=road,
        action=action,
        parameters_hash=canonical.digest(action, plain),
        sealed_parameters=keys.encrypt(secret, json.dumps(plain).encode(), context=f"prompt:{public_id}"),
        sealed_words=keys.seal(pair, context=f"words:{public_id}"),
        sent_to=_usable(claim, action, at) if by_link else None,
        asked_by=by,
        asked_at=at,
        expires_at=at + current().prompts.lasts,
    )
    PromptProgress.objects.create(prompt=prompt)
    _entry(prompt, subject, by, at)
    return prompt


def _usable(claim: Claim, action: str, at: datetime) -> ContactChange | None:
    """Return the recorded contact to write to: out of quarantine, and not the one that the action would change."""
    wanted = declared(action) if action else None
    barred = wanted.not_resting_on if wanted else frozenset()
    recorded = ContactChange.objects.in_force(at).filter(customer_id=claim.person_id or 0, kind__in=CARRIERS)
    newest: dict[str, ContactChange] = {}
    for change in recorded.order_by("-effective_at", "-pk"):
        newest.setdefault(change.kind, change)
    usable = (newest[kind] for kind in CARRIERS if kind in newest and kind not in barred)
    return next((change for change in usable if change.quarantined_until <= at), None)


def _entry(prompt: Prompt, subject: str, by: Staff | None, at: datetime) -> None:
    record(
        kind="prompt.asked",
        actor=by.actor if by else prompt.interaction.actor,
        subject=subject,
        at=at,
        outcome="ok",
        purpose="make sure, in his own browser or app, that the right person is served",
        organisation=str(prompt.interaction.organisation_id),
        facts={
            "interaction": str(prompt.interaction.public_id),
            "prompt": str(prompt.public_id),
            "road": prompt.road,
            "action": prompt.action,
            "approves": prompt.parameters_hash if prompt.action else "",
            "until": prompt.expires_at.isoformat(),
        },
        personal={"sent_to": prompt.sent_to.kind if prompt.sent_to else None, "parameters": parameters_of(prompt)},
    )


def _send_on_commit(prompt: Prompt) -> None:
    # A function and no partial: Django logs the name of a robust hook that fails, and a partial has none.
    def hint() -> None:
        current_app.send_task("verification.tasks.send_link", kwargs={"prompt_id": prompt.pk}, ignore_result=True)

    transaction.on_commit(hint, robust=True)


def send_link(prompt_id: int, *, at: datetime) -> None:
    """Make the link of one prompt and send it, once, however often this is asked. Nobody's link is made and not sent.

    The secret is made here and not where it was asked for, so that it travels in no task and the asking tells nothing.
    """
    with transaction.atomic():
        rows = Prompt.objects.open(at).filter(pk=prompt_id, road=Prompt.Road.LINK)
        found = rows.select_for_update(of=("self",)).first()
        if found is None or found.tokens.filter(kind=PromptToken.Kind.LINK).exists():
            return
        token = issue(found, PromptToken.Kind.LINK, expires_at=found.expires_at, at=at)
        if found.sent_to is not None:
            link_messages.send_link(found, token, at=at)


def unsent(*, at: datetime, limit: int = 200) -> list[int]:
    """List the ids of open prompts whose link was not made yet, the oldest first."""
    rows = Prompt.objects.open(at).filter(road=Prompt.Road.LINK).exclude(tokens__kind=PromptToken.Kind.LINK)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def sweep(at: datetime) -> int:
    """End the prompts that nobody answered in time, each with its entry. Safe to repeat. Returns how many."""
    ended = 0
    late = Prompt.objects.filter(end__isnull=True, expires_at__lte=at).order_by("pk")
    for pk in late.values_list("pk", flat=True)[:200]:
        with transaction.atomic():
            ended += prompt_ends.end(locked(pk), Outcome.EXPIRED, "", at=at, actor="system:verification.sweep")
    return ended


def withdraw(interaction_id: UUID, prompt_id: UUID, *, by: Staff, at: datetime) -> None:
    """Withdraw a prompt that is still waiting; one that has ended stays as it is. Raises Ended or NotAsked."""
    with transaction.atomic():
        interaction = _served(interaction_id, by)
        found = Prompt.objects.get(interaction=interaction, public_id=prompt_id)
        prompt_ends.end(locked(found.pk), Outcome.CANCELLED, WITHDRAWN, at=at, actor=by.actor)


def locked(pk: int) -> Prompt:
    """Return a prompt with its contact locked and all that its judgement needs read anew."""
    contact = Prompt.objects.values_list("interaction_id", flat=True).get(pk=pk)
    Interaction.objects.select_for_update().only("pk").get(pk=contact)
    return Prompt.objects.select_related("interaction__organisation", "claim__person", "claim__speaker").get(pk=pk)


def words_of(prompt: Prompt) -> tuple[str, tuple[str, str]]:
    """Return the language of what the caller hears, and its two parts: words for our page, digits for an app.

    For the agent's screen and the automatic line.
    """
    language, first, second = json.loads(keys.unseal(bytes(prompt.sealed_words), context=f"words:{prompt.public_id}"))
    return language, (first, second)


def parameters_of(prompt: Prompt) -> dict[str, Any] | None:
    """Return the parameters as they were fixed, None once the subject's key has been erased."""
    key = keys.find(prompt_ends.subject_of(prompt))
    if key is None:
        return None
    sealed = keys.decrypt(key.secret, bytes(prompt.sealed_parameters), context=f"prompt:{prompt.public_id}")
    plain: dict[str, Any] = json.loads(sealed)
    return plain


def unaltered(prompt: Prompt) -> bool:
    """Tell whether what the page shows is what the digest stands for, computed anew (RTS 2018/389 art. 5)."""
    parameters = parameters_of(prompt)
    return parameters is not None and canonical.digest(prompt.action, parameters) == prompt.parameters_hash
