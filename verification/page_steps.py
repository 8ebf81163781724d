"""What a person can do on his own page once he has proved himself. Rooms to the left register theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification import own_looks, own_setup
from verification.models import Prompt


@dataclass(frozen=True)
class Step:
    """One thing that he can do: `page` names its address, `after` the action that makes it wait for him."""

    code: str
    label: Promise
    page: str
    after: str
    open: Callable[[Prompt, datetime], bool]


_STEPS: Final[dict[str, Step]] = {}


def register(step: Step) -> Step:
    """Add a step. Two steps of one code stop the process."""
    if step.code in _STEPS:
        raise RuntimeError(f"the step {step.code!r} is registered twice")
    _STEPS[step.code] = step
    return step


def offered(prompt: Prompt, at: datetime) -> list[Step]:
    """Return the steps that are open to the person before this page, in the order in which they were registered."""
    return [step for step in _STEPS.values() if step.open(prompt, at)]


def awaited(prompt: Prompt) -> bool:
    """Tell whether what he was asked to approve ends on this page, so that he should keep it open."""
    return prompt.action != "" and prompt.action in {step.after for step in _STEPS.values()}


register(
    Step(
        code="code_app",
        label=_("Connect your code app"),
        page="caller:code_app",
        after="enrol_code_app",
        open=own_setup.offered,
    )
)
register(
    Step(
        code="looks",
        label=_("Who has looked at your data"),
        page="caller:looks",
        after="",
        open=own_looks.offered,
    )
)
