"""Judge one recorded decision again, on the spot: the same inputs, and the policy in force."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from audit.facts import ACTION, CONTACT, Fact
from audit.models import Entry
from verification.policy import Policy, current
from verification.replay import JUDGED, SKEW, Answer, Unsure, once_more

MOST: Final = 5_000  # grants that one judgement counts; more than a cap allows in any sensible window


@dataclass(frozen=True)
class Again:
    """What judging again gave. `answer` is None when no policy decides it, or (`unsure`) too little is known to say."""

    then: str
    now: str
    answer: Answer | None
    unsure: bool = False


def again(entry: Entry, envelope: Mapping[str, Any], policy: Policy | None = None) -> Again:
    """Judge a decision of the gate under the policy in force (or `policy`). Writes nothing."""
    policy, facts = policy or current(), envelope["facts"]
    told = Again(str(facts.get("policy", "")), policy.version, None)
    if (reason := facts.get("reason", "")) and reason not in JUDGED:
        return told
    try:
        return Again(told.then, told.now, once_more(envelope, policy, _granted_before(entry, envelope, policy)))
    except (Unsure, KeyError):
        return Again(told.then, told.now, None, unsure=True)


def _granted_before(entry: Entry, envelope: Mapping[str, Any], policy: Policy) -> Iterator[dict[str, Any]]:
    """Yield the earlier grants of the same action that a cap may count. Raises Unsure when they are too many."""
    facts = envelope["facts"]
    caps = policy.caps_of(facts["action"])
    if not caps:
        return
    since = datetime.fromisoformat(envelope["at"]) - max(cap.within for cap in caps) - SKEW
    rows = Entry.objects.alias(action=ACTION, contact=CONTACT, claimed=Fact("claimed")).filter(
        Q(actor=entry.actor) | Q(contact=facts["interaction"]) | Q(claimed=facts["claimed"]),
        action=facts["action"], kind="gate.granted", pk__lt=entry.pk, at__gte=since,
    )  # fmt: skip
    bodies = list(rows.order_by("-pk").values_list("body", flat=True)[: MOST + 1])
    if len(bodies) > MOST:
        raise Unsure
    for body in reversed(bodies):
        yield json.loads(bytes(body))


def age(then: datetime, now: datetime) -> timedelta:
    """Return how old a proof was when the decision fell; one of the same moment may look younger than nothing."""
    return max(now - then, timedelta(0))
