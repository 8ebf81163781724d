"""What stops the start: a policy that makes no sense, a declaration that cannot be guarded, a refusal without a way."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from verification import guard, policy
from verification.declarations import Misdeclared, all_declared
from verification.levels import Level
from verification.models import Evidence, Interaction
from verification.reasons import Reason
from verification.ways import NoWay, Situation, forward

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
    try:
        forward(situation)
    except NoWay as error:
        return str(error)
    return ""


def _situations() -> list[Situation]:
    return [
        Situation(action, reason, channel, held, action.required, keypad)
        for action in all_declared()
        for reason in Reason.values
        for channel in Interaction.Channel.values
        for held in Level
        for keypad in Interaction.Keypad.values
    ]


@register()
def one_attempt_one_transaction(**_: Any) -> list[CheckMessage]:
    """verification.E004: ATOMIC_REQUESTS would roll refusals and counters back with the request."""
    wrong = [name for name, options in settings.DATABASES.items() if options.get("ATOMIC_REQUESTS")]
    hint = "Remove ATOMIC_REQUESTS; the gate opens its own transaction."
    return [Error(f"ATOMIC_REQUESTS is on for {name}", hint=hint, id="verification.E004") for name in wrong]


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
