"""The words as they are typed on the caller's page: they bind his browser to the call in which they were said."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from verification import prompts, words
from verification.models import Prompt, PromptProgress
from verification.policy import current
from verification.prompt_ends import Outcome, end, note


def typed(prompt_id: int, text: str, *, at: datetime) -> bool:
    """Hold what was typed against the words of an open prompt; the last wrong try allowed ends it."""
    with transaction.atomic():
        prompt = prompts.locked(prompt_id)
        progress = PromptProgress.objects.select_for_update().get(prompt=prompt)
        if not Prompt.objects.open(at).filter(pk=prompt.pk).exists():
            return False
        if not words.same(text, prompts.words_of(prompt)[1]):
            _count(prompt, progress, at)
            return False
        if progress.matched_at is None:
            progress.matched_at = at
            progress.save(update_fields=["matched_at"])
            note("prompt.words_matched", prompt, "matched", at=at)
        return True


def _count(prompt: Prompt, progress: PromptProgress, at: datetime) -> None:
    progress.wrong_words += 1
    progress.save(update_fields=["wrong_words"])
    note("prompt.words_wrong", prompt, "not_matched", at=at, tries=progress.wrong_words)
    if progress.wrong_words >= current().prompts.wrong_words:
        end(prompt, Outcome.FAILED, "WORDS", at=at)
