"""How far a prompt has come, for whoever serves the contact. Nothing in it tells whether there is such a customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from verification.models import CibaRequest, Interaction, Prompt, PromptEnd

STEPS = ("ASKED", "OPENED", "WORDS", "LOGIN")
NOT_CALLED = "NOT_CALLED"
STATES = (*STEPS, *PromptEnd.Outcome.values)


@dataclass(frozen=True)
class Standing:
    """One prompt as it stands: a step of STEPS while it waits, then the outcome with its reason."""

    prompt: Prompt
    state: str
    reason: str = ""

    @property
    def waiting(self) -> bool:
        return self.state in STEPS

    def seconds_left(self, at: datetime) -> int:
        """Return how many seconds it still waits at `at`, 0 when it doesn't."""
        return max(0, int((self.prompt.expires_at - at).total_seconds())) if self.waiting else 0


def of(interaction: Interaction) -> list[Standing]:
    """Return the prompts of a contact, the newest first."""
    rows = Prompt.objects.filter(interaction=interaction).select_related("end", "progress", "claim", "ciba")
    return [standing(prompt) for prompt in rows.prefetch_related("logins").order_by("-pk")]


def standing(prompt: Prompt) -> Standing:
    """Return how one prompt stands."""
    end: PromptEnd | None = getattr(prompt, "end", None)
    if end is not None:
        # Why nobody approved in an app, the log alone tells: nobody was asked there, or he said no.
        declined = end.outcome == PromptEnd.Outcome.DECLINED
        return Standing(prompt, end.outcome, NOT_CALLED if declined else end.reason)
    progress = prompt.progress
    if prompt.road == Prompt.Road.CIBA:
        request: CibaRequest | None = getattr(prompt, "ciba", None)
        return Standing(prompt, "OPENED" if request is not None and request.sealed_request else "ASKED")
    if any(login.returned_at is None for login in prompt.logins.all()):
        return Standing(prompt, "LOGIN")
    if progress.matched_at is not None:
        return Standing(prompt, "WORDS")
    return Standing(prompt, "OPENED" if progress.opened_at is not None else "ASKED")
