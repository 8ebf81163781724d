"""Several knocks at once: caps, keys and codes hold when agents, calls or webhooks come in the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from audit.models import Entry
from cases import money_actions
from cases.models import Goodwill
from tests.cast import NOW, Cast
from tests.test_gate import ask
from verification import declarations, interactions, policy
from verification.gate import Granted, Refused
from verification.keypad import check
from verification.models import Evidence, Grant, Hold, Refusal, Spent, Staff

pytestmark = pytest.mark.slow


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run the works in threads that start together; return what each gave, or the exception it raised."""
    gate, outcomes = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        gate.wait()
        try:
            outcomes[place] = work()
        except Exception as error:
            outcomes[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def granted(outcomes: list[Any]) -> int:
    assert all(isinstance(outcome, (Granted, Refused)) for outcome in outcomes), outcomes
    return sum(isinstance(outcome, Granted) for outcome in outcomes)


def test_one_voucher_a_contact_however_many_ask_at_once(live_cast: Cast) -> None:
    call = live_cast.call(at=NOW)
    asks = [
        lambda n=n: ask(
            "small_voucher", call, live_cast.agent_aino, {"receipt": f"R-000{n}", "amount": 500, "fault": "cold soup"}
        )
        for n in range(4)
    ]
    assert granted(at_once(*asks)) == 1


def test_a_customers_cap_holds_over_calls_at_once(live_cast: Cast) -> None:
    calls = [live_cast.call(at=NOW, claims=live_cast.antti) for _ in range(5)]
    outcomes = at_once(*(lambda call=call: ask("temporary_hold", call, live_cast.agent_aino) for call in calls))
    assert granted(outcomes) == 2
    assert Hold.objects.filter(customer=live_cast.antti.customer).count() == 2


def test_one_key_at_once_has_one_effect(live_cast: Cast) -> None:
    call = live_cast.call(at=NOW)
    asks = [lambda: ask("open_case", call, live_cast.agent_aino, key="form:same") for _ in range(3)]
    outcomes = at_once(*asks)
    assert granted(outcomes) == 3
    assert len({outcome.grant.pk for outcome in outcomes}) == 1
    assert Grant.objects.filter(action="open_case").count() == 1


@pytest.fixture
def no_staff_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a policy that doesn't count how often one of the staff gives goodwill."""
    before, cap, after = policy.FILE.read_text(encoding="utf-8").partition(
        '[[cap]]\naction = "goodwill"\nscope = "staff"'
    )
    assert cap
    path = tmp_path / "policy.toml"
    path.write_text(before + after[after.index("[[cap]]") :], encoding="utf-8")
    monkeypatch.setattr(policy, "FILE", path)
    policy.current.cache_clear()
    yield
    monkeypatch.undo()
    policy.current.cache_clear()


@pytest.mark.parametrize("capped", [True, False], ids=["under the cap of the staff", "without it"])
def test_a_months_goodwill_is_spent_once_by_two_contacts_at_once(
    live_cast: Cast, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, capped: bool
) -> None:
    if not capped:
        request.getfixturevalue("no_staff_cap")
    desks = [live_cast.desk(at=NOW, claims=who) for who in (live_cast.antti, live_cast.antti2)]
    almost = {"amount": policy.current().goodwill_budget - 100, "reason": "waited for weeks"}
    counting = threading.Barrier(2)

    def slowly(by: Staff, asked: Any, at: datetime) -> bool:
        """Let both count at once, if nothing keeps the second from it."""
        inside = money_actions.inside_budget(by, asked, at)
        with suppress(threading.BrokenBarrierError):
            counting.wait(1)
        return inside

    goodwill = declarations.declared("goodwill")
    assert goodwill is not None
    monkeypatch.setitem(declarations._DECLARED, "goodwill", replace(goodwill, inside_budget=slowly))
    outcomes = at_once(*(lambda desk=desk: ask("goodwill", desk, live_cast.clerk_kalle, almost) for desk in desks))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Granted", "Proposed"]
    assert Goodwill.objects.count() == 1


def test_one_code_in_two_calls_at_once_counts_once(live_cast: Cast) -> None:
    code = live_cast.antti.app_code(NOW)
    calls = [live_cast.call(at=NOW, claims=live_cast.antti) for _ in range(3)]
    typed = at_once(
        *(
            lambda n=n, call=call: check(call.public_id, kind="TOTP", code=code, at=NOW, key=f"turn:{n}")
            for n, call in enumerate(calls)
        )
    )
    assert sorted(one.value for one in typed) == ["MATCHED", "WRONG", "WRONG"]
    assert Evidence.objects.count() == 1


def test_a_call_that_ends_while_it_asks_gets_either_answer_and_never_half_of_one(live_cast: Cast) -> None:
    for _ in range(5):
        call = live_cast.call(at=NOW, claims=live_cast.antti, level="NONE")
        decided, _ended = at_once(
            lambda call=call: ask("open_case", call, live_cast.agent_aino),
            lambda call=call: interactions.end(call.public_id, at=NOW),
        )
        assert isinstance(decided, (Granted, Refused))
        assert Grant.objects.filter(interaction=call).count() == int(isinstance(decided, Granted))
    assert Spent.objects.filter(grant__action="open_case").count() == Grant.objects.filter(action="open_case").count()


def test_two_agents_cannot_take_one_caller(live_cast: Cast) -> None:
    call = interactions.open_call(live_cast.organisation, line="", language="fi", at=NOW)
    took = at_once(
        lambda: interactions.take(call.public_id, by=live_cast.agent_aino, at=NOW),
        lambda: interactions.take(call.public_id, by=live_cast.agent_arvo, at=NOW),
    )
    assert sum(isinstance(one, interactions.Taken) for one in took) == 1
    assert Entry.objects.filter(kind="interaction.taken").count() == 1


def test_a_hook_that_fails_after_the_commit_does_not_turn_a_grant_into_a_refusal(
    live_cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks() -> None:
        raise OSError("the broker is away")

    declared = declarations.declared("temporary_hold")

    def effect(occasion: Any) -> dict[str, Any]:
        transaction.on_commit(breaks)
        return declared.effect(occasion)

    monkeypatch.setitem(declarations._DECLARED, "temporary_hold", replace(declared, effect=effect))
    decided = ask("temporary_hold", live_cast.call(at=NOW, claims=live_cast.antti), live_cast.agent_aino)
    assert isinstance(decided, Granted)
    assert Hold.objects.filter(customer=live_cast.antti.customer).count() == 1
    assert not Refusal.objects.exists()
