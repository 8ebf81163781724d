"""A machine that tries everything in any order: calls, claims, proofs, approvals, colleagues, proposals, new policies.

Beside the real gate on the real database stands a reckoning (tests/reckoning.py) that shares no code with it and knows
at most what may be granted. Whatever happens: no effect without a matching, fresh, unused grant of at least the level
that is required, with authority at that moment; one decision entry an attempt; a level that rises only by evidence that
is listed there. Besides single steps in any order it plays whole errands, in which one thing goes wrong at the worst
moment: they are what takes the machine to the doors that wait for five things at once.

tests/broken_gates.py breaks the gate by hand, in one place at a time, and asks that this machine finds it: questions of
the gate left out, evidence that never ages or is never too old, quarantine, transfers and claims forgotten, proposals
decided twice or by their proposer, mandates without end or bounds, caps, grants and forms that count twice.

`make soak` runs both for hours; SOAK tells how many examples.
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
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from tests.cast import PASSPORT, Cast, wrong
from tests.gate_floor import (
    ACTING,
    CAPACITIES,
    COLLEAGUE,
    HAPPENED,
    KEYS,
    NOT_PROOF,
    STRONG,
    WEAK,
    Floor,
    everybody,
)  # fmt: skip
from tests.reckoning import KIN, LINKED, NEEDS, RAISES, WORTH, Contact, Waiting
from verification import evidence, policy, separating, signals
from verification.claims import TooMany, claim_name
from verification.declarations import all_declared
from verification.gate import Proposed
from verification.interactions import Ended, NotBehindDesk
from verification.scene import current_claim

EXAMPLES = int(os.environ.get("SOAK", "0")) or (200 if connection.vendor == "postgresql" else 20)
PEOPLE = ("antti", "antti2", "sanna", "helena", "frozen", "moved", "giver", "ward", "company")
STAFF = ("agent_aino", "agent_arvo", "clerk_kalle", "clerk_kerttu", "supervisor", "auditor")
PROPOSERS = ("supervisor", "agent_aino", "clerk_kerttu")
DECIDERS = ("supervisor", "supervisor", "supervisor2", "supervisor2", "newcomer", "clerk_kalle")
LIVE = tuple(action.name for action in all_declared() if action.origin == "live")
IN_HIS_NAME = ("change_address", "refund_to_account", "close_account", "disclose_personal_data", "lift_hold")
FOR_TWO = ("close_account", "refund_to_new_account", "refund_to_account", "goodwill")
WRONG = (
    "nothing", "hold", "noticed", "hangs up", "colleague", "late", "other role", "other claim", "and back", "strict",
    "brink", "too old", "far too old", "weak", "leaning", "unapproved", "altered", "much", "codes only", "family",
    "auditor", "quarantine",
)  # fmt: skip
MEANWHILE = (
    "nothing", "nothing", "hold", "noticed", "a day", "almost a day", "altered", "rejected", "closed", "taken back",
)  # fmt: skip
FITS = {  # the actions in which it matters what goes wrong
    "hold": LINKED, "noticed": {"change_address", "disclose_personal_data", "goodwill"},
    "strict": {"disclose_personal_data", "change_address"}, "too old": {"change_email", "close_account"},
    "leaning": {"change_phone"}, "unapproved": LINKED, "altered": LINKED, "much": {"refund_to_account", "goodwill"},
}  # fmt: skip
ERRAND = st.fixed_dictionaries({
    "story": st.just("comes_with_an_errand"), "by": st.sampled_from(sorted(COLLEAGUE)),
    "who": st.sampled_from(PEOPLE[:7]), "action": st.sampled_from(sorted(NEEDS)),
    "wrong": st.sampled_from(WRONG), "kind": st.sampled_from(STRONG),
})  # fmt: skip
FOR_ANOTHER = st.fixed_dictionaries({
    "story": st.just("comes_for_another"), "pair": st.sampled_from(ACTING), "action": st.sampled_from(IN_HIS_NAME),
    "wrong": st.sampled_from(["nothing", "ran out", "taken back", "too much", "held himself", "other capacity"]),
})  # fmt: skip
PROPOSAL = st.fixed_dictionaries({
    "story": st.just("is_proposed_and_decided_twice"), "by": st.sampled_from(PROPOSERS),
    "who": st.sampled_from(PEOPLE[:4]), "action": st.sampled_from(FOR_TWO), "meanwhile": st.sampled_from(MEANWHILE),
    "first": st.sampled_from(DECIDERS), "second": st.sampled_from(DECIDERS),
})  # fmt: skip
CLOSING = st.fixed_dictionaries({
    "story": st.just("comes_back_after_closing"), "who": st.sampled_from(PEOPLE[:4]),
    "action": st.sampled_from(sorted(NEEDS)),
})  # fmt: skip
STORIES = st.sampled_from([FOR_ANOTHER, PROPOSAL, PROPOSAL, CLOSING]).flatmap(lambda story: story)
TO_BE_SEEN = {
    "Granted", "Proposed", "NOT_LIVE", "NOT_SERVING", "NO_CLAIM", "AUTHORITY", "LEVEL", "NOT_APPROVED", "HOLD",
    "CLOSED", "CAP", "SECOND_PERSON",
}  # fmt: skip


class Machine(Floor):
    """One morning in the contact centre, with everybody doing whatever he likes."""

    # --- who calls, who answers ---------------------------------------------------------------------------------------
    @initialize(by=st.sampled_from(STAFF), errand=ERRAND, story=STORIES)
    def somebody_comes(self, by: str, errand: dict[str, Any], story: dict[str, Any]) -> None:
        """Begin with an errand and a story, while nothing else has gone wrong yet."""
        self.opens(by, "DESK" if by.startswith("clerk") else "PHONE")
        self.a_story(errand)
        self.a_story(story)

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
        self.now.at += timedelta(minutes=minutes)

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
            self.now_speaks(contact, "sanna", "sanna", "SELF")

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
            who = {(17, 4): "antti", (2, 11): "antti2"}[born]
            self.now_speaks(contact, who, who, "SELF")

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
        claim = current_claim(contact.row)
        if claim is not None:
            with transaction.atomic():
                evidence.note(claim, kind, at=self.at, by=None)
        self.touched = contact

    # --- what makes careful, what changes -----------------------------------------------------------------------------
    @rule(who=st.sampled_from(PEOPLE), kind=st.sampled_from(sorted(RAISES)))
    def something_is_noticed(self, who: str, kind: str) -> None:
        with transaction.atomic():
            signals.note(self.cast.people[who].customer, kind, interaction=None, at=self.at)
        self.now.noticed.append((who, kind, self.at))

    @rule(strict=st.booleans())
    def the_policy_is_edited(self, strict: bool) -> None:
        self.undo.enter_context(patch.object(policy, "FILE", self.files[strict]))
        policy.current.cache_clear()
        self.now.worth = WORTH | ({"E_ID_SUBSTANTIAL": (1, 5)} if strict else {})

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

    # --- whole stories ------------------------------------------------------------------------------------------------
    @rule(told=st.one_of(ERRAND, STORIES))
    def a_story(self, told: dict[str, Any]) -> None:
        """Play one story from its beginning to its end."""
        told = dict(told)
        getattr(self, told.pop("story"))(**told)

    def comes_with_an_errand(self, by: str, who: str, action: str, wrong: str, kind: str) -> None:
        """Come, claim, prove, approve and ask, while one thing goes wrong."""
        by, who = {"family": KIN[1], "auditor": ("auditor", who), "quarantine": (by, "moved")}.get(wrong, (by, who))
        action = action if action in FITS.get(wrong, NEEDS) else min(FITS[wrong])
        contact = self.opens(by)
        self.says(contact, who)
        if wrong == "hold":
            self.asks_for(contact, "temporary_hold")
        strong = "E_ID_SUBSTANTIAL" if wrong in ("noticed", "strict") else "E_ID_HIGH"
        approves = "" if wrong == "unapproved" else self.digest(action, wrong == "altered", wrong == "much")
        for each in {"weak": (kind,), "codes only": WEAK}.get(wrong, (strong,)):
            self.logs_in(contact, each, approves=approves, leaning=wrong in ("leaning", "quarantine"))
        self.goes_wrong(wrong, contact, NEEDS[action][1] or 60)
        self.asks_for(contact, action, by=by if wrong == "colleague" else "", much=wrong == "much")

    def goes_wrong(self, wrong: str, contact: Contact, minutes: int) -> None:
        who, by = contact.who, contact.by or ""
        other = "agent_aino" if by.startswith("clerk") else "clerk_kerttu"
        if wrong in ("colleague", "late", "other role"):
            to = other if wrong == "other role" else COLLEAGUE[by]
            self.is_passed_on(contact, to, 11 if wrong == "late" else 0)
        if wrong in ("other claim", "and back"):
            self.says(contact, "antti" if who != "antti" else "sanna")
        match wrong:
            case "and back":
                self.says(contact, who)
            case "noticed":
                self.something_is_noticed(who, "NOT_ME")
            case "hangs up":
                self.ends(contact)
            case "strict":
                self.the_policy_is_edited(True)
            case "brink" | "too old" | "far too old":
                self.time_passes({"brink": minutes, "too old": minutes + 1}.get(wrong, 61))

    def comes_for_another(self, pair: tuple[str, str, str], action: str, wrong: str) -> None:
        """Speak for somebody, with a right that ran out, was taken back, or was given for something else."""
        if wrong in ("ran out", "taken back", "too much"):
            pair, action = ACTING[2], "refund_to_account" if wrong == "too much" else "change_address"
        own, who, capacity = pair
        if wrong == "ran out":
            self.time_passes(60 * 62)
        if wrong == "taken back":
            self.takes_back()
        contact = self.opens("agent_aino")
        if wrong == "held himself":
            self.says(contact, own)
            self.asks_for(contact, "temporary_hold")
        self.says(contact, who, own, "GUARDIAN" if wrong == "other capacity" else capacity)
        self.logs_in(contact, "E_ID_HIGH", approves=self.digest(action, False, wrong == "too much"))
        self.asks_for(contact, action, much=wrong == "too much")

    def takes_back(self) -> None:
        """Let who gave a mandate end it."""
        contact = self.opens("agent_arvo")
        self.says(contact, "giver")
        self.logs_in(contact, "E_ID_HIGH")
        self.asks_for(contact, "end_mandate", representative=self.cast.people["antti2"].number)

    def is_proposed_and_decided_twice(
        self, by: str, who: str, action: str, meanwhile: str, first: str, second: str
    ) -> None:
        """Make a proposal, let something happen, and let two people decide it, or one of them twice."""
        action = {"noticed": "refund_to_account", "altered": "refund_to_new_account"}.get(meanwhile, action)
        waiting = self.proposes(by, "giver" if meanwhile == "taken back" else who, action, meanwhile)
        if waiting is None:
            return
        match meanwhile:
            case "hold":
                self.asks_for(waiting.contact, "temporary_hold")
            case "noticed":
                self.something_is_noticed(who, "PROMPT_ORPHAN")
            case "a day" | "almost a day":
                self.time_passes(60 * 24 - (meanwhile == "almost a day"))
            case "rejected":
                self.rejects(waiting, "supervisor2")
            case "closed":
                self.closes(who)
            case "taken back":
                self.takes_back()
        self.decides(waiting, first, altered=meanwhile == "altered")
        self.decides(waiting, second)

    def proposes(self, by: str, who: str, action: str, meanwhile: str = "") -> Waiting | None:
        """Bring an action as far as the second person; return the proposal, or None when it was refused."""
        contact = self.opens(by)
        if meanwhile == "taken back":
            action = "close_account"
            self.says(contact, who, "antti2", "MANDATE")
        else:
            self.says(contact, who)
        low = meanwhile == "noticed" and NEEDS[action][0] == 2
        self.logs_in(contact, "PASSKEY" if low else "CIBA_HIGH", approves=self.digest(action, False, True))
        decided = self.asks_for(contact, action, much=True)
        return self.waiting[-1] if isinstance(decided, Proposed) else None

    def closes(self, who: str) -> None:
        if waiting := self.proposes("agent_aino", who, "close_account"):
            self.decides(waiting, "supervisor2")

    def comes_back_after_closing(self, who: str, action: str) -> None:
        self.closes(who)
        self.comes_with_an_errand("agent_aino", who, action, "nothing", "")


def play(cast: Cast, folder: Path, examples: int, seeded: int | None = None, **more: Any) -> None:
    """Let the machine play as many mornings as `examples`. Raises what it finds."""
    Machine.is_set_up(cast, folder)
    every = list(HealthCheck)
    run_state_machine_as_test(
        Machine if seeded is None else seed(seeded)(type("Seeded", (Machine,), {})),
        settings=settings(
            max_examples=examples, stateful_step_count=50, deadline=None, suppress_health_check=every, database=None,
            print_blob=True, **more,
        ),
    )  # fmt: skip


@pytest.mark.slow
def test_nothing_that_anybody_does_in_any_order_opens_what_must_stay_closed(cast: Cast, tmp_path: Path) -> None:
    play(everybody(cast), tmp_path, EXAMPLES)
    if EXAMPLES >= 200:
        unseen = TO_BE_SEEN - set(HAPPENED)
        assert not unseen, f"the machine never came to see {unseen}: {HAPPENED}"
