"""Judge recorded attempts again under another policy. Reads the log alone, writes nothing, and guesses nothing.

The level is judged by the gate's own code (verification.levels), from the evidence and the terms of the action that
each entry holds; caps by counting the grants of the log itself. An entry that lacks what the judgement needs is counted
as not judged.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Max

from audit.models import Entry
from verification.declarations import declared
from verification.levels import Fact, Level, approved, held, lacking
from verification.policy import Policy, Raise
from verification.reasons import Reason
from verification.ways import USABLE, NoWay, Situation, by_code, forward

AT_ONCE: Final = 1000
FORGET_EVERY: Final = 50_000
SKEW: Final = timedelta(days=1)  # between the clock of whoever judged and the database's, generously
JUDGED: Final = frozenset({Reason.LEVEL, Reason.STALE, Reason.CONTACT, Reason.NOT_APPROVED, Reason.CAP})
EXACTLY_THIS: Final = "this"  # stands for the digest of the attempt itself
VISIT: Final = "book_visit"
REPLAYED: Final = frozenset({"version", "worth", "together", "caps", "signals"})
OF_THE_CONTACT: Final = "SEVERAL_CLAIMS"  # counted over the contact itself, however long it lasts


class Unsure(LookupError):
    """Tell that the log doesn't hold what another policy would have had to count."""


@dataclass
class Row:
    """What a policy would have meant for one action."""

    attempts: int = 0
    grants_refused: int = 0
    refusals_granted: int = 0
    extra_visits: int = 0
    visits_spared: int = 0
    not_judged: int = 0

    @property
    def flips(self) -> int:
        return self.grants_refused + self.refusals_granted


@dataclass(frozen=True)
class Recorded:
    """One attempt as its entry tells it. `reason` is empty for a grant."""

    action: str
    reason: str
    at: datetime
    counted: Mapping[str, str | None]  # by scope of a cap: the interaction, the customer's number (hashed), the staff
    origin: str
    known: bool
    declared: Level
    signals: Mapping[str, tuple[int, timedelta]] | None  # how often each was seen in how long; None: not asked about
    linked: bool
    used_up: bool
    facts: tuple[Fact, ...]
    largest_age: timedelta | None
    not_resting_on: frozenset[str]
    channel: str
    keypad: str
    usable: frozenset[str]
    said: frozenset[str]


@dataclass
class History:
    """The grants counted so far, as they would have been: by action, scope and whom."""

    policy: Policy
    granted: dict[tuple[str, str, str], list[tuple[datetime, Level]]] = field(default_factory=lambda: defaultdict(list))
    blind_until: dict[str, datetime] = field(default_factory=dict)
    added: int = 0

    def add(self, one: Recorded) -> None:
        """Count one more grant, and now and then forget what has left every window."""
        for scope in {cap.scope for cap in self.policy.caps_of(one.action)}:
            if whom := one.counted[scope]:
                self.granted[one.action, scope, whom].append((one.at, self.proven(one)))
                self.added += 1
        if self.added >= FORGET_EVERY:
            self.added = 0
            self._forget(one.at)

    def _forget(self, now: datetime) -> None:
        widest = max(cap.within for cap in self.policy.caps) + SKEW
        for key, moments in list(self.granted.items()):
            moments[:] = [(moment, level) for moment, level in moments if moment > now - widest]
            if not moments:
                del self.granted[key]

    def add_unread(self, action: str, at: datetime) -> None:
        """Note a grant of which it isn't known whom it counts for: until it is out of every window nothing is sure."""
        for cap in self.policy.caps_of(action):
            self.blind_until[action] = max(at + cap.within, self.blind_until.get(action, at))

    def proven(self, one: Recorded) -> Level:
        """Return the level that the recorded evidence gives under this policy."""
        return held(one.facts, worth=dict(self.policy.worth), together=self.policy.together, at=one.at).level

    def unsure(self, one: Recorded) -> bool:
        return one.action in self.blind_until and one.at < self.blind_until[one.action]

    def capped(self, one: Recorded) -> bool:
        """Tell whether one more grant would pass a cap (as verification.caps counts in the database)."""
        action = declared(one.action)
        least = self.proven(one) if action is not None and action.anyones else Level.NONE
        return one.origin in ("live", "proposal") and any(
            sum(
                moment > one.at - cap.within and (cap.scope != "customer" or level >= least)
                for moment, level in self.granted.get((one.action, cap.scope, whom), ())
            )
            >= cap.times
            for cap in self.policy.caps_of(one.action)
            if (whom := one.counted[cap.scope])
        )


def replay(policy: Policy, *, since: datetime) -> dict[str, Row]:
    """Judge every attempt from `since` on again under `policy`; return what would have changed, by action."""
    longest = max((cap.within for cap in policy.caps), default=timedelta(0))
    return judge(envelopes(since - longest), policy, since=since)


def judge(entries: Iterable[Mapping[str, Any]], policy: Policy, *, since: datetime) -> dict[str, Row]:
    """Judge envelopes in the order of the log. Those before `since` only count towards caps."""
    rows: dict[str, Row] = defaultdict(Row)
    history = History(policy)
    for envelope in entries:
        facts, at = envelope["facts"], datetime.fromisoformat(envelope["at"])
        reason = facts.get("reason", "")
        row = Row() if at < since else rows["(undeclared)" if reason == Reason.UNDECLARED else facts["action"]]
        row.attempts += 1
        if reason and reason not in JUDGED:
            continue  # no policy changes it
        try:
            one = _recorded(envelope, at)
        except KeyError:
            row.not_judged += 1
            if not reason:
                history.add_unread(facts["action"], at)
            continue
        _again(one, row, history, facts.get("ways", ()), judged=at >= since)
    return dict(sorted(rows.items()))


@dataclass(frozen=True)
class Answer:
    """What one attempt comes to under a policy: the reason to refuse, "" for none, and the levels of the judgement."""

    reason: str
    required: Level
    held: Level


def once_more(envelope: Mapping[str, Any], policy: Policy, granted_before: Iterable[Mapping[str, Any]]) -> Answer:
    """Judge one attempt again, counting towards its caps what was granted before it.

    Raises Unsure, and KeyError when the entry was written before its inputs were kept.
    """
    history = History(policy)
    for each in granted_before:
        at = datetime.fromisoformat(each["at"])
        try:
            history.add(_recorded(each, at))
        except KeyError:
            history.add_unread(each["facts"]["action"], at)
    one = _recorded(envelope, datetime.fromisoformat(envelope["at"]))
    reason, required = _objection(one, history)
    return Answer(reason, required, history.proven(one))


def _again(one: Recorded, row: Row, history: History, ways: Iterable[str], *, judged: bool) -> None:
    if not judged:
        if not one.reason:
            history.add(one)
        return
    try:
        objection, required = _objection(one, history)
    except Unsure:
        row.not_judged += 1
        if not one.reason:
            history.add(one)
        return
    if not objection:
        history.add(one)
    if objection and not one.reason:
        row.grants_refused += 1
        row.extra_visits += _cheapest(one, objection, required, history) == VISIT
    if one.reason and not objection:
        row.refusals_granted += 1
        row.visits_spared += _starts(next(iter(ways), "")) == VISIT


def _objection(one: Recorded, history: History) -> tuple[str, Level]:
    """Return the reason to refuse, or "", and the level that is then required. Raises Unsure.

    What isn't known of the signals matters only where it would decide.
    """
    if history.unsure(one):
        raise Unsure
    least, most = _required(one, history)
    found = _objection_at(least, one, history)
    if most > least and bool(found) != bool(_objection_at(most, one, history)):
        raise Unsure
    return found, least


def _required(one: Recorded, history: History) -> tuple[Level, Level]:
    """Return the level required by the signals that surely count, and by those too that may."""
    if one.signals is None or history.proven(one) < Level.LOW:
        return one.declared, one.declared
    surely = possibly = one.declared
    for kind, limit in history.policy.signals.items():
        counts = _counts(kind, limit, one.signals)
        if counts is not False:
            possibly = max(possibly, limit.level)
        if counts:
            surely = max(surely, limit.level)
    return surely, possibly


def _counts(kind: str, limit: Raise, signals: Mapping[str, tuple[int, timedelta]]) -> bool | None:
    """Tell whether a signal counts under this limit; None when it was counted over another time than that."""
    if kind not in signals:
        return None
    times, lasted = signals[kind]
    if kind == OF_THE_CONTACT or lasted == limit.lasts:
        return times >= limit.times
    if limit.lasts < lasted:
        return False if times < limit.times else None
    return True if times >= limit.times else None


def _objection_at(required: Level, one: Recorded, history: History) -> str:
    """Return the reason to refuse at this level, or "". A customer who isn't there is refused under every policy."""
    if not one.known and (required > Level.NONE or one.reason == Reason.LEVEL):
        return Reason.LEVEL.value
    if required > Level.NONE and (missing := _missing(required, one, history.policy)):
        return missing
    if one.linked and one.origin != "proposal" and not _approved(one, history.policy):
        return Reason.NOT_APPROVED.value
    return Reason.CAP.value if history.capped(one) else ""


def _approved(one: Recorded, policy: Policy) -> bool:
    """Tell whether an approval of exactly this counts under the policy; what was used up, no policy makes new."""
    worth = dict(policy.worth)
    return not one.used_up and approved(one.facts, EXACTLY_THIS, worth=worth, at=one.at, youngest_than=one.largest_age)


def _missing(required: Level, one: Recorded, policy: Policy) -> str:
    if one.origin == "proposal":
        return ""  # its level was judged when it was proposed: that attempt is an entry of its own
    return lacking(
        required,
        one.facts,
        worth=dict(policy.worth),
        together=policy.together,
        at=one.at,
        youngest_than=one.largest_age,
        not_resting_on=one.not_resting_on,
    )


def _recorded(envelope: Mapping[str, Any], at: datetime) -> Recorded:
    """Read an entry. Raises KeyError when it was written before its inputs were kept."""
    facts, actor, age = envelope["facts"], envelope["actor"], envelope["facts"]["largest_age"]
    return Recorded(
        action=facts["action"],
        reason=facts.get("reason", ""),
        at=at,
        counted={
            "interaction": facts["interaction"],
            "customer": facts["claimed"] or (envelope["subject"] if facts["known"] else None),
            "staff": actor if actor.startswith("staff:") else None,
        },
        origin=facts["origin"],
        known=facts["known"],
        declared=Level[facts.get("declared", facts["required"])],
        signals=_signals(facts.get("counted")),
        linked=facts["linked"] if facts.get("reason") == Reason.NOT_APPROVED else facts.get("linked", False),
        used_up=facts.get("used_up", False),
        facts=tuple(_fact(seen) for seen in facts["evidence"]),
        largest_age=timedelta(seconds=age) if age is not None else None,
        not_resting_on=frozenset(facts["not_resting_on"]),
        channel=facts["channel"],
        keypad=facts["keypad"],
        usable=frozenset(facts.get("usable", USABLE)),
        said=frozenset(facts.get("said", ())),
    )


def _signals(counted: Mapping[str, list[int]] | None) -> Mapping[str, tuple[int, timedelta]] | None:
    if counted is None:
        return None
    return {kind: (times, timedelta(seconds=lasted)) for kind, (times, lasted) in counted.items()}


def _fact(seen: Mapping[str, Any]) -> Fact:
    until = seen["quarantined_until"]
    return Fact(
        str(seen["kind"]),
        datetime.fromisoformat(str(seen["at"])),
        seen["rests_on"] or "",
        datetime.fromisoformat(until) if until else None,
        EXACTLY_THIS if seen.get("approves") else "",
    )


def _cheapest(one: Recorded, reason: str, required: Level, history: History) -> str:
    """Return the action that the easiest way forward from the new refusal starts, or ""."""
    reached, action = history.proven(one), declared(one.action)
    try:
        ways = forward(
            Situation(action, reason, one.channel, reached, required, one.keypad, usable=one.usable, said=one.said)
        )
    except NoWay:
        return ""
    return ways[0].action


def _starts(code: str) -> str:
    way = by_code(code)
    return way.action if way else ""


def envelopes(since: datetime) -> Iterator[dict[str, Any]]:
    """Yield the envelopes of the gate's decisions that may be of `since` or later, in the log's order, page by page.

    What is written while it runs is left out.
    """
    last, end = 0, Entry.objects.aggregate(last=Max("pk"))["last"] or 0
    decisions = Entry.objects.filter(kind__in=("gate.granted", "gate.refused"), at__gte=since - SKEW, pk__lte=end)
    while page := list(decisions.filter(pk__gt=last).order_by("pk").values_list("pk", "body")[:AT_ONCE]):
        for last, body in page:  # noqa: B007  # the last one is where the next page begins
            envelope = json.loads(bytes(body))
            if datetime.fromisoformat(envelope["at"]) >= since:
                yield envelope


def not_replayed(policy: Policy, in_force: Policy) -> list[str]:
    """Return the parts in which two policies differ and of which a replay says nothing."""
    others = [part.name for part in fields(Policy) if part.name not in REPLAYED]
    return [name for name in others if getattr(policy, name) != getattr(in_force, name)]
