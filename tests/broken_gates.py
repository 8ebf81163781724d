"""Gates broken by hand, one place each: the machine of tests/test_gate_machine.py must find every one of them.

Not part of `make test`; `make soak` runs it before the long play:  pytest tests/broken_gates.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.db.models import Q
from hypothesis import Phase

from tests.cast import Cast
from tests.gate_floor import HAPPENED, everybody
from tests.test_gate_machine import play
from verification import (
    approvals,
    attempts,
    authority,
    gate,
    interactions,
    levels,
    mandate_actions,
    repeats,
    rules,
)  # fmt: skip
from verification.levels import Level
from verification.models import ProposalEnd, Staff
from verification.models import authority as mandate_rows
from verification.models.authority import MandateQuerySet

EXAMPLES = int(os.environ.get("EXAMPLES", "200"))
Break = Callable[[], Any]


def without(name: str) -> Break:
    """Break the gate by asking one of its questions no more."""
    left = {
        half: tuple(each for each in getattr(rules, half) if each.__name__ != name)
        for half in ("BEFORE_PARAMETERS", "WITH_PARAMETERS")
    }
    assert sum(map(len, left.values())) + 1 == len(rules.BEFORE_PARAMETERS + rules.WITH_PARAMETERS)
    return lambda: patch.multiple(rules, **left)


def counts(change: Callable[..., tuple[Any, ...]]) -> Break:
    """Break what is asked of one piece of evidence."""
    real = levels._counts
    return lambda: patch.object(levels, "_counts", lambda *given: real(*change(*given)))


def put(owner: Any, name: str, broken: Any) -> Break:
    return lambda: patch.object(owner, name, broken)


def evidence_of_the_speaker(claim: Any, *, since: Any = None) -> Any:
    return [fact for each in (claim.speaker.claims.all() if claim else ()) for fact in REAL_FACTS(each, since=since)]


def old_policy(self: Any, **limits: Any) -> Any:
    return levels.held(self.facts, worth=dict(FIRST.worth), together=FIRST.together, at=self.at, **limits)


def held_of_the_proposal(self: Any, **limits: Any) -> Any:
    return REAL_HELD_BY(self, **limits) if self.scene.proposal else old_policy(self, **limits)


def not_spent(grant: Any, _at: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM verification_opening WHERE grant_id = %s", [grant.pk])


def undecided(proposal: Any, _asked: Any) -> bool:
    return not ProposalEnd.objects.filter(proposal=proposal).exists()


def never_ending(self: Any, at: Any) -> Any:
    return self.filter(begins_at__lte=at, ended__isnull=True)


def never_ended(self: Any, at: Any) -> Any:
    return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), begins_at__lte=at)


def any_matter(mandate: Any, asked: Any) -> bool:
    return mandate.most is None or asked.parameters.get("amount", 0) <= mandate.most


def any_sum(mandate: Any, asked: Any) -> bool:
    return not mandate.actions or asked.name in mandate.actions


REAL_FACTS, REAL_HELD_BY, FIRST = attempts.facts, attempts.Attempt.held_by, attempts.current()
BROKEN: dict[str, Break] = {
    "any role may ask": without("_role"),
    "whoever likes acts in a contact": without("_serves"),
    "the own family is served": without("_own_matter"),
    "who proposed it decides it": without("_another_person"),
    "an account of yesterday decides": put(Staff, "seasoned", lambda _self, _at: True),
    "no level is needed": without("_level"),
    "nobody needs a right to act": without("_recorded_authority"),
    "a mandate never runs out": put(MandateQuerySet, "in_force", never_ending),
    "a mandate can't be taken back": put(MandateQuerySet, "in_force", never_ended),
    "a mandate is for everything": put(authority, "_covers", any_matter),
    "a mandate is for any sum": put(authority, "_covers", any_sum),
    "a hold holds nothing": without("_hold"),
    "a closed account is open": without("_closed"),
    "nothing must be approved": without("_linked"),
    "what was proposed may be exchanged": without("_unchanged"),
    "there are no caps": without("_cap"),
    "no second person is needed": without("_second_person"),
    "a contact that is over is served": without("_origin_is_open"),
    "a proposal is decided twice": put(rules, "_still_waits", lambda _proposal, _asked: True),
    "a proposal waits for ever": put(rules, "_still_waits", undecided),
    "evidence doesn't age": counts(lambda f, v, *more: (f, replace(v, lasts=timedelta(days=999)), *more)),
    "the largest age is forgotten": counts(lambda f, v, at, _youngest, leaning: (f, v, at, None, leaning)),
    "it may lean on what will change": counts(lambda f, v, at, youngest, _l: (f, v, at, youngest, frozenset())),
    "quarantine is forgotten": counts(lambda f, *more: (replace(f, quarantined_until=None), *more)),
    "evidence outlives its claim": put(attempts, "facts", evidence_of_the_speaker),
    "evidence outlives a late transfer": put(attempts, "facts", lambda claim, **_: REAL_FACTS(claim)),
    "nothing makes it careful": put(attempts.Attempt, "raised", Level.NONE),
    "an edited policy isn't read": put(attempts.Attempt, "held_by", held_of_the_proposal),
    "a grant isn't spent": put(gate, "_spend_and_close", not_spent),
    "a form counts twice": put(repeats, "decided", lambda *_: None),
    "one approval is for many times": put(approvals, "_uses", lambda *_, **__: 0),
    "the log may fall behind": without("_log_keeps_up"),
    "who disowns it isn't heard": put(attempts.Attempt, "_disowned", False),
    "a mandate begins at once": put(mandate_actions, "wait", lambda _claim: timedelta()),
    "a mandate begins under a hold": put(mandate_rows, "_begun", lambda at: Q(begins_at__lte=at)),
    "a long wait is forgotten": put(interactions, "void", lambda *_, **__: None),
}


@pytest.mark.parametrize("number", [int(each) for each in os.environ.get("SEEDS", "1").split()])
@pytest.mark.parametrize("name", BROKEN)
def test_the_machine_finds(name: str, number: int, cast: Cast, tmp_path: Path) -> None:
    everybody(cast)
    HAPPENED.clear()
    with BROKEN[name](), pytest.raises(AssertionError) as found:
        play(cast, tmp_path, EXAMPLES, seeded=number, phases=[Phase.generate])
    print(f"\n{name}: {HAPPENED['mornings']} mornings: {str(found.value).splitlines()[:1]}", flush=True)
