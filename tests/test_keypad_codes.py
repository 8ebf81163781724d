"""Codes on the keypad: worth LOW, used once, slowed down when they miss, and never kept."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby, pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from tests.cast import NOW, Cast, Person, wrong
from verification.claims import claim_number
from verification.interactions import Ended, end
from verification.keypad import LIST_LENGTH, Typed, challenge, check
from verification.levels import Level
from verification.masking import standing
from verification.models import CodeTry, Evidence, Interaction, KeypadRoad
from verification.numbers import mark
from verification.policy import current

LIMITS = current().keypad


def a_call(cast: Cast, who: Person, at=NOW) -> Interaction:
    return cast.call(at=at, claims=who)


def miss(cast: Cast, who: Person, at=NOW) -> Typed:
    """Type one wrong code in a call of its own."""
    code = wrong(who.app_code(at)) if who.app_key else "000000"
    return cast.type_code(a_call(cast, who, at), who, at=at, code=code)


def counters(who: Person) -> KeypadRoad:
    return KeypadRoad.objects.get(mark=mark(who.number))


@pytest.mark.parametrize("who", ["antti", "antti2"])
def test_a_right_code_gives_low_and_no_more(cast: Cast, who: str) -> None:
    person = cast.people[who]
    call = a_call(cast, person)
    assert cast.type_code(call, person, at=NOW) is Typed.MATCHED
    assert standing(call, NOW)[1].level is Level.LOW


def test_a_time_code_is_used_once_in_whatever_call(cast: Cast) -> None:
    code = cast.antti.app_code(NOW)
    assert cast.type_code(a_call(cast, cast.antti), cast.antti, at=NOW, code=code) is Typed.MATCHED
    assert cast.type_code(a_call(cast, cast.antti), cast.antti, at=NOW, code=code) is Typed.WRONG


@pytest.mark.parametrize(
    ("seconds", "typed"), [(-30, Typed.MATCHED), (30, Typed.MATCHED), (-60, Typed.WRONG), (90, Typed.WRONG)]
)
def test_a_clock_may_be_one_step_off(cast: Cast, seconds: int, typed: Typed) -> None:
    code = cast.antti.app_code(NOW + timedelta(seconds=seconds))
    assert cast.type_code(a_call(cast, cast.antti), cast.antti, at=NOW, code=code) is typed


def test_a_listed_code_is_used_once_and_another_is_asked_for_next(cast: Cast) -> None:
    index = challenge(cast.antti2.number, at=NOW)
    code = cast.antti2.list_code(index)
    assert cast.type_code(a_call(cast, cast.antti2), cast.antti2, at=NOW) is Typed.MATCHED
    assert challenge(cast.antti2.number, at=NOW) != index
    call = a_call(cast, cast.antti2)
    again = check(call.public_id, kind="CODE_LIST", code=code, index=index, at=NOW, key="again")
    assert again is Typed.WRONG


def test_the_challenge_stays_the_same_until_its_code_is_used(cast: Cast) -> None:
    asked = {challenge(cast.antti2.number, at=NOW) for _ in range(5)}
    miss(cast, cast.antti2)
    assert asked == {challenge(cast.antti2.number, at=NOW)}


def test_an_index_that_stays_or_moves_tells_nothing_of_a_list(cast: Cast) -> None:
    """Nobody's numbers are asked like lists in use: for days the same, now and then the next, never an old one soon."""
    days = [NOW + timedelta(days=day) for day in range(90)]
    strangers = [f"9{place:07d}" for place in range(40)]
    walks = [[challenge(number, at=day) for day in days] for number in strangers]
    moved = [sum(today != next_day for today, next_day in pairwise(walk)) for walk in walks]
    assert min(moved) >= 2
    assert max(moved) <= 18
    assert len(set(moved)) > 5, "each number moves at a pace of its own"
    assert max(sum(walk[day] != walk[day + 1] for walk in walks) for day in range(89)) < 15, "and at an hour of its own"
    for walk in walks:
        seen = [index for index, _ in groupby(walk)]
        assert len(seen) == len(set(seen)), "a code is used once, so a list never comes back to an index"
        assert set(walk) <= set(range(1, LIST_LENGTH + 1))


def test_a_list_that_is_used_up_is_asked_like_a_number_without_one(cast: Cast) -> None:
    for _ in cast.antti2.codes:
        assert cast.type_code(a_call(cast, cast.antti2), cast.antti2, at=NOW) is Typed.MATCHED
    at = [NOW + timedelta(hours=hour) for hour in range(24 * 100)]
    walk = [index for index, _ in groupby(challenge(cast.antti2.number, at=hour) for hour in at)]
    assert 3 <= len(walk) <= 21
    call = a_call(cast, cast.antti2)
    for place, code in enumerate(cast.antti2.codes):
        typed = check(call.public_id, kind="CODE_LIST", code=code, index=place + 1, at=NOW, key=f"used:{place}")
        assert typed is not Typed.MATCHED


@pytest.mark.parametrize("code", ["", " ", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345\x00", "-12345", "1" * 10_000])
@pytest.mark.parametrize("who", ["antti", "antti2"])
def test_blank_and_odd_codes_never_match(cast: Cast, who: str, code: str) -> None:
    person = cast.people[who]
    call = a_call(cast, person)
    assert cast.type_code(call, person, at=NOW, code=code) is Typed.WRONG
    assert not Evidence.objects.filter(claim__speaker__interaction=call).exists()


def test_another_customers_right_code_proves_nothing(cast: Cast) -> None:
    call = a_call(cast, cast.antti)
    assert cast.type_code(call, cast.antti, at=NOW, code=cast.sanna.app_code(NOW)) is Typed.WRONG


def test_a_code_without_any_claim_proves_nothing(cast: Cast) -> None:
    call = cast.call(at=NOW)
    assert cast.type_code(call, cast.antti, at=NOW) is Typed.WRONG


def test_the_same_turn_again_is_the_same_try(cast: Cast) -> None:
    call, code = a_call(cast, cast.antti), cast.antti.app_code(NOW)
    for _ in range(3):
        assert check(call.public_id, kind="TOTP", code=code, at=NOW, key="call/3") is Typed.MATCHED
    assert Evidence.objects.filter(claim__speaker__interaction=call).count() == 1
    assert CodeTry.objects.count() == 1


def test_failures_are_counted_across_calls_and_slow_down_from_the_fifth(cast: Cast) -> None:
    for _ in range(LIMITS.back_off_from - 1):
        assert miss(cast, cast.antti) is Typed.WRONG
    assert counters(cast.antti).backing_off_until is None
    assert miss(cast, cast.antti) is Typed.WRONG
    assert counters(cast.antti).backing_off_until == NOW + timedelta(seconds=30)
    assert cast.type_code(a_call(cast, cast.antti), cast.antti, at=NOW) is Typed.BACKING_OFF, "even the right one waits"
    later = NOW + timedelta(seconds=30)
    assert cast.type_code(a_call(cast, cast.antti, later), cast.antti, at=later) is Typed.MATCHED
    assert counters(cast.antti).failures == 0


def test_what_is_typed_while_it_is_slow_does_not_make_it_slower(cast: Cast) -> None:
    for _ in range(LIMITS.back_off_from + 5):
        miss(cast, cast.antti)
    assert counters(cast.antti).failures == LIMITS.back_off_from
    assert counters(cast.antti).backing_off_until == NOW + timedelta(seconds=30)


def test_the_back_off_grows_to_an_hour_and_no_more(cast: Cast) -> None:
    at = NOW
    waits = []
    for _ in range(20):
        miss(cast, cast.antti, at)
        if until := counters(cast.antti).backing_off_until:
            waits.append(int((until - at).total_seconds()))
            at = until
    assert waits[:4] == [30, 60, 120, 240]
    assert waits[-1] == max(waits) == 3600


def test_the_keypad_road_closes_at_fifty_and_only_proof_opens_it(cast: Cast) -> None:
    KeypadRoad.objects.create(mark=mark(cast.antti.number), kind="TOTP", failures=LIMITS.disable_at - 1)
    assert miss(cast, cast.antti) is Typed.WRONG
    assert counters(cast.antti).disabled_at == NOW
    much_later = NOW + timedelta(days=30)
    call = a_call(cast, cast.antti, much_later)
    assert cast.type_code(call, cast.antti, at=much_later) is Typed.BACKING_OFF


def test_numbers_that_are_nobodys_slow_down_like_customers(cast: Cast) -> None:
    """Otherwise an agent who sees "backing off" would know that the number is a customer's, with an app."""
    outcomes = {}
    for number in (cast.antti.number, cast.antti3.number, "99999999"):
        typed = []
        for turn in range(7):
            call = cast.call(at=NOW)
            claim_number(call.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
            typed.append(check(call.public_id, kind="TOTP", code="000000", at=NOW, key=f"{number}:{turn}"))
        outcomes[number] = typed
    first, *others = outcomes.values()
    assert first[-1] is Typed.BACKING_OFF
    assert all(other == first for other in others)


def test_one_call_has_so_many_tries_whatever_it_claims(cast: Cast) -> None:
    call = a_call(cast, cast.antti3)
    for _ in range(LIMITS.tries_per_call):
        cast.type_code(call, cast.antti3, at=NOW, code="000000")
    claim_number(call.public_id, cast.antti.number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
    assert cast.type_code(call, cast.antti, at=NOW) is Typed.BACKING_OFF


def test_spraying_over_many_customers_slows_the_whole_keypad(cast: Cast) -> None:
    call = a_call(cast, cast.antti3)
    CodeTry.objects.bulk_create(
        CodeTry(key=f"spray:{n}", interaction=call, outcome="NOT_MATCHED", tried_at=NOW)
        for n in range(LIMITS.failures_per_hour_everywhere)
    )
    assert cast.type_code(a_call(cast, cast.antti), cast.antti, at=NOW) is Typed.BACKING_OFF
    later = NOW + timedelta(hours=1, seconds=1)
    assert cast.type_code(a_call(cast, cast.antti, later), cast.antti, at=later) is Typed.MATCHED


def test_a_code_after_hanging_up_is_no_longer_taken(cast: Cast) -> None:
    call = a_call(cast, cast.antti)
    end(call.public_id, at=NOW)
    with pytest.raises(Ended):
        cast.type_code(call, cast.antti, at=NOW)


@pytest.mark.parametrize("kind", ["TOTP", "CODE_LIST"])
def test_no_customer_no_codes_and_a_wrong_code_take_the_same_steps(cast: Cast, kind: str) -> None:
    enrolled = cast.antti if kind == "TOTP" else cast.antti2
    steps = {}
    for who, number in {"wrong code": enrolled.number, "no codes": cast.antti3.number, "nobody": "99999999"}.items():
        call = cast.call(at=NOW)
        claim_number(call.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
        check(call.public_id, kind=kind, code="000000", index=1, at=NOW, key=f"warm:{who}")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert check(call.public_id, kind=kind, code="000000", index=1, at=NOW, key=who) is Typed.WRONG
        steps[who] = [query["sql"].split()[0] for query in queries]
    assert steps["nobody"] == steps["no codes"] == steps["wrong code"]


def test_no_digit_typed_is_kept_anywhere(cast: Cast) -> None:
    call, code = a_call(cast, cast.antti), cast.antti.app_code(NOW)
    cast.type_code(call, cast.antti, at=NOW, code="918273")
    cast.type_code(call, cast.antti, at=NOW, code=code)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                assert "918273" not in repr(row), table
    assert all(b"918273" not in bytes(entry.body) for entry in Entry.objects.all())
