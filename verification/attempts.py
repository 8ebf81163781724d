"""One attempt at the gate: the action asked for, who stands there, the moment, and what the evidence comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from verification import canonical, levels
from verification.declarations import Declaration
from verification.levels import Fact, Held, Level
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

    @property
    def required(self) -> Level:
        return self.action.required if self.action else Level.HIGH

    @cached_property
    def facts(self) -> list[Fact]:
        """Return the evidence under the current claim, read once. It dies with its interaction."""
        here = self.scene.interaction
        return facts(self.scene.claim) if self.scene.origin == "live" and here is not None and here.live else []

    @cached_property
    def held(self) -> Held:
        """Return the level held now, by all the evidence that counts at all."""
        return self.held_by()

    def held_by(self, **limits: Any) -> Held:
        """Return the level held under an action's further limits (see levels.held)."""
        return levels.held(
            self.facts, worth=dict(self.policy.worth), together=self.policy.together, at=self.at, **limits
        )

    @cached_property
    def digest(self) -> str:
        """Return the keyed hash that stands for the action with these parameters."""
        return canonical.digest(self.name[:60], self.parameters)
