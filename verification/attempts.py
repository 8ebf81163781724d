"""One attempt at the gate: the action asked for, who stands there, the moment, and what the evidence comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from verification import approvals, authority, canonical, levels, signals
from verification.declarations import Declaration
from verification.levels import Fact, Held, Level
from verification.models import Customer, Signal
from verification.policy import Policy, current
from verification.scene import Scene, facts


@dataclass(frozen=True)
class Attempt:
    """Everything that a rule may judge. `parameters` are empty until they have been validated."""

    name: str
    action: Declaration | None
    scene: Scene
    at: datetime
    parameters: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = field(default_factory=current)

    def with_parameters(self, cleaned: Mapping[str, Any]) -> Attempt:
        """Return the same attempt with its validated parameters."""
        return replace(self, parameters=cleaned)

    @property
    def declared(self) -> Declaration:
        """Return the declaration; only rules that come after "is it declared" may ask."""
        if self.action is None:
            raise LookupError(f"{self.name!r} is not declared")
        return self.action

    @cached_property
    def required(self) -> Level:
        """Return the level required now: what is declared, or more while something makes us careful.

        Below LOW the declared level is the answer: what was noticed about a customer is nothing for a stranger.
        """
        declared = self.action.required if self.action else Level.HIGH
        return max(declared, self.raised) if self.held.level >= Level.LOW else declared

    @cached_property
    def signals(self) -> list[str]:
        """Return what makes us careful in this matter."""
        found = (self.counted or {}).items()
        return sorted(kind for kind, times in found if times >= self.policy.signals[kind].times)

    @cached_property
    def counted(self) -> dict[str, int] | None:
        """Return how often each sign of danger was seen, of whom it was seen most; None where nothing is asked.

        Only a proven caller's sensitive actions are asked about.
        """
        if self.action is None or not (self.action.sensitive or self.action.loosens):
            return None
        here, policy, most = self.scene.interaction, self.policy, dict[str, int]()
        for one in self._watched:
            for kind, times in signals.counted(one, here, policy=policy, at=self.at).items():
                most[kind] = max(most.get(kind, 0), times)
        return most

    @property
    def _watched(self) -> list[Customer]:
        """Return whose signals count: the customer's, and of one who speaks for him his own too.

        What was noticed about a customer is nothing for one who has no right to act for him.
        """
        customer, claim = self.scene.customer, self.scene.claim
        if claim is None or not authority.represents(claim):
            return [customer] if customer else []
        known = customer is not None and authority.known(claim, self.at)
        return [party for party in (customer if known else None, claim.person) if party is not None]

    @property
    def raised(self) -> Level:
        """Return the level that the signals raise the requirement to, NONE when there are none."""
        return max((self.policy.signals[kind].level for kind in self.signals), default=Level.NONE)

    @cached_property
    def facts(self) -> list[Fact]:
        """Return the evidence under the current claim, read once. It dies with its interaction."""
        here = self.scene.interaction
        if self.scene.origin != "live" or here is None or not here.live:
            return []
        return facts(self.scene.claim, since=here.evidence_from)

    @cached_property
    def held(self) -> Held:
        """Return the level held now, by all the evidence that counts at all; of a proposal, what was held then."""
        return self.held_by()

    def held_by(self, **limits: Any) -> Held:
        """Return the level held under an action's further limits (see levels.held)."""
        if self.scene.proposal is not None:
            return levels.NOTHING if self._disowned else Held(Level(self.scene.proposal.held), None)
        return levels.held(
            self.facts, worth=dict(self.policy.worth), together=self.policy.together, at=self.at, **limits
        )

    @property
    def _disowned(self) -> bool:
        """Tell whether somebody who was asked in the proposal's contact has said since that he did not call."""
        here, proposal = self.scene.interaction, self.scene.proposal
        if here is None or proposal is None:
            return False
        since = {"kind": Signal.Kind.PROMPT_DECLINED, "seen_at__gte": proposal.decided_at}
        return Signal.objects.filter(interaction=here, **since).exists()

    def approved(self) -> bool:
        """Tell whether the speaker approved exactly this action with these parameters, on his own device or slip.

        One approval is for one time.
        """
        if self.scene.proposal is not None:
            return True  # judged while the caller was live; that the parameters are the same is judged again
        age = self.declared.largest_age
        return approvals.unused(
            self.scene.claim, self.facts, self.digest, policy=self.policy, at=self.at, youngest_than=age
        )

    @cached_property
    def digest(self) -> str:
        """Return the keyed hash that stands for the action with these parameters."""
        return canonical.digest(self.name[:60], self.parameters)
