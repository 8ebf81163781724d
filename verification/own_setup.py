"""A new code app's key, given to its owner on the page on which he has just proved himself at HIGH."""

from __future__ import annotations

from datetime import datetime

from verification import setups
from verification.levels import Level
from verification.models import AuthenticatorSetup, Prompt
from verification.own_page import his_own, reached


def waiting(prompt: Prompt, at: datetime) -> AuthenticatorSetup | None:
    """Return the set-up that waits for this very person and may be opened on this page, or None."""
    person = prompt.claim.person
    if person is None or not his_own(prompt, at) or reached(prompt, at) < Level.HIGH:
        return None
    return setups.waiting(person, at)


def offered(prompt: Prompt, at: datetime) -> bool:
    """Tell whether this page may show a key."""
    return waiting(prompt, at) is not None


def reveal(prompt: Prompt, at: datetime) -> setups.Opened:
    """Return the key, once. Raises NothingToOpen."""
    found = waiting(prompt, at)
    if found is None:
        raise setups.NothingToOpen
    return setups.reveal(found.public_id, customer=found.customer, at=at)
