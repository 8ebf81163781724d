"""Answer what the telephone asks: interactions, claims, codes and the gate stand behind it.

Everything is tied to one turn of one call, so that a webhook that comes twice is one try and one effect.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from audit.log import record
from ivr.adapters import Event
from ivr.asks import Check, NoMoreClaims, Told
from ivr.models import Call
from ivr.steps import Arguments
from verification import claims, interactions, keypad, separating, sms_codes
from verification.gate import Granted, Live, Refused, attempt
from verification.models import Authenticator, Claim, Customer, Hold, Interaction, Organisation, Refusal
from verification.policy import current
from verification.scene import current_claim

# What each key of the menus asks the gate for.
ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "state": ("tell_case_state",),
    "visit": ("book_visit",),
    "callback": ("request_callback",),
    "hold": ("temporary_hold",),
    "not_me": ("not_me",),
    "stop": ("veto_change", "stop_enrolment", "stop_mandate", "stop_refund"),
}
STATES: Final[dict[str, str]] = {
    "NO_CASE": "state.none",
    "OPEN": "state.open",
    "ANSWERED": "state.answered",
    "CLOSED": "state.closed",
}


class HouseActions:
    """Do what `asks.Actions` promises with the real customers, codes and gate."""

    def open(self, call: Call, event: Event, at: datetime) -> None:
        """Open the interaction at the organisation whose number was dialled, and tie the call to it in one commit."""
        with transaction.atomic():
            organisation = _called(event.to_number)
            line = event.from_number or ""
            call.interaction = interactions.open_call(organisation, line=line, language="fi", at=at)
            call.save(update_fields=["interaction"])

    def greeting(self, call: Call) -> Arguments:
        """Name the organisation that answers."""
        return {"organisation": _interaction(call).organisation.name}

    def speak(self, call: Call, at: datetime) -> None:
        """Note the language for the agent and for what is written later."""
        interactions.set_language(_id(call), language=call.language, at=at)

    def claim(self, call: Call, number: str, at: datetime) -> int:
        """Note the claim, and give the index to ask for.

        Raises NoMoreClaims when this call, or this number today, has been claimed as often as may be. That is counted
        for numbers that are nobody's too, and no code is asked for then: it would count for the earlier claim.
        """
        try:
            claims.claim_number(
                _id(call), number, capacity=Claim.Capacity.SELF, source=Claim.Source.KEYPAD, by=None, at=at
            )
        except claims.TooMany:
            raise NoMoreClaims from None
        return keypad.challenge(number, at=at)

    def check_app_code(self, call: Call, code: str, at: datetime) -> Check:
        """Judge a code of the caller's app."""
        return self._check(call, Authenticator.Kind.TOTP, code, at)

    def check_list_code(self, call: Call, code: str, at: datetime) -> Check:
        """Judge the code beside the index that was asked for."""
        return self._check(call, Authenticator.Kind.CODE_LIST, code, at)

    def texts_codes(self) -> bool:
        """Tell whether the policy gives codes by text message any worth."""
        return sms_codes.offered()

    def send_code(self, call: Call, at: datetime) -> None:
        """Have a code sent to the recorded number of who was claimed; for nobody's number the same is noted."""
        sms_codes.ask_for(_id(call), at=at)

    def check_sent_code(self, call: Call, code: str, at: datetime) -> Check:
        """Judge a code of a text message."""
        return self._check(call, Authenticator.Kind.SMS, code, at)

    def few_codes_left(self, call: Call) -> int | None:
        """Count what is left on the list that has just proved the caller."""
        return keypad.few_codes_left(_id(call))

    def on_hold(self, call: Call, at: datetime) -> bool:
        """Tell whether the customer who has just shown a code has a hold in force; that he is told is recorded."""
        claim = current_claim(_interaction(call))
        if claim is None or claim.customer is None:
            return False
        if not Hold.objects.in_force(at).filter(customer=claim.customer).exists():
            return False
        _record_told_of_hold(claim.speaker.interaction, claim.customer, at)
        return True

    def perform(self, choice: str, call: Call, at: datetime) -> tuple[Told, ...]:
        """Ask the gate, and tell what it did or, in the refusal's own words, what else can be done."""
        parameters = _matter(_interaction(call)) if choice == "visit" else {}
        decisions = [
            attempt(name, origin=Live(_id(call)), parameters=parameters, at=at, key=f"{_key(call)}:{name}")
            for name in ACTIONS[choice]
        ]
        granted = [each for each in decisions if isinstance(each, Granted)]
        if len(granted) == len(decisions):
            return (_told(choice, granted[0].result),)
        refused = next((each.refusal for each in decisions if isinstance(each, Refused)), None)
        return (Told("refused", {"words": refused.said[call.language]}) if refused else Told("not_by_keypad", {}),)

    def expected(self, call: Call) -> UUID | None:
        """Give the newest question of the contact, while a call may still be on its way to it."""
        return separating.on_its_way(_interaction(call))

    def asks(self, call: Call, question: UUID, at: datetime) -> bool:
        """Put the question in the language that the person speaks with him."""
        interaction = _interaction(call)
        call.language = interaction.language
        return separating.heard(interaction, question, at=at)

    def answer(self, call: Call, day: int, month: int, at: datetime) -> None:
        """Let the answer pick one. A contact that has ended meanwhile needs none."""
        with suppress(interactions.Ended):
            separating.answer(_id(call), day=day, month=month, at=at)

    def skip(self, call: Call, at: datetime) -> None:
        """Note that there is no answer."""
        with suppress(interactions.Ended):
            separating.skip(_id(call), at=at)

    def back_to(self, call: Call) -> str:
        """Name the queue of whoever serves the contact: his telephone takes its callers before all others."""
        by = _interaction(call).served_by
        return by.telephone_queue if by is not None else ""

    def to_human(self, call: Call, keypad: str, at: datetime) -> None:
        """Queue the interaction. One that has ended is not: its caller hears goodbye instead of waiting for nobody."""
        if call.interaction is None:
            return
        try:
            interactions.wait(call.interaction.public_id, keypad=keypad, at=at)
        except interactions.Ended:
            return

    def end(self, call: Call, at: datetime) -> None:
        """End the interaction, if the call got as far as having one."""
        if call.interaction is not None:
            interactions.end(call.interaction.public_id, at=at)

    def _check(self, call: Call, kind: str, code: str, at: datetime) -> Check:
        index = call.challenge_index or 0
        typed = keypad.check(_id(call), kind=kind, code=code, index=index, at=at, key=_key(call))
        return Check(typed.value)


def _called(number: str | None) -> Organisation:
    """Find the organisation by the number that was dialled; where there is only one, it is that one."""
    dialled = _digits(number or "")
    rows = list(Organisation.objects.order_by("pk"))
    found = next((each for each in rows if dialled and _digits(each.number_to_call) == dialled), None)
    return found or Organisation.objects.get()


def _digits(number: str) -> str:
    """Return a number as it is dialled: people write theirs with blanks."""
    return "".join(each for each in number if each in "+0123456789")


def _interaction(call: Call) -> Interaction:
    if call.interaction is None:
        raise LookupError("a call whose interaction was never opened")
    return call.interaction


def _id(call: Call) -> UUID:
    return _interaction(call).public_id


def _key(call: Call) -> str:
    return f"ivr:{call.pk}:{call.turn}"


def _matter(interaction: Interaction) -> dict[str, str]:
    """Name the newest refusal of this caller for whom a visit was the way forward, so that the visit is about it."""
    claim = current_claim(interaction)
    refusals = Refusal.objects.filter(interaction=interaction, customer=claim.customer if claim else None)
    for refusal in refusals.exclude(action="book_visit").order_by("-pk")[:10]:
        if "visit" in refusal.ways:
            return {"refusal": str(refusal.public_id)}
    return {}


def _told(choice: str, result: dict[str, Any]) -> Told:
    match choice:
        case "state":
            return Told(STATES[result["state"]], {})
        case "visit":
            return Told("visit.requested", {})
        case "callback":
            phrase = result.get("phrase")
            return Told("callback.phrase", {"phrase": phrase}) if phrase else Told("callback.requested", {})
        case "not_me":
            return Told("not_me.noted", {})
        case "stop":
            return Told("stop.done", {})
        case _:
            return Told("hold.placed", {"hours": current().hold // timedelta(hours=1)})


def _record_told_of_hold(interaction: Interaction, customer: Customer, at: datetime) -> None:
    with transaction.atomic():
        record(
            kind="hold.told",
            actor=interaction.actor,
            subject=str(customer.pseudonym),
            at=at,
            outcome="ok",
            purpose="tell the customer about the hold on his own account",
            organisation=str(interaction.organisation_id),
            facts={"interaction": str(interaction.public_id)},
        )
