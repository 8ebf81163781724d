"""The tables that the gate's machine reckons with, held against what is declared: a new action has its line in both."""

from __future__ import annotations

from datetime import timedelta

from tests.reckoning import ANYONES, CAPS, LINKED, NEEDS, TAIL, VETO
from verification import policy
from verification.declarations import all_declared, declared


def test_the_reckoning_knows_every_action_that_asks_for_a_level() -> None:
    asking = {action.name for action in all_declared() if action.origin == "live" and action.required}
    assert asking == set(NEEDS)
    for name, (level, minutes) in NEEDS.items():
        action = declared(name)
        assert action is not None
        assert action.required >= level
        assert minutes is None or action.largest_age == timedelta(minutes=minutes)
        assert action.linked == (name in LINKED)


def test_the_reckoning_knows_every_cap_and_delay() -> None:
    current, scopes = policy.current(), {"who": "customer", "contact": "interaction", "by": "staff"}
    for action in (one for one in all_declared() if one.origin == "live"):
        known = {(scopes[scope], times, timedelta(days=days)) for scope, times, days in CAPS.get(action.name, ())}
        assert known == {(cap.scope, cap.times, cap.within) for cap in current.caps_of(action.name)}, action.name
        assert action.anyones == (action.name in ANYONES)
    assert (current.tail, current.veto_delay) == (TAIL, VETO)
