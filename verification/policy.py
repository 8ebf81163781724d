"""Policy as data: policy.toml read into frozen dataclasses. Nonsense in it stops the start (see `problems`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from verification.levels import Level, Together, Worth

FILE = Path(__file__).with_name("policy.toml")
SECTIONS = (
    "keypad", "claims", "prompts", "proposals", "transfer", "sms_code", "contacts", "hold", "parked", "visit_code",
    "enrolment", "money", "log", "separating", "age",
)  # fmt: skip
SCOPES = ("customer", "interaction", "staff")


HIGH_ALONE = frozenset({"E_ID_HIGH", "CIBA_HIGH"})  # a broker vouches for two factors and for the identity behind them
RESTRICTED = frozenset({"SMS_CODE", "CIBA_APPROVED"})  # 63B 3.1.3 and 3.1.3.3


class Nonsense(ValueError):
    """Say which entry of the policy makes no sense, and why."""


@dataclass(frozen=True)
class Keypad:
    back_off_from: int
    back_off_first: timedelta
    back_off_longest: timedelta
    disable_at: int
    tries_per_call: int
    failures_per_hour_everywhere: int


@dataclass(frozen=True)
class Claims:
    """How often whose matter it is may be said: `per_interaction` by each speaker, and for so many customers by all of
    them together; `numbers_per_interaction` counts every number that is named, the speakers' own too.
    """

    per_interaction: int
    numbers_per_interaction: int
    speakers_per_interaction: int
    per_staff_per_day: int
    per_customer_per_day: int
    name_searches_per_interaction: int
    name_searches_per_staff_per_day: int


@dataclass(frozen=True)
class Separating:
    """How often a caller may be asked which of several customers of one name he is."""

    per_interaction: int
    per_name_per_day: int
    per_name_per_month: int
    per_staff_per_day: int


@dataclass(frozen=True)
class Prompts:
    """How requests to prove himself outside the line may be made, and how long they wait."""

    lasts: timedelta
    wrong_words: int
    per_interaction: int
    per_customer_per_day: int
    pushes_per_ten_minutes: int
    pushes_per_day: int


@dataclass(frozen=True)
class SmsCodes:
    """How long a code by text message is good, how many may be sent to one number, and whether one is sent (SEND) or
    withheld (WITHHOLD) while nobody can tell if the SIM card was swapped.
    """

    lasts: timedelta
    per_ten_minutes: int
    per_day: int
    unknown_swap: str


@dataclass(frozen=True)
class Raise:
    """What one signal raises the requirement of sensitive actions to, and for how long after it was seen."""

    level: Level
    lasts: timedelta
    times: int
    because: str


@dataclass(frozen=True)
class Cap:
    """At most `times` grants of `action` within `within`, counted over one customer, interaction or staff member."""

    action: str
    scope: str
    times: int
    within: timedelta
    because: str


@dataclass(frozen=True)
class Policy:
    version: str
    worth: Mapping[str, Worth]
    together: tuple[Together, ...]
    keypad: Keypad
    claims: Claims
    separating: Separating
    prompts: Prompts
    signals: Mapping[str, Raise]
    proposal: timedelta
    transfer: timedelta
    sms_code: SmsCodes
    veto_delay: timedelta
    quarantine: timedelta
    enrolment: timedelta
    hold: timedelta
    parked: timedelta
    visit_code_age: timedelta
    unknown_age: str  # AS_MINOR or AS_ADULT
    caps: tuple[Cap, ...]
    currency: str
    voucher_most: int
    refund_alone_most: int
    goodwill_budget: int
    tail: timedelta

    def caps_of(self, action: str) -> tuple[Cap, ...]:
        """Return the caps declared for one action."""
        return tuple(cap for cap in self.caps if cap.action == action)


@cache
def current() -> Policy:
    """Return the policy in force: the file, read once a process. Raises Nonsense."""
    return read(FILE.read_text(encoding="utf-8"))


def read(text: str) -> Policy:
    """Read a policy. Raises Nonsense with the entry's name when anything is missing, unexplained or absurd."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Nonsense(f"policy.toml does not parse: {error}") from error
    try:
        policy = _policy(raw)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise Nonsense(f"policy.toml lacks or misspells {error}") from error
    _reach(policy)
    return policy


def _policy(raw: dict[str, Any]) -> Policy:
    for section in SECTIONS:
        _because(section, raw[section])
    keypad, claims = raw["keypad"], raw["claims"]
    return Policy(
        version=_version(raw["version"]),
        worth={kind: _worth(kind, entry) for kind, entry in raw["evidence"].items()},
        together=tuple(_together(entry, set(raw["evidence"])) for entry in raw["together"]),
        keypad=Keypad(
            back_off_from=_count(keypad, "back_off_from"),
            back_off_first=timedelta(seconds=_count(keypad, "back_off_first_seconds")),
            back_off_longest=timedelta(seconds=_count(keypad, "back_off_longest_seconds")),
            disable_at=_count(keypad, "disable_at", most=100),  # 63B 3.2.2
            tries_per_call=_count(keypad, "tries_per_call"),
            failures_per_hour_everywhere=_count(keypad, "failures_per_hour_everywhere"),
        ),
        claims=Claims(**{name: _count(claims, name) for name in Claims.__dataclass_fields__}),
        separating=Separating(**{name: _count(raw["separating"], name) for name in Separating.__dataclass_fields__}),
        prompts=Prompts(
            lasts=timedelta(minutes=_count(raw["prompts"], "minutes", most=10)),  # 63B 3.1.3.2
            wrong_words=_count(raw["prompts"], "wrong_words"),
            per_interaction=_count(raw["prompts"], "per_interaction"),
            per_customer_per_day=_count(raw["prompts"], "per_customer_per_day"),
            pushes_per_ten_minutes=_count(raw["prompts"], "pushes_per_ten_minutes"),
            pushes_per_day=_count(raw["prompts"], "pushes_per_day"),
        ),
        signals={kind: _raise(kind, entry) for kind, entry in raw["signal"].items()},
        proposal=timedelta(hours=_count(raw["proposals"], "hours", most=24)),
        transfer=timedelta(minutes=_count(raw["transfer"], "minutes", most=60)),
        sms_code=_sms_codes(raw["sms_code"]),
        veto_delay=timedelta(hours=_count(raw["contacts"], "veto_hours")),
        quarantine=timedelta(hours=_count(raw["contacts"], "quarantine_hours")),
        enrolment=timedelta(hours=_count(raw["enrolment"], "veto_hours", most=24 * 30)),
        hold=timedelta(hours=_count(raw["hold"], "hours", most=72)),
        parked=timedelta(days=_count(raw["parked"], "days", most=30)),
        visit_code_age=timedelta(hours=_count(raw["visit_code"], "sent_hours_before")),
        unknown_age=_unknown_age(raw["age"]),
        caps=tuple(_cap(entry) for entry in raw["cap"]),
        currency=str(raw["money"]["currency"]),
        voucher_most=_count(raw["money"], "voucher_most"),
        refund_alone_most=_count(raw["money"], "refund_alone_most"),
        goodwill_budget=_count(raw["money"], "goodwill_budget"),
        tail=timedelta(minutes=_count(raw["log"], "tail_minutes", most=60)),
    )


def _version(value: object) -> str:
    """Return the version, which every decision keeps: 1 to 20 characters."""
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,20}", value):
        raise Nonsense(f"version: 1 to 20 characters without blanks, not {value!r}")
    return value


def _worth(kind: str, entry: dict[str, Any]) -> Worth:
    _because(f"evidence.{kind}", entry)
    level = _level(f"evidence.{kind}", entry["level"])
    if kind.startswith("KEYPAD") and level > Level.LOW:
        raise Nonsense(f"evidence.{kind}: keypad evidence can never give more than LOW")
    if kind in RESTRICTED and level > Level.LOW:
        raise Nonsense(f"evidence.{kind}: what is typed on the line or only tapped can never give more than LOW")
    if level is Level.HIGH and kind not in HIGH_ALONE:
        raise Nonsense(f"evidence.{kind}: nothing seen at the desk or on the line gives HIGH alone")
    return Worth(level, timedelta(minutes=_count(entry, "minutes", most=24 * 60)), entry["because"])


def _together(entry: dict[str, Any], kinds: set[str]) -> Together:
    _because("together", entry)
    base, one_of = frozenset(entry["base"]), frozenset(entry["one_of"])
    if not base or not one_of or base & one_of:
        raise Nonsense("together: needs a base and, apart from it, one_of")
    if unknown := (base | one_of) - kinds:
        raise Nonsense(f"together: unknown evidence {sorted(unknown)}")
    if any(kind.startswith("KEYPAD") or kind in RESTRICTED for kind in base | one_of):
        raise Nonsense("together: keypad evidence never adds up to more")
    return Together(_level("together", entry["level"]), base, one_of, entry["because"])


def _sms_codes(entry: dict[str, Any]) -> SmsCodes:
    if entry["unknown_swap"] not in ("SEND", "WITHHOLD"):
        raise Nonsense("sms_code: unknown_swap is SEND or WITHHOLD")
    lasts = timedelta(minutes=_count(entry, "minutes", most=10))  # 63B 3.1.3.2
    return SmsCodes(lasts, _count(entry, "per_ten_minutes"), _count(entry, "per_day"), entry["unknown_swap"])


def _unknown_age(entry: dict[str, Any]) -> str:
    if entry["unknown"] not in ("AS_MINOR", "AS_ADULT"):
        raise Nonsense("age: unknown is AS_MINOR or AS_ADULT")
    return str(entry["unknown"])


def _raise(kind: str, entry: dict[str, Any]) -> Raise:
    _because(f"signal.{kind}", entry)
    level = _level(f"signal.{kind}", entry["raises_to"])
    if level <= Level.LOW:
        raise Nonsense(f"signal.{kind}: raises to SUBSTANTIAL or HIGH, or says nothing")
    lasts = timedelta(hours=_count(entry, "hours", most=24 * 90))
    return Raise(level, lasts, _count({"times": 1, **entry}, "times"), entry["because"])


def _cap(entry: dict[str, Any]) -> Cap:
    name = f"cap for {entry['action']}"
    _because(name, entry)
    if entry["scope"] not in SCOPES:
        raise Nonsense(f"{name}: scope is one of {', '.join(SCOPES)}")
    return Cap(
        entry["action"],
        entry["scope"],
        _count(entry, "times"),
        timedelta(days=_count(entry, "days", most=3660)),
        entry["because"],
    )


def _level(where: str, word: object) -> Level:
    if not isinstance(word, str) or word not in Level.__members__:
        raise Nonsense(f"{where}: level is one of {', '.join(Level.__members__)}")
    return Level[word]


def _count(entry: dict[str, Any], name: str, *, most: int = 10**9) -> int:
    value = entry[name]
    if type(value) is not int or not 0 < value <= most:
        raise Nonsense(f"{name}: a whole number from 1 to {most}, not {value!r}")
    return value


def _because(where: str, entry: dict[str, Any]) -> None:
    if len(str(entry.get("because", "")).split()) < 3:
        raise Nonsense(f"{where}: says no because")


def _reach(policy: Policy) -> None:
    """Refuse a policy under which some level cannot be reached at all."""
    reached = {value.level for value in policy.worth.values()} | {rule.level for rule in policy.together}
    if missing := [level.name for level in Level if level not in reached]:
        raise Nonsense(f"no evidence reaches {', '.join(missing)}")
