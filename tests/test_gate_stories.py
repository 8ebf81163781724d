"""Whatever is done in whatever order, an effect has a fresh, matching, unused grant of at least the required level.

Stories of up to forty steps are drawn and told to the real gate on the real database; beside it a reckoning of its own,
which
shares no code with the gate, says what must come out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import Entry
from tests.actions_asked import VALID
from tests.cast import NOW, PASSPORT, Cast, Person, wrong
from tests.test_gate import ask
from verification import interactions
from verification.claims import TooMany, claim_number
from verification.evidence import CONFIRMATIONS, NotSeen, see_identity_list, see_second_clerk
from verification.gate import Granted, Refused
from verification.interactions import Ended
from verification.models import Grant, Hold, Opening, Refusal, Spent

NEEDS = {
    "tell_case_state": 1, "disclose_personal_data": 2, "refund_to_account": 2, "change_address": 2,
    "lift_hold": 2, "temporary_hold": 0, "open_case": 0, "request_callback": 0,
}  # fmt: skip
WORTH = {"CODE": (1, 60), "PAPER": (2, 45), "SECOND": (0, 45)}
PEOPLE = ("antti", "antti2", "sanna", "frozen", "ward", "company")
NOT_ALONE = {"ward", "company"}

steps = st.one_of(
    st.tuples(st.just("claim"), st.sampled_from(PEOPLE), st.sampled_from(["SELF", "SELF", "SELF", "GUARDIAN"])),
    st.tuples(st.just("code"), st.booleans()),
    st.tuples(st.just("paper"), st.booleans()),
    st.tuples(st.just("second"), st.booleans()),
    st.tuples(st.just("wait"), st.integers(1, 50)),
    st.tuples(st.just("ask"), st.sampled_from(sorted(NEEDS))),
    st.tuples(st.just("ask"), st.sampled_from(sorted(NEEDS))),
    st.tuples(st.just("again")),
    st.tuples(st.just("hang_up")),
)


@dataclass
class Reckoning:
    """What must hold, kept apart from the product: who is claimed, what was seen of him and when."""

    who: str = ""
    capacity: str = "SELF"
    seen: list[tuple[str, datetime]] = field(default_factory=list)
    held_until: dict[str, datetime] = field(default_factory=dict)
    live: bool = True
    claimed: set[str] = field(default_factory=set)

    def level(self, at: datetime, within: int = 10_000) -> int:
        young = {
            kind
            for kind, when in self.seen
            if at - when < timedelta(minutes=WORTH[kind][1]) and at - when <= timedelta(minutes=within)
        }
        return 3 if {"PAPER", "SECOND"} <= young else max((WORTH[kind][0] for kind in young), default=0)

    def may(self, action: str, at: datetime) -> bool:
        """Tell what may be granted at most: caps, which only refuse more, are left out."""
        needed = NEEDS[action]
        if not self.live or (action not in ("open_case", "request_callback") and not self.who):
            return False
        if not needed:
            return True
        if len(self.claimed) >= 3:
            needed = 3  # a contact in which three customers were claimed looks for one
        within = 10 if action == "change_address" else 10_000
        on_hold = self.who == "frozen" or self.held_until.get(self.who, NOW) > at
        return (
            self.level(at, within) >= needed
            and self.capacity == "SELF"
            and self.who not in NOT_ALONE
            and (action == "lift_hold" or not on_hold)
        )


@contextmanager
def undone() -> Iterator[None]:
    """Tell one story and forget it.

    Marked as the test's own block, which the gate's durable transaction may stand in.
    """
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


class Story:
    """One contact at a desk with a telephone, so that both the keypad and papers can happen in it."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.at, self.must = cast, NOW, Reckoning()
        self.contact = interactions.open_by_staff(cast.clerk_kerttu, channel="DESK", language="fi", at=NOW)
        self.attempts = 0

    def tell(self, step: tuple[Any, ...]) -> None:
        getattr(self, f"_{step[0]}")(*step[1:])

    def person(self) -> Person:
        return self.cast.people[self.must.who]

    def _claim(self, who: str, capacity: str) -> None:
        try:
            claim_number(
                self.contact.public_id, self.cast.people[who].number,
                capacity=capacity, source="STAFF", by=self.cast.clerk_kerttu, at=self.at,
            )  # fmt: skip
        except (TooMany, Ended):
            return
        self.must.who, self.must.capacity, self.must.seen = who, capacity, []
        self.must.claimed.add(who)

    def _code(self, right: bool) -> None:
        if not self.must.who or (self.must.who == "antti2" and not right):
            return
        person = self.person()
        code = None if right else wrong(person.app_code(self.at))
        try:
            typed = self.cast.type_code(self.contact, person, at=self.at, code=code)
        except Ended:
            assert not self.must.live
            return
        if typed.value == "MATCHED":
            assert right
            assert self.must.capacity == "SELF", "who speaks for another has not said who he is"
            self.must.seen.append(("CODE", self.at))

    def _paper(self, whole: bool) -> None:
        confirmed = CONFIRMATIONS if whole else CONFIRMATIONS - {"person"}
        try:
            see_identity_list(
                self.contact.public_id, by=self.cast.clerk_kerttu, confirmed=confirmed, document=PASSPORT, at=self.at
            )
        except (NotSeen, Ended):
            return
        assert whole
        assert self.must.capacity == "SELF"
        self.must.seen.append(("PAPER", self.at))

    def _second(self, another: bool) -> None:
        by = self.cast.clerk_kalle if another else self.cast.clerk_kerttu
        try:
            see_second_clerk(self.contact.public_id, by=by, at=self.at)
        except (NotSeen, Ended):
            return
        assert another
        self.must.seen.append(("SECOND", self.at))
        assert any(kind == "PAPER" for kind, _ in self.must.seen)

    def _wait(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)

    def _hang_up(self) -> None:
        interactions.end(self.contact.public_id, at=self.at)
        self.must.live = False

    def _again(self) -> None:
        self.contact = interactions.open_by_staff(self.cast.clerk_kerttu, channel="DESK", language="fi", at=self.at)
        self.must = Reckoning(held_until=self.must.held_until)

    def _ask(self, action: str) -> None:
        entries = Entry.objects.filter(kind__startswith="gate.").count()
        decided = ask(action, self.contact, self.cast.clerk_kerttu, VALID[action], at=self.at)
        assert isinstance(decided, (Granted, Refused))
        assert Entry.objects.filter(kind__startswith="gate.").count() == entries + 1
        if isinstance(decided, Refused):
            assert decided.refusal.ways
            assert decided.refusal.reason == "CAP" or not self.must.may(action, self.at), decided.refusal.reason
            return
        assert self.must.may(action, self.at), f"{action} was granted with {self.must}"
        assert decided.grant.required <= decided.grant.held
        if action == "temporary_hold":
            self.must.held_until[self.must.who] = self.at + timedelta(hours=48)
        if action == "lift_hold":
            self.must.held_until.pop(self.must.who, None)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=6, max_size=40))
def test_no_story_ends_in_an_effect_without_its_grant(cast: Cast, story: list[tuple[Any, ...]]) -> None:
    with undone():
        told = Story(cast)
        for step in story:
            told.tell(step)
        live = Grant.objects.filter(batch__isnull=True)
        assert live.count() == Spent.objects.filter(grant__in=live).count()
        assert not Opening.objects.exists()
        holds = Hold.objects.filter(kind="TEMPORARY").count()
        assert holds == live.filter(action="temporary_hold", customer__isnull=False).count()
        assert not Refusal.objects.filter(reason="FAILED").exists()
