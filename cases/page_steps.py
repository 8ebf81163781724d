"""What a customer can do on his own page beyond proving himself: open the copy of his data."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from cases import exports
from cases.models import Export
from verification.levels import Level
from verification.models import Prompt
from verification.own_page import his_own, reached
from verification.page_steps import Step, register


def copy_for(prompt: Prompt, at: datetime) -> Export | None:
    """Return the prepared copy that the person before this page may open: strongly identified minutes ago."""
    if not his_own(prompt, at) or reached(prompt, at) < Level.SUBSTANTIAL:
        return None
    return exports.waiting(prompt.claim, at=at)


def _offered(prompt: Prompt, at: datetime) -> bool:
    return copy_for(prompt, at) is not None


register(
    Step(
        code="own_copy",
        label=_("Your copy of the data"),
        page="own_copy",
        after="data_subject_export",
        open=_offered,
    )
)
