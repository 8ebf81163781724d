"""What stops the start: a policy that makes no sense, a declaration that cannot be guarded, a refusal without a way."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from verification import guard, policy, roads
from verification.declarations import Misdeclared, all_declared
from verification.levels import Level
from verification.models import Evidence, Interaction
from verification.reasons import Reason
from verification.ways import Situation, leads_on

# What a caller can use on the telephone instead of a text message, and that isn't sent to him over its network.
UNRESTRICTED = frozenset({Evidence.Kind.KEYPAD_TOTP, Evidence.Kind.KEYPAD_CODE_LIST})


@register()
def policy_makes_sense(**_: Any) -> list[CheckMessage]:
    """verification.E001: policy.toml must read, and its caps must name declared actions."""
    try:
        read = policy.read(policy.FILE.read_text(encoding="utf-8"))
    except (policy.Nonsense, OSError) as error:
        return [Error(str(error), hint="Mend verification/policy.toml.", id="verification.E001")]
    names = {action.name for action in all_declared()}
    unknown = sorted({cap.action for cap in read.caps} - names)
    message = f"policy.toml caps actions that are not declared: {', '.join(unknown)}"
    return [Error(message, hint="Declare them, or remove the cap.", id="verification.E001")] if unknown else []


@register()
def writes_are_guarded(**_: Any) -> list[CheckMessage]:
    """verification.E002: whatever an effect writes must be guarded, under the table name that the guard uses."""
    try:
        tables = set(guard.conditions("sqlite"))
    except Misdeclared as error:
        return [Error(str(error), hint="Call guard.protect for the model.", id="verification.E002")]
    unknown = guard.known_tables() - tables
    return [Error(f"unguarded: {sorted(unknown)}", id="verification.E002")] if unknown else []


@register()
def every_refusal_has_a_way(**_: Any) -> list[CheckMessage]:
    """verification.E003: from every action, on every channel, for every reason, some way forward must be open."""
    missing = dict.fromkeys(message for situation in _situations() if (message := _closed(situation)))
    hint = "Register a way forward (verification.ways)."
    return [Error(message, hint=hint, id="verification.E003") for message in missing]


def _closed(situation: Situation) -> str:
    return "" if leads_on(situation) else f"no way forward from {situation.reason} on {situation.channel}"


# All that a caller may say at once, one thing at a time, and nothing.
_SAID: Final = (
    frozenset[str](),
    frozenset(Interaction.Said.values),
    *(frozenset({said}) for said in Interaction.Said.values),
)


def _situations() -> list[Situation]:
    """Return the barest of all situations: with a keypad that isn't over, or a contact to use, only more is open."""
    return [
        Situation(action, reason, channel, held, action.required, "BACKING_OFF", frozenset(), said)
        for action in all_declared()
        for reason in Reason.values
        for channel in Interaction.Channel.values
        for held in Level
        for said in _SAID
    ]


@register()
def every_level_is_reached(**_: Any) -> list[CheckMessage]:
    """verification.E006: the level of every action must be reached by a road that this house is fitted with."""
    highest = roads.highest()
    beyond = [action.name for action in all_declared() if action.required > highest]
    message = f"no configured road reaches the level of {', '.join(beyond)}: the highest is {highest.name}"
    hint = "Configure a broker of strong e-ID, or give the desk a second fact in policy.toml."
    return [Error(message, hint=hint, id="verification.E006")] if beyond else []


@register()
def one_attempt_one_transaction(**_: Any) -> list[CheckMessage]:
    """verification.E004: ATOMIC_REQUESTS would roll refusals and counters back with the request."""
    wrong = [name for name, options in settings.DATABASES.items() if options.get("ATOMIC_REQUESTS")]
    hint = "Remove ATOMIC_REQUESTS; the gate opens its own transaction."
    return [Error(f"ATOMIC_REQUESTS is on for {name}", hint=hint, id="verification.E004") for name in wrong]


@register()
def receipts_are_signed(**_: Any) -> list[CheckMessage]:
    """verification.W001: without RECEIPT_KEY what leaves our database under a grant never leaves.

    A warning and no error: without a receipt the instructions wait, so nothing is done that nobody can verify, and an
    installation may well begin before its system of record is connected.
    """
    leaving = [action.name for action in all_declared() if action.reach == "outbox"]
    if settings.DEMO or settings.RECEIPT_KEY is not None or not leaving:
        return []
    message = f"RECEIPT_KEY is not set: what is granted of {', '.join(leaving)} waits and is never delivered"
    hint = "Set RECEIPT_KEY before customers are promised money or goods (docs/receipts.md)."
    return [checks.Warning(message, hint=hint, id="verification.W001")]


@register()
def a_text_message_is_not_the_only_way(**_: Any) -> list[CheckMessage]:
    """verification.E005: a restricted authenticator is offered beside an unrestricted one of its level (63B 3.2.9)."""
    worth = policy.current().worth
    offered = worth.get(Evidence.Kind.SMS_CODE)
    others = (found.level for kind, found in worth.items() if kind in UNRESTRICTED)
    if offered is None or max(others, default=Level.NONE) >= offered.level:
        return []
    message = "codes by text message are offered, and nothing unrestricted beside them on the telephone"
    hint = "Give codes of an app or of a list their worth in policy.toml, or take evidence.SMS_CODE out."
    return [Error(message, hint=hint, id="verification.E005")]
