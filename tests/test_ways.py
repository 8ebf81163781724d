"""A refusal always leads on: by what this caller really has, never by what he said that he can't use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import NOW, Cast, Person
from verification import checks, having, policy, relying_party, roads, ways
from verification.attempts import Attempt
from verification.declarations import all_declared, declared
from verification.gate import Live, Refused, attempt
from verification.interactions import say_cannot
from verification.levels import Level
from verification.models import Interaction
from verification.reasons import Reason
from verification.ways import Said, Situation, forward

NEW_ADDRESS = {"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"}
situations = st.builds(
    Situation,
    action=st.sampled_from(all_declared()),
    reason=st.sampled_from(Reason.values),
    channel=st.sampled_from(Interaction.Channel.values),
    held=st.sampled_from(Level),
    required=st.sampled_from(Level),
    keypad=st.sampled_from(Interaction.Keypad.values),
    usable=st.frozensets(st.sampled_from(sorted(ways.USABLE))),
    said=st.frozensets(st.sampled_from(Said.values)),
)


@given(situations)
def test_from_everywhere_something_leads_on(situation: Situation) -> None:
    assert forward(situation)


@given(situations)
def test_no_way_is_offered_that_he_said_he_cannot_go_unless_it_is_all_there_is(situation: Situation) -> None:
    offered = forward(situation)
    if any(not way.not_for & situation.said for way in offered):
        assert not [way.code for way in offered if way.not_for & situation.said]


@given(situations)
def test_no_way_leans_on_what_he_has_not_got(situation: Situation) -> None:
    for way in forward(situation):
        assert not way.needs or way.needs & situation.usable


def codes(**more: Any) -> list[str]:
    asked = Situation(
        action=declared("change_address"),
        reason=Reason.LEVEL,
        channel="PHONE",
        held=Level.LOW,
        required=Level.SUBSTANTIAL,
        keypad="MATCHED",
    )
    return [way.code for way in forward(replace(asked, **more))]


@pytest.fixture
def with_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roads, "by_link", lambda: Level.SUBSTANTIAL)


@pytest.mark.usefixtures("with_broker")
@pytest.mark.parametrize(
    ("said", "there", "away"),
    [
        (Said.NO_MOBILE, {"e_id_elsewhere", "visit"}, {"e_id_link"}),
        (Said.CANNOT_HEAR, {"in_writing", "interpreter", "e_id_link", "visit"}, {"call_back", "keypad_code"}),
        (Said.CANNOT_TRAVEL, {"e_id_link", "e_id_elsewhere", "representative", "we_come"}, {"visit"}),
        (Said.RELAY, {"interpreter", "e_id_link"}, {"keypad_code"}),
    ],
)
def test_each_hindrance_has_a_detour_of_equal_strength(said: str, there: set[str], away: set[str]) -> None:
    offered = set(codes(said=frozenset({said})))
    assert there <= offered
    assert not away & offered


@pytest.mark.usefixtures("with_broker")
def test_a_link_needs_a_contact_to_go_to() -> None:
    assert "e_id_link" in codes()
    assert "e_id_link" not in codes(usable=frozenset({"E_ID", "PASSKEY"}))
    assert "e_id_elsewhere" not in codes(usable=frozenset({"PHONE", "E_ID"}), said=frozenset({Said.NO_MOBILE}))


def refused(cast: Cast, call: Interaction) -> list[str]:
    decided = attempt("change_address", origin=Live(call.public_id, cast.agent_aino), parameters=NEW_ADDRESS, at=NOW)
    assert isinstance(decided, Refused)
    ways_forward: list[str] = decided.refusal.ways
    return ways_forward


def seen(cast: Cast, who: Person, monkeypatch: pytest.MonkeyPatch, *, level: str = "LOW") -> frozenset[str]:
    """Return what the ways were told that this caller has."""
    told: list[frozenset[str]] = []
    real = having.usable

    def usable(asked: Attempt) -> frozenset[str]:
        told.append(real(asked))
        return told[-1]

    with monkeypatch.context() as patched:
        patched.setattr(having, "usable", usable)
        refused(cast, cast.call(at=NOW, claims=who, level=level))
    return told[-1]


def test_what_he_has_is_read_from_his_record_only_once_he_is_known(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relying_party, "possible", lambda: True)
    assert {"PHONE", "EMAIL"} == seen(cast, cast.antti, monkeypatch) - {"E_ID"}
    assert {"EMAIL"} == seen(cast, cast.moved, monkeypatch) - {"E_ID"}  # his number is of yesterday
    for person in (cast.antti, cast.moved):
        assert {"PHONE", "EMAIL", "PASSKEY"} == seen(cast, person, monkeypatch, level="NONE") - {"E_ID"}


def test_before_low_everybody_is_offered_the_same(cast: Cast) -> None:
    offered = {tuple(refused(cast, cast.call(at=NOW, claims=who))) for who in (cast.antti, cast.moved, cast.ward)}
    assert len(offered) == 1


def test_what_he_said_changes_what_is_offered_and_said(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    assert "visit" in refused(cast, call)
    say_cannot(call.public_id, said=frozenset({"CANNOT_TRAVEL", "nonsense"}), by=cast.agent_aino, at=NOW)
    call.refresh_from_db()
    assert call.said == ["CANNOT_TRAVEL"]
    offered = refused(cast, call)
    assert "visit" not in offered
    assert {"representative", "we_come"} <= set(offered)


def test_every_way_is_open_to_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roads, "by_link", lambda: Level.HIGH)
    monkeypatch.setattr(relying_party, "possible", lambda: True)
    found = set()
    for action in all_declared():
        for reason in Reason.values:
            for channel in ("PHONE", "DESK"):
                for held in Level:
                    for said in (frozenset(), frozenset({"CANNOT_TRAVEL"}), frozenset(Said.values) - {"NO_E_ID"}):
                        asked = Situation(action, reason, channel, held, action.required, "NOT_ASKED", said=said)
                        found |= {way.code for way in forward(asked)}
    assert found >= {
        "keypad_code", "passkey", "e_id_link", "e_id_elsewhere", "interpreter", "representative", "we_come", "visit",
    }  # fmt: skip


# --- the start ----------------------------------------------------------------------------------------------------
def test_a_level_that_no_road_of_this_house_reaches_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.every_level_is_reached() == []
    in_force = policy.current()
    monkeypatch.setattr(roads, "current", lambda: replace(in_force, together=()))
    monkeypatch.setattr(roads, "with_login", list)
    monkeypatch.setattr(roads, "with_app", list)
    (found,) = checks.every_level_is_reached()
    assert found.id == "verification.E006"
    assert "close_account" in found.msg or "refund" in found.msg


def test_a_way_that_is_withdrawn_leaves_somebody_without_one_and_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert checks.every_refusal_has_a_way() == []
    for code in ("leave_question", "protect", "visit", "next_visit"):
        monkeypatch.delitem(ways._WAYS, code)
    assert {error.id for error in checks.every_refusal_has_a_way()} == {"verification.E003"}
