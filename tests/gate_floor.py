"""The floor that the gate's machine plays on: single steps of callers and staff, and every question to the gate judged.

What a step does is remembered by the reckoning (tests/reckoning.py); what the gate decides is held against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from django.apps import apps
from django.db import connection, transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from audit import tail
from audit.models import Entry
from tests import representatives
from tests.actions_asked import VALID
from tests.cast import NOW, Cast
from tests.reckoning import KIN, LINKED, WORTH, Contact, Proof, Reckoning, Waiting
from verification import canonical, evidence, guard, having, interactions, policy, proposals, signals
from verification.attempts import Attempt
from verification.claims import TooMany, claim_number
from verification.declarations import declared
from verification.forms import clean
from verification.gate import Decision, Granted, Live, OfProposal, Proposed, Refused, attempt
from verification.interactions import Ended, NotBehindDesk, Taken
from verification.models import ContactChange, Interaction, Staff
from verification.scene import Scene, current_claim

CAPACITIES = ("SELF", "SELF", "SELF", "GUARDIAN", "SIGNATORY", "MANDATE")
STRONG = ("E_ID_SUBSTANTIAL", "E_ID_HIGH", "CIBA_SUBSTANTIAL", "CIBA_HIGH", "CIBA_APPROVED", "PASSKEY", "SMS_CODE")
NOT_PROOF = ("VOICE", "CALLER_ID", "BIRTH_DATE", "SECURITY_QUESTION", "EMAIL_CODE")
COLLEAGUE = {
    "agent_aino": "agent_arvo", "agent_arvo": "agent_aino", "clerk_kalle": "clerk_kerttu", "supervisor": "agent_aino",
}  # fmt: skip
WEAK = ("SMS_CODE", "CIBA_APPROVED", "SMS_CODE")
ACTING = (("helena", "ward", "GUARDIAN"), ("sanna", "company", "SIGNATORY"), ("antti2", "giver", "MANDATE"))
GIVEN = ["change_address", "refund_to_account", "close_account"]  # what `giver` lets antti2 do, for a few days
MUCH, MAY_BE_MUCH = 1_000_000, {"refund_to_account", "refund_to_new_account", "goodwill"}
STRICTER = policy.FILE.read_text(encoding="utf-8").replace(
    '[evidence.E_ID_SUBSTANTIAL]\nlevel = "SUBSTANTIAL"\nminutes = 60',
    '[evidence.E_ID_SUBSTANTIAL]\nlevel = "LOW"\nminutes = 5',
)
DECISIONS = "'gate.granted', 'gate.refused', 'gate.malformed', 'gate.proposed'"
TABLES = sorted(apps.get_model(model)._meta.db_table for model in guard.guarded())
COUNTS = f"SELECT 'decisions', count(*) FROM audit_entry WHERE id > %s AND kind IN ({DECISIONS})" + "".join(
    f" UNION ALL SELECT '{table}', count(*) FROM {table}" for table in TABLES
)
UNSPENT = (
    "SELECT (SELECT count(*) FROM verification_opening), (SELECT count(*) FROM verification_grant g"
    " WHERE g.batch_id IS NULL AND (g.held < g.required"
    " OR NOT EXISTS (SELECT 1 FROM verification_spent s WHERE s.grant_id = g.id)))"
)
HAPPENED: Counter[str] = Counter()  # what the whole run came to see
KEYS = count(1)


class Floor(RuleBasedStateMachine):
    """Everybody's steps, without an order."""

    cast: ClassVar[Cast]
    files: ClassVar[dict[bool, Path]]  # the policy, and a stricter one
    phones: ClassVar[dict[str, Any]]
    digests: ClassVar[dict[tuple[str, bool, bool], str]]

    def __init__(self) -> None:
        super().__init__()
        HAPPENED["mornings"] += 1
        self.undo = ExitStack()
        self.undo.enter_context(undone())
        self.before = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self.now = Reckoning(self.cast)
        self.undo.enter_context(patch.object(tail, "age", lambda: self.now.behind))
        self.undo.enter_context(patch.object(having, "usable", lambda _asked: frozenset()))  # picks ways, opens nothing
        self.contacts: list[Contact] = []
        self.waiting: list[Waiting] = []
        self.touched: Contact | None = None
        self.counts = self.counted()

    @classmethod
    def is_set_up(cls, cast: Cast, folder: Path) -> None:
        """Say who takes part, and write the stricter policy into the folder."""
        strict = folder / "policy.toml"
        strict.write_text(STRICTER, encoding="utf-8")
        cls.cast, cls.files, cls.digests = cast, {True: strict, False: policy.FILE}, {}
        phones = ContactChange.objects.filter(kind="PHONE").order_by("effective_at")
        newest = {each.customer_id: each for each in phones}
        cls.phones = {name: newest[person.customer.pk] for name, person in cast.people.items()}

    def teardown(self) -> None:
        self.undo.close()
        policy.current.cache_clear()

    # --- what must always hold ----------------------------------------------------------------------------------------
    @invariant()
    def the_level_rises_only_by_proof(self) -> None:
        """Ask it of the contact in which something was seen last; at every decision it is asked anyway."""
        contact, self.touched = self.touched, None
        if contact is not None:
            row = Interaction.objects.get(pk=contact.row.pk)
            scene = Scene("live", interaction=row, claim=current_claim(row))
            held = Attempt("tell_case_state", declared("tell_case_state"), scene, self.at).held.level
            assert int(held) <= self.now.level(contact)

    def asks_for(
        self, contact: Contact, action: str, *, by: str = "", much: bool = False, key: str = "", **other: Any
    ) -> Decision:
        """Ask the gate, and hold its decision against the reckoning."""
        name = by or contact.by or "agent_aino"
        parameters = self.parameters(action, much) | other
        origin = Live(contact.row.public_id, self.staff(name))
        decided = attempt(action, origin=origin, parameters=parameters, at=self.at, key=key)
        if getattr(decided, "repeated", False):
            assert self.counted() == self.counts, "what was decided is not decided again"
            return decided
        self.is_one_decision(decided)
        for row in (getattr(decided, each, None) for each in ("grant", "refusal", "proposal")):
            assert row is None or row.held <= self.now.level(contact), "the level rises only by proof"
        if isinstance(decided, Granted | Proposed):
            row = decided.grant if isinstance(decided, Granted) else decided.proposal
            digest = self.digest(action, False, much) if action in LINKED else ""
            self.now.must_be_open(contact, action, parameters, digest, name, row.held)
            proposed = row.pk if isinstance(decided, Proposed) else None
            self.now.used.append((contact, contact.who, digest, self.at, proposed))
        if isinstance(decided, Granted):
            self.now.must_be_small(action, parameters, name)
            self.now.happened(contact, action, parameters, name, decided.grant.held)
        if isinstance(decided, Proposed):
            parties = (contact, contact.who, contact.person, contact.capacity, name, self.at)
            self.waiting.append(Waiting(decided.proposal, *parties, self.now.level(contact), parameters))
        return decided

    def decides(self, waiting: Waiting, by: str, *, altered: bool = False) -> None:
        """Let somebody say yes to a proposal, perhaps after its sealed parameters were exchanged."""
        origin = OfProposal(waiting.row.public_id, self.staff(by))
        action = waiting.row.action
        with ExitStack() as forged:
            if altered and "amount" in waiting.parameters:
                other = waiting.parameters | {"amount": 999_999}
                forged.enter_context(patch.object(proposals, "parameters_of", lambda _proposal: other))
            decided = attempt(action, origin=origin, parameters={}, at=self.at)
        self.is_one_decision(decided)
        if isinstance(decided, Granted):
            self.now.must_be_decided_well(waiting, by)
            assert decided.grant.parameters_hash == waiting.row.parameters_hash, "not what was proposed"
            self.now.happened(waiting, action, waiting.parameters, by, decided.grant.held)
            self.now.decided.add(waiting.row.pk)
        elif waiting.row.pk in self.now.decided:
            assert isinstance(decided, Refused)
            assert decided.refusal.reason == "NOT_LIVE", "a proposal is decided once, and what comes later is told so"

    def rejects(self, waiting: Waiting, by: str) -> None:
        try:
            proposals.reject(waiting.row.public_id, by=self.staff(by), because="not this time", at=self.at)
        except (proposals.NotYours, proposals.Decided):
            return
        assert waiting.row.pk not in self.now.decided
        assert by != waiting.by
        self.now.decided.add(waiting.row.pk)
        self.now.rejected.add(waiting.row.pk)

    def is_one_decision(self, decided: Decision) -> None:
        """Fail unless the attempt left one entry, wrote nothing but under a grant, and left no door open."""
        counts = self.counted()
        assert counts.pop("decisions") == self.counts["decisions"] + 1, "one attempt, one entry"
        HAPPENED[decided.refusal.reason if isinstance(decided, Refused) else type(decided).__name__] += 1
        if isinstance(decided, Granted):
            with connection.cursor() as cursor:
                cursor.execute(UNSPENT)
                assert cursor.fetchone() == (0, 0), "each grant is spent once, at its level, and no door stands open"
        else:
            assert counts.items() <= self.counts.items(), "nothing is written without a grant"
        if isinstance(decided, Refused):
            assert decided.refusal.ways
        self.counts = counts | {"decisions": self.counts["decisions"] + 1}

    # --- single steps -------------------------------------------------------------------------------------------------
    def passes(self, minutes: int) -> None:
        self.now.at += timedelta(minutes=minutes)

    def notices(self, who: str, kind: str, contact: Contact | None = None) -> None:
        """Note what makes us careful of somebody, perhaps in a contact that he says was not his."""
        with transaction.atomic():
            signals.note(self.cast.people[who].customer, kind, interaction=contact.row if contact else None, at=self.at)
        self.now.noticed.append((who, kind, self.at))

    def follows_policy(self, *, strict: bool) -> None:
        """Edit the policy: in the strict one a login of the middle level is worth less, and for a shorter time."""
        self.undo.enter_context(patch.object(policy, "FILE", self.files[strict]))
        policy.current.cache_clear()
        self.now.worth = WORTH | ({"E_ID_SUBSTANTIAL": (1, 5)} if strict else {})

    def falls_behind(self, minutes: int) -> None:
        """Let the log's first entry without a place in the tree have waited for so long."""
        self.now.behind = timedelta(minutes=minutes)

    def opens(self, by: str, channel: str = "PHONE") -> Contact:
        row = interactions.open_by_staff(self.staff(by), channel=channel, language="fi", at=self.at)
        self.contacts = [*self.contacts[-5:], Contact(row, by)]
        return self.contacts[-1]

    def ends(self, contact: Contact) -> None:
        interactions.end(contact.row.public_id, at=self.at)
        contact.live = False

    def is_passed_on(self, contact: Contact, to: str, minutes: int) -> None:
        """Hand a contact back, let the caller wait, and let somebody take it."""
        try:
            if contact.by is not None:
                interactions.hand_back(contact.row.public_id, by=self.staff(contact.by), at=self.at)
                contact.queued, contact.by = (contact.by, self.at), None
            self.passes(minutes)
            interactions.take(contact.row.public_id, by=self.staff(to), at=self.at)
        except (Ended, Taken, NotBehindDesk):
            return
        contact.by = to
        before, since = contact.queued or (to, self.at)
        late = self.at - since > timedelta(minutes=10)
        if late or self.staff(before).role != self.staff(to).role:
            contact.since = self.at

    def says(self, contact: Contact, who: str, own: str = "", as_: str = "SELF") -> None:
        own_number = self.cast.people[own].number if own and as_ != "SELF" else ""
        try:
            contact.claim = claim_number(
                contact.row.public_id, self.cast.people[who].number, capacity=as_, source="STAFF",
                by=self.staff(contact.by or "agent_aino"), at=self.at, own_number=own_number,
            )  # fmt: skip
        except (TooMany, Ended):
            return
        self.now_speaks(contact, who, who if as_ == "SELF" else (own if own_number else ""), as_)

    def picks(self, contact: Contact, who: str) -> None:
        """Remember whom a name, or an answer to the question that tells namesakes apart, has picked."""
        contact.claim = current_claim(contact.row)
        self.now_speaks(contact, who, who, "SELF")

    def now_speaks(self, contact: Contact, who: str, person: str, capacity: str) -> None:
        contact.claimed.add(who)
        if (contact.who, contact.capacity, contact.person) != (who, capacity, person):
            contact.who, contact.capacity, contact.person, contact.proofs = who, capacity, person, []
        self.touched = contact

    def logs_in(self, contact: Contact, kind: str, *, age: int = 0, approves: str = "", leaning: bool = False) -> None:
        """Note what a strong road leaves behind: the moment of the login, what was approved, what it leans on."""
        claim = contact.claim
        if claim is None or claim.person is None or not contact.live:
            return
        made, phone = self.at - timedelta(minutes=age), self.phones[contact.person] if leaning else None
        with transaction.atomic():
            evidence.note(claim, kind, at=self.at, by=None, approves=approves, authenticated_at=made, rests_on=phone)
        self.proves(contact, kind, made=made, approves=approves, phone=phone)

    def proves(
        self, contact: Contact, kind: str, *, made: datetime | None = None, approves: str = "", by: str = "",
        phone: Any = None,
    ) -> None:  # fmt: skip
        assert contact.live, "nobody proves anything in a contact that is over"
        leans, unsure = (phone.kind, phone.quarantined_until) if phone else ("", None)
        contact.proofs.append(Proof(kind, made or self.at, self.at, approves, leans, unsure, by))
        self.touched = contact

    # --- small things -------------------------------------------------------------------------------------------------
    @property
    def at(self) -> datetime:
        return self.now.at

    def pick(self, place: int) -> Contact:
        return self.contacts[place % len(self.contacts)]

    def staff(self, name: str) -> Staff:
        return self.cast.staff[name]

    def parameters(self, action: str, much: bool) -> dict[str, Any]:
        more = {"amount": MUCH} if much and action in MAY_BE_MUCH else {}
        return VALID[action] | more

    def digest(self, action: str, altered: bool, much: bool = False) -> str:
        """Return what stands for this action on the customer's own page, or for another one."""
        wanted = self.parameters(action, much)
        if altered:
            wanted |= {"amount": 1} if "amount" in wanted else {}
        if (action, altered, much) not in self.digests:
            cleaned, errors = clean(declared(action).form, wanted)  # type: ignore[union-attr]
            assert not errors
            name = action if not altered or "amount" in wanted else "something_else"
            self.digests[action, altered, much] = canonical.digest(name, cleaned)
        return self.digests[action, altered, much]

    def counted(self) -> dict[str, int]:
        """Count the decisions of this example and the rows of every guarded table, in one statement."""
        with connection.cursor() as cursor:
            cursor.execute(COUNTS, [self.before])
            return dict(cursor.fetchall())


@contextmanager
def undone() -> Iterator[None]:
    """Play one example and forget it, in the test's own block, which the gate's durable transaction may stand in."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


def everybody(cast: Cast) -> Cast:
    """Bring in who acts for whom, two more who could approve, and kin."""
    people, given = cast.people, {"actions": GIVEN, "most": 5000, "until": "2026-03-13"}
    people["ward"] = representatives.child(cast, representatives.right(people["helena"], "GUARDIAN"))
    people["company"] = representatives.company(cast, representatives.right(people["sanna"], "SIGNATORY"))
    right = representatives.right(people["antti2"], "MANDATE", **given)
    people["giver"] = representatives.comes_in(cast, "Antaja", "Aune", right)
    for name, days in (("supervisor2", 90), ("newcomer", 1)):
        cast.staff[name] = Staff.objects.create_user(
            username=name, password="-", organisation=cast.organisation, role="SUPERVISOR", is_staff=True,
            date_joined=NOW - timedelta(days=days),
        )  # fmt: skip
    for who, whose in KIN:
        cast.staff[who].kin.add(people[whose].customer)
    return cast
