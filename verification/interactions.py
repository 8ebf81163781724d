"""What happens to an interaction: it is opened, queued, taken, and ended. Each step is an entry of the log."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction

from audit import keys
from audit.log import record
from verification import namesakes, prompt_ends
from verification.models import Interaction, Organisation, Speaker, Staff
from verification.policy import current

DESK_ROLES = frozenset({Staff.Role.CLERK, Staff.Role.SUPERVISOR})


class NotBehindDesk(PermissionDenied):
    """Refuse a contact at the desk to who doesn't stand behind one: what was seen there, he has not seen."""


class Ended(RuntimeError):
    """Refuse a step on an interaction that is over."""


class Taken(RuntimeError):
    """Tell that a colleague serves this interaction already."""


def open_call(organisation: Organisation, *, line: str, language: str, at: datetime) -> Interaction:
    """Open the interaction of a call that rings in. `line` is the calling number or "": shown, never evidence."""
    with transaction.atomic():
        opened = Interaction(
            organisation=organisation, channel=Interaction.Channel.PHONE, language=language, started_at=at
        )
        if line:
            opened.sealed_line = keys.seal(line[:40], context=f"line:{opened.public_id}")
        return _opened(opened, opened.actor, at, {"line": line[:40]})


def open_by_staff(by: Staff, *, channel: str, language: str, at: datetime) -> Interaction:
    """Open an interaction by hand. It starts at NONE and opens no record. Raises NotBehindDesk."""
    _may_serve(channel, by)
    with transaction.atomic():
        opened = Interaction(
            organisation_id=by.organisation_id, channel=channel, language=language, started_at=at,
            opened_by=by, served_by=by,
        )  # fmt: skip
        return _opened(opened, by.actor, at, {})


def _opened(opened: Interaction, actor: str, at: datetime, personal: dict[str, Any]) -> Interaction:
    opened.save(force_insert=True)
    Speaker.objects.create(interaction=opened)
    _entry(opened, "interaction.opened", actor, at, "answer the contact", personal, channel=opened.channel)
    return opened


def line_of(interaction: Interaction) -> str:
    """Return the calling number as text, or "" when it was withheld."""
    if not interaction.sealed_line:
        return ""
    return keys.unseal(bytes(interaction.sealed_line), context=f"line:{interaction.public_id}").decode()


def wait(interaction_id: UUID, *, keypad: str, at: datetime) -> None:
    """Put a live interaction into the queue for a human, with the keypad's outcome for him to see."""
    with transaction.atomic():
        found = _locked(interaction_id)
        found.waiting_since = found.waiting_since or at
        found.keypad = keypad
        found.save(update_fields=["waiting_since", "keypad"])
        _entry(found, "interaction.waiting", found.actor, at, "wait for a human", {}, keypad=keypad)


def take(interaction_id: UUID, *, by: Staff, at: datetime) -> Interaction:
    """Give a live interaction to one member of the staff. Raises Taken when a colleague has it, or NotBehindDesk."""
    with transaction.atomic():
        found = _locked(interaction_id)
        if found.organisation_id != by.organisation_id:
            raise Interaction.DoesNotExist
        _may_serve(found.channel, by)
        if found.served_by_id not in (None, by.pk):
            raise Taken
        if found.served_by_id != by.pk:
            _void_after_transfer(found, by, at)
            found.served_by, found.waiting_since, found.handed_back_by = by, None, None
            found.save(update_fields=["served_by", "waiting_since", "handed_back_by"])
            _entry(found, "interaction.taken", by.actor, at, "serve the caller", {})
        return found


def _void_after_transfer(found: Interaction, by: Staff, at: datetime) -> None:
    """Let what was seen so far count no more when a contact was handed back for too long, or comes to another role.

    The one who speaks now may not be the one who proved himself then. That is so too for who takes his own contact
    back: nobody listened meanwhile, and the next to whom he hands it on would see a short wait only.
    """
    before, waited = found.handed_back_by, at - (found.waiting_since or at)
    if before is None or (waited <= current().transfer and before.role == by.role):
        return
    prompt_ends.cancel_for(found, "TRANSFER", at=at, actor=by.actor)
    void(found, "LATE" if waited > current().transfer else "OTHER_ROLE", at=at, actor=by.actor)


def void(found: Interaction, why: str, *, at: datetime, actor: str = "") -> None:
    """Let nothing that was proved so far count in a live contact, inside the caller's transaction and lock."""
    if not found.live:
        return  # with it all its evidence has ended
    found.evidence_from = at
    if found.keypad == Interaction.Keypad.MATCHED:
        found.keypad = Interaction.Keypad.NOT_ASKED
    found.save(update_fields=["evidence_from", "keypad"])
    purpose = "make sure that the caller is still the same"
    _entry(found, "interaction.evidence_void", actor or found.actor, at, purpose, {}, why=why)


def hand_back(interaction_id: UUID, *, by: Staff, at: datetime) -> None:
    """Put an interaction that `by` serves back into the queue, for a colleague. Raises Taken when it is not his."""
    with transaction.atomic():
        found = _locked(interaction_id)
        if found.served_by_id != by.pk:
            raise Taken
        found.served_by, found.waiting_since, found.handed_back_by = None, at, by
        found.save(update_fields=["served_by", "waiting_since", "handed_back_by"])
        _entry(found, "interaction.handed_back", by.actor, at, "let a colleague serve the caller", {})


def set_language(interaction_id: UUID, *, language: str, at: datetime) -> None:
    """Speak this language from now on."""
    with transaction.atomic():
        found = _locked(interaction_id)
        found.language = language
        found.save(update_fields=["language"])
        _entry(found, "interaction.language", found.actor, at, "speak the caller's language", {}, language=language)


def set_keypad(interaction_id: UUID, *, keypad: str, at: datetime) -> None:
    """Note how the keypad ended, so that the agent is told."""
    with transaction.atomic():
        found = _locked(interaction_id)
        found.keypad = keypad
        found.save(update_fields=["keypad"])
        _entry(found, "interaction.keypad", found.actor, at, "tell the agent how the keypad went", {}, keypad=keypad)


def say_cannot(interaction_id: UUID, *, said: frozenset[str], by: Staff, at: datetime) -> None:
    """Note what the caller says he has or can't use (values of Interaction.Said), so that the ways offered are his.

    It replaces what he said before. It tells of his circumstances, so in the log it is personal.
    """
    with transaction.atomic():
        found = _locked(interaction_id)
        found.said = sorted(said & set(Interaction.Said.values))
        found.save(update_fields=["said"])
        personal = {"said": found.said}
        _entry(found, "interaction.said", by.actor, at, "offer only what the caller can use", personal)


def end(interaction_id: UUID, *, at: datetime, by: Staff | None = None) -> None:
    """End an interaction; with it all its evidence. Ending what has ended changes nothing."""
    with transaction.atomic():
        found = Interaction.objects.select_for_update().get(public_id=interaction_id)
        if not found.live:
            return
        found.ended_at, found.waiting_since = max(at, found.started_at), None
        found.save(update_fields=["ended_at", "waiting_since"])
        prompt_ends.cancel_for(found, prompt_ends.HANG_UP, at=at, actor=by.actor if by else "")
        namesakes.forget(found, at=at)
        _entry(found, "interaction.ended", by.actor if by else found.actor, at, "the contact is over", {})


def _may_serve(channel: str, by: Staff) -> None:
    if channel == Interaction.Channel.DESK and by.role not in DESK_ROLES:
        raise NotBehindDesk


def _locked(interaction_id: UUID) -> Interaction:
    found = Interaction.objects.select_for_update().get(public_id=interaction_id)
    if not found.live:
        raise Ended
    return found


def _entry(
    about: Interaction, kind: str, actor: str, at: datetime, purpose: str, personal: dict[str, Any], **facts: str
) -> None:
    record(
        kind=kind,
        actor=actor,
        subject=str(about.pseudonym),
        at=at,
        outcome="ok",
        purpose=purpose,
        organisation=str(about.organisation_id),
        facts={"interaction": str(about.public_id), **facts},
        personal=personal or None,
    )
