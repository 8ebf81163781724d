"""What protects without proof is capped; strangers who use the cap up must not disarm the customer himself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.cast import NOW, Cast
from tests.phone_line import NOBODY
from tests.test_signals import NEW_ADDRESS, proven
from verification.claims import claim_number
from verification.declarations import all_declared
from verification.gate import Granted, Live, Refused, attempt
from verification.models import ContactVeto, Interaction
from verification.policy import current
from verification.reasons import Reason
from verification.replay import replay

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
STOPS = sorted(one.name for one in all_declared() if one.anyones and current().caps_of(one.name))


def asks(cast: Cast, call: Interaction, action: str, *, at: Any, parameters: Any = None) -> Any:
    return attempt(action, origin=Live(call.public_id, cast.agent_aino), parameters=parameters or {}, at=at)


def strangers(cast: Cast, action: str, number: str = "") -> int:
    """Let strangers ask until the cap is reached; return how often it was granted."""
    for turn in range(6):
        at = NOW + turn * MINUTE
        call = cast.call(at=at)
        said = number or cast.antti.number
        claim_number(call.public_id, said, capacity="SELF", source="STAFF", by=cast.agent_aino, at=at)
        decided = asks(cast, call, action, at=at)
        if isinstance(decided, Refused):
            assert decided.refusal.reason == Reason.CAP
            return turn
    raise AssertionError("no cap was reached")


def test_every_stop_that_anybody_may_ask_for_is_among_them() -> None:
    assert {"veto_change", "stop_enrolment", "stop_mandate", "stop_refund", "temporary_hold", "not_me"} <= set(STOPS)


@pytest.mark.parametrize("action", STOPS)
def test_who_proved_himself_can_stop_it_however_often_strangers_did(cast: Cast, action: str) -> None:
    times = strangers(cast, action)
    for turn in range(times + 1):
        at = NOW + HOUR + turn * MINUTE
        decided = asks(cast, cast.call(at=at, claims=cast.antti, level="LOW"), action, at=at)
        assert isinstance(decided, Granted) == (turn < times), "his own are counted all the same"
    flipped = {name: row for name, row in replay(current(), since=NOW).items() if row.flips}
    assert not flipped, "a replay counts as the gate does"


def test_a_swindler_who_used_the_vetoes_up_changes_no_address_against_its_owner(cast: Cast) -> None:
    strangers(cast, "veto_change")
    ridden = proven(cast, cast.antti, at=NOW + HOUR)
    assert isinstance(asks(cast, ridden, "change_address", at=NOW + HOUR, parameters=NEW_ADDRESS), Granted)
    at = NOW + 2 * HOUR
    assert isinstance(asks(cast, cast.call(at=at, claims=cast.antti, level="LOW"), "veto_change", at=at), Granted)
    assert ContactVeto.objects.get().customer == cast.antti.customer


def test_the_cap_tells_a_stranger_nothing_of_whose_number_it_is(cast: Cast) -> None:
    assert strangers(cast, "veto_change") == strangers(cast, "veto_change", NOBODY)
