"""A mother phones about her child, and two partners about their firm: each proves himself, and his right is judged too.

On the child's eighteenth birthday, and the day after, the same mother with the same proof is refused, and the child
is not. Told through the agent's page as far as the clock lets it, and on through the gate.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from audit.models import Entry
from tests.actions_asked import VALID
from tests.cast import Cast, Person
from tests.journeys.people import Screen, now
from tests.representatives import child, company, proves, right, says
from verification.gate import Granted, Live, Refused, attempt
from verification.models import ContactChange, Interaction
from verification.reasons import Reason

pytestmark = pytest.mark.slow
HELSINKI = ZoneInfo("Europe/Helsinki")


def born_to_come_of_age(days: int) -> str:
    """Return the birth date of one who comes of age in so many days."""
    birthday = now().astimezone(HELSINKI).date() + timedelta(days=days)
    while (birthday.month, birthday.day) == (2, 29):
        birthday += timedelta(days=1)
    return birthday.replace(year=birthday.year - 18).isoformat()


def try_it(cast: Cast, whom: Person, who: Person, capacity: str, at: datetime) -> Any:
    call = cast.call(at=at)
    says(call, cast, whom, capacity=capacity, who=who if capacity != "SELF" else "", at=at)
    proves(call, at=at)
    origin = Live(call.public_id, cast.agent_aino)
    return attempt("change_address", origin=origin, parameters=VALID["change_address"], at=at)


def test_a_guardian_acts_for_a_child_and_is_refused_from_the_birthday_on(live_cast: Cast) -> None:
    mother = live_cast.helena
    young = child(live_cast, right(mother, "GUARDIAN"), born=born_to_come_of_age(2), at=now() - timedelta(minutes=1))
    call = live_cast.call(at=now())
    agent = Screen(live_cast, "agent_aino")
    agent.sends("claim_number", call.public_id, number=young.number, capacity="GUARDIAN", own_number=mother.number)

    assert live_cast.type_code(call, mother, at=now()).value == "MATCHED", "her own code, for her own self"
    proves(call, at=now())
    decided = attempt(
        "change_address",
        origin=Live(call.public_id, live_cast.agent_aino),
        parameters=VALID["change_address"],
        at=now(),
    )
    assert isinstance(decided, Granted), decided
    changed = ContactChange.objects.filter(kind="ADDRESS").latest("pk")
    assert changed.customer == young.customer, "the child's address, not hers"
    entry = Entry.objects.filter(kind="gate.granted").latest("id")
    assert entry.subject_ref == str(young.customer.pseudonym)

    for days in (2, 3):  # the birthday, and the day after
        later = now() + timedelta(days=days)
        refused = try_it(live_cast, young, mother, "GUARDIAN", later)
        assert isinstance(refused, Refused)
        assert refused.refusal.reason == Reason.AUTHORITY
        assert "visit" in refused.refusal.ways
        assert refused.refusal.said["fi"]
        assert isinstance(try_it(live_cast, young, young, "SELF", later), Granted), "now it is the child's own matter"
    before = try_it(live_cast, young, young, "SELF", now())
    assert isinstance(before, Refused), "and before it was not"


def test_two_signatories_act_together_and_not_one_alone(live_cast: Cast) -> None:
    both = {"group": "board", "needed": 2}
    sanna, olli = live_cast.sanna, live_cast.olli
    shop = company(
        live_cast, right(sanna, "SIGNATORY", **both), right(olli, "SIGNATORY", **both), at=now() - timedelta(minutes=1)
    )
    call, agent = live_cast.call(at=now()), Screen(live_cast, "agent_aino")
    agent.sends("claim_number", call.public_id, number=shop.number, capacity="SIGNATORY", own_number=sanna.number)
    proves(call, at=now())
    origin = Live(call.public_id, live_cast.agent_aino)
    money = {"amount": 4500, "reason": "paid twice in May"}
    alone = attempt("refund_to_account", origin=origin, parameters=money, at=now())
    assert alone.refusal.reason == Reason.AUTHORITY  # type: ignore[union-attr]  # the test fails if it was no refusal
    agent.sends("add_speaker", call.public_id, number=shop.number, capacity="SIGNATORY", own_number=olli.number)
    unproven = attempt("refund_to_account", origin=origin, parameters=money, at=now())
    assert unproven.refusal.reason == Reason.AUTHORITY  # type: ignore[union-attr]
    proves(call, at=now())
    assert isinstance(attempt("refund_to_account", origin=origin, parameters=money, at=now()), Granted)
    assert Interaction.objects.get(pk=call.pk).speakers.count() == 2
