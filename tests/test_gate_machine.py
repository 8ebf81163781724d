"""A machine that tries everything in any order: calls, claims, proofs, approvals, colleagues, proposals, new policies.

Beside the real gate on the real database stands a reckoning that shares no code with it and knows at most what may be
granted. Whatever happens: no effect without a matching, fresh, unused grant of at least the level that is required,
with authority at that moment; one decision entry an attempt; a level that rises only by evidence that is listed here.

`make soak` runs it for hours; SOAK tells how many examples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit.models import Entry
from tests.actions_asked import VALID
from tests.cast import NOW, PASSPORT, Cast, Person, wrong
from verification import canonical, evidence, guard, interactions, policy, proposals, separating, signals
from verification.attempts import Attempt
from verification.claims import TooMany, claim_name, claim_number
from verification.declarations import all_declared, declared
from verification.forms import clean
from verification.gate import Granted, Live, OfProposal, Proposed, Refused, attempt
from verification.interactions import Ended, NotBehindDesk, Taken
from verification.models import Grant, Interaction, Mandate, Opening, Proposal, ProposalEnd, Spent
from verification.scene import Scene, current_claim

EXAMPLES = int(os.environ.get("SOAK", "0")) or (200 if connection.vendor == "postgresql" else 20)
PEOPLE = ("antti", "antti2", "sanna", "helena", "frozen", "ward", "company")
STAFF = ("agent_aino", "agent_arvo", "clerk_kalle", "clerk_kerttu", "supervisor")
NOT_ALONE = {"ward", "company"}
CAPACITIES = ("SELF", "SELF", "SELF", "GUARDIAN", "SIGNATORY", "MANDATE")
LEVELS = {"NONE": 0, "LOW": 1, "SUBSTANTIAL": 2, "HIGH": 3}

# What each proof is worth alone and for how many minutes, written here by hand: a slip in policy.toml is found by this.
WORTH = {
    "KEYPAD_TOTP": (1, 60), "KEYPAD_CODE_LIST": (1, 60), "SMS_CODE": (1, 60), "CIBA_APPROVED": (1, 60),
    "E_ID_SUBSTANTIAL": (2, 60), "E_ID_HIGH": (3, 60), "CIBA_SUBSTANTIAL": (2, 60), "CIBA_HIGH": (3, 60),
    "PASSKEY": (2, 60), "IDENTITY_LIST": (2, 45), "SECOND_CLERK": (0, 45), "VISIT_CODE": (0, 45), "CHIP": (0, 45),
    "SIGNED_SLIP": (0, 45),
}  # fmt: skip
STRONG = ("E_ID_SUBSTANTIAL", "E_ID_HIGH", "CIBA_SUBSTANTIAL", "CIBA_HIGH", "CIBA_APPROVED", "PASSKEY", "SMS_CODE")
NOT_PROOF = ("VOICE", "CALLER_ID", "BIRTH_DATE", "SECURITY_QUESTION", "EMAIL_CODE")
# The level that each action needs at least, and how many minutes old its proof may be, by hand as well.
NEEDS = {
    "tell_case_state": (1, None), "disclose_personal_data": (2, None), "refund_to_account": (2, None),
    "change_address": (2, 10), "change_email": (2, 10), "change_phone": (2, 10), "lift_hold": (2, None),
    "reopen_keypad": (2, None), "lasting_freeze": (2, None), "undo_freeze": (3, None),
    "refund_to_new_account": (3, None), "goods_to_new_address": (2, None), "close_account": (3, None),
    "register_mandate": (3, None), "goodwill": (2, None), "data_subject_export": (2, 10),
}  # fmt: skip
LINKED = {"refund_to_new_account", "goods_to_new_address", "close_account"}
PROTECTIVE = {"lift_hold", "reopen_keypad", "lasting_freeze", "undo_freeze", "temporary_hold", "veto_change"}
RAISES = {"PROMPT_DECLINED": 48, "PROMPT_ORPHAN": 48, "NOT_ME": 72}  # to HIGH, for hours
DECISIONS = ("gate.granted", "gate.refused", "gate.malformed", "gate.proposed")
TABLES = sorted(apps.get_model(model)._meta.db_table for model in guard.guarded())
COUNTS = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES)
LIVE = tuple(action.name for action in all_declared() if action.origin == "live")
STRICTER = policy.FILE.read_text(encoding="utf-8").replace(
    '[evidence.E_ID_SUBSTANTIAL]\nlevel = "SUBSTANTIAL"\nminutes = 60',
    '[evidence.E_ID_SUBSTANTIAL]\nlevel = "LOW"\nminutes = 5',
)


@dataclass
class Contact:
    """One contact as the reckoning sees it."""

    row: Interaction
    by: str | None
    live: bool = True
    who: str = ""
    person: str = ""
    capacity: str = "SELF"
    seen: list[tuple[str, datetime, str]] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)

    def level(self, at: datetime, worth: dict[str, tuple[int, int]], within: int | None = None) -> int:
        """Return the most that the proofs seen under this claim can be worth."""
        young = {
            kind
            for kind, when, _ in self.seen
            if timedelta(0) <= at - when < timedelta(minutes=worth[kind][1])
            and (within is None or at - when <= timedelta(minutes=within))
        }
        if "IDENTITY_LIST" in young and young & {"SECOND_CLERK", "VISIT_CODE", "CHIP"}:
            return 3
        return max((worth[kind][0] for kind in young), default=0)

    def approves(self, digest: str, at: datetime, worth: dict[str, tuple[int, int]]) -> bool:
        return any(
            approved == digest and timedelta(0) <= at - when < timedelta(minutes=worth[kind][1])
            for kind, when, approved in self.seen
        )


class Machine(RuleBasedStateMachine):
    """One morning in the contact centre, with everybody doing whatever he likes."""

    cast: ClassVar[Cast]
    files: ClassVar[dict[bool, Path]]  # the policy, and a stricter one

    def __init__(self) -> None:
        super().__init__()
        self.undo = ExitStack()
        self.undo.enter_context(undone())
        self.before = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self.at, self.worth = NOW, dict(WORTH)
        self.contacts: list[Contact] = []
        self.waiting: list[tuple[Proposal, Contact, str, datetime]] = []
        self.noticed: list[tuple[str, str, datetime]] = []

    def teardown(self) -> None:
        self.undo.close()
        policy.current.cache_clear()

    # --- who calls, who answers ---------------------------------------------------------------------------------------
    @initialize(by=st.sampled_from(STAFF))
    def somebody_comes(self, by: str) -> None:
        self.comes(by, "DESK" if by.startswith("clerk") else "PHONE")

    @rule(by=st.sampled_from(STAFF), channel=st.sampled_from(["PHONE", "DESK"]))
    def comes(self, by: str, channel: str) -> None:
        try:
            opened = interactions.open_by_staff(self.staff(by), channel=channel, language="fi", at=self.at)
        except NotBehindDesk:
            return
        self.contacts = [*self.contacts[-5:], Contact(opened, by)]

    @rule(pick=st.integers(0, 5), by=st.sampled_from(STAFF))
    def passes_on(self, pick: int, by: str) -> None:
        contact = self.pick(pick)
        try:
            if contact.by is not None:
                interactions.hand_back(contact.row.public_id, by=self.staff(contact.by), at=self.at)
                contact.by = None
            interactions.take(contact.row.public_id, by=self.staff(by), at=self.at)
        except (Ended, Taken, NotBehindDesk):
            return
        contact.by = by

    @rule(pick=st.integers(0, 5))
    @precondition(lambda self: len(self.contacts) > 2)
    def hangs_up(self, pick: int) -> None:
        contact = self.pick(pick)
        interactions.end(contact.row.public_id, at=self.at)
        contact.live = False

    @rule(minutes=st.sampled_from([1, 2, 5, 9, 11, 30, 50, 60 * 25]))
    def time_passes(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)

    # --- what they say ------------------------------------------------------------------------------------------------
    @rule(
        pick=st.integers(0, 5),
        who=st.sampled_from(PEOPLE),
        own=st.sampled_from(["", *PEOPLE]),
        as_=st.sampled_from(CAPACITIES),
    )
    def claims(self, pick: int, who: str, own: str, as_: str) -> None:
        contact = self.pick(pick)
        own_number = self.person(own).number if own and as_ != "SELF" else ""
        try:
            claim_number(
                contact.row.public_id, self.person(who).number, capacity=as_, source="STAFF",
                by=self.staff(contact.by or "agent_aino"), at=self.at, own_number=own_number,
            )  # fmt: skip
        except (TooMany, Ended):
            return
        person = who if as_ == "SELF" else (own if own_number else "")
        contact.claimed.add(who)
        if (contact.who, contact.capacity, contact.person) != (who, as_, person):
            contact.who, contact.capacity, contact.person, contact.seen = who, as_, person, []

    @rule(pick=st.integers(0, 5), family=st.sampled_from(["Sihteeri", "Asiakas", "Huollettava"]))
    def names_somebody(self, pick: int, family: str) -> None:
        """A name that one customer bears is a claim like any other: at NONE."""
        contact = self.pick(pick)
        given = {"Sihteeri": "Sanna", "Asiakas": "Antti", "Huollettava": "Ville"}[family]
        try:
            found = claim_name(
                contact.row.public_id, family_name=family, given_names=given, capacity="SELF",
                by=self.staff(contact.by or "agent_aino"), at=self.at,
            )  # fmt: skip
        except (TooMany, Ended):
            return
        who = {"Sihteeri": "sanna", "Huollettava": "ward"}.get(family, "")
        if found == 1 and (contact.who, contact.capacity) != (who, "SELF"):
            contact.who = contact.person = who
            contact.capacity, contact.seen = "SELF", []
            contact.claimed.add(who)

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
        if question.state != "PICKED":
            return
        who = {(17, 4): "antti", (2, 11): "antti2"}[born]
        contact.claimed.add(who)
        if (contact.who, contact.capacity) != (who, "SELF"):
            contact.who = contact.person = who
            contact.capacity, contact.seen = "SELF", []

    # --- what is seen -------------------------------------------------------------------------------------------------
    @rule(pick=st.integers(0, 5), right=st.booleans(), whose=st.sampled_from(["own", "served"]))
    def types_a_code(self, pick: int, right: bool, whose: str) -> None:
        contact = self.pick(pick)
        name = contact.person if whose == "own" else contact.who
        if not name:
            return
        person = self.person(name)
        if person.codes or not person.app_key:
            return
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
        confirmed = evidence.CONFIRMATIONS if whole else evidence.CONFIRMATIONS - {"person"}
        try:
            evidence.see_identity_list(
                contact.row.public_id, by=self.staff(contact.by or "clerk_kalle"), confirmed=confirmed,
                document=PASSPORT, at=self.at,
            )  # fmt: skip
        except (evidence.NotSeen, Ended):
            return
        assert whole
        assert contact.person
        self.proves(contact, "IDENTITY_LIST")
        contact.seen[-1] = ("IDENTITY_LIST", self.at, contact.by or "")

    @rule(pick=st.integers(0, 5), by=st.sampled_from(STAFF))
    def is_looked_at_again(self, pick: int, by: str) -> None:
        contact = self.pick(pick)
        try:
            evidence.see_second_clerk(contact.row.public_id, by=self.staff(by), at=self.at)
        except (evidence.NotSeen, Ended):
            return
        first = [who for kind, _, who in contact.seen if kind == "IDENTITY_LIST"]
        assert first, "a second look at papers that nobody has seen"
        assert by != first[-1], "the same pair of eyes"
        self.proves(contact, "SECOND_CLERK")

    @rule(
        pick=st.integers(0, 5), kind=st.sampled_from(STRONG), age=st.sampled_from([0, 0, 3, 12, 59, 61]),
        action=st.sampled_from(["", *sorted(set(LIVE) & LINKED)]), altered=st.booleans(),
    )  # fmt: skip
    def proves_himself(self, pick: int, kind: str, age: int, action: str, altered: bool) -> None:
        """What a strong road leaves behind: evidence, with the moment of the login and what was approved."""
        contact = self.pick(pick)
        claim = current_claim(contact.row)
        if claim is None or claim.person is None or not contact.live:
            return
        login = self.at - timedelta(minutes=age)
        approves = self.digest(action, altered) if action else ""
        with transaction.atomic():
            evidence.note(claim, kind, at=self.at, by=None, approves=approves, authenticated_at=login)
        self.proves(contact, kind, login, approves)

    @rule(pick=st.integers(0, 5), kind=st.sampled_from(NOT_PROOF))
    def says_what_he_knows(self, pick: int, kind: str) -> None:
        """Knowledge, a voice, the caller's number: even written down as if it were evidence, it is worth nothing."""
        contact = self.pick(pick)
        claim = current_claim(contact.row)
        if claim is not None:
            with transaction.atomic():
                evidence.note(claim, kind, at=self.at, by=None)

    # --- what makes careful, what changes -----------------------------------------------------------------------------
    @rule(who=st.sampled_from(PEOPLE), kind=st.sampled_from(sorted(RAISES)))
    def something_is_noticed(self, who: str, kind: str) -> None:
        with transaction.atomic():
            signals.note(self.person(who).customer, kind, interaction=None, at=self.at)
        self.noticed.append((who, kind, self.at))

    @rule(strict=st.booleans())
    def the_policy_is_edited(self, strict: bool) -> None:
        self.undo.enter_context(patch.object(policy, "FILE", self.files[strict]))
        policy.current.cache_clear()
        self.worth = dict(WORTH) | ({"E_ID_SUBSTANTIAL": (1, 5)} if strict else {})

    # --- what is asked ------------------------------------------------------------------------------------------------
    @rule(pick=st.integers(0, 5), action=st.sampled_from(LIVE), by=st.sampled_from(["", *STAFF]), much=st.booleans())
    def asks(self, pick: int, action: str, by: str, much: bool) -> None:
        contact = self.pick(pick)
        name = by or contact.by or "agent_aino"
        parameters = dict(VALID[action])
        if much and "amount" in parameters and action != "small_voucher":
            parameters["amount"] = 1_000_000
        before, rows = self.decisions(), self.guarded_rows()
        decided = attempt(
            action, origin=Live(contact.row.public_id, self.staff(name)), parameters=parameters, at=self.at
        )
        assert self.decisions() == before + 1, "one attempt, one entry"
        if isinstance(decided, Granted):
            assert name == contact.by
            self.must_be_allowed(contact, action, parameters)
            return
        assert self.guarded_rows() == rows, "nothing is written without a grant"
        if isinstance(decided, Refused):
            assert decided.refusal.ways
        if isinstance(decided, Proposed):
            assert name == contact.by
            self.must_be_allowed(contact, action, parameters)
            self.waiting.append((decided.proposal, contact, name, self.at))

    @rule(
        by=st.sampled_from(STAFF), who=st.sampled_from(PEOPLE), action=st.sampled_from(sorted(set(LIVE) & set(NEEDS))),
        kind=st.sampled_from(STRONG), approved=st.sampled_from(["", "this", "altered"]), much=st.booleans(),
        minutes=st.sampled_from([0, 0, 5, 11, 61]),
    )  # fmt: skip
    def comes_prepared(
        self, by: str, who: str, action: str, kind: str, approved: str, much: bool, minutes: int
    ) -> None:
        """Come, claim, prove, approve and ask in one go: the way to the doors that wait for more than one thing."""
        self.comes(by, "PHONE")
        self.claims(-1, who, "", "SELF")
        self.proves_himself(-1, kind, 0, action if approved else "", approved == "altered")
        self.time_passes(minutes)
        self.asks(-1, action, "", much)

    @rule(pick=st.integers(0, 3), by=st.sampled_from(["supervisor", "supervisor", *STAFF]), yes=st.booleans())
    @precondition(lambda self: self.waiting)
    def a_second_person_decides(self, pick: int, by: str, yes: bool) -> None:
        proposal, _contact, asked_by, proposed_at = self.waiting[pick % len(self.waiting)]
        ended = ProposalEnd.objects.filter(proposal=proposal).exists()
        before, rows = self.decisions(), self.guarded_rows()
        if not yes:
            try:
                proposals.reject(proposal.public_id, by=self.staff(by), because="not this time", at=self.at)
            except (proposals.NotYours, proposals.Decided):
                return
            assert not ended
            return
        origin = OfProposal(proposal.public_id, self.staff(by))
        decided = attempt(proposal.action, origin=origin, parameters={}, at=self.at)
        assert self.decisions() == before + 1
        if not isinstance(decided, Granted):
            assert self.guarded_rows() == rows
            return
        assert by != asked_by, "nobody is his own second person"
        assert by == "supervisor"
        assert not ended, "decided once"
        assert self.at < proposed_at + timedelta(hours=24)
        assert decided.grant.parameters_hash == proposal.parameters_hash
        assert not self.on_hold(proposal.customer)

    # --- what must always hold ----------------------------------------------------------------------------------------
    @invariant()
    def every_grant_is_spent_once_and_no_door_stands_open(self) -> None:
        live = Grant.objects.filter(batch__isnull=True)
        assert live.count() == Spent.objects.filter(grant__in=live).count()
        assert not Opening.objects.exists()
        assert not live.filter(held__lt=F("required")).exists()

    @invariant()
    def the_levels_rise_only_by_proof(self) -> None:
        for contact in self.contacts:
            row = Interaction.objects.get(pk=contact.row.pk)
            scene = Scene("live", interaction=row, claim=current_claim(row))
            held = int(Attempt("tell_case_state", declared("tell_case_state"), scene, self.at).held.level)
            assert held <= (contact.level(self.at, self.worth) if contact.live else 0)

    # --- the reckoning ------------------------------------------------------------------------------------------------
    def must_be_allowed(self, contact: Contact, action: str, parameters: dict[str, Any]) -> None:
        """Fail unless all that this machine knows allows it. Caps, which only refuse more, are left out."""
        assert contact.live, "nothing is granted in a contact that is over"
        needed, within = NEEDS.get(action, (int(declared(action).required), None))  # type: ignore[union-attr]
        assert int(declared(action).required) >= needed, "the declaration asks for less than it must"  # type: ignore[union-attr]
        if not needed:
            return
        assert contact.who, "nobody is served"
        if action not in PROTECTIVE:
            needed = self.raised(contact, needed)
        held = contact.level(self.at, self.worth, within)
        assert held >= needed, f"{action} with {held} of {needed}: {contact}"
        assert self.authority(contact, action, parameters), f"{contact.capacity} of {contact.person} for {contact.who}"
        if action not in PROTECTIVE:
            assert not self.on_hold(self.person(contact.who).customer)
        if action in LINKED:
            assert contact.approves(self.digest(action, False), self.at, self.worth), "not what he approved"

    def raised(self, contact: Contact, needed: int) -> int:
        lately = [
            kind
            for who, kind, when in self.noticed
            if who == contact.who and timedelta(0) <= self.at - when < timedelta(hours=RAISES[kind])
        ]
        return 3 if lately or len(contact.claimed) >= 3 else needed

    def authority(self, contact: Contact, action: str, parameters: dict[str, Any]) -> bool:
        if contact.capacity == "SELF":
            return contact.who not in NOT_ALONE
        if not contact.person or contact.person == contact.who:
            return False
        given = Mandate.objects.filter(
            principal=self.person(contact.who).customer, representative=self.person(contact.person).customer,
            kind=contact.capacity, begins_at__lte=self.at, ended__isnull=True,
        )  # fmt: skip
        return any(
            (mandate.ends_at is None or mandate.ends_at > self.at)
            and (action in mandate.actions or (not mandate.actions and mandate.kind != "MANDATE"))
            and (mandate.most is None or parameters.get("amount", 0) <= mandate.most)
            for mandate in given
        )

    def on_hold(self, customer: Any) -> bool:
        return bool(customer) and any(
            (hold.until is None or hold.until > self.at) and not hasattr(hold, "lift")
            for hold in customer.holds.select_related("lift").all()
        )

    # --- small things -------------------------------------------------------------------------------------------------
    def pick(self, place: int) -> Contact:
        return self.contacts[place % len(self.contacts)]

    def staff(self, name: str) -> Any:
        return self.cast.staff[name]

    def person(self, name: str) -> Person:
        return self.cast.people[name]

    def proves(self, contact: Contact, kind: str, when: datetime | None = None, approves: str = "") -> None:
        assert contact.live, "nobody proves anything in a contact that is over"
        contact.seen.append((kind, when or self.at, approves))

    def digest(self, action: str, altered: bool) -> str:
        wanted = dict(VALID[action])
        if altered:
            wanted |= {"amount": 1} if "amount" in wanted else {}
        cleaned, errors = clean(declared(action).form, wanted)  # type: ignore[union-attr]
        assert not errors
        return canonical.digest(action if not altered or "amount" in wanted else "something_else", cleaned)

    def decisions(self) -> int:
        return Entry.objects.filter(kind__in=DECISIONS, pk__gt=self.before).count()

    def guarded_rows(self) -> list[tuple[str, int]]:
        """Count the rows of every guarded table, in one statement."""
        with connection.cursor() as cursor:
            cursor.execute(COUNTS)
            return list(cursor.fetchall())


@contextmanager
def undone() -> Iterator[None]:
    """Play one example and forget it, in the test's own block, which the gate's durable transaction may stand in."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


@pytest.mark.slow
def test_nothing_that_anybody_does_in_any_order_opens_what_must_stay_closed(cast: Cast, tmp_path: Path) -> None:
    strict = tmp_path / "policy.toml"
    strict.write_text(STRICTER, encoding="utf-8")
    Machine.cast, Machine.files = cast, {True: strict, False: policy.FILE}
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck),
            database=None, print_blob=True,
        ),
    )  # fmt: skip
