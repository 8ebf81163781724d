"""What auditors read of us: names behind our pseudonyms, codes in words, and each decision of the gate explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import explained, naming
from audit.explained import Explanation, Row
from audit.models import Entry
from audit.naming import Person
from audit.timeline import in_time
from verification.deciding import COUNTED_SIGNALS
from verification.declarations import all_declared
from verification.levels import Level
from verification.models import Claim, ContactChange, Evidence, Interaction, Signal, Staff
from verification.reasons import Reason
from verification.rejudging import Again, again, age

ORIGINS: Final[Mapping[str, Promise]] = {
    "live": gettext_lazy("in a contact"),
    "batch": gettext_lazy("in an import"),
    "follow": gettext_lazy("by a task that finishes what was granted"),
    "proposal": gettext_lazy("by a second person's approval"),
}


def people(organisation: str) -> Iterable[Person]:
    """Yield an organisation's staff, those whose accounts are closed too."""
    rows = Staff.objects.filter(organisation_id=organisation) if organisation.isdecimal() else Staff.objects.none()
    for each in rows.order_by("username"):
        name = each.get_full_name() or each.username
        yield Person(str(each.pseudonym), each.username, name, each.get_role_display())


def actions() -> dict[str, str | Promise]:
    """Return every declared action with its label."""
    return {each.name: each.label for each in all_declared()}


def levels() -> dict[str, str | Promise]:
    """Return the names of the levels with their words."""
    return {level.name: level.label for level in Level}


def explain(entry: Entry, envelope: dict[str, Any]) -> Explanation:
    """Explain one decision of the gate, and judge it again under the policy in force."""
    facts, at = envelope["facts"], datetime.fromisoformat(envelope["at"])
    judged = again(entry, envelope)
    return Explanation(
        rows=tuple(Row(label, value) for label, value in _inputs(facts) if value),
        evidence=tuple(_proof(seen, at) for seen in facts.get("evidence", ())),
        rule=_rule(entry.kind, facts),
        again=_said(judged, facts),
        agrees=_agrees(judged, facts),
    )


def _inputs(facts: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield what went into the judgement. The particulars are personal: they stand among the personal data."""
    yield _("What was asked"), str(actions().get(facts.get("action", ""), facts.get("action", "")))
    yield _("How"), str(ORIGINS.get(facts.get("origin", ""), facts.get("origin", "")))
    yield _("Channel"), _label(Interaction.Channel, facts.get("channel"))
    yield _("In what capacity the caller spoke"), _label(Claim.Capacity, facts.get("capacity"))
    yield _("Role of who asked"), _label(Staff.Role, facts.get("role"))
    yield _("Policy"), str(facts.get("policy", ""))
    yield _("Level required by the action"), _level(facts.get("declared"))
    yield _("Level required then"), _level(facts.get("required"))
    yield _("Level held"), _level(facts.get("held"))
    signals = [_signal(kind) for kind in facts.get("signals", ())]
    yield _("What made us careful"), "; ".join(signals) or _("nothing")
    yield _("Approval of exactly this"), _approval(facts)


def _approval(facts: Mapping[str, Any]) -> str:
    if not facts.get("linked"):
        return _("not needed")
    if facts.get("used_up"):
        return _("needed, and used up already")
    given = any(seen.get("approves") for seen in facts.get("evidence", ()))
    return _("needed, and given") if given else _("needed, and not given")


def _proof(seen: Mapping[str, Any], at: datetime) -> tuple[str, ...]:
    """Return one piece of evidence: what it was, when, how old it was then, and what it rested on."""
    observed = datetime.fromisoformat(str(seen["at"]))
    rests = _label(ContactChange.Kind, seen.get("rests_on"))
    approves = _("approves exactly this") if seen.get("approves") else ""
    return (
        _label(Evidence.Kind, seen["kind"]),
        date_format(timezone.localtime(observed), "SHORT_DATETIME_FORMAT"),
        in_time(age(observed, at)),
        ", ".join(filter(None, [rests, approves])),
    )


def _rule(kind: str, facts: Mapping[str, Any]) -> str:
    if kind == "gate.granted":
        return _("Every rule was met: nothing spoke against it.")
    if kind == "gate.proposed":
        return _("Every rule was met, but the sum or the matter takes a second person.")
    return capfirst(_reason(facts.get("reason", "")))


def _reason(code: str) -> str:
    return str(Reason(code).label) if code in Reason.values else code


def _agrees(judged: Again, facts: Mapping[str, Any]) -> bool | None:
    if judged.answer is None:
        return None
    return bool(judged.answer.reason) == bool(facts.get("reason"))


def _said(judged: Again, facts: Mapping[str, Any]) -> str:
    if judged.answer is None:
        return _cannot(judged)
    same, agrees = judged.then == judged.now, _agrees(judged, facts)
    if agrees and same:
        return _("Judged again just now under the same policy (%(now)s): the same answer.") % {"now": judged.now}
    names = {"then": judged.then, "now": judged.now, "answer": _answer(judged.answer.reason)}
    if agrees:
        return _("The policy has changed since (then %(then)s, now %(now)s); today's gives the same answer.") % names
    if same:
        return _("Judged again under the same policy (%(now)s) the answer differs: %(answer)s. Report this.") % names
    return _("The policy has changed since (then %(then)s, now %(now)s). Today's answer would be: %(answer)s.") % names


def _cannot(judged: Again) -> str:
    if judged.unsure:
        return _("It can't be judged again for certain: the log doesn't hold all that today's policy asks for.")
    return _("No policy decides this: the rule holds under every one.")


def _answer(reason: str) -> str:
    return _("refused (%(reason)s)") % {"reason": _reason(reason)} if reason else _("granted")


def _level(name: object) -> str:
    return str(levels().get(str(name), "")) if name else ""


def _signal(kind: str) -> str:
    return str(COUNTED_SIGNALS.get(kind) or _label(Signal.Kind, kind))


def _label(choices: Any, code: object) -> str:
    return str(choices(code).label) if code in choices.values else str(code or "")


naming.register_people(people)
naming.register_words("action", actions)
naming.register_words("level", levels)
naming.register_words("reason", lambda: dict(Reason.choices))
for kind in ("gate.granted", "gate.refused", "gate.proposed"):
    explained.register(kind, explain)
