"""What each action would still need, for the staff's eyes: the gate's own rules, asked without an attempt.

It writes nothing and locks nothing. Before LOW it asks only what rests on the caller's own words and evidence, never on
the record: who looks at it must not learn from it whether there is such a customer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from verification import levels, rules
from verification.attempts import Attempt
from verification.declarations import Declaration, all_declared
from verification.levels import Level
from verification.models import Interaction, Prompt, Refusal, Staff
from verification.reasons import Reason
from verification.rules import Rule
from verification.scene import Scene, current_claim


@dataclass(frozen=True)
class Prospect:
    """One action as it stands now; `missing` is the gate's first objection, None when none is known."""

    action: Declaration
    missing: Reason | None
    held: Level
    required: Level

    @property
    def ready(self) -> bool:
        return self.missing is None

    @property
    def text(self) -> str:
        """Say what is still needed, in the active language; "" when it is ready."""
        if self.missing is None:
            return ""
        if self.missing is Reason.LEVEL:
            levels = {"needed": self.required.label, "held": self.held.label}
            if self.required > self.action.required:
                return _("For safety it needs the level %(needed)s these days; now it is %(held)s.") % levels
            return _("Needs the level %(needed)s; now it is %(held)s.") % levels
        if self.missing is Reason.NOT_APPROVED:
            return _("Still needs: the customer's own approval of exactly what will be done.")
        if self.missing is Reason.NO_CLAIM:
            return _("Note first whose matter it is.")
        return f"{capfirst(str(self.missing.label))}."


FROM_THE_CALLER: Final[tuple[Rule, ...]] = (
    *(rule for rule in rules.BEFORE_PARAMETERS if rule is not rules._own_matter),
    rules._claim,
    rules._stated_authority,
    rules._log_keeps_up,
    rules._level,
)
FROM_THE_RECORD: Final[tuple[Rule, ...]] = (
    rules._own_matter,
    rules._recorded_authority,
    rules._customer,
    rules._closed,
    rules._hold,
)


def needs(interaction: Interaction, *, by: Staff, at: datetime) -> list[Prospect]:
    """Return every action of a live contact that this person's role may do, those that are ready first.

    Caps and what hangs on the parameters are judged only by the gate: a ready action may still be refused there.
    """
    scene = Scene("live", by=by, interaction=interaction, claim=current_claim(interaction))
    offered = [action for action in all_declared() if action.origin == "live" and _offered(action, interaction, by)]
    found = [_prospect(Attempt(action.name, action, scene, at)) for action in offered]
    return sorted(found, key=lambda prospect: (not prospect.ready, prospect.action.required, prospect.action.name))


def _offered(action: Declaration, interaction: Interaction, by: Staff) -> bool:
    return by.role in action.roles and (not action.at_desk or interaction.channel == Interaction.Channel.DESK)


def _prospect(asked: Attempt) -> Prospect:
    missing = next((reason for rule in _askable(asked) if (reason := rule(asked))), None)
    if missing is None and asked.declared.linked and not _some_of_it_approved(asked):
        missing = Reason.NOT_APPROVED
    return Prospect(asked.declared, missing, asked.held.level, asked.required)


def _some_of_it_approved(asked: Attempt) -> bool:
    """Tell whether he has approved this action with some parameters, by an approval that still counts.

    Which they are stands in what he was asked, or in what was refused for want of it; that what is then typed is the
    same to the letter, only the gate can say.
    """
    worth, oldest = dict(asked.policy.worth), asked.declared.largest_age
    counting = {
        fact.approves
        for fact in asked.facts
        if levels.approved([fact], fact.approves, worth=worth, at=asked.at, youngest_than=oldest)
    }
    if not counting or asked.scene.claim is None:
        return False
    same = {"action": asked.name, "parameters_hash__in": counting}
    in_his_name = Refusal.objects.filter(customer=asked.scene.customer, **same)
    return Prompt.objects.filter(claim=asked.scene.claim, **same).exists() or in_his_name.exists()


def _askable(asked: Attempt) -> Iterator[Rule]:
    yield from FROM_THE_CALLER
    if asked.held.level >= Level.LOW:
        yield from FROM_THE_RECORD
