"""A machine that tries everything in any order: calls, claims, proofs, approvals, colleagues, proposals, new policies.

Beside the real gate on the real database stands a reckoning (tests/reckoning.py) that shares no code with it and knows
at most what may be granted. Whatever happens: no effect without a matching, fresh, unused grant of at least the level
that is required, with authority at that moment; one decision entry an attempt; a level that rises only by evidence that
is listed there. Each morning begins with whole stories (tests/gate_errands.py), in which one thing goes wrong at the
worst moment: they are what takes the machine to the doors that wait for five things at once.

tests/broken_gates.py breaks the gate by hand, in one place at a time, and asks that this machine finds it: questions of
the gate left out, evidence that never ages or is never too old, quarantine, transfers and claims forgotten, proposals
decided twice, by their proposer or though disowned, mandates that begin too soon or know no end or bounds, caps,
grants, approvals and forms that count twice, a log that falls behind.

`make soak` runs both for hours, and tells after each hundred mornings what came out; SOAK says how many there are.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from tests.cast import PASSPORT, Cast, wrong
from tests.gate_errands import DECIDERS, MORNING, PEOPLE, STORY, Stories
from tests.gate_floor import CAPACITIES, HAPPENED, KEYS, NOT_PROOF, STRONG, everybody
from tests.reckoning import LINKED, RAISES
from verification import evidence, separating
from verification.claims import TooMany, claim_name
from verification.declarations import all_declared
from verification.interactions import Ended, NotBehindDesk

SOAK = int(os.environ.get("SOAK", "0"))
EXAMPLES = SOAK or (200 if connection.vendor == "postgresql" else 20)
STAFF = ("agent_aino", "agent_arvo", "clerk_kalle", "clerk_kerttu", "supervisor", "auditor")
LIVE = tuple(action.name for action in all_declared() if action.origin == "live")
MOST_STORIES = 8  # a morning: the six that it begins with, and two among single steps
TO_BE_SEEN = {
    "Granted", "Proposed", "NOT_LIVE", "NOT_SERVING", "NO_CLAIM", "AUTHORITY", "LEVEL", "NOT_APPROVED", "HOLD",
    "CLOSED", "CAP", "SECOND_PERSON", "STALE", "CONTACT", "ROLE", "OWN_MATTER", "LOG_BEHIND",
}  # fmt: skip


class EachForItself(HypothesisProvider):
    """Draw every morning anew.

    By itself the generator makes five of six examples by repeating parts of the one before, and begins with short ones:
    good for finding the smallest input, bad for coming to many different doors in few mornings.
    """


AVAILABLE_PROVIDERS["each for itself"] = EachForItself


class Machine(Stories):
    """One morning in the contact centre, with everybody doing whatever he likes."""

    def teardown(self) -> None:
        super().teardown()
        if SOAK and HAPPENED["mornings"] % 100 == 0:
            print(f"{HAPPENED['mornings']} of {SOAK} mornings: {dict(HAPPENED)}", flush=True)

    # --- who calls, who answers ---------------------------------------------------------------------------------------
    @initialize(by=st.sampled_from(STAFF), stories=MORNING)
    def somebody_comes(self, by: str, stories: tuple[dict[str, Any], ...]) -> None:
        """Begin with some stories, while nothing else has gone wrong yet."""
        self.opens(by, "DESK" if by.startswith("clerk") else "PHONE")
        for told in stories:
            self.tells(told)

    @rule(told=STORY)
    @precondition(lambda self: self.told < MOST_STORIES)
    def a_story(self, told: dict[str, Any]) -> None:
        self.tells(told)

    @rule(by=st.sampled_from(STAFF), channel=st.sampled_from(["PHONE", "DESK"]))
    def comes(self, by: str, channel: str) -> None:
        try:
            self.opens(by, channel)
        except NotBehindDesk:
            assert by not in ("clerk_kalle", "clerk_kerttu", "supervisor")

    @rule(pick=st.integers(0, 5), by=st.sampled_from(STAFF), minutes=st.sampled_from([0, 0, 9, 11]))
    def passes_on(self, pick: int, by: str, minutes: int) -> None:
        self.is_passed_on(self.pick(pick), by, minutes)

    @rule(pick=st.integers(0, 5))
    @precondition(lambda self: len(self.contacts) > 2)
    def hangs_up(self, pick: int) -> None:
        self.ends(self.pick(pick))

    @rule(minutes=st.sampled_from([1, 2, 5, 9, 11, 30, 50, 60 * 25]))
    def time_passes(self, minutes: int) -> None:
        self.passes(minutes)

    # --- what they say, what is seen ----------------------------------------------------------------------------------
    @rule(
        pick=st.integers(0, 5), who=st.sampled_from(PEOPLE), own=st.sampled_from(["", *PEOPLE]),
        as_=st.sampled_from(CAPACITIES),
    )  # fmt: skip
    def claims(self, pick: int, who: str, own: str, as_: str) -> None:
        self.says(self.pick(pick), who, own, as_)

    @rule(pick=st.integers(0, 5), name=st.sampled_from([("Sihteeri", "Sanna"), ("Asiakas", "Antti")]))
    def names_somebody(self, pick: int, name: tuple[str, str]) -> None:
        """A name that one customer bears is a claim like any other: at NONE."""
        contact, (family, given) = self.pick(pick), name
        try:
            found = claim_name(
                contact.row.public_id, family_name=family, given_names=given, capacity="SELF",
                by=self.staff(contact.by or "agent_aino"), at=self.at,
            )  # fmt: skip
        except (TooMany, Ended):
            return
        if found == 1:
            self.picks(contact, "sanna")

    @rule(pick=st.integers(0, 5), born=st.sampled_from([(17, 4), (2, 11), (1, 1)]))
    def tells_which_namesake_he_is(self, pick: int, born: tuple[int, int]) -> None:
        """Whom his answer on the keypad picks is a claim like any other, at NONE; who is not picked changes nothing."""
        contact = self.pick(pick)
        by, row = self.staff(contact.by or "agent_aino"), contact.row.public_id
        try:
            claim_name(row, family_name="Asiakas", given_names="Antti", capacity="SELF", by=by, at=self.at)
            with patch.object(separating, "reachable", return_value=True):
                question = separating.ask(row, by=by, at=self.at)
            separating.answer(row, day=born[0], month=born[1], at=self.at)
        except (TooMany, Ended, separating.NotAsked):
            return
        question.refresh_from_db()
        if question.state == "PICKED":
            self.picks(contact, {(17, 4): "antti", (2, 11): "antti2"}[born])

    @rule(pick=st.integers(0, 5), right=st.booleans(), whose=st.sampled_from(["own", "served"]))
    def types_a_code(self, pick: int, right: bool, whose: str) -> None:
        contact = self.pick(pick)
        name = contact.person if whose == "own" else contact.who
        if not name or not self.cast.people[name].app_key:
            return
        person = self.cast.people[name]
        code = None if right else wrong(person.app_code(self.at))
        try:
            typed = self.cast.type_code(contact.row, person, at=self.at, code=code)
        except Ended:
            assert not contact.live
            return
        if typed.value == "MATCHED":
            assert right
            assert name == contact.person, "a code proves whose it is, not for whom he speaks"
            self.proves(contact, "KEYPAD_TOTP")

    @rule(pick=st.integers(0, 5), whole=st.booleans())
    def shows_papers(self, pick: int, whole: bool) -> None:
        contact = self.pick(pick)
        by = contact.by or "clerk_kalle"
        confirmed = evidence.CONFIRMATIONS if whole else evidence.CONFIRMATIONS - {"person"}
        try:
            evidence.see_identity_list(
                contact.row.public_id, by=self.staff(by), confirmed=confirmed, document=PASSPORT, at=self.at
            )
        except (evidence.NotSeen, Ended):
            return
        assert whole
        assert contact.person
        self.proves(contact, "IDENTITY_LIST", by=by)

    @rule(pick=st.integers(0, 5), by=st.sampled_from(["clerk_kalle", "clerk_kerttu", "newcomer", "agent_aino"]))
    def is_looked_at_again(self, pick: int, by: str) -> None:
        contact = self.pick(pick)
        try:
            evidence.see_second_clerk(contact.row.public_id, by=self.staff(by), at=self.at)
        except (evidence.NotSeen, Ended):
            return
        first = [proof.by for proof in contact.proofs if proof.kind == "IDENTITY_LIST"]
        assert first, "a second look at papers that nobody has seen"
        assert by != first[-1], "the same pair of eyes"
        assert self.at - self.staff(by).date_joined >= timedelta(days=7)
        self.proves(contact, "SECOND_CLERK", by=by)

    @rule(
        pick=st.integers(0, 5), kind=st.sampled_from(STRONG), age=st.sampled_from([0, 0, 3, 12, 59, 61]),
        action=st.sampled_from(["", *sorted(LINKED)]), altered=st.booleans(), leaning=st.booleans(),
    )  # fmt: skip
    def proves_himself(self, pick: int, kind: str, age: int, action: str, altered: bool, leaning: bool) -> None:
        approves = self.digest(action, altered) if action else ""
        self.logs_in(self.pick(pick), kind, age=age, approves=approves, leaning=leaning)

    @rule(pick=st.integers(0, 5), kind=st.sampled_from(NOT_PROOF))
    def says_what_he_knows(self, pick: int, kind: str) -> None:
        """Knowledge, a voice, the caller's number: even written down as if it were evidence, it is worth nothing."""
        contact = self.pick(pick)
        if contact.claim is not None:
            with transaction.atomic():
                evidence.note(contact.claim, kind, at=self.at, by=None)
        self.touched = contact

    # --- what makes careful, what changes -----------------------------------------------------------------------------
    @rule(who=st.sampled_from(PEOPLE), kind=st.sampled_from(sorted(RAISES)))
    def something_is_noticed(self, who: str, kind: str) -> None:
        self.notices(who, kind)

    @rule(strict=st.booleans())
    def the_policy_is_edited(self, strict: bool) -> None:
        self.follows_policy(strict=strict)

    @rule(minutes=st.sampled_from([0, 0, 10, 11]))
    def the_log_falls_behind(self, minutes: int) -> None:
        self.falls_behind(minutes)

    # --- what is asked ------------------------------------------------------------------------------------------------
    @rule(
        pick=st.integers(0, 5), action=st.sampled_from(LIVE), by=st.sampled_from(["", "", *STAFF]), much=st.booleans()
    )
    def asks(self, pick: int, action: str, by: str, much: bool) -> None:
        self.asks_for(self.pick(pick), action, by=by, much=much)

    @rule(pick=st.integers(0, 5), action=st.sampled_from(["small_voucher", "temporary_hold", "request_callback"]))
    def insists(self, pick: int, action: str) -> None:
        """Ask as a browser does that sends a form twice, and then again and again."""
        contact, key = self.pick(pick), f"form:{next(KEYS)}"
        receipt = {"receipt": f"R-2026-{next(KEYS)}"} if action == "small_voucher" else {}
        first, again = (self.asks_for(contact, action, key=key, **receipt) for _ in range(2))
        assert type(first) is type(again)
        assert getattr(again, "repeated", True), "one form is one attempt"
        for _ in range(1 if receipt else 2):
            self.asks_for(contact, action, **{name: f"R-2026-{next(KEYS)}" for name in receipt})

    @rule(pick=st.integers(0, 3), by=st.sampled_from(DECIDERS), yes=st.booleans())
    @precondition(lambda self: self.waiting)
    def a_second_person_decides(self, pick: int, by: str, yes: bool) -> None:
        waiting = self.waiting[pick % len(self.waiting)]
        self.decides(waiting, by) if yes else self.rejects(waiting, by)


def play(cast: Cast, folder: Path, examples: int, seeded: int | None = None, **more: Any) -> None:
    """Let the machine play as many mornings as `examples`. Raises what it finds."""
    Machine.is_set_up(cast, folder)
    every = list(HealthCheck)
    run_state_machine_as_test(
        Machine if seeded is None else seed(seeded)(type("Seeded", (Machine,), {})),
        settings=settings(
            max_examples=examples, stateful_step_count=50, deadline=None, suppress_health_check=every, database=None,
            print_blob=True, backend="each for itself", **more,
        ),
    )  # fmt: skip


@pytest.mark.slow
def test_nothing_that_anybody_does_in_any_order_opens_what_must_stay_closed(cast: Cast, tmp_path: Path) -> None:
    play(everybody(cast), tmp_path, EXAMPLES)
    if EXAMPLES >= 200:
        unseen = TO_BE_SEEN - set(HAPPENED)
        assert not unseen, f"the machine never came to see {unseen}: {HAPPENED}"
