"""A policy can be tried on what was recorded: what it would have refused and granted, with nothing guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.actions_asked import VALID, WANTS_A_ROW, approved_by_customer
from tests.cast import NOW, Cast, number
from verification import policy, replay, signals
from verification.claims import claim_number
from verification.gate import Granted, Live, Refused, attempt
from verification.interactions import end, say_cannot
from verification.management.commands.policy import moment
from verification.models import Interaction, Signal

TEXT = policy.FILE.read_text(encoding="utf-8")
IN_FORCE = policy.current()
VERSION = f'version = "{IN_FORCE.version}"'
PEOPLE = ["antti", "antti2", "helena", "ward", "moved", "frozen", None]


def text_with(*changes: tuple[str, str]) -> str:
    text = TEXT
    for was, becomes in changes:
        assert was in text
        text = text.replace(was, becomes, 1)
    return text


def with_changes(*changes: tuple[str, str]) -> policy.Policy:
    return policy.read(text_with(*changes))


def entries(since: datetime) -> list[dict[str, Any]]:
    return list(replay.envelopes(since))


def asked(cast: Cast, contact: Interaction, action: str, at: datetime, by: str = "") -> Granted | Refused:
    staff = cast.staff[by] if by else contact.served_by
    more = {"receipt": f"R-2026-{next(numbers) + 100}"} if action == "small_voucher" else {}
    decision = attempt(action, origin=Live(contact.public_id, staff), parameters={**VALID[action], **more}, at=at)
    assert isinstance(decision, Granted | Refused)
    return decision


def flips(rows: dict[str, replay.Row]) -> dict[str, tuple[int, int]]:
    return {action: (row.grants_refused, row.refusals_granted) for action, row in rows.items() if row.flips}


# --- the policy in force flips none -----------------------------------------------------------------------------------
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["call", "low call", "desk", "papers", "strong desk", "same", "same", "same", "end"]),
        st.sampled_from(PEOPLE),
        st.sampled_from(sorted(set(VALID) - WANTS_A_ROW)),
        st.sampled_from([0, 1, 9, 11, 40, 50, 61, 60 * 24, 60 * 24 * 8]),
    ),
    min_size=4,
    max_size=14,
)
worlds, numbers = count(1), count(1)


def contact_of(cast: Cast, how: str, who: str | None, at: datetime) -> Interaction:
    """Open a contact that claims `who`; None claims the same number that is nobody's each time."""
    person = cast.people[who] if who else None
    if how in ("desk", "papers", "strong desk") and person is not None:
        how = "papers" if how == "strong desk" and who == "frozen" else how  # the second clerk is kin of hers
        level = {"desk": "NONE", "papers": "SUBSTANTIAL", "strong desk": "HIGH"}[how]
        return cast.desk(at=at, claims=person, level=level, by="clerk_kerttu")
    low = how == "low call" and person is not None and bool(person.app_key)
    call = cast.call(at=at, claims=person, level="LOW" if low else "NONE")
    if person is None:
        claim_number(call.public_id, number(7654321), capacity="SELF", source="STAFF", by=cast.agent_aino, at=at)
    return call


def play(cast: Cast, steps: list[tuple[str, str | None, str, int]], start: datetime) -> None:
    at, contact = start, contact_of(cast, "call", "antti", start)
    for how, who, action, minutes in steps:
        at += timedelta(minutes=minutes)
        if how == "end":
            end(contact.public_id, by=contact.served_by, at=at)
        elif how != "same":
            contact = contact_of(cast, how, who, at)
        asked(cast, contact, action, at)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[*HealthCheck],
)
@given(steps=STEPS)
def _holds(cast: Cast, steps: list[tuple[str, str | None, str, int]]) -> None:
    start = NOW + timedelta(days=200 * next(worlds))
    since = start - timedelta(minutes=1)
    play(cast, steps, start)
    judged = replay.judge(entries(since - timedelta(days=40)), IN_FORCE, since=since)
    assert flips(judged) == {}
    assert sum(row.not_judged for row in judged.values()) == 0
    assert sum(row.attempts for row in judged.values()) == len(steps)


@pytest.mark.slow
def test_the_policy_in_force_flips_none_of_what_the_gate_decided(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "SKEW", timedelta(days=366 * 500))  # these worlds are played years ahead
    _holds(cast)


@pytest.mark.slow
def test_a_replay_foretells_what_the_gate_does_under_that_policy(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Play the same attempts, each in a contact of its own, under both policies: the flips are the difference."""
    monkeypatch.setattr(replay, "SKEW", timedelta(days=366 * 500))
    stricter = [
        ('level = "LOW"\nminutes = 60', 'level = "NONE"\nminutes = 60'),
        ('level = "SUBSTANTIAL"', 'level = "LOW"'),
        ('level = "NONE"\nminutes = 45', 'level = "SUBSTANTIAL"\nminutes = 45'),
        ("times = 2\ndays = 30", "times = 1\ndays = 30"),
    ]
    steps = [
        (how, who, action)
        for who in ("antti", "helena", None)
        for how, action in [
            ("low call", "tell_case_state"), ("papers", "disclose_personal_data"), ("strong desk", "change_address"),
            ("call", "temporary_hold"), ("call", "temporary_hold"), ("call", "temporary_hold"),
        ]
    ]  # fmt: skip

    def outcomes(start: datetime) -> list[str]:
        found = []
        for place, (how, who, action) in enumerate(steps):
            at = start + timedelta(minutes=place)
            found.append(type(asked(cast, contact_of(cast, how, who, at), action, at)).__name__)
        return found

    first, second = NOW + timedelta(days=100), NOW + timedelta(days=400)
    before = outcomes(first)
    foretold = replay.replay(with_changes(*stricter), since=first)
    path = tmp_path / "policy.toml"
    path.write_text(text_with(*stricter), encoding="utf-8")
    monkeypatch.setattr(policy, "FILE", path)
    policy.current.cache_clear()
    try:
        after = outcomes(second)
    finally:
        policy.current.cache_clear()
    changed = [(was, now) for was, now in zip(before, after, strict=True) if was != now]
    assert changed
    assert sum(row.grants_refused for row in foretold.values()) == changed.count(("Granted", "Refused"))
    assert sum(row.refusals_granted for row in foretold.values()) == changed.count(("Refused", "Granted"))


# --- each kind of flip ------------------------------------------------------------------------------------------------
def test_less_worth_refuses_what_was_granted_and_sends_people_to_the_desk(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    assert isinstance(asked(cast, call, "tell_case_state", NOW), Granted)
    desk = cast.desk(at=NOW, claims=cast.antti2)
    assert isinstance(asked(cast, desk, "disclose_personal_data", NOW), Granted)
    nothing = with_changes(('level = "LOW"\nminutes = 60', 'level = "NONE"\nminutes = 60'))
    rows = replay.replay(nothing, since=NOW)
    assert flips(rows) == {"tell_case_state": (1, 0)}
    assert rows["tell_case_state"].extra_visits == 0  # the keypad is nearer, though it would not do


def test_longer_lasting_evidence_grants_what_was_too_old(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    later = NOW + timedelta(minutes=70)
    assert isinstance(asked(cast, call, "tell_case_state", later), Refused)
    longer = with_changes(("minutes = 60", "minutes = 90"))
    assert flips(replay.replay(longer, since=NOW)) == {"tell_case_state": (0, 1)}
    shorter = with_changes(("minutes = 60", "minutes = 30"))
    assert flips(replay.replay(shorter, since=NOW)) == {}


def test_the_largest_age_of_an_action_is_judged_as_it_was_declared(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    stale = asked(cast, desk, "change_address", NOW + timedelta(minutes=11))
    assert isinstance(stale, Refused)
    assert stale.refusal.reason == "STALE"
    longer = with_changes(('level = "SUBSTANTIAL"\nminutes = 45', 'level = "SUBSTANTIAL"\nminutes = 600'))
    assert flips(replay.replay(longer, since=NOW)) == {}


def test_caps_are_counted_in_the_log_also_from_before_the_first_day(cast: Cast) -> None:
    """Three holds in ten days: the policy in force lets two through in thirty."""
    for day in (0, 5, 10):
        call = cast.call(at=NOW + timedelta(days=day), claims=cast.antti)
        asked(cast, call, "temporary_hold", NOW + timedelta(days=day))
    once = with_changes(("times = 2\ndays = 30", "times = 1\ndays = 30"))
    thrice = with_changes(("times = 2\ndays = 30", "times = 3\ndays = 30"))
    assert flips(replay.replay(IN_FORCE, since=NOW)) == {}
    refused = replay.replay(once, since=NOW)
    assert flips(refused) == {"temporary_hold": (1, 0)}
    assert refused["temporary_hold"].extra_visits == 1  # nothing on the phone is nearer than the desk
    assert flips(replay.replay(once, since=NOW + timedelta(days=1))) == {"temporary_hold": (1, 0)}
    granted = replay.replay(thrice, since=NOW)
    assert flips(granted) == {"temporary_hold": (0, 1)}
    assert (granted["temporary_hold"].extra_visits, granted["temporary_hold"].visits_spared) == (0, 1)
    assert flips(replay.replay(with_changes(("times = 2\ndays = 30", "times = 2\ndays = 9")), since=NOW)) == {
        "temporary_hold": (0, 1)
    }


def test_a_number_that_is_nobodys_is_counted_as_the_gate_counts_it(cast: Cast) -> None:
    for minute in range(3):
        at = NOW + timedelta(minutes=minute)
        asked(cast, contact_of(cast, "call", None, at), "temporary_hold", at)
    rows = replay.replay(IN_FORCE, since=NOW)
    assert (rows["temporary_hold"].attempts, flips(rows)) == (3, {})


def test_what_no_policy_decides_stays_as_it_was(cast: Cast) -> None:
    desk = contact_of(cast, "papers", "frozen", NOW)
    held = asked(cast, desk, "disclose_personal_data", NOW)
    assert isinstance(held, Refused)
    assert held.refusal.reason == "HOLD"
    attempt("drop_tables", origin=Live(desk.public_id, cast.clerk_kerttu), parameters={}, at=NOW)
    rows = replay.replay(IN_FORCE, since=NOW)
    assert flips(rows) == {}
    assert rows["(undeclared)"].attempts == 1  # whatever was typed, it is one line


def tried(cast: Cast, times: int) -> None:
    """Let somebody be refused in Antti's name, each time in another call."""
    for minute in range(times):
        at = NOW + timedelta(minutes=minute)
        call = cast.call(at=at, claims=cast.antti)
        assert isinstance(asked(cast, call, "disclose_personal_data", at), Refused)


def many_refusals(times: int, hours: int, level: str = "HIGH") -> policy.Policy:
    was = 'raises_to = "SUBSTANTIAL"\nhours = 24\ntimes = 10'
    return with_changes((was, f'raises_to = "{level}"\nhours = {hours}\ntimes = {times}'))


@pytest.mark.parametrize(
    ("times", "hours", "flipped", "unjudged"),
    [
        (5, 24, True, 0),
        (6, 24, False, 0),
        (5, 48, True, 0),  # it was seen as often in less time
        (6, 48, False, 1),  # whether once more in the day before, nobody counted
        (6, 12, False, 0),  # not so often in twice the time
        (5, 12, False, 1),
    ],
)
def test_signals_that_another_policy_counts_are_judged_from_what_was_counted(
    cast: Cast, times: int, hours: int, flipped: bool, unjudged: int
) -> None:
    tried(cast, 5)
    later = NOW + timedelta(minutes=10)
    desk = cast.desk(at=later, claims=cast.antti, level="SUBSTANTIAL")
    assert isinstance(asked(cast, desk, "disclose_personal_data", later), Granted)
    assert flips(replay.replay(IN_FORCE, since=NOW)) == {}
    rows = replay.replay(many_refusals(times, hours), since=NOW)
    assert flips(rows) == ({"disclose_personal_data": (1, 0)} if flipped else {})
    assert rows["disclose_personal_data"].not_judged == unjudged
    assert not any(
        row.not_judged for row in replay.replay(many_refusals(times, hours, "SUBSTANTIAL"), since=NOW).values()
    )


def test_a_policy_that_is_less_careful_grants_what_a_signal_had_refused(cast: Cast) -> None:
    signals.note(cast.antti.customer, Signal.Kind.PROMPT_DECLINED, interaction=None, at=NOW)
    desk = cast.desk(at=NOW, claims=cast.antti, level="SUBSTANTIAL")
    refused = asked(cast, desk, "disclose_personal_data", NOW)
    assert isinstance(refused, Refused)
    assert flips(replay.replay(IN_FORCE, since=NOW)) == {}
    careless = with_changes(('raises_to = "HIGH"\nhours = 48', 'raises_to = "SUBSTANTIAL"\nhours = 48'))
    assert flips(replay.replay(careless, since=NOW)) == {"disclose_personal_data": (0, 1)}
    assert replay.not_replayed(careless, IN_FORCE) == []


GOODS = "goods_to_new_address"


def test_an_approval_is_judged_again(cast: Cast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slip = re.search(r"(\[evidence\.SIGNED_SLIP\]\nlevel = \"NONE\"\nminutes = )\d+", TEXT)
    assert slip
    brief_text = text_with((slip[0], f"{slip[1]}5"))
    desk, later = cast.desk(at=NOW, claims=cast.antti), NOW + timedelta(minutes=10)
    assert isinstance(asked(cast, desk, GOODS, NOW), Refused)
    approved_by_customer(desk, GOODS, at=NOW)
    assert isinstance(asked(cast, desk, GOODS, later), Granted)
    rows = replay.replay(IN_FORCE, since=NOW)
    assert (flips(rows), rows[GOODS].not_judged) == ({}, 0)
    assert flips(replay.replay(policy.read(brief_text), since=NOW)) == {GOODS: (1, 0)}
    path = tmp_path / "policy.toml"
    path.write_text(brief_text, encoding="utf-8")
    other, at, after = cast.desk(at=later, claims=cast.antti2), later, later + timedelta(minutes=10)
    approved_by_customer(other, GOODS, at=at)
    with monkeypatch.context() as short:
        short.setattr(policy, "FILE", path)
        policy.current.cache_clear()
        late = asked(cast, other, GOODS, after)
    policy.current.cache_clear()
    assert isinstance(late, Refused)
    assert late.refusal.reason == "NOT_APPROVED"
    assert flips(replay.replay(IN_FORCE, since=after)) == {GOODS: (0, 1)}
    [envelope] = entries(after)
    used = {**envelope, "facts": {**envelope["facts"], "used_up": True}}
    assert flips(replay.judge([used], IN_FORCE, since=after)) == {}


def test_what_he_said_that_he_cannot_use_is_no_extra_visit(cast: Cast) -> None:
    once = with_changes(("times = 2\ndays = 30", "times = 1\ndays = 30"))
    for minute in (0, 1):
        at = NOW + timedelta(minutes=minute)
        call = cast.call(at=at, claims=cast.antti)
        say_cannot(call.public_id, said=frozenset({Interaction.Said.CANNOT_TRAVEL.value}), by=cast.agent_aino, at=at)
        assert isinstance(asked(cast, Interaction.objects.get(pk=call.pk), "temporary_hold", at), Granted)
    row = replay.replay(once, since=NOW)["temporary_hold"]
    assert (row.grants_refused, row.extra_visits) == (1, 0)


def test_what_a_second_person_approved_is_not_judged_by_evidence_of_another_moment(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert isinstance(asked(cast, desk, "disclose_personal_data", NOW), Granted)
    [envelope] = [one for one in entries(NOW) if one["facts"]["action"] == "disclose_personal_data"]
    approved = {**envelope, "facts": {**envelope["facts"], "origin": "proposal", "evidence": []}}
    assert flips(replay.judge([approved], IN_FORCE, since=NOW)) == {}
    assert flips(replay.judge([{**envelope, "facts": {**envelope["facts"], "evidence": []}}], IN_FORCE, since=NOW))


# --- entries of before, and what a replay may touch -------------------------------------------------------------------
OLD = ("known", "claimed", "keypad", "largest_age", "not_resting_on")


def aged(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the envelopes as they were before the inputs were kept."""
    for envelope in found:
        yield {**envelope, "facts": {name: value for name, value in envelope["facts"].items() if name not in OLD}}


def test_entries_without_the_inputs_are_counted_as_not_judged(cast: Cast) -> None:
    for minute in range(3):
        at = NOW + timedelta(minutes=minute)
        asked(cast, cast.call(at=at, claims=cast.antti), "temporary_hold", at)
    found = [envelope for envelope in entries(NOW) if envelope["facts"]["action"] == "temporary_hold"]
    none = with_changes(("times = 2\ndays = 30", "times = 1\ndays = 30"))
    rows = replay.judge(aged(found), none, since=NOW)
    assert (rows["temporary_hold"].attempts, rows["temporary_hold"].not_judged, flips(rows)) == (3, 3, {})
    mixed = [*aged(found[:1]), *found[1:]]  # who was counted by the first isn't known, so nothing is sure for 30 days
    rows = replay.judge(mixed, none, since=NOW)
    assert (rows["temporary_hold"].not_judged, flips(rows)) == (3, {})


def test_a_replay_reads_page_by_page_and_writes_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    for minute in range(7):
        asked(cast, call, "tell_case_state", NOW + timedelta(minutes=minute))
    monkeypatch.setattr(replay, "AT_ONCE", 3)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert replay.replay(IN_FORCE, since=NOW)["tell_case_state"].attempts == 7
    said = [query["sql"] for query in queries]
    assert all(sql.lstrip().upper().startswith("SELECT") for sql in said)
    assert sum("audit_entry" in sql for sql in said) >= 4


def test_history_forgets_what_has_left_every_window(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "FORGET_EVERY", 1)
    for day in (0, 1, 40, 41, 42):
        at = NOW + timedelta(days=day)
        asked(cast, cast.call(at=at, claims=cast.antti), "temporary_hold", at)
    assert flips(replay.replay(IN_FORCE, since=NOW)) == {}


# --- the command ------------------------------------------------------------------------------------------------------
def said(*words: str) -> str:
    out = StringIO()
    call_command("policy", *words, stdout=out)
    return out.getvalue()


def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "new.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_command_prints_a_table_and_json(cast: Cast, tmp_path: Path) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    asked(cast, call, "tell_case_state", NOW)
    text = TEXT.replace('level = "LOW"', 'level = "NONE"', 1).replace("[hold]\nhours = 48", "[hold]\nhours = 24")
    words = ("replay", "--policy", file(tmp_path, text), "--since", "2026-03-11")
    table = said(*words)
    header, *lines = table.splitlines()
    assert header.split("  ")[0] == "action"
    row = next(line for line in lines if line.startswith("tell_case_state"))
    assert row.split()[1:] == ["1", "1", "0", "0", "0", "0"]
    assert all(len(line) == len(header) for line in lines[:3])
    assert "can't be replayed: hold." in table
    data = json.loads(said(*words, "--json"))
    assert data["actions"]["tell_case_state"]["grants_refused"] == data["flips"] == 1
    assert data["since"] == "2026-03-11T00:00:00+02:00"
    assert data["not_replayed"] == ["hold"]


def test_the_policy_in_force_is_shown_with_its_reasons() -> None:
    table = said("show")
    assert f"version {IN_FORCE.version}" in table
    for because in [worth.because for worth in IN_FORCE.worth.values()] + [cap.because for cap in IN_FORCE.caps]:
        assert because in table


def test_a_policy_that_makes_sense_passes_the_check() -> None:
    assert "makes sense" in said("check", "--policy", str(policy.FILE))


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('level = "LOW"', 'level = "SURE"', "evidence.KEYPAD_TOTP"),
        ("[keypad]", "[keypads]", "keypad"),
        (VERSION, "version = ", "does not parse"),
        (VERSION, f'version = "{"9" * 21}"', "version"),
        (VERSION, 'version = "1"\nevidence = 5', "policy.toml"),
        ("days = 7", "days = 999999999", "days|policy.toml"),
        ('action = "small_voucher"', 'action = "small_vaucher"', "small_vaucher"),
    ],
)
def test_nonsense_is_said_in_one_line(tmp_path: Path, was: str, becomes: str, named: str) -> None:
    assert was in TEXT
    for verb in (("check",), ("replay", "--since", "2026-03-11")):
        with pytest.raises(CommandError, match=named) as caught:
            said(verb[0], "--policy", file(tmp_path, TEXT.replace(was, becomes, 1)), *verb[1:])
        assert "\n" not in str(caught.value)
        assert caught.value.returncode == 1


def test_a_file_that_is_not_there_and_a_day_that_is_none_are_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be read"):
        said("check", "--policy", str(tmp_path / "none.toml"))
    with pytest.raises(CommandError, match="ISO 8601"):
        said("replay", "--policy", str(policy.FILE), "--since", "last month")


def test_the_offices_clock_says_when_a_day_begins() -> None:
    assert moment("2026-07-01").astimezone(UTC) == datetime(2026, 6, 30, 21, tzinfo=UTC)
    assert moment("2026-07-01T12:00:00+00:00") == datetime(2026, 7, 1, 12, tzinfo=UTC)
