"""What may be granted, reckoned without the gate: the tables are written by hand, and no code of the rules is used.

It reads bare rows (when a hold began, when a mandate ends) and remembers by itself what was said, seen and decided.
It knows at most what may be granted: what only refuses more (back-off, tries, milder signals) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cast import NOW, Cast
from verification.models import Claim, Hold, Interaction, Mandate, Proposal

# What each proof is worth alone and for how many minutes: a slip in policy.toml is found by this.
WORTH = {
    "KEYPAD_TOTP": (1, 60), "KEYPAD_CODE_LIST": (1, 60), "SMS_CODE": (1, 60), "CIBA_APPROVED": (1, 60),
    "E_ID_SUBSTANTIAL": (2, 60), "E_ID_HIGH": (3, 60), "CIBA_SUBSTANTIAL": (2, 60), "CIBA_HIGH": (3, 60),
    "PASSKEY": (2, 60), "IDENTITY_LIST": (2, 45), "SECOND_CLERK": (0, 45), "VISIT_CODE": (0, 45), "CHIP": (0, 45),
    "SIGNED_SLIP": (0, 45),
}  # fmt: skip
# The level that each action needs at least, and how many minutes old its proof may be.
NEEDS = {
    "change_address": (2, 10), "change_email": (2, 10), "change_phone": (2, 10), "close_account": (3, 30),
    "data_subject_export": (2, 10), "disclose_personal_data": (2, None), "end_mandate": (2, None),
    "end_office": (3, None), "enrol_code_app": (3, 10), "enrol_passkey": (3, 10), "goods_to_new_address": (2, 30),
    "goodwill": (2, None), "lasting_freeze": (2, None), "lift_hold": (2, None), "refund_to_account": (2, None),
    "refund_to_new_account": (3, 30), "register_mandate": (3, None), "register_office": (3, None),
    "reopen_keypad": (2, None), "replace_code_list": (3, 10), "reset_authenticator": (3, 10),
    "tell_case_state": (1, None), "undo_freeze": (3, 30),
}  # fmt: skip
LINKED = {
    "close_account", "data_subject_export", "goods_to_new_address", "refund_to_new_account", "register_mandate",
}  # fmt: skip
LEANS_ON_NO = {"change_address": "ADDRESS", "change_email": "EMAIL", "change_phone": "PHONE"}
PROTECTIVE = {"lift_hold", "reopen_keypad", "lasting_freeze", "undo_freeze", "end_mandate"}  # no hold stops these
LOOSENS = {"lift_hold", "undo_freeze"}  # but what makes us careful counts for these
HIMSELF = {
    "data_subject_export", "enrol_code_app", "enrol_passkey", "register_mandate", "replace_code_list",
    "reset_authenticator",
}  # fmt: skip
BY_PAPER = {"register_office", "end_office"}
ALWAYS_TWO = {"close_account", "refund_to_new_account", *BY_PAPER}
ALONE_MOST, BUDGET = 20_000, 30_000
RAISES = {"PROMPT_DECLINED": 48, "PROMPT_ORPHAN": 48, "NOT_ME": 72}  # to HIGH, for hours
# At most so many times in so many days, over one customer, contact or member of the staff.
CAPS: dict[str, list[tuple[str, int, int]]] = {
    "temporary_hold": [("who", 2, 30)], "small_voucher": [("contact", 1, 1), ("by", 10, 1)],
    "refund_to_account": [("who", 5, 30)], "change_email": [("who", 3, 30)], "change_phone": [("who", 3, 30)],
    "goods_to_new_address": [("who", 3, 30)], "refund_to_new_account": [("who", 2, 30)],
    "goodwill": [("who", 3, 90), ("by", 60, 30)], "data_subject_export": [("who", 2, 30)], "not_me": [("who", 4, 30)],
    "open_case": [("contact", 5, 1)], "request_callback": [("who", 4, 1)], "lasting_freeze": [("who", 6, 365)],
    "book_visit": [("who", 5, 7), ("contact", 3, 1)], "request_home_visit": [("who", 2, 7)],
    "veto_change": [("who", 4, 30)], "stop_mandate": [("who", 4, 30)], "stop_refund": [("who", 4, 30)],
    "stop_enrolment": [("who", 4, 30)], "enrol_code_app": [("who", 4, 30)], "enrol_passkey": [("who", 10, 30)],
    "replace_code_list": [("who", 4, 30)], "reset_authenticator": [("who", 6, 30)],
}  # fmt: skip
# Anybody may ask for these, and what strangers used up is not counted against who has proven more.
ANYONES = {"temporary_hold", "not_me", "veto_change", "stop_mandate", "stop_refund", "stop_enrolment"}
TAIL = timedelta(minutes=10)  # how far the log may fall behind before only what protects is done
VETO, AFTER_HOLD = timedelta(hours=72), timedelta(days=1)
IN_PERSON = {"IDENTITY_LIST", "SECOND_CLERK"}
NOT_ALONE = {"ward", "company"}  # a child and a company: others act for them
ROLES = {"AGENT", "CLERK", "SUPERVISOR"}
KIN = (("clerk_kalle", "frozen"), ("agent_arvo", "helena"))


@dataclass(frozen=True)
class Proof:
    """One proof: when he logged in, when we saw it, what it approved, and the contact point it leans on."""

    kind: str
    made: datetime
    seen: datetime
    approves: str = ""
    leans: str = ""
    unsure_until: datetime | None = None
    by: str = ""


@dataclass(eq=False)
class Contact:
    """One contact: who serves it, who speaks for whom, and what was seen of him."""

    row: Interaction
    by: str | None
    live: bool = True
    who: str = ""
    person: str = ""
    capacity: str = "SELF"
    proofs: list[Proof] = field(default_factory=list)
    since: datetime = NOW - timedelta(days=1)  # what was seen before counts no more
    queued: tuple[str, datetime] | None = None
    claim: Claim | None = None
    claimed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Waiting:
    """One proposal, with the parties as they stood when it was made."""

    row: Proposal
    contact: Contact
    who: str
    person: str
    capacity: str
    by: str
    at: datetime
    held: int
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Right:
    """One mandate or office as its bare row tells it."""

    actions: list[str]
    most: int | None
    recorded: datetime
    begins: datetime
    ends: datetime | None
    ended: datetime | None
    evidence: str


HOLD = ("held_at", "until", "lift__lifted_at")
RIGHT = ("actions", "most", "recorded_at", "begins_at", "ends_at", "ended__ended_at", "evidence")


@dataclass
class Reckoning:
    """Everything that may matter, and the judgement on what the gate has let through."""

    cast: Cast
    at: datetime = NOW
    worth: dict[str, tuple[int, int]] = field(default_factory=lambda: dict(WORTH))
    noticed: list[tuple[str, str, datetime]] = field(default_factory=list)
    granted: list[dict[str, Any]] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    decided: set[int] = field(default_factory=set)  # proposals that have ended
    rejected: set[int] = field(default_factory=set)
    disowned: set[int] = field(default_factory=set)  # proposals of which he said that he did not call
    used: list[tuple[Contact, str, str, datetime, int | None]] = field(default_factory=list)  # approvals, once each
    behind: timedelta = timedelta(0)  # how long the log's end has been waiting for its place in the tree

    # --- how sure we are ----------------------------------------------------------------------------------------------
    def counting(self, contact: Contact, within: int | None = None) -> list[Proof]:
        """Return the proofs that count now, none older than `within` minutes."""
        return [
            proof
            for proof in contact.proofs
            if contact.live
            and proof.seen >= contact.since
            and timedelta(0) <= self.at - proof.made < timedelta(minutes=self.worth[proof.kind][1])
            and (within is None or self.at - proof.made <= timedelta(minutes=within))
            and (proof.unsure_until is None or proof.unsure_until <= self.at)
        ]

    def level(self, contact: Contact, within: int | None = None, leaning_on_no: str = "-") -> int:
        """Return the most that the proofs seen under this claim can be worth."""
        young = {proof.kind for proof in self.counting(contact, within) if proof.leans != leaning_on_no}
        if "IDENTITY_LIST" in young and young & {"SECOND_CLERK", "VISIT_CODE", "CHIP"}:
            return 3
        return max((self.worth[kind][0] for kind in young), default=0)

    def raised(self, party: Contact | Waiting, action: str, needed: int) -> int:
        """Return the level that is needed while something makes us careful of him, or of one who speaks for him."""
        if not needed or (action in PROTECTIVE and action not in LOOSENS):
            return needed
        lately = [
            kind
            for whose, kind, when in self.noticed
            if whose in (party.who, party.person) and timedelta(0) <= self.at - when < timedelta(hours=RAISES[kind])
        ]
        claimed = party.contact.claimed if isinstance(party, Waiting) else party.claimed
        return 3 if lately or len(claimed) >= 3 else needed

    # --- whose matter it is -------------------------------------------------------------------------------------------
    def authority(self, party: Contact | Waiting, action: str, parameters: dict[str, Any]) -> bool:
        """Tell whether who speaks may act for whom, at this moment."""
        if party.capacity == "SELF":
            return party.who not in NOT_ALONE and action not in BY_PAPER
        if not party.person or party.person == party.who or party.person in NOT_ALONE or action in HIMSELF:
            return False
        if action in BY_PAPER:
            row = party.contact.row if isinstance(party, Waiting) else party.row
            return row.channel == "DESK" and party.capacity != "MANDATE"
        rows = Mandate.objects.filter(
            principal=self.customer(party.who), representative=self.customer(party.person), kind=party.capacity
        ).values_list(*RIGHT)
        return any(self.gives(Right(*row), party, action, parameters) for row in rows)

    def gives(self, right: Right, party: Contact | Waiting, action: str, parameters: dict[str, Any]) -> bool:
        """Tell whether this one counts now, for this matter and this sum."""
        by_this = action == "end_mandate" and right.ended == self.at  # judged afterwards: he has just laid it down
        running = (right.ended is None or by_this) and (right.ends is None or self.at < right.ends)
        general = not right.actions and party.capacity != "MANDATE"
        covers = general or action in right.actions or action == "end_mandate"
        small = right.most is None or parameters.get("amount", 0) <= right.most
        return running and covers and small and self.has_begun(right, party.who)

    def has_begun(self, right: Right, who: str) -> bool:
        """Tell whether he could have stopped it for as long as he must; what a hold kept back waits for a day more."""
        if right.evidence.startswith("GRANT"):
            seen = [one["seen"] for one in self.granted if one["action"] == "register_mandate" and one["who"] == who]
            if not any(kinds >= IN_PERSON for kinds in seen) and self.at < right.recorded + VETO:
                return False
        if right.begins > self.at or right.begins <= right.recorded:
            return right.begins <= self.at
        return not any(begun <= right.begins < over and self.at < over + AFTER_HOLD for begun, over in self.holds(who))

    def holds(self, *names: str) -> list[tuple[datetime, datetime]]:
        """Return when each hold or freeze of one of them began, and when it was over."""
        rows = Hold.objects.filter(customer__in=[self.customer(name) for name in names if name])
        ever = datetime.max.replace(tzinfo=UTC) - AFTER_HOLD
        return [(begun, lifted or until or ever) for begun, until, lifted in rows.values_list(*HOLD)]

    def on_hold(self, *names: str) -> bool:
        """Tell whether a hold or freeze of one of them binds now."""
        return any(begun <= self.at < over for begun, over in self.holds(*names))

    def customer(self, name: str) -> Any:
        return self.cast.people[name].customer

    # --- what was let through -----------------------------------------------------------------------------------------
    def must_be_open(
        self, contact: Contact, action: str, parameters: dict[str, Any], digest: str, by: str, held: int
    ) -> None:
        """Fail unless all that is known here lets this go through, alone or to a second person.

        `held` is what the gate says was held: only where strangers may not use up a cap does it count.
        """
        assert contact.live, "nothing is granted in a contact that is over"
        assert by == contact.by, "only who serves it acts in it"
        assert self.cast.staff[by].role in ROLES, "who only reads acts for nobody"
        assert not {(by, contact.who), (by, contact.person)} & set(KIN), "nobody serves his own"
        needed, within = NEEDS.get(action, (0, None))
        self.must_be_below_caps(contact, contact.who, action, by, held)
        if not needed:
            return
        assert contact.who, "nobody is served"
        self.log_must_keep_up(action)
        needed = self.raised(contact, action, needed)
        level = self.level(contact, within, LEANS_ON_NO.get(action, "-"))
        assert level >= needed, f"{action} with {level} of {needed}: {contact}"
        self.must_be_his_to_do(contact, action, parameters)
        if action in LINKED:
            self.must_be_approved(contact, digest, within)

    def log_must_keep_up(self, action: str) -> None:
        protects = action in PROTECTIVE and action not in LOOSENS
        assert protects or self.behind <= TAIL, f"{action} while the log is behind"

    def must_be_approved(self, contact: Contact, digest: str, within: int | None) -> None:
        """Fail unless he approved exactly this, and has not had it done already by the same approval."""
        given = [proof.made for proof in self.counting(contact, within) if proof.approves == digest]
        assert given, "this is not what he approved"
        same = (contact, contact.who, digest)
        used = [use for use in self.used if use[:3] == same and use[3] >= min(given) and use[4] not in self.rejected]
        assert len(given) > len(used), "one approval is for one time"

    def must_be_his_to_do(self, party: Contact | Waiting, action: str, parameters: dict[str, Any]) -> None:
        """Fail unless he may do it for whom he speaks, and nothing of theirs is held or closed."""
        told = f"{action}: {party.capacity} of {party.person} for {party.who}"
        assert self.authority(party, action, parameters), told
        if action not in PROTECTIVE:
            assert not self.on_hold(party.who, party.person), f"in spite of a hold: {told}"
            assert party.who not in self.closed, f"in spite of a closed account: {told}"

    def must_be_below_caps(self, contact: Contact, who: str, action: str, by: str, held: int) -> None:
        counted = {"who": who, "contact": contact, "by": by}
        for scope, times, days in CAPS.get(action, ()):
            least = held if scope == "who" and action in ANYONES else 0
            same = [
                each
                for each in self.granted
                if each["action"] == action and each[scope] == counted[scope] and each["held"] >= least
                and self.at - each["at"] < timedelta(days=days)
            ]  # fmt: skip
            assert not counted[scope] or len(same) < times, f"{action} more than {times} times in {days} days"

    def must_be_small(self, action: str, parameters: dict[str, Any], by: str) -> None:
        """Fail when one person alone was enough for what takes two."""
        assert action not in ALWAYS_TWO, "this takes two"
        if action == "refund_to_account":
            assert parameters["amount"] <= ALONE_MOST
        if action == "goodwill":
            alone = [one for one in self.granted if one["action"] == action and one["by"] == by and one["alone"]]
            assert sum(one["amount"] for one in alone) + parameters["amount"] <= BUDGET

    def must_be_decided_well(self, waiting: Waiting, by: str) -> None:
        """Fail unless a second person could decide this now, and all that can change since is as it was."""
        action, second = waiting.row.action, self.cast.staff[by]
        assert waiting.row.pk not in self.decided, "decided once"
        assert by != waiting.by, "nobody is his own second person"
        assert second.role == "SUPERVISOR" or (action in BY_PAPER and second.role == "CLERK")
        assert self.at - second.date_joined >= timedelta(days=7), "an account of yesterday approves nothing"
        assert not {(by, waiting.who), (by, waiting.person)} & set(KIN)
        assert self.at < waiting.at + timedelta(hours=24)
        assert waiting.row.pk not in self.disowned, "he said that he did not call"
        self.log_must_keep_up(action)
        assert waiting.held >= self.raised(waiting, action, NEEDS[action][0])
        self.must_be_his_to_do(waiting, action, waiting.parameters)
        self.must_be_below_caps(waiting.contact, waiting.who, action, by, 0)

    def happened(self, party: Contact | Waiting, action: str, parameters: dict[str, Any], by: str, held: int) -> None:
        """Remember what was granted."""
        contact = party if isinstance(party, Contact) else party.contact
        self.granted.append({
            "action": action, "who": party.who, "contact": contact, "by": by, "at": self.at, "held": held,
            "alone": isinstance(party, Contact), "amount": parameters.get("amount", 0),
            "seen": {proof.kind for proof in contact.proofs},
        })  # fmt: skip
        if action == "close_account":
            self.closed.add(party.who)
