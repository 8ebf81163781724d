"""Whole stories for the gate's machine, each with one thing that goes wrong at the worst moment.

Steps in any order seldom come to the doors that wait for five things at once. A story goes straight to one of them,
and asks for actions in which that one thing decides.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.gate_floor import ACTING, COLLEAGUE, STRONG, WEAK, Floor
from tests.reckoning import KIN, LINKED, NEEDS, PROTECTIVE, Contact, Waiting
from verification.gate import Proposed

PEOPLE = ("antti", "antti2", "sanna", "helena", "frozen", "moved", "giver", "ward", "company")
FREE = ("antti", "antti2", "sanna", "helena", "moved", "giver")  # nothing of theirs is held when the morning begins
PROPOSERS = ("supervisor", "agent_aino", "clerk_kerttu")
DECIDERS = ("supervisor", "supervisor", "supervisor2", "supervisor2", "newcomer", "clerk_kalle")
FOR_TWO = ("close_account", "refund_to_new_account", "refund_to_account", "goodwill")
ANY = tuple(sorted(NEEDS))
PLAIN = tuple(  # what goes through when everything is right, with nothing on the record before
    sorted(set(NEEDS) - {"end_mandate", "end_office", "register_office", "register_mandate", "enrol_code_app",
                         "enrol_passkey", "replace_code_list", "reset_authenticator"})
)  # fmt: skip
HELD_UP = tuple(action for action in PLAIN if action not in PROTECTIVE)
YOUNG = tuple(action for action in HELD_UP if NEEDS[action][1])
NOT_YOUNG = tuple(action for action in PLAIN if not NEEDS[action][1])
MIDDLE = tuple(action for action in HELD_UP if NEEDS[action][0] == 2)
BOUND = tuple(sorted(LINKED - {"register_mandate"}))
UNPROVEN = ("request_callback", "open_case", "disclose_personal_data")
WRONG: dict[str, tuple[str, ...]] = {  # what goes wrong, and the actions in which it decides
    "nothing": ANY, "hold": HELD_UP, "noticed": MIDDLE, "hangs up": UNPROVEN, "colleague": PLAIN + UNPROVEN,
    "late": PLAIN, "late back": PLAIN, "other role": PLAIN, "other claim": PLAIN, "and back": PLAIN, "strict": MIDDLE,
    "brink": YOUNG, "too old": YOUNG, "far too old": NOT_YOUNG, "weak": ANY, "codes only": ANY,
    "leaning": ("change_phone",), "quarantine": PLAIN, "unapproved": BOUND, "altered": BOUND, "again": BOUND,
    "much": ("refund_to_account", "goodwill"), "auditor": PLAIN + UNPROVEN, "family": PLAIN, "log behind": HELD_UP,
}  # fmt: skip
IN_HIS_NAME = ("change_address", "refund_to_account", "close_account", "disclose_personal_data", "lift_hold")
FOR_HIM = ("nothing", "ran out", "taken back", "too much", "other matter", "held himself", "other capacity")
MEANWHILE = (
    "nothing", "himself", "newcomer", "hold", "noticed", "disowned", "a day", "almost a day", "altered", "rejected",
    "closed", "taken back",
)  # fmt: skip


def errand(wrong: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({
        "story": st.just("comes_with_an_errand"), "by": st.sampled_from(sorted(COLLEAGUE)),
        "who": st.sampled_from(FREE), "action": st.sampled_from(WRONG[wrong]), "wrong": st.just(wrong),
        "kind": st.sampled_from(STRONG),
    })  # fmt: skip


ERRAND = st.sampled_from(sorted(WRONG)).flatmap(errand)
FOR_ANOTHER = st.fixed_dictionaries({
    "story": st.just("comes_for_another"), "pair": st.sampled_from(ACTING), "action": st.sampled_from(IN_HIS_NAME),
    "wrong": st.sampled_from(FOR_HIM),
})  # fmt: skip
PROPOSAL = st.fixed_dictionaries({
    "story": st.just("is_proposed_and_decided_twice"), "by": st.sampled_from(PROPOSERS),
    "who": st.sampled_from(FREE[:4]), "action": st.sampled_from(FOR_TWO), "meanwhile": st.sampled_from(MEANWHILE),
    "first": st.sampled_from(DECIDERS[:4]), "second": st.sampled_from(DECIDERS),
})  # fmt: skip
CLOSING = st.fixed_dictionaries({
    "story": st.just("comes_back_after_closing"), "who": st.sampled_from(FREE[:4]), "action": st.sampled_from(ANY),
})  # fmt: skip
MANDATE = st.fixed_dictionaries({
    "story": st.just("gives_a_mandate"), "who": st.sampled_from(("antti", "antti2", "sanna")),
    "meanwhile": st.sampled_from(["nothing", "comes too soon", "hold", "stopped"]),
})  # fmt: skip


def one_of(*stories: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw one of these; one that is named twice comes twice as often, which st.one_of would not do."""
    return st.sampled_from(stories).flatmap(lambda story: story)


STORY = one_of(ERRAND, ERRAND, FOR_ANOTHER, PROPOSAL, CLOSING, MANDATE)
MORNING = st.tuples(ERRAND, ERRAND, ERRAND, FOR_ANOTHER, one_of(MANDATE, FOR_ANOTHER, CLOSING), PROPOSAL)


class Stories(Floor):
    """Stories told from their beginning to their end."""

    told = 0

    def tells(self, told: dict[str, Any]) -> None:
        """Play one story."""
        told, self.told = dict(told), self.told + 1
        getattr(self, told.pop("story"))(**told)

    # --- an errand of one's own ---------------------------------------------------------------------------------------
    def comes_with_an_errand(self, by: str, who: str, action: str, wrong: str, kind: str) -> None:
        """Come, claim, prove, approve and ask, while one thing goes wrong."""
        by, who = {"family": KIN[1], "auditor": ("auditor", who), "quarantine": (by, "moved")}.get(wrong, (by, who))
        needed, minutes = NEEDS.get(action, (0, None))
        contact = self.opens(by)
        self.says(contact, who)
        if wrong == "hold":
            self.asks_for(contact, "temporary_hold")
        strong = "E_ID_SUBSTANTIAL" if wrong in ("noticed", "strict") and needed < 3 else "E_ID_HIGH"
        approves = "" if wrong == "unapproved" else self.digest(action, wrong == "altered", wrong == "much")
        for each in {"weak": (kind,), "codes only": WEAK}.get(wrong, (strong,)):
            self.logs_in(contact, each, approves=approves, leaning=wrong in ("leaning", "quarantine"))
        self.goes_wrong(wrong, contact, minutes or 60)
        self.asks_for(contact, action, by=COLLEAGUE[by] if wrong == "colleague" else "", much=wrong == "much")
        if wrong == "again":
            self.asks_for(contact, action)
        self.is_calm_again(wrong)

    def goes_wrong(self, wrong: str, contact: Contact, minutes: int) -> None:
        match wrong:
            case "late" | "late back" | "other role":
                self.changes_hands(wrong, contact)
            case "other claim" | "and back":
                self.is_somebody_else(contact, and_back=wrong == "and back")
            case "noticed":
                self.notices(contact.who, "NOT_ME")
            case "hangs up":
                self.ends(contact)
            case "strict":
                self.follows_policy(strict=True)
            case "log behind":
                self.falls_behind(11)
            case "brink" | "too old" | "far too old":
                self.passes({"brink": minutes, "too old": minutes + 1}.get(wrong, 61))

    def changes_hands(self, wrong: str, contact: Contact) -> None:
        """Hand the contact on: late, late and back to the same hands, or to somebody of another role."""
        by = contact.by or ""
        other = "agent_aino" if by.startswith("clerk") else "clerk_kerttu"
        to = {"late": COLLEAGUE.get(by, other), "late back": by}.get(wrong, other)
        self.is_passed_on(contact, to, 0 if wrong == "other role" else 11)

    def is_somebody_else(self, contact: Contact, *, and_back: bool) -> None:
        """Claim to be another, and perhaps to be the first one after all."""
        who = contact.who
        self.says(contact, "antti" if who != "antti" else "sanna")
        if and_back:
            self.says(contact, who)

    def is_calm_again(self, wrong: str) -> None:
        """Leave no policy and no log behind that would stop the stories that come after."""
        if wrong == "strict":
            self.follows_policy(strict=False)
        if wrong == "log behind":
            self.falls_behind(0)

    # --- in another's name --------------------------------------------------------------------------------------------
    def comes_for_another(self, pair: tuple[str, str, str], action: str, wrong: str) -> None:
        """Speak for somebody, with a right that ran out, was taken back, or was given for something else."""
        if wrong in ("ran out", "taken back", "too much", "other matter"):
            pair = ACTING[2]
            action = {"too much": "refund_to_account", "other matter": "disclose_personal_data"}.get(
                wrong, "change_address"
            )
        own, who, capacity = pair
        if wrong == "ran out":
            self.passes(60 * 62)
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

    def gives_a_mandate(self, who: str, meanwhile: str) -> None:
        """Let Helena act for somebody who proved himself by his login only: she must wait until he could stop it."""
        contact = self.opens("agent_aino")
        self.says(contact, who)
        self.logs_in(contact, "E_ID_HIGH", approves=self.digest("register_mandate", False))
        self.asks_for(contact, "register_mandate")
        self.passes({"comes too soon": 60, "hold": 60 * 30}.get(meanwhile, 60 * 72))
        if meanwhile in ("hold", "stopped"):
            again = self.opens("agent_arvo")
            self.says(again, who)
            self.asks_for(again, "temporary_hold" if meanwhile == "hold" else "stop_mandate")
        if meanwhile == "hold":
            self.passes(60 * 49)  # the hold is over, and what it kept back waits for a day more
        later = self.opens("agent_aino")
        self.says(later, who, "helena", "MANDATE")
        self.logs_in(later, "E_ID_HIGH")
        self.asks_for(later, "change_address")

    # --- what a second person decides ---------------------------------------------------------------------------------
    def is_proposed_and_decided_twice(
        self, by: str, who: str, action: str, meanwhile: str, first: str, second: str
    ) -> None:
        """Make a proposal, let something happen, and let two people decide it, or one of them twice."""
        action = {
            "noticed": "refund_to_account", "altered": "refund_to_new_account", "disowned": "refund_to_new_account",
        }.get(meanwhile, action)  # fmt: skip
        by, first = {"himself": ("supervisor", "supervisor"), "newcomer": (by, "newcomer")}.get(meanwhile, (by, first))
        waiting = self.proposes(by, "giver" if meanwhile == "taken back" else who, action, meanwhile)
        if waiting is None:
            return
        self.happens(meanwhile, waiting)
        self.decides(waiting, first, altered=meanwhile == "altered")
        self.decides(waiting, second)

    def happens(self, meanwhile: str, waiting: Waiting) -> None:
        match meanwhile:
            case "hold":
                self.asks_for(waiting.contact, "temporary_hold")
            case "noticed":
                self.notices(waiting.who, "PROMPT_ORPHAN")
            case "disowned":
                self.notices(waiting.who, "PROMPT_DECLINED", waiting.contact)
                self.now.disowned.add(waiting.row.pk)
            case "a day" | "almost a day":
                self.passes(60 * 24 - (meanwhile == "almost a day"))
            case "rejected":
                self.rejects(waiting, "supervisor2")
            case "closed":
                self.closes(waiting.who)
            case "taken back":
                self.takes_back()

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
