"""How evidence becomes a level: only listed evidence raises it, nothing lasts for ever, and signals never help."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification import levels, policy
from verification.levels import Fact, Level

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = policy.current()
KINDS = sorted(POLICY.worth)


def held(facts: list[Fact], at: datetime = NOON, **limits: object) -> Level:
    return levels.held(facts, worth=dict(POLICY.worth), together=POLICY.together, at=at, **limits).level


def fact(kind: str, minutes_ago: int = 1, **more: object) -> Fact:
    return Fact(kind, NOON - timedelta(minutes=minutes_ago), **more)


facts = st.lists(
    st.builds(
        Fact,
        kind=st.sampled_from([*KINDS, "VOICE", "CALLER_ID", "KNOWS_BIRTH_DATE", ""]),
        observed_at=st.integers(-100, 3000).map(lambda minutes: NOON - timedelta(minutes=minutes)),
        rests_on_kind=st.sampled_from(["", "PHONE", "ADDRESS"]),
        quarantined_until=st.sampled_from([None, NOON - timedelta(hours=1), NOON + timedelta(hours=1)]),
    ),
    max_size=8,
)


def test_nothing_seen_is_none() -> None:
    assert levels.held([], worth={}, together=(), at=NOON) == levels.NOTHING


@pytest.mark.parametrize("kind", ["KEYPAD_TOTP", "KEYPAD_CODE_LIST"])
def test_however_many_codes_are_typed_the_keypad_gives_low(kind: str) -> None:
    assert held([fact(kind, minute) for minute in range(1, 40)]) is Level.LOW
    assert held([fact("KEYPAD_TOTP"), fact("KEYPAD_CODE_LIST")]) is Level.LOW


@pytest.mark.parametrize("kind", ["VOICE", "CALLER_ID", "KNOWS_BIRTH_DATE", "HETU", "NAME", "ANSWERED_THE_PHONE"])
def test_knowledge_caller_id_and_voice_never_raise_a_level(kind: str) -> None:
    assert held([fact(kind)] * 50) is Level.NONE
    assert held([fact(kind)] * 50 + [fact("KEYPAD_TOTP")]) is Level.LOW


def test_one_clerks_word_is_substantial_and_never_high() -> None:
    assert held([fact("IDENTITY_LIST", minute) for minute in range(1, 9)]) is Level.SUBSTANTIAL


@pytest.mark.parametrize("second", ["SECOND_CLERK", "VISIT_CODE"])
def test_the_identity_list_and_one_independent_fact_make_high(second: str) -> None:
    assert held([fact("IDENTITY_LIST"), fact(second)]) is Level.HIGH
    assert held([fact(second)]) is Level.NONE


def test_a_level_ends_at_the_minute_that_its_evidence_does() -> None:
    seen = [fact("KEYPAD_TOTP", 0)]
    lasts = POLICY.worth["KEYPAD_TOTP"].lasts
    assert held(seen, at=NOON + lasts - timedelta(seconds=1)) is Level.LOW
    assert held(seen, at=NOON + lasts) is Level.NONE
    assert levels.held(seen, worth=dict(POLICY.worth), together=(), at=NOON).until == NOON + lasts


def test_high_falls_to_what_is_left_when_one_half_runs_out() -> None:
    seen = [fact("IDENTITY_LIST", 0), fact("SECOND_CLERK", 40)]
    assert held(seen) is Level.HIGH
    assert held(seen, at=NOON + timedelta(minutes=6)) is Level.SUBSTANTIAL


def test_what_is_seen_in_the_future_counts_nothing() -> None:
    assert held([fact("IDENTITY_LIST", -1)]) is Level.NONE


def test_an_action_that_wants_fresh_proof_does_not_take_an_old_one() -> None:
    seen = [fact("IDENTITY_LIST", 11)]
    assert held(seen, youngest_than=timedelta(minutes=10)) is Level.NONE
    assert held(seen, youngest_than=timedelta(minutes=11)) is Level.SUBSTANTIAL


def test_evidence_does_not_vouch_for_the_contact_that_it_rests_on() -> None:
    seen = [fact("IDENTITY_LIST", rests_on_kind="PHONE")]
    assert held(seen, not_resting_on=frozenset({"PHONE"})) is Level.NONE
    assert held(seen, not_resting_on=frozenset({"EMAIL"})) is Level.SUBSTANTIAL


def test_a_contact_in_quarantine_carries_nothing_until_it_ends() -> None:
    ends = NOON + timedelta(hours=1)
    seen = [Fact("KEYPAD_TOTP", NOON, "PHONE", ends)]
    assert held(seen) is Level.NONE
    assert held([Fact("KEYPAD_TOTP", ends, "PHONE", ends)], at=ends) is Level.LOW


@given(facts)
def test_the_level_is_never_above_what_some_listed_evidence_gives(seen: list[Fact]) -> None:
    kinds = {one.kind for one in seen}
    best = max((POLICY.worth[kind].level for kind in kinds if kind in POLICY.worth), default=Level.NONE)
    for rule in POLICY.together:
        if rule.base <= kinds and rule.one_of & kinds:
            best = max(best, rule.level)
    assert held(seen) <= best


@given(facts, facts)
def test_more_evidence_never_lowers_and_stricter_limits_never_raise(some: list[Fact], more: list[Fact]) -> None:
    assert held(some + more) >= held(some)
    strict = {"youngest_than": timedelta(minutes=5), "not_resting_on": frozenset({"PHONE"})}
    assert held(some, **strict) <= held(some)


@given(facts, st.integers(0, 3000))
def test_the_promised_end_is_kept(seen: list[Fact], minutes: int) -> None:
    now = levels.held(seen, worth=dict(POLICY.worth), together=POLICY.together, at=NOON)
    later = NOON + timedelta(minutes=minutes)
    if now.until is not None and later < now.until:
        assert held(seen, at=later) >= now.level
